/* SPDX-License-Identifier: MIT */
/* A claim as a row, and what the two files of rows share. */
#ifndef IOTOLL_STUDY_PAPER_CLAIMS_H
#define IOTOLL_STUDY_PAPER_CLAIMS_H

#include "sim/cpu.h"
#include "study/paper.h"

enum verdict { VERDICT_HOLDS, VERDICT_FAILS, VERDICT_NOT_TESTED, VERDICT_REPORTED };

extern const char *const paper_verdicts[]; /* their words */

struct claim_result {
	char measured[1024];
	enum verdict verdict; /* VERDICT_NOT_TESTED until judged */
	char note[640];       /* beside the verdict; "": none */
};

/* A claim judged from the study's runs. */
struct claim {
	const char *id, *text, *source, *rule;
	void (*judge)(const struct paper *p, struct claim_result *r);
};

/* A claim about the mechanism, judged by an experiment on a rig. */
struct mechanism_claim {
	const char *id, *text, *source, *rule;
	int (*judge)(const struct paper *p, struct claim_result *r, struct err *err);
};

/* Both end with a row whose id is NULL. */
extern const struct claim paper_traffic_claims[];
extern const struct mechanism_claim paper_mechanism_claims[];

/* A claim and what came of it as reports take it; new reference. */
json_t *claim_json(const struct claim *c, const struct claim_result *r);
/* Append to what was measured. */
void claim_say(struct claim_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The note beside the verdict, in place of any there. What it says of causes is computed. */
void claim_note(struct claim_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void claim_judge(struct claim_result *r, bool holds);

/* @path's change at every headline size of the points "<stem>m<size>/off|on<tail>", in percent. */
bool paper_changes(const struct paper *p, const char *stem, const char *tail, const char *path,
		   double out[PAPER_SIZES]);
/* Of @n values, at most PAPER_SIZES. */
double paper_median(const double *values, size_t n);
double paper_greatest(const double *values, size_t n);
/* The greatest loss where values are changes. */
double paper_worst_loss(const double *values, size_t n);

/* paper_dart.c: the judges of S4 and S26. */
void paper_judge_dart(const struct paper *p, struct claim_result *r);
int paper_judge_entries(const struct paper *p, struct claim_result *r, struct err *err);

#endif

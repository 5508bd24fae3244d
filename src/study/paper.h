/* SPDX-License-Identifier: MIT */
/*
 * The study "paper": "The Price of Safety" (OLS 2007), its Figures 2 to 7 and every claim that can
 * be tested. Points are declared in paper_points.c, figures made of their results in
 * paper_figures.c, claims judged in paper_claims.c; paper_xen.h has the part under a hypervisor,
 * paper_proposals.h what the paper proposes, paper_generations.h the machines that came later.
 */
#ifndef IOTOLL_STUDY_PAPER_H
#define IOTOLL_STUDY_PAPER_H

#include "study/study.h"

#define PAPER_SIZES 13

/* netperf message sizes in bytes: powers of two, 16 to 65536. */
extern const unsigned paper_size[PAPER_SIZES];

/* The message sizes at which the variants (other direction, no Nagle, ...) run. */
#define PAPER_VARIANT_SIZES 6
extern const unsigned paper_variant_size[PAPER_VARIANT_SIZES];
/* The size at which everything else is varied: netperf's default on Linux. */
#define PAPER_REFERENCE 16384u

/* The ways the headline is run: the default first, other seeds, the ends of the estimates. */
struct paper_end {
	const char *tail;  /* of point names: "" or "/low" */
	const char *title; /* NULL ends the table */
	unsigned seed;     /* added to the study's */
	const char *estimates;
};
extern const struct paper_end paper_ends[];

/* What else could have been run; the paper does not say. NULL-terminated. */
struct paper_variant {
	const char *id;    /* in point names */
	const char *title; /* "SUT sends" */
	const char *set;   /* one setting; one that ends in "=" takes the message size */
};
extern const struct paper_variant paper_variants[];

/* Hardware time to empty the IOTLB, swept for the strict strategy. NULL-terminated. */
extern const char *const paper_invalidate[];
/* CPUs that run a stream each. 0-terminated. */
extern const unsigned paper_streams[];

/* A number of the profile that has a range, with both ends of it. */
struct paper_estimate {
	char key[64], low[48], high[48];
};

/* Is it of use without a hypervisor and disks? */
bool paper_on_metal(const struct paper_estimate *e);

struct paper {
	struct study study;
	uint64_t seed;
	struct paper_estimate *estimate;
	size_t estimates;
	struct compare *comparison; /* paper_generations.c: two of each generation */
};

/* Other ways to drive DART, at the reference size: points "dart/<id>". NULL-terminated. */
struct paper_dart_way {
	const char *id, *title;
	const char *model, *a, *b; /* settings; a and b may be NULL */
};
extern const struct paper_dart_way paper_dart_ways[];

/*
 * Point names: paper_id(buf, "m%u/%s", size, "on"). Base points: m<size>/off|on[<tail of an end>];
 * the machine with DART: dart/m<size>/off|on[<tail of an end>]; variants:
 * <variant>/m<size>/off|on; others as paper_points.c names them.
 */
const char *paper_id(char buffer[96], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Declare the point "m<size>/on<tail>" on bare metal, with two more settings (NULL: none). */
void paper_add_on(struct paper *p, unsigned size, const char *tail, const char *a, const char *b);

/* Declare every point, all with @seed. 0, or the first failure. */
int paper_init(struct paper *p, uint64_t seed, struct err *err) MUST_CHECK;
void paper_fini(struct paper *p);

/*
 * After study_execute(): the document (figures, tables, claims, runs) that reports are made of.
 * Runs the small experiments. New reference, or NULL with @err.
 */
json_t *paper_document(struct paper *p, struct err *err);

/* Ids of the figures, NULL-terminated. */
extern const char *const paper_figure_ids[];

/* Parts of it, new references. */
json_t *paper_figures(const struct paper *p);
json_t *paper_tables(const struct paper *p);
/* NULL with @err if an experiment could not run. */
json_t *paper_claims(const struct paper *p, struct err *err);

/* The machine with DART: its table, and its series for the figure of increases. */
json_t *paper_dart_table(const struct paper *p);
json_t *paper_dart_series(const struct paper *p);

/* Share of map and unmap time at point @id spent waiting for the table's lock, in percent. */
double paper_contention(const struct paper *p, const char *id);

/* (on - off) / off of @path at the points @off and @on, in percent. NaN if either is missing. */
double paper_change(const struct paper *p, const char *off, const char *on, const char *path);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The strategies of the DMA layer side by side: one machine, one load, one IOMMU; what each costs
 * in processor time ("The Price of Safety", OLS 2007) and what it leaves in a device's reach.
 * Points: "baseline", the same machine without an IOMMU; one by the name of each strategy; and
 * "NAME/rogue", the same while the device attacks the machine, which would spoil the prices.
 * Points are declared in compare.c, what came of them in compare_result.c, the document that pages
 * are made of in compare_document.c.
 */
#ifndef IOTOLL_STUDY_COMPARE_H
#define IOTOLL_STUDY_COMPARE_H

#include "study/study.h"

#define COMPARE_MOST     64u
#define COMPARE_BASELINE "baseline"
#define COMPARE_ID       96u
#define COMPARE_NAME     SCENARIO_TEXT

struct compare_row {
	const char *name, *title;      /* of the strategy's registry */
	char allocator[SCENARIO_TEXT]; /* that serves it: the scenario's own if that one does */
	bool declared;                 /* there is a point; else: */
	struct err reason;             /* why it cannot be built */
	bool demonstration;            /* only there to show what goes wrong */
	bool attacked;                 /* there is a point with attacks; else: */
	struct err no_attacks;         /* why not; empty if nobody asked for any */
};

struct compare {
	struct study *study; /* whose points these are */
	struct study alone;  /* that one, or nothing */
	char prefix[24];     /* of the points' names */
	char scenario[SCENARIO_TEXT], iommu[SCENARIO_TEXT], allocator[SCENARIO_TEXT];
	char sut[SCENARIO_TEXT], client[SCENARIO_TEXT];
	char attacks[SCENARIO_TEXT]; /* a value of rogue.attacks */
	uint64_t seed;
	bool own; /* the IOMMU is the machine's own, the scenario names none */
	struct compare_row row[COMPARE_MOST];
	size_t rows;
};

/*
 * Declare the comparison of @strategies, "all" or names with commas, in the scenario @base, which
 * is not finished yet and is copied; @attacks is what rogue.attacks is to be in the runs with
 * attacks, "none" if there are to be none. The IOMMU is the scenario's, or where that has none the
 * one its machine's profile names. 0; -EINVAL with @err (an unknown name and the nearest one, a
 * scenario that sets strategy or attacks itself, a machine without an IOMMU, a baseline that
 * cannot be built); -ENOENT for a profile that is not there; -ENOMEM. compare_fini() in any case.
 */
int compare_init(struct compare *c, const struct scenario *base, const char *strategies,
		 const char *attacks, struct err *err) MUST_CHECK;
/*
 * The same as a part of the study @into, which must outlive it; names of points, and of runs in
 * what comes of it, begin with @prefix: "2007/strict/rogue" for "2007/".
 */
int compare_join(struct compare *c, struct study *into, const char *prefix,
		 const struct scenario *base, const char *strategies, const char *attacks,
		 struct err *err) MUST_CHECK;
void compare_fini(struct compare *c);
/* The ids of the run named @name, and of that in which the device attacks, into @to of COMPARE_ID
 * bytes; @to. */
const char *compare_id(char *to, const struct compare *c, const char *name);
const char *compare_rogue_id(char *to, const struct compare *c, const char *strategy);

/*
 * After study_execute(): the comparison as docs/results.md describes it, "A comparison". New
 * reference; NULL with @err if the baseline could not be run.
 */
json_t *compare_result(const struct compare *c, struct err *err);

/*
 * Which allocator serves @strategy with the DMA layer's driver @driver: @wanted, or the first of
 * the registry that does. False if none does: then @why says why @wanted does not.
 */
bool compare_allocator(char to[COMPARE_NAME], const char *driver, const char *strategy,
		       const char *wanted, struct err *why);
/*
 * Set "pareto" in each of @rows, an array of objects: no other one is as good in both numbers, at
 * the paths @price and @exposed, and better in one. Demonstrations take no part.
 */
void compare_mark_front(json_t *rows, const char *price, const char *exposed);

/* In what order rows are shown. */
enum compare_order { COMPARE_REGISTRY, COMPARE_PRICE };

/*
 * The document for a page and for terminals: figure, tables, words, runs, and @comparison, made by
 * compare_result(). @command: the arguments that make it, an array; borrowed. New reference.
 */
json_t *compare_document(const struct compare *c, const json_t *comparison,
			 enum compare_order order, const json_t *command);

/*
 * Parts of it, new references: the figure, the table, those that cannot be built (or NULL), what
 * became of attacks (or NULL).
 */
json_t *compare_figure(const json_t *comparison, const json_t *command);
json_t *compare_table(const json_t *comparison, enum compare_order order);
json_t *compare_refused_table(const json_t *comparison);
json_t *compare_attacks_table(const json_t *comparison);
/* In a few sentences what to take from it. */
json_t *compare_words(const json_t *comparison);

#endif

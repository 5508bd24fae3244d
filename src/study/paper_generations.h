/* SPDX-License-Identifier: MIT */
/*
 * The part of the study "paper" that asks its question again of later machines: the strategies side
 * by side, as "iotoll compare" has them (study/compare.h), on the paper's machine and Gigabit and
 * on one machine of each of two later generations.
 */
#ifndef IOTOLL_STUDY_PAPER_GENERATIONS_H
#define IOTOLL_STUDY_PAPER_GENERATIONS_H

#include "study/paper.h"

#define PAPER_GENERATIONS     3
#define PAPER_GENERATION_SETS 8

struct paper_generation {
	const char *id; /* also the beginning of its points' names: "gigabit/strict" */
	const char *year, *rate;
	const char *scenario;
	const char *set[PAPER_GENERATION_SETS]; /* NULL-terminated */
};
extern const struct paper_generation paper_generations[PAPER_GENERATIONS];

/*
 * Declare the points: of each generation a comparison with attacks, and one with another seed,
 * without them, named "gigabit/seed2/strict". 0, or the first failure with @err.
 */
int paper_generations_points(struct paper *p, struct err *err) MUST_CHECK;
void paper_generations_fini(struct paper *p);

/*
 * What came of them, a section of the study's document: how ranks change from one generation to
 * the next, and of each its figure and table, with the command that makes it alone. New reference;
 * NULL with @err if a baseline could not be run.
 */
json_t *paper_generations_section(const struct paper *p, struct err *err);

#endif

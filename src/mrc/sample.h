/* SPDX-License-Identifier: MIT */
/*
 * The miss ratios of an LRU IOTLB of every size out of a part of its pages (C. A. Waldspurger, N.
 * Park, A. Garthwaite and I. Ahmad, "Efficient MRC Construction with SHARDS", FAST 2015): of pages
 * that a hash picks at a fixed rate, all accesses are taken, and distances are rate times what they
 * are in the whole. Ratios are of the accesses that the rate lets expect, not of those that came
 * (the paper's SHARDS-adj), so that a busy page more or less in the sample does not shift them.
 *
 * Here four samples of different pages are taken at once, and their spread says how far to believe
 * them. That hash and its seed are fixed is our choice: the same stream gives the same answer.
 */
#ifndef IOTOLL_MRC_SAMPLE_H
#define IOTOLL_MRC_SAMPLE_H

#include "mrc/mrc.h"

#define MRC_SAMPLES    4u
#define MRC_SAMPLE_MIN 0.0001
#define MRC_SAMPLE_MAX (1.0 / MRC_SAMPLES)

struct mrc_sample {
	double rate;    /* of each sample */
	uint64_t share; /* the same of 2^62 */
	uint64_t accesses;
	struct mrc_stream stream[MRC_SAMPLES];
	struct mrc_stack *stack[MRC_SAMPLES];
};

/* @rate: from MRC_SAMPLE_MIN to MRC_SAMPLE_MAX. Never move it afterwards. 0 or -ENOMEM. */
int mrc_sample_init(struct mrc_sample *m, double rate) MUST_CHECK;
/* Allowed on a zeroed one. */
void mrc_sample_fini(struct mrc_sample *m);
/* As those of a stream. */
int mrc_sample_take(struct mrc_sample *m, const struct mrc_many *many) MUST_CHECK;
int mrc_sample_drop_tag(struct mrc_sample *m, uint32_t tag) MUST_CHECK;
int mrc_sample_drop_all(struct mrc_sample *m) MUST_CHECK;
/* No more comes. 0 or -ENOMEM. */
int mrc_sample_end(struct mrc_sample *m) MUST_CHECK;
/*
 * Estimated misses over accesses with @entries, at least 1 / rate: fewer cannot be told apart.
 * *@spread: standard error of it, from how the samples differ.
 */
double mrc_sample_ratio(const struct mrc_sample *m, size_t entries, double *spread);
/* Accesses taken, and pages they were of, in all samples. */
uint64_t mrc_sampled(const struct mrc_sample *m, uint64_t *pages);

#endif

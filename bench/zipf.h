/* SPDX-License-Identifier: MIT */
/*
 * Pages drawn by Zipf's law with exponent 1: the page of rank r comes 1/r times as often as the
 * first. Ranks are spread over the pages at random, so that popular ones are not neighbours. For
 * benchmarks and tests; deterministic.
 */
#ifndef IOTOLL_BENCH_ZIPF_H
#define IOTOLL_BENCH_ZIPF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/rng.h"

struct zipf {
	struct rng rng;
	size_t pages;
	uint64_t *upto; /* by rank: 2^53 times the share of this and all before it */
	uint32_t *page; /* by rank */
};

/* false without memory. */
static inline bool zipf_init(struct zipf *z, size_t pages, uint64_t seed)
{
	double sum = 0, all = 0;

	z->pages = pages;
	z->upto = malloc(pages * sizeof(*z->upto));
	z->page = malloc(pages * sizeof(*z->page));
	if (!z->upto || !z->page)
		return false;
	rng_seed(&z->rng, seed);
	for (size_t i = 0; i < pages; i++) {
		const size_t k = (size_t)rng_below(&z->rng, i + 1);

		all += 1 / (double)(i + 1);
		z->page[i] = z->page[k]; /* a shuffle as it grows */
		z->page[k] = (uint32_t)i;
	}
	for (size_t i = 0; i < pages; i++) {
		sum += 1 / (double)(i + 1);
		z->upto[i] = (uint64_t)(sum / all * 9007199254740992.0);
	}
	return true;
}

static inline void zipf_fini(struct zipf *z)
{
	free(z->upto);
	free(z->page);
}

static inline uint32_t zipf_next(struct zipf *z)
{
	const uint64_t at = rng_u64(&z->rng) >> 11;
	size_t low = 0, high = z->pages - 1;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (at < z->upto[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return z->page[low];
}

#endif

// SPDX-License-Identifier: MIT
/*
 * How fast the IOTLB laboratory goes through a stream on this host: stack distances, the optimum,
 * rows of LRU and the IOTLB itself. Wall-clock figures, never part of a result. The stream mixes a
 * few busy pages (rings), a sliding window (buffers) and rare ones, as a NIC's does. Best of three.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "hw/iotlb.h"
#include "mrc/mrc.h"

#define ACCESSES 10000000u

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int make(struct mrc_stream *s)
{
	struct rng rng;
	int rc = mrc_stream_init(s);

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < ACCESSES && !rc; i++) {
		const uint64_t what = rng_below(&rng, 100);
		uint64_t pfn = rng_below(&rng, 8);

		if (what >= 95)
			pfn = 100000 + rng_below(&rng, 20000);
		else if (what >= 40)
			pfn = 1000 + (i / 64 + rng_below(&rng, 256)) % 4096;
		rc = mrc_access(s, 0, pfn);
	}
	return rc;
}

static int one(const struct mrc_stream *s, unsigned what)
{
	static const char *const names[] = {
		"stack distances, every size",     "next uses and optimum, 64 x 4",
		"next uses and optimum, 256 full", "lru by rows, 64 x 4",
		"iotlb itself, fifo, 64 x 4",      "iotlb itself, s3-fifo, 64 x 4"};
	struct iotlb_config c = {.entries = 256, .ways = what == 2 ? 0 : 4, .line_pages = 1};
	struct mrc_count count = {0};
	uint32_t *set = NULL, *next = NULL;
	uint64_t *depth = NULL;
	size_t depths = 0;
	double best = 1e9;
	int rc;

	strcpy(c.policy, what == 4 ? "fifo" : what == 5 ? "s3-fifo" : "lru");
	rc = mrc_sets(s, &c, &set, NULL);
	for (unsigned i = 0; i < 3 && !rc; i++) {
		const double start = now_s();

		if (what == 0) {
			rc = mrc_stack(s, &depth, &depths);
			free(depth);
		} else if (what <= 2) {
			next = mrc_next_uses(s);
			rc = !next ||
			     mrc_opt(s, next, set, what == 2 ? 1 : 64, what == 2 ? 256 : 4, &count);
			free(next);
		} else if (what == 3) {
			rc = mrc_lru(s, set, 64, 4, &count);
		} else {
			rc = mrc_simulate(s, &c, &count, NULL);
		}
		best = now_s() - start < best ? now_s() - start : best;
	}
	free(set);
	printf("%-34s %8.1f %10llu\n", names[what], ACCESSES / best / 1e6,
	       (unsigned long long)count.misses);
	return rc;
}

int main(void)
{
	struct mrc_stream s;
	int rc = make(&s);

	printf("host wall clock, one core, %u accesses\n%-34s %8s %10s\n", ACCESSES, "what", "M/s",
	       "misses");
	for (unsigned what = 0; what < 6 && !rc; what++)
		rc = one(&s, what);
	mrc_stream_fini(&s);
	return rc != 0;
}

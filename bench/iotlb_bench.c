// SPDX-License-Identifier: MIT
/*
 * What the IOTLB costs this host per call: hits, misses and refills for several geometries and
 * every replacement policy (whole translations: translate_bench.c). Wall-clock figures of the
 * machine it runs on, never part of a simulated result.
 *
 * Each figure is taken over many batches; median and 90th percentile of a batch's mean are shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "hw/iotlb.h"

#define BATCHES 200
#define BATCH   20000
#define PATTERN 4096 /* a power of two */

struct bench {
	struct iotlb *iotlb;
	uint64_t pages[PATTERN];
	double ns[BATCHES];
	uint64_t sink;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void time_it(struct bench *b, void (*batch)(struct bench *b), const char *what,
		    const char *detail)
{
	batch(b); /* warm */
	for (unsigned i = 0; i < BATCHES; i++) {
		double start = now_ns();

		batch(b);
		b->ns[i] = (now_ns() - start) / BATCH;
	}
	qsort(b->ns, BATCHES, sizeof(b->ns[0]), by_value);
	printf("%-28s %-24s %9.2f %9.2f\n", what, detail, b->ns[BATCHES / 2],
	       b->ns[BATCHES * 9 / 10]);
}

static void access_batch(struct bench *b)
{
	uint64_t entry = 0;

	for (unsigned i = 0; i < BATCH; i++) {
		if (iotlb_access(b->iotlb, 0, b->pages[i & (PATTERN - 1)], &entry))
			b->sink += entry;
	}
}

static void insert_batch(struct bench *b)
{
	const uint64_t entry = 3;

	for (unsigned i = 0; i < BATCH; i++) {
		uint64_t page = ++b->sink & 0xFFFFF;

		iotlb_insert(b->iotlb, 0, page, &entry);
	}
}

static void draw_pages(struct bench *b, uint64_t first, uint64_t among)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < PATTERN; i++)
		b->pages[i] = first + rng_below(&rng, among);
}

static int bench_iotlb(struct bench *b, unsigned entries, unsigned ways, const char *policy)
{
	struct iotlb_config config = {.entries = entries, .ways = ways, .line_pages = 1};
	const uint64_t entry = 3;
	char detail[64];

	snprintf(config.policy, sizeof(config.policy), "%s", policy);
	if (ways != 0)
		snprintf(detail, sizeof(detail), "%u x %u ways, %s", entries / ways, ways, policy);
	else
		snprintf(detail, sizeof(detail), "%u, full, %s", entries, policy);
	if (iotlb_create(&b->iotlb, &config, NULL) != 0)
		return 1;
	for (uint64_t pfn = 0; pfn < entries; pfn++)
		iotlb_insert(b->iotlb, 0, pfn, &entry);
	draw_pages(b, 0, entries);
	time_it(b, access_batch, "iotlb_access, hit", detail);
	draw_pages(b, entries, entries);
	time_it(b, access_batch, "iotlb_access, miss", detail);
	time_it(b, insert_batch, "iotlb_insert, evicting", detail);
	iotlb_destroy(b->iotlb);
	return 0;
}

int main(void)
{
	static const struct {
		unsigned entries, ways;
	} geometry[] = {{64, 4}, {512, 4}, {512, 8}, {64, 0}, {512, 0}};
	struct bench *b = calloc(1, sizeof(*b));
	int failed = b == NULL;

	printf("host wall clock, ns per call over %d batches of %d\n", BATCHES, BATCH);
	printf("%-28s %-24s %9s %9s\n", "call", "geometry", "median", "p90");
	for (size_t p = 0; !failed && iotlb_policies[p] != NULL; p++)
		for (size_t g = 0; g < sizeof(geometry) / sizeof(geometry[0]) && !failed; g++)
			failed = bench_iotlb(b, geometry[g].entries, geometry[g].ways,
					     iotlb_policies[p]->name);
	free(b);
	return failed;
}

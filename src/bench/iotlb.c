/* SPDX-License-Identifier: MIT */
/*
 * The IOTLB by itself: hits, misses and refills of every replacement policy; and how fast the miss
 * ratios of all its sizes are found from a stream (src/mrc), which mixes a few busy pages (rings),
 * a sliding window (buffers) and rare ones, as a NIC's does.
 */
#include "hw/iotlb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bench/iotlb.h"
#include "mrc/mrc.h"

#define DRAWS    4096u
#define ACCESSES 1000000u

struct lookups {
	struct iotlb *iotlb;
	uint64_t sink;
	unsigned at;
	uint64_t page[DRAWS];
};

static void lookups_close(void *data)
{
	struct lookups *x = data;

	iotlb_destroy(x->iotlb);
	free(x);
}

/* @among pages from @first on are asked for. */
static int lookups_open(void **data, const struct bench_setup *setup, uint64_t first,
			struct err *err)
{
	struct iotlb_config config = {
		.entries = setup->entries, .ways = setup->ways, .line_pages = 1};
	struct lookups *x = calloc(1, sizeof(*x));
	const uint64_t entry = 3;
	struct rng rng;
	int rc;

	if (!x)
		return -ENOMEM;
	snprintf(config.policy, sizeof(config.policy), "%s", setup->policy);
	rc = iotlb_create(&x->iotlb, &config, err);
	if (rc) {
		free(x);
		return rc;
	}
	for (uint64_t pfn = 0; pfn < setup->entries; pfn++)
		iotlb_insert(x->iotlb, 0, pfn, &entry);
	rng_seed(&rng, 1);
	for (unsigned i = 0; i < DRAWS; i++)
		x->page[i] = first + rng_below(&rng, setup->entries);
	*data = x;
	return 0;
}

static int hits_open(void **data, const struct bench_setup *setup, const void *variant,
		     struct err *err)
{
	(void)variant;
	return lookups_open(data, setup, 0, err);
}

static int misses_open(void **data, const struct bench_setup *setup, const void *variant,
		       struct err *err)
{
	(void)variant;
	return lookups_open(data, setup, setup->entries, err);
}

static bool lookups_work(void *data, unsigned thread, uint64_t ops)
{
	struct lookups *x = data;
	uint64_t entry = 0, sink = 0;
	unsigned at = x->at;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++) {
		if (iotlb_access(x->iotlb, 0, x->page[at], &entry))
			sink += entry;
		at = (at + 1) % DRAWS;
	}
	x->at = at;
	x->sink += sink;
	return true;
}

static bool inserts_work(void *data, unsigned thread, uint64_t ops)
{
	struct lookups *x = data;
	const uint64_t entry = 3;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++)
		iotlb_insert(x->iotlb, 0, ++x->sink & 0xFFFFF, &entry);
	return true;
}

const struct subject iotlb_hits = {.open = hits_open, .work = lookups_work, .close = lookups_close};
const struct subject iotlb_misses = {
	.open = misses_open, .work = lookups_work, .close = lookups_close};
const struct subject iotlb_inserts = {
	.open = misses_open, .work = inserts_work, .close = lookups_close};

/* ---- miss ratios ---- */

struct ratios {
	struct mrc_stream stream;
	struct iotlb_config config;
	uint32_t *set;
	unsigned method;
};

enum { ALL_SIZES, OPTIMUM, AS_CONFIGURED };

static int draw_stream(struct mrc_stream *s)
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

static void ratios_close(void *data)
{
	struct ratios *x = data;

	mrc_stream_fini(&x->stream);
	free(x->set);
	free(x);
}

static int ratios_open(void **data, const struct bench_setup *setup, const void *variant,
		       struct err *err)
{
	struct ratios *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->method = *(const unsigned *)variant;
	x->config = (struct iotlb_config){
		.entries = setup->entries, .ways = setup->ways, .line_pages = 1};
	snprintf(x->config.policy, sizeof(x->config.policy), "%s", setup->policy);
	rc = draw_stream(&x->stream);
	if (!rc)
		rc = mrc_sets(&x->stream, &x->config, &x->set, err);
	if (rc)
		ratios_close(x);
	else
		*data = x;
	return rc;
}

static int all_sizes(const struct ratios *x)
{
	uint64_t *depth = NULL;
	size_t depths = 0;
	const int rc = mrc_stack(&x->stream, &depth, &depths);

	free(depth);
	return rc;
}

static int optimum(const struct ratios *x, struct mrc_count *count)
{
	uint32_t *next = mrc_next_uses(&x->stream);
	int rc = -ENOMEM;

	if (next)
		rc = mrc_opt(&x->stream, next, x->set, x->config.entries / x->config.ways,
			     x->config.ways, count);
	free(next);
	return rc;
}

static bool ratios_work(void *data, unsigned thread, uint64_t ops)
{
	const struct ratios *x = data;
	struct mrc_count count = {0};
	int rc = 0;

	(void)thread;
	for (uint64_t i = 0; i < ops && !rc; i++) {
		if (x->method == ALL_SIZES)
			rc = all_sizes(x);
		else if (x->method == OPTIMUM)
			rc = optimum(x, &count);
		else
			rc = mrc_simulate(&x->stream, &x->config, &count, NULL);
	}
	return rc == 0;
}

static const struct subject ratios = {.open = ratios_open,
				      .work = ratios_work,
				      .close = ratios_close,
				      .each = ACCESSES,
				      .processor_time = true};

#define RATIO(n, w, m, p)                                                                        \
	.name = "iotlb.ratio." n, .group = "iotlb", .what = w, .subject = &ratios, .rate = true, \
	.variant = &(const unsigned){m}, .setup = {.entries = 256, .ways = 4, .policy = (p)}
#define HIT(n, w, e, y)                                                              \
	.name = "iotlb.hit." n, .group = "iotlb", .what = w, .subject = &iotlb_hits, \
	.floor = "load-l1", .setup = {.entries = (e), .ways = (y), .policy = "lru"}

const struct row iotlb_rows[] = {
	{RATIO("all-sizes", "exact LRU curve of all sizes, accesses", ALL_SIZES, "lru"),
	 .target = 10},
	{RATIO("optimum", "next uses and optimum, 64 sets of 4, accesses", OPTIMUM, "lru")},
	{RATIO("rows", "LRU by rows, 64 sets of 4, accesses", AS_CONFIGURED, "lru")},
	{RATIO("itself", "the IOTLB itself, s3-fifo, 64 sets of 4, accesses", AS_CONFIGURED,
	       "s3-fifo")},
	{HIT("64x4", "bare IOTLB, hit, 64 entries, 4 ways", 64, 4)},
	{HIT("512x4", "bare IOTLB, hit, 512 entries, 4 ways", 512, 4)},
	{HIT("64", "bare IOTLB, hit, 64 entries, full", 64, 0)},
	{HIT("512", "bare IOTLB, hit, 512 entries, full", 512, 0)},
	{.name = NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * Use after unmap: the paper's hole (section 4.1). A DMA to an address whose mapping is over
 * succeeds exactly while its translation sits in the IOTLB; every attempt is made for real and
 * compared with what a probe that changes nothing said just before.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "study/experiment.h"

#define TABLE  65536
#define FRAMES 4096

static const uint64_t delays[STALE_DELAYS] = {0, 4, 16, 64, 256, 1024};

/* @n other mappings come, are used once, and go. */
static void pass_by(struct bench_rig *b, uint64_t n, struct rng *rng)
{
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t iova = bench_map(b, rng_below(rng, FRAMES));

		(void)!bench_dma_write(b, BENCH_DEVID, iova, i);
		bench_unmap(b, iova);
	}
}

static void attempt(struct bench_rig *b, unsigned delay, struct rng *rng, struct stale_result *out)
{
	const struct iotoll_source source = {.bus = RIG_BUS, .devid = BENCH_DEVID};
	const uint64_t frame = rng_below(rng, FRAMES);
	const uint64_t iova = bench_map(b, frame);
	struct iotoll_xlat xlat;
	bool resident, succeeded;

	(void)!bench_dma_write(b, BENCH_DEVID, iova, 1);
	bench_unmap(b, iova);
	pass_by(b, delays[delay], rng);
	resident = !iommu_probe(b->solo.rig.iommu, source, iova, IOTOLL_WRITE, &xlat);
	succeeded =
		!bench_dma_write(b, BENCH_DEVID, iova, 0xdead) && bench_frame(b, frame) == 0xdead;
	out->attempts++;
	out->disagreed += resident != succeeded;
	out->tried[delay]++;
	out->succeeded[delay] += succeeded;
}

int experiment_use_after_unmap(const struct profile *p, const char *strategy,
			       unsigned iotlb_entries, uint64_t attempts, uint64_t seed,
			       struct stale_result *out, struct err *err)
{
	const unsigned ways = iotlb_entries < 4 ? 0 : 4;
	struct bench_rig b;
	struct rng rng;
	int rc = bench_rig_init(&b, p, strategy, TABLE, iotlb_entries, ways, FRAMES, err);

	*out = (struct stale_result){0};
	if (rc)
		return rc;
	rng_seed(&rng, seed);
	for (unsigned i = 0; i < STALE_DELAYS; i++)
		out->delay[i] = delays[i];
	for (uint64_t n = 0; n < attempts; n++)
		attempt(&b, (unsigned)(n % STALE_DELAYS), &rng, out);
	bench_rig_fini(&b);
	return 0;
}

/* ---- old addresses ---- */

#define SMALL_TABLE  8192
#define SMALL_FRAMES 1024
#define CACHE        64

/* An address that was given out: for which frame, and whether before the last wrap. */
struct given {
	bool was, before;
	uint64_t frame;
};

static uint64_t wraps_of(const struct bench_rig *b)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(b->solo.rig.domain, &stats);
	return stats.wraps;
}

/* Map, use, unmap, until the allocator has gone round twice and a little further. */
static int two_laps(struct bench_rig *b, struct given *given)
{
	uint64_t wraps = wraps_of(b), more = SMALL_TABLE / 4;

	for (uint64_t n = 0; more && n < 4 * SMALL_TABLE; n++) {
		const uint64_t iova = bench_map(b, n);

		if (iova == UINT64_MAX || bench_dma_write(b, BENCH_DEVID, iova, n))
			return -EIO;
		bench_unmap(b, iova);
		if (wraps_of(b) != wraps) {
			wraps = wraps_of(b);
			for (unsigned i = 0; i < SMALL_TABLE; i++)
				given[i].before = given[i].was;
		}
		given[iova >> PAGE_SHIFT] = (struct given){.was = true, .frame = n % SMALL_FRAMES};
		more -= wraps >= 2;
	}
	return more ? -EIO : 0;
}

static void try_again(struct bench_rig *b, const struct given *given,
		      struct replay_result_late *out)
{
	for (uint64_t page = 0; page < SMALL_TABLE; page++) {
		const uint64_t value = 0xbad0000 + page;

		if (!given[page].before)
			continue;
		out->attempts++;
		out->succeeded += !bench_dma_write(b, BENCH_DEVID, page << PAGE_SHIFT, value) &&
				  bench_frame(b, given[page].frame) == value;
	}
}

int experiment_replay_late(const struct profile *p, const char *strategy,
			   struct replay_result_late *out, struct err *err)
{
	struct given *given = calloc(SMALL_TABLE, sizeof(*given));
	struct bench_rig b;
	int rc = given ? bench_rig_init(&b, p, strategy, SMALL_TABLE, CACHE, 4, SMALL_FRAMES, err)
		       : err_set(err, -ENOMEM, "no memory");

	*out = (struct replay_result_late){0};
	if (!rc) {
		rc = two_laps(&b, given);
		if (rc)
			(void)err_set(err, rc,
				      "old addresses under %s: the allocator does not go "
				      "round",
				      strategy);
		else
			try_again(&b, given, out);
		bench_rig_fini(&b);
	}
	free(given);
	return rc;
}

/* ---- scope ---- */

#define LIVE 32

static uint64_t cached(struct bench_rig *b, const uint64_t *iova)
{
	uint64_t n = 0;

	for (int i = 0; i < LIVE; i++) {
		const struct iotoll_source source = {.bus = RIG_BUS, .devid = BENCH_DEVID};
		struct iotoll_xlat xlat;

		n += !iommu_probe(b->solo.rig.iommu, source, iova[i], IOTOLL_WRITE, &xlat) &&
		     xlat.hit;
	}
	return n;
}

int experiment_scope(const struct profile *p, struct scope_result *out, struct err *err)
{
	struct iotoll_dma_stats stats;
	uint64_t iova[LIVE], one;
	struct bench_rig b;
	int rc = bench_rig_init(&b, p, "strict", 1 << 20, 256, 0, FRAMES, err);

	*out = (struct scope_result){0};
	if (rc)
		return rc;
	one = bench_map(&b, 0);
	for (unsigned i = 0; i < LIVE; i++) {
		iova[i] = bench_map(&b, i + 1);
		(void)!bench_dma_write(&b, BENCH_DEVID, iova[i], i);
	}
	out->cached_before = cached(&b, iova);
	bench_unmap(&b, one);
	out->cached_after = cached(&b, iova);
	/* The neighbour never mapped anything, but sits on the same bus. */
	out->neighbour_reaches = !bench_dma_write(&b, BENCH_NEIGHBOUR, iova[0], 0xbad) &&
				 bench_frame(&b, 1) == 0xbad;
	iotoll_dma_domain_stats(b.solo.rig.domain, &stats);
	out->table_entries = 1 << 20;
	out->usable_entries = stats.usable_entries;
	for (unsigned i = 0; i < LIVE; i++)
		bench_unmap(&b, iova[i]);
	bench_rig_fini(&b);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Use after unmap: the paper's hole (section 4.1). A DMA to an address whose mapping is over
 * succeeds exactly while its translation sits in the IOTLB; every attempt is made for real and
 * compared with what a probe that changes nothing said just before.
 */
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

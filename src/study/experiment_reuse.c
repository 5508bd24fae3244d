/* SPDX-License-Identifier: MIT */
/*
 * When may an I/O address be used again? The paper's answer (section 4.1): after the flush at
 * roll-around, so one flush per lap suffices. The first experiment is the case it covers, the
 * second the one it does not.
 */
#include <errno.h>

#include "base/rng.h"
#include "study/experiment.h"

#define SMALL_TABLE 8192  /* size code 0: 32 MiB of DMA space, a lap in seconds */
#define LARGE_IOTLB 16384 /* more than a lap: no entry leaves by capacity */
#define LIVE        200   /* mappings alive at a time: a posted receive ring */
#define FRAMES      1024

/* One step of a ring: the oldest mapping goes, a new one comes and is used. */
struct ring {
	uint64_t iova[LIVE], frame[LIVE];
};

static int step(struct bench_rig *b, struct ring *ring, uint64_t n, struct rng *rng,
		struct reuse_result *out, struct err *err)
{
	const uint64_t slot = n % LIVE, frame = rng_below(rng, FRAMES), value = n + 1;

	if (n >= LIVE)
		bench_unmap(b, ring->iova[slot]);
	ring->frame[slot] = frame;
	ring->iova[slot] = bench_map(b, frame);
	if (ring->iova[slot] == UINT64_MAX)
		return err_set(err, -ENOSPC, "the table is full after %llu mappings",
			       (unsigned long long)n);
	if (bench_dma_write(b, BENCH_DEVID, ring->iova[slot], value) ||
	    bench_frame(b, frame) != value)
		out->misplaced++;
	out->mappings++;
	return 0;
}

static void totals(const struct bench_rig *b, struct reuse_result *out)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(b->solo.rig.domain, &stats);
	out->wraps = stats.wraps;
	out->flushes = stats.flushes;
}

int experiment_short_lived(const struct profile *p, const char *strategy, uint64_t mappings,
			   uint64_t seed, struct reuse_result *out, struct err *err)
{
	struct bench_rig b;
	struct ring ring;
	struct rng rng;
	int rc = bench_rig_init(&b, p, strategy, SMALL_TABLE, LARGE_IOTLB, 0, FRAMES, err);

	*out = (struct reuse_result){0};
	if (rc)
		return rc;
	rng_seed(&rng, seed);
	for (uint64_t n = 0; n < mappings && !rc; n++)
		rc = step(&b, &ring, n, &rng, out, err);
	totals(&b, out);
	for (uint64_t i = 0; i < LIVE && i < mappings && !rc; i++)
		bench_unmap(&b, ring.iova[i]);
	bench_rig_fini(&b);
	return rc;
}

/*
 * Map frame @frame and undo it again, over and over, until the allocator hands out @until (any
 * address after a wrap if that is UINT64_MAX); that last mapping stays.
 */
static int advance(struct bench_rig *b, uint64_t frame, uint64_t until)
{
	struct iotoll_dma_stats before, now;

	iotoll_dma_domain_stats(b->solo.rig.domain, &before);
	for (uint64_t n = 0; n < 3 * SMALL_TABLE; n++) {
		const uint64_t iova = bench_map(b, frame);

		if (iova == UINT64_MAX)
			return -ENOSPC;
		iotoll_dma_domain_stats(b->solo.rig.domain, &now);
		if (iova == until || (until == UINT64_MAX && now.wraps != before.wraps))
			return 0;
		bench_unmap(b, iova);
	}
	return -ENOENT;
}

#define OTHER 1 /* frames by who owns them */
#define OLD   2
#define NEW   3

static int survivor(struct bench_rig *b, struct reuse_result *out)
{
	const uint64_t value = 0x2007;
	uint64_t iova;
	int rc;

	/* Away from the bottom, so that the survivor lies above the hint after the wrap. */
	for (int i = 0; i < SMALL_TABLE / 2; i++)
		bench_unmap(b, bench_map(b, OTHER));
	iova = bench_map(b, OLD);
	rc = advance(b, OTHER, UINT64_MAX);
	/* After the flush its owner still uses it: the translation is cached anew. Then it ends. */
	if (!rc)
		rc = bench_dma_write(b, BENCH_DEVID, iova, value - 1);
	if (rc)
		return rc;
	bench_unmap(b, iova);
	/* Later in this lap, no wrap in between, the same entry goes to another owner. */
	rc = advance(b, NEW, iova);
	if (rc)
		return rc;
	rc = bench_dma_write(b, BENCH_DEVID, iova, value);
	out->mappings = 1;
	out->misplaced = bench_frame(b, NEW) != value;
	bench_unmap(b, iova);
	return rc;
}

int experiment_survivor(const struct profile *p, const char *strategy, struct reuse_result *out,
			struct err *err)
{
	struct bench_rig b;
	int rc = bench_rig_init(&b, p, strategy, SMALL_TABLE, 64, 4, FRAMES, err);

	*out = (struct reuse_result){0};
	if (rc)
		return rc;
	rc = survivor(&b, out);
	totals(&b, out);
	bench_rig_fini(&b);
	return rc ? err_set(err, rc, "the survivor experiment could not be set up (%d)", rc) : 0;
}

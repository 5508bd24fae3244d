/* SPDX-License-Identifier: MIT */
/*
 * Burst: one invalidation at the end of a burst of unmaps, which is where the driver says so
 * (iotoll_dma_attrs.more). rIOMMU is made for it (Malka, Amit and Tsafrir, ASPLOS 2015): its
 * invalidation takes all of a ring, of which the hardware holds two mappings at most, so that until
 * the end of the burst no more than those stay reachable. With tables of pages it is the third idea
 * of F&S ("Fast & Safe IO Memory Protection", SOSP 2024), one invalidation of a range for all
 * that goes together; pages whose addresses are neighbours are asked for as one range.
 *
 * What was cleared is kept until it has been invalidated, so nothing is used again before. A burst
 * longer than the list ends early; one that its driver leaves open ends with the next unmap of
 * anybody's, or with iotoll_dma_unmap_end().
 */
#include <errno.h>

#include "dma/domain.h"

#define FRAME_BYTES 4096u
#define SLOTS       256u

struct burst {
	/* Of the list, a frame, so that what CPUs read and write of it can be charged. */
	iotoll_phys_t paddr;
	unsigned n;
};

_Static_assert(SLOTS * sizeof(struct entry_run) <= FRAME_BYTES, "the list is a frame");

static struct entry_run *list_of(const struct iotoll_dma_domain *domain)
{
	const struct burst *b = domain->strategy_data;

	return env_ptr(domain->env, b->paddr, SLOTS * sizeof(struct entry_run));
}

static void touch(struct iotoll_dma_domain *domain, unsigned slot, bool write)
{
	const struct burst *b = domain->strategy_data;

	env_work(domain->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(domain->env,
		  IOTOLL_PHYS(IOTOLL_PHYS_U64(b->paddr) + slot * sizeof(struct entry_run)),
		  sizeof(struct entry_run), write);
}

/* The end of the burst: invalidate what no invalidation before it took out, then set all free. */
static void finish(struct iotoll_dma_domain *domain)
{
	struct burst *b = domain->strategy_data;
	const struct entry_run *list = list_of(domain);
	struct entry_run done = {0, 0};

	for (unsigned i = 0; i < b->n; i++) {
		touch(domain, i, false);
		if (list[i].first >= done.first &&
		    list[i].first + list[i].count <= done.first + done.count)
			continue;
		done = domain_reach(domain, list[i]);
		domain_invalidate(domain, list[i].first, list[i].count);
	}
	for (unsigned i = 0; i < b->n; i++)
		domain_release(domain, list[i].first, list[i].count);
	b->n = 0;
}

/* Neighbours become one range; devices go up as well as down. */
static bool joined(struct entry_run *last, uint64_t first, uint64_t count)
{
	if (first != last->first + last->count && first + count != last->first)
		return false;
	if (first < last->first)
		last->first = first;
	last->count += count;
	return true;
}

static bool burst_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	struct burst *b = domain->strategy_data;
	struct entry_run *list = list_of(domain);

	if (b->n == 0 && !domain->more) {
		domain_invalidate(domain, first, count);
		return true;
	}
	if (b->n == SLOTS)
		finish(domain);
	if (b->n != 0 && joined(&list[b->n - 1], first, count)) {
		touch(domain, b->n - 1, true);
	} else {
		touch(domain, b->n, true);
		list[b->n++] = (struct entry_run){first, count};
	}
	if (!domain->more)
		finish(domain);
	return false;
}

static void burst_end(struct iotoll_dma_domain *domain)
{
	const struct burst *b = domain->strategy_data;

	if (b->n != 0)
		finish(domain);
}

static bool burst_keeps(const struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	const struct burst *b = domain->strategy_data;
	const struct entry_run *list = list_of(domain);

	for (unsigned i = 0; i < b->n; i++)
		if (first < list[i].first + list[i].count && list[i].first < first + count)
			return true;
	return false;
}

static int burst_create(struct iotoll_dma_domain *domain)
{
	struct burst *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	if (env_alloc_pages(domain->env, 1, FRAME_BYTES, 0, &b->paddr)) {
		free(b);
		return -ENOMEM;
	}
	domain->strategy_data = b;
	return 0;
}

static void burst_destroy(struct iotoll_dma_domain *domain)
{
	struct burst *b = domain->strategy_data;

	env_free_pages(domain->env, b->paddr, 1);
	free(b);
}

const struct strategy_ops burst_ops = {
	.name = "burst",
	.title = "invalidate once, at the end of each burst of unmaps (rIOMMU, F&S)",
	.does = "Each unmap clears its entries at once; the IOTLB is told at the end of a burst, "
		"which is where the driver says that nothing more follows, with one invalidation "
		"for "
		"everything that one can cover.",
	.protects =
		"No address is used again before the IOTLB has forgotten it. Behind the end of a "
		"burst nothing of it can be reached.",
	.gives_up = "Within a burst, what was unmapped can be reached while the IOTLB holds it: of "
		    "rIOMMU's rings, two mappings at most.",
	.source = "rIOMMU (ASPLOS 2015): \"requiring explicit invalidations only at the end of I/O "
		  "bursts\"; F&S (SOSP 2024)",
	.translates = true,
	.create = burst_create,
	.destroy = burst_destroy,
	.cleared = burst_cleared,
	.end = burst_end,
	.keeps = burst_keeps,
};

const struct strategy_ops fns_ops = {
	.name = "fast-and-safe",
	.title =
		"burst, with caches of upper tables left alone on VT-d (F&S; allocator contiguous)",
	.does = "As burst; and VT-d is told that only last-level entries have changed, so that it "
		"keeps "
		"what it has cached of the tables above them, which stay where they are. With the "
		"allocator contiguous a burst is one range, of which one table holds the entries.",
	.protects = "As burst. A cached upper entry leads to a table that is still this domain's.",
	.gives_up = "As burst.",
	.source = "F&S: \"Fast & Safe IO Memory Protection\" (SOSP 2024)",
	.translates = true,
	.leaves_only = true,
	.create = burst_create,
	.destroy = burst_destroy,
	.cleared = burst_cleared,
	.end = burst_end,
	.keeps = burst_keeps,
};

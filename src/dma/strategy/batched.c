/* SPDX-License-Identifier: MIT */
/*
 * Batched: Linux's first lazy mode (drivers/pci/intel-iommu.c of 2.6.26: add_unmap(),
 * flush_unmaps()). An unmap clears its entries and puts them on one list for all CPUs. A list of
 * 250, or 10 ms since its first entry, flushes everything once and sets them all free. flush-queue
 * is what became of it: a ring for each CPU.
 */
#include <errno.h>

#include "dma/domain.h"

#define LIST_MAX 250u                  /* HIGH_WATER_MARK */
#define DELAY_PS UINT64_C(10000000000) /* 10 ms */

/* As it lies in memory, so that what CPUs read and write of it can be charged. */
struct waiting {
	uint64_t first, count;
};

_Static_assert(LIST_MAX * sizeof(struct waiting) <= DMA_PAGE_BYTES, "the list is a page");

struct batch {
	iotoll_phys_t list;
	uint64_t length;
	bool timer_on;
};

static struct waiting *waiting_at(const struct iotoll_dma_domain *domain, uint64_t i)
{
	const struct batch *b = domain->strategy_data;

	return env_ptr(domain->env,
		       IOTOLL_PHYS(IOTOLL_PHYS_U64(b->list) + i * sizeof(struct waiting)),
		       sizeof(struct waiting));
}

/* Charge for reading or writing place @i. */
static void touch(struct iotoll_dma_domain *domain, uint64_t i, bool write)
{
	const struct batch *b = domain->strategy_data;

	env_work(domain->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(domain->env, IOTOLL_PHYS(IOTOLL_PHYS_U64(b->list) + i * sizeof(struct waiting)),
		  sizeof(struct waiting), write);
}

/* flush_unmaps(). */
static void flush_all(struct iotoll_dma_domain *domain)
{
	struct batch *b = domain->strategy_data;

	b->timer_on = false;
	domain_flush(domain);
	for (uint64_t i = 0; i < b->length; i++) {
		touch(domain, i, false);
		domain_release(domain, waiting_at(domain, i)->first, waiting_at(domain, i)->count);
	}
	b->length = 0;
}

/* add_unmap(). */
static bool batched_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	struct batch *b = domain->strategy_data;

	if (b->length == LIST_MAX)
		flush_all(domain);
	touch(domain, b->length, true);
	*waiting_at(domain, b->length++) = (struct waiting){first, count};
	if (!b->timer_on) {
		b->timer_on = true;
		domain_set_timer(domain, DELAY_PS);
	}
	return false;
}

static bool batched_keeps(const struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	const struct batch *b = domain->strategy_data;

	for (uint64_t i = 0; i < b->length; i++) {
		const struct waiting *w = waiting_at(domain, i);

		if (first < w->first + w->count && w->first < first + count)
			return true;
	}
	return false;
}

/* flush_unmaps_timeout(). It may find a list that has become full, and begun again, meanwhile. */
static void batched_timer(struct iotoll_dma_domain *domain)
{
	domain->stats.timer_flushes++;
	flush_all(domain);
}

static int batched_create(struct iotoll_dma_domain *domain)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	if (env_alloc_pages(domain->env, 1, DMA_PAGE_BYTES, 0, &b->list)) {
		free(b);
		return -ENOMEM;
	}
	domain->strategy_data = b;
	return 0;
}

static void batched_destroy(struct iotoll_dma_domain *domain)
{
	struct batch *b = domain->strategy_data;

	env_free_pages(domain->env, b->list, 1);
	free(b);
}

const struct strategy_ops batched_ops = {
	.name = "batched",
	.title =
		"one list of unmapped entries, flushed when 250 wait or after 10 ms (Linux's first "
		"lazy)",
	.does = "Each unmap clears its entries and puts them on a list that all CPUs share. A list "
		"of "
		"250, or 10 ms after its first entry, one flush of the domain sets all of them "
		"free.",
	.protects = "No address is used again before the IOTLB has forgotten it.",
	.gives_up =
		"An unmapped page can be reached for as long as the IOTLB holds it, at most until "
		"the next flush.",
	.source = "Linux 2.6.26, drivers/pci/intel-iommu.c (M. Gross, 2008)",
	.translates = true,
	.create = batched_create,
	.destroy = batched_destroy,
	.cleared = batched_cleared,
	.keeps = batched_keeps,
	.timer = batched_timer,
};

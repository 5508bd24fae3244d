/* SPDX-License-Identifier: MIT */
/* See withheld.h. */
#include "dma/strategy/withheld.h"

#include <errno.h>

#define LOW_PAGES 256u /* the first megabyte */

int withheld_fits(const struct iotoll_dma_domain *domain, const char *strategy, struct err *err)
{
	const uint64_t bytes = env_memory_bytes(domain->env);
	const uint64_t entries = domain->driver->entries;

	if (bytes >> DMA_PAGE_SHIFT <= entries && bytes - 1 <= domain->driver->ops->max_paddr)
		return 0;
	return err_set(err, -EINVAL,
		       "strategy %s: a table of %llu entries for %llu pages of memory; "
		       "expected table_entries for each, or less memory",
		       strategy, (unsigned long long)entries,
		       (unsigned long long)(bytes >> DMA_PAGE_SHIFT));
}

/* An allocator that only notes what the driver withholds. */
struct listener {
	struct iova base;
	struct withheld *w;
};

static int note_range(struct iova *a, uint64_t first, uint64_t count)
{
	struct withheld *w = ((struct listener *)a)->w;

	if (!count)
		return 0;
	if (w->ranges == WITHHELD_RANGES)
		return -ENOSPC;
	w->range[w->ranges++] = (struct withheld_range){first, count};
	return 0;
}

int withheld_list(struct withheld *w, const struct iotoll_dma_domain *domain)
{
	static const struct iova_ops ops = {.name = "listener", .reserve = note_range};
	struct listener l = {
		.base = {.ops = &ops, .env = domain->env, .entries = domain->driver->entries},
		.w = w};

	return domain->driver->ops->reserve(domain->driver, &l.base);
}

const struct withheld_range *withheld_next(const struct withheld *w, uint64_t page)
{
	const struct withheld_range *next = NULL;

	for (unsigned i = 0; i < w->ranges; i++)
		if (w->range[i].first + w->range[i].pages > page &&
		    (!next || w->range[i].first < next->first))
			next = &w->range[i];
	return next;
}

void withheld_keep_low(struct withheld *w, const struct iotoll_dma_domain *domain)
{
	const uint64_t low = domain->superpages ? WITHHELD_LOW : LOW_PAGES;
	uint64_t end = 0;

	for (unsigned i = 0; i < w->ranges; i++) {
		const uint64_t last = w->range[i].first + w->range[i].pages;

		if (last <= low && last > end)
			end = domain->superpages ? low : last;
	}
	while (end && w->lows < WITHHELD_LOW &&
	       !env_alloc_pages(domain->env, 1, DMA_PAGE_BYTES, end << DMA_PAGE_SHIFT,
				&w->low[w->lows]))
		w->lows++;
}

void withheld_release(struct withheld *w, const struct iotoll_dma_domain *domain)
{
	for (unsigned i = 0; i < w->lows; i++)
		env_free_pages(domain->env, w->low[i], 1);
	w->lows = 0;
}

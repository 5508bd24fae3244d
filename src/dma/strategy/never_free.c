/* SPDX-License-Identifier: MIT */
/*
 * Never free ("The Price of Safety", section 4.3.4): an unmap leaves the entry as it is and only
 * marks it free for the allocator. The next map that gets it overwrites it, and what the IOTLB
 * holds of it must go before the device uses it: entry by entry where the hardware can; on Calgary
 * by the flush at the wrap, as with deferred and with deferred's gap.
 *
 * Which entries are valid is read off the entries themselves as they are overwritten, and charged
 * with that; the bitmap stands for it.
 */
#include <errno.h>

#include "dma/entries.h"

#define WORD_ENTRIES 64u

struct never_free {
	uint64_t *valid;
};

static bool is_valid(const struct never_free *n, uint64_t entry)
{
	return n->valid[entry / WORD_ENTRIES] >> entry % WORD_ENTRIES & 1;
}

/* How many of the @most entries from @first on are like it. */
static uint64_t alike(const struct never_free *n, uint64_t first, uint64_t most)
{
	uint64_t count = 1;

	while (count < most && is_valid(n, first + count) == is_valid(n, first))
		count++;
	return count;
}

static void overwrite(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages,
		      uint64_t paddr, enum iotoll_dma_dir dir)
{
	if (domain->observer.withdrawn)
		domain->observer.withdrawn(domain->observer.ctx,
					   IOTOLL_IOVA(first << DMA_PAGE_SHIFT), pages);
	entries_rewrite(domain, first, pages, paddr, dir);
	if (domain->driver->ops->invalidate)
		domain_invalidate(domain, first, pages);
	if (domain->observer.granted)
		domain->observer.granted(domain->observer.ctx, IOTOLL_IOVA(first << DMA_PAGE_SHIFT),
					 pages, dir);
}

static int never_free_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct never_free *n = domain->strategy_data;
	const uint64_t pages = dma_pages(paddr, want->bytes);
	uint64_t first;
	const int rc = entries_take(want, paddr, pages, &first);

	if (rc)
		return rc;
	for (uint64_t done = 0, count; done < pages; done += count) {
		const uint64_t entry = first + done;
		const uint64_t at = paddr + (done << DMA_PAGE_SHIFT);

		count = alike(n, entry, pages - done);
		if (is_valid(n, entry))
			overwrite(domain, entry, count, at, want->dir);
		else
			entries_fill(domain, entry, count, at, want->dir);
	}
	for (uint64_t i = first; i < first + pages; i++)
		n->valid[i / WORD_ENTRIES] |= UINT64_C(1) << i % WORD_ENTRIES;
	want->iova = entries_address(first, paddr);
	return 0;
}

/*
 * Entries that were refused by the table's keeper are not there, and those of coherent memory go
 * with it, and are forgotten at once.
 */
static void never_free_unmap(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	struct never_free *n = domain->strategy_data;
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova), first = iova >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(iova, what->bytes);

	if (!what->refused && what->kind != MAPPING_COHERENT) {
		domain->iova->ops->free(domain->iova, first, pages);
		return;
	}
	for (uint64_t i = first; i < first + pages; i++)
		n->valid[i / WORD_ENTRIES] &= ~(UINT64_C(1) << i % WORD_ENTRIES);
	entries_clear(domain, first, pages);
}

static bool never_free_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	domain_invalidate(domain, first, count);
	return true;
}

static void never_free_wrapped(struct iotoll_dma_domain *domain)
{
	if (!domain->driver->ops->invalidate)
		domain_flush_for_reuse(domain);
}

static bool never_free_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova);

	return domain->iova->ops->owns(domain->iova, iova >> DMA_PAGE_SHIFT,
				       dma_pages(iova, what->bytes));
}

static int never_free_create(struct iotoll_dma_domain *domain)
{
	struct never_free *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->valid = calloc(domain->driver->entries / WORD_ENTRIES + 1, sizeof(*n->valid));
	if (!n->valid) {
		free(n);
		return -ENOMEM;
	}
	domain->strategy_data = n;
	return 0;
}

static void never_free_destroy(struct iotoll_dma_domain *domain)
{
	struct never_free *n = domain->strategy_data;

	free(n->valid);
	free(n);
}

const struct strategy_ops never_free_ops = {
	.name = "never-free",
	.title = "leave entries valid at an unmap, overwrite them when their turn comes again",
	.does = "An unmap marks its entries free and leaves them as they are; the map that gets "
		"them next overwrites them and has the IOTLB forget what they said.",
	.protects = "Memory that was never used for DMA.",
	.gives_up = "An unmapped page can be reached until its entry gets its next owner, a whole "
		    "lap of the allocator, whatever it holds by then.",
	.source = "\"The Price of Safety\" (OLS 2007), section 4.3.4",
	.translates = true,
	.keeps_pages = true,
	.create = never_free_create,
	.destroy = never_free_destroy,
	.map = never_free_map,
	.unmap = never_free_unmap,
	.owns = never_free_owns,
	.cleared = never_free_cleared,
	.wrapped = never_free_wrapped,
};

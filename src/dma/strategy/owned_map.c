/* SPDX-License-Identifier: MIT */
/* See owned.h: requests. */
#include "dma/strategy/owned_internal.h"

static struct owned *owned_of(const struct iotoll_dma_domain *domain)
{
	return domain->strategy_data;
}

/* ---- memory that is nobody's of ours ---- */

static void unmap_plainly(struct owned *o, const struct mapping *what)
{
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova), first = iova >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(iova, what->bytes);
	const uint32_t said = owned_said(o, first);

	if (pages > said) {
		/* Its buffer was given back before its unmap, and the unit has gone. */
		domain_count(&o->domain->stats.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
		return;
	}
	domain_open_table(o->domain);
	owned_say(o, first, 0);
	/* Who unmapped less than he had mapped may come back for the rest. */
	if (pages < said)
		owned_say(o, first + pages, said - (uint32_t)pages);
	entries_clear(o->domain, first, pages);
	(void)!domain_close_table(o->domain);
}

static int map_plainly(struct owned *o, struct mapping *want, uint64_t paddr)
{
	const uint64_t pages = dma_pages(paddr, want->bytes);
	uint64_t first;
	int refused, rc;

	domain_open_table(o->domain);
	rc = entries_set(want, paddr, pages, &first);
	if (!rc)
		owned_say(o, first, (uint32_t)pages);
	refused = domain_close_table(o->domain);
	if (rc)
		return rc;
	want->iova = entries_address(first, paddr);
	if (refused)
		unmap_plainly(o, want);
	return refused;
}

/* ---- memory of ours ---- */

/*
 * Where @want's memory is mapped already, for its device and direction. What an earlier, wider
 * mask of its device was given addresses for is of no use.
 */
static struct owned_page *find(const struct owned *o, struct mapping *want, uint64_t paddr)
{
	const uint64_t frame = owned_unit(o, paddr);
	struct owned_page *page = lines_touch(&o->frames, frame, false);
	const uint64_t at = paddr - (frame << DMA_PAGE_SHIFT);
	uint64_t iova;

	env_work(o->domain->env, DMA_WORK_BITMAP_WORD, 1);
	if (!page || !page->entry || page->dev != want->dev || page->dir != want->dir ||
	    want->kind == MAPPING_COHERENT ||
	    want->bytes > (uint64_t)o->unit_pages * DMA_PAGE_BYTES - at)
		return NULL;
	iova = ((page->entry - 1) << DMA_PAGE_SHIFT) + at;
	if (iova + want->bytes - 1 > want->dev->dma_mask)
		return NULL;
	want->iova = IOTOLL_IOVA(iova);
	return page;
}

int owned_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct owned *o = owned_of(domain);
	struct owned_page *page = find(o, want, paddr);

	if (!page)
		return map_plainly(o, want, paddr);
	(void)__atomic_fetch_add(&page->live, 1, __ATOMIC_RELAXED);
	domain_count(&domain->stats.reused_maps, 1);
	return 0;
}

void owned_unmap(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	struct owned *o = owned_of(domain);
	const uint64_t entry = IOTOLL_IOVA_U64(what->iova) >> DMA_PAGE_SHIFT;
	const uint64_t word = __atomic_load_n(owned_bits(o, entry, false), __ATOMIC_RELAXED);

	if (!(word >> entry % 64 & 1)) {
		unmap_plainly(o, what);
	} else {
		const uint64_t frame = owned_said(o, entry) & ~OWNED_UNIT;
		struct owned_page *page = lines_peek(&o->frames, frame);

		if (__atomic_load_n(&page->live, __ATOMIC_RELAXED))
			(void)__atomic_fetch_sub(&page->live, 1, __ATOMIC_RELAXED);
	}
}

bool owned_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	const struct owned *o = owned_of(domain);
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova), entry = iova >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(iova, what->bytes);
	const uint32_t said = owned_said(o, entry);
	const struct owned_page *page;

	if (!(said & OWNED_UNIT))
		return pages <= said;
	page = lines_peek(&o->frames, said & ~OWNED_UNIT);
	return __atomic_load_n(&page->live, __ATOMIC_RELAXED) != 0 &&
	       pages <= page->entry - 1 + o->unit_pages - entry;
}

/* Strict, for what is ours and for what is not. */
bool owned_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	domain_invalidate(domain, first, count);
	return true;
}

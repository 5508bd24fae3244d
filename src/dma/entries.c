/* SPDX-License-Identifier: MIT */
/*
 * See entries.h. The order is that of the Calgary driver (iommu_alloc(), iommu_free() of Linux
 * 2.6.21): allocate, then write entries; clear entries, then free.
 */
#include "dma/entries.h"

/* Devices with narrow masks get addresses they can drive. */
static uint64_t limit_of(const struct iotoll_dma_device *dev)
{
	const uint64_t entries = dev->domain->iova->entries;
	const uint64_t driven = dev->dma_mask >> DMA_PAGE_SHIFT;

	return driven < entries ? driven + 1 : entries;
}

void entries_fill(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages, uint64_t paddr,
		  enum iotoll_dma_dir dir)
{
	struct iotoll_dma_stats *stats = &domain->stats;

	domain->driver->ops->set(domain->driver, first, pages, IOTOLL_PHYS(paddr), dir);
	domain_mapped(domain, first, pages);
	stats->table_writes += pages;
	stats->pages_live += pages;
	if (stats->pages_live > stats->pages_peak)
		stats->pages_peak = stats->pages_live;
	if (domain->observer.granted)
		domain->observer.granted(domain->observer.ctx, IOTOLL_IOVA(first << DMA_PAGE_SHIFT),
					 pages, dir);
}

void entries_rewrite(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages,
		     uint64_t paddr, enum iotoll_dma_dir dir)
{
	if (domain->driver->ops->sets_only_clear) {
		domain->driver->ops->clear(domain->driver, first, pages);
		domain->stats.table_writes += pages;
	}
	domain->driver->ops->set(domain->driver, first, pages, IOTOLL_PHYS(paddr), dir);
	domain_mapped(domain, first, pages);
	domain->stats.table_writes += pages;
}

int entries_take(const struct mapping *want, uint64_t pages, uint64_t *first)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	const struct iova_want wanted = {.count = pages,
					 .limit = limit_of(want->dev),
					 .ring = want->attrs.ring,
					 .driven = (want->dev->dma_mask >> DMA_PAGE_SHIFT) + 1};
	int rc = domain->iova->ops->alloc(domain->iova, &wanted, first);

	if (rc || !domain->driver->ops->prepare)
		return rc;
	rc = domain->driver->ops->prepare(domain->driver, *first, pages);
	if (rc)
		domain->iova->ops->free(domain->iova, *first, pages);
	return rc;
}

int entries_set(const struct mapping *want, uint64_t paddr, uint64_t pages, uint64_t *first)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	const int rc = entries_take(want, pages, first);

	if (rc)
		return rc;
	if (domain->strategy->allocated)
		domain->strategy->allocated(domain, *first, pages);
	entries_fill(domain, *first, pages, paddr, want->dir);
	return 0;
}

/* The strategy has the first word on when cleared entries are free. */
static void give_back(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	struct iotoll_dma_stats *stats = &domain->stats;

	if (!domain->strategy->cleared || domain->strategy->cleared(domain, first, pages)) {
		domain->iova->ops->free(domain->iova, first, pages);
		return;
	}
	stats->kept_pages += pages;
	if (stats->kept_pages > stats->kept_peak)
		stats->kept_peak = stats->kept_pages;
}

void entries_clear(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	domain->driver->ops->clear(domain->driver, first, pages);
	domain->stats.table_writes += pages;
	domain->stats.pages_live -= pages;
	give_back(domain, first, pages);
	if (domain->observer.withdrawn)
		domain->observer.withdrawn(domain->observer.ctx,
					   IOTOLL_IOVA(first << DMA_PAGE_SHIFT), pages);
}

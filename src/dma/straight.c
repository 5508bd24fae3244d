/* SPDX-License-Identifier: MIT */
/* See straight.h. */
#include "dma/straight.h"

#include "dma/counting.h"

void straight_decide(struct iotoll_dma_domain *domain)
{
	const struct strategy_ops *s = domain->strategy;
	const struct driver_ops *d = domain->driver->ops;

	domain->straight = domain->shares && !domain_watched(domain) && !s->map && !s->unmap &&
			   !s->owns && !s->own_locks && !d->bytewise && !d->lent && !d->commit &&
			   !d->publish && !d->flushes_maps;
}

/* Does [address, address + bytes) lie in one page, and is it any? */
static bool in_a_page(uint64_t address, size_t bytes)
{
	return bytes - 1 < DMA_PAGE_BYTES - address % DMA_PAGE_BYTES;
}

/* An entry for a page at @paddr, and what it needs. */
static bool take(struct iotoll_dma_device *dev, uint64_t paddr, unsigned ring, uint64_t *first)
{
	struct iotoll_dma_domain *domain = dev->domain;
	struct dma_driver *driver = domain->driver;
	const struct iova_want want = {.count = 1,
				       .limit = domain_limit(domain, dev->dma_mask),
				       .ring = ring,
				       .driven = (dev->dma_mask >> DMA_PAGE_SHIFT) + 1};

	if (domain->iova->ops->alloc(domain->iova, &want, first))
		return false;
	if (!driver->ops->prepare || !driver->ops->prepare(driver, *first, 1, IOTOLL_PHYS(paddr)))
		return true;
	domain->iova->ops->free(domain->iova, *first, 1);
	return false;
}

bool straight_map(struct iotoll_dma_device *dev, uint64_t paddr, size_t bytes,
		  enum iotoll_dma_dir dir, unsigned ring, iotoll_iova_t *out)
{
	struct iotoll_dma_domain *domain = dev->domain;
	struct dma_driver *driver = domain->driver;
	struct counting c;
	uint64_t first;

	if (!in_a_page(paddr, bytes) || (unsigned)dir > IOTOLL_DMA_FROM_DEVICE ||
	    paddr + (bytes - 1) > driver->ops->max_paddr || !take(dev, paddr, ring, &first))
		return false;
	if (domain->strategy->allocated)
		domain->strategy->allocated(domain, first, 1);
	driver->ops->set(driver, first, 1, IOTOLL_PHYS(paddr), dir);
	if (driver->ops->mapped)
		domain_mapped(domain, first, 1);
	c = counting_of(domain);
	(void)counting_add(&c, &c.stats->table_writes, 1);
	counting_live(domain, &c, 1);
	(void)counting_add(&c, &c.stats->maps, 1);
	(void)counting_add(&c, &c.stats->single_entry_maps, 1);
	(void)counting_add(&c, &c.stats->mapped_pages_total, 1);
	*out = IOTOLL_IOVA(first << DMA_PAGE_SHIFT | paddr % DMA_PAGE_BYTES);
	return true;
}

/* Could this entry be one that a request has? The rest is mapping_claim()'s to find out. */
static bool is_mapped(const struct iotoll_dma_domain *domain, uint64_t entry)
{
	return entry >= domain->driver->emergency_pages &&
	       !entry_set_has_any(&domain->leaving, entry, 1) &&
	       domain->iova->ops->owns(domain->iova, entry, 1) &&
	       !(domain->strategy->keeps && domain->strategy->keeps(domain, entry, 1));
}

/* True: nobody has the entry any more; else the strategy keeps it. */
static bool let_go(struct iotoll_dma_domain *domain, uint64_t entry)
{
	const struct strategy_ops *s = domain->strategy;

	domain->driver->ops->clear(domain->driver, entry, 1);
	return !s->cleared || s->cleared(domain, entry, 1);
}

bool straight_unmap(struct iotoll_dma_device *dev, uint64_t iova, size_t bytes)
{
	struct iotoll_dma_domain *domain = dev->domain;
	const uint64_t entry = iova >> DMA_PAGE_SHIFT;
	const bool marks = !domain->strategy->keeps; /* see entries_withdraw() */
	struct counting c;
	bool free;

	if (!in_a_page(iova, bytes) || !is_mapped(domain, entry))
		return false;
	if (marks)
		entry_set_put(&domain->leaving, entry, 1, true);
	free = let_go(domain, entry);
	if (marks)
		entry_set_put(&domain->leaving, entry, 1, false);
	c = counting_of(domain);
	(void)counting_add(&c, &c.stats->table_writes, 1);
	counting_dead(domain, &c, 1);
	(void)counting_add(&c, &c.stats->unmaps, 1);
	(void)counting_add(&c, &c.stats->single_entry_unmaps, 1);
	if (free)
		domain->iova->ops->free(domain->iova, entry, 1);
	else
		counting_kept(domain, &c, 1);
	return true;
}

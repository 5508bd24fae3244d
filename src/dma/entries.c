/* SPDX-License-Identifier: MIT */
/*
 * See entries.h. The order is that of the Calgary driver (iommu_alloc(), iommu_free() of Linux
 * 2.6.21): allocate, then write entries; clear entries, then free.
 */
#include "dma/entries.h"

#include "dma/counting.h"

/* Pages of I/O addresses that entries which are set cover, for the observer. */
static uint64_t covered(const struct iotoll_dma_domain *domain, uint64_t first, uint64_t entries)
{
	const struct driver_bytewise *b = domain_bytewise(domain);

	return b ? dma_pages(0, b->bytes(domain->driver, first)) : entries;
}

void entries_filled(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count,
		    enum iotoll_dma_dir dir)
{
	const struct counting c = counting_of(domain);

	domain_mapped(domain, first, count);
	(void)counting_add(&c, &c.stats->table_writes, count);
	counting_live(domain, &c, count);
	if (domain->observer.granted)
		domain->observer.granted(domain->observer.ctx, domain_address(domain, first),
					 covered(domain, first, count), dir);
}

void entries_fill(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages, uint64_t paddr,
		  enum iotoll_dma_dir dir)
{
	domain->driver->ops->set(domain->driver, first, pages, IOTOLL_PHYS(paddr), dir);
	entries_filled(domain, first, pages, dir);
}

static void fill_buffer(const struct mapping *want, uint64_t entry, uint64_t paddr)
{
	struct iotoll_dma_domain *domain = want->dev->domain;

	domain_bytewise(domain)->set(domain->driver, entry, IOTOLL_PHYS(paddr), want->bytes,
				     want->dir);
	entries_filled(domain, entry, 1, want->dir);
}

void entries_rewrite(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages,
		     uint64_t paddr, enum iotoll_dma_dir dir)
{
	const struct driver_ops *ops = domain->driver->ops;

	if (ops->sets_only_clear && !ops->replace) {
		ops->clear(domain->driver, first, pages);
		domain->stats.table_writes += pages;
	}
	if (ops->replace)
		ops->replace(domain->driver, first, pages, IOTOLL_PHYS(paddr), dir);
	else
		ops->set(domain->driver, first, pages, IOTOLL_PHYS(paddr), dir);
	domain_mapped(domain, first, pages);
	domain->stats.table_writes += pages;
}

int entries_allocate(const struct mapping *want, uint64_t pages, uint64_t *first)
{
	const struct iotoll_dma_domain *domain = want->dev->domain;
	const struct iova_want wanted = {.count = pages,
					 .limit = domain_limit(domain, want->dev->dma_mask),
					 .ring = want->attrs.ring,
					 .lasting = want->kind == MAPPING_COHERENT,
					 .driven = (want->dev->dma_mask >> DMA_PAGE_SHIFT) + 1};

	return domain->iova->ops->alloc(domain->iova, &wanted, first);
}

int entries_take(const struct mapping *want, uint64_t paddr, uint64_t pages, uint64_t *first)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	int rc = entries_allocate(want, pages, first);

	if (rc || !domain->driver->ops->prepare)
		return rc;
	rc = domain->driver->ops->prepare(domain->driver, *first, pages, IOTOLL_PHYS(paddr));
	if (rc)
		domain->iova->ops->free(domain->iova, *first, pages);
	return rc;
}

int entries_set(const struct mapping *want, uint64_t paddr, uint64_t pages, uint64_t *first)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	const int rc = entries_take(want, paddr, pages, first);

	if (rc)
		return rc;
	if (domain->strategy->allocated)
		domain->strategy->allocated(domain, *first, pages);
	if (domain_bytewise(domain))
		fill_buffer(want, *first, paddr);
	else
		entries_fill(domain, *first, pages, paddr, want->dir);
	return 0;
}

/* The strategy has these from now on. */
static void keep(struct iotoll_dma_domain *domain, uint64_t pages)
{
	const struct counting c = counting_of(domain);

	counting_kept(domain, &c, pages);
}

/* Entries were cleared. */
static void went(struct iotoll_dma_domain *domain, uint64_t pages)
{
	const struct counting c = counting_of(domain);

	(void)counting_add(&c, &c.stats->table_writes, pages);
	counting_dead(domain, &c, pages);
}

/* True: they are free; the strategy has the first word on that. */
static bool clear(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	domain->driver->ops->clear(domain->driver, first, pages);
	went(domain, pages);
	if (!domain->strategy->cleared || domain->strategy->cleared(domain, first, pages))
		return true;
	keep(domain, pages);
	return false;
}

static void tell(struct iotoll_dma_domain *domain, uint64_t first, uint64_t was)
{
	if (domain->observer.withdrawn)
		domain->observer.withdrawn(domain->observer.ctx, domain_address(domain, first),
					   was);
}

/*
 * What the strategy keeps may be another thread's before the call that unmapped it goes on. What
 * keeps those entries from a second unmap is then the strategy's own guard.
 */
static bool hands_over(const struct iotoll_dma_domain *domain)
{
	return domain->shares && domain->strategy->keeps;
}

bool entries_withdraw(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	const uint64_t was = covered(domain, first, pages);
	bool free;

	if (!hands_over(domain))
		entry_set_put(&domain->leaving, first, pages, true);
	free = clear(domain, first, pages);
	tell(domain, first, was);
	if (!hands_over(domain))
		entry_set_put(&domain->leaving, first, pages, false);
	return free;
}

void entries_clear(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	const uint64_t was = covered(domain, first, pages);

	if (clear(domain, first, pages))
		domain->iova->ops->free(domain->iova, first, pages);
	tell(domain, first, was);
}

void entries_drop(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	(void)clear(domain, first, pages);
}

void entries_gone(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	tell(domain, first, pages);
}

/* ---- lists ---- */

void entries_erase(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	const struct driver_ops *ops = domain->driver->ops;

	if (ops->erase)
		ops->erase(domain->driver, first, pages);
	else
		ops->clear(domain->driver, first, pages);
	went(domain, pages);
	entry_set_put(&domain->leaving, first, pages, true);
}

void entries_forget(struct iotoll_dma_domain *domain, const struct entry_run *run, bool *kept,
		    unsigned n, bool more)
{
	const struct strategy_ops *strategy = domain->strategy;
	const bool together = strategy->cleared_runs != NULL;
	bool at_once = false;

	for (unsigned i = 0; i < n && domain->driver->ops->push; i++)
		domain->driver->ops->push(domain->driver, run[i].first, run[i].count, false);
	if (together)
		at_once = strategy->cleared_runs(domain, run, n);
	for (unsigned i = 0; i < n; i++) {
		if (hands_over(domain))
			entry_set_put(&domain->leaving, run[i].first, run[i].count, false);
		if (domain_locked(domain) && !domain->shares)
			domain->more = i + 1 < n || more;
		kept[i] = together ? !at_once
				   : strategy->cleared &&
					     !strategy->cleared(domain, run[i].first, run[i].count);
		if (kept[i])
			keep(domain, run[i].count);
	}
	for (unsigned i = 0; i < n; i++) {
		tell(domain, run[i].first, run[i].count);
		if (!hands_over(domain))
			entry_set_put(&domain->leaving, run[i].first, run[i].count, false);
	}
}

void entries_give_back(struct iotoll_dma_domain *domain, const struct entry_run *run,
		       const bool *kept, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!kept[i])
			domain->iova->ops->free(domain->iova, run[i].first, run[i].count);
}

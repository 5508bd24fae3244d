/* SPDX-License-Identifier: MIT */
/*
 * One mapping, from request to table entry and back. All of it happens under the domain's one lock,
 * as in the paper's kernel (Linux 2.6.21 with the Calgary driver), or, where locks are split, in
 * this order: nobody may have the entries again before all is said and done about them.
 */
#include "dma/mapping.h"

#include <errno.h>

#include "dma/coherent.h"
#include "dma/counting.h"
#include "dma/entries.h"

static uint64_t iova_page(const struct mapping *mapping)
{
	return IOTOLL_IOVA_U64(mapping->iova) >> DMA_PAGE_SHIFT;
}

/* Entries that a mapping which exists has. */
static uint64_t entries_of(const struct mapping *mapping)
{
	return domain_entries(mapping->dev->domain, IOTOLL_IOVA_U64(mapping->iova), mapping->bytes);
}

/* A buffer's entry. */
static int map_buffer(struct mapping *want, uint64_t paddr)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	uint64_t entry;
	int rc;

	if (want->bytes > domain_bytewise(domain)->max_bytes)
		return -EINVAL;
	rc = entries_set(want, paddr, 1, &entry);
	if (!rc)
		want->iova = domain_address(domain, entry);
	return rc;
}

int mapping_check(const struct mapping *want, uint64_t paddr)
{
	if (want->bytes == 0 || want->bytes - 1 > UINT64_MAX - paddr)
		return -EINVAL;
	if (want->dir != IOTOLL_DMA_BIDIRECTIONAL && want->dir != IOTOLL_DMA_TO_DEVICE &&
	    want->dir != IOTOLL_DMA_FROM_DEVICE)
		return -EINVAL;
	if (want->dev->domain->iova &&
	    paddr + (want->bytes - 1) > want->dev->domain->driver->ops->max_paddr)
		return -EINVAL;
	return 0;
}

bool mapping_lent(const struct mapping *want, uint64_t paddr, uint64_t *at)
{
	struct dma_driver *driver = want->dev->domain->driver;

	return driver->ops->lent && driver->ops->lent(driver, paddr, want->bytes, at);
}

/* Entries for @want in the table, or what the strategy has in place of them. */
static int map_in_table(struct mapping *want, uint64_t paddr)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	uint64_t first, at;
	int rc;

	if (mapping_lent(want, paddr, &at)) {
		want->iova = IOTOLL_IOVA(at);
		return at + (want->bytes - 1) <= want->dev->dma_mask ? 0 : -EINVAL;
	}
	if (domain->strategy->map)
		return domain->strategy->map(domain, want, paddr);
	if (domain_bytewise(domain))
		return map_buffer(want, paddr);
	rc = entries_set(want, paddr, dma_pages(paddr, want->bytes), &first);
	if (!rc)
		want->iova = entries_address(first, paddr);
	return rc;
}

/* Without a table a device is given the address that it must put on the bus. */
static int map_as_it_is(struct mapping *want, uint64_t paddr)
{
	const struct iotoll_dma_domain *domain = want->dev->domain;
	const uint64_t at = env_bus_address(domain->env, paddr, want->bytes);

	if (at == ENV_NO_BUS_ADDRESS || at + (want->bytes - 1) > want->dev->dma_mask ||
	    at + (want->bytes - 1) == UINT64_MAX)
		return -EINVAL;
	want->iova = IOTOLL_IOVA(at);
	if (domain->strategy->owns && !domain->strategy->owns(domain, want))
		return -EINVAL;
	return 0;
}

int mapping_add(struct mapping *want, iotoll_phys_t paddr)
{
	struct iotoll_dma_domain *domain = want->dev->domain;
	const uint64_t at = IOTOLL_PHYS_U64(paddr);
	int rc = mapping_check(want, at);

	if (rc)
		return rc;
	if (domain->misuse) {
		rc = misuse_reserve(domain->misuse);
		if (rc)
			return rc;
	}
	rc = domain->iova ? map_in_table(want, at) : map_as_it_is(want, at);
	if (domain->misuse && rc)
		misuse_forgo(domain->misuse);
	else if (domain->misuse)
		misuse_add(domain->misuse, want);
	return rc;
}

/* Of what lies behind @done: as much as is one piece to devices. Returns its bytes. */
static size_t announce_piece(const struct mapping *mapping, uint64_t paddr, size_t done)
{
	const struct iotoll_dma_domain *domain = mapping->dev->domain;
	const uint64_t iova = IOTOLL_IOVA_U64(mapping->iova) + done;
	size_t bytes = mapping->bytes - done;
	uint64_t at = env_bus_address(domain->env, paddr, bytes);

	if (at == ENV_NO_BUS_ADDRESS) {
		bytes = DMA_PAGE_BYTES - paddr % DMA_PAGE_BYTES;
		at = env_bus_address(domain->env, paddr, bytes);
	}
	domain->observer.mapped(domain->observer.ctx, IOTOLL_IOVA(iova), dma_pages(iova, bytes),
				IOTOLL_PHYS(at), bytes, mapping->dir);
	return bytes;
}

static void announce(const struct mapping *mapping, iotoll_phys_t paddr)
{
	const struct iotoll_dma_domain *domain = mapping->dev->domain;
	const uint64_t from = IOTOLL_PHYS_U64(paddr);
	size_t done = 0;

	if (domain->observer.lasting && mapping->kind == MAPPING_COHERENT)
		domain->observer.lasting(domain->observer.ctx, mapping->iova,
					 dma_pages(IOTOLL_IOVA_U64(mapping->iova), mapping->bytes));
	while (domain->observer.mapped && done < mapping->bytes)
		done += announce_piece(mapping, from + done, done);
}

void mapping_announce(const struct mapping *mapping, iotoll_phys_t paddr)
{
	struct iotoll_dma_domain *domain = mapping->dev->domain;

	if (domain_locked(domain))
		domain_settle(domain);
	if (domain->driver->unsent && domain->unannounced_count < UNANNOUNCED_MAX)
		domain->unannounced[domain->unannounced_count++] =
			(struct unannounced){*mapping, paddr};
	else
		announce(mapping, paddr);
}

void mapping_sent(void *ctx)
{
	struct iotoll_dma_domain *domain = ctx;

	for (unsigned i = 0; i < domain->unannounced_count; i++)
		announce(&domain->unannounced[i].mapping, domain->unannounced[i].paddr);
	domain->unannounced_count = 0;
}

void mapping_announce_late(const struct mapping *mapping)
{
	struct iotoll_dma_domain *domain = mapping->dev->domain;

	for (unsigned i = 0; i < domain->unannounced_count; i++) {
		const struct unannounced u = domain->unannounced[i];

		if (u.mapping.iova != mapping->iova || u.mapping.dev != mapping->dev)
			continue;
		domain->unannounced[i] = domain->unannounced[--domain->unannounced_count];
		announce(&u.mapping, u.paddr);
		return;
	}
}

int mapping_commit(const struct mapping *mapping, iotoll_phys_t paddr)
{
	const int rc = domain_commit(mapping->dev->domain);

	mapping_announce(mapping, paddr);
	if (rc) {
		struct mapping made = *mapping;

		made.refused = true;
		(void)mapping_remove(&made);
	}
	return rc;
}

bool mapping_is_lent(const struct mapping *mapping)
{
	const struct dma_driver *driver = mapping->dev->domain->driver;

	return driver->ops->is_lent && driver->ops->is_lent(driver, iova_page(mapping));
}

/* True: the entries from *@first on are the allocator's, as soon as the observer knows. */
static bool take_down_entries(struct iotoll_dma_domain *domain, const struct mapping *mapping,
			      uint64_t *first)
{
	if (domain->strategy->unmap)
		domain->strategy->unmap(domain, mapping);
	else if (!domain->iova || !domain_entry_at(domain, mapping->iova, first))
		return false;
	else if (domain->split)
		return entries_withdraw(domain, *first, entries_of(mapping));
	else
		entries_clear(domain, *first, entries_of(mapping));
	return false;
}

void mapping_take_down(const struct mapping *mapping)
{
	struct iotoll_dma_domain *domain = mapping->dev->domain;
	const uint64_t pages = dma_pages(IOTOLL_IOVA_U64(mapping->iova), mapping->bytes);
	uint64_t first = 0;
	bool free = false;

	mapping_announce_late(mapping);
	if (domain_locked(domain) && !domain->shares)
		domain->more = mapping->attrs.more;
	/* Entries that are lent go with what they came with. */
	if (!mapping_is_lent(mapping))
		free = take_down_entries(domain, mapping, &first);
	if (domain->observer.unmapped)
		domain->observer.unmapped(domain->observer.ctx, mapping->iova, pages,
					  mapping->bytes);
	/* Last of all: from here on they may be somebody else's. */
	if (free)
		domain->iova->ops->free(domain->iova, first, entries_of(mapping));
}

/*
 * Nobody kept a book: an unmap is believed as far as the pages are handed out and the strategy
 * does not keep them from an earlier one.
 */
static bool plausible(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	uint64_t first, pages;

	if (what->bytes == 0 || what->bytes - 1 > UINT64_MAX - IOTOLL_IOVA_U64(what->iova))
		return false;
	if (mapping_is_lent(what))
		return true;
	if (domain->strategy->owns)
		return domain->strategy->owns(domain, what);
	if (!domain->iova)
		return true;
	if (!domain_entry_at(domain, what->iova, &first))
		return false;
	pages = entries_of(what);
	if (entry_set_has_any(&domain->leaving, first, pages))
		return false;
	return domain->iova->ops->owns(domain->iova, first, pages) &&
	       !(domain->strategy->keeps && domain->strategy->keeps(domain, first, pages));
}

/* Where Linux's answer to a failed map lies: warned about there, ignored. */
static void note_emergency(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	if (domain->iova && iova_page(what) < domain->driver->emergency_pages)
		domain_count(&domain->stats.emergency_unmaps, 1);
}

/* Without a book: false, and counted, if @what cannot be. */
static bool believed(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	if (plausible(domain, what))
		return true;
	if (domain->iova)
		domain_count(&domain->stats.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
	return false;
}

bool mapping_claim(const struct mapping *what, struct mapping *found)
{
	struct iotoll_dma_domain *domain = what->dev->domain;

	*found = *what;
	note_emergency(domain, what);
	if (domain->misuse) {
		if (!misuse_take(domain->misuse, what, domain->stats.misuse, found))
			return false;
		found->attrs = what->attrs;
		found->refused = what->refused;
		if (found->kind == MAPPING_COHERENT && what->kind != MAPPING_COHERENT)
			coherent_unmapped(domain, found);
		return true;
	}
	return believed(domain, what);
}

uint64_t mapping_remove(const struct mapping *what)
{
	struct iotoll_dma_domain *domain = what->dev->domain;
	struct mapping found;

	/* Nothing says more of it than @what does: no copy is due. */
	if (!domain->misuse) {
		note_emergency(domain, what);
		if (!believed(domain, what))
			return 0;
		mapping_take_down(what);
		return entries_of(what);
	}
	if (!mapping_claim(what, &found))
		return 0;
	mapping_take_down(&found);
	return entries_of(&found);
}

/* ---- counting ---- */

static struct dma_tally *tally_of(struct iotoll_dma_domain *domain)
{
	return &domain->tally[env_shard(domain->env, TALLY_SHARDS)];
}

void mapping_count_map(struct iotoll_dma_domain *domain, uint64_t pages)
{
	struct counting c;

	if (!domain_locked(domain)) {
		struct dma_tally *t = tally_of(domain);

		domain_count(&t->maps, 1);
		if (pages > 1) {
			domain_count(&t->long_maps, 1);
			domain_count(&t->further_pages, pages - 1);
		}
		return;
	}
	c = counting_of(domain);
	(void)counting_add(&c, &c.stats->maps, 1);
	(void)counting_add(&c, &c.stats->single_entry_maps, pages == 1);
	(void)counting_add(&c, &c.stats->mapped_pages_total, pages);
}

void mapping_count_unmap(struct iotoll_dma_domain *domain, uint64_t pages)
{
	struct counting c;

	if (!domain_locked(domain)) {
		struct dma_tally *t = tally_of(domain);

		domain_count(&t->unmaps, 1);
		if (pages > 1)
			domain_count(&t->long_unmaps, 1);
		return;
	}
	c = counting_of(domain);
	(void)counting_add(&c, &c.stats->unmaps, 1);
	(void)counting_add(&c, &c.stats->single_entry_unmaps, pages == 1);
}

void mapping_count_failure(struct iotoll_dma_domain *domain)
{
	const struct counting c = counting_of(domain);

	if (!domain_locked(domain))
		domain_count(&tally_of(domain)->map_failures, 1);
	else
		(void)counting_add(&c, &c.stats->map_failures, 1);
}

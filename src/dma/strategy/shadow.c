/* SPDX-License-Identifier: MIT */
/*
 * DMA shadow buffers (Markuze, Morrison and Tsafrir, "True IOMMU Protection from DMA Attacks",
 * ASPLOS 2016): the device works on a copy in pages that stay mapped, so nothing is ever
 * invalidated, and it never reaches a byte that was not meant for it. What is larger than the
 * largest shadow buffer is mapped where it lies, and strictly; of its first and its last page,
 * where they are not all its own, there are copies.
 *
 * A copy has the offset within its page that the request has, as this API promises (the paper's
 * need not). Copies are charged where they are made, to map and unmap. Not modelled: the paper's
 * hint by which a driver says how much was received, and pools for each NUMA node.
 */
#include <errno.h>

#include "dma/entries.h"
#include "dma/strategy/shadow_pool.h"

static struct shadow *shadow_of(const struct iotoll_dma_domain *domain)
{
	return domain->strategy_data;
}

/* ---- requests of any size ---- */

/* Its first page's and its last's, where there are copies of them. */
static void ends(const struct iotoll_dma_domain *domain, uint64_t first, const struct record *live,
		 struct bounce_window w[2])
{
	const uint64_t last = dma_pages(live->paddr, live->bytes) - 1;
	const struct record *tail = record_touch(&shadow_of(domain)->records, first + last, false);

	w[0] = (struct bounce_window){.pages = live->copy != 0, .copy = live->copy};
	w[1] = (struct bounce_window){.page = last, .pages = tail->copy != 0, .copy = tail->copy};
}

/* Bring @bytes from @at of the live request at entry @first up to date on one side. */
static void update(struct iotoll_dma_domain *domain, uint64_t first, const struct record *live,
		   uint64_t at, uint64_t bytes, bool to_device)
{
	struct bounce_window w[2] = {bounce_whole(live), {.pages = 0}};

	if (live->dir == (to_device ? IOTOLL_DMA_FROM_DEVICE : IOTOLL_DMA_TO_DEVICE))
		return;
	if (live->state == RECORD_HYBRID)
		ends(domain, first, live, w);
	bounce_part(domain, live, &w[0], at, bytes, to_device);
	bounce_part(domain, live, &w[1], at, bytes, to_device);
}

/* ---- requests larger than a shadow buffer ---- */

static void free_copy(struct iotoll_dma_domain *domain, uint64_t copy)
{
	if (copy)
		env_free_pages(domain->env, IOTOLL_PHYS(copy), 1);
}

static int get_copy(struct iotoll_dma_domain *domain, bool wanted, uint64_t *copy)
{
	iotoll_phys_t frame;
	int rc;

	*copy = 0;
	if (!wanted)
		return 0;
	rc = env_alloc_pages(domain->env, 1, DMA_PAGE_BYTES, bounce_below(domain), &frame);
	if (rc)
		return rc;
	*copy = IOTOLL_PHYS_U64(frame);
	env_clear(domain->env, *copy, DMA_PAGE_BYTES);
	return 0;
}

/* A page of its own for an end that shares its page with others; else the page itself. */
static void fill_hybrid(struct iotoll_dma_domain *domain, const struct mapping *want,
			const struct record *live, uint64_t first, uint64_t tail)
{
	const uint64_t pages = dma_pages(live->paddr, live->bytes);
	const uint64_t head_pages = live->copy != 0, tail_pages = tail != 0;
	const uint64_t middle = pages - head_pages - tail_pages;
	const uint64_t page = live->paddr - live->paddr % DMA_PAGE_BYTES;

	if (head_pages)
		entries_fill(domain, first, 1, live->copy, want->dir);
	entries_fill(domain, first + head_pages, middle, page + head_pages * DMA_PAGE_BYTES,
		     want->dir);
	if (tail_pages)
		entries_fill(domain, first + pages - 1, 1, tail, want->dir);
}

/* With the table open. */
static int set_hybrid(struct iotoll_dma_domain *domain, const struct mapping *want,
		      struct record *live, uint64_t tail, uint64_t *first)
{
	struct records *records = &shadow_of(domain)->records;
	const uint64_t pages = dma_pages(live->paddr, live->bytes);
	/* With its last page elsewhere, what would be a large page's may not be one. */
	const uint64_t leads_to = tail ? live->paddr | 1 : live->paddr;
	int rc = entries_take(want, leads_to, pages, first);

	if (rc)
		return rc;
	rc = records_prepare(records, *first, pages);
	if (rc) {
		domain->iova->ops->free(domain->iova, *first, pages);
		return rc;
	}
	records_hold(records, *first, pages, live);
	record_peek(records, *first + pages - 1)->copy = tail;
	fill_hybrid(domain, want, live, *first, tail);
	return 0;
}

/* Strictly: the IOTLB has forgotten them when this returns. */
static void clear_hybrid(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages)
{
	domain_open_table(domain);
	for (uint64_t i = 0; i < pages; i++)
		record_touch(&shadow_of(domain)->records, first + i, true)->state = RECORD_NONE;
	entries_clear(domain, first, pages);
	(void)!domain_close_table(domain);
}

static int map_hybrid(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct record live = {
		.paddr = paddr, .bytes = want->bytes, .state = RECORD_HYBRID, .dir = want->dir};
	uint64_t first, tail = 0;
	int refused, rc = get_copy(domain, paddr % DMA_PAGE_BYTES != 0, &live.copy);

	if (!rc)
		rc = get_copy(domain, (paddr + want->bytes) % DMA_PAGE_BYTES != 0, &tail);
	if (!rc) {
		domain_open_table(domain);
		rc = set_hybrid(domain, want, &live, tail, &first);
		refused = domain_close_table(domain);
		if (!rc && refused) {
			clear_hybrid(domain, first, dma_pages(paddr, want->bytes));
			rc = refused;
		}
	}
	if (rc) {
		free_copy(domain, live.copy);
		free_copy(domain, tail);
		return rc;
	}
	update(domain, first, &live, 0, live.bytes, true);
	want->iova = entries_address(first, paddr);
	return 0;
}

/* First the device loses it, then what it wrote is fetched: nothing changes under the CPU. */
static void unmap_hybrid(struct iotoll_dma_domain *domain, uint64_t first, const struct record *rec)
{
	const struct record live = *rec;
	struct bounce_window w[2];

	ends(domain, first, &live, w);
	clear_hybrid(domain, first, dma_pages(live.paddr, live.bytes));
	if (live.dir != IOTOLL_DMA_TO_DEVICE) {
		bounce_part(domain, &live, &w[0], 0, live.bytes, false);
		bounce_part(domain, &live, &w[1], 0, live.bytes, false);
	}
	free_copy(domain, w[0].copy);
	free_copy(domain, w[1].copy);
}

/* ---- hooks ---- */

static int shadow_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct shadow_pool *pool = want->dev->strategy_data;
	const uint64_t span = paddr % DMA_PAGE_BYTES + want->bytes;
	struct record *rec;
	uint64_t entry;
	int rc;

	/* Memory that CPU and device share. */
	if (want->kind == MAPPING_COHERENT) {
		const struct record live = {
			.paddr = paddr, .bytes = want->bytes, .state = RECORD_PLAIN};

		return bounce_map(domain, pool->records, want, &live, paddr);
	}
	/* There must be something to copy from, or to. */
	if (!env_has_memory(domain->env, paddr, want->bytes, want->dir != IOTOLL_DMA_TO_DEVICE))
		return -EINVAL;
	if (span > SHADOW_LARGE)
		return map_hybrid(domain, want, paddr);
	rc = shadow_pool_acquire(pool, want, span > DMA_PAGE_BYTES, &entry);
	if (rc)
		return rc;
	rec = record_touch(pool->records, entry, true);
	rec->paddr = paddr;
	rec->bytes = want->bytes;
	rec->dir = want->dir;
	rec->state = RECORD_LIVE;
	update(domain, entry, rec, 0, rec->bytes, true);
	want->iova = entries_address(entry, paddr);
	return 0;
}

static void shadow_unmap(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	const uint64_t entry = IOTOLL_IOVA_U64(what->iova) >> DMA_PAGE_SHIFT;
	struct record *rec = record_touch(&shadow_of(domain)->records, entry, false);

	if (rec->state == RECORD_PLAIN) {
		bounce_unmap(domain, &shadow_of(domain)->records, entry,
			     dma_pages(rec->paddr, rec->bytes));
	} else if (rec->state == RECORD_HYBRID) {
		unmap_hybrid(domain, entry, rec);
	} else {
		update(domain, entry, rec, 0, rec->bytes, false);
		shadow_pool_release(rec, entry);
	}
}

static bool shadow_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	return bounce_owns(&shadow_of(domain)->records, what);
}

static void shadow_sync(struct iotoll_dma_domain *domain, const struct mapping *what, bool for_cpu)
{
	uint64_t first, at, bytes;
	const struct record *rec =
		bounce_find(&shadow_of(domain)->records, what, &first, &at, &bytes);

	/* Of what it does not cover nothing is copied. */
	if (rec)
		update(domain, first, rec, at, bytes, !for_cpu);
}

/* Of a large request, or of a pool that goes. */
static bool shadow_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	domain_invalidate(domain, first, count);
	return true;
}

static int shadow_attached(struct iotoll_dma_device *dev)
{
	struct shadow_pool *pool;
	const int rc = shadow_pool_create(&pool, dev);

	dev->strategy_data = rc ? NULL : pool;
	return rc;
}

static void shadow_detached(struct iotoll_dma_device *dev)
{
	const int token = env_enter(dev->domain->env, DMA_PHASE_UNMAP);

	shadow_pool_destroy(dev->strategy_data);
	env_leave(dev->domain->env, token);
}

static int shadow_create(struct iotoll_dma_domain *domain)
{
	struct shadow *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->most = domain->quota;
	rc = records_init(&s->records, domain->env, domain->driver->entries);
	if (rc)
		free(s);
	else
		domain->strategy_data = s;
	return rc;
}

/* Pools are gone with their devices. Of large requests that nobody took down the copies are left.
 */
static void shadow_destroy(struct iotoll_dma_domain *domain)
{
	struct shadow *s = shadow_of(domain);

	for (uint64_t i = 0; i < s->records.line.count; i++) {
		const struct record *rec = record_peek(&s->records, i);

		if (rec && (rec->state == RECORD_HYBRID || rec->state == RECORD_PART))
			free_copy(domain, rec->copy);
	}
	records_fini(&s->records);
	free(s);
}

const struct strategy_ops shadow_ops = {
	.name = "shadow",
	.title = "have devices work on copies in pages that stay mapped",
	.does = "A map takes a permanently mapped buffer of 4 or 64 KiB from a list of its CPU and "
		"copies into it what the device is to read; an unmap copies out what the device "
		"wrote and gives the buffer back. What is larger is mapped where it lies and "
		"unmapped strictly, but for its ends, which are copied.",
	.protects = "Every byte outside requests, at all times; and what an unmap has given back "
		    "cannot be changed any more.",
	.gives_up = "Time and memory for the copies. Shadow buffers stay reachable, with what "
		    "earlier requests of the same device left in them; of what a device did not "
		    "write that is what its driver finds there.",
	.source = "Markuze, Morrison and Tsafrir, ASPLOS 2016",
	.translates = true,
	.own_locks = true,
	.create = shadow_create,
	.destroy = shadow_destroy,
	.attached = shadow_attached,
	.detached = shadow_detached,
	.map = shadow_map,
	.unmap = shadow_unmap,
	.owns = shadow_owns,
	.sync = shadow_sync,
	.cleared = shadow_cleared,
};

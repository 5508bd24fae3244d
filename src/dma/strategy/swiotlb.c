/* SPDX-License-Identifier: MIT */
/*
 * Bounce buffers for devices that are not trusted, as Linux has them behind an IOMMU since 5.3
 * (drivers/iommu/dma-iommu.c and kernel/dma/swiotlb.c; here as of 6.10: iommu_dma_map_page(),
 * swiotlb_tbl_map_single()). A request that does not begin and end at a page boundary is copied
 * whole into pages that are nobody else's, what else is in these is zeroed, and they are what is
 * mapped; any other is mapped where it lies. Both strictly.
 *
 * Whatever the direction the memory is copied in, since 5.18: of what the device leaves unwritten
 * the driver must find what was there. A copy has the offset within its page that the request has,
 * as this API promises, and Linux keeps for devices with a min_align_mask of a page. Linux learns
 * from the table where an address leads, and so whether it was bounced (iommu_iova_to_phys()): the
 * entry is read for that at each sync. Of what was bounced the record says the rest.
 */
#include <errno.h>

#include "dma/entries.h"
#include "dma/strategy/bounce.h"
#include "dma/strategy/swiotlb_pool.h"

struct swiotlb {
	struct records records;
	struct swiotlb_pool pool;
};

static struct swiotlb *swiotlb_of(const struct iotoll_dma_domain *domain)
{
	return domain->strategy_data;
}

/* Bring @bytes from @at of a live request up to date on one side. */
static void update(struct iotoll_dma_domain *domain, const struct record *live, uint64_t at,
		   uint64_t bytes, bool to_device)
{
	const struct bounce_window w = bounce_whole(live);

	bounce_part(domain, live, &w, at, bytes, to_device);
}

/* Of what other requests left in its pages the device finds nothing. */
static void clear_around(struct iotoll_dma_domain *domain, const struct record *live)
{
	const uint64_t from = live->copy + live->paddr % DMA_PAGE_BYTES;
	const uint64_t until = from + live->bytes;
	const uint64_t end = live->copy + dma_pages(live->paddr, live->bytes) * DMA_PAGE_BYTES;

	if (from > live->copy)
		env_clear(domain->env, live->copy, from - live->copy);
	if (end > until)
		env_clear(domain->env, until, end - until);
}

static int map_copy(struct iotoll_dma_domain *domain, struct mapping *want, struct record *live)
{
	struct swiotlb *s = swiotlb_of(domain);
	const uint64_t pages = dma_pages(live->paddr, live->bytes);
	int rc = swiotlb_pool_take(&s->pool, pages, &live->copy);

	if (rc)
		return rc;
	update(domain, live, 0, live->bytes, true);
	clear_around(domain, live);
	rc = bounce_map(domain, &s->records, want, live, live->copy);
	if (rc)
		swiotlb_pool_give_back(&s->pool, live->copy, pages);
	return rc;
}

static int swiotlb_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct record live = {
		.paddr = paddr, .bytes = want->bytes, .state = RECORD_LIVE, .dir = want->dir};

	if (want->kind == MAPPING_COHERENT || (paddr | want->bytes) % DMA_PAGE_BYTES == 0) {
		live.state = RECORD_PLAIN;
		return bounce_map(domain, &swiotlb_of(domain)->records, want, &live, paddr);
	}
	/* There must be something to copy from, or to. */
	if (!env_has_memory(domain->env, paddr, want->bytes, want->dir != IOTOLL_DMA_TO_DEVICE))
		return -EINVAL;
	return map_copy(domain, want, &live);
}

/* First the device loses it, then what it wrote is fetched: nothing changes under the CPU. */
static void swiotlb_unmap(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	struct swiotlb *s = swiotlb_of(domain);
	const uint64_t first = IOTOLL_IOVA_U64(what->iova) >> DMA_PAGE_SHIFT;
	const struct record live = *record_touch(&s->records, first, false);
	const uint64_t pages = dma_pages(live.paddr, live.bytes);

	bounce_unmap(domain, &s->records, first, pages);
	if (live.state != RECORD_LIVE)
		return;
	if (live.dir != IOTOLL_DMA_TO_DEVICE)
		update(domain, &live, 0, live.bytes, false);
	swiotlb_pool_give_back(&s->pool, live.copy, pages);
}

static bool swiotlb_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	return bounce_owns(&swiotlb_of(domain)->records, what);
}

/*
 * Charge for reading the entry (of several levels the last: the others are in the cache or not as
 * map and unmap left them), or, where the table is not the domain's own to read, our record of it.
 */
static void look_up(struct iotoll_dma_domain *domain, iotoll_iova_t iova)
{
	const struct records *records = &swiotlb_of(domain)->records;
	const uint64_t page = IOTOLL_IOVA_U64(iova) >> DMA_PAGE_SHIFT;
	struct iotoll_dma_entry entry;

	if (iotoll_dma_domain_entry(domain, iova, &entry) == 0)
		env_touch(domain->env, entry.paddr, entry.bytes, false);
	else if (record_peek(records, page))
		(void)record_touch(records, page, false);
}

/* swiotlb_sync_single_for_cpu(), swiotlb_sync_single_for_device(). */
static void swiotlb_sync(struct iotoll_dma_domain *domain, const struct mapping *what, bool for_cpu)
{
	uint64_t first, at, bytes;
	const struct record *live;

	look_up(domain, what->iova);
	live = bounce_find(&swiotlb_of(domain)->records, what, &first, &at, &bytes);

	if (live && live->dir != (for_cpu ? IOTOLL_DMA_TO_DEVICE : IOTOLL_DMA_FROM_DEVICE))
		update(domain, live, at, bytes, !for_cpu);
}

static bool swiotlb_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	domain_invalidate(domain, first, count);
	return true;
}

static int swiotlb_create(struct iotoll_dma_domain *domain)
{
	struct swiotlb *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	rc = records_init(&s->records, domain->env, domain->driver->entries);
	if (rc)
		goto free_self;
	rc = swiotlb_pool_create(&s->pool, domain->env, &domain->strategy_locks,
				 domain->quota ? domain->quota : SWIOTLB_DEFAULT_PAGES,
				 bounce_below(domain));
	if (rc)
		goto fini_records;
	domain->strategy_data = s;
	return 0;

fini_records:
	records_fini(&s->records);
free_self:
	free(s);
	return rc;
}

static void swiotlb_destroy(struct iotoll_dma_domain *domain)
{
	struct swiotlb *s = swiotlb_of(domain);

	swiotlb_pool_destroy(&s->pool);
	records_fini(&s->records);
	free(s);
}

const struct strategy_ops swiotlb_ops = {
	.name = "swiotlb",
	.title = "bounce what is not whole pages, all of it strict (Linux's untrusted devices)",
	.does = "A map of what is not made of whole pages copies it into pages of a pool, 64 MiB "
		"if no quota is set, zeroes what else is in them, and maps those; the unmap clears "
		"the entries, has the IOTLB forget them and copies back what the device wrote. "
		"What is made of whole pages is mapped where it lies.",
	.protects = "Every byte outside requests, at all times; and no access succeeds after an "
		    "unmap has returned.",
	.gives_up = "Time: all that strict costs, and the copies, two of them for what a device "
		    "writes. When the pool is full maps fail.",
	.source = "Linux since 5.3 (L. Baolu, \"bounce page\"), drivers/iommu/dma-iommu.c and "
		  "kernel/dma/swiotlb.c of 6.10",
	.translates = true,
	.own_locks = true,
	.create = swiotlb_create,
	.destroy = swiotlb_destroy,
	.map = swiotlb_map,
	.unmap = swiotlb_unmap,
	.owns = swiotlb_owns,
	.sync = swiotlb_sync,
	.cleared = swiotlb_cleared,
};

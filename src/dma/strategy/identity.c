/* SPDX-License-Identifier: MIT */
/*
 * See identity.h; and the strict way: what no request wants any more is invalidated before its
 * unmap returns.
 */
#include "dma/strategy/identity.h"

#include <errno.h>

#include "dma/entries.h"

#define READER UINT64_C(1)
#define WRITER (UINT64_C(1) << 32)

static struct identity *identity_of(const struct iotoll_dma_domain *domain)
{
	return domain->strategy_data;
}

/* What a request adds to its pages' users. */
static uint64_t user(enum iotoll_dma_dir dir)
{
	return (dir != IOTOLL_DMA_FROM_DEVICE ? READER : 0) +
	       (dir != IOTOLL_DMA_TO_DEVICE ? WRITER : 0);
}

static bool reads(uint64_t users)
{
	return users % WRITER != 0;
}

static bool writes(uint64_t users)
{
	return users / WRITER != 0;
}

/* What an entry with users allows. */
static enum iotoll_dma_dir allows(uint64_t users)
{
	return !writes(users)  ? IOTOLL_DMA_TO_DEVICE
	       : !reads(users) ? IOTOLL_DMA_FROM_DEVICE
			       : IOTOLL_DMA_BIDIRECTIONAL;
}

/* The window of entries for requests in this direction begins here. */
static uint64_t window(const struct identity *id, enum iotoll_dma_dir dir)
{
	const uint64_t users = user(dir);

	return id->window * ((reads(users) ? 1 : 0) + (writes(users) ? 2 : 0));
}

/* Are all of these entries of the window, and none of what the hardware does not translate? */
static bool lies_in_table(const struct iotoll_dma_domain *domain, uint64_t page, uint64_t pages,
			  enum iotoll_dma_dir dir)
{
	const struct identity *id = identity_of(domain);
	const uint64_t end = id->window ? id->window : domain->driver->entries;
	const uint64_t first = page + window(id, dir);
	const struct withheld_range *r = withheld_next(&id->withheld, first);

	return page < end && pages <= end - page && (!r || r->first >= first + pages);
}

/* ---- map ---- */

/* A run of pages that nobody has: count them in and set their entries, with no wait between. */
static uint64_t fill_run(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages,
			 uint64_t paddr, enum iotoll_dma_dir dir)
{
	struct identity *id = identity_of(domain);
	uint64_t n = 1;

	while (n < pages && !pagemap_get(&id->users, first + n))
		n++;
	(void)!pagemap_put(&id->users, first, n, user(dir));
	entries_fill(domain, first, n, paddr, dir);
	return n;
}

/* A page that others have. What the IOTLB holds of it may allow less than is wanted now. */
static void join(struct iotoll_dma_domain *domain, uint64_t entry, uint64_t users, uint64_t paddr,
		 enum iotoll_dma_dir dir)
{
	const uint64_t all = users + user(dir);

	(void)!pagemap_put(&identity_of(domain)->users, entry, 1, all);
	if (allows(all) == allows(users))
		return;
	entries_rewrite(domain, entry, 1, paddr, allows(all));
	domain_invalidate(domain, entry, 1);
}

int identity_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct identity *id = identity_of(domain);
	const uint64_t page = paddr >> DMA_PAGE_SHIFT, pages = dma_pages(paddr, want->bytes);
	const uint64_t first = page + window(id, want->dir);
	const iotoll_iova_t iova = entries_address(first, paddr);
	uint64_t joined = 0;
	int rc = 0;

	if (!lies_in_table(domain, page, pages, want->dir) ||
	    IOTOLL_IOVA_U64(iova) + (want->bytes - 1) > want->dev->dma_mask)
		return -EINVAL;
	if (domain->driver->ops->prepare)
		rc = domain->driver->ops->prepare(domain->driver, first, pages, IOTOLL_PHYS(paddr));
	if (!rc)
		rc = pagemap_prepare(&id->users, first, pages);
	if (rc)
		return rc;
	for (uint64_t i = 0, n; i < pages; i += n) {
		const uint64_t at = (page + i) << DMA_PAGE_SHIFT;
		const uint64_t users = pagemap_get(&id->users, first + i);

		n = 1;
		if (users)
			join(domain, first + i, users, at, want->dir);
		else
			n = fill_run(domain, first + i, pages - i, at, want->dir);
		joined += users != 0;
	}
	domain->stats.reused_maps += joined == pages;
	want->iova = iova;
	return 0;
}

/* ---- unmap ---- */

/* A run of pages whose last request this is. In the meantime somebody may have mapped them anew. */
static uint64_t drop_run(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages,
			 uint64_t users)
{
	struct identity *id = identity_of(domain);
	uint64_t n = 1;

	while (n < pages && pagemap_get(&id->users, first + n) == users)
		n++;
	pagemap_drop(&id->users, first, n);
	entries_drop(domain, first, n);
	for (uint64_t i = first; i < first + n; i++)
		if (!pagemap_peek(&id->users, i))
			entries_gone(domain, i, 1);
	return n;
}

/* A page that others go on having, perhaps in one direction only. */
static void leave(struct iotoll_dma_domain *domain, uint64_t entry, uint64_t users, uint64_t left)
{
	struct identity *id = identity_of(domain);

	(void)!pagemap_put(&id->users, entry, 1, left);
	if (allows(left) == allows(users))
		return;
	entries_rewrite(domain, entry, 1, entry << DMA_PAGE_SHIFT, allows(left));
	(void)domain->strategy->cleared(domain, entry, 1);
}

void identity_unmap(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	struct identity *id = identity_of(domain);
	const uint64_t first = IOTOLL_IOVA_U64(what->iova) >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(IOTOLL_IOVA_U64(what->iova), what->bytes);

	for (uint64_t i = 0, n; i < pages; i += n) {
		const uint64_t users = pagemap_get(&id->users, first + i);

		n = 1;
		if (users == user(what->dir))
			n = drop_run(domain, first + i, pages - i, users);
		else
			leave(domain, first + i, users, users - user(what->dir));
	}
}

/* Of several requests for one page none can be told from another. */
bool identity_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	const struct identity *id = identity_of(domain);
	const uint64_t first = IOTOLL_IOVA_U64(what->iova) >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(IOTOLL_IOVA_U64(what->iova), what->bytes);
	const uint64_t mine = user(what->dir);

	if (!lies_in_table(domain, first - window(id, what->dir), pages, what->dir))
		return false;
	for (uint64_t i = first; i < first + pages; i++) {
		const uint64_t users = pagemap_peek(&id->users, i);

		if ((reads(mine) && !reads(users)) || (writes(mine) && !writes(users)))
			return false;
	}
	return true;
}

/* ---- life ---- */

/* The smallest power of two that memory's pages are no more than, where four of it are entries. */
static uint64_t window_of(const struct iotoll_dma_domain *domain)
{
	const uint64_t pages = env_memory_bytes(domain->env) >> DMA_PAGE_SHIFT;
	uint64_t size = 1;

	while (size < pages)
		size *= 2;
	return size <= domain->driver->entries / 4 ? size : 0;
}

int identity_fits(const struct iotoll_dma_domain *domain, const char *name, struct err *err)
{
	if (domain->superpages)
		return err_set(err, -EINVAL,
			       "strategy %s counts the requests of each page: superpages=off "
			       "expected",
			       name);
	if (domain->split && !window_of(domain))
		return err_set(err, -EINVAL,
			       "split locks: strategy %s changes what entries allow in a table of "
			       "%llu entries; expected four for each page of memory, in powers of "
			       "two",
			       name, (unsigned long long)domain->driver->entries);
	return withheld_fits(domain, name, err);
}

int identity_create(struct iotoll_dma_domain *domain)
{
	struct identity *id = calloc(1, sizeof(*id));
	int rc;

	if (!id)
		return -ENOMEM;
	id->window = window_of(domain);
	rc = pagemap_init(&id->users, domain->env, domain->driver->entries);
	if (rc)
		goto free_self;
	rc = withheld_list(&id->withheld, domain);
	if (rc)
		goto fini_users;
	withheld_keep_low(&id->withheld, domain);
	domain->strategy_data = id;
	return 0;

fini_users:
	pagemap_fini(&id->users);
free_self:
	free(id);
	return rc;
}

void identity_destroy(struct iotoll_dma_domain *domain)
{
	struct identity *id = identity_of(domain);

	withheld_release(&id->withheld, domain);
	pagemap_fini(&id->users);
	free(id);
}

static int strict_fits(const struct iotoll_dma_domain *domain, struct err *err)
{
	return identity_fits(domain, "identity", err);
}

static bool strict_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	domain_invalidate(domain, first, count);
	return true;
}

const struct strategy_ops identity_ops = {
	.name = "identity",
	.title = "map pages at their own addresses while they are used, strict (no allocator)",
	.does = "A map sets the entry of the page's own address, or counts itself in where other "
		"requests have it; the last unmap clears it and has the IOTLB forget it. Requests "
		"with other rights have other addresses where the table is large enough, else the "
		"entry allows what all of them want together.",
	.protects = "No access to a page succeeds after its last request is over.",
	.gives_up =
		"While another request of the same page lives, so does the page. Devices are told "
		"where memory lies.",
	.source = "Peleg, Morrison, Serebrin and Tsafrir, USENIX ATC 2015, dynamic identity "
		  "mapping",
	.translates = true,
	.overlaps = true,
	.own_addresses = true,
	.fits = strict_fits,
	.create = identity_create,
	.destroy = identity_destroy,
	.map = identity_map,
	.unmap = identity_unmap,
	.owns = identity_owns,
	.cleared = strict_cleared,
};

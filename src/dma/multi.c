/* SPDX-License-Identifier: MIT */
/*
 * map_multi and unmap_multi, which "The Price of Safety", section 4.3.3, asks for and Linux got
 * eighteen years later (two-step IOVA allocation, 6.16): many buffers share what one of them costs
 * once. The paper gives no algorithm; this one is ours.
 *
 * Map: one run of entries for all. Each buffer has entries of its own in it, none shared, so that
 * it can be unmapped alone: only allocators whose runs come back in parts (iova_ops.divides) are
 * asked for one. A scatter-gather list goes as a whole, and any will do (Linux,
 * iommu_dma_map_sg()). Unmap: all entries are cleared first; then the IOTLB forgets them,
 * neighbours as one range, as Linux gathers pages into a range for one iotlb_sync; then all are
 * free. Until then none is given out, so what strict promises holds when the call returns.
 */
#include "dma/lists.h"

#include <errno.h>

#include "dma/entries.h"

/* Unmapped together; a longer list goes in parts. */
#define TOGETHER_MAX 256

/* ---- map ---- */

static uint64_t pages_of(const struct iotoll_sg *sg)
{
	return dma_pages(IOTOLL_PHYS_U64(sg->paddr), sg->bytes);
}

/* Element @i as it is asked for. */
static struct mapping wanted(const struct list_call *c, int i)
{
	struct mapping m = list_element(c, i);

	m.bytes = c->sg[i].bytes;
	return m;
}

bool multi_is_whole(const struct list_call *c)
{
	return c->dev->domain->whole_lists && c->kind == MAPPING_SG;
}

bool multi_fits_a_run(const struct list_call *c)
{
	const struct iotoll_dma_domain *domain = c->dev->domain;

	/* A large page wants addresses of its own choice. */
	if (c->n < 2 || !domain->iova || domain->strategy->map || domain_bytewise(domain) ||
	    domain->superpages)
		return false;
	if (!domain->iova->ops->divides && !multi_is_whole(c))
		return false;
	for (int i = 0; i < c->n; i++) {
		const struct mapping want = wanted(c, i);
		const uint64_t paddr = IOTOLL_PHYS_U64(c->sg[i].paddr);
		uint64_t at;

		if (mapping_check(&want, paddr) || mapping_lent(&want, paddr, &at))
			return false;
	}
	return true;
}

/* Memory for the tables that the run needs. */
static int prepare(const struct list_call *c, uint64_t first)
{
	struct dma_driver *driver = c->dev->domain->driver;
	int rc = 0;

	for (int i = 0; i < c->n && !rc && driver->ops->prepare; i++) {
		rc = driver->ops->prepare(driver, first, pages_of(&c->sg[i]), c->sg[i].paddr);
		first += pages_of(&c->sg[i]);
	}
	return rc;
}

/* Room for all of them in the book, if one is kept. */
static int reserve(const struct list_call *c)
{
	struct misuse *book = c->dev->domain->misuse;

	for (int i = 0; i < c->n && book; i++) {
		const int rc = misuse_reserve(book);

		while (rc && i-- > 0)
			misuse_forgo(book);
		if (rc)
			return rc;
	}
	return 0;
}

static void forgo(const struct list_call *c)
{
	struct misuse *book = c->dev->domain->misuse;

	for (int i = 0; i < c->n && book; i++)
		misuse_forgo(book);
}

static void fill(const struct list_call *c, uint64_t first, uint64_t pages)
{
	struct iotoll_dma_domain *domain = c->dev->domain;
	const struct driver_ops *ops = domain->driver->ops;
	uint64_t at = first;

	if (domain->strategy->allocated)
		domain->strategy->allocated(domain, first, pages);
	for (int i = 0; i < c->n; i++) {
		struct iotoll_sg *sg = &c->sg[i];
		const uint64_t count = pages_of(sg);

		if (ops->store)
			ops->store(domain->driver, at, count, sg->paddr, c->dir);
		else
			ops->set(domain->driver, at, count, sg->paddr, c->dir);
		sg->dma_address = entries_address(at, IOTOLL_PHYS_U64(sg->paddr));
		sg->dma_bytes = sg->bytes;
		at += count;
	}
	if (ops->push)
		ops->push(domain->driver, first, pages, true);
	entries_filled(domain, first, pages, c->dir);
}

int multi_map(const struct list_call *c)
{
	struct iotoll_dma_domain *domain = c->dev->domain;
	const struct mapping want = wanted(c, 0);
	uint64_t pages = 0, first;
	int rc = reserve(c);

	if (rc)
		return rc;
	/* All of the table at the most, so that no list is long enough to come round to little. */
	for (int i = 0; i < c->n && pages <= domain->driver->entries; i++)
		pages += pages_of(&c->sg[i]);
	rc = pages <= domain->driver->entries ? entries_allocate(&want, pages, &first) : -ENOSPC;
	if (rc)
		goto forgo_book;
	rc = prepare(c, first);
	if (rc)
		goto free_run;
	fill(c, first, pages);
	for (int i = 0; i < c->n && domain->misuse; i++) {
		const struct mapping made = list_element(c, i);

		misuse_add(domain->misuse, &made);
	}
	return 0;

free_run:
	domain->iova->ops->free(domain->iova, first, pages);
forgo_book:
	forgo(c);
	return rc;
}

/* ---- unmap ---- */

bool multi_unmaps(const struct iotoll_dma_domain *domain)
{
	return domain->iova && !domain->strategy->unmap && !domain_bytewise(domain);
}

/* What is between its entries and its end. */
struct leaving {
	iotoll_iova_t iova;
	size_t bytes;
};

struct gathered {
	struct leaving leaving[TOGETHER_MAX];
	unsigned count;
	struct entry_run run[TOGETHER_MAX];
	bool kept[TOGETHER_MAX]; /* by the strategy */
	unsigned runs;
};

/* Neighbours become one run; devices go up as well as down. */
static void gather(struct gathered *g, uint64_t first, uint64_t count)
{
	struct entry_run *last = g->runs ? &g->run[g->runs - 1] : NULL;

	if (last && first == last->first + last->count) {
		last->count += count;
	} else if (last && first + count == last->first) {
		last->first = first;
		last->count += count;
	} else {
		g->run[g->runs++] = (struct entry_run){first, count};
	}
}

/* Clear the entries of element @i; what is special about it is taken down at once. */
static void take(const struct list_call *c, int i, struct gathered *g)
{
	struct iotoll_dma_domain *domain = c->dev->domain;
	const struct mapping what = list_element(c, i);
	struct mapping found;
	uint64_t first, pages;

	if (!mapping_claim(&what, &found))
		return;
	first = IOTOLL_IOVA_U64(found.iova) >> DMA_PAGE_SHIFT;
	pages = dma_pages(IOTOLL_IOVA_U64(found.iova), found.bytes);
	mapping_count_unmap(domain, pages);
	if (found.kind == MAPPING_COHERENT || mapping_is_lent(&found)) {
		mapping_take_down(&found);
		return;
	}
	mapping_announce_late(&found);
	entries_erase(domain, first, pages);
	g->leaving[g->count++] = (struct leaving){found.iova, found.bytes};
	gather(g, first, pages);
}

static void finish(const struct list_call *c, struct gathered *g, bool more)
{
	struct iotoll_dma_domain *domain = c->dev->domain;

	entries_forget(domain, g->run, g->kept, g->runs, more);
	for (unsigned i = 0; i < g->count && domain->observer.unmapped; i++) {
		const struct leaving *l = &g->leaving[i];

		domain->observer.unmapped(domain->observer.ctx, l->iova,
					  dma_pages(IOTOLL_IOVA_U64(l->iova), l->bytes), l->bytes);
	}
	/* Last of all: from here on they may be somebody else's. */
	entries_give_back(domain, g->run, g->kept, g->runs);
}

void multi_unmap(const struct list_call *c)
{
	int i = 0;

	while (i < c->n && c->sg[i].dma_bytes != 0) {
		struct gathered g;

		g.count = g.runs = 0;
		for (; i < c->n && c->sg[i].dma_bytes != 0 && g.count < TOGETHER_MAX; i++)
			take(c, i, &g);
		finish(c, &g, i < c->n || c->attrs.more);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Lists of the DMA API. A scatter-gather list is mapped element by element under one hold of the
 * lock and never merged, as calgary_map_sg() does it in Linux 2.6.21, or, with whole_lists, in one
 * range, as iommu_dma_map_sg() does it in later ones. A list of buffers that have
 * nothing to do with each other is mapped and unmapped together as far as allocator and strategy
 * allow it ("The Price of Safety", section 4.3.3): see multi.c. Either way, on failure what was
 * mapped already is taken down again before the lock is released.
 */
#include "dma/lists.h"

#include <errno.h>

struct mapping list_element(const struct list_call *c, int i)
{
	const struct iotoll_dma_attrs attrs = {.ring = c->attrs.ring,
					       .more = i + 1 < c->n || c->attrs.more};

	return (struct mapping){.dev = c->dev,
				.iova = c->sg[i].dma_address,
				.bytes = c->sg[i].dma_bytes,
				.dir = c->dir,
				.kind = c->kind,
				.attrs = attrs};
}

/* Take the first @n elements down again: they were mapped, but nobody was told. */
static void roll_back(const struct list_call *c, int n, bool refused)
{
	for (int i = 0; i < n; i++) {
		struct mapping what = list_element(c, i);

		what.refused = refused;
		what.attrs.more = i + 1 < n; /* no more than those were mapped */
		(void)mapping_remove(&what);
	}
	for (int i = 0; i < c->n; i++) {
		c->sg[i].dma_address = IOTOLL_DMA_MAPPING_ERROR;
		c->sg[i].dma_bytes = 0;
	}
}

/* How many were mapped before one could not be. */
static int map_each(const struct list_call *c)
{
	int mapped;

	for (mapped = 0; mapped < c->n; mapped++) {
		struct mapping want = list_element(c, mapped);

		want.bytes = c->sg[mapped].bytes;
		if (mapping_add(&want, c->sg[mapped].paddr))
			break;
		c->sg[mapped].dma_address = want.iova;
		c->sg[mapped].dma_bytes = want.bytes;
	}
	return mapped;
}

/* Where a run has no room its pieces may still find some. */
static int map_together(const struct list_call *c)
{
	const int rc = multi_fits_a_run(c) ? multi_map(c) : -ENOSPC;

	if (rc == -ENOSPC)
		return map_each(c);
	return rc ? 0 : c->n;
}

/* Whoever writes entries elsewhere may have them wait for each other. */
static void set_together(struct iotoll_dma_domain *domain, bool together)
{
	if (domain_locked(domain) && !domain->split)
		domain->driver->together = together;
}

/* What is left to commit only cleared entries: see domain_end(). */
static void end(struct iotoll_dma_domain *domain, int token)
{
	(void)!domain_commit(domain);
	set_together(domain, false);
	domain_end(domain, token);
}

static int map_list(const struct list_call *c, bool together)
{
	struct iotoll_dma_domain *domain = c->dev ? c->dev->domain : NULL;
	int token, mapped, refused;

	if (!domain || !c->sg || c->n <= 0)
		return 0;
	token = domain_begin(domain, DMA_PHASE_MAP);
	set_together(domain, together);
	mapped = together || multi_is_whole(c) ? map_together(c) : map_each(c);
	refused = domain_commit(domain);
	for (int i = 0; i < mapped; i++) {
		const struct mapping made = list_element(c, i);

		mapping_announce(&made, c->sg[i].paddr);
	}
	if (mapped < c->n || refused) {
		roll_back(c, mapped, refused != 0);
		mapping_count_failure(domain);
		mapped = 0;
	}
	for (int i = 0; i < mapped; i++)
		mapping_count_map(domain, domain_entries(domain, IOTOLL_PHYS_U64(c->sg[i].paddr),
							 c->sg[i].bytes));
	end(domain, token);
	return mapped;
}

static void unmap_each(const struct list_call *c)
{
	struct iotoll_dma_domain *domain = c->dev->domain;

	for (int i = 0; i < c->n && c->sg[i].dma_bytes != 0; i++) {
		const struct mapping what = list_element(c, i);
		const uint64_t pages = mapping_remove(&what);

		if (pages)
			mapping_count_unmap(domain, pages);
	}
}

static void unmap_list(const struct list_call *c, bool together)
{
	struct iotoll_dma_domain *domain = c->dev ? c->dev->domain : NULL;
	int token;

	if (!domain || !c->sg || c->n <= 0)
		return;
	token = domain_begin(domain, DMA_PHASE_UNMAP);
	set_together(domain, together);
	if ((together || multi_is_whole(c)) && multi_unmaps(domain))
		multi_unmap(c);
	else
		unmap_each(c);
	end(domain, token);
}

/* ---- the API ---- */

int iotoll_dma_map_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
		      enum iotoll_dma_dir dir)
{
	return map_list(&(struct list_call){dev, sg, n, dir, MAPPING_SG, {.ring = 0}}, false);
}

void iotoll_dma_unmap_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir)
{
	unmap_list(&(struct list_call){dev, sg, n, dir, MAPPING_SG, {.ring = 0}}, false);
}

static void count_batch(const struct iotoll_dma_device *dev, unsigned which, int n)
{
	struct iotoll_dma_batches *b;

	if (!dev)
		return;
	b = &dev->domain->batches[which];
	if (n > 0)
		domain_count(&b->of[n <= IOTOLL_DMA_BATCH_SIZES ? n : 0], 1);
	if (n > IOTOLL_DMA_BATCH_SIZES)
		domain_count(&b->beyond, (uint64_t)n);
}

int iotoll_dma_map_multi(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs)
{
	count_batch(dev, 0, n);
	return map_list(&(struct list_call){dev, sg, n, dir, MAPPING_PAGE, mapping_hints(attrs)},
			true);
}

void iotoll_dma_unmap_multi(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			    enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs)
{
	count_batch(dev, 1, n);
	unmap_list(&(struct list_call){dev, sg, n, dir, MAPPING_PAGE, mapping_hints(attrs)}, true);
}

void iotoll_dma_domain_batches(const struct iotoll_dma_domain *domain,
			       struct iotoll_dma_batches *map, struct iotoll_dma_batches *unmap)
{
	const struct iotoll_dma_batches none = {.beyond = 0};

	if (map)
		*map = domain ? domain->batches[0] : none;
	if (unmap)
		*unmap = domain ? domain->batches[1] : none;
}

/* SPDX-License-Identifier: MIT */
/*
 * The streaming calls of the DMA API. A list is mapped element by element under one hold of the
 * lock and never merged, as calgary_map_sg() does it in Linux 2.6.21; on failure the elements
 * already mapped are taken down again before the lock is released.
 */
#include "dma/mapping.h"

static struct iotoll_dma_attrs hints(const struct iotoll_dma_attrs *attrs)
{
	return attrs ? *attrs : (struct iotoll_dma_attrs){.ring = 0};
}

iotoll_iova_t iotoll_dma_map_page_attrs(struct iotoll_dma_device *dev, iotoll_phys_t paddr,
					size_t bytes, enum iotoll_dma_dir dir,
					const struct iotoll_dma_attrs *attrs)
{
	struct mapping want = {.dev = dev,
			       .bytes = bytes,
			       .dir = dir,
			       .kind = MAPPING_PAGE,
			       .attrs = hints(attrs)};
	const int token = domain_begin(dev->domain, DMA_PHASE_MAP);
	int rc = mapping_add(&want, paddr);

	if (!rc)
		rc = mapping_commit(&want, paddr);
	if (rc)
		mapping_count_failure(dev->domain);
	else
		mapping_count_map(dev->domain,
				  domain_entries(dev->domain, IOTOLL_PHYS_U64(paddr), bytes));
	domain_end(dev->domain, token);
	return rc ? IOTOLL_DMA_MAPPING_ERROR : want.iova;
}

iotoll_iova_t iotoll_dma_map_page(struct iotoll_dma_device *dev, iotoll_phys_t paddr, size_t bytes,
				  enum iotoll_dma_dir dir)
{
	return iotoll_dma_map_page_attrs(dev, paddr, bytes, dir, NULL);
}

void iotoll_dma_unmap_page_attrs(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
				 enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs)
{
	const struct mapping what = {.dev = dev,
				     .iova = iova,
				     .bytes = bytes,
				     .dir = dir,
				     .kind = MAPPING_PAGE,
				     .attrs = hints(attrs)};
	const int token = domain_begin(dev->domain, DMA_PHASE_UNMAP);
	const uint64_t pages = mapping_remove(&what);

	if (pages)
		mapping_count_unmap(dev->domain, pages);
	domain_end(dev->domain, token);
}

void iotoll_dma_unmap_page(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
			   enum iotoll_dma_dir dir)
{
	iotoll_dma_unmap_page_attrs(dev, iova, bytes, dir, NULL);
}

void iotoll_dma_unmap_end(struct iotoll_dma_device *dev)
{
	struct iotoll_dma_domain *domain = dev->domain;
	int token;

	if (!domain->strategy->end)
		return;
	token = domain_begin(domain, DMA_PHASE_UNMAP);
	domain->strategy->end(domain);
	domain_end(domain, token);
}

int iotoll_dma_publish(struct iotoll_dma_device *dev)
{
	struct iotoll_dma_domain *domain = dev->domain;
	int token, rc;

	if (!domain->driver->ops->publish || !domain->driver->unsent)
		return 0;
	token = domain_begin(domain, DMA_PHASE_MAP);
	rc = domain->driver->ops->publish(domain->driver);
	domain_end(domain, token);
	return rc;
}

/* What all elements of a list have in common. */
struct list_call {
	struct iotoll_dma_device *dev;
	struct iotoll_sg *sg;
	int n;
	enum iotoll_dma_dir dir;
	enum mapping_kind kind;
	struct iotoll_dma_attrs attrs;
};

/* Elements of a list follow each other at once. */
static struct mapping element(const struct list_call *c, int i)
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
		struct mapping what = element(c, i);

		what.refused = refused;
		what.attrs.more = i + 1 < n; /* no more than those were mapped */
		(void)mapping_remove(&what);
	}
	for (int i = 0; i < c->n; i++) {
		c->sg[i].dma_address = IOTOLL_DMA_MAPPING_ERROR;
		c->sg[i].dma_bytes = 0;
	}
}

static int map_list(const struct list_call *c)
{
	struct iotoll_dma_domain *domain = c->dev->domain;
	int token, mapped, refused;

	if (c->n <= 0)
		return 0;
	token = domain_begin(domain, DMA_PHASE_MAP);
	for (mapped = 0; mapped < c->n; mapped++) {
		struct mapping want = element(c, mapped);

		want.bytes = c->sg[mapped].bytes;
		if (mapping_add(&want, c->sg[mapped].paddr))
			break;
		c->sg[mapped].dma_address = want.iova;
		c->sg[mapped].dma_bytes = want.bytes;
	}
	refused = domain_commit(domain);
	for (int i = 0; i < mapped; i++) {
		const struct mapping made = element(c, i);

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
	domain_end(domain, token);
	return mapped;
}

static void unmap_list(const struct list_call *c)
{
	struct iotoll_dma_domain *domain = c->dev->domain;
	int token;

	if (c->n <= 0)
		return;
	token = domain_begin(domain, DMA_PHASE_UNMAP);
	for (int i = 0; i < c->n && c->sg[i].dma_bytes != 0; i++) {
		const struct mapping what = element(c, i);
		const uint64_t pages = mapping_remove(&what);

		if (pages)
			mapping_count_unmap(domain, pages);
	}
	domain_end(domain, token);
}

int iotoll_dma_map_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
		      enum iotoll_dma_dir dir)
{
	return map_list(&(struct list_call){dev, sg, n, dir, MAPPING_SG, {.ring = 0}});
}

void iotoll_dma_unmap_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir)
{
	unmap_list(&(struct list_call){dev, sg, n, dir, MAPPING_SG, {.ring = 0}});
}

int iotoll_dma_map_multi(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs)
{
	return map_list(&(struct list_call){dev, sg, n, dir, MAPPING_PAGE, hints(attrs)});
}

void iotoll_dma_unmap_multi(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			    enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs)
{
	unmap_list(&(struct list_call){dev, sg, n, dir, MAPPING_PAGE, hints(attrs)});
}

/*
 * Every modelled machine keeps caches coherent with DMA, so handing a buffer over costs nothing
 * unless the strategy has the device work on another one; what is left to do is to look whether it
 * is mapped at all. No simulated lock is taken for it.
 */
static void sync_single(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
			enum iotoll_dma_dir dir, bool for_cpu)
{
	struct iotoll_dma_domain *domain = dev->domain;
	const struct mapping what = {.dev = dev, .iova = iova, .bytes = bytes, .dir = dir};

	if (domain->misuse) {
		env_quiet_lock(&domain->quiet);
		misuse_check_sync(domain->misuse, &what, domain->stats.misuse);
		env_quiet_unlock(&domain->quiet);
	}
	if (domain->strategy->sync) {
		const int token = domain_begin(domain, for_cpu ? DMA_PHASE_UNMAP : DMA_PHASE_MAP);

		domain->strategy->sync(domain, &what, for_cpu);
		domain_end(domain, token);
	}
}

void iotoll_dma_sync_single_for_cpu(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
				    enum iotoll_dma_dir dir)
{
	sync_single(dev, iova, bytes, dir, true);
}

void iotoll_dma_sync_single_for_device(struct iotoll_dma_device *dev, iotoll_iova_t iova,
				       size_t bytes, enum iotoll_dma_dir dir)
{
	sync_single(dev, iova, bytes, dir, false);
}

/* SPDX-License-Identifier: MIT */
/* The streaming calls of the DMA API for one buffer; lists are in lists.c. */
#include "dma/mapping.h"
#include "dma/straight.h"

#include <errno.h>

iotoll_iova_t iotoll_dma_map_page_attrs(struct iotoll_dma_device *dev, iotoll_phys_t paddr,
					size_t bytes, enum iotoll_dma_dir dir,
					const struct iotoll_dma_attrs *attrs)
{
	struct mapping want = {.dev = dev,
			       .bytes = bytes,
			       .dir = dir,
			       .kind = MAPPING_PAGE,
			       .attrs = mapping_hints(attrs)};
	int token, rc;

	if (!dev)
		return IOTOLL_DMA_MAPPING_ERROR;
	if (dev->domain->straight && straight_map(dev, IOTOLL_PHYS_U64(paddr), bytes, dir,
						  attrs ? attrs->ring : 0, &want.iova))
		return want.iova;
	token = domain_begin(dev->domain, DMA_PHASE_MAP);
	rc = mapping_add(&want, paddr);
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
				     .attrs = mapping_hints(attrs)};
	uint64_t pages;
	int token;

	if (!dev)
		return;
	if (dev->domain->straight && straight_unmap(dev, IOTOLL_IOVA_U64(iova), bytes))
		return;
	token = domain_begin(dev->domain, DMA_PHASE_UNMAP);
	pages = mapping_remove(&what);
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
	struct iotoll_dma_domain *domain = dev ? dev->domain : NULL;
	int token;

	if (!domain || !domain->strategy->end)
		return;
	token = domain_begin(domain, DMA_PHASE_UNMAP);
	domain->strategy->end(domain);
	domain_end(domain, token);
}

int iotoll_dma_publish(struct iotoll_dma_device *dev)
{
	struct iotoll_dma_domain *domain = dev ? dev->domain : NULL;
	int token, rc;

	if (!domain)
		return -EINVAL;
	if (!domain->driver->ops->publish || !domain->driver->unsent)
		return 0;
	token = domain_begin(domain, DMA_PHASE_MAP);
	rc = domain->driver->ops->publish(domain->driver);
	domain_end(domain, token);
	return rc;
}

/*
 * Every modelled machine keeps caches coherent with DMA, so handing a buffer over costs nothing
 * unless the strategy has the device work on another one; what is left to do is to look whether it
 * is mapped at all. No simulated lock is taken for it.
 */
static void sync_single(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
			enum iotoll_dma_dir dir, bool for_cpu)
{
	struct iotoll_dma_domain *domain = dev ? dev->domain : NULL;
	const struct mapping what = {.dev = dev, .iova = iova, .bytes = bytes, .dir = dir};

	if (!domain)
		return;
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

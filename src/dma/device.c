/* SPDX-License-Identifier: MIT */
/*
 * Attaching devices to a domain, their masks, and what they leave behind when they go.
 */
#include <errno.h>

#include "dma/coherent.h"
#include "dma/mapping.h"

/* Masks are 2^n - 1 and reach at least one address the domain can give out. */
static int check_mask(const struct iotoll_dma_domain *domain, uint64_t mask)
{
	if (mask == 0 || (mask & (mask + 1)) != 0)
		return -EINVAL;
	if (mask < DMA_PAGE_BYTES - 1)
		return -EIO;
	if (domain->iova &&
	    !domain->iova->ops->usable_below(domain->iova, domain_limit(domain, mask)))
		return -EIO;
	return 0;
}

static int attach(struct iotoll_dma_domain *domain, uint16_t devid, unsigned ats)
{
	const struct driver_ops *ops = domain->driver->ops;

	if (ops->attach)
		return ops->attach(domain->driver, devid, ats);
	return ats ? -EOPNOTSUPP : 0;
}

int iotoll_dma_attach(struct iotoll_dma_device **out, struct iotoll_dma_domain *domain,
		      uint16_t devid, uint64_t dma_mask)
{
	return iotoll_dma_attach_ats(out, domain, devid, dma_mask, 0);
}

int iotoll_dma_attach_ats(struct iotoll_dma_device **out, struct iotoll_dma_domain *domain,
			  uint16_t devid, uint64_t dma_mask, unsigned queue_depth)
{
	struct iotoll_dma_device *dev;
	int rc;

	if (!out)
		return -EINVAL;
	*out = NULL;
	rc = domain ? check_mask(domain, dma_mask) : -EINVAL;
	if (rc)
		return rc;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	rc = attach(domain, devid, queue_depth);
	if (rc) {
		free(dev);
		return rc;
	}
	*dev = (struct iotoll_dma_device){
		.next = domain->devices, .domain = domain, .devid = devid, .dma_mask = dma_mask};
	rc = domain->strategy->attached ? domain->strategy->attached(dev) : 0;
	if (rc) {
		if (domain->driver->ops->detach)
			domain->driver->ops->detach(domain->driver, devid);
		free(dev);
		return rc;
	}
	domain->devices = dev;
	*out = dev;
	return 0;
}

int iotoll_dma_set_mask(struct iotoll_dma_device *dev, uint64_t dma_mask)
{
	const int rc = dev ? check_mask(dev->domain, dma_mask) : -EINVAL;

	if (!rc)
		dev->dma_mask = dma_mask;
	return rc;
}

static void take_down_leak(void *ctx, const struct mapping *mapping)
{
	struct iotoll_dma_domain *domain = ctx;

	domain->stats.misuse[IOTOLL_MISUSE_LEAK]++;
	mapping_take_down(mapping);
}

void iotoll_dma_detach(struct iotoll_dma_device *dev)
{
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device **link;
	int token;

	if (!dev)
		return;
	domain = dev->domain;
	coherent_release_all(dev);
	if (domain->misuse) {
		token = domain_begin(domain, DMA_PHASE_UNMAP);
		misuse_take_all(domain->misuse, dev, take_down_leak, domain);
		domain_end(domain, token);
	}
	if (domain->strategy->detached)
		domain->strategy->detached(dev);
	if (domain->driver->ops->detach)
		domain->driver->ops->detach(domain->driver, dev->devid);
	for (link = &domain->devices; *link != dev; link = &(*link)->next)
		;
	*link = dev->next;
	free(dev);
}

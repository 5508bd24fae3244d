/* SPDX-License-Identifier: MIT */
/*
 * Memory shared by CPU and device: whole zeroed pages, mapped both ways for as long as they
 * live (calgary_alloc_coherent()). A list of them is always kept, so that freeing what was not
 * allocated is refused instead of handing somebody else's pages back.
 */
#include "dma/coherent.h"

#include <errno.h>
#include <string.h>

#include "dma/mapping.h"

/*
 * Pages the device can be given: where it finds them at their own addresses they must lie below its
 * mask.
 */
static int get_pages(struct iotoll_dma_device *dev, struct coherent *c)
{
	struct iotoll_dma_domain *domain = dev->domain;
	const bool anywhere = domain->iova && !domain->strategy->own_addresses;
	const uint64_t highest = anywhere ? domain->driver->ops->max_paddr : dev->dma_mask;
	const uint64_t below = highest >= env_memory_bytes(domain->env) - 1 ? 0 : highest + 1;
	const int rc = env_alloc_pages(domain->env, c->pages, DMA_PAGE_BYTES, below, &c->paddr);

	if (rc)
		return rc;
	c->ptr = env_ptr(domain->env, c->paddr, c->mapping.bytes);
	memset(c->ptr, 0, c->mapping.bytes);
	env_touch(domain->env, c->paddr, c->mapping.bytes, true);
	return 0;
}

/* The list needs a lock also where the calls need none. */
static void list_lock(struct iotoll_dma_domain *domain)
{
	if ((!domain_locked(domain) || domain->split) && !domain_watched(domain))
		env_quiet_lock(&domain->quiet);
}

static void list_unlock(struct iotoll_dma_domain *domain)
{
	if ((!domain_locked(domain) || domain->split) && !domain_watched(domain))
		env_quiet_unlock(&domain->quiet);
}

void *iotoll_dma_alloc_coherent(struct iotoll_dma_device *dev, size_t bytes, iotoll_iova_t *iova,
				iotoll_phys_t *paddr)
{
	struct iotoll_dma_domain *domain;
	struct coherent *c = NULL;
	int token, rc = -ENOMEM;

	if (!dev || !iova || !paddr)
		return NULL;
	domain = dev->domain;
	*iova = IOTOLL_DMA_MAPPING_ERROR;
	*paddr = IOTOLL_PHYS(0);
	if (bytes != 0 && bytes <= env_memory_bytes(domain->env))
		c = calloc(1, sizeof(*c));
	if (c) {
		c->pages = dma_pages(0, bytes);
		c->mapping = (struct mapping){.dev = dev,
					      .bytes = c->pages * DMA_PAGE_BYTES,
					      .dir = IOTOLL_DMA_BIDIRECTIONAL,
					      .kind = MAPPING_COHERENT};
		rc = get_pages(dev, c);
	}
	if (rc) {
		free(c);
		c = NULL;
	}
	token = domain_begin(domain, DMA_PHASE_MAP);
	list_lock(domain);
	rc = c ? mapping_add(&c->mapping, c->paddr) : rc;
	if (!rc)
		rc = mapping_commit(&c->mapping, c->paddr);
	/* A device may use it without any doorbell. */
	if (!rc && domain->driver->ops->publish)
		(void)domain->driver->ops->publish(domain->driver);
	if (rc) {
		mapping_count_failure(domain);
	} else {
		c->next = domain->coherents;
		domain->coherents = c;
		domain->stats.coherent_allocs++;
		*iova = c->mapping.iova;
		*paddr = c->paddr;
	}
	list_unlock(domain);
	domain_end(domain, token);
	if (!rc)
		return c->ptr;
	if (c)
		env_free_pages(domain->env, c->paddr, c->pages);
	free(c);
	return NULL;
}

/*
 * Unlink and unmap *@link, of which alone the list knows what there is to take down: whatever else
 * may have its address now is left alone. The pages are freed by the caller, outside the lock.
 */
static struct coherent *take_out(struct iotoll_dma_domain *domain, struct coherent **link)
{
	struct coherent *c = *link;

	*link = c->next;
	if (c->unmapped)
		domain->stats.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN]++;
	else
		(void)mapping_remove(&c->mapping);
	return c;
}

void coherent_unmapped(struct iotoll_dma_domain *domain, const struct mapping *mapping)
{
	struct coherent *c = domain->coherents;

	while (c &&
	       (c->unmapped || c->mapping.dev != mapping->dev || c->mapping.iova != mapping->iova))
		c = c->next;
	if (c)
		c->unmapped = true;
}

static void free_pages(struct iotoll_dma_domain *domain, struct coherent *c)
{
	env_free_pages(domain->env, c->paddr, c->pages);
	free(c);
}

void iotoll_dma_free_coherent(struct iotoll_dma_device *dev, size_t bytes, void *ptr,
			      iotoll_iova_t iova)
{
	struct iotoll_dma_domain *domain;
	const size_t rounded = bytes ? dma_pages(0, bytes) * DMA_PAGE_BYTES : 0;
	struct coherent **link, *c = NULL;
	int token;

	if (!dev)
		return;
	domain = dev->domain;
	token = domain_begin(domain, DMA_PHASE_UNMAP);
	list_lock(domain);
	for (link = &domain->coherents; *link; link = &(*link)->next)
		if ((*link)->mapping.iova == iova && (*link)->ptr == ptr)
			break;
	if (*link) {
		domain->stats.misuse[IOTOLL_MISUSE_WRONG_SIZE] += (*link)->mapping.bytes != rounded;
		domain->stats.misuse[IOTOLL_MISUSE_WRONG_DEVICE] += (*link)->mapping.dev != dev;
		c = take_out(domain, link);
		domain->stats.coherent_frees++;
	} else {
		domain->stats.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN]++;
	}
	list_unlock(domain);
	domain_end(domain, token);
	if (c)
		free_pages(domain, c);
}

void coherent_release_all(struct iotoll_dma_device *dev)
{
	struct iotoll_dma_domain *domain = dev->domain;
	struct coherent **link = &domain->coherents;

	while (*link) {
		struct coherent *c;
		int token;

		if ((*link)->mapping.dev != dev) {
			link = &(*link)->next;
			continue;
		}
		token = domain_begin(domain, DMA_PHASE_UNMAP);
		domain->stats.misuse[IOTOLL_MISUSE_LEAK]++;
		c = take_out(domain, link);
		domain_end(domain, token);
		free_pages(domain, c);
	}
}

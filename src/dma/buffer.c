/* SPDX-License-Identifier: MIT */
/*
 * Buffers out of a strategy's own memory: what all such strategies have in common is the bracket
 * around the call, and what is counted. Where the strategy has none, asking is free of charge.
 *
 * Kernels call such an allocator directly, not through the DMA API's operations, so that the cost
 * of these (DMA_WORK_CALL) is not charged: arithmetic of the order of a bitmap word's, and what
 * the allocator itself reads and writes.
 */
#include <errno.h>

#include "dma/domain.h"
#include "dma/strategy/bounce.h"

static int begin(struct iotoll_dma_domain *domain, enum dma_phase phase)
{
	const int token = env_enter(domain->env, phase);

	env_work(domain->env, DMA_WORK_BITMAP_WORD, 1);
	if (domain_watched(domain))
		env_quiet_lock(&domain->quiet);
	return token;
}

static void end(struct iotoll_dma_domain *domain, int token)
{
	if (domain_watched(domain))
		env_quiet_unlock(&domain->quiet);
	env_leave(domain->env, token);
}

static const struct buffer_ops *ops_of(const struct iotoll_dma_device *dev)
{
	return dev ? dev->domain->strategy->buffers : NULL;
}

void *iotoll_dma_buffer_alloc(struct iotoll_dma_device *dev, size_t bytes, enum iotoll_dma_dir dir,
			      const struct iotoll_dma_attrs *attrs, iotoll_phys_t *paddr)
{
	const struct buffer_ops *ops = ops_of(dev);
	struct iotoll_dma_domain *domain;
	uint64_t at = 0;
	int token, rc;

	if (paddr)
		*paddr = IOTOLL_PHYS(0);
	if (!ops || !paddr || !bytes)
		return NULL;
	domain = dev->domain;
	token = begin(domain, DMA_PHASE_MAP);
	rc = ops->alloc(dev, bytes, dir, attrs ? attrs->ring : 0, &at);
	end(domain, token);
	if (rc)
		return NULL;
	*paddr = IOTOLL_PHYS(at);
	return env_ptr(domain->env, *paddr, 1);
}

/* One of the calls that name a buffer; its bracket and what is wrong with it. */
static void of_buffer(struct iotoll_dma_device *dev, iotoll_phys_t paddr,
		      int (*call)(struct iotoll_dma_device *dev, uint64_t paddr))
{
	struct iotoll_dma_domain *domain = dev ? dev->domain : NULL;
	int token, rc = -ENOENT;

	if (!domain)
		return;
	if (call) {
		token = begin(domain, DMA_PHASE_UNMAP);
		rc = call(dev, IOTOLL_PHYS_U64(paddr));
		end(domain, token);
	}
	if (rc)
		domain_count(&domain->stats.misuse[rc == -EXDEV ? IOTOLL_MISUSE_WRONG_DEVICE
								: IOTOLL_MISUSE_UNMAP_UNKNOWN],
			     1);
}

void iotoll_dma_buffer_free(struct iotoll_dma_device *dev, iotoll_phys_t paddr)
{
	const struct buffer_ops *ops = ops_of(dev);

	of_buffer(dev, paddr, ops ? ops->free : NULL);
}

void iotoll_dma_buffer_hold(struct iotoll_dma_device *dev, iotoll_phys_t paddr)
{
	const struct buffer_ops *ops = ops_of(dev);

	of_buffer(dev, paddr, ops ? ops->hold : NULL);
}

void iotoll_dma_buffer_drop(struct iotoll_dma_device *dev, iotoll_phys_t paddr)
{
	const struct buffer_ops *ops = ops_of(dev);

	of_buffer(dev, paddr, ops ? ops->drop : NULL);
}

bool iotoll_dma_buffer_changes(const struct iotoll_dma_device *dev, iotoll_phys_t paddr)
{
	const struct buffer_ops *ops = ops_of(dev);

	return ops && ops->changes && ops->changes(dev->domain, IOTOLL_PHYS_U64(paddr));
}

void iotoll_dma_buffer_copy(struct iotoll_dma_device *dev, iotoll_phys_t to, iotoll_phys_t from,
			    size_t bytes)
{
	struct iotoll_dma_domain *domain;
	int token;

	if (!dev || !env_has_memory(dev->domain->env, IOTOLL_PHYS_U64(from), bytes, false) ||
	    !env_has_memory(dev->domain->env, IOTOLL_PHYS_U64(to), bytes, true))
		return;
	domain = dev->domain;
	token = begin(domain, DMA_PHASE_UNMAP);
	/* Too short for a stream: its lines are waited for, as they are by who looks at them. */
	env_touch(domain->env, from, bytes, false);
	bounce_copy(domain, IOTOLL_PHYS_U64(to), IOTOLL_PHYS_U64(from), bytes);
	end(domain, token);
}

/* SPDX-License-Identifier: MIT */
/*
 * When the IOTLB is flushed, and when entries may be used again: what happens as the allocator
 * wraps, as entries are about to be reused, and as they are cleared. Independent of which IOMMU and
 * which allocator. All hooks are called under the domain's lock; a hook that is NULL does nothing.
 */
#ifndef IOTOLL_DMA_STRATEGY_H
#define IOTOLL_DMA_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

struct iotoll_dma_domain;

struct strategy_ops {
	const char *name;
	const char *title;
	/* false: addresses are physical ones, there is no table and no hook is called. */
	bool translates;
	/* Set up domain->strategy_data, if it needs any. 0 or -ENOMEM. */
	int (*create)(struct iotoll_dma_domain *domain);
	/* Only after a create() that succeeded. */
	void (*destroy)(struct iotoll_dma_domain *domain);
	/* The allocator goes back to the bottom of the table. */
	void (*wrapped)(struct iotoll_dma_domain *domain);
	/* These entries were just allocated; nothing has been written to them yet. */
	void (*allocated)(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
	/*
	 * These entries were just cleared. True: they may be allocated again from now on. False:
	 * the strategy keeps them, and hands each range back by one domain_release().
	 */
	bool (*cleared)(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
	/* Does it keep any of these? Pure, free of charge. NULL: it never keeps any. */
	bool (*keeps)(const struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
	/* What domain_set_timer() asked for. NULL in a strategy that does not. */
	void (*timer)(struct iotoll_dma_domain *domain);
};

/* The registry: an explicit array, NULL-terminated, in display order. */
extern const struct strategy_ops *const dma_strategies[];

/* The row named @name, or NULL. */
const struct strategy_ops *strategy_find(const char *name);

#endif

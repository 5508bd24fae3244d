/* SPDX-License-Identifier: MIT */
/*
 * Mappings that serve more than one request: what shared, persistent, on-demand and optimistic have
 * in common. A request finds the entries that lead to its page already, or makes them; when it is
 * over they stay for the next one, in the order in which they came to rest, until the policy has
 * them evicted.
 */
#ifndef IOTOLL_DMA_STRATEGY_REUSE_H
#define IOTOLL_DMA_STRATEGY_REUSE_H

#include "dma/domain.h"

#define REUSE_NO_LIMIT UINT64_MAX

struct reuse_policy {
	/* Pages mapped at most, but for those of live requests; the domain's quota goes before. */
	uint64_t mapped;
	/* Pages at most that are mapped and of no live request; likewise, if @quota_is_idle. */
	uint64_t idle;
	bool quota_is_idle;
	uint64_t idle_ps; /* how long each; 0: as long as you like */
	unsigned batch;   /* runs evicted together, with one word to the IOTLB */
};

/* The hooks of struct strategy_ops. */
int reuse_create(struct iotoll_dma_domain *domain, const struct reuse_policy *policy) MUST_CHECK;
void reuse_destroy(struct iotoll_dma_domain *domain);
int reuse_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr);
void reuse_unmap(struct iotoll_dma_domain *domain, const struct mapping *what);
bool reuse_owns(const struct iotoll_dma_domain *domain, const struct mapping *what);
void reuse_forget(struct iotoll_dma_domain *domain, uint64_t paddr, uint64_t pages);
bool reuse_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
void reuse_timer(struct iotoll_dma_domain *domain);

#endif

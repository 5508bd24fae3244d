/* SPDX-License-Identifier: MIT */
/*
 * Entries of a domain's table: got from the allocator and set, cleared and given back. What a
 * request has to do with entries is the strategy's affair. Called between domain_begin() and
 * domain_end(), in a domain that has a table.
 */
#ifndef IOTOLL_DMA_TABLE_H
#define IOTOLL_DMA_TABLE_H

#include "dma/domain.h"

/*
 * Have @pages entries, one behind the other, lead to the pages from the one that holds @paddr on,
 * for @want's device, direction and ring; the observer is told. 0 and the first in *@first, which
 * table_address() turns into an address; -ENOSPC, -ENOMEM: nothing has changed but what was
 * flushed.
 */
int table_set(const struct mapping *want, uint64_t paddr, uint64_t pages,
	      uint64_t *first) MUST_CHECK;
/*
 * Clear entries that table_set() made, these or some of them, and give them back: what becomes of
 * the IOTLB, and when they may be used again, is said by the strategy's cleared().
 */
void table_clear(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages);

/*
 * Have entries that table_set() made say something else: @dir, and pages from @paddr's on. What
 * they said before may be cached: that is the caller's. Live DMA through them goes on, except
 * under a hypervisor, which knows no such call: there they are cleared in between.
 */
void table_rewrite(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages, uint64_t paddr,
		   enum iotoll_dma_dir dir);

/* What a device puts on the bus to reach @paddr through the entry @first. */
static inline iotoll_iova_t table_address(uint64_t first, uint64_t paddr)
{
	return IOTOLL_IOVA((first << DMA_PAGE_SHIFT) | (paddr & (DMA_PAGE_BYTES - 1)));
}

#endif

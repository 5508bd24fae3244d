/* SPDX-License-Identifier: MIT */
/*
 * Entries of a domain's table: got from the allocator and set, cleared and given back. What a
 * request has to do with entries is the strategy's affair. Called between domain_begin() and
 * domain_end(), in a domain that has a table.
 */
#ifndef IOTOLL_DMA_ENTRIES_H
#define IOTOLL_DMA_ENTRIES_H

#include "dma/domain.h"

/*
 * @pages entries, one behind the other, for @want's device and ring, and memory for them to lead to
 * @paddr: 0 and the
 * first in *@first; -ENOSPC, -ENOMEM: nothing has changed but what was flushed. They are nobody
 * else's until they are freed at domain->iova, and say what they said.
 */
int entries_take(const struct mapping *want, uint64_t paddr, uint64_t pages,
		 uint64_t *first) MUST_CHECK;
/* The same without the memory (driver_ops.prepare): 0, -ENOSPC, -ENOMEM. */
int entries_allocate(const struct mapping *want, uint64_t pages, uint64_t *first) MUST_CHECK;
/* The driver has set entries: what follows from that. The observer is told. */
void entries_filled(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count,
		    enum iotoll_dma_dir dir);
/* Have clear entries lead to the pages from the one that holds @paddr on; the observer is told. */
void entries_fill(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages, uint64_t paddr,
		  enum iotoll_dma_dir dir);
/*
 * Have @pages entries, one behind the other, lead to the pages from the one that holds @paddr on,
 * for @want's device, direction and ring; where entries name buffers one leads to @want's bytes
 * from
 * @paddr on. The observer is told. 0 and the first in *@first, which
 * entries_address() turns into an address; -ENOSPC, -ENOMEM: nothing has changed but what was
 * flushed.
 */
int entries_set(const struct mapping *want, uint64_t paddr, uint64_t pages,
		uint64_t *first) MUST_CHECK;
/*
 * Clear entries that entries_set() made, these or some of them, and give them back: what becomes of
 * the IOTLB, and when they may be used again, is said by the strategy's cleared().
 */
void entries_clear(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages);
/*
 * Where locks are split: the same, but for giving them back, which the caller does when he has
 * finished with them, if this is true. No unmap of theirs is believed meanwhile.
 */
bool entries_withdraw(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages);

/*
 * Where a strategy has no use for the allocator, and any entry may be set again at once: the same
 * for entries of entries_fill(), which go back to nobody. The observer is told by entries_gone().
 */
void entries_drop(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages);
/* Of entries that were dropped: nobody has set them since. */
void entries_gone(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages);
/*
 * A list: clear the entries of one that entries_set() made, by the driver's erase() if it has one;
 * then entries_forget() runs of them, of which all are pushed out, the strategy is asked and the
 * observer told; then give back, with entries_give_back(), those that @kept, @n of them like
 * @run, does not say the strategy has.
 */
void entries_erase(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages);
void entries_forget(struct iotoll_dma_domain *domain, const struct entry_run *run, bool *kept,
		    unsigned n, bool more);
void entries_give_back(struct iotoll_dma_domain *domain, const struct entry_run *run,
		       const bool *kept, unsigned n);

/*
 * Have entries that entries_set() made say something else: @dir, and pages from @paddr's on. What
 * they said before may be cached: that is the caller's. Live DMA through them goes on.
 */
void entries_rewrite(struct iotoll_dma_domain *domain, uint64_t first, uint64_t pages,
		     uint64_t paddr, enum iotoll_dma_dir dir);

/* What a device puts on the bus to reach @paddr through the entry @first. */
static inline iotoll_iova_t entries_address(uint64_t first, uint64_t paddr)
{
	return IOTOLL_IOVA((first << DMA_PAGE_SHIFT) | (paddr & (DMA_PAGE_BYTES - 1)));
}

#endif

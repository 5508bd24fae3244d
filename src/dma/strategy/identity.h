/* SPDX-License-Identifier: MIT */
/*
 * Dynamic identity mapping (Peleg, Morrison, Serebrin and Tsafrir, "Utilizing the IOMMU Scalably",
 * USENIX ATC 2015): a page is mapped at its own address while requests of it live, so that there
 * is no allocator of addresses, and nothing to wait for before an address is used again. For each
 * entry it is counted how many live requests let the device read its page, and how many write.
 *
 * Requests of one page may want different rights. In the paper an address has them in its two top
 * bits, so that they get entries of their own and no entry ever changes what it allows. So it is
 * here where the table has four times as many entries as memory has pages, rounded up to a power
 * of two. In smaller ones, as Calgary's and DART's are at most, there is one entry for each page;
 * it allows what the live requests want together, and less again when one of them is over. That is
 * ours.
 *
 * The paper counts in ten bits of the entry that hardware leaves alone. Not every table has such
 * bits, so counts lie in words beside it: a cache line more to be touched by each map and unmap.
 */
#ifndef IOTOLL_DMA_STRATEGY_IDENTITY_H
#define IOTOLL_DMA_STRATEGY_IDENTITY_H

#include "dma/pagemap.h"
#include "dma/strategy/withheld.h"

struct identity {
	/* By entry: live requests that have the device read, in the lower half, and write. */
	struct pagemap users;
	struct withheld withheld;
	/* Entries from one right's page 0 to the next one's; 0: all rights have the same. */
	uint64_t window;
	/* Of identity-deferred alone. */
	iotoll_phys_t lines; /* one for each CPU */
	uint64_t line_frames;
	bool timer_on;
	unsigned flushes_under_way;
};

/*
 * The hooks of struct strategy_ops. What becomes of the IOTLB is the strategy's cleared(), whose
 * answer must be true: entries are nobody's.
 */
int identity_fits(const struct iotoll_dma_domain *domain, const char *strategy,
		  struct err *err) MUST_CHECK;
int identity_create(struct iotoll_dma_domain *domain) MUST_CHECK;
void identity_destroy(struct iotoll_dma_domain *domain);
int identity_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr);
void identity_unmap(struct iotoll_dma_domain *domain, const struct mapping *what);
bool identity_owns(const struct iotoll_dma_domain *domain, const struct mapping *what);

#endif

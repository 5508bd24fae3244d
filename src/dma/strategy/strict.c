/* SPDX-License-Identifier: MIT */
/*
 * Strict: the IOTLB is flushed after every unmap, before the entries can be allocated again, so
 * nothing unmapped stays reachable. The Calgary driver did so under CONFIG_IOMMU_DEBUG
 * (tce_cache_blast_stress() in Linux 2.6.18, called for each range it freed, hence for each
 * element of a list); "The Price of Safety", section 4.1, found that it brought the system to
 * its knees. What is reused was flushed when it was unmapped, so a wrap needs no flush.
 */
#include "dma/domain.h"

static void strict_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	(void)first;
	(void)count;
	domain_flush(domain);
}

const struct strategy_ops strict_ops = {
	.name = "strict",
	.title = "flush the IOTLB at every unmap",
	.translates = true,
	.cleared = strict_cleared,
};

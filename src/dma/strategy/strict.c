/* SPDX-License-Identifier: MIT */
/*
 * Strict: the IOTLB forgets what was unmapped at every unmap, before the entries can be allocated
 * again, so nothing unmapped stays reachable. Where the hardware can forget one range it is asked
 * for that (Linux's strict mode on VT-d and AMD-Vi; on DART of U4 our choice); Calgary has only the
 * flush of everything, which its driver did under CONFIG_IOMMU_DEBUG (tce_cache_blast_stress() in
 * Linux 2.6.18, called for each range it freed, hence for each element of a list); "The Price of
 * Safety", section 4.1, found that it brought the system to its knees. What is reused was forgotten
 * when it was unmapped, so a wrap needs no flush.
 */
#include "dma/domain.h"

static bool strict_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	domain_invalidate(domain, first, count);
	return true;
}

/* A list may be forgotten together, so long as all of it is before the call returns. */
static bool strict_cleared_runs(struct iotoll_dma_domain *domain, const struct entry_run *run,
				unsigned n)
{
	domain_invalidate_runs(domain, run, n);
	return true;
}

const struct strategy_ops strict_ops = {
	.name = "strict",
	.title = "flush the IOTLB at every unmap",
	.does = "Each map sets its entries; each unmap clears them and has the IOTLB forget them, "
		"all of it where the hardware knows nothing finer, and waits until it has.",
	.protects = "No access succeeds after an unmap has returned.",
	.gives_up =
		"Bytes that share a page with a mapped buffer stay reachable while it is mapped.",
	.source = "Linux's iommu.strict=1; \"The Price of Safety\" (OLS 2007), section 4.1",
	.translates = true,
	.overlaps = true,
	.threads = true,
	.cleared = strict_cleared,
	.cleared_runs = strict_cleared_runs,
};

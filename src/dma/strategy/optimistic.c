/* SPDX-License-Identifier: MIT */
/*
 * Optimistic teardown (Amit, Ben-Yehuda, Tsafrir and Schuster, "vIOMMU: Efficient IOMMU Emulation",
 * USENIX ATC 2011): unmapped pages stay mapped for at most 10 ms, at most 256 of them, in the hope
 * that they are mapped again; first in, first out. Who comes back finds table and IOTLB as they
 * were. The paper measured 256 and 4096.
 */

#define REST_PS UINT64_C(10000000000)
#include "dma/strategy/reuse.h"

static const struct reuse_policy policy = {.idle = 256,
					   .quota_is_idle = true,
					   .mapped = REUSE_NO_LIMIT,
					   .idle_ps = REST_PS,
					   .batch = 64};

static int optimistic_create(struct iotoll_dma_domain *domain)
{
	return reuse_create(domain, &policy);
}

const struct strategy_ops optimistic_ops = {
	.name = "optimistic",
	.title = "keep up to 256 unmapped pages mapped, for at most 10 ms, and revive them",
	.does = "An unmapped page keeps its entry until 256 (dma.quota) others were unmapped after "
		"it, or for 10 "
		"ms; a map that comes before revives it. Up to 64 go with one flush.",
	.protects = "Memory that was not used for DMA in the last 10 ms.",
	.gives_up = "An unmapped page can be reached for up to 10 ms (our timer is a kernel's: a "
		    "tick or two more).",
	.source = "vIOMMU, USENIX ATC 2011",
	.translates = true,
	.create = optimistic_create,
	.destroy = reuse_destroy,
	.map = reuse_map,
	.unmap = reuse_unmap,
	.owns = reuse_owns,
	.keeps_pages = true,
	.forget = reuse_forget,
	.cleared = reuse_cleared,
	.timer = reuse_timer,
};

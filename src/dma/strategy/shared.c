/* SPDX-License-Identifier: MIT */
/*
 * Shared mappings (Willmann, Rixner and Cox, "Protection Strategies for Direct Access to
 * Virtualized I/O Devices", USENIX ATC 2008): buffers that lie in one page, and requests for one
 * buffer, share one entry as long as one of them lives. Strict when the last is over.
 */
#include "dma/strategy/reuse.h"

static const struct reuse_policy policy = {.idle = 0, .mapped = REUSE_NO_LIMIT, .batch = 1};

static int shared_create(struct iotoll_dma_domain *domain)
{
	return reuse_create(domain, &policy);
}

const struct strategy_ops shared_ops = {
	.name = "shared",
	.title = "one mapping for all live requests of a page, strict when the last is over",
	.does = "A map of a page that is mapped already takes the entry that is there; the unmap "
		"that ends the "
		"last request clears it and has the IOTLB forget it.",
	.protects = "No access succeeds after the last request of a page is over.",
	.gives_up = "While another request of the same page lives, so does the page: a buffer can "
		    "be reached after its "
		    "own unmap. Rights are those of all requests together.",
	.source = "Willmann and others, USENIX ATC 2008 (shared); vIOMMU, USENIX ATC 2011",
	.translates = true,
	.create = shared_create,
	.destroy = reuse_destroy,
	.map = reuse_map,
	.unmap = reuse_unmap,
	.owns = reuse_owns,
	.cleared = reuse_cleared,
};

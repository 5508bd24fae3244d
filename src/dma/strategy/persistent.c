/* SPDX-License-Identifier: MIT */
/*
 * Persistent mappings: a page is mapped when it is first used for DMA and stays so ("The Price of
 * Safety", section 4.3.2: a caching layer in the DMA API; Willmann, Rixner and Cox, USENIX ATC
 * 2008). Only when the table is full do those that were used longest ago go.
 */
#include "dma/strategy/reuse.h"

static const struct reuse_policy policy = {
	.idle = REUSE_NO_LIMIT, .mapped = REUSE_NO_LIMIT, .batch = 64};

static int persistent_create(struct iotoll_dma_domain *domain)
{
	return reuse_create(domain, &policy);
}

const struct strategy_ops persistent_ops = {
	.name = "persistent",
	.title = "map a page at its first use and leave it mapped",
	.does = "A map of a page that was ever mapped finds its entry; an unmap does nothing. When "
		"the table "
		"is full, the 64 pages longest at rest are cleared with one flush.",
	.protects = "Memory that was never used for DMA, and all of other domains.",
	.gives_up = "Every page that was ever mapped can be reached from then on, whatever it "
		    "holds by then, and "
		    "with all rights it ever had.",
	.source = "\"The Price of Safety\" (OLS 2007), section 4.3.2; Willmann and others, USENIX "
		  "ATC 2008",
	.translates = true,
	.create = persistent_create,
	.destroy = reuse_destroy,
	.map = reuse_map,
	.unmap = reuse_unmap,
	.owns = reuse_owns,
	.keeps_pages = true,
	.forget = reuse_forget,
	.cleared = reuse_cleared,
};

/* SPDX-License-Identifier: MIT */
/*
 * On-demand mapping (Yassour, Ben-Yehuda and Wasserman, "On the DMA Mapping Problem in Direct
 * Device Assignment", SYSTOR 2010): persistent, but no more than a quota of pages, so that no more
 * need be pinned. Whoever has not been used for longest goes, some at a time. The paper's quotas
 * are shares of a guest's memory; 1024 pages, and 32 at a time, are our choice.
 */
#include "dma/strategy/reuse.h"

static const struct reuse_policy policy = {.idle = REUSE_NO_LIMIT, .mapped = 1024, .batch = 32};

static int on_demand_create(struct iotoll_dma_domain *domain)
{
	return reuse_create(domain, &policy);
}

const struct strategy_ops on_demand_ops = {
	.name = "on-demand",
	.title = "map a page at its first use, keep at most a quota of pages mapped",
	.does = "As persistent, but when more than dma.quota pages (1024) are mapped, the 32 "
		"longest at rest "
		"are cleared with one flush.",
	.protects = "Memory that was never used for DMA, or not lately, and all of other domains.",
	.gives_up = "The pages used last can be reached, up to the quota and for as long as nobody "
		    "else needs "
		    "their place.",
	.source = "Yassour and others, SYSTOR 2010",
	.translates = true,
	.create = on_demand_create,
	.destroy = reuse_destroy,
	.map = reuse_map,
	.unmap = reuse_unmap,
	.owns = reuse_owns,
	.keeps_pages = true,
	.forget = reuse_forget,
	.cleared = reuse_cleared,
};

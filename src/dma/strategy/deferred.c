/* SPDX-License-Identifier: MIT */
/*
 * Deferred, as in "The Price of Safety", section 4.1, and the Calgary driver: an entry needs no
 * flush before its reuse, and a next-fit allocator reuses entries only after going around the
 * table, so flushing there is enough. Every search that goes back to the bottom flushes,
 * whether or not it then finds room: a full table flushes at each attempt.
 *
 * The argument has a gap. A mapping that lies above the hint and survives the wrap can be fetched
 * into the IOTLB again, be unmapped, and be allocated again when the hint arrives, in the same
 * lap and without a flush: see deferred-tracked.
 *
 * Drivers that invalidate as they map (DART) need no flush before reuse, and make none: with them
 * this strategy is what Linux does, and what was unmapped stays reachable until then.
 */
#include "dma/domain.h"

const struct strategy_ops deferred_ops = {
	.name = "deferred",
	.title = "flush the IOTLB when the allocator wraps (the paper's)",
	.does = "Entries are cleared at each unmap and handed out next-fit, so that none is used "
		"again "
		"before the allocator has gone around the table; the IOTLB is flushed then.",
	.protects = "Addresses that were never mapped, or have left the IOTLB, are refused.",
	.gives_up =
		"An unmapped page can be reached for as long as the IOTLB holds it, at most until "
		"the allocator wraps. A mapping that outlives a wrap can be reused in the same "
		"lap without a flush: the device then reaches its former owner's page.",
	.source = "\"The Price of Safety\" (OLS 2007), section 4.1; Linux's Calgary driver",
	.translates = true,
	.overlaps = true,
	.threads = true,
	.wrapped = domain_flush_for_reuse,
};

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
	.translates = true,
	.wrapped = domain_flush_for_reuse,
};

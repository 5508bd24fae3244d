/* SPDX-License-Identifier: MIT */
/*
 * Never flush. Exists to show what the flush at the wrap is for: entries are reused while the
 * IOTLB still holds what they said before. (Drivers that must invalidate to map, DART's, still
 * do.)
 */
#include "dma/domain.h"

const struct strategy_ops unflushed_ops = {
	.name = "unflushed",
	.title = "UNSAFE: never flush the IOTLB, devices reach reused pages (demonstration only)",
	.does = "Entries are set and cleared, and the IOTLB is never told.",
	.protects = "Addresses that were never mapped, or have left the IOTLB, are refused.",
	.gives_up = "An unmapped page can be reached for as long as the IOTLB holds it, also after "
		    "its address has got a new owner.",
	.source = "nobody's: it shows what the flush is for",
	.demonstration = true,
	.translates = true,
	.overlaps = true,
	.threads = true,
};

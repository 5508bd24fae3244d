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
	.translates = true,
};

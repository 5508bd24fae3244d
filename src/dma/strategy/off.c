/* SPDX-License-Identifier: MIT */
/*
 * No protection: a device is given physical addresses and reaches all memory. The denominator
 * of every comparison.
 */
#include "dma/strategy/strategy.h"

const struct strategy_ops off_ops = {
	.name = "off",
	.title = "no translation: devices use physical addresses",
	.does = "Devices are given physical addresses, and nothing checks what they do with them.",
	.protects = "Nothing.",
	.gives_up = "Everything: a device reaches all of memory at all times.",
	.source = "Linux's iommu.passthrough=1 or iommu=off; the baseline of every comparison",
	.translates = false,
};

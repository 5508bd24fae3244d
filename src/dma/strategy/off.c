/* SPDX-License-Identifier: MIT */
/*
 * No protection: a device is given physical addresses and reaches all memory. The denominator
 * of every comparison.
 */
#include "dma/strategy/strategy.h"

const struct strategy_ops off_ops = {
	.name = "off",
	.title = "no translation: devices use physical addresses",
	.translates = false,
};

// SPDX-License-Identifier: MIT
/*
 * True least recently used: a way's stamp is the clock of its last use, the smallest goes. The
 * clock never repeats, so there are no ties. Hardware of more than a few ways approximates this.
 */
#include "hw/policy.h"

static void lru_use(uint64_t *stamp, unsigned ways, unsigned way, uint64_t clock)
{
	(void)ways;
	stamp[way] = clock;
}

static unsigned lru_victim(uint64_t *stamp, unsigned ways, uint64_t random)
{
	unsigned oldest = 0;

	(void)random;
	for (unsigned way = 1; way < ways; way++)
		if (stamp[way] < stamp[oldest])
			oldest = way;
	return oldest;
}

const struct iotlb_policy policy_lru = {
	.name = "lru",
	.title = "least recently used goes",
	.touch = lru_use,
	.fill = lru_use,
	.victim = lru_victim,
};

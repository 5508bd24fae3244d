// SPDX-License-Identifier: MIT
/*
 * Random: the draw picks the way and nothing is remembered. The draw is scaled by its upper half
 * (Lemire's multiply-shift), whose bias over at most 2^20 ways is below one in four thousand.
 */
#include "hw/policy.h"

static void random_use(uint64_t *stamp, unsigned ways, unsigned way, uint64_t clock)
{
	(void)stamp;
	(void)ways;
	(void)way;
	(void)clock;
}

static unsigned random_victim(uint64_t *stamp, unsigned ways, uint64_t random)
{
	(void)stamp;
	return (unsigned)(((random >> 32) * ways) >> 32);
}

const struct iotlb_policy policy_random = {
	.name = "random",
	.title = "a way drawn at random goes",
	.touch = random_use,
	.fill = random_use,
	.victim = random_victim,
};

// SPDX-License-Identifier: MIT
/*
 * Random: the draw picks the way and nothing is remembered. The draw is scaled by its upper half
 * (Lemire's multiply-shift), whose bias over at most 2^20 ways is below one in four thousand.
 */
#include "hw/policy.h"

static size_t random_words(unsigned ways)
{
	(void)ways;
	return 0;
}

static void random_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)state;
	(void)ways;
	(void)way;
	(void)clock;
}

static void random_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)state;
	(void)ways;
	(void)way;
	(void)clock;
	(void)key;
}

static unsigned random_victim(uint64_t *state, unsigned ways, uint64_t random)
{
	(void)state;
	return (unsigned)(((random >> 32) * ways) >> 32);
}

static bool random_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	(void)state;
	(void)ways;
	(void)clock;
	return true;
}

const struct iotlb_policy policy_random = {
	.name = "random",
	.title = "a way drawn at random goes",
	.words = random_words,
	.touch = random_touch,
	.fill = random_fill,
	.victim = random_victim,
	.check = random_check,
};

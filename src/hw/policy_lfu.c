// SPDX-License-Identifier: MIT
/*
 * Least frequently used with ageing: a use count a way, saturating at 255, the smallest goes and
 * of equal ones the least recently used. After eight uses and fills per way all counts of the set
 * are halved, so that what was busy once does not stay for ever; both numbers are our choice.
 */
#include "hw/policy.h"

#define LFU_MOST      255u
#define LFU_PERIOD    8u
#define LFU_CLOCK_MAX (((uint64_t)1 << 48) - 1)

/* A word a way, count above the clock of its last use; behind them uses since the last halving. */
static size_t lfu_words(unsigned ways)
{
	return (size_t)ways + 1;
}

static uint64_t lfu_word(uint64_t count, uint64_t clock)
{
	return count << 48 | (clock & LFU_CLOCK_MAX);
}

static void lfu_use(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t count)
{
	state[way] = lfu_word(count < LFU_MOST ? count : LFU_MOST, clock);
	if (++state[ways] < (uint64_t)LFU_PERIOD * ways)
		return;
	state[ways] = 0;
	for (unsigned i = 0; i < ways; i++)
		state[i] = lfu_word(state[i] >> 49, state[i]);
}

static void lfu_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	lfu_use(state, ways, way, clock, (state[way] >> 48) + 1);
}

static void lfu_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)key;
	lfu_use(state, ways, way, clock, 1);
}

static bool lfu_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	for (unsigned way = 0; way < ways; way++)
		if (state[way] >> 48 > LFU_MOST || (state[way] & LFU_CLOCK_MAX) > clock)
			return false;
	return state[ways] < (uint64_t)LFU_PERIOD * ways;
}

const struct iotlb_policy policy_lfu = {
	.name = "lfu",
	.title = "least often used goes; counts are halved now and then",
	.words = lfu_words,
	.touch = lfu_touch,
	.fill = lfu_fill,
	.victim = policy_smallest,
	.check = lfu_check,
};

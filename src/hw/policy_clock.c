// SPDX-License-Identifier: MIT
/*
 * Clock, or second chance (F. J. Corbato, "A Paging Experiment with the Multics System", 1968): a
 * hand goes round the ways, clears the use bit of those used and takes the first that was not. The
 * bit is set by hits and not by the fill, as in today's descriptions: a page used once has no
 * second chance.
 */
#include "hw/policy.h"

static size_t clock_words(unsigned ways)
{
	return 1 + ((size_t)ways + 63) / 64; /* the hand, then the use bits */
}

static void clock_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)ways;
	(void)clock;
	state[1 + way / 64] |= (uint64_t)1 << (way % 64);
}

static void clock_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)ways;
	(void)clock;
	(void)key;
	state[1 + way / 64] &= ~((uint64_t)1 << (way % 64));
}

static unsigned clock_victim(uint64_t *state, unsigned ways, uint64_t random)
{
	(void)random;
	for (;;) {
		const unsigned way = (unsigned)state[0];
		const uint64_t bit = (uint64_t)1 << (way % 64);

		state[0] = way + 1 == ways ? 0 : way + 1;
		if (!(state[1 + way / 64] & bit))
			return way;
		state[1 + way / 64] &= ~bit; /* so the second round ends at the latest */
	}
}

static bool clock_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	(void)clock;
	return state[0] < ways && (ways % 64 == 0 || state[1 + ways / 64] >> (ways % 64) == 0);
}

const struct iotlb_policy policy_clock = {
	.name = "clock",
	.title = "a hand takes the first way not used since it last passed",
	.words = clock_words,
	.touch = clock_touch,
	.fill = clock_fill,
	.victim = clock_victim,
	.check = clock_check,
};

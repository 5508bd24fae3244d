// SPDX-License-Identifier: MIT
/*
 * First in, first out: a way's word is the clock of its filling, the smallest goes; hits do not
 * count.
 */
#include "hw/policy.h"

static void fifo_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)state;
	(void)ways;
	(void)way;
	(void)clock;
}

static void fifo_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)ways;
	(void)key;
	state[way] = clock;
}

const struct iotlb_policy policy_fifo = {
	.name = "fifo",
	.title = "first filled goes first",
	.words = policy_word_per_way,
	.touch = fifo_touch,
	.fill = fifo_fill,
	.victim = policy_smallest,
	.check = policy_stamps_past,
};

// SPDX-License-Identifier: MIT
/*
 * True least recently used: a way's word is the clock of its last use, the smallest goes. The
 * clock never repeats, so there are no ties. Hardware of more than a few ways approximates this.
 */
#include "hw/policy.h"

static void lru_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)ways;
	state[way] = clock;
}

static void lru_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)ways;
	(void)key;
	state[way] = clock;
}

const struct iotlb_policy policy_lru = {
	.name = "lru",
	.title = "least recently used goes",
	.words = policy_word_per_way,
	.stamps = true,
	.touch = lru_touch,
	.fill = lru_fill,
	.victim = policy_smallest,
	.check = policy_stamps_past,
};

// SPDX-License-Identifier: MIT
/*
 * Re-reference interval prediction (A. Jaleel et al., "High Performance Cache Replacement Using
 * Re-Reference Interval Prediction (RRIP)", ISCA 2010), two bits a way: 0 is "soon", 3 "distant". A
 * hit makes it 0 (the paper's hit-priority form); the lowest way with 3 goes, all of them ageing
 * until there is one. SRRIP fills with 2; BRRIP (section 4.3) with 3, every 32nd time with 2. The
 * paper draws that time; here each set counts, which hardware does as well and runs repeat.
 */
#include "hw/policy.h"

#define RRIP_DISTANT  3u
#define RRIP_LONG     2u
#define BRRIP_LONG_IN 32u

/* A word a way and, behind them, the number of fills. */
static size_t rrip_words(unsigned ways)
{
	return (size_t)ways + 1;
}

static void rrip_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)ways;
	(void)clock;
	state[way] = 0;
}

static void srrip_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)ways;
	(void)clock;
	(void)key;
	state[way] = RRIP_LONG;
}

static void brrip_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)clock;
	(void)key;
	state[way] = ++state[ways] % BRRIP_LONG_IN == 0 ? RRIP_LONG : RRIP_DISTANT;
}

static unsigned rrip_victim(uint64_t *state, unsigned ways, uint64_t random)
{
	unsigned oldest = 0;
	uint64_t age;

	(void)random;
	for (unsigned way = 1; way < ways; way++)
		if (state[way] > state[oldest])
			oldest = way;
	age = RRIP_DISTANT - state[oldest];
	for (unsigned way = 0; way < ways; way++)
		state[way] += age;
	return oldest;
}

static bool rrip_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	(void)clock;
	for (unsigned way = 0; way < ways; way++)
		if (state[way] > RRIP_DISTANT)
			return false;
	return true;
}

const struct iotlb_policy policy_srrip = {
	.name = "srrip",
	.title = "re-reference prediction: new lines are expected back late",
	.words = rrip_words,
	.touch = rrip_touch,
	.fill = srrip_fill,
	.victim = rrip_victim,
	.check = rrip_check,
};

const struct iotlb_policy policy_brrip = {
	.name = "brrip",
	.title = "the same, and most new lines are not expected back at all",
	.words = rrip_words,
	.touch = rrip_touch,
	.fill = brrip_fill,
	.victim = rrip_victim,
	.check = rrip_check,
};

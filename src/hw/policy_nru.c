// SPDX-License-Identifier: MIT
/*
 * Not recently used: one bit a way, set by a hit or a fill. When every bit would be set, the others
 * are cleared; the lowest way without the bit goes. Used by TLBs that cannot afford an order (the
 * "used" bits of UltraSPARC's TLBs).
 */
#include "hw/policy.h"

static size_t nru_words(unsigned ways)
{
	return ((size_t)ways + 63) / 64;
}

static bool nru_full(const uint64_t *state, unsigned ways)
{
	for (unsigned i = 0; i < ways / 64; i++)
		if (state[i] != UINT64_MAX)
			return false;
	return ways % 64 == 0 || state[ways / 64] == ((uint64_t)1 << (ways % 64)) - 1;
}

static void nru_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)clock;
	state[way / 64] |= (uint64_t)1 << (way % 64);
	if (!nru_full(state, ways))
		return;
	for (size_t i = 0; i < nru_words(ways); i++)
		state[i] = 0;
	if (ways > 1)
		state[way / 64] = (uint64_t)1 << (way % 64);
}

static void nru_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)key;
	nru_touch(state, ways, way, clock);
}

static unsigned nru_victim(uint64_t *state, unsigned ways, uint64_t random)
{
	unsigned i = 0;

	(void)ways;
	(void)random;
	while (state[i] == UINT64_MAX)
		i++; /* some bit is clear: see nru_touch() */
	return i * 64 + (unsigned)__builtin_ctzll(~state[i]);
}

static bool nru_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	(void)clock;
	return !nru_full(state, ways) && (ways % 64 == 0 || state[ways / 64] >> (ways % 64) == 0);
}

const struct iotlb_policy policy_nru = {
	.name = "nru",
	.title = "the lowest way not used since the bits were last cleared goes",
	.words = nru_words,
	.touch = nru_touch,
	.fill = nru_fill,
	.victim = nru_victim,
	.check = nru_check,
};

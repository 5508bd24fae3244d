// SPDX-License-Identifier: MIT
/*
 * Tree pseudo-LRU: a binary tree over the ways, one bit a node, which points away from the half
 * used last; the bits are followed from the root to the victim. Ways that are no power of two leave
 * leaves without a way at the right end, which the walk does not enter.
 */
#include "hw/policy.h"

static unsigned plru_leaves(unsigned ways)
{
	return ways <= 1 ? 1 : 1u << (32 - __builtin_clz(ways - 1));
}

/* Node n is bit n: 1 is the root, 2n and 2n + 1 are below n, leaf w is node leaves + w. */
static size_t plru_words(unsigned ways)
{
	return (plru_leaves(ways) + 63) / 64;
}

static void plru_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	(void)clock;
	for (unsigned node = plru_leaves(ways) + way; node > 1; node /= 2) {
		const unsigned up = node / 2;
		const uint64_t bit = (uint64_t)1 << (up % 64);

		/* Set: the victim is on the right. */
		if (node % 2 == 0)
			state[up / 64] |= bit;
		else
			state[up / 64] &= ~bit;
	}
}

static void plru_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	(void)key;
	plru_touch(state, ways, way, clock);
}

static unsigned plru_victim(uint64_t *state, unsigned ways, uint64_t random)
{
	const unsigned leaves = plru_leaves(ways);
	unsigned node = 1, first = 0; /* the node's leftmost way */

	(void)random;
	for (unsigned half = leaves / 2; half != 0; half /= 2) {
		const bool right = (state[node / 64] >> (node % 64) & 1) && first + half < ways;

		node = 2 * node + right;
		first += right ? half : 0;
	}
	return first;
}

static bool plru_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	const unsigned leaves = plru_leaves(ways);

	(void)clock;
	/* No bit but those of nodes 1 .. leaves - 1. */
	return (state[0] & 1) == 0 && (leaves >= 64 || state[0] >> leaves == 0);
}

const struct iotlb_policy policy_tree_plru = {
	.name = "tree-plru",
	.title = "a tree of bits points at a half not used last",
	.words = plru_words,
	.touch = plru_touch,
	.fill = plru_fill,
	.victim = plru_victim,
	.check = plru_check,
};

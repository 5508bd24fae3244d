// SPDX-License-Identifier: MIT
/*
 * First in, first out: a way's stamp is the clock of its filling, the smallest goes; hits do not
 * count.
 */
#include "hw/policy.h"

static void fifo_touch(uint64_t *stamp, unsigned ways, unsigned way, uint64_t clock)
{
	(void)stamp;
	(void)ways;
	(void)way;
	(void)clock;
}

static void fifo_fill(uint64_t *stamp, unsigned ways, unsigned way, uint64_t clock)
{
	(void)ways;
	stamp[way] = clock;
}

static unsigned fifo_victim(uint64_t *stamp, unsigned ways, uint64_t random)
{
	unsigned first = 0;

	(void)random;
	for (unsigned way = 1; way < ways; way++)
		if (stamp[way] < stamp[first])
			first = way;
	return first;
}

const struct iotlb_policy policy_fifo = {
	.name = "fifo",
	.title = "first filled goes first",
	.touch = fifo_touch,
	.fill = fifo_fill,
	.victim = fifo_victim,
};

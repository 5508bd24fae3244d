/* SPDX-License-Identifier: MIT */
/*
 * Which of the things that a thread holds is given back next. Whatever is drawn is drawn before
 * anything is timed.
 */
#ifndef IOTOLL_BENCH_PATTERN_H
#define IOTOLL_BENCH_PATTERN_H

#include "bench/bench.h"

#define PATTERN_DRAWS 4096u /* then they come again */

struct pattern {
	unsigned kind, slots, at, filled;
	uint32_t *draw;
};

/* @kind as in struct bench_setup, 0: a ring; @slots > 0; @seed: another for each thread. */
int pattern_init(struct pattern *p, unsigned kind, unsigned slots, uint64_t seed) MUST_CHECK;
/* Allowed on a zeroed struct. */
void pattern_fini(struct pattern *p);

/* The next slot; *@empty if nothing has been put there yet. */
static inline unsigned pattern_next(struct pattern *p, bool *empty)
{
	unsigned slot;

	*empty = p->filled < p->slots;
	if (*empty)
		return p->filled++;
	if (p->kind == BENCH_LIFO)
		return p->slots - 1;
	if (p->kind == BENCH_RANDOM) {
		slot = p->draw[p->at];
		p->at = (p->at + 1) % PATTERN_DRAWS;
		return slot;
	}
	slot = p->at;
	p->at = slot + 1 == p->slots ? 0 : slot + 1;
	return slot;
}

#endif

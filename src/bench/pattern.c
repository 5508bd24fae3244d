/* SPDX-License-Identifier: MIT */
/* See pattern.h. */
#include "bench/pattern.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"

int pattern_init(struct pattern *p, unsigned kind, unsigned slots, uint64_t seed)
{
	struct rng rng;

	*p = (struct pattern){.kind = kind ? kind - 1 : BENCH_RING, .slots = slots};
	if (p->kind != BENCH_RANDOM)
		return 0;
	p->draw = calloc(PATTERN_DRAWS, sizeof(*p->draw));
	if (!p->draw)
		return -ENOMEM;
	rng_seed(&rng, seed);
	for (unsigned i = 0; i < PATTERN_DRAWS; i++)
		p->draw[i] = (uint32_t)rng_below(&rng, slots);
	return 0;
}

void pattern_fini(struct pattern *p)
{
	free(p->draw);
	*p = (struct pattern){.slots = 0};
}

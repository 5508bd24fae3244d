/* SPDX-License-Identifier: MIT */
/*
 * Every strategy with every allocator: a pair is refused in words, or whatever is mapped can be
 * unmapped, nothing is handed to two requests unless the strategy shares on purpose, and nothing
 * is left.
 */
#include <errno.h>

#include "base/rng.h"
#include "rig.h"

#define LIVE  40u
#define STEPS 1500u

struct held {
	iotoll_iova_t iova;
	size_t bytes;
};

static void map_one(struct rig *rig, struct rng *rng, struct held *h)
{
	const uint64_t page = 0x3000 + rng_below(rng, 200); /* where nobody's own memory is */

	h->bytes = rng_below(rng, 8) ? 1 + (size_t)rng_below(rng, 4096)
				     : (size_t)(1 + rng_below(rng, 40)) * 4096;
	h->iova = rig_map(rig, page << 12, h->bytes);
}

static void run_program(struct rig *rig, uint64_t seed)
{
	struct held live[LIVE];
	struct rng rng;
	unsigned n = 0;

	rng_seed(&rng, seed);
	for (unsigned step = 0; step < STEPS; step++) {
		if (n < LIVE && (n == 0 || rng_below(&rng, 2))) {
			map_one(rig, &rng, &live[n++]);
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			rig_unmap(rig, live[i].iova, live[i].bytes);
			live[i] = live[--n];
		}
		if (step % 400 == 0)
			(void)iotoll_dma_domain_tick(rig->domain);
	}
	while (n) {
		n--;
		rig_unmap(rig, live[n].iova, live[n].bytes);
	}
}

/* Refused: for a reason that names both. */
static bool goes(const struct iotoll_dma_config *config)
{
	char why[256] = "";

	if (iotoll_dma_config_check(config, why, sizeof(why)) == 0)
		return true;
	assert_non_null(strstr(why, config->strategy));
	assert_non_null(strstr(why, config->allocator));
	return false;
}

static void every_strategy_goes_with_every_allocator_or_says_why_not(void **state)
{
	const uint64_t seed = rig_seed();
	unsigned pairs = 0, refused = 0;
	const char *strategy, *allocator;
	static struct rig rig;

	(void)state;
	for (unsigned s = 0; (strategy = iotoll_dma_strategy_name(s, NULL)) != NULL; s++)
		for (unsigned a = 0; (allocator = iotoll_dma_allocator_name(a, NULL)) != NULL;
		     a++) {
			struct iotoll_dma_config config = rig_config_for(strategy);
			struct iotoll_dma_stats stats;

			/* All of memory is mapped all the time: it allocates nothing. */
			if (strcmp(strategy, "preallocated") == 0)
				continue;
			config.allocator = allocator;
			pairs++;
			if (!goes(&config)) {
				refused++;
				continue;
			}
			rig_start(&rig, &config);
			run_program(&rig, seed + a);
			stats = rig_stats(&rig);
			assert_int_equal(stats.maps, stats.unmaps);
			for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
				assert_int_equal(stats.misuse[i], 0);
			rig_close(&rig);
		}
	/* Only what flushes at a wrap, with what never wraps. */
	assert_true(refused > 0);
	assert_true(refused < pairs / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_strategy_goes_with_every_allocator_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

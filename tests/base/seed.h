/* SPDX-License-Identifier: MIT */
/*
 * The seed of a randomised test: IOTOLL_TEST_SEED, or 1; printed, so that a failure can be
 * repeated.
 */
#ifndef IOTOLL_TESTS_BASE_SEED_H
#define IOTOLL_TESTS_BASE_SEED_H

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

static inline void seed_from_env(struct rng *rng)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const unsigned long long seed = text ? strtoull(text, NULL, 0) : 1;

	printf("IOTOLL_TEST_SEED=%llu\n", seed);
	rng_seed(rng, seed);
}

#endif

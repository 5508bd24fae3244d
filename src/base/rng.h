/* SPDX-License-Identifier: MIT */
/*
 * The seeded generator every random choice of a run is drawn from: xoshiro256** seeded through
 * splitmix64 (Blackman and Vigna, 2018). State lives in the caller; same seed, same sequence.
 */
#ifndef IOTOLL_BASE_RNG_H
#define IOTOLL_BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Any seed is good, zero included. */
void rng_seed(struct rng *rng, uint64_t seed);
/* 64 uniform bits. */
uint64_t rng_u64(struct rng *rng);
/* Uniform in [0, bound), without modulo bias; @bound > 0. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

#endif

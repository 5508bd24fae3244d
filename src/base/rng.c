/* SPDX-License-Identifier: MIT */
/*
 * xoshiro256** 1.0, after Blackman and Vigna, "Scrambled linear pseudorandom number generators"
 * (2018), seeded through splitmix64 as they recommend; bounded draws after Lemire, "Fast random
 * integer generation in an interval" (2019).
 */
#include "base/rng.h"

#include <assert.h>

static uint64_t rotate_left(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void rng_seed(struct rng *rng, uint64_t seed)
{
	/* splitmix64 is a bijection over distinct states: the four words are never all zero. */
	for (unsigned i = 0; i < 4; i++)
		rng->s[i] = splitmix64(&seed);
}

uint64_t rng_u64(struct rng *rng)
{
	uint64_t *s = rng->s;
	const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	unsigned __int128 product;
	uint64_t threshold;

	assert(bound > 0);
	product = (unsigned __int128)rng_u64(rng) * bound;
	if ((uint64_t)product >= bound)
		return (uint64_t)(product >> 64);
	/* Low words under 2^64 mod bound would be drawn once too often: draw again. */
	threshold = -bound % bound;
	while ((uint64_t)product < threshold)
		product = (unsigned __int128)rng_u64(rng) * bound;
	return (uint64_t)(product >> 64);
}

/* SPDX-License-Identifier: MIT */
/* The seeded generator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/rng.h"
#include "seed.h"

/* The first outputs from the state 1, 2, 3, 4, as the reference implementation gives them. */
static void sequence_is_the_published_one(void **state)
{
	static const uint64_t expected[] = {
		11520,
		0,
		1509978240,
		1215971899390074240,
		1216172134540287360,
		607988272756665600,
		16172922978634559625u,
		8476171486693032832,
		10595114339597558777u,
		2904607092377533576,
	};
	struct rng rng = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_true(rng_u64(&rng) == expected[i]);
}

/* splitmix64's first outputs from seed 0 and 1234567, as its author publishes them. */
static void seeding_is_splitmix64(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 0);
	assert_true(rng.s[0] == 0xe220a8397b1dcdafu);
	assert_true(rng.s[1] == 0x6e789e6aa1b965f4u);
	rng_seed(&rng, 1234567);
	assert_true(rng.s[0] == 6457827717110365317u);
	assert_true(rng.s[1] == 3203168211198807973u);
	assert_true(rng.s[2] == 9817491932198370423u);
	assert_true(rng.s[3] == 4593380528125082431u);
}

static void same_seed_same_sequence_other_seed_another(void **state)
{
	struct rng a, b, c;
	unsigned same = 0;

	(void)state;
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	rng_seed(&c, 43);
	for (unsigned i = 0; i < 1000; i++) {
		const uint64_t x = rng_u64(&a);

		assert_true(x == rng_u64(&b));
		same += x == rng_u64(&c);
	}
	assert_int_equal(same, 0);
}

static void below_stays_below_for_any_bound(void **state)
{
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 200000; i++) {
		const uint64_t bound = (rng_u64(&rng) >> (i % 64)) | 1;

		assert_true(rng_below(&rng, bound) < bound);
	}
	assert_true(rng_below(&rng, 1) == 0);
}

/*
 * Chi-squared over small bounds. With d degrees of freedom the value exceeds d + 6 sqrt(2 d) + 12
 * with a probability far below one in a million.
 */
static void below_is_uniform(void **state)
{
	static const unsigned bounds[] = {2, 3, 5, 6, 7, 10, 48, 100};
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (size_t b = 0; b < sizeof(bounds) / sizeof(*bounds); b++) {
		const unsigned bound = bounds[b], draws = 20000 * bound;
		double chi = 0, d = bound - 1;
		unsigned seen[100] = {0};

		for (unsigned i = 0; i < draws; i++)
			seen[rng_below(&rng, bound)]++;
		for (unsigned i = 0; i < bound; i++)
			chi += ((double)seen[i] - 20000) * ((double)seen[i] - 20000) / 20000;
		/* (chi - d - 12)^2 < 36 * 2 d avoids a square root and the library it lives in */
		assert_true(chi < d + 12 || (chi - d - 12) * (chi - d - 12) < 72 * d);
	}
}

/* A bound of 3/4 of 2^64 makes the biased method draw the lower third twice as often. */
static void below_has_no_bias_for_huge_bounds(void **state)
{
	const uint64_t bound = (uint64_t)3 << 62;
	unsigned thirds[3] = {0};
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 30000; i++)
		thirds[rng_below(&rng, bound) >> 62]++;
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(thirds[i], 9500, 10500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_is_the_published_one),
		cmocka_unit_test(seeding_is_splitmix64),
		cmocka_unit_test(same_seed_same_sequence_other_seed_another),
		cmocka_unit_test(below_stays_below_for_any_bound),
		cmocka_unit_test(below_is_uniform),
		cmocka_unit_test(below_has_no_bias_for_huge_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

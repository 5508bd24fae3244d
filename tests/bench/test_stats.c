/* SPDX-License-Identifier: MIT */
/* Order statistics and the interval of the median: known samples, published ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "bench/stats.h"

static void the_median_is_the_middle_or_between_the_two(void **state)
{
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2}, one[] = {7};
	struct stats s;

	(void)state;
	stats_of(odd, 3, &s);
	assert_true(s.median == 5);
	assert_true(odd[0] == 1 && odd[2] == 9); /* in order now */
	stats_of(even, 4, &s);
	assert_true(s.median == 2.5);
	stats_of(one, 1, &s);
	assert_true(s.median == 7 && s.p10 == 7 && s.p99 == 7 && !s.held);
}

static void percentiles_are_samples_of_their_rank(void **state)
{
	double x[100];
	struct stats s;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		x[i] = 100 - i;
	stats_of(x, 100, &s);
	assert_true(s.p10 == 10 && s.p99 == 99);
	assert_true(stats_quantile(x, 100, 1000) == 100 && stats_quantile(x, 100, 0) == 1);
}

/* Tables of the sign test at 5 %, two-sided: critical values plus one. */
static void ranks_are_those_of_the_sign_test(void **state)
{
	static const struct {
		size_t n, rank;
	} table[] = {{1, 0},  {5, 0},  {6, 1},   {8, 1},   {9, 2},   {10, 2},   {12, 3},  {15, 4},
		     {20, 6}, {25, 8}, {30, 10}, {40, 14}, {50, 18}, {100, 40}, {200, 86}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(stats_rank(table[i].n), table[i].rank);
}

/* Samples of a skewed distribution whose median is known: 95 of 100 intervals have it, or more. */
static void the_interval_holds_the_median_as_often_as_it_says(void **state)
{
	enum { TRIALS = 2000, SAMPLES = 41 };
	unsigned held = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (unsigned t = 0; t < TRIALS; t++) {
		double x[SAMPLES];
		struct stats s;

		for (unsigned i = 0; i < SAMPLES; i++) {
			const double u = (double)rng_below(&rng, 1000001) / 1000000;

			x[i] = u * u * u;
		}
		stats_of(x, SAMPLES, &s);
		held += s.low <= 0.125 && 0.125 <= s.high;
	}
	assert_in_range(held, TRIALS * 94 / 100, TRIALS * 98 / 100);
}

static void within_looks_at_both_ends(void **state)
{
	const struct stats good = {.median = 100, .low = 98, .high = 102, .held = true};
	struct stats s = good;

	(void)state;
	assert_true(stats_within(&s, 2));
	assert_false(stats_within(&s, 1.9));
	s.high = 103;
	assert_false(stats_within(&s, 2));
	s = good;
	s.low = 97;
	assert_false(stats_within(&s, 2));
	s = good;
	s.held = false;
	assert_false(stats_within(&s, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_is_the_middle_or_between_the_two),
		cmocka_unit_test(percentiles_are_samples_of_their_rank),
		cmocka_unit_test(ranks_are_those_of_the_sign_test),
		cmocka_unit_test(the_interval_holds_the_median_as_often_as_it_says),
		cmocka_unit_test(within_looks_at_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The histogram against a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/hist.h"
#include "seed.h"

#define SAMPLES 5000u

static int ascending(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Values of every magnitude, so that each bucket size is met. */
static void draw(struct rng *rng, uint64_t *values, struct hist *h)
{
	hist_init(h);
	for (unsigned i = 0; i < SAMPLES; i++) {
		values[i] = rng_u64(rng) >> rng_below(rng, 64);
		hist_add(h, values[i]);
	}
	qsort(values, SAMPLES, sizeof(*values), ascending);
}

static void empty_histogram_answers_zero(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	assert_true(hist_percentile(&h, 0) == 0 && hist_percentile(&h, 1000) == 0);
	assert_true(hist_mean(&h) == 0.0);
	assert_true(h.min == UINT64_MAX && h.max == 0 && h.count == 0);
	assert_true(hist_count_above(&h, 0) == 0);
}

static void values_below_64_are_exact(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	for (unsigned i = 1; i <= 50; i++)
		hist_add(&h, i);
	for (unsigned permille = 20; permille <= 1000; permille += 20)
		assert_true(hist_percentile(&h, permille) == permille / 20);
	assert_true(hist_mean(&h) == 25.5);
	for (unsigned i = 0; i <= 50; i++)
		assert_true(hist_count_above(&h, i) == 50 - i);
}

static void percentiles_lie_at_most_one_bucket_above_the_sorted_array(void **state)
{
	uint64_t *values = test_malloc(SAMPLES * sizeof(*values));
	struct rng rng;
	struct hist h;

	(void)state;
	seed_from_env(&rng);
	for (unsigned round = 0; round < 20; round++) {
		draw(&rng, values, &h);
		assert_true(h.min == values[0] && h.max == values[SAMPLES - 1]);
		for (unsigned permille = 0; permille <= 1000; permille++) {
			const unsigned rank = (SAMPLES * permille + 999) / 1000;
			const uint64_t exact = values[rank ? rank - 1 : 0];
			const uint64_t got = hist_percentile(&h, permille);

			assert_true(got >= exact && got <= h.max);
			assert_true(got - exact <= exact / 32);
			if (exact < 64)
				assert_true(got == exact);
		}
		assert_true(hist_percentile(&h, 1000) == h.max);
	}
	test_free(values);
}

static void count_above_is_exact_at_bucket_borders(void **state)
{
	uint64_t *values = test_malloc(SAMPLES * sizeof(*values));
	struct rng rng;
	struct hist h;

	(void)state;
	seed_from_env(&rng);
	draw(&rng, values, &h);
	for (unsigned top = 6; top < 64; top++) {
		for (uint64_t part = 32; part < 64; part++) {
			const uint64_t border = ((part + 1) << (top - 5)) - 1;
			uint64_t above = 0;

			for (unsigned i = 0; i < SAMPLES; i++)
				above += values[i] > border;
			assert_true(hist_count_above(&h, border) == above);
		}
	}
	test_free(values);
}

static void every_value_has_a_bucket_and_order_is_kept(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int around = -1; around <= 1; around++) {
			const uint64_t value = ((uint64_t)1 << bit) + (uint64_t)around;
			struct hist h;

			hist_init(&h);
			hist_add(&h, value);
			assert_true(hist_percentile(&h, 500) == value);
			assert_true(hist_count_above(&h, value) == 0);
			assert_true(!value || hist_count_above(&h, value / 2) == 1);
		}
	}
}

static void merge_equals_adding_to_one(void **state)
{
	struct hist one, a, b;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	hist_init(&one);
	hist_init(&a);
	hist_init(&b);
	for (unsigned i = 0; i < SAMPLES; i++) {
		const uint64_t value = rng_u64(&rng) >> rng_below(&rng, 64);

		hist_add(&one, value);
		hist_add(i % 3 ? &a : &b, value);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &one, sizeof(a));
	hist_init(&b);
	hist_merge(&a, &b);
	assert_memory_equal(&a, &one, sizeof(a));
}

static void sum_saturates(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	hist_add(&h, UINT64_MAX);
	hist_add(&h, 2);
	assert_true(h.sum == UINT64_MAX && h.count == 2 && h.min == 2);
	assert_true(hist_percentile(&h, 1000) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_histogram_answers_zero),
		cmocka_unit_test(values_below_64_are_exact),
		cmocka_unit_test(percentiles_lie_at_most_one_bucket_above_the_sorted_array),
		cmocka_unit_test(count_above_is_exact_at_bucket_borders),
		cmocka_unit_test(every_value_has_a_bucket_and_order_is_kept),
		cmocka_unit_test(merge_equals_adding_to_one),
		cmocka_unit_test(sum_saturates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

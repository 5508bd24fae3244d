// SPDX-License-Identifier: MIT
/* Sampled miss ratios against exact ones: accesses by Zipf's law, with invalidations and without.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../bench/zipf.h"
#include "../base/seed.h"
#include "mrc/sample.h"

#define ACCESSES 1000000u
#define PAGES    50000u

struct both {
	struct mrc_stream exact;
	struct mrc_sample sample;
};

/* One event in @drops an invalidation of the page accessed last; 0: none. */
static void fill(struct both *b, double rate, uint64_t seed, unsigned drops)
{
	struct zipf z;

	assert_true(zipf_init(&z, PAGES, seed));
	assert_int_equal(mrc_stream_init(&b->exact), 0);
	assert_int_equal(mrc_sample_init(&b->sample, rate), 0);
	for (unsigned i = 0; i < ACCESSES; i++) {
		const uint32_t tag = 0, drop = drops && i % drops == drops - 1;
		const uint64_t pfn = zipf_next(&z);
		const struct mrc_many one = {&tag, &pfn, &drop, 1};

		assert_int_equal(mrc_take_many(&b->exact, &one), 0);
		assert_int_equal(mrc_sample_take(&b->sample, &one), 0);
	}
	assert_int_equal(mrc_sample_end(&b->sample), 0);
	zipf_fini(&z);
}

/* Mean over sizes of how far the sampled ratio is off; *@claimed: of what it says of that itself.
 */
static double mean_error(struct both *b, double *claimed)
{
	uint64_t *depth;
	size_t depths;
	double error = 0;
	unsigned sizes = 0;

	*claimed = 0;
	assert_int_equal(mrc_stack(&b->exact, &depth, &depths), 0);
	for (size_t entries = 64; entries <= 65536; entries *= 2, sizes++) {
		const uint64_t hits = mrc_hits_within(depth, depths, entries);
		double spread;
		const double about = mrc_sample_ratio(&b->sample, entries, &spread);

		error += fabs(about -
			      (double)(b->exact.accesses - hits) / (double)b->exact.accesses);
		*claimed += spread;
	}
	assert_int_equal(b->sample.accesses, b->exact.accesses);
	free(depth);
	mrc_stream_fini(&b->exact);
	mrc_sample_fini(&b->sample);
	*claimed /= sizes;
	print_message("off by %.5f, claimed %.5f\n", error / sizes, *claimed);
	return error / sizes;
}

/* Over three streams. */
static double mean_error_of(double rate, unsigned drops, double *claimed)
{
	static struct both b;
	double error = 0;
	struct rng rng;

	*claimed = 0;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 3; i++) {
		double one;

		fill(&b, rate, rng_u64(&rng), drops);
		error += mean_error(&b, &one) / 3;
		*claimed += one / 3;
	}
	return error;
}

/* 5000 pages in each sample. */
static void a_tenth_of_the_pages_gives_the_curve_within_two_in_a_hundred(void **state)
{
	double claimed;

	(void)state;
	assert_true(mean_error_of(0.1, 0, &claimed) < 0.02);
	assert_true(claimed < 0.04);
}

/* Here the most popular page misses most often, and it is in one sample or in none. */
static void with_invalidations_it_gives_it_within_eight(void **state)
{
	double claimed;

	(void)state;
	assert_true(mean_error_of(0.1, 4, &claimed) < 0.08);
}

static void what_it_says_of_its_error_is_of_the_errors_size(void **state)
{
	double claimed;
	const double error = mean_error_of(0.01, 0, &claimed);

	(void)state;
	/* Of a few samples: not a tenth of it, nor ten times as much. */
	assert_true(claimed > error / 10 && claimed < error * 10);
}

static void the_samples_of_a_fourth_are_all_pages_each_once(void **state)
{
	static struct both b;
	uint64_t pages;

	(void)state;
	fill(&b, 0.25, 1, 0);
	assert_int_equal(mrc_sampled(&b.sample, &pages), ACCESSES);
	assert_int_equal(pages, b.exact.pages);
	mrc_stream_fini(&b.exact);
	mrc_sample_fini(&b.sample);
}

static void dropping_a_tag_or_all_reaches_every_sample(void **state)
{
	static struct mrc_sample m;
	double spread;

	(void)state;
	assert_int_equal(mrc_sample_init(&m, 0.25), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t pfn = 0; pfn < 1000; pfn++) {
			const uint32_t tag = 5, drop = 0;
			const struct mrc_many one = {&tag, &pfn, &drop, 1};

			assert_int_equal(mrc_sample_take(&m, &one), 0);
		}
		assert_int_equal(round ? mrc_sample_drop_all(&m) : mrc_sample_drop_tag(&m, 5), 0);
	}
	assert_int_equal(mrc_sample_end(&m), 0);
	assert_true(mrc_sample_ratio(&m, 100000, &spread) > 0.99); /* nothing is ever found */
	mrc_sample_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenth_of_the_pages_gives_the_curve_within_two_in_a_hundred),
		cmocka_unit_test(with_invalidations_it_gives_it_within_eight),
		cmocka_unit_test(what_it_says_of_its_error_is_of_the_errors_size),
		cmocka_unit_test(the_samples_of_a_fourth_are_all_pages_each_once),
		cmocka_unit_test(dropping_a_tag_or_all_reaches_every_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * include/iotoll/iotlb.h: an IOTLB by itself, held against a list of what was put into one that is
 * large enough never to evict; and what it answers to arguments that make no sense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "iotoll/iotlb.h"

#include "../base/seed.h"

#define PAGES 64u
#define TAGS  3u
#define TOP   (UINT64_C(1) << 52)

struct dropped {
	unsigned pages, large, order;
	uint64_t pfn;
};

static void hear(void *ctx, uint32_t tag, uint64_t pfn, unsigned order)
{
	struct dropped *d = ctx;

	(void)tag;
	d->pages += order == 0;
	d->large += order != 0;
	d->order = order;
	d->pfn = pfn;
}

static void an_iotlb_holds_what_was_put_in_until_it_is_taken_out(void **state)
{
	const struct iotoll_iotlb_config config = {.entries = 1024, .ways = 4, .line_pages = 1};
	uint64_t want[TAGS][PAGES] = {{0}}, entry;
	struct iotoll_iotlb_stats stats;
	uint64_t hits = 0, misses = 0;
	struct iotoll_iotlb *t;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	assert_int_equal(iotoll_iotlb_create(&t, &config, NULL, 0), 0);
	for (unsigned i = 0; i < 50000; i++) {
		const uint32_t tag = (uint32_t)rng_below(&rng, TAGS);
		const uint64_t pfn = rng_below(&rng, PAGES);
		uint64_t *held = &want[tag][pfn];
		unsigned order = 7;

		switch (rng_below(&rng, 16)) {
		case 0:
			*held = 1 + rng_below(&rng, 1000);
			assert_int_equal(iotoll_iotlb_fill(t, tag, pfn, held), 0);
			break;
		case 1:
			assert_int_equal(iotoll_iotlb_invalidate(t, tag, pfn, 1), *held != 0);
			*held = 0;
			break;
		case 2:
			if (rng_below(&rng, 20) == 0) {
				(void)iotoll_iotlb_invalidate_tag(t, tag);
				memset(want[tag], 0, sizeof(want[tag]));
			}
			break;
		case 3:
			if (rng_below(&rng, 40) == 0) {
				iotoll_iotlb_invalidate_all(t);
				memset(want, 0, sizeof(want));
			}
			break;
		default:
			assert_int_equal(iotoll_iotlb_probe(t, tag, pfn, &entry, NULL), *held != 0);
			assert_int_equal(iotoll_iotlb_lookup(t, tag, pfn, &entry, &order),
					 *held != 0);
			hits += *held != 0;
			misses += *held == 0;
			if (*held != 0) {
				assert_int_equal(entry, *held);
				assert_int_equal(order, 0);
			}
		}
	}
	iotoll_iotlb_stats(t, &stats);
	assert_int_equal(stats.hits, hits);
	assert_int_equal(stats.misses, misses);
	assert_int_equal(stats.evictions, 0);
	iotoll_iotlb_destroy(t);
}

static void a_large_page_is_one_entry_and_leaves_as_one(void **state)
{
	struct dropped dropped = {0};
	const struct iotoll_iotlb_config config = {.entries = 16,
						   .ways = 4,
						   .line_pages = 4,
						   .dropped = hear,
						   .dropped_ctx = &dropped};
	const uint64_t line[4] = {11, 0, 13, 14};
	struct iotoll_iotlb *t;
	unsigned order = 0;
	uint64_t entry;

	(void)state;
	assert_int_equal(iotoll_iotlb_create(&t, &config, NULL, 0), 0);
	assert_int_equal(iotoll_iotlb_fill_large(t, 1, 513, 9, 77), 0);
	assert_true(iotoll_iotlb_lookup(t, 1, 1023, &entry, &order));
	assert_int_equal(entry, 77);
	assert_int_equal(order, 9);
	assert_false(iotoll_iotlb_lookup(t, 1, 1024, &entry, &order));
	assert_int_equal(iotoll_iotlb_fill(t, 1, 4, line), 0);
	assert_true(iotoll_iotlb_lookup(t, 1, 6, &entry, NULL));
	assert_int_equal(entry, 13);
	assert_false(iotoll_iotlb_lookup(t, 1, 5, &entry, NULL));
	assert_true(iotoll_iotlb_invalidate_page(t, 1, 6));
	assert_int_equal(dropped.pages, 1);
	assert_true(iotoll_iotlb_probe(t, 1, 7, &entry, NULL));
	assert_int_equal(iotoll_iotlb_invalidate(t, 1, 700, 1), 1);
	assert_int_equal(dropped.large, 1);
	assert_int_equal(dropped.order, 9);
	assert_int_equal(dropped.pfn, 512);
	iotoll_iotlb_destroy(t);
}

static void arguments_that_make_no_sense_are_refused(void **state)
{
	struct iotoll_iotlb_config config = {.entries = 16, .ways = 5, .line_pages = 4};
	const uint64_t line[4] = {1, 2, 3, 4};
	struct iotoll_iotlb *t = (struct iotoll_iotlb *)&config;
	uint64_t entry = 5;
	char why[200];

	(void)state;
	assert_int_equal(iotoll_iotlb_create(NULL, &config, NULL, 0), -EINVAL);
	assert_int_equal(iotoll_iotlb_create(&t, NULL, why, sizeof(why)), -EINVAL);
	assert_null(t);
	assert_int_equal(iotoll_iotlb_create(&t, &config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "ways"));
	config.ways = 4;
	config.policy = "a-policy-with-a-name-that-is-far-too-long";
	assert_int_equal(iotoll_iotlb_create(&t, &config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "policy"));
	config.policy = "fifo";
	assert_int_equal(iotoll_iotlb_create(&t, &config, why, sizeof(why)), 0);
	assert_int_equal(iotoll_iotlb_fill(t, 0, TOP, line), -EINVAL);
	assert_int_equal(iotoll_iotlb_fill_large(t, 0, TOP, 9, 1), -EINVAL);
	assert_int_equal(iotoll_iotlb_fill_large(t, 0, 0, 9, 0), -EINVAL);
	assert_int_equal(iotoll_iotlb_fill_large(t, 0, 0, 2, 1), -EINVAL); /* a line */
	assert_int_equal(iotoll_iotlb_fill_large(t, 0, 0, 52, 1), -EINVAL);
	assert_int_equal(iotoll_iotlb_fill_large(t, 0, 0, UINT32_MAX, 1), -EINVAL);
	assert_false(iotoll_iotlb_lookup(t, 0, UINT64_MAX, &entry, NULL));
	assert_false(iotoll_iotlb_probe(t, 0, TOP, &entry, NULL));
	assert_false(iotoll_iotlb_invalidate_page(t, 0, TOP));
	assert_int_equal(iotoll_iotlb_invalidate(t, 0, UINT64_MAX, UINT64_MAX), 0);
	assert_int_equal(entry, 5);
	iotoll_iotlb_destroy(t);
	iotoll_iotlb_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_iotlb_holds_what_was_put_in_until_it_is_taken_out),
		cmocka_unit_test(a_large_page_is_one_entry_and_leaves_as_one),
		cmocka_unit_test(arguments_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

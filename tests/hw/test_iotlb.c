// SPDX-License-Identifier: MIT
/*
 * The IOTLB by itself: geometry, replacement order, lines, tags, and what is told of drops.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hw/iotlb.h"

#define POLICIES "lru, fifo, random, tree-plru, clock, nru, srrip, brrip, lfu, s3-fifo"

struct drops {
	unsigned n;
	uint32_t tag[32];
	uint64_t pfn[32];
};

static void heard(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct drops *d = ctx;

	assert_true(d->n < 32);
	d->tag[d->n] = tag;
	d->pfn[d->n++] = pfn;
}

static struct iotlb *make(unsigned entries, unsigned ways, unsigned line_pages, const char *policy)
{
	struct iotlb_config config = {.entries = entries, .ways = ways, .line_pages = line_pages};
	struct iotlb *t;
	struct err err;

	strcpy(config.policy, policy);
	assert_int_equal(iotlb_create(&t, &config, &err), 0);
	return t;
}

static void put(struct iotlb *t, uint64_t pfn)
{
	uint64_t entry = pfn << 12 | 3;

	iotlb_insert(t, 0, pfn, &entry);
}

static bool holds(const struct iotlb *t, uint64_t pfn)
{
	uint64_t entry;

	return iotlb_probe(t, 0, pfn, &entry) && entry == (pfn << 12 | 3);
}

static void impossible_geometry_is_refused_naming_the_field(void **state)
{
	static const struct {
		struct iotlb_config config;
		const char *text;
	} cases[] = {
		{{.entries = 16, .ways = 3, .line_pages = 1, .policy = "lru"},
		 "iotlb ways 3: expected 0 (fully associative) or a divisor of the 16 entries"},
		{{.entries = 16, .ways = 32, .line_pages = 1, .policy = "lru"},
		 "iotlb ways 32: expected 0 (fully associative) or a divisor of the 16 entries"},
		{{.entries = 12, .ways = 2, .line_pages = 1, .policy = "lru"},
		 "iotlb entries 12 in 2 ways make 6 sets: expected a power of two"},
		{{.entries = 16, .ways = 4, .line_pages = 0, .policy = "lru"},
		 "iotlb line_pages 0: expected 1, 2, 4, 8 or 16"},
		{{.entries = 16, .ways = 4, .line_pages = 3, .policy = "lru"},
		 "iotlb line_pages 3: expected 1, 2, 4, 8 or 16"},
		{{.entries = 16, .ways = 4, .line_pages = 32, .policy = "lru"},
		 "iotlb line_pages 32: expected 1, 2, 4, 8 or 16"},
		{{.entries = 16, .ways = 4, .line_pages = 1, .policy = "plru"},
		 "iotlb policy 'plru': expected one of " POLICIES},
		{{.entries = 16, .ways = 4, .line_pages = 1, .policy = ""},
		 "iotlb policy '': expected one of " POLICIES},
		{{.entries = IOTLB_MAX_ENTRIES + 1, .ways = 1, .line_pages = 1, .policy = "lru"},
		 "iotlb entries 1048577: expected 0..1048576"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct iotlb *t;
		struct err err;

		assert_int_equal(iotlb_create(&t, &cases[i].config, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(iotlb_create(&t, &cases[i].config, NULL), -EINVAL);
	}
}

static void policy_name_without_terminator_is_refused(void **state)
{
	struct iotlb_config config = {.entries = 16, .ways = 4, .line_pages = 1};
	struct iotlb *t;
	struct err err;

	(void)state;
	memset(config.policy, 'l', sizeof(config.policy));
	assert_int_equal(iotlb_create(&t, &config, &err), -EINVAL);
	assert_string_equal(err.text, "iotlb policy 'llllllllllllllll': expected one of " POLICIES);
}

static void odd_numbers_of_ways_are_fine(void **state)
{
	struct iotlb *t = make(12, 3, 1, "lru"); /* 4 sets of 3 */

	(void)state;
	for (uint64_t pfn = 0; pfn < 12; pfn++)
		put(t, pfn);
	for (uint64_t pfn = 0; pfn < 12; pfn++)
		assert_true(holds(t, pfn));
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
	t = make(7, 0, 1, "lru"); /* one set of 7 */
	for (uint64_t pfn = 0; pfn < 7; pfn++)
		put(t, pfn * 5);
	assert_true(holds(t, 0) && holds(t, 30));
	iotlb_destroy(t);
}

static void low_bits_of_the_line_number_pick_the_set(void **state)
{
	struct iotlb *t = make(4, 1, 2, "lru"); /* 4 sets of one line of two pages */
	const uint64_t e[2] = {1, 2};

	(void)state;
	iotlb_insert(t, 0, 0, e); /* line 0, set 0 */
	iotlb_insert(t, 0, 2, e); /* line 1, set 1 */
	iotlb_insert(t, 0, 9, e); /* line 4, set 0: drives line 0 out */
	assert_false(iotlb_probe(t, 0, 0, &(uint64_t){0}));
	assert_true(iotlb_probe(t, 0, 3, &(uint64_t){0}));
	assert_true(iotlb_probe(t, 0, 8, &(uint64_t){0}));
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

static void lru_keeps_what_was_used_and_fifo_does_not(void **state)
{
	struct iotlb *lru = make(2, 2, 1, "lru"), *fifo = make(2, 2, 1, "fifo");
	uint64_t entry;

	(void)state;
	put(lru, 10), put(lru, 20);
	put(fifo, 10), put(fifo, 20);
	assert_true(iotlb_access(lru, 0, 10, &entry));
	assert_true(iotlb_access(fifo, 0, 10, &entry));
	put(lru, 30);
	put(fifo, 30);
	assert_true(holds(lru, 10) && !holds(lru, 20) && holds(lru, 30));
	assert_true(!holds(fifo, 10) && holds(fifo, 20) && holds(fifo, 30));
	iotlb_destroy(lru);
	iotlb_destroy(fifo);
}

static void probe_does_not_count_as_use(void **state)
{
	struct iotlb *t = make(2, 2, 1, "lru");
	struct iotlb_stats before, after;

	(void)state;
	put(t, 10);
	put(t, 20);
	iotlb_stats(t, &before);
	assert_true(holds(t, 10));
	iotlb_stats(t, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	put(t, 30);
	assert_false(holds(t, 10));
	iotlb_destroy(t);
}

static void random_repeats_with_its_seed(void **state)
{
	struct iotlb_config config = {
		.entries = 8, .ways = 0, .line_pages = 1, .policy = "random", .seed = 7};
	struct iotlb *a, *b;

	(void)state;
	assert_int_equal(iotlb_create(&a, &config, NULL), 0);
	assert_int_equal(iotlb_create(&b, &config, NULL), 0);
	for (uint64_t pfn = 0; pfn < 500; pfn++) {
		put(a, pfn);
		put(b, pfn);
	}
	for (uint64_t pfn = 0; pfn < 500; pfn++)
		assert_int_equal(holds(a, pfn), holds(b, pfn));
	iotlb_destroy(a);
	iotlb_destroy(b);
}

static void random_may_pick_every_way(void **state)
{
	struct iotlb *t = make(4, 4, 1, "random");
	unsigned survivors = 0;

	(void)state;
	/* After 200 fills no way can have been left out but with probability 4 * (3/4)^196. */
	for (uint64_t pfn = 0; pfn < 200; pfn++)
		put(t, pfn);
	for (uint64_t pfn = 0; pfn < 4; pfn++)
		survivors += holds(t, pfn);
	assert_int_equal(survivors, 0);
	iotlb_destroy(t);
}

static void tags_are_apart(void **state)
{
	struct iotlb *t = make(8, 2, 1, "lru");
	uint64_t one = 1, two = 2, entry;

	(void)state;
	iotlb_insert(t, 1, 5, &one);
	iotlb_insert(t, 2, 5, &two);
	assert_true(iotlb_access(t, 1, 5, &entry) && entry == 1);
	assert_true(iotlb_access(t, 2, 5, &entry) && entry == 2);
	assert_false(iotlb_access(t, 3, 5, &entry));
	assert_int_equal(iotlb_invalidate_tag(t, 1), 1);
	assert_false(iotlb_probe(t, 1, 5, &entry));
	assert_true(iotlb_probe(t, 2, 5, &entry));
	iotlb_destroy(t);
}

static void drops_name_the_held_pages_of_a_line(void **state)
{
	struct iotlb *t = make(2, 2, 4, "fifo");
	const uint64_t e[4] = {7, 0, 7, 7}, f[4] = {7, 8, 9, 0}, none[4] = {0};
	struct drops d = {0};

	(void)state;
	iotlb_on_drop(t, heard, &d);
	iotlb_insert(t, 6, 41, e); /* pages 40..43, 41 not held */
	assert_false(iotlb_probe(t, 6, 41, &(uint64_t){0}));
	iotlb_insert(t, 6, 40, f); /* refill: 42 changes, 43 goes, 41 comes */
	assert_int_equal(d.n, 2);
	assert_int_equal(d.pfn[0], 42);
	assert_int_equal(d.pfn[1], 43);
	assert_true(iotlb_invalidate(t, 6, 43));
	assert_false(iotlb_invalidate(t, 6, 43));
	assert_int_equal(d.n, 5);
	assert_int_equal(d.pfn[2], 40);
	assert_int_equal(d.pfn[4], 42);
	assert_int_equal(d.tag[4], 6);
	iotlb_insert(t, 6, 40, f);
	iotlb_insert(t, 6, 40, none); /* nothing left to hold: the line goes */
	assert_int_equal(d.n, 8);
	iotlb_insert(t, 6, 40, none);
	assert_int_equal(d.n, 8);
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

static void statistics_count_what_happened(void **state)
{
	struct iotlb *t = make(2, 0, 1, "lru");
	struct iotlb_stats s;
	uint64_t entry;

	(void)state;
	assert_false(iotlb_access(t, 0, 1, &entry));
	put(t, 1);
	assert_true(iotlb_access(t, 0, 1, &entry));
	put(t, 2);
	put(t, 3); /* evicts 1 */
	iotlb_invalidate(t, 0, 2);
	iotlb_invalidate_all(t);
	iotlb_invalidate_all(t);
	iotlb_stats(t, &s);
	assert_int_equal(s.hits, 1);
	assert_int_equal(s.misses, 1);
	assert_int_equal(s.evictions, 1);
	assert_int_equal(s.invalidated, 2);
	assert_int_equal(s.flushes, 2);
	iotlb_destroy(t);
}

static void no_entries_hold_nothing(void **state)
{
	struct iotlb_config config = {0};
	struct iotlb *t;
	uint64_t entry = 3;

	(void)state;
	assert_int_equal(iotlb_create(&t, &config, NULL), 0);
	iotlb_insert(t, 0, 1, &entry);
	assert_false(iotlb_access(t, 0, 1, &entry));
	assert_false(iotlb_invalidate(t, 0, 1));
	assert_int_equal(iotlb_invalidate_tag(t, 0), 0);
	iotlb_invalidate_all(t);
	assert_int_equal(iotlb_line_pages(t), 1);
	assert_int_equal(iotlb_line_first(t, 77), 77);
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
	iotlb_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_geometry_is_refused_naming_the_field),
		cmocka_unit_test(policy_name_without_terminator_is_refused),
		cmocka_unit_test(odd_numbers_of_ways_are_fine),
		cmocka_unit_test(low_bits_of_the_line_number_pick_the_set),
		cmocka_unit_test(lru_keeps_what_was_used_and_fifo_does_not),
		cmocka_unit_test(probe_does_not_count_as_use),
		cmocka_unit_test(random_repeats_with_its_seed),
		cmocka_unit_test(random_may_pick_every_way),
		cmocka_unit_test(tags_are_apart),
		cmocka_unit_test(drops_name_the_held_pages_of_a_line),
		cmocka_unit_test(statistics_count_what_happened),
		cmocka_unit_test(no_entries_hold_nothing),
	};

	return cmocka_run_group_tests_name("hw/iotlb", tests, NULL, NULL);
}

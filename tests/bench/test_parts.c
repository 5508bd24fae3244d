/* SPDX-License-Identifier: MIT */
/* What rows are made of: orders of giving back, the hash table they are held against, worlds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bench/hash_iotlb.h"
#include "bench/pattern.h"
#include "bench/row.h"
#include "bench/world.h"

#define SLOTS 5u

static void fill(struct pattern *p)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		bool empty;

		assert_int_equal(pattern_next(p, &empty), i);
		assert_true(empty);
	}
}

static void a_ring_takes_the_oldest(void **state)
{
	struct pattern p;
	bool empty;

	(void)state;
	assert_int_equal(pattern_init(&p, 0, SLOTS, 1), 0);
	fill(&p);
	for (unsigned i = 0; i < 3 * SLOTS; i++) {
		assert_int_equal(pattern_next(&p, &empty), i % SLOTS);
		assert_false(empty);
	}
	pattern_fini(&p);
}

static void lifo_takes_the_newest(void **state)
{
	struct pattern p;
	bool empty;

	(void)state;
	assert_int_equal(pattern_init(&p, 1 + BENCH_LIFO, SLOTS, 1), 0);
	fill(&p);
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(pattern_next(&p, &empty), SLOTS - 1);
	pattern_fini(&p);
}

static void random_takes_each_of_them(void **state)
{
	unsigned taken[SLOTS] = {0};
	struct pattern p;
	bool empty;

	(void)state;
	assert_int_equal(pattern_init(&p, 1 + BENCH_RANDOM, SLOTS, 1), 0);
	fill(&p);
	for (unsigned i = 0; i < 2 * PATTERN_DRAWS; i++) {
		const unsigned slot = pattern_next(&p, &empty);

		assert_true(slot < SLOTS);
		taken[slot]++;
	}
	for (unsigned i = 0; i < SLOTS; i++)
		assert_true(taken[i] > 2 * PATTERN_DRAWS / SLOTS / 2);
	pattern_fini(&p);
}

static void the_hash_table_translates_what_it_holds(void **state)
{
	struct hash_iotlb *t;
	uint64_t paddr = 0;

	(void)state;
	assert_int_equal(hash_iotlb_create(&t, 100, 1000), 0);
	for (uint64_t pfn = 100; pfn < 1100; pfn++) {
		assert_true(hash_iotlb_translate(t, 0, pfn << 12 | 0xabc, &paddr));
		assert_true(paddr == (pfn << 12 | 0xabc));
	}
	assert_false(hash_iotlb_translate(t, 0, 99 << 12, &paddr));
	assert_false(hash_iotlb_translate(t, 0, 1100 << 12, &paddr));
	assert_false(hash_iotlb_translate(t, 1, 100 << 12, &paddr));
	hash_iotlb_destroy(t);
}

/* A row whose accesses do something else than it says is not measured. */
static void a_world_that_does_something_else_is_refused(void **state)
{
	struct world_kind kind = {
		.model = "vtd", .entries = 64, .ways = 4, .paging = 16, .contexts = 256};
	struct err err = {""};
	struct world *w;

	(void)state;
	assert_int_equal(world_open(&w, &kind, &err), 0);
	world_close(w);
	kind.fetches = 4; /* these hit */
	assert_int_equal(world_open(&w, &kind, &err), -EPROTO);
	assert_null(w);
	assert_non_null(strstr(err.text, "does not do what its row says"));
}

static void what_is_asked_for_goes_over_what_a_row_has(void **state)
{
	const struct bench_setup row = {.iommu = "vtd", .pages = 4, .threads = 1};
	const struct bench_setup asked = {.pages = 8, .strategy = "strict"};
	const struct bench_setup s = setup_over(&asked, &row);

	(void)state;
	assert_string_equal(s.iommu, "vtd");
	assert_string_equal(s.strategy, "strict");
	assert_int_equal(s.pages, 8);
	assert_int_equal(s.threads, 1);
	assert_null(s.allocator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_takes_the_oldest),
		cmocka_unit_test(lifo_takes_the_newest),
		cmocka_unit_test(random_takes_each_of_them),
		cmocka_unit_test(the_hash_table_translates_what_it_holds),
		cmocka_unit_test(a_world_that_does_something_else_is_refused),
		cmocka_unit_test(what_is_asked_for_goes_over_what_a_row_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

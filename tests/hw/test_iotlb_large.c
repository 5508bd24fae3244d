// SPDX-License-Identifier: MIT
/*
 * Large pages in the IOTLB and invalidation of ranges: who answers, what goes, what is told; then
 * random programs with orders 0, 2, 9 and 18 against a naive model that keeps a list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "hw/iotlb.h"

static struct iotlb *make(unsigned entries, unsigned ways, unsigned line_pages)
{
	struct iotlb_config config = {
		.entries = entries, .ways = ways, .line_pages = line_pages, .policy = "lru"};
	struct iotlb *t;

	assert_int_equal(iotlb_create(&t, &config, NULL), 0);
	return t;
}

static void a_large_page_answers_for_all_its_pages_and_no_other(void **state)
{
	struct iotlb *t = make(16, 4, 1);
	uint64_t entry = 0;
	unsigned order = 77;

	(void)state;
	iotlb_insert_large(t, 1, 0x12345, 9, 0xAB083); /* 2 MiB: pages 0x12200..0x123FF */
	assert_true(iotlb_lookup(t, 1, 0x12200, &entry, &order));
	assert_int_equal(entry, 0xAB083);
	assert_int_equal(order, 9);
	assert_true(iotlb_peek(t, 1, 0x123FF, &entry, &order));
	assert_true(iotlb_probe(t, 1, 0x12300, &entry));
	assert_false(iotlb_lookup(t, 1, 0x121FF, &entry, &order));
	assert_false(iotlb_lookup(t, 1, 0x12400, &entry, &order));
	assert_false(iotlb_lookup(t, 2, 0x12300, &entry, &order));
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

static void a_small_page_answers_before_a_large_one_around_it(void **state)
{
	struct iotlb *t = make(16, 4, 1);
	const uint64_t small = 5;
	uint64_t entry;
	unsigned order;

	(void)state;
	iotlb_insert_large(t, 0, 0x40000, 18, 3);
	iotlb_insert_large(t, 0, 0x40200, 9, 4);
	iotlb_insert(t, 0, 0x40201, &small);
	assert_true(iotlb_lookup(t, 0, 0x40201, &entry, &order) && entry == 5 && order == 0);
	assert_true(iotlb_lookup(t, 0, 0x40202, &entry, &order) && entry == 4 && order == 9);
	assert_true(iotlb_lookup(t, 0, 0x40400, &entry, &order) && entry == 3 && order == 18);
	assert_true(iotlb_invalidate(t, 0, 0x40201)); /* whatever answered for the page goes */
	assert_false(iotlb_probe(t, 0, 0x40201, &entry));
	assert_false(iotlb_probe(t, 0, 0x7FFFF, &entry));
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

static void a_lookup_over_several_orders_counts_once(void **state)
{
	struct iotlb *t = make(16, 4, 1);
	struct iotlb_stats s;
	uint64_t entry;
	unsigned order;

	(void)state;
	iotlb_insert_large(t, 0, 0, 2, 1);
	iotlb_insert_large(t, 0, 0x200, 9, 1);
	assert_true(iotlb_lookup(t, 0, 0x3FF, &entry, &order));
	assert_false(iotlb_lookup(t, 0, 0x400, &entry, &order));
	assert_true(iotlb_access(t, 0, 3, &entry));
	iotlb_stats(t, &s);
	assert_int_equal(s.hits, 2);
	assert_int_equal(s.misses, 1);
	assert_int_equal(iotlb_invalidate_tag(t, 0), 2);
	iotlb_stats(t, &s);
	assert_int_equal(s.invalidated, 2);
	iotlb_destroy(t);
}

struct told {
	unsigned pages, larges;
	uint64_t first;
	unsigned order;
};

static void heard_page(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct told *h = ctx;

	(void)tag;
	if (h->pages++ == 0)
		h->first = pfn;
}

static void heard_large(void *ctx, uint32_t tag, uint64_t pfn, unsigned order)
{
	struct told *h = ctx;

	(void)tag;
	h->larges++;
	h->first = pfn;
	h->order = order;
}

static void a_dropped_large_page_is_told_once_or_page_by_page(void **state)
{
	struct iotlb *t = make(2, 2, 1);
	struct told h = {0};

	(void)state;
	iotlb_on_drop(t, heard_page, &h);
	iotlb_insert_large(t, 0, 0x234, 9, 1);
	iotlb_insert_large(t, 0, 0x235, 9, 1); /* the same again: nothing went */
	assert_int_equal(h.pages, 0);
	iotlb_insert_large(t, 0, 0x236, 9, 2); /* another translation: the old one went */
	assert_int_equal(h.pages, 512);
	assert_int_equal(h.first, 0x200);
	iotlb_on_drop_large(t, heard_large, &h);
	assert_true(iotlb_invalidate(t, 0, 0x3FF));
	assert_int_equal(h.pages, 512);
	assert_int_equal(h.larges, 1);
	assert_int_equal(h.first, 0x200);
	assert_int_equal(h.order, 9);
	iotlb_destroy(t);
}

static void a_range_takes_what_overlaps_it_and_nothing_else(void **state)
{
	struct iotlb *t = make(64, 4, 4);
	const uint64_t e[4] = {1, 2, 3, 4};
	uint64_t entry;

	(void)state;
	iotlb_insert(t, 0, 8, e);              /* pages 8..11 */
	iotlb_insert(t, 0, 12, e);             /* 12..15 */
	iotlb_insert(t, 0, 16, e);             /* 16..19 */
	iotlb_insert_large(t, 0, 0x200, 9, 7); /* 0x200..0x3FF */
	iotlb_insert_large(t, 1, 0x200, 9, 7); /* another tag's */
	assert_int_equal(iotlb_invalidate_range(t, 0, 11, 2), 2);
	assert_true(iotlb_probe(t, 0, 16, &entry));
	assert_int_equal(iotlb_invalidate_range(t, 0, 0x3FF, 1), 1);
	assert_true(iotlb_probe(t, 1, 0x3FF, &entry));
	assert_int_equal(iotlb_invalidate_range(t, 0, 0, 0), 0);
	assert_int_equal(iotlb_invalidate_range(t, 0, UINT64_MAX, UINT64_MAX), 0);
	assert_int_equal(iotlb_invalidate_range(t, 0, 19, UINT64_MAX), 1); /* past every page */
	assert_int_equal(iotlb_invalidate_range(t, 1, 0, UINT64_MAX), 1);
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

/* ---- random programs ---- */

#define SPACE 2048u /* in units of 2^7 pages, so that 2 GiB are spanned */

struct item {
	bool held;
	uint32_t tag;
	unsigned order;
	uint64_t first, entry;
};

struct model {
	struct iotlb *real;
	struct item item[256];
};

/* What the real one must answer. */
static bool expected(const struct model *m, uint32_t tag, uint64_t pfn, uint64_t *entry,
		     unsigned *order)
{
	const struct item *best = NULL;

	for (size_t i = 0; i < 256; i++) {
		const struct item *e = &m->item[i];

		if (e->held && e->tag == tag && pfn >> e->order == e->first >> e->order &&
		    (best == NULL || e->order < best->order))
			best = e;
	}
	if (best == NULL)
		return false;
	*entry = best->entry;
	*order = best->order;
	return true;
}

static void put(struct model *m, uint32_t tag, uint64_t pfn, unsigned order, uint64_t entry)
{
	struct item *to = NULL;

	for (size_t i = 0; i < 256; i++) {
		struct item *e = &m->item[i];

		if (e->held && e->tag == tag && e->order == order &&
		    e->first >> order == pfn >> order)
			to = e;
		else if (!e->held && to == NULL)
			to = e;
	}
	assert_non_null(to);
	*to = (struct item){true, tag, order, pfn >> order << order, entry};
	iotlb_insert_large(m->real, tag, pfn, order, entry);
}

static unsigned take(struct model *m, uint32_t tag, uint64_t first, uint64_t pages)
{
	unsigned n = 0;

	for (size_t i = 0; i < 256; i++) {
		struct item *e = &m->item[i];

		if (!e->held || e->tag != tag || pages == 0 || e->first > first + pages - 1 ||
		    e->first + ((uint64_t)1 << e->order) - 1 < first)
			continue;
		e->held = false;
		n++;
	}
	return n;
}

/* 1024 entries for at most 200 of them in one set: nothing is evicted, so all is predictable. */
static void behaves_as_a_list_of_ranges(void **state)
{
	static const unsigned orders[] = {0, 2, 9, 18};
	const char *env = getenv("IOTOLL_TEST_SEED");
	uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;
	struct model *m = calloc(1, sizeof(*m));
	unsigned hits = 0, removed = 0;
	struct rng rng;

	(void)state;
	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	assert_non_null(m);
	rng_seed(&rng, seed);
	m->real = make(1024, 256, 1);
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t tag = (uint32_t)rng_below(&rng, 2);
		uint64_t pfn = rng_below(&rng, SPACE) << 7 | rng_below(&rng, 5), a = 0, b = 0;
		uint64_t what = rng_below(&rng, 100);
		unsigned x = 0, y = 0, live = 0;

		for (size_t i = 0; i < 256; i++)
			live += m->item[i].held;
		if (what < 40 && live < 200) {
			put(m, tag, pfn, orders[rng_below(&rng, 4)], 1 + rng_below(&rng, 9));
		} else if (what < 90) {
			bool there = expected(m, tag, pfn, &a, &x);

			assert_int_equal(iotlb_lookup(m->real, tag, pfn, &b, &y), there);
			assert_int_equal(a, b);
			assert_int_equal(x, y);
			hits += there;
		} else if (what < 95) {
			unsigned n = take(m, tag, pfn, 1);

			assert_int_equal(iotlb_invalidate(m->real, tag, pfn), n != 0);
			removed += n;
		} else {
			/* One in two longer than there are sets, which goes another way. */
			uint64_t pages =
				rng_below(&rng, 2) ? rng_below(&rng, 4) : rng_below(&rng, 5000);
			unsigned n = take(m, tag, pfn, pages);

			assert_int_equal(iotlb_invalidate_range(m->real, tag, pfn, pages), n);
			removed += n;
		}
		assert_true(iotlb_check(m->real));
	}
	assert_true(hits > 1000 && removed > 500);
	iotlb_destroy(m->real);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_page_answers_for_all_its_pages_and_no_other),
		cmocka_unit_test(a_small_page_answers_before_a_large_one_around_it),
		cmocka_unit_test(a_lookup_over_several_orders_counts_once),
		cmocka_unit_test(a_dropped_large_page_is_told_once_or_page_by_page),
		cmocka_unit_test(a_range_takes_what_overlaps_it_and_nothing_else),
		cmocka_unit_test(behaves_as_a_list_of_ranges),
	};

	return cmocka_run_group_tests_name("hw/iotlb_large", tests, NULL, NULL);
}

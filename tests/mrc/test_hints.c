/* SPDX-License-Identifier: MIT */
/*
 * Hints from the operating system: what goes first, what is fetched when it is mapped, step by step
 * on short streams; and on random ones that hints which say nothing change nothing, and that the
 * IOTLB holds what a naive list of it says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mrc/hints.h"

#define TAG 7u

static struct iotlb_config geometry(unsigned entries, unsigned ways)
{
	return (struct iotlb_config){
		.entries = entries, .ways = ways, .line_pages = 1, .policy = "lru"};
}

static void ask(struct mrc_stream *s, const uint64_t *pfn, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(mrc_access(s, TAG, pfn[i]), 0);
}

static struct mrc_count simulate(const struct mrc_stream *s, unsigned entries, unsigned ways,
				 enum mrc_hints hints)
{
	const struct iotlb_config c = geometry(entries, ways);
	struct mrc_count got;
	struct err err;

	if (hints == MRC_HINTS_NONE)
		assert_int_equal(mrc_simulate(s, &c, &got, &err), 0);
	else
		assert_int_equal(mrc_hinted(s, &c, hints, &got, &err), 0);
	assert_int_equal(got.hits + got.misses, s->accesses);
	return got;
}

/* Page 1 is the ring's; 10, 11, ... are buffers, each used once. */
static void what_is_transient_goes_before_what_lasts(void **state)
{
	static const uint64_t pfn[] = {1, 10, 11, 12, 1, 13, 14, 15, 1};
	struct mrc_stream s;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_map_lasting(&s, 1, 1), 0);
	assert_int_equal(mrc_map(&s, 10, 6), 0);
	ask(&s, pfn, sizeof(pfn) / sizeof(pfn[0]));
	assert_int_equal(simulate(&s, 2, 0, MRC_HINTS_NONE).hits, 0);
	assert_int_equal(simulate(&s, 2, 0, MRC_HINTS_EVICTION).hits, 2);
	/* Where nothing else is there it goes all the same. */
	assert_int_equal(simulate(&s, 1, 0, MRC_HINTS_EVICTION).hits, 0);
	mrc_stream_fini(&s);
}

/* Among those that last, and among those that do not, it is the one used longest ago. */
static void equals_go_in_the_order_of_use(void **state)
{
	static const uint64_t first[] = {1, 2, 10, 11, 10, 12, 10}, then[] = {1, 2};
	struct mrc_stream s;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_map_lasting(&s, 1, 2), 0);
	assert_int_equal(mrc_map(&s, 10, 3), 0);
	/* 12 replaces 11, which was used before 10. */
	ask(&s, first, sizeof(first) / sizeof(first[0]));
	ask(&s, then, 2);
	assert_int_equal(simulate(&s, 4, 0, MRC_HINTS_EVICTION).hits, 4);
	mrc_stream_fini(&s);
	/* A page that lasts no longer is as others. */
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_map_lasting(&s, 1, 1), 0);
	ask(&s, then, 1);
	assert_int_equal(mrc_unmap(&s, 1, 1), 0);
	assert_int_equal(mrc_map(&s, 1, 3), 0);
	ask(&s, (const uint64_t[]){2, 3, 1}, 3);
	assert_int_equal(simulate(&s, 2, 0, MRC_HINTS_EVICTION).hits, 0);
	mrc_stream_fini(&s);
}

static void the_first_page_of_a_mapping_is_there_when_it_is_asked_for(void **state)
{
	struct mrc_stream s;
	struct mrc_count got;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_map_lasting(&s, 1, 1), 0);
	assert_int_equal(mrc_map(&s, 10, 2), 0);
	ask(&s, (const uint64_t[]){1, 10, 11, 10}, 4);
	assert_int_equal(mrc_unmap(&s, 10, 2), 0);
	assert_int_equal(mrc_drop(&s, TAG, 10, 2), 0);
	/* This one nobody asks for until it is mapped again. */
	assert_int_equal(mrc_map(&s, 20, 1), 0);
	assert_int_equal(mrc_unmap(&s, 20, 1), 0);
	ask(&s, (const uint64_t[]){20}, 1);
	got = simulate(&s, 4, 0, MRC_HINTS_MAPPING);
	assert_int_equal(got.hits, 2);
	assert_int_equal(got.misses, 3);
	assert_int_equal(got.prefetched, 2);
	assert_int_equal(got.useful, 1);
	assert_int_equal(simulate(&s, 4, 0, MRC_HINTS_NONE).hits, 1);
	mrc_stream_fini(&s);
}

static void hints_need_maps_and_mapping_one_device(void **state)
{
	const struct iotlb_config c = geometry(4, 0), none = geometry(0, 0);
	struct mrc_count got;
	struct mrc_stream s;
	struct err err;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	ask(&s, (const uint64_t[]){1}, 1);
	assert_int_equal(mrc_hinted(&s, &c, MRC_HINTS_EVICTION, &got, &err), -EINVAL);
	assert_non_null(strstr(err.text, "which pages are mapped"));
	assert_int_equal(mrc_map(&s, 1, 1), 0);
	assert_int_equal(mrc_access(&s, TAG + 1, 1), 0);
	assert_int_equal(mrc_hinted(&s, &c, MRC_HINTS_EVICTION, &got, &err), 0);
	assert_int_equal(mrc_hinted(&s, &c, MRC_HINTS_BOTH, &got, &err), -EINVAL);
	assert_non_null(strstr(err.text, "one device"));
	assert_int_equal(mrc_hinted(&s, &none, MRC_HINTS_EVICTION, &got, &err), -EINVAL);
	mrc_stream_fini(&s);
}

/* ---- random streams ---- */

#define PAGES 40u

struct naive {
	uint64_t used[PAGES]; /* when; 0: not held */
	bool lasting[PAGES], ahead[PAGES];
	unsigned entries;
	uint64_t clock, hits, useful;
};

static bool before(const struct naive *n, unsigned a, unsigned b)
{
	return n->lasting[a] != n->lasting[b] ? !n->lasting[a] : n->used[a] < n->used[b];
}

static void naive_fill(struct naive *n, unsigned pfn)
{
	unsigned held = 0, worst = PAGES;

	for (unsigned i = 0; i < PAGES; i++) {
		if (!n->used[i])
			continue;
		held++;
		if (worst == PAGES || before(n, i, worst))
			worst = i;
	}
	if (held == n->entries)
		n->used[worst] = 0;
	n->used[pfn] = ++n->clock;
}

static void naive_access(struct naive *n, unsigned pfn)
{
	if (n->used[pfn]) {
		n->hits++;
		n->useful += n->ahead[pfn];
		n->used[pfn] = ++n->clock;
	} else {
		naive_fill(n, pfn);
	}
	n->ahead[pfn] = false;
}

static void naive_map(struct naive *n, unsigned pfn, unsigned pages, bool lasting)
{
	for (unsigned i = pfn; i < pfn + pages; i++) {
		n->lasting[i] = lasting;
		if (i == pfn && !lasting && !n->used[i]) {
			naive_fill(n, i);
			n->ahead[i] = true;
		}
	}
}

static void it_holds_what_a_naive_list_says(void **state)
{
	const char *env = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = env ? strtoull(env, NULL, 0) : 2010;
	struct rng rng;

	(void)state;
	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	rng_seed(&rng, seed);
	for (unsigned round = 0; round < 40; round++) {
		struct naive n = {.entries = 1 + (unsigned)rng_below(&rng, 20)};
		struct mrc_stream s;
		struct mrc_count got;

		assert_int_equal(mrc_stream_init(&s), 0);
		assert_int_equal(mrc_map(&s, PAGES, 1), 0);
		/* That page is fetched first, and soon gone or in nobody's way: leave it out. */
		assert_int_equal(mrc_unmap(&s, PAGES, 1), 0);
		for (unsigned i = 0; i < 1500; i++) {
			const unsigned pages = 1 + (unsigned)rng_below(&rng, 3);
			const unsigned pfn = (unsigned)rng_below(&rng, PAGES - pages);
			const unsigned what = (unsigned)rng_below(&rng, 100);

			if (what < 60) {
				assert_int_equal(mrc_access(&s, TAG, pfn), 0);
				naive_access(&n, pfn);
			} else if (what < 75) {
				assert_int_equal(mrc_map(&s, pfn, pages), 0);
				naive_map(&n, pfn, pages, false);
			} else if (what < 85) {
				assert_int_equal(mrc_map_lasting(&s, pfn, pages), 0);
				naive_map(&n, pfn, pages, true);
			} else if (what < 97) {
				assert_int_equal(mrc_unmap(&s, pfn, pages), 0);
				for (unsigned k = pfn; k < pfn + pages; k++)
					if (n.ahead[k])
						n.used[k] = 0;
			} else {
				assert_int_equal(mrc_drop_all(&s), 0);
				memset(n.used, 0, sizeof(n.used));
			}
			for (unsigned k = 0; k < PAGES; k++)
				n.ahead[k] &= n.used[k] != 0;
		}
		got = simulate(&s, n.entries, 0, MRC_HINTS_BOTH);
		assert_int_equal(got.hits, n.hits);
		assert_int_equal(got.useful, n.useful);
		mrc_stream_fini(&s);
	}
}

static void where_all_pages_are_alike_eviction_hints_change_nothing(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2010);
	for (unsigned lasting = 0; lasting < 2; lasting++)
		for (unsigned ways = 1; ways <= 8; ways *= 2) {
			struct mrc_stream s;

			assert_int_equal(mrc_stream_init(&s), 0);
			assert_int_equal((lasting ? mrc_map_lasting : mrc_map)(&s, 0, 60), 0);
			for (unsigned i = 0; i < 3000; i++) {
				const uint64_t pfn = rng_below(&rng, 1 + rng_below(&rng, 60));

				if (rng_below(&rng, 10))
					assert_int_equal(mrc_access(&s, TAG, pfn), 0);
				else
					assert_int_equal(mrc_drop(&s, TAG, pfn, 2), 0);
			}
			assert_int_equal(simulate(&s, 16, ways, MRC_HINTS_EVICTION).misses,
					 simulate(&s, 16, ways, MRC_HINTS_NONE).misses);
			mrc_stream_fini(&s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_transient_goes_before_what_lasts),
		cmocka_unit_test(equals_go_in_the_order_of_use),
		cmocka_unit_test(the_first_page_of_a_mapping_is_there_when_it_is_asked_for),
		cmocka_unit_test(hints_need_maps_and_mapping_one_device),
		cmocka_unit_test(it_holds_what_a_naive_list_says),
		cmocka_unit_test(where_all_pages_are_alike_eviction_hints_change_nothing),
	};

	return cmocka_run_group_tests_name("mrc/hints", tests, NULL, NULL);
}

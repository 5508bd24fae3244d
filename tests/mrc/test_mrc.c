// SPDX-License-Identifier: MIT
/*
 * Stack distances against an LRU list of every size, the optimum against a search of everything
 * that could be done, rows of LRU against the IOTLB, all on random streams with invalidations; and
 * the optimum against every policy.
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
#include "hw/iotlb.h"
#include "mrc/mrc.h"

static uint64_t seed_of_run(void)
{
	const char *env = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;

	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	return seed;
}

/* Popular and rare pages, loops, and one event in ten an invalidation. */
static void fill(struct mrc_stream *s, struct rng *rng, unsigned events, unsigned pages)
{
	uint64_t loop = 0;

	assert_int_equal(mrc_stream_init(s), 0);
	for (unsigned i = 0; i < events; i++) {
		const uint32_t tag = (uint32_t)rng_below(rng, 2);
		const uint64_t what = rng_below(rng, 1000);
		uint64_t pfn = rng_below(rng, 1 + rng_below(rng, pages));

		if (what < 300)
			pfn = loop++ % pages;
		if (what < 900)
			assert_int_equal(mrc_access(s, tag, pfn), 0);
		else if (what < 985)
			assert_int_equal(mrc_drop(s, tag, pfn, 1 + rng_below(rng, 3)), 0);
		else if (what < 997)
			assert_int_equal(mrc_drop_tag(s, tag), 0);
		else
			assert_int_equal(mrc_drop_all(s), 0);
	}
}

static struct iotlb_config geometry(unsigned entries, unsigned ways, const char *policy)
{
	struct iotlb_config c = {.entries = entries, .ways = ways, .line_pages = 1};

	strcpy(c.policy, policy);
	return c;
}

/* Hits of an IOTLB run as models run it, whatever shortcuts mrc_simulate() may take. */
static uint64_t hits_of(const struct mrc_stream *s, const struct iotlb_config *c)
{
	struct iotlb_stats stats;
	struct iotlb *t;
	uint64_t e = 1;

	assert_int_equal(iotlb_create(&t, c, NULL), 0);
	for (size_t i = 0; i < s->events; i++) {
		const uint32_t n = mrc_number(s->event[i]);

		switch (mrc_kind(s->event[i])) {
		case MRC_ACCESS:
			if (!iotlb_access(t, s->page[n].tag, s->page[n].pfn, &e))
				iotlb_insert(t, s->page[n].tag, s->page[n].pfn, &(uint64_t){1});
			break;
		case MRC_DROP:
			iotlb_invalidate(t, s->page[n].tag, s->page[n].pfn);
			break;
		case MRC_DROP_TAG:
			iotlb_invalidate_tag(t, s->tag[n]);
			break;
		default:
			iotlb_invalidate_all(t);
		}
	}
	iotlb_stats(t, &stats);
	iotlb_destroy(t);
	return stats.hits;
}

static void stack_distances_give_the_hits_of_every_size(void **state)
{
	const uint64_t seed = seed_of_run();
	struct rng rng;

	(void)state;
	for (unsigned round = 0; round < 6; round++) {
		struct mrc_stream s;
		uint64_t *count, hits = 0;
		size_t deepest;

		rng_seed(&rng, seed + round);
		fill(&s, &rng, 4000, 20 + 12 * round);
		assert_int_equal(mrc_stack(&s, &count, &deepest), 0);
		assert_int_equal(count[0], 0);
		for (unsigned entries = 1; entries <= deepest + 2; entries++) {
			const struct iotlb_config c = geometry(entries, 0, "lru");

			hits += entries <= deepest ? count[entries] : 0;
			assert_int_equal(hits, hits_of(&s, &c));
		}
		/* The largest misses what is inevitable and nothing else. */
		assert_int_equal(s.accesses - hits, s.cold + s.invalidated);
		free(count);
		mrc_stream_fini(&s);
	}
}

/* Beyond the first window and several blocks of the tree: pages in a loop have one distance. */
static void a_long_loop_has_one_distance(void **state)
{
	const unsigned pages = 9000, laps = 4;
	struct mrc_stream s;
	uint64_t *count;
	size_t deepest;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	for (unsigned i = 0; i < laps * pages; i++)
		assert_int_equal(mrc_access(&s, 0, i % pages), 0);
	assert_int_equal(mrc_stack(&s, &count, &deepest), 0);
	assert_int_equal(deepest, pages);
	assert_int_equal(count[pages], (laps - 1) * pages);
	free(count);
	mrc_stream_fini(&s);
}

static void rows_of_lru_are_the_iotlb_with_lru(void **state)
{
	static const unsigned ways[] = {1, 2, 3, 4, 8, 16};
	const uint64_t seed = seed_of_run();
	struct rng rng;

	(void)state;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (unsigned hashed = 0; hashed < 2; hashed++) {
			struct iotlb_config c = geometry(8 * ways[i], ways[i], "lru");
			struct mrc_count got;
			struct mrc_stream s;

			c.index = (enum iotlb_index)hashed;
			rng_seed(&rng, seed + i);
			fill(&s, &rng, 20000, 32 * ways[i]);
			assert_int_equal(mrc_simulate(&s, &c, &got, NULL), 0);
			assert_int_equal(got.hits, hits_of(&s, &c));
			assert_int_equal(got.hits + got.misses, s.accesses);
			mrc_stream_fini(&s);
		}
	}
}

/* The most hits from event @i on with pages @held: every victim is tried. */
static unsigned best(const struct mrc_stream *s, size_t i, uint32_t held, unsigned ways)
{
	unsigned most = 0;
	uint32_t bit;

	if (i == s->events)
		return 0;
	bit = 1u << mrc_number(s->event[i]);
	switch (mrc_kind(s->event[i])) {
	case MRC_DROP:
		return best(s, i + 1, held & ~bit, ways);
	case MRC_DROP_TAG:
		for (uint32_t p = 0; p < s->pages; p++)
			if (s->page_tag[p] == mrc_number(s->event[i]))
				held &= ~(1u << p);
		return best(s, i + 1, held, ways);
	case MRC_DROP_ALL:
		return best(s, i + 1, 0, ways);
	default:
		break;
	}
	if (held & bit)
		return 1 + best(s, i + 1, held, ways);
	if ((unsigned)__builtin_popcount(held) < ways)
		return best(s, i + 1, held | bit, ways);
	for (uint32_t p = 0; p < s->pages; p++) {
		unsigned hits;

		if (!(held & 1u << p))
			continue;
		hits = best(s, i + 1, (held & ~(1u << p)) | bit, ways);
		most = hits > most ? hits : most;
	}
	return most;
}

static void the_optimum_is_what_a_search_of_all_choices_finds(void **state)
{
	const uint64_t seed = seed_of_run();
	struct rng rng;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		const unsigned ways = 2 + round % 2;
		const struct iotlb_config c = geometry(ways, 0, "lru");
		struct mrc_stream s;
		struct mrc_count got;
		uint32_t *next, *set;

		rng_seed(&rng, seed + round);
		fill(&s, &rng, 22, 4);
		next = mrc_next_uses(&s);
		assert_non_null(next);
		assert_int_equal(mrc_sets(&s, &c, &set, NULL), 0);
		assert_int_equal(mrc_opt(&s, next, set, 1, ways, &got), 0);
		assert_int_equal(got.hits, best(&s, 0, 0, ways));
		free(next);
		free(set);
		mrc_stream_fini(&s);
	}
}

static void no_policy_beats_the_optimum(void **state)
{
	static const unsigned ways[] = {1, 2, 4, 7, 16, 0};
	const uint64_t seed = seed_of_run();
	struct rng rng;

	(void)state;
	for (unsigned g = 0; g < sizeof(ways) / sizeof(ways[0]); g++) {
		const unsigned each = ways[g] != 0 ? ways[g] : 40;
		const unsigned sets = ways[g] != 0 ? 4 : 1;
		struct iotlb_config c = geometry(each * sets, ways[g], "lru");
		struct mrc_count least, got;
		struct mrc_stream s;
		uint32_t *next, *set;

		rng_seed(&rng, seed + g);
		fill(&s, &rng, 20000, 3 * each * sets);
		next = mrc_next_uses(&s);
		assert_non_null(next);
		assert_int_equal(mrc_sets(&s, &c, &set, NULL), 0);
		assert_int_equal(mrc_opt(&s, next, set, sets, each, &least), 0);
		assert_true(least.misses > s.cold + s.invalidated);
		for (size_t p = 0; iotlb_policies[p] != NULL; p++) {
			strcpy(c.policy, iotlb_policies[p]->name);
			assert_int_equal(mrc_simulate(&s, &c, &got, NULL), 0);
			assert_true(got.misses >= least.misses);
			assert_int_equal(got.hits + got.misses, s.accesses);
			if (each == 1) /* there is nothing to choose */
				assert_int_equal(got.misses, least.misses);
		}
		free(next);
		free(set);
		mrc_stream_fini(&s);
	}
}

static void only_mapped_pages_are_fetched_ahead(void **state)
{
	struct iotlb_config c = geometry(8, 0, "lru");
	struct mrc_stream s;
	struct mrc_count got;
	struct err err;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	c.prefetch = IOTLB_PREFETCH_NEXT;
	assert_int_equal(mrc_access(&s, 7, 10), 0);
	assert_int_equal(mrc_simulate(&s, &c, &got, &err), -EINVAL); /* who knows what is mapped */
	assert_int_equal(mrc_map(&s, 20, 2), 0);
	assert_int_equal(mrc_access(&s, 7, 20), 0); /* miss, brings 21 */
	assert_int_equal(mrc_access(&s, 7, 21), 0); /* hit; 22 is not mapped */
	assert_int_equal(mrc_map(&s, 22, 1), 0);
	assert_int_equal(mrc_access(&s, 7, 22), 0); /* miss */
	assert_int_equal(mrc_simulate(&s, &c, &got, &err), 0);
	assert_int_equal(got.hits, 1);
	assert_int_equal(got.misses, 3);
	assert_int_equal(got.prefetched, 1);
	assert_int_equal(got.useful, 1);
	mrc_stream_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_distances_give_the_hits_of_every_size),
		cmocka_unit_test(a_long_loop_has_one_distance),
		cmocka_unit_test(rows_of_lru_are_the_iotlb_with_lru),
		cmocka_unit_test(the_optimum_is_what_a_search_of_all_choices_finds),
		cmocka_unit_test(no_policy_beats_the_optimum),
		cmocka_unit_test(only_mapped_pages_are_fetched_ahead),
	};

	return cmocka_run_group_tests_name("mrc/mrc", tests, NULL, NULL);
}

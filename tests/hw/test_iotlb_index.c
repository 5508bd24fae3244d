// SPDX-License-Identifier: MIT
/*
 * Large sets are found through an index: random programs on an IOTLB and on a twin whose index was
 * taken away, so that it searches. Every answer, every drop in its order and every count must be
 * the same, under every policy, with several tags for the same pages and large pages between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "hw/iotlb_impl.h"

#define STEPS 6000
#define TAGS  3

/* What was dropped, as a number that depends on the order. */
struct heard {
	uint64_t drops, digest;
};

struct twins {
	struct iotlb *indexed, *searched;
	struct heard heard[2];
	uint64_t pages;
};

static void hear(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct heard *h = ctx;

	h->drops++;
	h->digest = (h->digest ^ pfn ^ (uint64_t)tag << 40) * UINT64_C(0x100000001B3);
}

static void hear_large(void *ctx, uint32_t tag, uint64_t pfn, unsigned order)
{
	hear(ctx, tag | order << 8, pfn);
}

static struct iotlb *make(const struct iotlb_config *config, struct heard *heard)
{
	struct iotlb *t;

	assert_int_equal(iotlb_create(&t, config, NULL), 0);
	iotlb_on_drop(t, hear, heard);
	iotlb_on_drop_large(t, hear_large, heard);
	return t;
}

static void look_up(struct twins *w, uint32_t tag, uint64_t pfn)
{
	uint64_t entry[2] = {0}, peeked[2] = {0};
	unsigned order[2] = {0}, peeked_order[2] = {0};
	const bool there = iotlb_peek(w->indexed, tag, pfn, &peeked[0], &peeked_order[0]);
	const bool hit = iotlb_lookup(w->indexed, tag, pfn, &entry[0], &order[0]);

	assert_int_equal(there, hit);
	assert_int_equal(iotlb_peek(w->searched, tag, pfn, &peeked[1], &peeked_order[1]), hit);
	assert_int_equal(iotlb_lookup(w->searched, tag, pfn, &entry[1], &order[1]), hit);
	assert_int_equal(entry[0], entry[1]);
	assert_int_equal(order[0], order[1]);
	assert_int_equal(peeked[0], entry[0]);
	assert_int_equal(peeked_order[1], order[1]);
	assert_int_equal(peeked_order[0], order[0]);
	assert_int_equal(peeked[1], entry[1]);
	if (hit)
		return;
	entry[0] = (pfn << 12 | tag << 2) + 1;
	for (unsigned i = 0; i < 2; i++) {
		struct iotlb *t = i == 0 ? w->indexed : w->searched;
		uint64_t line[IOTLB_MAX_LINE_PAGES];

		for (unsigned page = 0; page < iotlb_line_pages(t); page++)
			line[page] = entry[0] + page;
		if (pfn % 13 == 0)
			iotlb_insert_large(t, tag, pfn, pfn % 2 == 0 ? 3 : 4, entry[0]);
		else
			iotlb_insert(t, tag, pfn, line);
	}
}

static void step(struct twins *w, struct rng *rng)
{
	const uint32_t tag = (uint32_t)rng_below(rng, TAGS);
	const uint64_t pfn = rng_below(rng, w->pages), what = rng_below(rng, 1000);
	const uint64_t range = rng_below(rng, 40);

	if (what < 900) {
		look_up(w, tag, pfn);
	} else if (what < 960) {
		assert_int_equal(iotlb_invalidate(w->indexed, tag, pfn),
				 iotlb_invalidate(w->searched, tag, pfn));
	} else if (what < 995) {
		assert_int_equal(iotlb_invalidate_range(w->indexed, tag, pfn, range),
				 iotlb_invalidate_range(w->searched, tag, pfn, range));
	} else if (what < 999) {
		assert_int_equal(iotlb_invalidate_tag(w->indexed, tag),
				 iotlb_invalidate_tag(w->searched, tag));
	} else {
		iotlb_invalidate_all(w->indexed);
		iotlb_invalidate_all(w->searched);
	}
}

static void run(const struct iotlb_config *config, uint64_t seed)
{
	struct twins w = {.pages = config->entries * config->line_pages};
	struct iotlb_stats a, b;
	uint32_t *index;
	struct rng rng;

	w.indexed = make(config, &w.heard[0]);
	w.searched = make(config, &w.heard[1]);
	index = w.searched->index;
	assert_non_null(w.indexed->index);
	assert_non_null(index);
	w.searched->index = NULL;
	rng_seed(&rng, seed);
	for (unsigned i = 0; i < STEPS; i++) {
		step(&w, &rng);
		assert_int_equal(w.heard[0].drops, w.heard[1].drops);
		assert_int_equal(w.heard[0].digest, w.heard[1].digest);
		if (i % 64 == 0)
			assert_true(iotlb_check(w.indexed));
	}
	iotlb_stats(w.indexed, &a);
	iotlb_stats(w.searched, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(a.hits > 0 && a.evictions > 0 && a.invalidated > 0);
	w.searched->index = index;
	iotlb_destroy(w.indexed);
	iotlb_destroy(w.searched);
}

static void an_index_finds_what_a_search_finds(void **state)
{
	static const struct {
		unsigned entries, ways, line_pages, partitions;
		enum iotlb_index index;
	} shapes[] = {
		{9, 0, 1, 1, IOTLB_INDEX_MODULO},   {64, 0, 1, 1, IOTLB_INDEX_MODULO},
		{100, 0, 4, 1, IOTLB_INDEX_MODULO}, {128, 16, 1, 1, IOTLB_INDEX_MODULO},
		{72, 9, 2, 2, IOTLB_INDEX_HASHED},
	};

	const char *env = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;

	(void)state;
	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	for (size_t p = 0; iotlb_policies[p] != NULL; p++)
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			struct iotlb_config config = {.entries = shapes[i].entries,
						      .ways = shapes[i].ways,
						      .line_pages = shapes[i].line_pages,
						      .seed = seed,
						      .index = shapes[i].index,
						      .partitions = shapes[i].partitions};

			snprintf(config.policy, sizeof(config.policy), "%s",
				 iotlb_policies[p]->name);
			run(&config, seed + p * 100 + i);
		}
}

static void sets_of_eight_ways_are_searched(void **state)
{
	const struct iotlb_config config = {
		.entries = 64, .ways = 8, .line_pages = 1, .policy = "lru"};
	struct iotlb *t;

	(void)state;
	assert_int_equal(iotlb_create(&t, &config, NULL), 0);
	assert_null(t->index);
	iotlb_destroy(t);
}

/* The way is picked by line number; with the same page under two tags that may be the wrong one. */
static void the_same_page_under_many_tags_in_one_set(void **state)
{
	static const unsigned ways[] = {2, 3, 4, 8, 16};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct iotlb_config config = {
			.entries = ways[i], .ways = ways[i], .line_pages = 1, .policy = "lru"};
		struct iotlb *t;
		uint64_t entry;

		assert_int_equal(iotlb_create(&t, &config, NULL), 0);
		for (uint32_t tag = 0; tag < ways[i]; tag++) {
			entry = 100 + tag;
			iotlb_insert(t, tag, 77, &entry);
		}
		for (uint32_t tag = 0; tag < ways[i]; tag++) {
			assert_true(iotlb_access(t, tag, 77, &entry));
			assert_int_equal(entry, 100 + tag);
		}
		assert_false(iotlb_access(t, ways[i], 77, &entry));
		assert_true(iotlb_check(t));
		iotlb_destroy(t);
	}
}

/* touch() of a policy that stamps writes the clock into the way's word and nothing else. */
static void policies_that_stamp_do_no_more(void **state)
{
	(void)state;
	for (size_t p = 0; iotlb_policies[p] != NULL; p++) {
		const struct iotlb_policy *policy = iotlb_policies[p];
		uint64_t words[8] = {1, 2, 3, 4, 5, 6, 7, 8};
		uint64_t expected[8] = {1, 2, 3, 4, 5, 6, 7, 8};

		if (!policy->stamps)
			continue;
		assert_int_equal(policy->words(8), 8);
		for (unsigned way = 0; way < 8; way++) {
			policy->touch(words, 8, way, 50 + way);
			expected[way] = 50 + way;
			assert_memory_equal(words, expected, sizeof(words));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_finds_what_a_search_finds),
		cmocka_unit_test(sets_of_eight_ways_are_searched),
		cmocka_unit_test(the_same_page_under_many_tags_in_one_set),
		cmocka_unit_test(policies_that_stamp_do_no_more),
	};

	return cmocka_run_group_tests_name("hw/iotlb_index", tests, NULL, NULL);
}

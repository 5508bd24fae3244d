/* SPDX-License-Identifier: MIT */
/*
 * The tree of ranges against an array of which entry belongs to which node.
 */
#include "rig.h"

#include "base/rng.h"
#include "dma/iova/range_tree.h"

#define ENTRIES 1500u

struct scene {
	struct dma_env *env;
	struct range_tree t;
	uint32_t owner[ENTRIES]; /* node, 0: none */
};

static void open_scene(struct scene *s)
{
	const struct iotoll_env_config config = {.memory_bytes = 4u << 20};

	memset(s, 0, sizeof(*s));
	assert_int_equal(iotoll_env_create(&s->env, &config), 0);
	range_tree_init(&s->t, s->env);
	assert_true(range_check(&s->t));
}

static void close_scene(struct scene *s)
{
	range_tree_fini(&s->t);
	assert_int_equal(memory_allocated_pages(s->env->memory), 0);
	iotoll_env_destroy(s->env);
}

static uint32_t add(struct scene *s, uint64_t lo, uint64_t hi, uint32_t start)
{
	uint32_t i;

	assert_int_equal(range_new(&s->t, lo, hi, &i), 0);
	range_insert(&s->t, i, start);
	assert_true(range_check(&s->t));
	for (uint64_t at = lo; at <= hi; at++)
		s->owner[at] = i;
	return i;
}

static void take_out(struct scene *s, uint32_t i)
{
	for (uint64_t at = s->t.node[i].lo; at <= s->t.node[i].hi; at++)
		s->owner[at] = 0;
	range_erase(&s->t, i);
	range_free(&s->t, i);
	assert_true(range_check(&s->t));
}

/* The node behind @at on the way up or down, skipping the one that @at lies in. */
static uint32_t neighbour(const struct scene *s, int64_t at, int step)
{
	const uint32_t self = s->owner[at];

	for (; at >= 0 && at < ENTRIES; at += step)
		if (s->owner[at] && s->owner[at] != self)
			return s->owner[at];
	return 0;
}

static void compare(struct scene *s)
{
	uint32_t lowest = 0, last = 0;

	for (uint32_t at = 0; at < ENTRIES; at++) {
		const uint32_t i = s->owner[at];

		assert_int_equal(range_find(&s->t, at), i);
		assert_int_equal(range_peek(&s->t, at), i);
		if (!i)
			continue;
		assert_int_equal(range_prev(&s->t, i), neighbour(s, at, -1));
		assert_int_equal(range_next(&s->t, i), neighbour(s, at, 1));
		assert_int_equal(range_above(&s->t, i), neighbour(s, at, 1));
		lowest = lowest ? lowest : i;
		last = i;
	}
	assert_int_equal(range_lowest(&s->t), lowest);
	assert_int_equal(range_last(&s->t), last);
}

static void random_insertions_and_removals_keep_order_and_balance(void **state)
{
	static struct scene s;
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	open_scene(&s);
	for (unsigned step = 0; step < 6000; step++) {
		const uint32_t at = (uint32_t)rng_below(&rng, ENTRIES);
		const uint64_t most = 1 + rng_below(&rng, 9);
		/* Waves: the tree fills, then empties. */
		const bool fill = rng_below(&rng, 100) < (step / 1500 % 2 ? 25 : 75);
		uint64_t hi = at;

		if (s.owner[at]) {
			if (!fill)
				take_out(&s, s.owner[at]);
			continue;
		}
		while (hi + 1 < ENTRIES && hi + 1 < at + most && !s.owner[hi + 1])
			hi++;
		/* From the next higher node on down, if that is where the walk was. */
		if (fill)
			(void)add(&s, at, hi,
				  rng_below(&rng, 2) ? neighbour(&s, (int64_t)hi, 1) : 0);
		if (step % 500 == 0)
			compare(&s);
	}
	compare(&s);
	for (uint32_t at = 0; at < ENTRIES; at++)
		if (s.owner[at])
			take_out(&s, s.owner[at]);
	assert_int_equal(s.t.count, 0);
	close_scene(&s);
}

/* 2 log2(n + 1) is what red-black trees promise. */
static void ascending_and_descending_insertions_do_not_degenerate(void **state)
{
	static struct scene s;

	(void)state;
	for (unsigned way = 0; way < 2; way++) {
		unsigned depth = 0;

		open_scene(&s);
		for (uint32_t i = 0; i < 1023; i++) {
			const uint32_t at = way ? 1022 - i : i;

			(void)add(&s, at, at, 0);
		}
		for (uint32_t at = 0; at < 1023; at++) {
			unsigned d = 1;

			for (uint32_t i = s.owner[at]; s.t.node[i].parent; i = s.t.node[i].parent)
				d++;
			depth = d > depth ? d : depth;
		}
		assert_in_range(depth, 10, 20);
		close_scene(&s);
	}
}

static void what_is_withheld_twice_counts_once(void **state)
{
	static struct scene s;
	uint64_t fresh;

	(void)state;
	open_scene(&s);
	assert_true(range_usable(&s.t, 0, 1));
	assert_false(range_usable(&s.t, 5, 5));
	assert_int_equal(range_withhold(&s.t, 10, 20, &fresh), 0);
	assert_int_equal(fresh, 10);
	assert_int_equal(range_withhold(&s.t, 30, 40, &fresh), 0);
	assert_int_equal(fresh, 10);
	assert_int_equal(range_withhold(&s.t, 5, 45, &fresh), 0);
	assert_int_equal(fresh, 5 + 10 + 5);
	assert_int_equal(range_withhold(&s.t, 5, 45, &fresh), 0);
	assert_int_equal(fresh, 0);
	assert_true(range_check(&s.t));
	assert_false(range_usable(&s.t, 5, 45));
	assert_true(range_usable(&s.t, 4, 45));
	assert_true(range_usable(&s.t, 5, 46));
	/* What is merely taken will be free again. */
	(void)add(&s, 0, 4, 0);
	assert_true(range_usable(&s.t, 4, 5));
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_insertions_and_removals_keep_order_and_balance),
		cmocka_unit_test(ascending_and_descending_insertions_do_not_degenerate),
		cmocka_unit_test(what_is_withheld_twice_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Linux's caches held against a recording: answers undone, ranges seized from wherever they are
 * kept, and what that leaves behind.
 */
#include <errno.h>
#include <string.h>

#include "iovarig.h"

#define FOUR_GIB (UINT64_C(1) << 20)
#define MAG      127u

struct caches {
	struct iovarig f;
	unsigned cpu;
	const struct iova_history_ops *history;
};

static void open_caches(struct caches *c, unsigned cpus)
{
	const struct iova_config config = {.entries = FOUR_GIB, .cpus = cpus};

	iovarig_open_with(&c->f, "magazines", &config);
	c->cpu = 0;
	c->f.a->cpu = &c->cpu;
	c->history = c->f.a->ops->history;
}

static uint64_t take(struct caches *c)
{
	return (uint64_t)iovarig_take(&c->f, 1, FOUR_GIB);
}

/* @count ranges that nobody asked for are in this CPU's cache, the last one on top. */
static void fill(struct caches *c, uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(c->history->seize(c->f.a, first + i, 1, false), 0);
		c->f.a->ops->free(c->f.a, first + i, 1);
	}
	assert_true(c->f.a->ops->check(c->f.a));
}

static void a_cached_answer_that_is_undone_is_on_top_again(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 1);
	fill(&c, 0x80000, 3);
	assert_int_equal(take(&c), 0x80002);
	c.history->undo(c.f.a, 0x80002, 1);
	assert_true(c.f.a->ops->check(c.f.a));
	assert_false(c.f.a->ops->owns(c.f.a, 0x80002, 1));
	assert_int_equal(take(&c), 0x80002);
	assert_int_equal(take(&c), 0x80001);
	iovarig_close(&c.f);
}

static void a_searched_answer_that_is_undone_leaves_the_tree_where_it_was(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 1);
	assert_int_equal(take(&c), 0xFFFFF);
	assert_int_equal(take(&c), 0xFFFFE);
	c.history->undo(c.f.a, 0xFFFFE, 1);
	assert_int_equal(c.f.a->slow, 1);
	assert_true(c.f.a->ops->check(c.f.a));
	assert_int_equal(take(&c), 0xFFFFE);
	iovarig_close(&c.f);
}

static void a_searched_range_is_where_the_next_search_begins(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 1);
	assert_int_equal(c.history->seize(c.f.a, 0x90000, 1, true), 0);
	assert_int_equal(take(&c), 0x8FFFF);
	assert_int_equal(c.history->seize(c.f.a, 0x70000, 1, false), 0);
	assert_int_equal(take(&c), 0x8FFFE);
	iovarig_close(&c.f);
}

/* Wherever it lay, the others come in the order in which they would have. */
static void a_seized_range_is_missing_and_nothing_else_changes(void **state)
{
	const unsigned count = 2 * MAG + 40; /* one magazine in the depot, one previous, 40 */

	(void)state;
	for (unsigned gone = 0; gone < count; gone += 13) {
		struct caches c;
		bool seen[2 * MAG + 40] = {false};

		open_caches(&c, 1);
		fill(&c, 0x80000, count);
		assert_int_equal(c.history->seize(c.f.a, 0x80000 + gone, 1, false), 0);
		assert_true(c.f.a->ops->check(c.f.a));
		for (unsigned i = 0; i + 1 < count; i++) {
			const uint64_t first = take(&c) - 0x80000;

			assert_true(first < count && first != gone && !seen[first]);
			seen[first] = true;
		}
		assert_int_equal(c.f.a->slow, 0);
		iovarig_close(&c.f);
	}
}

static void a_stack_of_two_magazines_keeps_its_order(void **state)
{
	(void)state;
	for (unsigned gone = 0; gone < 2 * MAG; gone += 9) {
		struct caches c;

		open_caches(&c, 1);
		fill(&c, 0x80000, 2 * MAG);
		assert_int_equal(c.history->seize(c.f.a, 0x80000 + gone, 1, false), 0);
		for (unsigned i = 2 * MAG; i-- > 0;)
			if (i != gone)
				assert_int_equal(take(&c), 0x80000 + i);
		iovarig_close(&c.f);
	}
}

static void a_range_is_taken_from_another_cpus_cache(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 2);
	c.cpu = 1;
	fill(&c, 0x80000, 2);
	c.cpu = 0;
	assert_int_equal(c.history->seize(c.f.a, 0x80001, 1, false), 0);
	c.cpu = 1;
	assert_int_equal(take(&c), 0x80000);
	iovarig_close(&c.f);
}

static void what_is_somebodys_or_cut_otherwise_is_not_seized(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 1);
	assert_int_equal(c.f.a->ops->reserve(c.f.a, 0xFEE00, 256), 0);
	assert_int_equal(c.history->seize(c.f.a, 0x80000, 3, false), 0); /* four are its range */
	assert_int_equal(c.history->seize(c.f.a, 0x80000, 3, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, 0x80003, 1, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, 0x7FFFC, 8, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, 0xFEE10, 1, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, 0, 1, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, FOUR_GIB, 1, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, FOUR_GIB - 1, 2, false), -EEXIST);
	iovarig_give(&c.f, 0x80000, 3);
	assert_int_equal(c.history->seize(c.f.a, 0x80000, 1, false), -EEXIST);
	assert_int_equal(c.history->seize(c.f.a, 0x80000, 4, false), 0);
	assert_true(c.f.a->ops->check(c.f.a));
	iovarig_close(&c.f);
}

static void what_is_forgotten_is_kept_nowhere(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 1);
	assert_int_equal(c.history->seize(c.f.a, 0x80000, 2, true), 0);
	c.history->forget(c.f.a, 0x80000, 2);
	assert_true(c.f.a->ops->check(c.f.a));
	assert_int_equal(c.f.a->live, 0);
	assert_int_equal(take(&c), 0xFFFFF);
	iovarig_close(&c.f);
}

/* The state is told in the words that a kernel's developer uses. */
static void the_state_is_told(void **state)
{
	const struct iova_want want = {.count = 1, .limit = FOUR_GIB};
	struct caches c;
	char text[192];

	(void)state;
	open_caches(&c, 1);
	fill(&c, 0x80000, 2 * MAG + 3);
	c.history->describe(c.f.a, &want, text, sizeof(text));
	assert_string_equal(text, "CPU 0, ranges of 1: 3 in the loaded magazine, 127 in the "
				  "previous one, 1 magazines in the depot; the tree goes on below "
				  "0xffffffffffffffff");
	iovarig_close(&c.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cached_answer_that_is_undone_is_on_top_again),
		cmocka_unit_test(a_searched_answer_that_is_undone_leaves_the_tree_where_it_was),
		cmocka_unit_test(a_searched_range_is_where_the_next_search_begins),
		cmocka_unit_test(a_seized_range_is_missing_and_nothing_else_changes),
		cmocka_unit_test(a_stack_of_two_magazines_keeps_its_order),
		cmocka_unit_test(a_range_is_taken_from_another_cpus_cache),
		cmocka_unit_test(what_is_somebodys_or_cut_otherwise_is_not_seized),
		cmocka_unit_test(what_is_forgotten_is_kept_nowhere),
		cmocka_unit_test(the_state_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

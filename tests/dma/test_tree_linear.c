/* SPDX-License-Identifier: MIT */
/*
 * The tree of Linux 3.x: which addresses it hands out, and how long its searches become. Worked
 * examples, and random programs against a description of the result that knows no tree.
 */
#include <errno.h>

#include "iovarig.h"
#include "tree_model.h"

#define FOUR_GIB (UINT64_C(1) << 20)

static void lengths_are_rounded_up_and_ranges_aligned(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree-linear", FOUR_GIB, 0);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF);
	/* 3 become 4, and 0xffffb to 0xffffe are not aligned. */
	assert_int_equal(iovarig_take(&f, 3, FOUR_GIB), 0xFFFF8);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFF7);
	/* What alignment left above the last allocation stays unused until something there goes. */
	iovarig_give(&f, 0xFFFF8, 3);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFE);
	iovarig_close(&f);
}

static void a_search_that_reaches_the_bottom_fails_whatever_is_left_above(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree-linear", 64, 0);
	assert_int_equal(iovarig_take(&f, 1, 64), 63);
	assert_int_equal(iovarig_take(&f, 32, 64), -ENOSPC); /* 0 is not for use */
	assert_int_equal(iovarig_take(&f, 16, 64), 32);
	assert_int_equal(iovarig_take(&f, 16, 64), 16);
	assert_int_equal(iovarig_take(&f, 8, 64), 8);
	assert_int_equal(iovarig_take(&f, 8, 64), -ENOSPC); /* though 48 to 55 are free */
	/* Whoever asks for less than all begins at the top. */
	assert_int_equal(iovarig_take(&f, 8, 63), 48);
	iovarig_close(&f);
}

static void beyond_4_gib_is_used_only_when_nothing_is_left_below(void **state)
{
	const uint64_t entries = FOUR_GIB + 256;
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree-linear", entries, 0);
	assert_int_equal(f.a->ops->reserve(f.a, 0, FOUR_GIB - 2), 0);
	assert_int_equal(iovarig_take(&f, 1, entries), FOUR_GIB - 1);
	assert_int_equal(iovarig_take(&f, 1, entries), FOUR_GIB - 2);
	assert_int_equal(iovarig_take(&f, 1, entries), entries - 1);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), -ENOSPC);
	iovarig_give(&f, FOUR_GIB - 1, 1);
	assert_int_equal(iovarig_take(&f, 1, entries), FOUR_GIB - 1);
	iovarig_close(&f);
}

/* ---- how long searches are ---- */

#define RING 256u

struct ring {
	uint64_t iova[RING];
	unsigned at, size;
};

/* Map a new buffer, unmap the oldest. */
static void turn(struct iovarig *f, struct ring *r)
{
	const uint64_t old = r->iova[r->at];

	iovarig_give(f, old, 1);
	r->iova[r->at] = (uint64_t)iovarig_take(f, 1, FOUR_GIB);
	r->at = (r->at + 1) % r->size;
}

static void fill(struct iovarig *f, struct ring *r, unsigned size)
{
	r->at = 0;
	r->size = size;
	for (unsigned i = 0; i < size; i++)
		r->iova[i] = (uint64_t)iovarig_take(f, 1, FOUR_GIB);
}

/* Nodes looked at for each allocation, over many turns of @rx and, in between, @tx. */
static double searched(const char *name, unsigned rx, unsigned tx)
{
	static struct ring a, b;
	struct iovarig f;
	uint64_t before;
	double each;

	iovarig_open(&f, name, FOUR_GIB, 0);
	fill(&f, &a, rx);
	if (tx)
		fill(&f, &b, tx);
	before = f.a->words_searched;
	for (unsigned i = 0; i < 4000; i++) {
		turn(&f, &a);
		/* Every second packet has an acknowledgement. */
		if (tx && i % 2)
			turn(&f, &b);
	}
	each = (double)(f.a->words_searched - before) / (tx ? 6000 : 4000);
	iovarig_close(&f);
	return each;
}

/*
 * FAST 2015, section 3: a ring of its own finds the hole it just made; a second one with buffers of
 * another lifetime takes that hole, and the first then searches past everything that lives.
 */
static void two_rings_of_different_lifetimes_make_the_search_linear_and_one_does_not(void **state)
{
	(void)state;
	assert_true(searched("tree-linear", RING, 0) < 2);
	assert_true(searched("tree-linear", RING, 100) > 20);
	/* Linear in what lives; so is 6.1's without its caches. */
	assert_true(searched("tree", RING, 100) > 20);
	assert_true(searched("tree-linear", RING, 100) >
		    1.6 * searched("tree-linear", RING / 2, 50));
}

/* ---- the description ---- */

static int64_t model_take(struct tree_model *m, uint64_t count, uint64_t limit)
{
	const bool cached = limit == m->entries;
	uint64_t size = 1, at;

	while (size < count)
		size *= 2;
	/* Entry 1 is left, too, as nothing lies below it. */
	if (!tree_model_highest(m, 2, cached && m->begin_lo < limit ? m->begin_lo : limit, size,
				&at))
		return -ENOSPC;
	tree_model_put(m, at, size);
	if (cached)
		m->begin_lo = at;
	return (int64_t)at;
}

static void model_give(struct tree_model *m, uint64_t first, uint64_t count)
{
	uint64_t size = 1;

	while (size < count)
		size *= 2;
	tree_model_remove(m, first, size);
	if (m->begin_lo == UINT64_MAX || first < m->begin_lo)
		return;
	m->begin_lo = UINT64_MAX;
	for (uint64_t i = first; i + 1 < m->entries && m->begin_lo == UINT64_MAX; i++)
		if (m->hi[i])
			m->begin_lo = m->lo[i];
}

static void random_programs_agree_with_the_description(void **state)
{
	static const struct tree_program program = {
		.allocator = "tree-linear", .take = model_take, .give = model_give};

	(void)state;
	tree_model_run(&program, rig_seed());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_rounded_up_and_ranges_aligned),
		cmocka_unit_test(a_search_that_reaches_the_bottom_fails_whatever_is_left_above),
		cmocka_unit_test(beyond_4_gib_is_used_only_when_nothing_is_left_below),
		cmocka_unit_test(
			two_rings_of_different_lifetimes_make_the_search_linear_and_one_does_not),
		cmocka_unit_test(random_programs_agree_with_the_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

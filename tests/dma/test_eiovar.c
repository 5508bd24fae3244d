/* SPDX-License-Identifier: MIT */
/*
 * EiovaR: what comes from its lists and what from the tree, and that rings of different lifetimes
 * no longer make searches long.
 */
#include <errno.h>

#include "iovarig.h"

#define FOUR_GIB (UINT64_C(1) << 20)

static void the_newest_free_range_of_a_length_is_used_first(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "eiovar", FOUR_GIB, 0);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF);
	assert_int_equal(iovarig_take(&f, 3, FOUR_GIB), 0xFFFF8);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFF7);
	iovarig_give(&f, 0xFFFFF, 1);
	iovarig_give(&f, 0xFFFF7, 1);
	iovarig_give(&f, 0xFFFF8, 3);
	assert_int_equal(f.a->slow, 3);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFF7);
	/* 4 fit where 3 were; 2 have no list yet, and the tree still counts all as taken. */
	assert_int_equal(iovarig_take(&f, 2, FOUR_GIB), 0xFFFF4);
	assert_int_equal(iovarig_take(&f, 4, FOUR_GIB), 0xFFFF8);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF);
	assert_int_equal(f.a->slow, 4);
	iovarig_close(&f);
}

static void what_is_more_than_the_limit_goes_back_into_the_tree(void **state)
{
	const struct iova_config config = {.entries = FOUR_GIB, .cached_ranges = 2};
	struct iovarig f;

	(void)state;
	iovarig_open_with(&f, "eiovar", &config);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF - i);
	for (unsigned i = 0; i < 4; i++)
		iovarig_give(&f, 0xFFFFF - i, 1);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFE);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF);
	assert_int_equal(f.a->slow, 4);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFD);
	assert_int_equal(f.a->slow, 5);
	iovarig_close(&f);
}

static void a_tree_without_room_gets_the_lists_back(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "eiovar", 64, 0);
	for (uint64_t i = 63; i >= 2; i--)
		assert_int_equal(iovarig_take(&f, 1, 64), i);
	for (uint64_t i = 16; i < 48; i++)
		iovarig_give(&f, i, 1);
	assert_int_equal(iovarig_take(&f, 16, 64), 32);
	assert_int_equal(iovarig_take(&f, 16, 64), 16);
	assert_int_equal(iovarig_take(&f, 1, 64), -ENOSPC);
	iovarig_close(&f);
}

/*
 * Linux's tree begins its search at the last allocation, and does not look for what alignment left
 * above that; with nothing else left it is looked for all the same.
 */
static void what_alignment_left_above_is_found_before_a_map_fails(void **state)
{
	const struct iova_config config = {.entries = 64};
	struct iovarig f;
	unsigned n = 0;

	(void)state;
	iovarig_open_with(&f, "eiovar", &config);
	assert_int_equal(iovarig_take(&f, 1, 64), 63);
	assert_int_equal(iovarig_take(&f, 4, 64), 56); /* 60 to 62 are left */
	assert_int_equal(iovarig_take(&f, 1, 64), 55);
	assert_int_equal(iovarig_take(&f, 4, 64), 48); /* 52 to 54 are left */
	iovarig_give(&f, 48, 4);
	while (iovarig_take(&f, 1, 64) >= 0)
		n++;
	assert_int_equal(n, 62 - 6);
	iovarig_close(&f);
}

/* One ring's buffers live as long as two rings take round, the other's half as long. */
static uint64_t searched(const char *name, uint64_t most)
{
	const struct iova_config config = {.entries = FOUR_GIB, .cached_ranges = most};
	uint64_t rx[128], tx[50], before;
	struct iovarig f;

	iovarig_open_with(&f, name, &config);
	for (unsigned i = 0; i < 128; i++)
		rx[i] = (uint64_t)iovarig_take(&f, 1, FOUR_GIB);
	for (unsigned i = 0; i < 50; i++)
		tx[i] = (uint64_t)iovarig_take(&f, 1, FOUR_GIB);
	before = f.a->words_searched;
	for (unsigned i = 0; i < 2000; i++) {
		iovarig_give(&f, rx[i % 128], 1);
		rx[i % 128] = (uint64_t)iovarig_take(&f, 1, FOUR_GIB);
		if (i % 2 == 0)
			continue;
		iovarig_give(&f, tx[i / 2 % 50], 1);
		tx[i / 2 % 50] = (uint64_t)iovarig_take(&f, 1, FOUR_GIB);
	}
	before = f.a->words_searched - before;
	iovarig_close(&f);
	return before;
}

/* FAST 2015, section 4: with strict unmapping a single range in front of the tree is enough. */
static void one_kept_range_ends_long_searches_where_each_map_follows_its_unmap(void **state)
{
	(void)state;
	assert_true(searched("tree-linear", 0) > 3000 * 10);
	assert_int_equal(searched("eiovar", 1), 0);
	assert_int_equal(searched("eiovar", 0), 0);
	assert_int_equal(searched("magazines", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_free_range_of_a_length_is_used_first),
		cmocka_unit_test(what_is_more_than_the_limit_goes_back_into_the_tree),
		cmocka_unit_test(a_tree_without_room_gets_the_lists_back),
		cmocka_unit_test(what_alignment_left_above_is_found_before_a_map_fails),
		cmocka_unit_test(
			one_kept_range_ends_long_searches_where_each_map_follows_its_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

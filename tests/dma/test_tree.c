/* SPDX-License-Identifier: MIT */
/*
 * The tree of Linux 6.1: which addresses it hands out. Worked examples, and random programs against
 * a description of the result that knows no tree: the highest aligned free run below the last
 * allocation; below its limit but above that, when there is none.
 */
#include <errno.h>

#include "iovarig.h"
#include "tree_model.h"

#define FOUR_GIB (UINT64_C(1) << 20)

static void addresses_fall_from_the_top_and_what_is_freed_there_is_used_next(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree", FOUR_GIB, 0);
	/* The first address that a driver sees under Linux is 0xfffff000. */
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFE);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFD);
	/* Freeing raises the beginning to the node above: its hole is the first one below. */
	iovarig_give(&f, 0xFFFFE, 1);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFE);
	/* Now the walk goes on from there, over what is taken. */
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFC);
	assert_int_equal(f.wraps, 0);
	iovarig_close(&f);
}

static void ranges_are_aligned_to_the_next_power_of_two_but_not_rounded(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree", FOUR_GIB, 0);
	assert_int_equal(iovarig_take(&f, 5, FOUR_GIB), 0xFFFF8);
	/* 0xffffd to 0xfffff are a hole above the last allocation: not looked at. */
	assert_int_equal(iovarig_take(&f, 3, FOUR_GIB), 0xFFFF4);
	/* 0xffff7 is left between them, above as well. */
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFF3);
	assert_int_equal(iovarig_take(&f, 33, FOUR_GIB), 0xFFFC0);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFBF);
	iovarig_close(&f);
}

static void what_is_withheld_is_stepped_over(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree", FOUR_GIB, 0);
	/* The MSI window, 0xfee00000 to 0xfeefffff: 4352 pages lie above it. */
	assert_int_equal(f.a->ops->reserve(f.a, 0xFEE00, 0x100), 0);
	for (unsigned i = 0; i < 0x1100; i++)
		assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFFFFF - i);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), 0xFEDFF);
	iovarig_close(&f);
}

static void holes_above_are_found_when_the_bottom_has_been_reached(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree", 64, 0);
	assert_int_equal(iovarig_take(&f, 5, 64), 56);  /* leaves 61, 62, 63 */
	assert_int_equal(iovarig_take(&f, 16, 64), 32); /* leaves 48 to 55 */
	assert_int_equal(iovarig_take(&f, 16, 64), 16);
	assert_int_equal(iovarig_take(&f, 8, 64), 8);
	/* Entry 0 is never used, so 8 aligned ones are not to be had below: the second walk. */
	assert_int_equal(iovarig_take(&f, 8, 64), 48);
	assert_int_equal(iovarig_take(&f, 4, 64), 4);
	assert_int_equal(iovarig_take(&f, 2, 64), 2);
	assert_int_equal(iovarig_take(&f, 1, 64), 1);
	assert_int_equal(iovarig_take(&f, 1, 64), 63);
	assert_int_equal(iovarig_take(&f, 1, 64), 62);
	assert_int_equal(iovarig_take(&f, 1, 64), 61);
	assert_int_equal(iovarig_take(&f, 1, 64), -ENOSPC);
	iovarig_close(&f);
}

/* max32_alloc_size: a length that failed is not looked for again until something is freed. */
static void a_length_that_failed_is_not_searched_for_again_before_something_is_freed(void **state)
{
	struct iovarig f;
	uint64_t searched;

	(void)state;
	iovarig_open(&f, "tree", 64, 0);
	assert_int_equal(iovarig_take(&f, 1, 64), 63);
	assert_int_equal(iovarig_take(&f, 64, 64), -ENOSPC);
	searched = f.a->words_searched;
	assert_int_equal(iovarig_take(&f, 64, 64), -ENOSPC);
	assert_int_equal(iovarig_take(&f, 65, 64), -ENOSPC);
	assert_int_equal(f.a->words_searched, searched);
	assert_int_equal(iovarig_take(&f, 2, 64), 60);
	iovarig_give(&f, 63, 1);
	searched = f.a->words_searched;
	assert_int_equal(iovarig_take(&f, 64, 64), -ENOSPC);
	assert_true(f.a->words_searched > searched);
	/* With a narrow limit a short one fails, and is then refused to everybody: as in Linux. */
	assert_int_equal(iovarig_take(&f, 1, 1), -ENOSPC);
	assert_int_equal(iovarig_take(&f, 1, 64), -ENOSPC);
	iovarig_give(&f, 60, 2);
	assert_int_equal(iovarig_take(&f, 1, 64), 63);
	iovarig_close(&f);
}

static void beyond_4_gib_is_used_only_when_nothing_is_left_below(void **state)
{
	const uint64_t entries = FOUR_GIB + 256;
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree", entries, 0);
	assert_int_equal(f.a->ops->reserve(f.a, 4, FOUR_GIB - 8), 0);
	/* 1 to 3 and the last four below 4 GiB are left there. */
	assert_int_equal(iovarig_take(&f, 4, entries), FOUR_GIB - 4);
	assert_int_equal(iovarig_take(&f, 2, entries), 2);
	assert_int_equal(iovarig_take(&f, 2, entries), entries - 2);
	assert_int_equal(iovarig_take(&f, 1, entries), 1);
	assert_int_equal(iovarig_take(&f, 1, entries), entries - 3);
	/* A device that cannot drive them does not get them. */
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), -ENOSPC);
	/* What is freed up there changes nothing below, and the walk there resumes above it. */
	iovarig_give(&f, entries - 2, 2);
	assert_int_equal(iovarig_take(&f, 1, FOUR_GIB), -ENOSPC);
	assert_int_equal(iovarig_take(&f, 1, entries), entries - 1);
	iovarig_give(&f, 2, 2);
	assert_int_equal(iovarig_take(&f, 1, entries), 3);
	iovarig_close(&f);
}

static void a_range_given_back_in_parts_is_free_with_the_last_of_them(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "tree", 64, 0);
	assert_int_equal(iovarig_take(&f, 4, 64), 60);
	assert_int_equal(iovarig_take(&f, 4, 64), 56);
	iovarig_give(&f, 61, 2);
	assert_false(f.a->ops->owns(f.a, 60, 2));
	assert_int_equal(iovarig_take(&f, 1, 64), 55);
	/* The end of one and the beginning of the next, in one call. */
	iovarig_give(&f, 60, 1);
	iovarig_give(&f, 63, 1);
	assert_int_equal(iovarig_take(&f, 4, 64), 60);
	iovarig_give(&f, 58, 4);
	iovarig_give(&f, 56, 2);
	assert_int_equal(iovarig_take(&f, 2, 64), 58);
	iovarig_close(&f);
}

static void it_has_no_laps_to_begin_and_no_flush_at_their_end(void **state)
{
	struct iotoll_dma_config config = rig_config();
	static struct rig rig;
	char why[160];

	(void)state;
	rig_open(&rig, 16u << 20);
	config.allocator = "tree";
	assert_string_equal(config.strategy, "deferred");
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "strategy deferred flushes when its allocator wraps, which tree "
				 "never does: expected next-fit or another that does");
	config.strategy = "strict";
	config.start_hint = 7;
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "start_hint 7: 0 expected, allocator tree searches in no laps");
	assert_int_equal(memory_allocated_pages(rig.memory), 0);
	rig_close(&rig);
}

/* ---- the description ---- */

static int64_t model_take(struct tree_model *m, uint64_t count, uint64_t limit)
{
	uint64_t at;

	if (count >= m->max32)
		return -ENOSPC;
	if (!tree_model_highest(m, 1, limit < m->begin_lo ? limit : m->begin_lo, count, &at) &&
	    (m->begin_hi >= limit || !tree_model_highest(m, m->begin_hi + 1, limit, count, &at))) {
		m->max32 = count;
		return -ENOSPC;
	}
	tree_model_put(m, at, count);
	m->begin_lo = at;
	m->begin_hi = at + count - 1;
	return (int64_t)at;
}

static void model_give(struct tree_model *m, uint64_t first, uint64_t count)
{
	m->max32 = FOUR_GIB;
	tree_model_remove(m, first, count);
	if (first < m->begin_lo)
		return;
	m->begin_lo = m->begin_hi = UINT64_MAX;
	for (uint64_t i = first; i < m->entries; i++)
		if (m->hi[i]) {
			m->begin_lo = m->lo[i];
			m->begin_hi = m->hi[i];
			return;
		}
}

static void random_programs_agree_with_the_description(void **state)
{
	static const struct tree_program program = {
		.allocator = "tree", .max32 = FOUR_GIB, .take = model_take, .give = model_give};

	(void)state;
	tree_model_run(&program, rig_seed());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_fall_from_the_top_and_what_is_freed_there_is_used_next),
		cmocka_unit_test(ranges_are_aligned_to_the_next_power_of_two_but_not_rounded),
		cmocka_unit_test(what_is_withheld_is_stepped_over),
		cmocka_unit_test(holes_above_are_found_when_the_bottom_has_been_reached),
		cmocka_unit_test(
			a_length_that_failed_is_not_searched_for_again_before_something_is_freed),
		cmocka_unit_test(beyond_4_gib_is_used_only_when_nothing_is_left_below),
		cmocka_unit_test(a_range_given_back_in_parts_is_free_with_the_last_of_them),
		cmocka_unit_test(it_has_no_laps_to_begin_and_no_flush_at_their_end),
		cmocka_unit_test(random_programs_agree_with_the_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * POWER's pools: which entry is handed out. The figures of a 1 GiB window and of a virtual device's
 * 256 MiB are those of recorded kernels.
 */
#include <errno.h>

#include "iovarig.h"

#define GIB_WINDOW (UINT64_C(1) << 18)
#define VIO_WINDOW (UINT64_C(1) << 16)
#define POOL       UINT64_C(49152)

struct window {
	struct iovarig f;
	unsigned cpu;
};

static void open_window(struct window *w, uint64_t entries)
{
	const struct iova_config config = {.entries = entries};

	iovarig_open_with(&w->f, "pools", &config);
	w->cpu = 0;
	w->f.a->cpu = &w->cpu;
}

/* Without the check after each step, which would take too long here. */
static int64_t want(struct window *w, struct iova_want wanted)
{
	uint64_t first;
	int rc;

	if (!wanted.limit)
		wanted.limit = w->f.a->entries;
	rc = w->f.a->ops->alloc(w->f.a, &wanted, &first);
	return rc ? rc : (int64_t)first;
}

static int64_t take(struct window *w, uint64_t count)
{
	return want(w, (struct iova_want){.count = count});
}

static void give(struct window *w, uint64_t first, uint64_t count)
{
	assert_true(w->f.a->ops->owns(w->f.a, first, count));
	w->f.a->ops->free(w->f.a, first, count);
}

/* CPU * 0x61c88647, the top two bits. */
static void each_cpu_begins_in_a_pool_of_its_hash(void **state)
{
	static const unsigned pool[8] = {0, 1, 3, 0, 2, 3, 1, 2};
	struct window w;

	(void)state;
	for (w.cpu = 0; w.cpu < 8; w.cpu++) {
		const unsigned cpu = w.cpu;
		const uint64_t start = pool[cpu] * POOL;

		open_window(&w, GIB_WINDOW);
		w.cpu = cpu;
		/* Entry 0 is nobody's. */
		assert_int_equal(take(&w, 1), start + (start == 0));
		assert_int_equal(take(&w, 1), start + 16);
		iovarig_close(&w.f);
	}
	open_window(&w, VIO_WINDOW);
	w.cpu = 2;
	assert_int_equal(take(&w, 1), 1);
	iovarig_close(&w.f);
}

/* 3072 short runs to a turn: 0x1000, 0x10000, 0x20000, ... 0xbff0000, then 0x1000 again. */
static void short_runs_move_on_by_blocks_of_16_and_come_back_after_a_turn(void **state)
{
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	for (uint64_t i = 0; i < 3072; i++) {
		const uint64_t first = i ? i * 16 : 1;

		assert_int_equal(take(&w, 1), first);
		give(&w, first, 1);
	}
	assert_int_equal(w.f.wraps, 0);
	assert_int_equal(take(&w, 1), 1);
	assert_int_equal(w.f.wraps, 1);
	assert_int_equal(take(&w, 15), 16);
	assert_int_equal(take(&w, 1), 32);
	/* A block whose first entry has stayed in use is entered behind it. */
	give(&w, 16, 15);
	for (uint64_t i = 3; i < 3072; i++)
		assert_int_equal(take(&w, 1), i * 16);
	assert_int_equal(take(&w, 1), 2);
	assert_int_equal(take(&w, 1), 16);
	assert_int_equal(take(&w, 1), 33);
	iovarig_close(&w.f);
}

/* 17 entries, as ibmveth's buffers of 64 KiB take: 0x30000000, then 0x11000 further each. */
static void long_runs_have_the_last_quarter_and_no_blocks(void **state)
{
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	assert_int_equal(take(&w, 17), 0x30000);
	assert_int_equal(take(&w, 17), 0x30011);
	assert_int_equal(take(&w, 17), 0x30022);
	assert_int_equal(take(&w, 16), 0x30033);
	/* 64 KiB on a boundary of 64 KiB. */
	assert_int_equal(want(&w, (struct iova_want){.count = 16, .align_log2 = 4}), 0x30050);
	assert_int_equal(take(&w, 15), 1);
	give(&w, 0x30000, 17);
	assert_int_equal(take(&w, 17), 0x30060);
	iovarig_close(&w.f);
	open_window(&w, VIO_WINDOW);
	assert_int_equal(take(&w, 17), 0xC000);
	iovarig_close(&w.f);
}

static void elements_of_a_list_are_placed_back_to_back(void **state)
{
	uint64_t handle = 0;
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	assert_int_equal(take(&w, 1), 1);
	assert_int_equal(want(&w, (struct iova_want){.count = 3, .handle = &handle}), 16);
	assert_int_equal(handle, 19);
	assert_int_equal(want(&w, (struct iova_want){.count = 2, .handle = &handle}), 19);
	/* A long element leaves the pool, and one behind it cannot follow there. */
	assert_int_equal(want(&w, (struct iova_want){.count = 20, .handle = &handle}), 0x30000);
	assert_int_equal(want(&w, (struct iova_want){.count = 1, .handle = &handle}), 32);
	iovarig_close(&w.f);
}

static void the_last_entry_of_a_pool_is_never_used(void **state)
{
	struct window w;

	(void)state;
	open_window(&w, VIO_WINDOW);
	/* One pool of 49152 and the large one of 16384: single entries fill both. */
	for (uint64_t n = 0; n < VIO_WINDOW - 3; n++)
		assert_true(take(&w, 1) > 0);
	assert_int_equal(take(&w, 1), -ENOSPC);
	assert_false(w.f.a->ops->owns(w.f.a, 0, 1));
	assert_false(w.f.a->ops->owns(w.f.a, POOL - 1, 1));
	assert_false(w.f.a->ops->owns(w.f.a, VIO_WINDOW - 1, 1));
	assert_true(w.f.a->ops->owns(w.f.a, 1, POOL - 2));
	assert_true(w.f.a->ops->owns(w.f.a, POOL, VIO_WINDOW - POOL - 1));
	/* What was taken across pools can be given back in one piece, where it lies. */
	give(&w, 1, POOL - 2);
	assert_int_equal(take(&w, 10), 1);
	assert_true(w.f.a->ops->check(w.f.a));
	iovarig_close(&w.f);
}

/* Its own pool from the start, then the others in turn, the large one last. */
static void a_full_pool_spills_into_the_next_ones(void **state)
{
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	w.cpu = 1; /* pool 1 */
	for (uint64_t i = 0; i < POOL - 1; i++)
		assert_in_range(take(&w, 1), POOL, 2 * POOL - 2);
	assert_int_equal(take(&w, 1), 2 * POOL);
	w.cpu = 2; /* pool 3, and its neighbour is 0 */
	for (uint64_t i = 0; i < POOL - 1; i++)
		assert_in_range(take(&w, 1), 3 * POOL, 4 * POOL - 2);
	assert_int_equal(take(&w, 1), 1);
	iovarig_close(&w.f);
}

/*
 * A device that drives less than its pool's end: first at the masked hint, then from the table's
 * beginning under pool 0's lock, short of the last entry it could drive.
 */
static void a_narrow_device_is_served_from_the_beginning(void **state)
{
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	w.cpu = 1;
	assert_int_equal(take(&w, 1), POOL);
	/* The hint, 0xc010, masked with 0xfff. */
	assert_int_equal(
		want(&w, (struct iova_want){.count = 1, .limit = 0x1000, .driven = 0x1000}), 0x10);
	assert_int_equal(
		want(&w, (struct iova_want){.count = 0xFEE, .limit = 0x1000, .driven = 0x1000}),
		0x11);
	for (unsigned i = 1; i < 16; i++)
		assert_int_equal(
			want(&w, (struct iova_want){.count = 1, .limit = 0x1000, .driven = 0x1000}),
			i);
	assert_int_equal(
		want(&w, (struct iova_want){.count = 1, .limit = 0x1000, .driven = 0x1000}),
		-ENOSPC);
	/* Beyond the table's end a mask is none. */
	assert_int_equal(want(&w, (struct iova_want){.count = 20, .driven = UINT64_C(1) << 20}),
			 0x30000);
	iovarig_close(&w.f);
}

static void no_run_crosses_a_boundary_of_4_gib(void **state)
{
	const uint64_t entries = UINT64_C(3) << 20, large = entries / 4 * 3;
	struct window w;

	(void)state;
	open_window(&w, entries);
	/* The large pool is 0x240000 to 0x2fffff. */
	assert_int_equal(take(&w, 0xBFFFF), large);
	/* Pool 1 is 0x90000 to 0x11ffff, long enough but for 0x100000 in its midst: pool 2. */
	assert_int_equal(take(&w, 0x8FFFF), 0x120000);
	/* Pool 3 has 0x200000 in its midst, so that pool 0 is left. */
	assert_int_equal(take(&w, 0x70001), 1);
	assert_int_equal(take(&w, 0x70000), 0x90000);
	iovarig_close(&w.f);
}

/* ---- held against a recording ---- */

static void an_answer_that_is_undone_was_never_given(void **state)
{
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	assert_int_equal(take(&w, 1), 1);
	assert_int_equal(take(&w, 3), 16);
	w.f.a->ops->history->undo(w.f.a, 16, 3);
	assert_true(w.f.a->ops->check(w.f.a));
	assert_int_equal(take(&w, 1), 16);
	iovarig_close(&w.f);
}

static void a_seized_range_is_held_and_a_searched_one_moves_the_hint(void **state)
{
	const struct iova_history_ops *h;
	struct window w;

	(void)state;
	open_window(&w, GIB_WINDOW);
	h = w.f.a->ops->history;
	assert_int_equal(h->seize(w.f.a, 64, 2, false), 0);
	assert_int_equal(take(&w, 1), 1);
	assert_int_equal(h->seize(w.f.a, 128, 2, true), 0);
	assert_int_equal(take(&w, 1), 144);
	assert_true(w.f.a->ops->owns(w.f.a, 64, 2));
	assert_int_equal(h->seize(w.f.a, 65, 1, true), -EEXIST);
	assert_int_equal(h->seize(w.f.a, 0, 1, true), -EEXIST);
	assert_int_equal(h->seize(w.f.a, GIB_WINDOW - 1, 2, true), -EEXIST);
	h->forget(w.f.a, 64, 2);
	assert_int_equal(h->seize(w.f.a, 65, 1, false), 0);
	assert_true(w.f.a->ops->check(w.f.a));
	iovarig_close(&w.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cpu_begins_in_a_pool_of_its_hash),
		cmocka_unit_test(short_runs_move_on_by_blocks_of_16_and_come_back_after_a_turn),
		cmocka_unit_test(long_runs_have_the_last_quarter_and_no_blocks),
		cmocka_unit_test(elements_of_a_list_are_placed_back_to_back),
		cmocka_unit_test(the_last_entry_of_a_pool_is_never_used),
		cmocka_unit_test(a_full_pool_spills_into_the_next_ones),
		cmocka_unit_test(a_narrow_device_is_served_from_the_beginning),
		cmocka_unit_test(no_run_crosses_a_boundary_of_4_gib),
		cmocka_unit_test(an_answer_that_is_undone_was_never_given),
		cmocka_unit_test(a_seized_range_is_held_and_a_searched_one_moves_the_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Views: pages that lead elsewhere, one by one and at random against a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../base/seed.h"
#include "mem/memory_view.h"

#define MIB    ((uint64_t)1 << 20)
#define PAGES  24u
#define FRAMES (MIB / PAGE_BYTES)
#define TABLE  ((phys_t)3 * PAGE_BYTES + 8) /* not the beginning of a page: it need not be */
#define RO     MEMORY_PRESENT
#define RW     (MEMORY_PRESENT | MEMORY_WRITABLE)

struct world {
	struct memory *board, *view;
	uint64_t *entry;
};

static void lead(struct world *w, unsigned page, uint64_t frame, uint64_t bits)
{
	w->entry[page] = frame << PAGE_SHIFT | bits;
}

/* The first bytes of each frame say which it is. */
static int setup(void **state)
{
	static struct world w;

	w.board = memory_create(MIB);
	for (uint32_t f = 0; f < FRAMES; f++)
		memcpy(memory_ptr(w.board, (phys_t)f * PAGE_BYTES, 4), &f, 4);
	w.entry = memory_ptr(w.board, TABLE, PAGES * sizeof(uint64_t));
	memset(w.entry, 0, PAGES * sizeof(uint64_t));
	w.view = memory_view_create(w.board, TABLE, PAGES);
	*state = &w;
	return !w.view;
}

static int teardown(void **state)
{
	struct world *w = *state;

	memory_destroy(w->view);
	memory_destroy(w->board);
	return 0;
}

static uint32_t frame_seen(struct world *w, unsigned page)
{
	uint32_t f = UINT32_MAX;
	const void *at = memory_ptr(w->view, (phys_t)page * PAGE_BYTES, 4);

	if (at)
		memcpy(&f, at, 4);
	return f;
}

static void a_view_needs_a_table_in_its_boards_memory(void **state)
{
	static const struct {
		phys_t table;
		uint64_t pages;
	} wrong[] = {
		{TABLE, 0},
		{TABLE + 4, PAGES},
		{MIB, 1},
		{MIB - 8, 2},
		{UINT64_MAX - 7, 1},
		{0, MIB / 8 + 1},
		{0, UINT64_MAX / 8},
		{0, (((uint64_t)64 << 30) >> PAGE_SHIFT) + 1},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		errno = 0;
		assert_null(memory_view_create(w->board, wrong[i].table, wrong[i].pages));
		assert_int_equal(errno, EINVAL);
	}
	errno = 0;
	assert_null(memory_view_create(w->view, 0, 1));
	assert_int_equal(errno, EINVAL);
}

static void a_page_is_the_frame_its_entry_names(void **state)
{
	struct world *w = *state;

	lead(w, 0, 77, RW);
	lead(w, 5, 0, RW);
	assert_int_equal(frame_seen(w, 0), 77);
	assert_int_equal(frame_seen(w, 5), 0);
	assert_true(memory_machine(w->view, 4095) == 77 * PAGE_BYTES + 4095);
	assert_true(memory_machine(w->board, 4095) == 4095);
	assert_true(memory_machine(w->board, 5 * MIB) == 5 * MIB);
	strcpy(memory_ptr(w->view, 100, 6), "hello");
	assert_string_equal(memory_ptr(w->board, 77 * PAGE_BYTES + 100, 6), "hello");
	assert_true(memory_bytes(w->view) == PAGES * PAGE_BYTES);
	assert_true(memory_is_view(w->view) && !memory_is_view(w->board));
	assert_ptr_equal(memory_board(w->view), w->board);
	assert_ptr_equal(memory_board(w->board), w->board);
}

static void only_the_address_and_two_bits_of_an_entry_count(void **state)
{
	struct world *w = *state;

	/* Every ignored bit set: user, caches, accessed, dirty, large, global, available, key, NX.
	 */
	w->entry[1] = UINT64_C(0xfff0000000000ffd) | 9 << PAGE_SHIFT;
	assert_int_equal(frame_seen(w, 1), 9);
	assert_false(memory_writable(w->view, PAGE_BYTES));
	w->entry[1] |= MEMORY_WRITABLE;
	assert_true(memory_writable(w->view, PAGE_BYTES));
	w->entry[1] &= ~MEMORY_PRESENT;
	assert_int_equal(frame_seen(w, 1), UINT32_MAX);
	assert_false(memory_writable(w->view, PAGE_BYTES));
}

static void an_absent_page_has_no_pointer_and_no_machine_address(void **state)
{
	struct world *w = *state;

	lead(w, 2, 40, RW);
	lead(w, 3, 41, 0);
	assert_non_null(memory_ptr(w->view, 2 * PAGE_BYTES, PAGE_BYTES));
	assert_null(memory_ptr(w->view, 2 * PAGE_BYTES, PAGE_BYTES + 1));
	assert_null(memory_ptr(w->view, 3 * PAGE_BYTES, 0));
	assert_true(memory_machine(w->view, 3 * PAGE_BYTES) == MEMORY_NOWHERE);
	/* beyond the view, and entries that lead beyond the board */
	assert_null(memory_ptr(w->view, PAGES * PAGE_BYTES, 0));
	assert_null(memory_ptr(w->view, UINT64_MAX, 2));
	assert_true(memory_machine(w->view, PAGES * PAGE_BYTES) == MEMORY_NOWHERE);
	assert_true(memory_machine(w->view, UINT64_MAX) == MEMORY_NOWHERE);
	lead(w, 3, FRAMES, RW);
	assert_null(memory_ptr_write(w->view, 3 * PAGE_BYTES, 1));
	assert_false(memory_writable(w->view, 3 * PAGE_BYTES));
	w->entry[3] = UINT64_MAX;
	assert_null(memory_ptr(w->view, 3 * PAGE_BYTES, 1));
	assert_true(memory_machine(w->view, 3 * PAGE_BYTES) == MEMORY_NOWHERE);
}

static void a_range_must_lie_in_one_piece_on_the_board(void **state)
{
	struct world *w = *state;

	lead(w, 0, 50, RW);
	lead(w, 1, 51, RW);
	lead(w, 2, 53, RW);
	assert_ptr_equal(memory_ptr(w->view, 4000, 2 * PAGE_BYTES - 4000),
			 memory_ptr(w->board, 50 * PAGE_BYTES + 4000, 1));
	assert_null(memory_ptr(w->view, 4000, 2 * PAGE_BYTES - 3999));
	assert_null(memory_ptr(w->view, PAGE_BYTES, PAGE_BYTES + 1));
	lead(w, 2, 52, RW);
	assert_non_null(memory_ptr(w->view, 0, 3 * PAGE_BYTES));
	/* the frame before is not the next one */
	lead(w, 1, 49, RW);
	assert_null(memory_ptr(w->view, 0, PAGE_BYTES + 1));
}

static void who_writes_is_told_of_a_page_that_may_only_be_read(void **state)
{
	struct world *w = *state;

	lead(w, 0, 60, RW);
	lead(w, 1, 61, RO);
	assert_non_null(memory_ptr(w->view, 0, 2 * PAGE_BYTES));
	assert_non_null(memory_ptr_write(w->view, 0, PAGE_BYTES));
	assert_null(memory_ptr_write(w->view, 0, PAGE_BYTES + 1));
	assert_null(memory_ptr_write(w->view, PAGE_BYTES, 1));
	assert_null(memory_ptr_write(w->view, PAGES * PAGE_BYTES, 0));
	assert_non_null(memory_ptr_write(w->board, 61 * PAGE_BYTES, 1));
	assert_null(memory_ptr_write(w->board, MIB, 1));
	assert_true(memory_writable(w->board, MIB - 1) && !memory_writable(w->board, MIB));
	assert_false(memory_writable(w->view, PAGES * PAGE_BYTES));
}

static void a_flip_takes_the_data_along(void **state)
{
	struct world *w = *state;
	struct memory *other;
	uint64_t *theirs = memory_ptr(w->board, 8 * PAGE_BYTES, PAGES * 8);
	uint64_t mine;

	memset(theirs, 0, PAGES * 8);
	other = memory_view_create(w->board, 8 * PAGE_BYTES, PAGES);
	lead(w, 7, 70, RW);
	theirs[3] = 71 << PAGE_SHIFT | RW;
	strcpy(memory_ptr(w->view, 7 * PAGE_BYTES, 8), "mine");
	strcpy(memory_ptr(other, 3 * PAGE_BYTES, 8), "theirs");
	mine = w->entry[7];
	w->entry[7] = theirs[3];
	theirs[3] = mine;
	assert_string_equal(memory_ptr(w->view, 7 * PAGE_BYTES, 8), "theirs");
	assert_string_equal(memory_ptr(other, 3 * PAGE_BYTES, 8), "mine");
	assert_true(memory_addr(w->view, memory_ptr(w->board, 71 * PAGE_BYTES + 9, 1)) ==
		    7 * PAGE_BYTES + 9);
	assert_false(memory_owns(w->view, memory_ptr(w->board, 70 * PAGE_BYTES, 1)));
	memory_destroy(other);
}

static void a_frame_seen_twice_has_the_address_asked_for_last(void **state)
{
	struct world *w = *state;
	const void *at = memory_ptr(w->board, 90 * PAGE_BYTES + 5, 1);

	assert_false(memory_owns(w->view, at));
	lead(w, 10, 90, RW);
	lead(w, 4, 90, RO);
	assert_ptr_equal(memory_ptr(w->view, 4 * PAGE_BYTES + 5, 1), at);
	assert_true(memory_addr(w->view, at) == 4 * PAGE_BYTES + 5);
	assert_ptr_equal(memory_ptr(w->view, 10 * PAGE_BYTES + 5, 1), at);
	assert_true(memory_addr(w->view, at) == 10 * PAGE_BYTES + 5);
	/* ... while it still leads there */
	w->entry[10] = 0;
	assert_true(memory_addr(w->view, at) == 4 * PAGE_BYTES + 5);
	w->entry[4] = 0;
	assert_false(memory_owns(w->view, at));
	assert_false(memory_owns(w->view, w));
	assert_false(memory_owns(w->view, NULL));
}

static void pages_are_handed_out_whatever_they_lead_to(void **state)
{
	struct world *w = *state;
	phys_t a = 0, b = 0;

	assert_int_equal(memory_alloc(w->view, 4, PAGE_BYTES, 0, &a), 0);
	assert_int_equal(memory_alloc(w->view, 1, PAGE_BYTES, 0, &b), 0);
	assert_true(a == PAGE_BYTES && b == 5 * PAGE_BYTES);
	assert_int_equal(memory_alloc(w->view, PAGES, PAGE_BYTES, 0, &a), -ENOMEM);
	assert_int_equal(memory_allocated_pages(w->view), 5);
	assert_int_equal(memory_allocated_pages(w->board), 0);
	assert_true(memory_check(w->view));
}

/* ---- against a naive model: walk the entries byte by byte ---- */

static bool naive(const uint64_t *entry, phys_t paddr, uint64_t need, phys_t *machine)
{
	const uint64_t page = paddr / PAGE_BYTES;

	if (page >= PAGES || (entry[page] & need) != need)
		return false;
	*machine = (entry[page] & MEMORY_FRAME_MASK) + paddr % PAGE_BYTES;
	return *machine < MIB;
}

/* Where the range lies on the board if every byte follows the one before; else MEMORY_NOWHERE. */
static phys_t naive_range(const uint64_t *entry, phys_t paddr, size_t bytes, uint64_t need)
{
	phys_t first, at;

	if (!naive(entry, paddr, need, &first))
		return MEMORY_NOWHERE;
	for (size_t i = 1; i < bytes; i++)
		if (!naive(entry, paddr + i, need, &at) || at != first + i)
			return MEMORY_NOWHERE;
	return first;
}

static void change(struct world *w, struct rng *rng)
{
	const unsigned page = (unsigned)rng_below(rng, PAGES);
	const unsigned other = (unsigned)rng_below(rng, PAGES);
	const uint64_t was = w->entry[page];

	switch (rng_below(rng, 6)) {
	case 0: /* anywhere, beyond the board too; few frames, so that they meet */
		lead(w, page, 16 + rng_below(rng, FRAMES), rng_below(rng, 4));
		break;
	case 1: /* some pages in one piece */
	case 2:
		for (unsigned i = page + 1; i < PAGES && i < page + 5; i++)
			w->entry[i] = w->entry[i - 1] + PAGE_BYTES;
		break;
	case 3: /* flip */
		w->entry[page] = w->entry[other];
		w->entry[other] = was;
		break;
	case 4: /* map a second time, for reading */
		w->entry[page] = w->entry[other] & ~MEMORY_WRITABLE;
		break;
	default:
		w->entry[page] ^= (uint64_t)1 << rng_below(rng, 2);
	}
}

static void any_table_agrees_with_a_naive_walk(void **state)
{
	struct world *w = *state;
	unsigned found = 0, refused = 0, long_ones = 0;
	struct rng rng;

	seed_from_env(&rng);
	for (unsigned step = 0; step < 40000; step++) {
		const phys_t paddr = rng_below(&rng, (PAGES + 1) * PAGE_BYTES);
		const size_t bytes = 1 + (size_t)rng_below(&rng, rng_below(&rng, 4) ? 64 : 9000);
		const bool write = rng_below(&rng, 2);
		phys_t expect, one = MEMORY_NOWHERE;
		const char *got;

		change(w, &rng);
		expect = naive_range(w->entry, paddr, bytes, write ? RW : RO);
		got = write ? memory_ptr_write(w->view, paddr, bytes)
			    : memory_ptr(w->view, paddr, bytes);
		if (!naive(w->entry, paddr, RO, &one))
			one = MEMORY_NOWHERE;
		assert_true(memory_machine(w->view, paddr) == one);
		assert_int_equal(memory_writable(w->view, paddr),
				 naive_range(w->entry, paddr, 1, RW) != MEMORY_NOWHERE);
		if (expect == MEMORY_NOWHERE) {
			assert_null(got);
			refused++;
			continue;
		}
		assert_ptr_equal(got, memory_ptr(w->board, expect, bytes));
		assert_true(memory_addr(w->view, got) == paddr);
		assert_true(memory_addr(w->view, got + bytes - 1) == paddr + bytes - 1);
		found++;
		long_ones += bytes > 2 * PAGE_BYTES;
	}
	assert_true(found > 1000 && refused > 1000 && long_ones > 10);
}

#define VIEW_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(a_view_needs_a_table_in_its_boards_memory),
		VIEW_TEST(a_page_is_the_frame_its_entry_names),
		VIEW_TEST(only_the_address_and_two_bits_of_an_entry_count),
		VIEW_TEST(an_absent_page_has_no_pointer_and_no_machine_address),
		VIEW_TEST(a_range_must_lie_in_one_piece_on_the_board),
		VIEW_TEST(who_writes_is_told_of_a_page_that_may_only_be_read),
		VIEW_TEST(a_flip_takes_the_data_along),
		VIEW_TEST(a_frame_seen_twice_has_the_address_asked_for_last),
		VIEW_TEST(pages_are_handed_out_whatever_they_lead_to),
		VIEW_TEST(any_table_agrees_with_a_naive_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The next-fit bitmap against the simplest model there is: an array of flags searched one by
 * one by the driver's rules. Reached through the allocator's own table of functions.
 */
#include <errno.h>

#include "base/rng.h"
#include "iovarig.h"

static void a_search_begins_behind_the_last_allocation_not_at_what_was_freed(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 256, 0);
	assert_int_equal(iovarig_take(&f, 3, 256), 0);
	iovarig_give(&f, 0, 3);
	assert_int_equal(iovarig_take(&f, 2, 256), 3);
	iovarig_give(&f, 3, 2);
	assert_int_equal(iovarig_take(&f, 1, 256), 5);
	assert_int_equal(f.wraps, 0);
	iovarig_close(&f);
}

static void the_start_hint_is_where_the_first_search_begins(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 256, 200);
	assert_int_equal(iovarig_take(&f, 4, 256), 200);
	assert_int_equal(f.wraps, 0);
	iovarig_close(&f);
}

static void the_last_entry_is_never_used(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 128, 0);
	for (int64_t i = 0; i < 127; i++)
		assert_int_equal(iovarig_take(&f, 1, 128), i);
	assert_int_equal(iovarig_take(&f, 1, 128), -ENOSPC);
	assert_int_equal(f.wraps, 1);
	iovarig_give(&f, 5, 1);
	assert_int_equal(iovarig_take(&f, 1, 128), 5);
	assert_int_equal(f.wraps, 2);
	iovarig_close(&f);
	/* Nor as the end of a longer run. */
	iovarig_open(&f, "next-fit", 128, 120);
	assert_int_equal(iovarig_take(&f, 8, 128), 0);
	iovarig_close(&f);
	iovarig_open(&f, "next-fit", 128, 120);
	assert_int_equal(iovarig_take(&f, 7, 128), 120);
	iovarig_close(&f);
}

static void no_run_goes_around_the_end(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 128, 100);
	assert_int_equal(iovarig_take(&f, 50, 128), 0);
	assert_int_equal(f.wraps, 1);
	iovarig_close(&f);
}

static void a_full_table_wraps_at_every_attempt(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 64, 0);
	assert_int_equal(iovarig_take(&f, 63, 64), 0);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(iovarig_take(&f, 1, 64), -ENOSPC);
		assert_int_equal(f.wraps, i);
		assert_int_equal(f.a->wraps, i);
	}
	iovarig_close(&f);
}

static void what_is_reserved_is_neither_handed_out_nor_owned(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 128, 0);
	assert_int_equal(f.a->ops->reserve(f.a, 0, 4), 0);
	assert_int_equal(f.a->ops->reserve(f.a, 2, 4), 0);
	assert_int_equal(f.a->ops->reserve(f.a, 120, 1000), 0);
	assert_int_equal(f.a->ops->reserve(f.a, 128, 10), 0);
	assert_int_equal(f.a->ops->reserve(f.a, UINT64_MAX, UINT64_MAX), 0);
	assert_int_equal(f.a->reserved, 6 + 8);
	assert_int_equal(iovarig_take(&f, 1, 128), 6);
	assert_int_equal(iovarig_take(&f, 113, 128), 7);
	assert_int_equal(iovarig_take(&f, 1, 128), -ENOSPC);
	assert_false(f.a->ops->owns(f.a, 0, 1));
	assert_false(f.a->ops->owns(f.a, 5, 2));
	assert_true(f.a->ops->owns(f.a, 6, 114));
	assert_false(f.a->ops->owns(f.a, 6, 115));
	assert_false(f.a->ops->owns(f.a, 127, 1));
	assert_false(f.a->ops->owns(f.a, 128, 1));
	assert_false(f.a->ops->owns(f.a, 6, UINT64_MAX));
	assert_false(f.a->ops->owns(f.a, 6, 0));
	iovarig_close(&f);
}

static void usable_below_sees_past_reservations_only(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 128, 0);
	assert_true(f.a->ops->usable_below(f.a, 1));
	assert_false(f.a->ops->usable_below(f.a, 0));
	assert_int_equal(f.a->ops->reserve(f.a, 0, 32), 0);
	assert_int_equal(f.a->ops->reserve(f.a, 32, 8), 0);
	assert_false(f.a->ops->usable_below(f.a, 40));
	assert_true(f.a->ops->usable_below(f.a, 41));
	assert_int_equal(f.a->ops->reserve(f.a, 40, 87), 0);
	/* What is left is the last entry. */
	assert_false(f.a->ops->usable_below(f.a, 128));
	iovarig_close(&f);
}

static void words_are_counted_as_they_are_examined(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "next-fit", 1024, 0);
	assert_int_equal(iovarig_take(&f, 1, 1024), 0);
	assert_int_equal(f.a->words_searched, 1);
	/* Bits 1..150 are clear: words 0, 1 and 2 are looked at. */
	assert_int_equal(iovarig_take(&f, 150, 1024), 1);
	assert_int_equal(f.a->words_searched, 1 + 3);
	assert_int_equal(iovarig_take(&f, 1000, 1024), -ENOSPC);
	/* Bit 151 is clear but too near the end for 1000; from 0 the first clear one is 151 too. */
	assert_int_equal(f.a->words_searched, 4 + 1 + 3);
	iovarig_close(&f);
}

/* ---- the model ---- */

struct model {
	uint64_t entries, hint, wraps;
	uint8_t *used; /* 1 taken, 2 reserved */
};

static bool model_search(const struct model *m, uint64_t from, uint64_t end, uint64_t count,
			 uint64_t *out)
{
	for (uint64_t at = from; at + count <= end; at++) {
		uint64_t n = 0;

		while (n < count && !m->used[at + n])
			n++;
		if (n == count) {
			*out = at;
			return true;
		}
	}
	return false;
}

static int64_t model_take(struct model *m, uint64_t count, uint64_t limit)
{
	const uint64_t end = limit < m->entries ? limit : m->entries - 1;
	uint64_t at;

	if (!model_search(m, m->hint, end, count, &at)) {
		m->wraps++;
		if (!model_search(m, 0, end, count, &at))
			return -ENOSPC;
	}
	memset(&m->used[at], 1, count);
	m->hint = at + count;
	return (int64_t)at;
}

static void run_program(struct rng *rng, uint64_t entries)
{
	struct model m = {.entries = entries, .hint = rng_below(rng, entries)};
	struct {
		uint64_t first, count;
	} live[512];
	unsigned n = 0;
	struct iovarig f;

	m.used = calloc(entries, 1);
	iovarig_open(&f, "next-fit", entries, m.hint);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t first = rng_below(rng, entries), count = rng_below(rng, 40);

		assert_int_equal(f.a->ops->reserve(f.a, first, count), 0);
		for (uint64_t at = first; at < first + count && at < entries; at++)
			m.used[at] = 2;
	}
	for (unsigned step = 0; step < 3000; step++) {
		if (n < 512 && rng_below(rng, 100) < 55) {
			/* Nearly always short, as real requests are. */
			const uint64_t count = 1 + rng_below(rng, rng_below(rng, 8) ? 3 : 150);
			const uint64_t limit =
				rng_below(rng, 4) ? entries : 1 + rng_below(rng, entries);
			const int64_t want = model_take(&m, count, limit);

			assert_int_equal(iovarig_take(&f, count, limit), want);
			assert_int_equal(f.a->wraps, m.wraps);
			if (want >= 0) {
				live[n].first = (uint64_t)want;
				live[n++].count = count;
			}
		} else if (n) {
			const unsigned i = (unsigned)rng_below(rng, n);

			iovarig_give(&f, live[i].first, live[i].count);
			memset(&m.used[live[i].first], 0, live[i].count);
			live[i] = live[--n];
		}
	}
	assert_int_equal(f.wraps, m.wraps);
	iovarig_close(&f);
	free(m.used);
}

static void random_programs_agree_with_a_search_bit_by_bit(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned i = 0; i < 12; i++)
		run_program(&rng, 64 + rng_below(&rng, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_search_begins_behind_the_last_allocation_not_at_what_was_freed),
		cmocka_unit_test(the_start_hint_is_where_the_first_search_begins),
		cmocka_unit_test(the_last_entry_is_never_used),
		cmocka_unit_test(no_run_goes_around_the_end),
		cmocka_unit_test(a_full_table_wraps_at_every_attempt),
		cmocka_unit_test(what_is_reserved_is_neither_handed_out_nor_owned),
		cmocka_unit_test(usable_below_sees_past_reservations_only),
		cmocka_unit_test(words_are_counted_as_they_are_examined),
		cmocka_unit_test(random_programs_agree_with_a_search_bit_by_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

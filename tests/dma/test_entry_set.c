/* SPDX-License-Identifier: MIT */
/*
 * Sets of table entries go by bytes, words and several words: every span of a few words, wherever
 * it begins, against a plain array.
 */
#include <string.h>

#include "rig.h"

#include "dma/iova/entry_set.h"

#define ENTRIES 96u
#define MARK    0xC0u

static void a_fill_is_of_its_span_and_nothing_else(void **state)
{
	struct entry_set s;

	(void)state;
	assert_int_equal(entry_set_init(&s, ENTRIES), 0);
	for (unsigned first = 0; first < 16; first++)
		for (unsigned count = 0; first + count <= ENTRIES; count++) {
			uint8_t want[ENTRIES] = {0};

			memset(s.byte, 0, ENTRIES);
			memset(&want[first], MARK, count);
			entry_set_fill(&s, first, count, MARK);
			assert_memory_equal(s.byte, want, ENTRIES);
			assert_int_equal(entry_set_count(&s, 0, ENTRIES), count);
		}
	entry_set_fini(&s);
}

/* One that is odd, wherever in the span or beside it. */
static void one_entry_decides_any_all_and_count(void **state)
{
	struct entry_set s;

	(void)state;
	assert_int_equal(entry_set_init(&s, ENTRIES), 0);
	for (unsigned first = 0; first < 9; first++)
		for (unsigned count = 1; first + count <= ENTRIES; count++)
			for (unsigned odd = 0; odd < ENTRIES; odd++) {
				const bool inside = odd >= first && odd < first + count;

				memset(s.byte, 0, ENTRIES);
				s.byte[odd] = 0x10;
				assert_int_equal(entry_set_any(&s, first, count), inside);
				assert_int_equal(entry_set_has_any(&s, first, count), inside);
				assert_int_equal(entry_set_count(&s, first, count), inside);
				memset(s.byte, 0xFF, ENTRIES);
				s.byte[odd] = 0x7F;
				assert_int_equal(entry_set_all(&s, first, count, MARK), !inside);
				assert_true(entry_set_all(&s, first, count, 0x41));
			}
	entry_set_fini(&s);
}

static void past_the_table_nothing_is_in(void **state)
{
	struct entry_set s;

	(void)state;
	assert_int_equal(entry_set_init(&s, ENTRIES - 3), 0);
	entry_set_fill(&s, 0, ENTRIES - 3, 1);
	assert_true(entry_set_any(&s, ENTRIES - 4, 1000));
	assert_false(entry_set_any(&s, ENTRIES - 3, 1000));
	assert_false(entry_set_any(&s, UINT64_MAX - 1, 2));
	assert_false(entry_set_any(&s, 5, 0));
	assert_int_equal(entry_set_count(&s, 1, UINT64_MAX - 1), ENTRIES - 4);
	assert_true(entry_set_has_all(&s, 0, ENTRIES - 3));
	assert_false(entry_set_has_all(&s, 0, ENTRIES - 2));
	assert_false(entry_set_has_all(&s, 5, 0));
	entry_set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fill_is_of_its_span_and_nothing_else),
		cmocka_unit_test(one_entry_decides_any_all_and_count),
		cmocka_unit_test(past_the_table_nothing_is_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Streams: which misses nothing could have prevented, and what invalidations reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mrc/stream.h"

static void first_uses_are_cold_and_uses_after_a_drop_are_not_capacity(void **state)
{
	struct mrc_stream s;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_access(&s, 1, 5), 0); /* cold */
	assert_int_equal(mrc_access(&s, 1, 5), 0);
	assert_int_equal(mrc_access(&s, 2, 5), 0); /* cold: another device's page */
	assert_int_equal(mrc_drop(&s, 1, 4, 3), 0);
	assert_int_equal(mrc_access(&s, 2, 5), 0);
	assert_int_equal(mrc_access(&s, 1, 5), 0); /* invalidated */
	assert_int_equal(mrc_drop_tag(&s, 2), 0);
	assert_int_equal(mrc_access(&s, 1, 5), 0);
	assert_int_equal(mrc_access(&s, 2, 5), 0); /* invalidated */
	assert_int_equal(mrc_drop_all(&s), 0);
	assert_int_equal(mrc_drop(&s, 1, 5, 1), 0); /* dropped twice, missed once */
	assert_int_equal(mrc_access(&s, 1, 5), 0);  /* invalidated */
	assert_int_equal(s.accesses, 8);
	assert_int_equal(s.cold, 2);
	assert_int_equal(s.invalidated, 3);
	mrc_stream_fini(&s);
}

static void a_huge_range_drops_the_pages_that_are_known(void **state)
{
	struct mrc_stream s;
	size_t before;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	for (uint64_t pfn = 0; pfn < 5000; pfn++) /* beyond the first size of every table */
		assert_int_equal(mrc_access(&s, (uint32_t)(pfn % 2), pfn), 0);
	before = s.events;
	assert_int_equal(mrc_drop(&s, 0, 10, UINT64_MAX), 0);
	assert_int_equal(s.events - before, 2500 - 5); /* even pages but 0, 2, 4, 6, 8 */
	assert_int_equal(s.drops, 1);
	assert_int_equal(mrc_find(&s, 1, 4999), 4999);
	assert_int_equal(mrc_find(&s, 0, 4999), MRC_NEVER);
	mrc_stream_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_uses_are_cold_and_uses_after_a_drop_are_not_capacity),
		cmocka_unit_test(a_huge_range_drops_the_pages_that_are_known),
	};

	return cmocka_run_group_tests_name("mrc/stream", tests, NULL, NULL);
}

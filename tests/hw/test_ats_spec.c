// SPDX-License-Identifier: MIT
/*
 * The size marker of ATS, by the published examples and by a rule of its own; seeded random blocks
 * there and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "spec/ats.h"

static void published_sizes(void **state)
{
	(void)state;
	assert_int_equal(ats_entry(0x5123, 12, 3), 0x5003);         /* 4 KiB: no S */
	assert_int_equal(ats_entry(0x5000, 13, 3), 0x4803);         /* 8 KiB: bit 12 zero */
	assert_int_equal(ats_entry(0x5000, 14, 3), 0x5803);         /* 13:12 = 01 */
	assert_int_equal(ats_entry(0x12345678, 21, 1), 0x122FF801); /* 19:12 ones, 20 zero */
	assert_int_equal(ats_invalidate(0x5000, 12), 0x5000);
	assert_int_equal(ats_invalidate(0x12345000, 16), 0x12347800); /* 14:12 ones */
	assert_int_equal(ats_invalidate(0x12345000, 64), UINT64_C(0x7FFFFFFFFFFFF800));
	assert_int_equal(ATS_INVALIDATE_ALL, UINT64_C(0x7FFFFFFFFFFFF800));
	assert_int_equal(ats_range_log2(ATS_INVALIDATE_ALL, ATS_INVALIDATE_S), 64);
	assert_int_equal(ats_depth_code(32), 0);
	assert_int_equal(ats_depth(0), 32);
	assert_int_equal(ats_depth(5), 5);
}

static void every_block_comes_back_from_its_entry(void **state)
{
	const uint64_t seed = 20260101;
	struct rng rng;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	rng_seed(&rng, seed);
	for (unsigned n = 0; n < 200000; n++) {
		const unsigned log2 = 12 + n % 52; /* to 63 */
		const uint64_t address = rng_u64(&rng) & ATS_ADDRESS;
		const uint64_t entry = ats_entry(address, log2, 3);

		assert_int_equal(ats_range_log2(entry, ATS_ENTRY_S), log2);
		assert_int_equal(ats_entry_base(entry), address >> log2 << log2);
		assert_int_equal(entry & 0x7FF, 3);
		assert_int_equal((entry & ATS_ENTRY_S) != 0, log2 > 12);
		/* The rule said another way: the address bits below the size are 0111... */
		if (log2 > 12)
			assert_int_equal(entry >> 12 & ((UINT64_C(1) << (log2 - 12)) - 1),
					 (UINT64_C(1) << (log2 - 13)) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_sizes),
		cmocka_unit_test(every_block_comes_back_from_its_entry),
	};

	return cmocka_run_group_tests_name("hw/ats_spec", tests, NULL, NULL);
}

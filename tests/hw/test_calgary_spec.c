// SPDX-License-Identifier: MIT
/*
 * The published layouts of spec/calgary.h against values worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spec/calgary.h"

static void tce_for_page_12345000_read_write_is_these_bytes(void **state)
{
	/* RPN 0x12345 in bits 47:12, W = bit 1, R = bit 0: 0x0000000012345003, big-endian. */
	const uint8_t expected[8] = {0x00, 0x00, 0x00, 0x00, 0x12, 0x34, 0x50, 0x03};
	uint8_t bytes[8];
	uint64_t as_x86;

	(void)state;
	calgary_tce_pack(bytes, calgary_tce(0x12345000, true, true));
	assert_memory_equal(bytes, expected, sizeof(expected));
	assert_int_equal(calgary_tce_unpack(bytes), UINT64_C(0x0000000012345003));
	/* The same eight bytes as a little-endian CPU reads them. */
	as_x86 = calgary_cpu64(calgary_tce(0x12345000, true, true));
	assert_int_equal(as_x86, UINT64_C(0x0350341200000000));
}

static void tce_rights_are_positive_and_none_means_invalid(void **state)
{
	(void)state;
	assert_int_equal(calgary_tce(0x1000, true, false), 0x1001);
	assert_int_equal(calgary_tce(0x1000, false, true), 0x1002);
	assert_true(calgary_tce_valid(0x1001));
	assert_true(calgary_tce_valid(0x1002));
	assert_false(calgary_tce_valid(0x1000));
	/* Unused, reserved and hub id bits do not make an entry valid. */
	assert_false(calgary_tce_valid(UINT64_C(0xFFFFFFFFFFFFFFFC)));
}

static void tce_holds_36_bits_of_page_number_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(calgary_tce(UINT64_C(0xFFFFFFFFFFFFFFFF), false, false),
			 UINT64_C(0x0000FFFFFFFFF000));
	assert_int_equal(calgary_tce_paddr(UINT64_C(0xABCD123456789FFF)),
			 UINT64_C(0x0000123456789000));
}

static void tar_for_an_8_mb_table_at_7f800000_is_this_operand(void **state)
{
	uint64_t tar = calgary_tar_value(0, 0x7F800000, 7);

	(void)state;
	assert_int_equal(tar, UINT64_C(0x000000007F800007));
	assert_int_equal(calgary_cpu64(tar), UINT64_C(0x0700807F00000000));
}

static void tar_bits_that_software_does_not_own_survive(void **state)
{
	(void)state;
	/* Old base, VALID and size go; 63:48 and 14:4 stay. */
	assert_int_equal(calgary_tar_value(UINT64_MAX, 0x10000, 2),
			 UINT64_C(0xFFFF000000000000) | 0x10000 | 0x7FF0 | 2);
}

static void table_sizes_are_the_published_eight(void **state)
{
	static const struct {
		uint64_t kib, entries, space_mib;
	} published[8] = {
		{64, 8192, 32},       {128, 16384, 64},      {256, 32768, 128},
		{512, 65536, 256},    {1024, 131072, 512},   {2048, 262144, 1024},
		{4096, 524288, 2048}, {8192, 1048576, 4096},
	};

	(void)state;
	for (unsigned code = 0; code < 8; code++) {
		assert_int_equal(calgary_table_bytes(code), published[code].kib << 10);
		assert_int_equal(calgary_entries(code), published[code].entries);
		assert_int_equal(calgary_entries(code) << 12, published[code].space_mib << 20);
		assert_int_equal(calgary_size_code(published[code].entries), code);
	}
	assert_int_equal(calgary_size_code(8191), -1);
	assert_int_equal(calgary_size_code(2097152), -1);
}

static void registers_of_each_phb_are_where_the_driver_has_them(void **state)
{
	(void)state;
	assert_int_equal(calgary_tar(0), 0x580);
	assert_int_equal(calgary_tar(1), 0x588);
	assert_int_equal(calgary_tar(2), 0x590);
	assert_int_equal(calgary_tar(3), 0x598);
	assert_int_equal(calgary_debug_reg(0, CALGARY_DEBUG_STUFF), 0x4020);
	assert_int_equal(calgary_debug_reg(3, CALGARY_DEBUG_SPLITQ), 0x7870);
	assert_int_equal(calgary_phb_reg(0, CALGARY_CSR), 0x8110);
	assert_int_equal(calgary_phb_reg(1, CALGARY_PLSSR), 0x9120);
	assert_int_equal(calgary_phb_reg(2, CALGARY_CONFIG_RW), 0xA160);
	assert_int_equal(calgary_phb_reg(3, CALGARY_AER), 0xB200);
	assert_int_equal(calgary_phb_reg(0, CALGARY_MEM_1_SIZE), 0x81C0);
	assert_int_equal(calgary_phb_reg(0, CALGARY_MEM_2_SIZE_LOW), 0x82E0);
}

static void timeout_nibbles_of_the_ccr_have_a_gap_before_phb_3(void **state)
{
	(void)state;
	assert_int_equal(calgary_ccr_timeout_shift(0), 44);
	assert_int_equal(calgary_ccr_timeout_shift(1), 40);
	assert_int_equal(calgary_ccr_timeout_shift(2), 36);
	assert_int_equal(calgary_ccr_timeout_shift(3), 28);
}

static void window_ends_on_the_megabyte_its_size_register_names(void **state)
{
	(void)state;
	assert_int_equal(calgary_window_first(1, 0xE0000000), UINT64_C(0x1E0000000));
	assert_int_equal(calgary_window_last(0, 0xEFF00000), UINT64_C(0xEFFFFFFF));
	assert_int_equal(calgary_window_last(2, 0), UINT64_C(0x2000FFFFF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tce_for_page_12345000_read_write_is_these_bytes),
		cmocka_unit_test(tce_rights_are_positive_and_none_means_invalid),
		cmocka_unit_test(tce_holds_36_bits_of_page_number_and_no_more),
		cmocka_unit_test(tar_for_an_8_mb_table_at_7f800000_is_this_operand),
		cmocka_unit_test(tar_bits_that_software_does_not_own_survive),
		cmocka_unit_test(table_sizes_are_the_published_eight),
		cmocka_unit_test(registers_of_each_phb_are_where_the_driver_has_them),
		cmocka_unit_test(timeout_nibbles_of_the_ccr_have_a_gap_before_phb_3),
		cmocka_unit_test(window_ends_on_the_megabyte_its_size_register_names),
	};

	return cmocka_run_group_tests_name("hw/calgary_spec", tests, NULL, NULL);
}

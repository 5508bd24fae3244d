// SPDX-License-Identifier: MIT
/*
 * The published VT-d layouts byte by byte: what spec/vtd.h packs is compared with bytes worked out
 * by hand from the specification's figures, so that the model and the driver cannot both be wrong
 * in the same way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "spec/vtd.h"

static void bytes_are(struct vtd_pair pair, const uint8_t expected[16])
{
	uint8_t bytes[16];
	struct vtd_pair back;

	vtd_pack_pair(bytes, pair);
	assert_memory_equal(bytes, expected, 16);
	back = vtd_unpack_pair(expected);
	assert_int_equal(back.lo, pair.lo);
	assert_int_equal(back.hi, pair.hi);
}

static void root_entry_is_16_bytes_with_p_in_bit_0(void **state)
{
	/* context table 0x0000_0012_3456_7000: bits 63:12 in place, P */
	static const uint8_t expected[16] = {0x01, 0x70, 0x56, 0x34, 0x12};

	(void)state;
	bytes_are(vtd_root(UINT64_C(0x1234567FFF)), expected);
}

static void context_entry_puts_width_and_domain_in_the_upper_half(void **state)
{
	/* lo: table 0xABCD_E000, TT 2 in 3:2 (0x8), P; hi: DID 0x1234 in 23:8, AW 2 in 2:0 */
	static const uint8_t expected[16] = {0x09, 0xE0, 0xCD, 0xAB, 0, 0, 0, 0,
					     0x02, 0x34, 0x12, 0,    0, 0, 0, 0};

	(void)state;
	bytes_are(vtd_context(0xABCDE000, 2, 2, 0x1234), expected);
}

static void paging_entry_has_its_rights_in_bits_0_and_1(void **state)
{
	/* 0x0000_8765_4321_0000 | W */
	static const uint8_t expected[8] = {0x02, 0x00, 0x21, 0x43, 0x65, 0x87, 0x00, 0x00};
	uint8_t bytes[8];

	(void)state;
	vtd_pack64(bytes, vtd_pte(UINT64_C(0x876543210123), false, true));
	assert_memory_equal(bytes, expected, 8);
	assert_int_equal(vtd_unpack64(expected), UINT64_C(0x876543210002));
	assert_int_equal(vtd_pte(0, true, false), 1);
	assert_int_equal(vtd_pte(UINT64_MAX, true, true), UINT64_C(0x000FFFFFFFFFF003));
}

static void addresses_index_nine_bits_a_level(void **state)
{
	/* bits 47:39 = 0x1A1, 38:30 = 0x0B2, 29:21 = 0x1C3, 20:12 = 0x0D4, offset 0xEEE */
	const uint64_t iova = UINT64_C(0x1A1) << 39 | UINT64_C(0x0B2) << 30 |
			      UINT64_C(0x1C3) << 21 | UINT64_C(0x0D4) << 12 | 0xEEE;

	(void)state;
	assert_int_equal(vtd_level_index(iova, 4), 0x1A1);
	assert_int_equal(vtd_level_index(iova, 3), 0x0B2);
	assert_int_equal(vtd_level_index(iova, 2), 0x1C3);
	assert_int_equal(vtd_level_index(iova, 1), 0x0D4);
	assert_int_equal(vtd_levels(VTD_AW_39), 3);
	assert_int_equal(vtd_levels(VTD_AW_48), 4);
	assert_int_equal(vtd_agaw_bits(VTD_AW_39), 39);
	assert_int_equal(vtd_agaw_bits(VTD_AW_48), 48);
}

static void context_cache_descriptor(void **state)
{
	/* type 1; G 3 in 5:4: 0x31; DID 0x1234 in 31:16; SID 0x5678 in 47:32; FM 2 in 49:48 */
	static const uint8_t expected[16] = {0x31, 0x00, 0x34, 0x12, 0x78, 0x56, 0x02, 0x00};

	(void)state;
	bytes_are(vtd_desc_context(VTD_GRAN_DEVICE, 0x1234, 0x5678, 2), expected);
}

static void iotlb_descriptor(void **state)
{
	/* type 2; G 3: 0x32, DW 6 and DR 7: 0xF2; DID; hi: address 63:12, IH 6, AM 5 */
	static const uint8_t expected[16] = {0xF2, 0x00, 0x34, 0x12, 0,    0,    0,    0,
					     0x45, 0xF0, 0xEB, 0xDA, 0xC9, 0xB8, 0xA7, 0x96};

	(void)state;
	bytes_are(vtd_desc_iotlb(VTD_GRAN_PAGE, 0x1234, true,
				 vtd_iva(UINT64_C(0x96A7B8C9DAEBFFFF), 5, true)),
		  expected);
}

static void wait_descriptor(void **state)
{
	/* type 5, SW 5, FN 6: 0x65; data in 63:32; hi: status address 63:2 */
	static const uint8_t expected[16] = {0x65, 0x00, 0x00, 0x00, 0x0D, 0xF0, 0xFE, 0xCA,
					     0x44, 0x33, 0x22, 0x11, 0,    0,    0,    0};

	(void)state;
	bytes_are(vtd_desc_wait(VTD_DESC_WAIT_SW | VTD_DESC_WAIT_FN, 0x11223347, 0xCAFEF00D),
		  expected);
	assert_int_equal(vtd_desc_wait(VTD_DESC_WAIT_IF, 0, 0).lo, 0x15);
}

static void capabilities_are_read_as_linux_prints_them(void **state)
{
	const uint64_t xeon = UINT64_C(0xD2078C106F0466), ecap = 0xF020DE;
	const uint64_t qemu = UINT64_C(0x00D2008C222F0606);

	(void)state;
	assert_int_equal(vtd_domain_bits(xeon), 16);
	assert_int_equal(vtd_guest_bits(xeon), 48);
	assert_int_equal(vtd_fault_block(xeon), 0x100);
	assert_int_equal(vtd_fault_records(xeon), 8);
	assert_int_equal(vtd_max_mask(xeon), 18);
	assert_int_equal(vtd_iotlb_block(ecap), 0x200);
	assert_false(vtd_aw_supported(xeon, VTD_AW_39));
	assert_true(vtd_aw_supported(xeon, VTD_AW_48));
	assert_int_equal(xeon & (VTD_CAP_CM | VTD_CAP_RWBF | VTD_CAP_AFL), 0);
	assert_int_equal(xeon & (VTD_CAP_PLMR | VTD_CAP_PHMR), 0x60);
	assert_true((xeon & VTD_CAP_PSI) != 0 && (xeon & VTD_CAP_SLLPS_2M) != 0 &&
		    (xeon & VTD_CAP_SLLPS_1G) != 0);
	assert_int_equal(vtd_fault_block(qemu), 0x220);
	assert_int_equal(vtd_fault_records(qemu), 1);
	assert_true(vtd_aw_supported(qemu, VTD_AW_39) && vtd_aw_supported(qemu, VTD_AW_48));
	assert_false(vtd_aw_supported(qemu, 0) || vtd_aw_supported(qemu, 7));
	assert_int_equal(vtd_iotlb_block(0xF42), 0xF0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_entry_is_16_bytes_with_p_in_bit_0),
		cmocka_unit_test(context_entry_puts_width_and_domain_in_the_upper_half),
		cmocka_unit_test(paging_entry_has_its_rights_in_bits_0_and_1),
		cmocka_unit_test(addresses_index_nine_bits_a_level),
		cmocka_unit_test(context_cache_descriptor),
		cmocka_unit_test(iotlb_descriptor),
		cmocka_unit_test(wait_descriptor),
		cmocka_unit_test(capabilities_are_read_as_linux_prints_them),
	};

	return cmocka_run_group_tests_name("hw/vtd_spec", tests, NULL, NULL);
}

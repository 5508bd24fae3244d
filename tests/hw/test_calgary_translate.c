// SPDX-License-Identifier: MIT
/*
 * Calgary's translation through registers and table bytes alone.
 */
#include <errno.h>

#include "rig.h"

#define TABLE UINT64_C(0x200000) /* 2 MiB: clear of everything, size-aligned up to code 5 */

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_make(&rig, 0, &rig_iotlb, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

/* No function of ours but the register and memory bytes of the published layout. */
static void dma_through_registers_and_table_bytes_alone(void **state)
{
	struct rig own;
	struct iotoll_xlat x;

	(void)state;
	rig_make(&own, 0x7F000000, &rig_iotlb, false);
	/* 8 MiB table at 0x7F800000; address 0xABCDE123 is entry 0xABCDE, 8 * 0xABCDE = 0x55E6F0.
	 */
	rig_poke8(&own, 0x7FD5E6F0, 0x00, 0x00, 0x00, 0x00, 0x12, 0x34, 0x50, 0x03);
	rig_writeq(&own, 0x590, UINT64_C(0x0700807F00000000));
	rig_writel(&own, 0xA160, rig_readl(&own, 0xA160) | 0x00001021);
	assert_int_equal(rig_dma(&own, 2, 0xABCDE123, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, 0x12345123);
	assert_int_equal(x.bytes, 0xEDD); /* 0x1000 - 0x123 */
	assert_int_equal(x.fetches, 1);
	assert_false(x.hit);
	assert_false(x.bypass);
	assert_false(x.stale);
	rig_free(&own);
}

static void rpn_of_36_bits_reaches_48_bit_addresses(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	/* Entry 0x300 at 0x200000 + 0x1800. Unused, reserved and hub id bits all set: ignored. */
	rig_poke8(&rig, 0x201800, 0xFF, 0xFF, 0xFE, 0xDC, 0xBA, 0x98, 0x7F, 0xFD);
	rig_enable(&rig, 0, TABLE, 0);
	assert_int_equal(rig_dma(&rig, 0, 0x300FFF, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, UINT64_C(0xFEDCBA987FFF));
	assert_int_equal(x.bytes, 1);
}

static void rights_are_checked_each_by_itself(void **state)
{
	static const struct {
		uint8_t low;
		int read, write;
	} cases[4] = {{0, -EPERM, -EPERM}, {1, 0, -EPERM}, {2, -EPERM, 0}, {3, 0, 0}};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		rig_poke8(&rig, TABLE + 8 * (0x200 + i), 0, 0, 0, 0, 0x00, 0x40, 0x00,
			  cases[i].low);
	rig_enable(&rig, 0, TABLE, 0);
	for (unsigned pass = 0; pass < 2; pass++) /* from the table, then from the cache */
		for (unsigned i = 0; i < 4; i++) {
			uint64_t iova = (0x200 + i) * UINT64_C(4096);

			assert_int_equal(rig_dma(&rig, 0, iova, IOTOLL_READ, NULL), cases[i].read);
			assert_int_equal(rig_dma(&rig, 0, iova, IOTOLL_WRITE, NULL),
					 cases[i].write);
		}
}

static void each_size_code_ends_its_table(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 8; code++) {
		uint64_t entries = UINT64_C(8192) << code;
		uint64_t table = UINT64_C(0x800000);

		rig_poke_tce(&rig, table + 8 * (entries - 1), 0x5003);
		if (code < 7) /* what follows the table looks like an entry, too */
			rig_poke_tce(&rig, table + 8 * entries, 0x6003);
		rig_enable(&rig, 0, table, code);
		assert_int_equal(rig_dma(&rig, 0, (entries << 12) - 1, IOTOLL_READ, NULL), 0);
		assert_int_equal(rig_dma(&rig, 0, entries << 12, IOTOLL_READ, NULL), -EPERM);
	}
}

static void valid_bit_of_the_tar_is_not_needed_nor_harmful(void **state)
{
	(void)state;
	rig_poke_tce(&rig, TABLE + 8 * 0x400, 0x5003);
	rig_enable(&rig, 0, TABLE, 0);
	assert_int_equal(rig_dma(&rig, 0, 0x400000, IOTOLL_READ, NULL), 0);
	rig_enable(&rig, 0, TABLE | 8, 0);
	assert_int_equal(rig_dma(&rig, 0, 0x400000, IOTOLL_READ, NULL), 0);
}

static void tar_base_ignores_bits_outside_47_to_15(void **state)
{
	(void)state;
	rig_poke_tce(&rig, TABLE + 8 * 0x400, 0x5003);
	rig_enable(&rig, 0, TABLE | UINT64_C(0xFFFF000000007FF0), 0);
	assert_int_equal(rig_dma(&rig, 0, 0x400000, IOTOLL_READ, NULL), 0);
}

static void without_tce_enable_addresses_pass_untranslated(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	assert_int_equal(rig_dma(&rig, 0, UINT64_C(0x123456789), IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, UINT64_C(0x123456789));
	assert_int_equal(x.bytes, 0x877);
	assert_int_equal(x.fetches, 0);
	assert_int_equal(rig.reads, 0);
}

static void dac_disable_refuses_64_bit_addresses_even_untranslated(void **state)
{
	(void)state;
	rig_writel(&rig, 0x8160, 0x00000001); /* logical 0x01000000 */
	assert_int_equal(rig_dma(&rig, 0, UINT64_C(0xFFFFFFFF), IOTOLL_READ, NULL), 0);
	assert_int_equal(rig_dma(&rig, 0, UINT64_C(0x100000000), IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0); /* not the bridge's error */
}

static void dac_address_with_dac_allowed_lies_past_the_table(void **state)
{
	(void)state;
	rig_poke_tce(&rig, TABLE, 0x5003);
	rig_enable(&rig, 0, TABLE, 0);
	rig_writel(&rig, 0x8160, 0x00000020); /* TCE_ENABLE alone */
	assert_int_equal(rig_dma(&rig, 0, UINT64_C(0x100000000), IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(rig_dma(&rig, 0, UINT64_MAX, IOTOLL_WRITE, NULL), -EPERM);
	assert_true(rig_readl(&rig, 0x8110) != 0);
}

/* Is @iova passed untranslated, with a table that has no valid entry? */
static bool passes(uint64_t iova)
{
	struct iotoll_xlat x;
	int ret = rig_dma(&rig, 0, iova, IOTOLL_WRITE, &x);

	if (ret != 0) {
		assert_int_equal(ret, -EPERM);
		return false;
	}
	assert_true(x.bypass);
	assert_int_equal(x.paddr, iova);
	return true;
}

static void bios_hole_is_not_translated(void **state)
{
	(void)state;
	rig_enable(&rig, 0, 0x800000, 7);
	assert_false(passes(0x9FFFF));
	assert_true(passes(0xA0000));
	assert_true(passes(0xFFFFF));
	assert_false(passes(0x100000));
}

static void mem_1_window_is_not_translated(void **state)
{
	(void)state;
	rig_enable(&rig, 0, 0x800000, 7);
	assert_false(passes(0xE0000000));
	/* 0xE0000000 up to and with the megabyte at 0xEFF00000; operands byte-swapped. */
	rig_writel(&rig, 0x8190, 0x000000E0);
	rig_writel(&rig, 0x81A0, 0);
	rig_writel(&rig, 0x81C0, 0x0000F0EF);
	assert_false(passes(0xDFFFFFFF));
	assert_true(passes(0xE0000000));
	assert_true(passes(0xEFFFFFFF));
	assert_false(passes(0xF0000000));
}

static void window_of_zeros_is_closed(void **state)
{
	(void)state;
	rig_enable(&rig, 0, 0x800000, 7);
	rig_writel(&rig, 0x8190, 0);
	rig_writel(&rig, 0x81A0, 0);
	rig_writel(&rig, 0x81C0, 0);
	assert_false(passes(0));
	assert_false(passes(0x9FFFF));
	/* One bit in the size makes it [0, 2 MiB). */
	rig_writel(&rig, 0x81C0, 0x00001000);
	assert_true(passes(0));
	assert_true(passes(0x1FFFFF));
	assert_false(passes(0x200000));
}

static void mem_2_window_counts_only_when_enabled(void **state)
{
	(void)state;
	rig_enable(&rig, 0, 0x800000, 7);
	rig_writel(&rig, 0x82B0, 0x000000C0); /* low 0xC0000000 */
	rig_writel(&rig, 0x82E0, 0x000000C0); /* size low */
	assert_false(passes(0xC0000000));
	rig_writel(&rig, 0x8160, 0x00005021); /* | 0x00400000: MEM2_ENABLE */
	assert_true(passes(0xC0000000));
	assert_true(passes(0xC00FFFFF));
	assert_false(passes(0xC0100000));
}

static void slot_disable_shuts_the_bus(void **state)
{
	(void)state;
	rig_poke_tce(&rig, TABLE + 8 * 0x400, 0x5003);
	rig_enable(&rig, 0, TABLE, 0);
	assert_int_equal(rig_dma(&rig, 0, 0x400000, IOTOLL_READ, NULL), 0);
	rig_writel(&rig, 0x8160, rig_readl(&rig, 0x8160) | 0x0000001C);
	assert_int_equal(rig_dma(&rig, 0, 0x400000, IOTOLL_READ, NULL), -ESHUTDOWN);
	assert_int_equal(rig_dma(&rig, 0, 0xA0000, IOTOLL_READ, NULL), -ESHUTDOWN);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
}

static void devices_of_one_bus_reach_each_others_mappings(void **state)
{
	struct iotoll_source nic = {.bus = 1, .devid = 0x08}, rogue = {.bus = 1, .devid = 0x10};
	struct iotoll_source other_bus = {.bus = 0, .devid = 0x08};
	struct iotoll_xlat x;

	(void)state;
	rig_poke_tce(&rig, TABLE + 8 * 0x400, 0x5003);
	rig_enable(&rig, 1, TABLE, 0);
	rig_enable(&rig, 0, 0x300000, 0);
	assert_int_equal(iommu_translate(rig.iommu, nic, 0x400000, IOTOLL_WRITE, &x), 0);
	assert_int_equal(iommu_translate(rig.iommu, rogue, 0x400000, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, 0x5000);
	assert_int_equal(iommu_translate(rig.iommu, other_bus, 0x400000, IOTOLL_WRITE, &x), -EPERM);
}

static void unknown_bus_and_access_are_refused_without_harm(void **state)
{
	(void)state;
	assert_int_equal(rig_dma(&rig, 4, 0, IOTOLL_READ, NULL), -ENODEV);
	assert_int_equal(rig_dma(&rig, UINT16_MAX, 0, IOTOLL_READ, NULL), -ENODEV);
	assert_int_equal(rig_dma(&rig, 0, 0, (enum iotoll_access)0, NULL), -EINVAL);
	assert_int_equal(rig_dma(&rig, 0, 0, (enum iotoll_access)3, NULL), -EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dma_through_registers_and_table_bytes_alone),
		T(rpn_of_36_bits_reaches_48_bit_addresses),
		T(rights_are_checked_each_by_itself),
		T(each_size_code_ends_its_table),
		T(valid_bit_of_the_tar_is_not_needed_nor_harmful),
		T(tar_base_ignores_bits_outside_47_to_15),
		T(without_tce_enable_addresses_pass_untranslated),
		T(dac_disable_refuses_64_bit_addresses_even_untranslated),
		T(dac_address_with_dac_allowed_lies_past_the_table),
		T(bios_hole_is_not_translated),
		T(mem_1_window_is_not_translated),
		T(window_of_zeros_is_closed),
		T(mem_2_window_counts_only_when_enabled),
		T(slot_disable_shuts_the_bus),
		T(devices_of_one_bus_reach_each_others_mappings),
		T(unknown_bus_and_access_are_refused_without_harm),
	};

	return cmocka_run_group_tests_name("hw/calgary_translate", tests, NULL, NULL);
}

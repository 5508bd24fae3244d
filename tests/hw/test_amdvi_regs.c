// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's registers: what reset leaves, what a write changes, what a written 1 clears; and what
 * starts and stops command buffer and event log.
 */
#include <errno.h>

#include "amdvi_rig.h"

static struct amd amd;

static int setup(void **state)
{
	(void)state;
	amd_make(&amd, &amd_iotlb, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_free(&amd);
	return 0;
}

/*
 * Device table base 51:12 and 8:0; ring bases 51:12 and 59:56; control 15:0;
 * exclusion base 51:12, 1:0; limit 51:12; extended features PPR (1), IA (6) and HATS = 2 (11:10)
 * only; heads and tails 18:4; status all read-only or write-1-to-clear.
 */
static const struct {
	uint64_t offset, reset, writable;
} registers[] = {
	{0x0000, 0, UINT64_C(0x000FFFFFFFFFF1FF)},
	{0x0008, 0, UINT64_C(0x0F0FFFFFFFFFF000)},
	{0x0010, 0, UINT64_C(0x0F0FFFFFFFFFF000)},
	{0x0018, 0, UINT64_C(0x000000000000FFFF)},
	{0x0020, 0, UINT64_C(0x000FFFFFFFFFF003)},
	{0x0028, 0, UINT64_C(0x000FFFFFFFFFF000)},
	{0x0030, 0x842, 0},
	{0x0038, 0, UINT64_C(0x0F0FFFFFFFFFF000)},
	{0x2000, 0, UINT64_C(0x000000000007FFF0)},
	{0x2008, 0, UINT64_C(0x000000000007FFF0)},
	{0x2010, 0, UINT64_C(0x000000000007FFF0)},
	{0x2018, 0, UINT64_C(0x000000000007FFF0)},
	{0x2020, 0, 0},
	{0x2030, 0, UINT64_C(0x000000000007FFF0)},
	{0x2038, 0, UINT64_C(0x000000000007FFF0)},
};
#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

static uint32_t readl(uint64_t offset)
{
	return (uint32_t)amd.iommu->ops->reg_read(amd.iommu, offset, 4);
}

static void writel(uint64_t offset, uint32_t value)
{
	amd.iommu->ops->reg_write(amd.iommu, offset, value, 4);
}

static void reset_values_and_writable_bits_of_every_register(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REGISTERS; i++) {
		assert_int_equal(amd_readq(&amd, registers[i].offset), registers[i].reset);
		/* The control register by itself would run what is not set up: see below. */
		if (registers[i].offset == 0x18)
			continue;
		amd_writeq(&amd, registers[i].offset, UINT64_MAX);
		assert_int_equal(amd_readq(&amd, registers[i].offset),
				 registers[i].reset | registers[i].writable);
		amd_writeq(&amd, registers[i].offset, 0);
		assert_int_equal(amd_readq(&amd, registers[i].offset), registers[i].reset);
	}
	amd_writeq(&amd, 0x18, UINT64_MAX);
	assert_int_equal(amd_readq(&amd, 0x18), 0xFFFF);
	amd_writeq(&amd, 0x18, 0);
	assert_int_equal(amd_readq(&amd, 0x18), 0);
	assert_int_equal(amdvi_stray_accesses(amd.iommu), 0);
}

static void halves_are_written_and_read_by_themselves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REGISTERS; i++) {
		const uint64_t at = registers[i].offset;
		const uint64_t value = registers[i].writable & UINT64_C(0xA5A5A5A55A5A5A5A);

		if (at == 0x18)
			continue;
		writel(at, (uint32_t)value);
		writel(at + 4, (uint32_t)(value >> 32));
		assert_int_equal(amd_readq(&amd, at), registers[i].reset | value);
		assert_int_equal(readl(at), (uint32_t)(registers[i].reset | value));
		assert_int_equal(readl(at + 4), (uint32_t)(value >> 32));
		writel(at, 0);
		assert_int_equal(amd_readq(&amd, at) >> 32, value >> 32);
		writel(at + 4, 0);
	}
}

static void accesses_that_meet_no_register_are_counted_and_do_nothing(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned width;
	} odd[] = {{0x40, 8}, {0x1000, 8}, {0x2028, 8}, {0x19, 4},   {0x1C, 8},
		   {0x18, 1}, {0x18, 2},   {0x18, 16},  {0x4000, 8}, {UINT64_MAX, 8}};

	(void)state;
	for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		amd.iommu->ops->reg_write(amd.iommu, odd[i].offset, UINT64_MAX, odd[i].width);
		assert_int_equal(amd.iommu->ops->reg_read(amd.iommu, odd[i].offset, odd[i].width),
				 0);
		assert_int_equal(amdvi_stray_accesses(amd.iommu), 2 * (i + 1));
	}
	for (unsigned i = 0; i < REGISTERS; i++)
		assert_int_equal(amd_readq(&amd, registers[i].offset), registers[i].reset);
}

static void writing_a_base_sets_its_head_and_tail_to_0(void **state)
{
	(void)state;
	for (uint64_t ring = 0; ring < 2; ring++) {
		const uint64_t other = 1 - ring;

		for (uint64_t r = 0x2000; r <= 0x2018; r += 8)
			amd_writeq(&amd, r, 0x40);
		amd_writeq(&amd, 0x08 + 8 * ring, AMD_CMDBUF | UINT64_C(9) << 56);
		assert_int_equal(amd_readq(&amd, 0x2000 + 16 * ring), 0);
		assert_int_equal(amd_readq(&amd, 0x2008 + 16 * ring), 0);
		assert_int_equal(amd_readq(&amd, 0x2000 + 16 * other), 0x40);
		assert_int_equal(amd_readq(&amd, 0x2008 + 16 * other), 0x40);
	}
}

static void buffer_and_log_run_while_they_and_the_unit_are_enabled(void **state)
{
	static const struct {
		uint64_t control, running; /* status 4 command buffer, 3 event log */
	} cases[] = {{0x1004, 0}, {0x1005, 0x18}, {0x0005, 0x08}, {0x1001, 0x10},
		     {0x0001, 0}, {0x1005, 0x18}, {0x1004, 0}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		amd_writeq(&amd, 0x18, cases[i].control);
		assert_int_equal(amd_readq(&amd, 0x2020), cases[i].running);
	}
}

static void status_bits_clear_where_1_is_written_and_nowhere_else(void **state)
{
	(void)state;
	amd_enable(&amd);
	/* A wait with I sets bit 2; a fault sets bit 1. */
	amd_command(&amd, UINT64_C(1) << 60 | 2, 0);
	amd_dte(&amd, 0, 3, 0);
	assert_int_equal(amd_dma(&amd, 0, 0, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_readq(&amd, 0x2020), 0x1E);
	amd_writeq(&amd, 0x2020, 0);
	assert_int_equal(amd_readq(&amd, 0x2020), 0x1E);
	amd_writeq(&amd, 0x2020, 0x18); /* the running bits are not software's */
	assert_int_equal(amd_readq(&amd, 0x2020), 0x1E);
	amd_writeq(&amd, 0x2020, 0x02);
	assert_int_equal(amd_readq(&amd, 0x2020), 0x1C);
	amd_writeq(&amd, 0x2020, UINT64_MAX);
	assert_int_equal(amd_readq(&amd, 0x2020), 0x18);
}

static void interrupts_follow_rising_status_bits_that_control_allows(void **state)
{
	(void)state;
	amd_enable(&amd);
	amd_dte(&amd, 0, 3, 0);
	amd_dma(&amd, 0, 0, IOTOLL_READ, NULL);
	amd_command(&amd, UINT64_C(1) << 60 | 2, 0);
	assert_int_equal(amdvi_interrupts(amd.iommu), 0); /* neither is allowed */
	amd_writeq(&amd, 0x18, 0x101D);                   /* EventIntEn, ComWaitIntEn */
	amd_dma(&amd, 0, 0, IOTOLL_READ, NULL);
	amd_command(&amd, UINT64_C(1) << 60 | 2, 0);
	assert_int_equal(amdvi_interrupts(amd.iommu), 0); /* both were set already */
	amd_writeq(&amd, 0x2020, 6);
	amd_dma(&amd, 0, 0, IOTOLL_READ, NULL);
	assert_int_equal(amdvi_interrupts(amd.iommu), 1);
	amd_dma(&amd, 0, 0, IOTOLL_READ, NULL);
	assert_int_equal(amdvi_interrupts(amd.iommu), 1);
	amd_command(&amd, UINT64_C(1) << 60 | 2, 0);
	assert_int_equal(amdvi_interrupts(amd.iommu), 2);
}

static void device_table_ends_where_its_size_says(void **state)
{
	(void)state;
	/* Size n: (n + 1) * 128 entries. Entries are V=0: what is inside passes. */
	for (uint64_t size = 0; size <= 0x1FF; size = size * 2 + 1) {
		const uint32_t entries = (uint32_t)(size + 1) * 128;

		amd_enable(&amd);
		amd_writeq(&amd, AMD_R_DEVTAB, AMD_DEVTAB | size);
		amd_invalidate_all(&amd);
		assert_int_equal(amd_dma(&amd, (uint16_t)(entries - 1), 0, IOTOLL_READ, NULL), 0);
		if (entries < 65536)
			assert_int_equal(amd_dma(&amd, (uint16_t)entries, 0, IOTOLL_READ, NULL),
					 -EPERM);
	}
}

static void reset_forgets_registers_and_caches(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	amd_enable(&amd);
	amd_dte(&amd, 0, AMD_DTE(1, AMD_TABLES), 1);
	amd_poke(&amd, AMD_TABLES, AMD_PTE(0x5000));
	assert_int_equal(amd_read_goes(&amd, 0, 0), 0x5000);
	amd.iommu->ops->reset(amd.iommu);
	for (unsigned i = 0; i < REGISTERS; i++)
		assert_int_equal(amd_readq(&amd, registers[i].offset), registers[i].reset);
	assert_int_equal(amd_dma(&amd, 0, 0, IOTOLL_READ, &x), 0);
	assert_true(x.bypass);
	amd_enable(&amd);
	assert_int_equal(amd_dma(&amd, 0, 0, IOTOLL_READ, &x), 0);
	assert_false(x.hit);
	assert_int_equal(x.fetches, 2); /* entry and table, both anew */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(reset_values_and_writable_bits_of_every_register),
		T(halves_are_written_and_read_by_themselves),
		T(accesses_that_meet_no_register_are_counted_and_do_nothing),
		T(writing_a_base_sets_its_head_and_tail_to_0),
		T(buffer_and_log_run_while_they_and_the_unit_are_enabled),
		T(status_bits_clear_where_1_is_written_and_nowhere_else),
		T(interrupts_follow_rising_status_bits_that_control_allows),
		T(device_table_ends_where_its_size_says),
		T(reset_forgets_registers_and_caches),
	};

	return cmocka_run_group_tests_name("hw/amdvi_regs", tests, NULL, NULL);
}

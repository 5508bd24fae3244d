// SPDX-License-Identifier: MIT
/*
 * Calgary's registers as a little-endian CPU sees them. Offsets and operands are literals worked
 * out from the published layout, so that the model is not checked against its own header.
 */
#include "rig.h"

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

static void tar_reads_back_all_64_bits_and_each_half(void **state)
{
	(void)state;
	/* Logical 0x000000007F800007; the low address holds the most significant byte. */
	rig_writeq(&rig, 0x590, UINT64_C(0x0700807F00000000));
	assert_int_equal(rig_readq(&rig, 0x590), UINT64_C(0x0700807F00000000));
	assert_int_equal(rig_readl(&rig, 0x590), 0x00000000);
	assert_int_equal(rig_readl(&rig, 0x594), 0x0700807F);
	assert_int_equal(rig_readq(&rig, 0x588), 0); /* PHB 1 is another register */
}

static void tar_half_written_alone_leaves_the_other(void **state)
{
	(void)state;
	rig_writeq(&rig, 0x580, UINT64_C(0x8877665544332211));
	rig_writel(&rig, 0x584, 0xDDCCBBAA);
	assert_int_equal(rig_readq(&rig, 0x580), UINT64_C(0xDDCCBBAA44332211));
	rig_writel(&rig, 0x580, 0x04030201);
	assert_int_equal(rig_readq(&rig, 0x580), UINT64_C(0xDDCCBBAA04030201));
}

static void ccr_keeps_what_is_written(void **state)
{
	(void)state;
	rig_writeq(&rig, 0x108, UINT64_C(0x0123456789ABCDEF));
	assert_int_equal(rig_readq(&rig, 0x108), UINT64_C(0x0123456789ABCDEF));
	assert_int_equal(calgary_stray_accesses(rig.iommu), 0);
}

static void debug_blocks_name_buses_0_1_2_4(void **state)
{
	(void)state;
	/* First bus in 0x00FF0000, last in 0x0000FF00; byte-swapped by the load. */
	assert_int_equal(rig_readl(&rig, 0x4020), 0x00000000);
	assert_int_equal(rig_readl(&rig, 0x5020), 0x00010100);
	assert_int_equal(rig_readl(&rig, 0x6020), 0x00020200);
	assert_int_equal(rig_readl(&rig, 0x7020), 0x00040400);
}

static void aer_is_put_back_as_it_was_read_and_zero_stops_the_bus(void **state)
{
	uint32_t saved = rig_readl(&rig, 0xA200);

	(void)state;
	assert_true(saved != 0);
	assert_true(rig.iommu->ops->may_start(rig.iommu, 2));
	rig_writel(&rig, 0xA200, 0);
	assert_false(rig.iommu->ops->may_start(rig.iommu, 2));
	assert_true(rig.iommu->ops->may_start(rig.iommu, 1));
	assert_int_equal(rig.arbitrations, 1);
	assert_int_equal(rig.arbitration_bus, 2);
	assert_false(rig.arbitration_on);
	rig_writel(&rig, 0xA200, saved);
	assert_int_equal(rig_readl(&rig, 0xA200), saved);
	assert_true(rig.iommu->ops->may_start(rig.iommu, 2));
	assert_int_equal(rig.arbitrations, 2);
	assert_true(rig.arbitration_on);
	rig_writel(&rig, 0xA200, 1); /* still on: nobody is told */
	assert_int_equal(rig.arbitrations, 2);
}

static void split_queue_low_byte_is_ff_only_when_nothing_is_out(void **state)
{
	(void)state;
	assert_int_equal(rig_readq(&rig, 0x5870) & 0xff, 0xff);
	rig.iommu->ops->begin(rig.iommu, 1);
	rig.iommu->ops->begin(rig.iommu, 1);
	assert_true((rig_readq(&rig, 0x5870) & 0xff) != 0xff);
	assert_int_equal(rig_readq(&rig, 0x4870) & 0xff, 0xff); /* another PHB */
	rig.iommu->ops->end(rig.iommu, 1);
	assert_true((rig_readq(&rig, 0x5870) & 0xff) != 0xff);
	rig.iommu->ops->end(rig.iommu, 1);
	assert_int_equal(rig_readq(&rig, 0x5870) & 0xff, 0xff);
	rig_writeq(&rig, 0x5870, 0); /* status cannot be written */
	assert_int_equal(rig_readq(&rig, 0x5870) & 0xff, 0xff);
}

static void end_without_begin_leaves_the_queue_empty(void **state)
{
	(void)state;
	rig.iommu->ops->end(rig.iommu, 0);
	assert_int_equal(rig_readq(&rig, 0x4870) & 0xff, 0xff);
	rig.iommu->ops->begin(rig.iommu, 0);
	assert_true((rig_readq(&rig, 0x4870) & 0xff) != 0xff);
}

static void access_that_meets_no_register_reads_zero_and_is_counted(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned width;
	} strays[] = {
		{0x0000, 4},     {0x8112, 4},         {0x8110, 8},
		{0x8110, 2},     {0x8111, 1},         {0x0584, 8},
		{0x0582, 4},     {0x05A0, 8},         {0x3870, 8},
		{0xC110, 4},     {0x4874, 8},         {0xFFFFC, 4},
		{0x100580, 8},   {0x8DA8, 4},         {0x108110, 4},
		{UINT64_MAX, 4}, {UINT64_MAX - 3, 4}, {0x580, 0},
		{0x580, 3},      {0x580, 16},         {UINT64_C(0x100000580), 8},
	};
	uint64_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		assert_int_equal(
			rig.iommu->ops->reg_read(rig.iommu, strays[i].offset, strays[i].width), 0);
		rig.iommu->ops->reg_write(rig.iommu, strays[i].offset, UINT64_MAX, strays[i].width);
		n += 2;
		assert_int_equal(calgary_stray_accesses(rig.iommu), n);
	}
	assert_int_equal(rig_readq(&rig, 0x580), 0);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
}

static void csr_can_only_be_cleared_by_software(void **state)
{
	(void)state;
	rig_writel(&rig, 0x8110, 0xFFFFFFFF);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
	rig_writel(&rig, 0x8120, 0xFFFFFFFF);
	assert_int_equal(rig_readl(&rig, 0x8120), 0);
}

static void slot_disable_stops_the_bus_and_tells_so(void **state)
{
	(void)state;
	rig_writel(&rig, 0x9160, 0x0000001C); /* logical 0x1C000000 */
	assert_false(rig.iommu->ops->may_start(rig.iommu, 1));
	assert_int_equal(rig.arbitrations, 1);
	assert_false(rig.arbitration_on);
	rig_writel(&rig, 0x9200, 0); /* stopped twice over: no news */
	rig_writel(&rig, 0x9200, 1);
	assert_int_equal(rig.arbitrations, 1);
	rig_writel(&rig, 0x9160, 0);
	assert_true(rig.iommu->ops->may_start(rig.iommu, 1));
	assert_int_equal(rig.arbitrations, 2);
}

static void bus_that_does_not_exist_never_starts(void **state)
{
	(void)state;
	assert_false(rig.iommu->ops->may_start(rig.iommu, 4));
	rig.iommu->ops->begin(rig.iommu, 4);
	rig.iommu->ops->end(rig.iommu, UINT32_MAX);
}

static void reset_brings_back_registers_and_arbitration(void **state)
{
	(void)state;
	rig_writel(&rig, 0xB200, 0);
	rig_writel(&rig, 0xB160, 0x00001021);
	rig_writeq(&rig, 0x598, UINT64_MAX);
	rig.iommu->ops->begin(rig.iommu, 3);
	rig.iommu->ops->reset(rig.iommu);
	assert_int_equal(rig_readl(&rig, 0xB160), 0);
	assert_int_equal(rig_readq(&rig, 0x598), 0);
	assert_true(rig.iommu->ops->may_start(rig.iommu, 3));
	assert_int_equal(rig.arbitrations, 2);
	assert_true(rig.arbitration_on);
	/* What is out on the bus is still out. */
	assert_true((rig_readq(&rig, 0x7870) & 0xff) != 0xff);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tar_reads_back_all_64_bits_and_each_half),
		T(tar_half_written_alone_leaves_the_other),
		T(ccr_keeps_what_is_written),
		T(debug_blocks_name_buses_0_1_2_4),
		T(aer_is_put_back_as_it_was_read_and_zero_stops_the_bus),
		T(split_queue_low_byte_is_ff_only_when_nothing_is_out),
		T(end_without_begin_leaves_the_queue_empty),
		T(access_that_meets_no_register_reads_zero_and_is_counted),
		T(csr_can_only_be_cleared_by_software),
		T(slot_disable_stops_the_bus_and_tells_so),
		T(bus_that_does_not_exist_never_starts),
		T(reset_brings_back_registers_and_arbitration),
	};

	return cmocka_run_group_tests_name("hw/calgary_regs", tests, NULL, NULL);
}

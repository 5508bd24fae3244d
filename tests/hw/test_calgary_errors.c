// SPDX-License-Identifier: MIT
/*
 * What Calgary notes when it refuses: CSR and PLSSR as in the one public report.
 */
#include <errno.h>

#include "rig.h"

#define TABLE UINT64_C(0x200000)

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_make(&rig, 0, &rig_iotlb, false);
	rig_poke_tce(&rig, TABLE + 8 * 0x400, 0x5001);
	rig_enable(&rig, 0, TABLE, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static int dma_by(uint16_t devid, uint64_t iova, enum iotoll_access access)
{
	struct iotoll_xlat x;

	return iommu_translate(rig.iommu, (struct iotoll_source){.bus = 0, .devid = devid}, iova,
			       access, &x);
}

static void refused_access_latches_error_and_agent(void **state)
{
	(void)state;
	assert_int_equal(dma_by(1, 0x500000, IOTOLL_WRITE), -EPERM);
	/* Logical 0x10010000 and 0x04000000, byte-swapped by the load. */
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000110);
	assert_int_equal(rig_readl(&rig, 0x8120), 0x00000004);
	assert_int_equal(rig.faults, 1);
	assert_int_equal(rig.fault_source.bus, 0);
	assert_int_equal(rig.fault_source.devid, 1);
	assert_int_equal(rig.fault_iova, 0x500000);
	assert_int_equal(rig_readl(&rig, 0x9110), 0); /* PHB 1 saw nothing */
}

static void agent_is_the_low_five_bits_of_the_requester(void **state)
{
	(void)state;
	assert_int_equal(dma_by(0xFFF2, 0x500000, IOTOLL_WRITE), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00001210); /* logical 0x10120000 */
}

static void first_error_stays_until_software_writes_zero(void **state)
{
	(void)state;
	assert_int_equal(dma_by(3, 0x500000, IOTOLL_WRITE), -EPERM);
	assert_int_equal(dma_by(4, 0x600000, IOTOLL_READ), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000310);
	assert_int_equal(rig.faults, 2);
	rig_writel(&rig, 0x8110, 0xFFFFFFFF); /* ones clear nothing */
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000310);
	rig_writel(&rig, 0x8110, 0);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
	assert_int_equal(rig_readl(&rig, 0x8120), 0);
	assert_int_equal(dma_by(4, 0x600000, IOTOLL_READ), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000410);
}

static void every_kind_of_refusal_latches(void **state)
{
	(void)state;
	assert_int_equal(dma_by(1, 0x400000, IOTOLL_WRITE), -EPERM); /* read only */
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000110);
	rig_writel(&rig, 0x8110, 0);
	assert_int_equal(dma_by(1, 0x2000000, IOTOLL_READ), -EPERM); /* past 32 MiB */
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000110);
	rig_writel(&rig, 0x8110, 0);
	assert_int_equal(dma_by(1, 0x400000, IOTOLL_WRITE), -EPERM); /* the cached one */
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000110);
}

static void every_refusal_is_told_though_not_every_one_is_latched(void **state)
{
	(void)state;
	/* Above 4 GiB with DAC_DISABLE: the bridge takes no part, the watcher hears of it. */
	rig_writel(&rig, 0x8160, rig_readl(&rig, 0x8160) | 0x00000001);
	assert_int_equal(dma_by(1, UINT64_MAX, IOTOLL_WRITE), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
	assert_int_equal(rig.faults, 1);
	assert_true(rig.fault_iova == UINT64_MAX);
	/* Cut to 32 bits it is past a table of 32 MiB and an error like any other. */
	assert_int_equal(dma_by(1, UINT32_MAX, IOTOLL_WRITE), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000110);
	assert_int_equal(rig.faults, 2);
	/* Shut off, nothing is granted: no access, no refusal. */
	rig_writel(&rig, 0x8160, rig_readl(&rig, 0x8160) | 0x0000001C);
	assert_int_equal(dma_by(1, 0x500000, IOTOLL_WRITE), -ESHUTDOWN);
	assert_int_equal(rig.faults, 2);
}

static void table_outside_memory_is_efault_and_latched(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	rig_enable(&rig, 0, UINT64_C(0xFFFFFFFF8000), 7); /* highest base there is */
	assert_int_equal(rig_dma(&rig, 0, 0xFFFFF000, IOTOLL_READ, &x), -EFAULT);
	assert_int_equal(x.fetches, 1);
	assert_int_equal(rig_readl(&rig, 0x8110), 0x00000110);
	assert_int_equal(rig.faults, 1);
}

static void table_that_leaves_memory_midway_serves_what_lies_inside(void **state)
{
	(void)state;
	/* The last 32 KiB of memory hold 4096 of the table's 8192 entries. */
	rig_poke_tce(&rig, RIG_BYTES - 8, 0x5003);
	rig_enable(&rig, 0, RIG_BYTES - 0x8000, 0);
	assert_int_equal(rig_dma(&rig, 0, 0xFFF000, IOTOLL_READ, NULL), 0);
	assert_int_equal(rig_dma(&rig, 0, 0x1000000, IOTOLL_READ, NULL), -EFAULT);
}

static void successful_dma_latches_nothing(void **state)
{
	(void)state;
	assert_int_equal(dma_by(1, 0x400000, IOTOLL_READ), 0);
	assert_int_equal(dma_by(1, 0xA0000, IOTOLL_WRITE), 0);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
	assert_int_equal(rig_readl(&rig, 0x8120), 0);
	assert_int_equal(rig.faults, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(refused_access_latches_error_and_agent),
		T(agent_is_the_low_five_bits_of_the_requester),
		T(first_error_stays_until_software_writes_zero),
		T(every_kind_of_refusal_latches),
		T(every_refusal_is_told_though_not_every_one_is_latched),
		T(table_outside_memory_is_efault_and_latched),
		T(table_that_leaves_memory_midway_serves_what_lies_inside),
		T(successful_dma_latches_nothing),
	};

	return cmocka_run_group_tests_name("hw/calgary_errors", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * rIOMMU's registers: what they hold, what they forget, what they latch.
 */
#include <errno.h>

#include "riommu_rig.h"

#define ONES UINT64_MAX

static void registers_hold_their_fields_and_nothing_else(void **state)
{
	static const struct {
		uint64_t offset, holds;
	} rows[] = {
		{0x08, 1},       {0x10, UINT64_C(0xFFFFFFFFFFFFF000)},
		{0x18, 0x10000}, /* as many as 16 bits count: more is as much */
		{0x20, 0},       /* a command, over at once */
		{0x30, 0},
	};
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		rrig_write(&rig, rows[i].offset, ONES);
		assert_int_equal(rrig_read(&rig, rows[i].offset), rows[i].holds);
		rrig_write(&rig, rows[i].offset, 0);
		assert_int_equal(rrig_read(&rig, rows[i].offset), 0);
	}
	rrig_write(&rig, 0x18, 0x1FFFF & ~0x10000);
	assert_int_equal(rrig_read(&rig, 0x18), 0xFFFF);
	rrig_write(&rig, 0x18, 0x20001); /* only 17 bits count */
	assert_int_equal(rrig_read(&rig, 0x18), 1);
	rrig_write(&rig, 0x00, 0);
	assert_int_equal(rrig_read(&rig, 0x00), 1);
	assert_int_equal(riommu_stray_accesses(rig.iommu), 0);
	rrig_free(&rig);
}

static void other_offsets_and_widths_are_strays(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	assert_int_equal(rrig_read(&rig, 0x38), 0);
	assert_int_equal(rrig_read(&rig, 0x04), 0);
	assert_int_equal(rig.iommu->ops->reg_read(rig.iommu, 0x08, 4), 0);
	rig.iommu->ops->reg_write(rig.iommu, 0x08, 0, 4);
	rig.iommu->ops->reg_write(rig.iommu, 0x1000, 0, 8);
	assert_int_equal(riommu_stray_accesses(rig.iommu), 5);
	assert_int_equal(rrig_read(&rig, 0x08), 1);
	rrig_free(&rig);
}

static void reset_switches_off_and_forgets(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	rrig_map(&rig, 1, 0, 0x9000, 100, 7);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), 0x9000), 'w');
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 2, 0), IOTOLL_READ, &x), -EPERM);
	rig.iommu->ops->reset(rig.iommu);
	for (uint64_t offset = 0x08; offset <= 0x30; offset += 8)
		assert_int_equal(rrig_read(&rig, offset), 0);
	assert_int_equal(rig.drops, 1);
	assert_int_equal(rig.dropped[0], RRIG_IOVA(1, 0, 0) >> 12);
	rrig_write(&rig, 0x10, 0x1000);
	rrig_write(&rig, 0x18, 300);
	rrig_write(&rig, 0x08, 1);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), 0x9000), 'w');
	rrig_free(&rig);
}

static void the_first_refused_access_is_latched_and_told(void **state)
{
	struct rrig rig;
	uint64_t status, detail;

	(void)state;
	rrig_make(&rig, 4);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 2, 0x123), IOTOLL_WRITE, NULL), -EPERM);
	/* pending, write, reason 5 (not valid), device 0x28 */
	assert_int_equal(rrig_read(&rig, 0x28), UINT64_C(0xA000000500000028));
	assert_int_equal(rrig_read(&rig, 0x30), RRIG_IOVA(1, 2, 0x123));
	assert_int_equal(rig.faults, 1);
	assert_int_equal(rig.fault_iova, RRIG_IOVA(1, 2, 0x123));
	assert_int_equal(rig.fault_source.devid, RRIG_DEVICE);
	assert_int_equal(rig.fault_access, IOTOLL_WRITE);
	/* of another it is only known that there was one */
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(3, 0, 0), IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(rrig_read(&rig, 0x28), UINT64_C(0xE000000500000028));
	assert_int_equal(rrig_read(&rig, 0x30), RRIG_IOVA(1, 2, 0x123));
	assert_int_equal(rig.faults, 2);
	rig.iommu->ops->latched(rig.iommu, 0, &status, &detail);
	assert_int_equal(status, UINT64_C(0xE000000500000028));
	assert_int_equal(detail, RRIG_IOVA(1, 2, 0x123));
	rig.iommu->ops->latched(rig.iommu, 1, &status, &detail);
	assert_int_equal(status | detail, 0);
	rrig_write(&rig, 0x28, ONES >> 1); /* everything but the bit that clears */
	assert_int_equal(rrig_read(&rig, 0x28), UINT64_C(0xE000000500000028));
	rrig_write(&rig, 0x28, UINT64_C(1) << 63);
	assert_int_equal(rrig_read(&rig, 0x28), 0);
	assert_int_equal(rrig_read(&rig, 0x30), 0);
	rrig_free(&rig);
}

static void each_command_is_an_invalidation_and_none_is_none(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	assert_int_equal(rig.iommu->ops->invalidations(rig.iommu), 0);
	rrig_write(&rig, 0x20, UINT64_C(0xFFFFFFFCFFFFFFFF)); /* scope 0 */
	assert_int_equal(rig.iommu->ops->invalidations(rig.iommu), 0);
	rrig_write(&rig, 0x20, UINT64_C(1) << 32);
	rrig_write(&rig, 0x20, UINT64_C(2) << 32);
	rrig_write(&rig, 0x20, UINT64_C(3) << 32);
	assert_int_equal(rig.iommu->ops->invalidations(rig.iommu), 3);
	rrig_free(&rig);
}

static int no_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	(void)ctx;
	(void)paddr;
	(void)to;
	(void)bytes;
	return -EFAULT;
}

static void a_geometry_of_lines_is_refused(void **state)
{
	const struct iommu_config config = {
		.model = "riommu",
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 8, .policy = "lru"},
		.memory = {.read = no_memory},
	};
	struct iommu *iommu;
	struct err err = {""};

	(void)state;
	assert_int_equal(iommu_create(&iommu, &config, &err), -EINVAL);
	assert_string_equal(err.text, "line_pages 8: a ring is held by itself: 1 expected");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_hold_their_fields_and_nothing_else),
		cmocka_unit_test(other_offsets_and_widths_are_strays),
		cmocka_unit_test(reset_switches_off_and_forgets),
		cmocka_unit_test(the_first_refused_access_is_latched_and_told),
		cmocka_unit_test(each_command_is_an_invalidation_and_none_is_none),
		cmocka_unit_test(a_geometry_of_lines_is_refused),
	};

	return cmocka_run_group_tests_name("hw/riommu_regs", tests, NULL, NULL);
}

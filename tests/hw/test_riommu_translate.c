// SPDX-License-Identifier: MIT
/*
 * rIOMMU's translation, through registers and table bytes alone.
 */
#include <errno.h>

#include "riommu_rig.h"

/* What the fault register shows of why, and that it is taken back. */
static unsigned reason(struct rrig *rig)
{
	const uint64_t fault = rrig_read(rig, 0x28);

	assert_int_equal(fault >> 63, 1);
	assert_int_equal(fault & 0xFFFF, RRIG_DEVICE);
	rrig_write(rig, 0x28, UINT64_C(1) << 63);
	return fault >> 32 & 0xF;
}

static void dma_through_registers_and_table_bytes_alone(void **state)
{
	/* 2000 = 0x7D0 bytes at 0x123456789ABCDEF1, readable and writable, valid */
	static const uint8_t rpte[16] = {0xF1, 0xDE, 0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12,
					 0xD0, 0x07, 0x00, 0xC0, 0x01, 0x00, 0x00, 0x00};
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	memcpy(rig.bytes + 0x7000 + 16 * 5, rpte, sizeof(rpte));
	/* ring 2, entry 5, offset 0x321: 2 << 48 | 5 << 30 | 0x321 */
	assert_int_equal(rrig_dma(&rig, UINT64_C(0x0002000140000321), IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, UINT64_C(0x123456789ABCE212));
	assert_int_equal(x.bytes, 0x7D0 - 0x321);
	assert_int_equal(x.fetches, 3); /* device, ring, rPTE */
	assert_int_equal(x.ahead, 1);   /* rPTE 6 */
	assert_false(x.hit);
	assert_false(x.bypass);
	assert_false(x.stale);
	rrig_free(&rig);
}

static void bits_without_a_name_change_nothing(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	rrig_poke(&rig, 0x1000 + 16 * RRIG_DEVICE, 0x400F, UINT64_C(0xFFFFFFFFFFFF0004));
	rrig_poke(&rig, 0x4010, 0x600F, UINT64_C(0xFFFFFFFFFFFC0004));
	rrig_poke(&rig, 0x6000, 0x9001, UINT64_C(0xFFFFFFFF40000010)); /* valid, read, 16 bytes */
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 0, 0), IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x9001);
	assert_int_equal(x.bytes, 16);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 0, 0), IOTOLL_WRITE, NULL), -EPERM);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 0, 16), IOTOLL_READ, NULL), -EPERM);
	rrig_free(&rig);
}

static void protection_is_to_the_byte(void **state)
{
	static const uint32_t sizes[] = {1, 63, 1500, 4095, 4096, 4097, 9014, 0x3FFFFFFF};
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	for (unsigned i = 0; i < 8; i++) {
		rrig_map(&rig, 2, i, 0x98765, sizes[i], 7);
		assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i, sizes[i] - 1), IOTOLL_READ, &x), 0);
		assert_int_equal(x.paddr, 0x98765 + (uint64_t)sizes[i] - 1);
		assert_int_equal(x.bytes, 1);
		assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i, 0), IOTOLL_WRITE, &x), 0);
		assert_int_equal(x.bytes, sizes[i]);
		if (sizes[i] == 0x3FFFFFFF)
			assert_int_equal(
				rrig_dma(&rig, RRIG_IOVA(2, i, 0x3FFFFFFF), IOTOLL_READ, &x),
				-EPERM);
		else
			assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i, sizes[i]), IOTOLL_READ, &x),
					 -EPERM);
		assert_int_equal(x.paddr, 0);
		assert_int_equal(x.bytes, 0);
		assert_int_equal(reason(&rig), 6);
	}
	rrig_map(&rig, 0, 0, 0x1000, 0, 7); /* valid, and of no bytes */
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(0, 0, 0), IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(reason(&rig), 6);
	rrig_free(&rig);
}

static void a_mapping_ends_with_the_last_physical_address(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	rrig_map(&rig, 1, 0, UINT64_MAX - 15, 100, 7);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 0, 0), IOTOLL_READ, &x), 0);
	assert_int_equal(x.bytes, 16);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 0, 15), IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, UINT64_MAX);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 0, 16), IOTOLL_READ, &x), -EPERM);
	assert_int_equal(reason(&rig), 6);
	rrig_free(&rig);
}

static void direction_and_valid_bit_are_enforced(void **state)
{
	/* valid 4, write 2, read 1 */
	static const struct {
		unsigned rights;
		int read, write;
	} cases[] = {
		{7, 0, 0},           {5, 0, -EPERM},      {6, -EPERM, 0},      {4, -EPERM, -EPERM},
		{3, -EPERM, -EPERM}, {1, -EPERM, -EPERM}, {2, -EPERM, -EPERM}, {0, -EPERM, -EPERM},
	};
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	for (unsigned i = 0; i < 8; i++)
		rrig_map(&rig, 2, i, 0x9000, 100, cases[i].rights);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned pass = 0; pass < 2; pass++) { /* from the table, then held */
			const unsigned why = cases[i].rights < 4 ? 5 : 7;

			assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i, 9), IOTOLL_READ, NULL),
					 cases[i].read);
			if (cases[i].read)
				assert_int_equal(reason(&rig), why);
			assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i, 9), IOTOLL_WRITE, NULL),
					 cases[i].write);
			if (cases[i].write)
				assert_int_equal(reason(&rig), why);
		}
	rrig_free(&rig);
}

static void every_level_has_its_end(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;
	const struct iotoll_source other = {.bus = 0, .devid = 299};

	(void)state;
	rrig_make(&rig, 4);
	rrig_map(&rig, 1, 3, 0x9000, 100, 7);
	rrig_map(&rig, 1, 4, 0x9000, 100, 7); /* behind the ring, looks like one of its entries */
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 3, 0), 0x9000), 'w');
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 4, 0), IOTOLL_READ, &x), -EPERM);
	assert_int_equal(x.fetches, 2);
	assert_int_equal(reason(&rig), 4);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(3, 0, 0), IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(reason(&rig), 3); /* it has no entries */
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(4, 0, 0), IOTOLL_READ, &x), -EPERM);
	assert_int_equal(x.fetches, 1);
	assert_int_equal(reason(&rig), 3);
	/* a device without rings, and one beyond the table */
	assert_int_equal(iommu_translate(rig.iommu, other, 0, IOTOLL_READ, &x), -EPERM);
	assert_int_equal(x.fetches, 1);
	assert_int_equal(rrig_read(&rig, 0x28), UINT64_C(0x800000020000012B));
	rrig_write(&rig, 0x28, UINT64_C(1) << 63);
	rrig_write(&rig, 0x18, RRIG_DEVICE);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 0, 0), IOTOLL_READ, &x), -EPERM);
	assert_int_equal(x.fetches, 0);
	assert_int_equal(reason(&rig), 2);
	/* what is held answers all the same */
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 3, 0), 0x9000), 's');
	rrig_free(&rig);
}

static void a_table_outside_memory_is_a_fault_of_its_own(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	rrig_poke(&rig, 0x4010, RRIG_BYTES - 16, 4); /* the ring's first entry is memory's last */
	rrig_poke(&rig, RRIG_BYTES - 16, 0x9000, UINT64_C(7) << 30 | 100);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), 0x9000), 'w');
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 1, 0), IOTOLL_READ, NULL), -EFAULT);
	assert_int_equal(reason(&rig), 1);
	rrig_poke(&rig, 0x4010, UINT64_MAX - 15, 4); /* it would go on at 0 */
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(1, 1, 0), IOTOLL_READ, NULL), -EFAULT);
	assert_int_equal(reason(&rig), 1);
	rrig_poke(&rig, 0x1000 + 16 * RRIG_DEVICE, RRIG_BYTES, 4);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 0, 0), IOTOLL_READ, NULL), -EFAULT);
	assert_int_equal(reason(&rig), 1);
	rrig_write(&rig, 0x10, RRIG_BYTES);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 0, 0), IOTOLL_READ, NULL), -EFAULT);
	assert_int_equal(reason(&rig), 1);
	assert_int_equal(rig.faults, 4);
	rrig_free(&rig);
}

static void while_off_addresses_go_past(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	rrig_write(&rig, 0x08, 0);
	assert_int_equal(rrig_dma(&rig, 0x12345, IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, 0x12345);
	assert_int_equal(x.bytes, 0xCBB); /* to the end of its 4 KiB */
	assert_int_equal(rig.reads, 0);
	rrig_free(&rig);
}

static void what_is_no_request_is_refused_without_a_fault(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	assert_int_equal(
		iommu_translate(rig.iommu, (struct iotoll_source){.bus = 1}, 0, IOTOLL_READ, &x),
		-ENODEV);
	assert_int_equal(rrig_dma(&rig, 0, (enum iotoll_access)3, NULL), -EINVAL);
	assert_int_equal(rrig_dma(&rig, 0, (enum iotoll_access)0, NULL), -EINVAL);
	assert_int_equal(rig.faults, 0);
	assert_int_equal(rrig_read(&rig, 0x28), 0);
	assert_true(rig.iommu->ops->may_start(rig.iommu, 0));
	assert_false(rig.iommu->ops->may_start(rig.iommu, 1));
	rrig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dma_through_registers_and_table_bytes_alone),
		cmocka_unit_test(bits_without_a_name_change_nothing),
		cmocka_unit_test(protection_is_to_the_byte),
		cmocka_unit_test(a_mapping_ends_with_the_last_physical_address),
		cmocka_unit_test(direction_and_valid_bit_are_enforced),
		cmocka_unit_test(every_level_has_its_end),
		cmocka_unit_test(a_table_outside_memory_is_a_fault_of_its_own),
		cmocka_unit_test(while_off_addresses_go_past),
		cmocka_unit_test(what_is_no_request_is_refused_without_a_fault),
	};

	return cmocka_run_group_tests_name("hw/riommu_translate", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * DART's translation, through registers and table bytes alone.
 */
#include <errno.h>

#include "dart_rig.h"

#define CNTL    0x3000
#define U4_BASE 0x3010
#define U4_SIZE 0x3020

#define TABLE 0x100000

static void u3_start(struct drig *rig, const struct iommu_dart_config *config, uint32_t size)
{
	drig_make(rig, "dart-u3", config, NULL);
	drig_write(rig, CNTL, TABLE | 0x200 | size);
}

static void u4_start(struct drig *rig, uint32_t size)
{
	drig_make(rig, "dart-u4", NULL, NULL);
	drig_write(rig, U4_BASE, TABLE >> 12);
	drig_write(rig, U4_SIZE, size);
	drig_write(rig, CNTL, 0x80000000);
}

static void dma_through_registers_and_table_bytes_alone(void **state)
{
	struct drig rig;
	struct iotoll_xlat x;

	(void)state;
	u4_start(&rig, 4);
	/* address 0xABC123 is entry 0xABC, 4 * 0xABC = 0x2AF0; page 0xFEDCBA of a 36-bit space */
	drig_poke(&rig, TABLE + 0x2AF0, 0x80, 0xFE, 0xDC, 0xBA);
	assert_int_equal(drig_dma(&rig, 0, 0xABC123, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, UINT64_C(0xFEDCBA123));
	assert_int_equal(x.bytes, 0xEDD); /* 0x1000 - 0x123 */
	assert_int_equal(x.fetches, 1);
	assert_false(x.hit);
	assert_false(x.bypass);
	assert_false(x.stale);
	drig_free(&rig);
}

static void rights_are_active_low_and_enforced_on_u4(void **state)
{
	/* first byte of the entry: valid, no read, no write; the reserved bits 0x1F change nothing
	 */
	static const struct {
		uint8_t first;
		int read, write;
	} cases[] = {
		{0x80, 0, 0},           {0xA0, 0, -EPERM},      {0xC0, -EPERM, 0},
		{0xE0, -EPERM, -EPERM}, {0x9F, 0, 0},           {0x00, -EPERM, -EPERM},
		{0x60, -EPERM, -EPERM}, {0x7F, -EPERM, -EPERM},
	};
	struct drig rig;

	(void)state;
	u4_start(&rig, 1);
	for (unsigned i = 0; i < 8; i++)
		drig_poke(&rig, TABLE + 4 * i, cases[i].first, 0x12, 0x34, 0x56);
	for (unsigned pass = 0; pass < 2; pass++) /* from the table, then from the TLB */
		for (unsigned i = 0; i < 8; i++) {
			assert_int_equal(drig_dma(&rig, 0, 0x1000 * i, IOTOLL_READ, NULL),
					 cases[i].read);
			assert_int_equal(drig_dma(&rig, 0, 0x1000 * i, IOTOLL_WRITE, NULL),
					 cases[i].write);
		}
	drig_free(&rig);
}

static void u3_looks_at_valid_alone_unless_told_otherwise(void **state)
{
	const struct iommu_dart_config enforce = {.u3_rights = true};
	struct drig rig;

	(void)state;
	u3_start(&rig, NULL, 1);
	drig_poke(&rig, TABLE, 0xE0, 0x00, 0x01, 0x23);
	assert_int_equal(drig_dma(&rig, 0, 0, IOTOLL_READ, NULL), 0);
	assert_int_equal(drig_dma(&rig, 0, 0, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(drig_dma(&rig, 0, 0x1000, IOTOLL_WRITE, NULL), -EPERM);
	drig_free(&rig);
	u3_start(&rig, &enforce, 1);
	drig_poke(&rig, TABLE, 0xC0, 0x00, 0x01, 0x23);
	assert_int_equal(drig_dma(&rig, 0, 0, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(drig_dma(&rig, 0, 0, IOTOLL_WRITE, NULL), 0);
	drig_free(&rig);
}

/* Is the table's last entry @entries - 1? What lies behind it looks like an entry, too. */
static void ends_at(struct drig *rig, uint64_t entries)
{
	drig_poke(rig, TABLE + 4 * (entries - 1), 0x80, 0, 0, 5);
	drig_poke(rig, TABLE + 4 * entries, 0x80, 0, 0, 6);
	assert_int_equal(drig_dma(rig, 0, (entries << 12) - 1, IOTOLL_READ, NULL), 0);
	assert_int_equal(drig_dma(rig, 0, entries << 12, IOTOLL_READ, NULL), -EPERM);
}

static void the_size_counts_pages_of_1024_entries_and_0_means_512_on_u3(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 511};
	struct drig rig;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		u3_start(&rig, NULL, sizes[i]);
		ends_at(&rig, sizes[i] * 1024);
		drig_free(&rig);
		u4_start(&rig, sizes[i]);
		ends_at(&rig, sizes[i] * 1024);
		drig_free(&rig);
	}
	u3_start(&rig, NULL, 0);
	ends_at(&rig, 512 * 1024); /* 2 GiB */
	drig_free(&rig);
	u4_start(&rig, 512);
	ends_at(&rig, 512 * 1024);
	drig_free(&rig);
	/* U4's 17 bits: 0 is nothing at all */
	u4_start(&rig, 0);
	drig_poke(&rig, TABLE, 0x80, 0, 0, 5);
	assert_int_equal(drig_dma(&rig, 0, 0, IOTOLL_READ, NULL), -EPERM);
	drig_free(&rig);
}

static void off_means_untranslated(void **state)
{
	struct iotoll_xlat x;
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u3", NULL, NULL);
	assert_int_equal(drig_dma(&rig, 0, 0x12345678, IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, 0x12345678);
	assert_int_equal(x.bytes, 0x988);
	assert_int_equal(rig.reads, 0);
	drig_free(&rig);
}

static void pci_express_goes_past_u4_with_bit_39_and_nobody_else_does(void **state)
{
	const uint64_t bypass = UINT64_C(0x8000000000);
	struct iotoll_xlat x;
	struct drig rig;

	(void)state;
	u4_start(&rig, 1);
	assert_int_equal(drig_dma(&rig, 1, bypass | UINT64_C(0xFEDCBA987), IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, UINT64_C(0xFEDCBA987));
	/* physical addresses have 36 bits */
	assert_int_equal(drig_dma(&rig, 1, bypass | UINT64_C(0xFFFFFFFFF), IOTOLL_READ, NULL), 0);
	assert_int_equal(drig_dma(&rig, 1, bypass | UINT64_C(0x1000000000), IOTOLL_READ, NULL),
			 -EPERM);
	assert_int_equal(drig_dma(&rig, 1, UINT64_MAX, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(drig_dma(&rig, 0, bypass, IOTOLL_READ, NULL), -EPERM);
	drig_free(&rig);
	u3_start(&rig, NULL, 1);
	assert_int_equal(drig_dma(&rig, 0, bypass, IOTOLL_READ, NULL), -EPERM);
	drig_free(&rig);
}

static void every_device_of_every_bus_reaches_every_mapping(void **state)
{
	struct iotoll_source nic = {.bus = 0, .devid = 0x08}, rogue = {.bus = 1, .devid = 0x300};
	struct iotoll_xlat x;
	struct drig rig;

	(void)state;
	u4_start(&rig, 1);
	drig_poke(&rig, TABLE + 4 * 0x40, 0x80, 0, 0, 5);
	assert_int_equal(iommu_translate(rig.iommu, nic, 0x40000, IOTOLL_WRITE, &x), 0);
	assert_int_equal(iommu_translate(rig.iommu, rogue, 0x40000, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, 0x5000);
	assert_true(x.hit);
	drig_free(&rig);
}

static void unknown_bus_and_access_are_refused_without_harm(void **state)
{
	struct drig rig;

	(void)state;
	u3_start(&rig, NULL, 1);
	assert_int_equal(drig_dma(&rig, 1, 0, IOTOLL_READ, NULL), -ENODEV);
	assert_int_equal(drig_dma(&rig, UINT16_MAX, 0, IOTOLL_READ, NULL), -ENODEV);
	assert_int_equal(drig_dma(&rig, 0, 0, (enum iotoll_access)3, NULL), -EINVAL);
	assert_int_equal(rig.faults, 0);
	drig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dma_through_registers_and_table_bytes_alone),
		cmocka_unit_test(rights_are_active_low_and_enforced_on_u4),
		cmocka_unit_test(u3_looks_at_valid_alone_unless_told_otherwise),
		cmocka_unit_test(the_size_counts_pages_of_1024_entries_and_0_means_512_on_u3),
		cmocka_unit_test(off_means_untranslated),
		cmocka_unit_test(pci_express_goes_past_u4_with_bit_39_and_nobody_else_does),
		cmocka_unit_test(every_device_of_every_bus_reaches_every_mapping),
		cmocka_unit_test(unknown_bus_and_access_are_refused_without_harm),
	};

	return cmocka_run_group_tests_name("hw/dart_translate", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's event log: each event's sixteen bytes, suppression, overflow and restart.
 */
#include <errno.h>

#include "amdvi_rig.h"

#define DEV 0x0810
#define DOM UINT64_C(0x0042)
/* Codes in 63:60, flags in 59:48 (RW is 0x020, PR 0x010, PE 0x040, RZ 0x080), domain in 47:32. */
#define EVENT(code, flags) ((uint64_t)(code) << 60 | (uint64_t)(flags) << 48 | DEV)
#define FAULT(flags)       (EVENT(2, flags) | DOM << 32)

static struct amd amd;

static int setup(void **state)
{
	(void)state;
	amd_make(&amd, &amd_iotlb, false);
	amd_enable(&amd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_free(&amd);
	return 0;
}

/* @access of @iova is refused with @ret and logged as these quadwords. */
static void refused(uint64_t iova, enum iotoll_access access, int ret, uint64_t q0, uint64_t q1)
{
	const unsigned before = amd_events(&amd);

	assert_int_equal(amd_dma(&amd, DEV, iova, access, NULL), ret);
	amd_expect_event(&amd, before, q0, q1);
}

static void page_fault_bytes(void **state)
{
	/* A write of 0x1234567ABC to a page that is not present: device 0x0810, domain 0x42,
	 * flags 0x020, code 2. */
	static const uint8_t expected[16] = {0x10, 0x08, 0x00, 0x00, 0x42, 0x00, 0x20, 0x20,
					     0xBC, 0x7A, 0x56, 0x34, 0x12, 0x00, 0x00, 0x00};

	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(3, AMD_TABLES), DOM);
	assert_int_equal(amd_dma(&amd, DEV, UINT64_C(0x1234567ABC), IOTOLL_WRITE, NULL), -EPERM);
	assert_memory_equal(amd.bytes + AMD_EVTLOG, expected, 16);
	assert_int_equal(amd_readq(&amd, AMD_R_ETAIL), 0x10);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x1A);
	assert_int_equal(amd.faults, 1);
	assert_int_equal(amd.fault_source.devid, DEV);
}

static void page_fault_flags_tell_the_reasons_apart(void **state)
{
	const uint64_t pde = AMD_TABLES, pte = AMD_TABLES + 0x1000;
	const uint64_t next = AMD_PDE(1, AMD_TABLES + 0x1000);

	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(2, AMD_TABLES), DOM);
	/* Entry by entry: what it holds, access, flags. */
	const struct {
		uint64_t at, entry;
		enum iotoll_access access;
		unsigned flags;
	} cases[] = {
		{pde, next, IOTOLL_READ, 0x000}, /* the level below is empty */
		{pde, next, IOTOLL_WRITE, 0x020},
		{pde, next & ~AMD_PR, IOTOLL_READ, 0x000},
		{pde, next & ~AMD_IR, IOTOLL_READ, 0x050},
		{pde, next & ~AMD_IW, IOTOLL_WRITE, 0x070},
		{pte, AMD_PTE(0x5000) & ~AMD_IR, IOTOLL_READ, 0x050},
		{pte, AMD_PTE(0x5000) & ~AMD_IW, IOTOLL_WRITE, 0x070},
		/* reserved: 58:52 of a page's entry, 60:52 of a table's */
		{pte, AMD_PTE(0x5000) | UINT64_C(1) << 52, IOTOLL_READ, 0x090},
		{pte, AMD_PTE(0x5000) | UINT64_C(1) << 58, IOTOLL_WRITE, 0x0B0},
		{pde, next | UINT64_C(1) << 52, IOTOLL_READ, 0x090},
		{pde, next | UINT64_C(1) << 60, IOTOLL_READ, 0x090},
		/* a table's level must fall: 2 leads to 2, to 3, 1 leads to 1 */
		{pde, AMD_PDE(2, AMD_TABLES), IOTOLL_READ, 0x010},
		{pde, AMD_PDE(3, AMD_TABLES), IOTOLL_WRITE, 0x030},
		{pde, AMD_PDE(6, AMD_TABLES), IOTOLL_READ, 0x010},
		{pte, AMD_PDE(1, AMD_TABLES), IOTOLL_READ, 0x010},
		/* sizes that are not between two levels' own: 2 MiB at level 1 and 2, 1 MiB at 2,
		 * 1 GiB at 2, all ones */
		{pte, AMD_PTE(0x0FF000) | AMD_NEXT(7), IOTOLL_READ, 0x010},
		{pde, AMD_PTE(0x0FF000) | AMD_NEXT(7), IOTOLL_READ, 0x010},
		{pde, AMD_PTE(0x07F000) | AMD_NEXT(7), IOTOLL_READ, 0x010},
		{pde, AMD_PTE(0x1FFFF000) | AMD_NEXT(7), IOTOLL_READ, 0x010},
		{pde, AMD_PTE(UINT64_C(0xFFFFFFFFFF000)) | AMD_NEXT(7), IOTOLL_READ, 0x010},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		amd_poke(&amd, pde, next);
		amd_poke(&amd, pte, 0);
		amd_poke(&amd, cases[i].at, cases[i].entry);
		amd_invalidate_all(&amd);
		for (unsigned pass = 0; pass < 2; pass++) /* walked, then from what is held */
			refused(0x123, cases[i].access, -EPERM, FAULT(cases[i].flags), 0x123);
	}
}

static void skipped_address_bits_and_addresses_too_wide_are_page_faults(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(3, AMD_TABLES), DOM);
	amd_poke(&amd, AMD_TABLES, AMD_PDE(1, AMD_TABLES + 0x1000));
	amd_poke(&amd, AMD_TABLES + 0x1000, AMD_PTE(0x5000));
	assert_int_equal(amd_read_goes(&amd, DEV, 0), 0x5000);
	/* PR: the entry that leaves level 2 out is there. */
	refused(0x200000, IOTOLL_READ, -EPERM, FAULT(0x010), 0x200000);
	refused(UINT64_C(1) << 39, IOTOLL_WRITE, -EPERM, FAULT(0x020), UINT64_C(1) << 39);
}

static void device_entries_that_refuse(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, 3, DOM); /* Mode 0 without rights: Linux's blocked device */
	refused(0x5000, IOTOLL_READ, -EPERM, FAULT(0x050), 0x5000);
	refused(0x5000, IOTOLL_WRITE, -EPERM, FAULT(0x070), 0x5000);
	amd_dte(&amd, DEV, AMD_DTE(3, AMD_TABLES) & ~UINT64_C(2), DOM); /* V without TV */
	amd_invalidate_all(&amd);
	refused(0x5000, IOTOLL_WRITE, -EPERM, FAULT(0x020), 0x5000);
}

static void reserved_bits_of_the_device_entry_are_illegal(void **state)
{
	const uint64_t good = AMD_DTE(3, AMD_TABLES);

	(void)state;
	for (unsigned bit = 0; bit < 256; bit++) {
		/* 6:2, 8:7, 55:53, 63; 106; with IV 183:180 and 187; all from 192 on. */
		const bool reserved = (bit >= 2 && bit <= 8) || (bit >= 53 && bit <= 55) ||
				      bit == 63 || bit == 106 || (bit >= 180 && bit <= 183) ||
				      bit == 187 || bit >= 192;
		const uint64_t quad = AMD_DEVTAB + DEV * 32 + bit / 64 * 8;

		if (bit < 2 || (bit >= 9 && bit <= 52)) /* fields of quadword 0 that count */
			continue;
		amd_dte(&amd, DEV, good, DOM);
		amd_poke(&amd, AMD_DEVTAB + DEV * 32 + 16, 1); /* IV */
		amd_poke(&amd, quad, amd_peek(&amd, quad) | UINT64_C(1) << (bit % 64));
		amd_invalidate_all(&amd);
		amd_writeq(&amd, AMD_R_EHEAD, amd_readq(&amd, AMD_R_ETAIL));
		const unsigned before = amd_events(&amd);

		assert_int_equal(amd_dma(&amd, DEV, 0x5007, IOTOLL_WRITE, NULL), -EPERM);
		if (reserved) /* RZ; no domain; 1:0 of the address are reserved */
			amd_expect_event(&amd, before, EVENT(1, 0x0A0), 0x5004);
		else if (bit != 98) /* SA: see below. Mode 3 finds no page. */
			assert_int_equal(amd_peek(&amd, AMD_EVTLOG + before * 16) >> 60, 2);
	}
}

static void bits_183_to_180_and_187_count_with_iv_only(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(0, 0), DOM);
	amd_poke(&amd, AMD_DEVTAB + DEV * 32 + 16, UINT64_C(0x08F0000000000000));
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x5000);
}

static void mode_7_is_illegal_but_only_with_tv(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(7, AMD_TABLES), DOM);
	refused(0x5000, IOTOLL_READ, -EPERM, EVENT(1, 0), 0x5000); /* no RZ: a level, not a bit */
	amd_dte(&amd, DEV, AMD_DTE(7, AMD_TABLES) & ~UINT64_C(2), DOM);
	amd_invalidate_all(&amd);
	refused(0x5000, IOTOLL_READ, -EPERM, FAULT(0), 0x5000);
}

static void device_beyond_the_table_is_illegal(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_DEVTAB, AMD_DEVTAB | 0xF); /* 2048 entries */
	refused(0x5000, IOTOLL_WRITE, -EPERM, EVENT(1, 0x020), 0x5000);
}

static void tables_that_no_memory_answers_for(void **state)
{
	(void)state;
	/* DEV_TAB_HARDWARE_ERROR, 3: where the entry was looked for, 0x10000000 + 0x810 * 32. */
	amd_writeq(&amd, AMD_R_DEVTAB, UINT64_C(0x10000000) | 0x1FF);
	refused(0x5000, IOTOLL_WRITE, -EFAULT, EVENT(3, 0x220), 0x10010200);
	/* PAGE_TAB_HARDWARE_ERROR, 4: where the entry was looked for. */
	amd_writeq(&amd, AMD_R_DEVTAB, AMD_DEVTAB | 0x1FF);
	amd_dte(&amd, DEV, AMD_DTE(1, UINT64_C(0x20000000)), DOM);
	refused(0x5000, IOTOLL_READ, -EFAULT, EVENT(4, 0x200) | DOM << 32, 0x20000028);
}

static void interrupt_range_is_not_translated(void **state)
{
	const uint64_t q2 = AMD_DEVTAB + DEV * 32 + 16;
	struct iotoll_xlat x;

	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(3, AMD_TABLES), DOM);
	/* INVALID_DEVICE_REQUEST, 8: type 59:57 = 0, a read in the range. */
	refused(0xFEE00000, IOTOLL_READ, -EPERM, EVENT(8, 0), 0xFEE00000);
	assert_int_equal(amd_dma(&amd, DEV, 0xFEE01000, IOTOLL_WRITE, &x), 0); /* no IV */
	assert_true(x.bypass);
	amd_poke(&amd, q2, 1); /* IV, IntCtl 0: abort. Type 5: flags 0xA00. */
	amd_invalidate_all(&amd);
	refused(0xFEEFFFFC, IOTOLL_WRITE, -EPERM, EVENT(8, 0xA00), 0xFEEFFFFC);
	amd_poke(&amd, q2, UINT64_C(1) << 60 | 1); /* IntCtl 1: pass */
	amd_invalidate_all(&amd);
	assert_int_equal(amd_dma(&amd, DEV, 0xFEE01000, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, 0xFEE01000);
	/* Next to the range there are pages as elsewhere. */
	refused(0xFEDFFFFF, IOTOLL_WRITE, -EPERM, FAULT(0x020), 0xFEDFFFFF);
	refused(0xFEF00000, IOTOLL_WRITE, -EPERM, FAULT(0x020), 0xFEF00000);
}

static void sa_logs_no_page_fault_but_other_events(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(1, AMD_TABLES), UINT64_C(1) << 34 | DOM);
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_events(&amd), 0);
	assert_int_equal(amd.faults, 1); /* refused all the same */
	refused(0xFEE00000, IOTOLL_READ, -EPERM, EVENT(8, 0), 0xFEE00000);
}

static void se_logs_the_first_page_fault_until_the_entry_is_invalidated(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(1, AMD_TABLES), UINT64_C(1) << 33 | DOM);
	amd_dte(&amd, DEV + 1, AMD_DTE(1, AMD_TABLES), UINT64_C(1) << 33 | DOM);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(amd_dma(&amd, DEV, 0x5000 + i, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_events(&amd), 1);
	assert_int_equal(amd_dma(&amd, DEV + 1, 0x5000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_events(&amd), 2);          /* each device by itself */
	for (uint16_t other = 0; other < 1024; other++) /* whatever the cache of entries does */
		amd_dma(&amd, (uint16_t)(0x2000 + other), 0, IOTOLL_READ, NULL);
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_events(&amd), 2);
	amd_command(&amd, UINT64_C(2) << 60 | DEV, 0);
	refused(0x5000, IOTOLL_READ, -EPERM, FAULT(0), 0x5000);
}

static void full_log_overflows_and_starts_again_when_told(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_CONTROL, 0x100D); /* EventIntEn */
	amd_dte(&amd, DEV, 3, DOM);
	for (unsigned i = 0; i < 255; i++)
		assert_int_equal(amd_dma(&amd, DEV, i, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x1A);
	assert_int_equal(amd_readq(&amd, AMD_R_ETAIL), 0xFF0);
	assert_int_equal(amdvi_interrupts(amd.iommu), 1);
	amd_dma(&amd, DEV, 0xABC, IOTOLL_READ, NULL); /* one entry stays free: this one is lost */
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x13);
	assert_int_equal(amd_readq(&amd, AMD_R_ETAIL), 0xFF0);
	assert_int_equal(amd_peek(&amd, AMD_EVTLOG + 0xFF8), 0);
	assert_int_equal(amdvi_interrupts(amd.iommu), 2);
	amd_writeq(&amd, AMD_R_EHEAD, 0xFF0); /* room alone does not restart it */
	amd_dma(&amd, DEV, 0xABC, IOTOLL_READ, NULL);
	assert_int_equal(amd_readq(&amd, AMD_R_ETAIL), 0xFF0);
	amd_writeq(&amd, AMD_R_CONTROL, 0x1009); /* nor does enabling with the bit still set */
	amd_writeq(&amd, AMD_R_CONTROL, 0x100D);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x13);
	amd_writeq(&amd, AMD_R_STATUS, 0x3); /* as Linux: acknowledge, then off and on */
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x10);
	amd_writeq(&amd, AMD_R_CONTROL, 0x1009);
	amd_writeq(&amd, AMD_R_CONTROL, 0x100D);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x18);
	amd_dma(&amd, DEV, 0xABC, IOTOLL_READ, NULL);
	assert_int_equal(amd_readq(&amd, AMD_R_ETAIL), 0); /* wrapped */
	assert_int_equal(amd_peek(&amd, AMD_EVTLOG + 0xFF8), 0xABC);
}

static void log_outside_memory_loses_events_and_nothing_else(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_EVTLOG, UINT64_C(0x10000000) | UINT64_C(8) << 56);
	amd_dte(&amd, DEV, 3, DOM);
	assert_int_equal(amd_dma(&amd, DEV, 0, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_readq(&amd, AMD_R_ETAIL), 0x10);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x1A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(page_fault_bytes),
		T(page_fault_flags_tell_the_reasons_apart),
		T(skipped_address_bits_and_addresses_too_wide_are_page_faults),
		T(device_entries_that_refuse),
		T(reserved_bits_of_the_device_entry_are_illegal),
		T(bits_183_to_180_and_187_count_with_iv_only),
		T(mode_7_is_illegal_but_only_with_tv),
		T(device_beyond_the_table_is_illegal),
		T(tables_that_no_memory_answers_for),
		T(interrupt_range_is_not_translated),
		T(sa_logs_no_page_fault_but_other_events),
		T(se_logs_the_first_page_fault_until_the_entry_is_invalidated),
		T(full_log_overflows_and_starts_again_when_told),
		T(log_outside_memory_loses_events_and_nothing_else),
	};

	return cmocka_run_group_tests_name("hw/amdvi_events", tests, NULL, NULL);
}

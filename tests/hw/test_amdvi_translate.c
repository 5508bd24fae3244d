// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's device table entry and host page tables, byte by byte and bit by bit.
 */
#include <errno.h>

#include "amdvi_rig.h"

#define DEV 0x0810 /* bus 8, device 2, function 0 */
#define DOM 0x0042

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

static void table_bytes_alone_make_a_three_level_translation(void **state)
{
	/* DeviceID 0x0810: entry at 0x200000 + 0x810 * 32 = 0x210200. V, TV, Mode 3, root 0x800000,
	 * IR, IW; domain 0x42. */
	static const uint8_t dte[32] = {0x03, 0x06, 0x80, 0, 0, 0, 0, 0x60, 0x42, 0x00};
	/* 0x1234567ABC: bits 38:30 = 0x048, 29:21 = 0x1A2, 20:12 = 0x167. */
	static const uint8_t level3[8] = {0x01, 0x14, 0x80, 0, 0, 0, 0, 0x60}; /* -> 2, 0x801000 */
	static const uint8_t level2[8] = {0x01, 0x22, 0x80, 0, 0, 0, 0, 0x60}; /* -> 1, 0x802000 */
	static const uint8_t level1[8] = {0x01, 0x50, 0x34, 0x12, 0, 0, 0, 0x60}; /* 0x12345000 */
	struct iotoll_xlat x;

	(void)state;
	memcpy(amd.bytes + 0x210200, dte, sizeof(dte));
	memcpy(amd.bytes + 0x800000 + 0x048 * 8, level3, 8);
	memcpy(amd.bytes + 0x801000 + 0x1A2 * 8, level2, 8);
	memcpy(amd.bytes + 0x802000 + 0x167 * 8, level1, 8);
	assert_int_equal(amd_dma(&amd, DEV, UINT64_C(0x1234567ABC), IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, 0x12345ABC);
	assert_int_equal(x.bytes, 0x544); /* 0x1000 - 0xABC */
	assert_int_equal(x.fetches, 4);   /* the device's entry and three of tables */
	assert_false(x.hit);
	assert_int_equal(amd_dma(&amd, DEV, UINT64_C(0x1234567000), IOTOLL_READ, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.fetches, 0);
	assert_int_equal(amd_events(&amd), 0);
}

static void disabled_unit_passes_everything_untranslated(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	amd_dte(&amd, DEV, 3, 0);
	amd_writeq(&amd, AMD_R_CONTROL, 0x1004);
	assert_int_equal(amd_dma(&amd, DEV, 0x123456, IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, 0x123456);
	assert_int_equal(amd.reads, 0);
}

static void entry_without_v_passes_whatever_else_it_holds(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	amd_dte(&amd, DEV, ~UINT64_C(1), UINT64_MAX);
	assert_int_equal(amd_dma(&amd, DEV, UINT64_C(0xFFFFFFFFFFFFFFFF), IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.bytes, 1);
}

static void valid_entry_without_tv_refuses(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(3, AMD_TABLES) & ~UINT64_C(2), DOM);
	assert_int_equal(amd_dma(&amd, DEV, 0x1000, IOTOLL_READ, NULL), -EPERM);
}

static void mode_0_passes_what_ir_and_iw_allow(void **state)
{
	static const struct {
		uint64_t rights;
		int read, write;
	} cases[] = {{0, -EPERM, -EPERM}, {AMD_IR, 0, -EPERM}, {AMD_IW, -EPERM, 0}, {AMD_RW, 0, 0}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct iotoll_xlat x;

		amd_dte(&amd, (uint16_t)i, 3 | cases[i].rights, DOM);
		assert_int_equal(amd_dma(&amd, (uint16_t)i, 0x7654321, IOTOLL_READ, &x),
				 cases[i].read);
		assert_int_equal(amd_dma(&amd, (uint16_t)i, 0x7654321, IOTOLL_WRITE, NULL),
				 cases[i].write);
		if (cases[i].read == 0) {
			assert_true(x.bypass);
			assert_int_equal(x.paddr, 0x7654321);
		}
	}
}

/* A tree of @mode levels, a table each from AMD_TABLES on, whose last entry is the page's. */
static void tree(unsigned mode, uint64_t iova, uint64_t leaf)
{
	amd_dte(&amd, DEV, AMD_DTE(mode, AMD_TABLES), DOM);
	for (unsigned level = mode; level >= 1; level--) {
		const uint64_t table = AMD_TABLES + (mode - level) * 0x1000;
		const unsigned shift = 12 + 9 * (level - 1);
		const uint64_t at = table + (iova >> shift) % 512 * 8;

		amd_poke(&amd, at, level == 1 ? leaf : AMD_PDE(level - 1, table + 0x1000));
	}
}

static void each_mode_ends_at_its_width(void **state)
{
	static const unsigned width[7] = {0, 21, 30, 39, 48, 57, 64};

	(void)state;
	for (unsigned mode = 1; mode <= 6; mode++) {
		const uint64_t last = UINT64_MAX >> (64 - width[mode]);
		struct iotoll_xlat x;

		memset(amd.bytes + AMD_TABLES, 0, 0x10000);
		tree(mode, last, AMD_PTE(0x5000));
		amd_invalidate_all(&amd);
		assert_int_equal(amd_dma(&amd, DEV, last, IOTOLL_READ, &x), 0);
		assert_int_equal(x.paddr, 0x5FFF);
		assert_int_equal(x.fetches, 1 + mode);
		if (mode < 6) {
			/* What lies above would find the entry of address 0 if it wrapped. */
			tree(mode, 0, AMD_PTE(0x6000));
			assert_int_equal(amd_dma(&amd, DEV, last + 1, IOTOLL_READ, NULL), -EPERM);
		}
	}
}

static void rights_are_the_and_of_every_level(void **state)
{
	(void)state;
	/* One place at a time lacks write: the device's entry, levels 3 to 1, nobody. */
	for (unsigned place = 0; place < 5; place++) {
		const uint64_t at[4] = {AMD_DEVTAB + DEV * 32, AMD_TABLES, AMD_TABLES + 0x1000,
					AMD_TABLES + 0x2000};

		tree(3, 0, AMD_PTE(0x5000));
		if (place < 4)
			amd_poke(&amd, at[place], amd_peek(&amd, at[place]) & ~AMD_IW);
		amd_invalidate_all(&amd);
		assert_int_equal(amd_dma(&amd, DEV, 0, IOTOLL_WRITE, NULL), place < 4 ? -EPERM : 0);
		assert_int_equal(amd_dma(&amd, DEV, 0, IOTOLL_READ, NULL), 0);
		assert_int_equal(amd_dma(&amd, DEV, 0, IOTOLL_WRITE, NULL), place < 4 ? -EPERM : 0);
	}
}

/* Next level 0 above level 1: pages of 2 MiB, 1 GiB, 512 GiB and 2^48 bytes; level 6 has none. */
static void page_of_each_levels_own_size(void **state)
{
	(void)state;
	for (unsigned level = 2; level <= 5; level++) {
		const unsigned shift = 12 + 9 * (level - 1);
		const uint64_t frame = UINT64_C(1) << shift;
		struct iotoll_xlat x;

		amd_dte(&amd, DEV, AMD_DTE(level, AMD_TABLES), DOM);
		amd_poke(&amd, AMD_TABLES + 3 * 8, AMD_PTE(frame));
		amd_invalidate_all(&amd);
		for (unsigned pass = 0; pass < 2; pass++) {
			const uint64_t iova = (UINT64_C(3) << shift) + 0x12345;

			assert_int_equal(amd_dma(&amd, DEV, iova, IOTOLL_READ, &x), 0);
			assert_int_equal(x.paddr, frame + 0x12345);
			assert_int_equal(x.bytes, (UINT64_C(1) << shift) - 0x12345);
			assert_int_equal(x.hit, pass == 1);
		}
		/* One entry of the IOTLB for all of it. */
		assert_int_equal(amd_dma(&amd, DEV, (UINT64_C(4) << shift) - 1, IOTOLL_READ, &x),
				 0);
		assert_true(x.hit);
	}
}

/*
 * Next level 7: the lowest zero from bit 12 up says the size. 0x...2000 has bit 12 clear: 8 KiB;
 * 0x...1000: 16 KiB; 0x...3000: 32 KiB; 0x...7000: 64 KiB; in general 2^(1 + that bit's number).
 */
static void encoded_sizes_between_two_levels_own(void **state)
{
	(void)state;
	for (unsigned log2 = 13; log2 <= 38; log2++) {
		const unsigned level = 1 + (log2 - 12) / 9;
		const unsigned shift = 12 + 9 * (level - 1);
		/* Ones from bit 12 to log2 - 2, a zero at log2 - 1. */
		const uint64_t marker = (UINT64_C(1) << (log2 - 1)) - 0x1000;
		const uint64_t frame = UINT64_C(0x5) << 40;
		struct iotoll_xlat x;

		if (log2 == shift) /* the level's own size: next level 0 says that */
			continue;
		amd_dte(&amd, DEV, AMD_DTE(level, AMD_TABLES), DOM);
		/* Every slot that the page spans holds the same entry. */
		for (unsigned i = 0; i < 1u << (log2 - shift); i++)
			amd_poke(&amd, AMD_TABLES + i * 8, AMD_PTE(frame | marker) | AMD_NEXT(7));
		amd_invalidate_all(&amd);
		for (unsigned pass = 0; pass < 2; pass++) {
			const uint64_t iova = (UINT64_C(1) << log2) - 0x123;

			assert_int_equal(amd_dma(&amd, DEV, iova, IOTOLL_READ, &x), 0);
			assert_int_equal(x.paddr, frame + iova);
			assert_int_equal(x.bytes, 0x123);
			assert_int_equal(x.hit, pass == 1);
		}
		assert_int_equal(amd_dma(&amd, DEV, 0, IOTOLL_READ, &x), 0);
		assert_true(x.hit);
	}
}

/* Any other size: the level's own, smaller ones and those of levels above. At level 6: any. */
static void encoded_sizes_of_other_levels_are_refused(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 6; level++) {
		const unsigned shift = 12 + 9 * (level - 1);

		amd_dte(&amd, DEV, AMD_DTE(level, AMD_TABLES), DOM);
		for (unsigned log2 = 13; log2 <= 52; log2++) {
			const uint64_t marker = (UINT64_C(1) << (log2 - 1)) - 0x1000;
			const bool good = level < 6 && log2 > shift && log2 < shift + 9;

			amd_poke(&amd, AMD_TABLES, AMD_PTE(marker) | AMD_NEXT(7));
			amd_invalidate_all(&amd);
			for (unsigned pass = 0; pass < 2; pass++)
				assert_int_equal(amd_dma(&amd, DEV, 0x123, IOTOLL_READ, NULL),
						 good ? 0 : -EPERM);
		}
	}
	amd_poke(&amd, AMD_TABLES, AMD_PTE(0));
	amd_invalidate_all(&amd);
	assert_int_equal(amd_dma(&amd, DEV, 0x123, IOTOLL_READ, NULL), -EPERM);
}

static void levels_may_be_skipped_where_the_address_is_zero(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	/* Level 4 leads to level 1: bits 38:21 must be 0. */
	amd_dte(&amd, DEV, AMD_DTE(4, AMD_TABLES), DOM);
	amd_poke(&amd, AMD_TABLES + 5 * 8, AMD_PDE(1, AMD_TABLES + 0x1000));
	amd_poke(&amd, AMD_TABLES + 0x1000 + 7 * 8, AMD_PTE(0x9000));
	assert_int_equal(amd_dma(&amd, DEV, (UINT64_C(5) << 39) + 0x7123, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x9123);
	assert_int_equal(x.fetches, 3);
	for (unsigned bit = 21; bit <= 38; bit++)
		for (unsigned pass = 0; pass < 2; pass++) /* walked, then from held entries */
			assert_int_equal(
				amd_dma(&amd, DEV,
					(UINT64_C(5) << 39) + (UINT64_C(1) << bit) + 0x7123,
					IOTOLL_READ, NULL),
				-EPERM);
}

static void unused_bits_of_entries_are_ignored(void **state)
{
	(void)state;
	tree(2, 0, AMD_PTE(0x5000));
	/* 8:5, 4:1 and 63 of either kind; U and FC, 59 and 60, of a page's. */
	amd_poke(&amd, AMD_TABLES, amd_peek(&amd, AMD_TABLES) | UINT64_C(0x80000000000001FE));
	amd_poke(&amd, AMD_TABLES + 0x1000,
		 amd_peek(&amd, AMD_TABLES + 0x1000) | UINT64_C(0x98000000000001FE));
	assert_int_equal(amd_read_goes(&amd, DEV, 0x34), 0x5034);
}

static void pages_beyond_the_tables_own_memory_are_named_all_the_same(void **state)
{
	(void)state;
	tree(1, 0, AMD_PTE(UINT64_C(0xFFFFFFFFFF000)));
	assert_int_equal(amd_read_goes(&amd, DEV, 0xABC), UINT64_C(0xFFFFFFFFFFABC));
}

static void other_buses_are_not_behind_the_unit(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	assert_int_equal(
		iommu_translate(amd.iommu, (struct iotoll_source){.bus = 1}, 0, IOTOLL_READ, &x),
		-ENODEV);
	assert_int_equal(amd_dma(&amd, DEV, 0, (enum iotoll_access)3, NULL), -EINVAL);
	assert_true(amd.iommu->ops->may_start(amd.iommu, 0));
	assert_false(amd.iommu->ops->may_start(amd.iommu, 1));
}

static void exclusion_range_passes_for_devices_with_ex_or_for_all(void **state)
{
	(void)state;
	tree(3, 0x40000, AMD_PTE(0x5000));
	amd_dte(&amd, 7, AMD_DTE(3, AMD_TABLES), UINT64_C(1) << 39 | DOM); /* EX: bit 103 */
	amd_writeq(&amd, AMD_R_LIMIT, 0x41000);
	amd_writeq(&amd, AMD_R_EXCL, 0x40000);
	assert_int_equal(amd_read_goes(&amd, 7, 0x40010), 0x5010); /* not enabled */
	amd_writeq(&amd, AMD_R_EXCL, 0x40001);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x40010), 0x5010);
	assert_int_equal(amd_read_goes(&amd, 7, 0x40000), 0x40000);
	assert_int_equal(amd_read_goes(&amd, 7, 0x41FFF), 0x41FFF); /* the limit's page as well */
	assert_int_equal(amd_dma(&amd, 7, 0x42000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(amd_dma(&amd, 7, 0x3FFFF, IOTOLL_READ, NULL), -EPERM);
	amd_writeq(&amd, AMD_R_EXCL, 0x40003);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x40010), 0x40010);
}

static void probe_tells_what_translate_does_and_changes_nothing(void **state)
{
	struct iotoll_xlat p, x;
	struct iotlb_stats before, after;
	unsigned writes;

	(void)state;
	tree(3, 0, AMD_PTE(0x5000));
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint64_t iova = 0; iova < 0x2000; iova += 0x1000) {
			const struct iotoll_source source = {.devid = DEV};
			const unsigned events = amd_events(&amd);
			int ret;

			amd.iommu->ops->stats(amd.iommu, &before);
			writes = amd.writes;
			ret = iommu_probe(amd.iommu, source, iova, IOTOLL_READ, &p);
			amd.iommu->ops->stats(amd.iommu, &after);
			assert_memory_equal(&before, &after, sizeof(before));
			assert_int_equal(amd_events(&amd), events);
			assert_int_equal(amd.writes, writes);
			assert_int_equal(iommu_translate(amd.iommu, source, iova, IOTOLL_READ, &x),
					 ret);
			assert_memory_equal(&p, &x, sizeof(p));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(table_bytes_alone_make_a_three_level_translation),
		T(disabled_unit_passes_everything_untranslated),
		T(entry_without_v_passes_whatever_else_it_holds),
		T(valid_entry_without_tv_refuses),
		T(mode_0_passes_what_ir_and_iw_allow),
		T(each_mode_ends_at_its_width),
		T(rights_are_the_and_of_every_level),
		T(page_of_each_levels_own_size),
		T(encoded_sizes_between_two_levels_own),
		T(encoded_sizes_of_other_levels_are_refused),
		T(levels_may_be_skipped_where_the_address_is_zero),
		T(unused_bits_of_entries_are_ignored),
		T(pages_beyond_the_tables_own_memory_are_named_all_the_same),
		T(other_buses_are_not_behind_the_unit),
		T(exclusion_range_passes_for_devices_with_ex_or_for_all),
		T(probe_tells_what_translate_does_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("hw/amdvi_translate", tests, NULL, NULL);
}

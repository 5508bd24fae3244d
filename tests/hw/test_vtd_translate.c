// SPDX-License-Identifier: MIT
/*
 * VT-d translation, with tables written number by number from the published layouts: what is
 * granted and what is refused. Fault reasons are in test_vtd_reasons.c.
 */
#include <errno.h>

#include "vtd_fixture.h"

static void four_levels_lead_to_a_page(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	/*
	 * 0x0000_7F80_4060_3ABC has indices 255, 1, 3, 3: bits 47:39 of it are 0xFF, 38:30 are
	 * 1, 29:21 are 3 and 20:12 are 3.
	 */
	vrig_poke(&rig, VRIG_L4 + 8 * 255, 0x20003);
	vrig_poke(&rig, 0x20000 + 8 * 1, 0x21003);
	vrig_poke(&rig, 0x21000 + 8 * 3, 0x22003);
	vrig_poke(&rig, 0x22000 + 8 * 3, UINT64_C(0x123456789003));
	assert_int_equal(vrig_dma(&rig, VRIG_SID, UINT64_C(0x7F8040603ABC), IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, UINT64_C(0x123456789ABC));
	assert_int_equal(x.bytes, 0x1000 - 0xABC);
	assert_int_equal(x.fetches, 6); /* root, context, four levels */
	assert_false(x.hit);
	assert_false(x.bypass);
}

static void three_levels_start_one_table_lower(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	/* AW 1; of 0x40_0020_1000 bits 38:30 are 256, 29:21 are 1 and 20:12 are 1. */
	vrig_context(&rig, VRIG_SID, 0x30001, 7 << 8 | 1);
	vrig_poke(&rig, 0x30000 + 8 * 256, 0x31003);
	vrig_poke(&rig, 0x31000 + 8 * 1, 0x32003);
	vrig_poke(&rig, 0x32000 + 8 * 1, 0x99003);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, UINT64_C(0x4000201000), IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x99000);
	assert_int_equal(x.fetches, 5);
	/* 39 bits are all it has */
	refused_with(UINT64_C(0x8000000000), IOTOLL_READ, -EPERM, 4, 0);
}

static void large_pages_are_reported_to_their_end(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	vrig_poke(&rig, VRIG_L2 + 8 * 2, 0x00A00083);            /* 2 MiB at 10 MiB, PS */
	vrig_poke(&rig, VRIG_L3 + 8 * 1, UINT64_C(0x1C0000083)); /* 1 GiB at 7 GiB */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x412345, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0xA12345);
	assert_int_equal(x.bytes, 0x200000 - 0x12345);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x5FFFFF, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0xBFFFFF);
	assert_int_equal(x.bytes, 1);
	assert_true(x.hit); /* one entry for all of it */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x7FFFFFFF, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, UINT64_C(0x1FFFFFFFF));
	assert_int_equal(x.bytes, 1);
}

static void rights_are_those_of_every_level(void **state)
{
	(void)state;
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_poke(&rig, VRIG_L3, VRIG_L2 | 1); /* R only, one level of four */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0, IOTOLL_READ, NULL), 0);
	refused_with(0, IOTOLL_WRITE, -EPERM, 5, 0);
	vrig_flush(&rig);
	vrig_poke(&rig, VRIG_L3, VRIG_L2 | 2); /* W only */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0, IOTOLL_WRITE, NULL), 0);
	refused_with(0, IOTOLL_READ, -EPERM, 6, 1);
}

static void translation_off_lets_everything_through(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	vrig_writel(&rig, 0x18, 0);
	assert_int_equal(vrig_readl(&rig, 0x1C), 0x40000000); /* RTPS stays */
	assert_int_equal(vrig_dma(&rig, 0x1234, 0x5678, IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, 0x5678);
	assert_int_equal(x.bytes, 0x1000 - 0x678);
	assert_int_equal(x.fetches, 0);
}

static void pass_through_knows_no_table_but_the_host_width(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	vrig_context(&rig, VRIG_SID, 0x9, 7 << 8 | 2); /* P, TT 2; no table */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, UINT64_C(0x3FFFFFFFF123), IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, UINT64_C(0x3FFFFFFFF123));
	refused_with(UINT64_C(0x400000000000), IOTOLL_WRITE, -EPERM, 4, 0); /* 46 bits */
}

static void other_buses_of_the_segment_have_their_own_context_table(void **state)
{
	(void)state;
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_poke(&rig, VRIG_ROOT + 16 * 0x81, 0x40001);
	vrig_poke(&rig, 0x40000 + 16 * 0xFF, VRIG_L4 | 1);
	vrig_poke(&rig, 0x40000 + 16 * 0xFF + 8, 0x702);
	assert_int_equal(vrig_dma(&rig, 0x81FF, 0, IOTOLL_READ, NULL), 0);
	assert_int_equal(iommu_translate(rig.iommu, (struct iotoll_source){.bus = 1}, 0,
					 IOTOLL_READ, &(struct iotoll_xlat){0}),
			 -ENODEV);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0, (enum iotoll_access)3, NULL), -EINVAL);
}

static void nothing_is_translated_into_the_interrupt_window(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	vrig_map(&rig, 1, 0xFEDFF000, 3);
	vrig_map(&rig, 2, 0xFEE00000, 3);
	vrig_map(&rig, 3, 0xFEEFF000, 3);
	vrig_map(&rig, 4, 0xFEF00000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x1FFF), 0xFEDFFFFF);
	refused_with(0x2000, IOTOLL_WRITE, -EPERM, 0xE, 0);
	refused_with(0x3FFF, IOTOLL_READ, -EPERM, 0xE, 1);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0xFEF00000);
	/* A large page around it ends before it and goes on behind. */
	vrig_poke(&rig, VRIG_L2 + 8 * 2, 0xFEE00083);
	refused_with(0x400000, IOTOLL_READ, -EPERM, 0xE, 2);
	assert_int_equal(vrig_reaches(&rig, 0x500000), 0xFEF00000);
	vrig_poke(&rig, VRIG_L3 + 8 * 1, UINT64_C(0xC0000083));
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x40000000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.bytes, 0xFEE00000 - 0xC0000000);
}

static void interrupt_window_itself_is_not_translated(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	/* 0xFEE00000 is entry 3 of level 3 and 503 of level 2: map it all. */
	vrig_poke(&rig, VRIG_L3 + 8 * 3, 0x40000083);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0xFEE01000, IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	assert_int_equal(x.paddr, 0xFEE01000);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0xFEEFFFFC, IOTOLL_READ, &x), -EPERM);
	assert_int_equal(vrig_readl(&rig, 0x34), 0);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0xFEDFFFFF, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x7EDFFFFF);
	assert_int_equal(x.bytes, 1);
	assert_int_equal(vrig_reaches(&rig, 0xFEF00000), 0x7EF00000);
}

static void probe_tells_what_an_access_would_do_and_changes_nothing(void **state)
{
	const struct iotoll_source source = {.devid = VRIG_SID};
	struct iotoll_xlat p, x;
	struct iotlb_stats before, after;
	struct vtd_stats v;

	(void)state;
	vrig_map(&rig, 0, 0x80000, 1);
	rig.iommu->ops->stats(rig.iommu, &before);
	assert_int_equal(iommu_probe(rig.iommu, source, 0x10, IOTOLL_READ, &p), 0);
	assert_int_equal(iommu_probe(rig.iommu, source, 0x10, IOTOLL_WRITE, &x), -EPERM);
	rig.iommu->ops->stats(rig.iommu, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	vtd_stats(rig.iommu, &v);
	assert_int_equal(v.context_misses + v.walks + v.faults, 0);
	assert_int_equal(vrig_readl(&rig, 0x34), 0);
	assert_int_equal(rig.faults, 0);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x10, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, p.paddr);
	assert_int_equal(x.fetches, p.fetches);
	assert_false(x.hit);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(four_levels_lead_to_a_page),
		CASE(three_levels_start_one_table_lower),
		CASE(large_pages_are_reported_to_their_end),
		CASE(rights_are_those_of_every_level),
		CASE(translation_off_lets_everything_through),
		CASE(pass_through_knows_no_table_but_the_host_width),
		CASE(other_buses_of_the_segment_have_their_own_context_table),
		CASE(nothing_is_translated_into_the_interrupt_window),
		CASE(interrupt_window_itself_is_not_translated),
		CASE(probe_tells_what_an_access_would_do_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("hw/vtd_translate", tests, NULL, NULL);
}

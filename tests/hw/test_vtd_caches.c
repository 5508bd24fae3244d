// SPDX-License-Identifier: MIT
/*
 * A VT-d unit's caches besides the IOTLB: of contexts, of tables on the way down, and in caching
 * mode of what is absent.
 */
#include <errno.h>

#include "vtd_fixture.h"

#define NOWHERE UINT64_MAX

static void context_command(uint64_t granularity, uint64_t fm, uint64_t sid, uint64_t did)
{
	vrig_writeq(&rig, 0x28, UINT64_C(1) << 63 | granularity << 61 | fm << 32 | sid << 16 | did);
}

static void iotlb_command(uint64_t granularity, uint64_t did, uint64_t iva)
{
	vrig_writeq(&rig, 0x200, iva);
	vrig_writeq(&rig, 0x208, UINT64_C(1) << 63 | granularity << 60 | did << 32);
}

static uint64_t reaches(uint16_t sid, uint64_t iova)
{
	struct iotoll_xlat x;

	return vrig_dma(&rig, sid, iova, IOTOLL_READ, &x) == 0 ? x.paddr : NOWHERE;
}

static void walk_begins_below_cached_tables(void **state)
{
	struct iotoll_xlat x;
	struct vtd_stats stats;

	(void)state;
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_map(&rig, 1, 0x81000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x1000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.fetches, 1);
	vtd_stats(rig.iommu, &stats);
	assert_int_equal(stats.walks, 2);
	assert_int_equal(stats.paging_hits, 1);
	assert_int_equal(stats.context_hits, 1);
	assert_int_equal(stats.context_misses, 1);
}

/* Page 1 is asked for after the table of level 1 moved; page 0 had been walked before. */
static uint64_t after_table_moved(uint64_t granularity, uint64_t iva)
{
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_map(&rig, 1, 0x81000, 3);
	(void)vrig_reaches(&rig, 0);
	vrig_poke(&rig, 0x20008, 0x91003);
	vrig_poke(&rig, VRIG_L2, 0x20003);
	if (granularity != 0)
		iotlb_command(granularity, 7, iva);
	return vrig_reaches(&rig, 0x1000);
}

static void moved_table_is_used_after_an_invalidation_that_says_so(void **state)
{
	static const struct {
		uint64_t granularity, iva, reaches;
	} cases[] = {
		{0, 0, 0x81000},               /* none */
		{3, 0x0000 | 1 << 6, 0x81000}, /* IH: only leaves changed */
		{3, 0x0000, 0x91000},          /* any page below the table */
		{3, 0x1FF000, 0x91000},
		{3, 0x200000, 0x81000}, /* not below it */
		{2, 0, 0x91000},
		{1, 0, 0x91000},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		with(NULL, NULL);
		assert_int_equal(after_table_moved(cases[i].granularity, cases[i].iva),
				 cases[i].reaches);
	}
}

static void cached_tables_carry_the_rights_above_them(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_L3, VRIG_L2 | 1);
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_map(&rig, 1, 0x81000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	assert_int_not_equal(vrig_dma(&rig, VRIG_SID, 0x1000, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(vrig_take_fault(&rig, 0), 5);
}

/* The table of level 3 cannot be read, but the entry above it grants no reads to begin with. */
static void cached_table_without_the_right_is_not_read(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_L4, VRIG_OUTSIDE | 2);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0, IOTOLL_WRITE, NULL), -EFAULT);
	assert_int_equal(vrig_take_fault(&rig, 0), 7);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(vrig_take_fault(&rig, 1), 6);
}

static void changed_context_is_used_after_its_invalidation(void **state)
{
	static const struct {
		uint64_t granularity, fm, sid, did;
		bool taken;
	} cases[] = {
		{1, 0, 0, 0, true},
		{2, 0, 0, 7, true},
		{2, 0, 0, 8, false},
		{3, 0, VRIG_SID, 7, true},
		{3, 0, VRIG_SID, 8, false}, /* the domain must be that of the entry */
		{3, 0, VRIG_SID + 4, 7, false},
		{3, 1, VRIG_SID + 4, 7, true}, /* FM 1 ignores bit 2 of the function */
		{3, 1, VRIG_SID + 2, 7, false},
		{3, 2, VRIG_SID + 6, 7, true}, /* FM 2: bits 2:1 */
		{3, 2, VRIG_SID + 1, 7, false},
		{3, 3, VRIG_SID + 7, 7, true}, /* FM 3: all of it */
		{3, 3, VRIG_SID + 8, 7, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		with(NULL, NULL);
		vrig_map(&rig, 0, 0x80000, 3);
		assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
		vrig_context(&rig, VRIG_SID, 0, 0);
		iotlb_command(1, 0, 0); /* the IOTLB's is another cache */
		assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
		context_command(cases[i].granularity, cases[i].fm, cases[i].sid, cases[i].did);
		assert_int_equal(vrig_reaches(&rig, 0), cases[i].taken ? NOWHERE : 0x80000);
	}
}

static void context_invalidation_leaves_the_iotlb(void **state)
{
	(void)state;
	vrig_map(&rig, 0, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	vrig_map(&rig, 0, 0x90000, 3);
	context_command(1, 0, 0, 0);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
}

static void units_without_caches_read_memory_each_time(void **state)
{
	static const struct iotlb_config none = {.entries = 0};
	struct vtd_config bare = vtd_xeon;
	struct iotoll_xlat x;

	(void)state;
	bare.context_entries = bare.paging_entries = 0;
	with(&bare, &none);
	vrig_map(&rig, 0, 0x80000, 3);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(vrig_dma(&rig, VRIG_SID, 0, IOTOLL_READ, &x), 0);
		assert_int_equal(x.fetches, 6);
	}
	vrig_context(&rig, VRIG_SID, 0, 0);
	assert_int_equal(vrig_reaches(&rig, 0), NOWHERE);
	vrig_flush(&rig);
}

static void absent_becomes_present_at_once_without_caching_mode(void **state)
{
	(void)state;
	assert_int_equal(vrig_reaches(&rig, 0), NOWHERE);
	vrig_map(&rig, 0, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	assert_int_equal(reaches(0x30, 0), NOWHERE);
	vrig_context(&rig, 0x30, VRIG_L4 | 1, 0x702);
	assert_int_equal(reaches(0x30, 0), 0x80000);
}

static void caching_mode_holds_absent_pages_for_their_domain(void **state)
{
	struct vtd_config cm = vtd_xeon;

	(void)state;
	cm.caching_mode = true;
	with(&cm, NULL);
	assert_int_equal(vrig_readq(&rig, 0x8) >> 7 & 1, 1);
	assert_int_equal(vrig_reaches(&rig, 0x1000), NOWHERE);
	assert_int_equal(vrig_take_fault(&rig, 0), 6);
	vrig_map(&rig, 1, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x1000), NOWHERE);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x1000, IOTOLL_WRITE, NULL), -1);
	iotlb_command(3, 8, 0x1000);
	assert_int_equal(vrig_reaches(&rig, 0x1000), NOWHERE);
	iotlb_command(3, 7, 0x1000);
	assert_int_equal(vrig_reaches(&rig, 0x1000), 0x80000);
	/* a malformed one keeps its reason */
	vrig_poke(&rig, VRIG_L1 + 8 * 2, 0x80003 | UINT64_C(1) << 50);
	assert_int_equal(vrig_reaches(&rig, 0x2000), NOWHERE);
	vrig_map(&rig, 2, 0x90000, 3);
	vrig_writel(&rig, 0x11C, 0x80000000);
	assert_int_equal(vrig_reaches(&rig, 0x2000), NOWHERE);
	assert_int_equal(vrig_take_fault(&rig, 2), 0xC);
	/* lacking one right of two is not absent */
	vrig_map(&rig, 3, 0x90000, 1);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x3000, IOTOLL_WRITE, NULL), -1);
	assert_int_equal(vrig_reaches(&rig, 0x3000), 0x90000);
}

static void caching_mode_holds_absent_contexts_under_domain_0(void **state)
{
	struct vtd_config cm = vtd_xeon;

	(void)state;
	cm.caching_mode = true;
	with(&cm, NULL);
	vrig_map(&rig, 0, 0x80000, 3);
	assert_int_equal(reaches(0x30, 0), NOWHERE);
	vrig_context(&rig, 0x30, VRIG_L4 | 1, 0x702);
	context_command(3, 0, 0x30, 7);
	assert_int_equal(reaches(0x30, 0), NOWHERE);
	context_command(3, 0, 0x30, 0);
	assert_int_equal(reaches(0x30, 0), 0x80000);
}

static void caching_mode_holds_nothing_that_could_not_be_read(void **state)
{
	struct vtd_config cm = vtd_xeon;

	(void)state;
	cm.caching_mode = true;
	with(&cm, NULL);
	vrig_poke(&rig, VRIG_L2, VRIG_OUTSIDE | 3);
	assert_int_equal(vrig_reaches(&rig, 0), NOWHERE);
	vrig_poke(&rig, VRIG_ROOT + 16, VRIG_OUTSIDE | 1);
	assert_int_equal(reaches(0x100, 0), NOWHERE);
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_poke(&rig, VRIG_L2, VRIG_L1 | 3);
	vrig_poke(&rig, VRIG_ROOT + 16, VRIG_CONTEXT | 1);
	vrig_context(&rig, 0, VRIG_L4 | 1, 0x702);
	iotlb_command(1, 0, 0); /* the paging-structure caches hold the bad table's place */
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	assert_int_equal(reaches(0x100, 0), 0x80000);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_tracking, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(walk_begins_below_cached_tables),
		CASE(moved_table_is_used_after_an_invalidation_that_says_so),
		CASE(cached_tables_carry_the_rights_above_them),
		CASE(cached_table_without_the_right_is_not_read),
		CASE(changed_context_is_used_after_its_invalidation),
		CASE(context_invalidation_leaves_the_iotlb),
		CASE(units_without_caches_read_memory_each_time),
		CASE(absent_becomes_present_at_once_without_caching_mode),
		CASE(caching_mode_holds_absent_pages_for_their_domain),
		CASE(caching_mode_holds_absent_contexts_under_domain_0),
		CASE(caching_mode_holds_nothing_that_could_not_be_read),
	};

	return cmocka_run_group_tests_name("hw/vtd_caches", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * What a VT-d unit remembers and what makes it forget: stale until invalidated, and each
 * granularity of the register commands takes exactly what it names. The queue's descriptors end in
 * the same functions; test_vtd_queue.c holds that they are decoded right.
 */
#include "vtd_fixture.h"

#define NOWHERE UINT64_MAX

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

static void cleared_page_is_reached_until_invalidated(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	vrig_map(&rig, 4, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x80000);
	vrig_map(&rig, 4, 0, 0);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_WRITE, &x), 0);
	assert_true(x.hit);
	assert_true(x.stale);
	assert_int_equal(x.paddr, 0x80000);
	iotlb_command(3, 7, 0x4000);
	assert_int_equal(rig.drops, 1);
	assert_int_equal(rig.dropped, 4);
	assert_int_equal(vrig_reaches(&rig, 0x4000), NOWHERE);
}

/* Pages 4, 12 and 5: three low bits do not tell the first two apart. */
static void unit_that_compares_few_bits_forgets_what_agrees_in_them(void **state)
{
	struct vtd_config few = vtd_xeon;

	(void)state;
	vrig_free(&rig);
	few.compared_bits = 3;
	vrig_make(&rig, &few, NULL, true);
	vrig_standard(&rig);
	for (unsigned page = 4; page <= 20; page++)
		vrig_map(&rig, page, 0x80000 + page * 0x1000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x84000);
	assert_int_equal(vrig_reaches(&rig, 0x5000), 0x85000);
	assert_int_equal(vrig_reaches(&rig, 0xC000), 0x8C000);
	iotlb_command(3, 7, 0x14000); /* page 20, which is not held */
	assert_int_equal(rig.drops, 2);
	iotlb_command(3, 7, 0x14001); /* pages 20 and 21: 5 agrees with 21 */
	assert_int_equal(rig.drops, 3);
}

static void held_page_is_stale_only_if_memory_disagrees(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	vrig_map(&rig, 4, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x80000);
	vrig_poke(&rig, VRIG_L1 + 8 * 4, 0x80003 | UINT64_C(1) << 63 | 0x7C); /* ignored bits */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_READ, &x), 0);
	assert_true(x.hit && !x.stale);
	vrig_map(&rig, 4, 0x80000, 2); /* no longer readable */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_READ, &x), 0);
	assert_true(x.stale);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_WRITE, &x), 0);
	assert_false(x.stale);
	vrig_poke(&rig, VRIG_ROOT, 0);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_WRITE, &x), 0);
	assert_true(x.stale);
}

static void page_is_held_for_the_domain_not_the_device(void **state)
{
	(void)state;
	vrig_context(&rig, 0x30, VRIG_L4 | 1, 0x702);
	vrig_context(&rig, 0x38, VRIG_L4 | 1, 0x802);
	vrig_map(&rig, 4, 0x80000, 3);
	assert_int_equal(reaches(VRIG_SID, 0x4000), 0x80000);
	vrig_map(&rig, 4, 0x90000, 3);
	assert_int_equal(reaches(0x30, 0x4000), 0x80000); /* same domain */
	assert_int_equal(reaches(0x38, 0x4000), 0x90000); /* domain 8 */
}

static void held_right_is_enforced_without_asking_memory(void **state)
{
	(void)state;
	vrig_map(&rig, 4, 0x80000, 1);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x80000);
	vrig_map(&rig, 4, 0x80000, 3); /* upgraded, not invalidated */
	assert_int_not_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(vrig_take_fault(&rig, 0), 5);
	iotlb_command(3, 7, 0x4000);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x4000, IOTOLL_WRITE, NULL), 0);
}

/* Pages 0..15 at 0x100000 on, all held for domain 7 and for domain 8 (device 0x38). */
static void hold_sixteen_pages(void)
{
	static const struct iotlb_config big = {
		.entries = 256, .ways = 0, .line_pages = 1, .policy = "lru"};

	with(NULL, &big);
	vrig_context(&rig, 0x38, VRIG_L4 | 1, 0x802);
	for (unsigned i = 0; i < 16; i++) {
		vrig_map(&rig, i, 0x100000 + i * 0x1000, 3);
		assert_int_equal(reaches(VRIG_SID, i * 0x1000), 0x100000 + i * 0x1000);
		assert_int_equal(reaches(0x38, i * 0x1000), 0x100000 + i * 0x1000);
		vrig_map(&rig, i, 0x200000 + i * 0x1000, 3);
	}
}

/* Exactly pages [@first, @last) of domain 7 and, if @other, all of domain 8 were forgotten. */
static void forgotten(unsigned first, unsigned last, bool other)
{
	for (unsigned i = 0; i < 16; i++) {
		uint64_t now = i >= first && i < last ? 0x200000 : 0x100000;

		assert_int_equal(reaches(VRIG_SID, i * 0x1000), now + i * 0x1000);
		assert_int_equal(reaches(0x38, i * 0x1000),
				 (other ? 0x200000 : 0x100000) + i * 0x1000);
	}
}

static void page_invalidation_takes_its_aligned_pages(void **state)
{
	static const struct {
		uint64_t iva;
		unsigned first, last;
	} cases[] = {
		{0x3000, 3, 4},
		{0x3000 | 1, 2, 4},      /* AM 1: the address is aligned down */
		{0x6000 | 2, 4, 8},      /* AM 2 */
		{0xF000 | 3, 8, 16},     /* AM 3 */
		{0x0000 | 18, 0, 16},    /* the largest: 1 GiB */
		{0x3000 | 1 << 6, 3, 4}, /* IH changes nothing for leaves */
		{0x3000 | 19, 0, 0},     /* beyond MAMV: refused */
		{UINT64_C(0xFFFFFFFFFFFFF000), 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hold_sixteen_pages();
		iotlb_command(3, 7, cases[i].iva);
		forgotten(cases[i].first, cases[i].last, false);
	}
}

static void wrong_domain_forgets_nothing(void **state)
{
	(void)state;
	hold_sixteen_pages();
	iotlb_command(3, 9, 0x3000);
	iotlb_command(2, 9, 0);
	forgotten(0, 0, false);
}

static void domain_invalidation_takes_the_domain(void **state)
{
	(void)state;
	hold_sixteen_pages();
	iotlb_command(2, 7, 0);
	forgotten(0, 16, false);
}

static void global_invalidation_takes_all(void **state)
{
	(void)state;
	hold_sixteen_pages();
	iotlb_command(1, 0, 0);
	forgotten(0, 16, true);
}

static void domain_id_of_a_command_is_cut_to_the_capability(void **state)
{
	struct vtd_config small = vtd_xeon;

	(void)state;
	small.domain_bits = 4;
	with(&small, NULL);
	vrig_map(&rig, 4, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x80000);
	vrig_map(&rig, 4, 0x90000, 3);
	iotlb_command(3, 0xFF7, 0x4000);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x90000);
}

static void without_page_selection_a_page_takes_its_domain(void **state)
{
	struct vtd_config coarse = vtd_xeon;

	(void)state;
	coarse.page_selective = false;
	coarse.max_mask = 0;
	with(&coarse, NULL);
	vrig_map(&rig, 4, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x80000);
	vrig_map(&rig, 4, 0x90000, 3);
	iotlb_command(3, 7, 0x900000);
	assert_int_equal(vrig_readq(&rig, 0x208) >> 57 & 3, 2); /* done: domain */
	assert_int_equal(vrig_reaches(&rig, 0x4000), 0x90000);
}

static void one_page_takes_the_large_page_around_it(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_L2 + 8 * 2, 0x00A00083);
	vrig_poke(&rig, VRIG_L3 + 8 * 1, UINT64_C(0x1C0000083));
	assert_int_equal(vrig_reaches(&rig, 0x400000), 0xA00000);
	assert_int_equal(vrig_reaches(&rig, 0x40000000), UINT64_C(0x1C0000000));
	vrig_poke(&rig, VRIG_L2 + 8 * 2, 0);
	vrig_poke(&rig, VRIG_L3 + 8 * 1, 0);
	iotlb_command(3, 7, 0x3FF000); /* the page before */
	assert_int_equal(vrig_reaches(&rig, 0x400000), 0xA00000);
	assert_int_equal(rig.drops, 0);
	iotlb_command(3, 7, 0x5FF000); /* the last of it */
	assert_int_equal(rig.drops, 512);
	assert_int_equal(rig.dropped, 0x5FF);
	assert_int_equal(vrig_reaches(&rig, 0x400000), NOWHERE);
	assert_int_equal(vrig_reaches(&rig, 0x7FFFFFFF), UINT64_C(0x1FFFFFFFF));
	iotlb_command(3, 7, 0x60000000);
	assert_int_equal(vrig_reaches(&rig, 0x7FFFFFFF), NOWHERE);
}

static void line_of_pages_is_fetched_and_held_together(void **state)
{
	static const struct iotlb_config lines = {
		.entries = 16, .ways = 4, .line_pages = 8, .policy = "lru"};
	struct iotoll_xlat x;

	(void)state;
	with(NULL, &lines);
	vrig_map(&rig, 8, 0x80000, 3);
	vrig_map(&rig, 9, 0x90000, 1);
	vrig_poke(&rig, VRIG_L1 + 8 * 10, 0xA0003 | UINT64_C(1) << 50); /* malformed: not held */
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x8000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.fetches, 6);
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x9000, IOTOLL_READ, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.paddr, 0x90000);
	assert_int_not_equal(vrig_dma(&rig, VRIG_SID, 0x9000, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(vrig_take_fault(&rig, 0), 5);
	assert_int_not_equal(vrig_dma(&rig, VRIG_SID, 0xA000, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(vrig_take_fault(&rig, 1), 0xC);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_tracking, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(cleared_page_is_reached_until_invalidated),
		CASE(unit_that_compares_few_bits_forgets_what_agrees_in_them),
		CASE(held_page_is_stale_only_if_memory_disagrees),
		CASE(page_is_held_for_the_domain_not_the_device),
		CASE(held_right_is_enforced_without_asking_memory),
		CASE(page_invalidation_takes_its_aligned_pages),
		CASE(wrong_domain_forgets_nothing),
		CASE(domain_invalidation_takes_the_domain),
		CASE(global_invalidation_takes_all),
		CASE(domain_id_of_a_command_is_cut_to_the_capability),
		CASE(without_page_selection_a_page_takes_its_domain),
		CASE(one_page_takes_the_large_page_around_it),
		CASE(line_of_pages_is_fetched_and_held_together),
	};

	return cmocka_run_group_tests_name("hw/vtd_invalidate", tests, NULL, NULL);
}

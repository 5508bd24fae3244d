// SPDX-License-Identifier: MIT
/*
 * Each fault reason of VT-d's legacy mode, with tables written number by number from the published
 * layouts; 5, 6 and 0Eh also in test_vtd_translate.c.
 */
#include <errno.h>

#include "vtd_fixture.h"

static void reasons_of_the_root_entry(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_ROOT, VRIG_CONTEXT); /* not present */
	refused_with(0, IOTOLL_READ, -EPERM, 0x1, 0);
	vrig_poke(&rig, VRIG_ROOT, VRIG_CONTEXT | 1 | 1 << 1); /* 11:1 reserved */
	refused_with(0, IOTOLL_READ, -EPERM, 0xA, 1);
	vrig_poke(&rig, VRIG_ROOT, VRIG_CONTEXT | 1 | 1 << 11);
	refused_with(0, IOTOLL_READ, -EPERM, 0xA, 2);
	vrig_poke(&rig, VRIG_ROOT, VRIG_CONTEXT | 1 | UINT64_C(1) << 46); /* beyond 46 bits */
	refused_with(0, IOTOLL_READ, -EPERM, 0xA, 3);
	vrig_poke(&rig, VRIG_ROOT, VRIG_CONTEXT | 1);
	vrig_poke(&rig, VRIG_ROOT + 8, 1); /* upper half reserved */
	refused_with(0, IOTOLL_READ, -EPERM, 0xA, 4);
	vrig_poke(&rig, VRIG_ROOT + 8, 0);
	vrig_poke(&rig, VRIG_ROOT, VRIG_OUTSIDE | 1);
	refused_with(0, IOTOLL_READ, -EFAULT, 0x9, 5);
	vrig_writeq(&rig, 0x20, VRIG_OUTSIDE);
	vrig_writel(&rig, 0x18, 0xC0000000); /* SRTP, TE stays */
	refused_with(0, IOTOLL_READ, -EFAULT, 0x8, 6);
}

static void reasons_of_the_context_entry(void **state)
{
	static const struct {
		uint64_t lo, hi;
		unsigned reason;
		int ret;
	} cases[] = {
		{VRIG_L4, 0x702, 0x2, -EPERM},                         /* P = 0 */
		{VRIG_L4 | 1 | 1 << 4, 0x702, 0xB, -EPERM},            /* 11:4 reserved */
		{VRIG_L4 | 1 | 1 << 11, 0x702, 0xB, -EPERM},           /* 11:4 reserved */
		{VRIG_L4 | 1 | UINT64_C(1) << 46, 0x702, 0xB, -EPERM}, /* beyond 46 bits */
		{VRIG_L4 | 1, 0x782, 0xB, -EPERM},                     /* bit 71 */
		{VRIG_L4 | 1, 0x1000702, 0xB, -EPERM},                 /* 127:88 */
		{VRIG_L4 | 1 | 3 << 2, 0x702, 0x3, -EPERM},            /* TT 3 */
		{VRIG_L4 | 1, 0x700, 0x3, -EPERM},                     /* AW 0: 30 bits */
		{VRIG_L4 | 1, 0x703, 0x3, -EPERM},                     /* AW 3: 57 bits */
		{VRIG_L4 | 1, 0x707, 0x3, -EPERM},                     /* AW 7 */
		{VRIG_OUTSIDE | 1, 0x702, 0x3, -EFAULT},               /* no table there */
	};

	(void)state;
	vrig_map(&rig, 0, 0x80000, 3);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrig_context(&rig, VRIG_SID, cases[i].lo, cases[i].hi);
		vrig_flush(&rig);
		refused_with(0, IOTOLL_READ, cases[i].ret, cases[i].reason, i % 8);
	}
	/* bits 70:67 belong to software */
	vrig_flush(&rig);
	vrig_context(&rig, VRIG_SID, VRIG_L4 | 1, 0x702 | 0xF << 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
}

static void domain_ids_beyond_the_capability_are_reserved_bits(void **state)
{
	struct vtd_config small = vtd_xeon;

	(void)state;
	vrig_free(&rig);
	small.domain_bits = 8;
	vrig_make(&rig, &small, NULL, false);
	vrig_standard(&rig);
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_context(&rig, VRIG_SID, VRIG_L4 | 1, 0xFF02);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	vrig_flush(&rig);
	vrig_context(&rig, VRIG_SID, VRIG_L4 | 1, 0x10002);
	refused_with(0, IOTOLL_READ, -EPERM, 0xB, 0);
}

static void addresses_beyond_the_smaller_of_mgaw_and_agaw_are_refused(void **state)
{
	struct vtd_config narrow = vtd_xeon;

	(void)state;
	refused_with(UINT64_C(1) << 48, IOTOLL_WRITE, -EPERM, 0x4, 0);
	refused_with(UINT64_MAX, IOTOLL_READ, -EPERM, 0x4, 1);
	vrig_free(&rig);
	narrow.guest_bits = 40;
	vrig_make(&rig, &narrow, NULL, false);
	vrig_standard(&rig);
	refused_with(UINT64_C(1) << 40, IOTOLL_READ, -EPERM, 0x4, 0);
	refused_with((UINT64_C(1) << 40) - 1, IOTOLL_READ, -EPERM, 0x6, 1);
}

static void absent_pages_are_reported_by_direction(void **state)
{
	(void)state;
	refused_with(0x3000, IOTOLL_WRITE, -EPERM, 0x5, 0);
	refused_with(0x3000, IOTOLL_READ, -EPERM, 0x6, 1);
	vrig_poke(&rig, VRIG_L2 + 8, VRIG_OUTSIDE | 3);
	refused_with(0x200000, IOTOLL_READ, -EFAULT, 0x7, 2);
}

/* Bit @bit of the entry at @paddr set besides what is there: is the address still reached? */
static bool bit_is_ignored(uint64_t paddr, unsigned bit, uint64_t iova)
{
	uint64_t old = vrig_peek(&rig, paddr);
	unsigned reason;
	bool reached;

	vrig_poke(&rig, paddr, old | UINT64_C(1) << bit);
	reached = vrig_reaches(&rig, iova) != UINT64_MAX;
	vrig_poke(&rig, paddr, old);
	vrig_flush(&rig);
	for (reason = 0; reason == 0 && !reached;)
		for (unsigned n = 0; n < 8 && reason == 0; n++)
			reason = vrig_take_fault(&rig, n);
	assert_true(reached || reason == 0xC);
	return reached;
}

static void reserved_bits_of_paging_entries(void **state)
{
	struct vtd_config plain = vtd_xeon;

	(void)state;
	vrig_free(&rig);
	plain.snoop_control = plain.device_tlb = false;
	plain.host_bits = 40;
	vrig_make(&rig, &plain, NULL, false);
	vrig_standard(&rig);
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_poke(&rig, VRIG_L2 + 8 * 2, 0x00A00083);            /* 2 MiB at 4 MiB */
	vrig_poke(&rig, VRIG_L3 + 8 * 1, UINT64_C(0x1C0000083)); /* 1 GiB at 1 GiB */
	for (unsigned bit = 2; bit < 64; bit++) {
		/* 11, what lies above 40 address bits, 62 */
		bool reserved = bit == 11 || (bit >= 40 && bit < 52) || bit == 62;

		if (bit < 12 || bit >= 40) {
			assert_int_equal(bit_is_ignored(VRIG_L1, bit, 0), !reserved);
			assert_int_equal(bit_is_ignored(VRIG_L4, bit, 0), !reserved && bit != 7);
		}
		/* PS makes a leaf of a table's entry, with the rules below. */
		if ((bit < 12 || bit >= 40) && bit != 7)
			assert_int_equal(bit_is_ignored(VRIG_L2, bit, 0), !reserved);
		if ((bit < 21 || bit >= 40) && bit != 7)
			assert_int_equal(bit_is_ignored(VRIG_L2 + 16, bit, 0x400000),
					 !reserved && !(bit >= 12 && bit < 21));
		if ((bit < 30 || bit >= 40) && bit != 7)
			assert_int_equal(bit_is_ignored(VRIG_L3 + 8, bit, 0x40000000),
					 !reserved && !(bit >= 12 && bit < 30));
	}
}

static void snoop_and_transient_bits_need_their_capabilities(void **state)
{
	(void)state;
	vrig_map(&rig, 0, 0x80000, 3); /* the rig's unit has both */
	assert_true(bit_is_ignored(VRIG_L1, 11, 0));
	assert_true(bit_is_ignored(VRIG_L1, 62, 0));
	assert_false(bit_is_ignored(VRIG_L2, 11, 0)); /* of leaves only */
	assert_false(bit_is_ignored(VRIG_L2, 62, 0));
}

static void large_pages_need_their_capability(void **state)
{
	struct vtd_config small = vtd_xeon;

	(void)state;
	vrig_free(&rig);
	small.pages_2m = small.pages_1g = false;
	vrig_make(&rig, &small, NULL, false);
	vrig_standard(&rig);
	vrig_poke(&rig, VRIG_L2 + 8 * 2, 0x00A00083);
	refused_with(0x400000, IOTOLL_READ, -EPERM, 0xC, 0);
	vrig_poke(&rig, VRIG_L3 + 8 * 1, UINT64_C(0x1C0000083));
	refused_with(0x40000000, IOTOLL_READ, -EPERM, 0xC, 1);
}

static void missing_right_comes_before_reserved_bits(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_L1, 0x80002 | UINT64_C(1) << 50);
	refused_with(0, IOTOLL_READ, -EPERM, 0x6, 0);
	refused_with(0, IOTOLL_WRITE, -EPERM, 0xC, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reasons_of_the_root_entry),
		CASE(reasons_of_the_context_entry),
		CASE(domain_ids_beyond_the_capability_are_reserved_bits),
		CASE(addresses_beyond_the_smaller_of_mgaw_and_agaw_are_refused),
		CASE(absent_pages_are_reported_by_direction),
		CASE(reserved_bits_of_paging_entries),
		CASE(snoop_and_transient_bits_need_their_capabilities),
		CASE(large_pages_need_their_capability),
		CASE(missing_right_comes_before_reserved_bits),
	};

	return cmocka_run_group_tests_name("hw/vtd_reasons", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * The invalidation queue's descriptors, bit by published bit: what each kind does, and which are
 * malformed.
 */
#include "vtd_fixture.h"

static void iotlb_descriptors_are_decoded(void **state)
{
	static const struct {
		uint64_t lo, hi;
		bool taken;
	} cases[] = {
		{0x00000012, 0, true},       /* type 2, G 1: global */
		{0x00070022, 0, true},       /* domain 7 */
		{0x00080022, 0, false},      /* domain 8 */
		{0x00070032, 0x0000, true},  /* page 0 of domain 7 */
		{0x000700F2, 0x0000, true},  /* with DW and DR */
		{0x00070032, 0x1000, false}, /* page 1 */
		{0x00070032, 0x1001, true},  /* pages 0 and 1 */
		{0x00070032, 0x0040, true},  /* IH */
		{0x00080032, 0x0000, false},
		{0x00000011, 0, false}, /* contexts are another cache */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrig_free(&rig);
		(void)setup_queue(NULL);
		vrig_hold_page_0(&rig);
		vrig_desc(&rig, 0, cases[i].lo, cases[i].hi);
		vrig_ring(&rig, 1);
		assert_int_equal(head(), 16);
		assert_int_equal(vrig_readl(&rig, 0x34), 0);
		assert_int_equal(vrig_page_0_forgotten(&rig), cases[i].taken);
	}
}

static void context_descriptors_are_decoded(void **state)
{
	static const struct {
		uint64_t lo;
		bool taken;
	} cases[] = {
		{UINT64_C(0x0000000000000011), true}, /* type 1, G 1: global */
		{UINT64_C(0x0000000000070021), true}, /* domain 7 */
		{UINT64_C(0x0000000000080021), false},
		{UINT64_C(0x0000002800070031), true}, /* device 00:05.0 of domain 7 */
		{UINT64_C(0x0000003000070031), false},
		{UINT64_C(0x0000002C00070031), false},
		{UINT64_C(0x0001002C00070031), true},  /* FM 1 */
		{UINT64_C(0x0003002F00070031), true},  /* FM 3 */
		{UINT64_C(0x0000000000000012), false}, /* the IOTLB is another cache */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrig_free(&rig);
		(void)setup_queue(NULL);
		vrig_map(&rig, 0, 0x80000, 3);
		assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
		vrig_context(&rig, VRIG_SID, 0, 0);
		vrig_desc(&rig, 0, cases[i].lo, 0);
		vrig_ring(&rig, 1);
		assert_int_equal(vrig_reaches(&rig, 0) == UINT64_MAX, cases[i].taken);
	}
}

static void malformed_descriptors_stop_the_queue_with_their_code(void **state)
{
	static const struct {
		uint64_t lo, hi;
		unsigned code;
	} cases[] = {
		{0x0, 0, 3}, /* type 0 */
		{0x4, 0, 3}, /* interrupt entries: no IR */
		{0x6, 0, 3}, /* PASIDs: no scalable mode */
		{0xF, 0, 3},
		{0x01, 0, 4},                          /* context, G 0 */
		{0x11 | 1 << 6, 0, 4},                 /* 15:6 */
		{0x11 | UINT64_C(1) << 50, 0, 4},      /* 63:50 */
		{0x11, 1, 4},                          /* upper half */
		{0x02, 0, 4},                          /* IOTLB, G 0 */
		{0x12 | 1 << 8, 0, 4},                 /* 15:8 */
		{0x12 | UINT64_C(1) << 32, 0, 4},      /* 63:32 */
		{0x12, 1 << 7, 4},                     /* 75:71 */
		{0x32, 19, 4},                         /* AM above MAMV */
		{0x03 | 1 << 4, 0, 4},                 /* device-TLB 11:4 */
		{0x03 | 1 << 21, 0, 4},                /* 31:21 */
		{0x03, 2, 4},                          /* 75:65 */
		{0x25 | 1 << 7, STATUS, 4},            /* wait, PD without PRS */
		{0x25 | UINT64_C(1) << 31, STATUS, 4}, /* 31:7 */
		{0x25, STATUS | 1, 4},                 /* 65:64 */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrig_desc(&rig, 0, 0x12, 0);
		vrig_desc(&rig, 1, cases[i].lo, cases[i].hi);
		put_wait(2, 0x100 + i);
		vrig_ring(&rig, 3);
		assert_int_equal(head(), 16);
		assert_int_equal(vrig_readl(&rig, 0x34), IQE);
		assert_int_equal(vrig_readq(&rig, 0xB0), cases[i].code);
		assert_int_equal(vrig_readl(&rig, 0x38), 0xC0000000); /* a fault event */
		assert_int_not_equal(status_word(), 0x100 + i);
		/* repair, clear: it goes on without another ring */
		vrig_desc(&rig, 1, 0x12, 0);
		vrig_writel(&rig, 0x34, IQE);
		assert_int_equal(head(), 48);
		assert_int_equal(vrig_readl(&rig, 0x34), 0);
		assert_int_equal(vrig_readq(&rig, 0xB0), 0);
		assert_int_equal(vrig_readl(&rig, 0x38), 0x80000000);
		assert_int_equal(status_word(), 0x100 + i);
		/* off and on again: head and tail are 0 */
		vrig_writel(&rig, 0x18, 0x80000000);
		vrig_queue(&rig);
		assert_int_equal(head(), 0);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_queue, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(iotlb_descriptors_are_decoded),
		CASE(context_descriptors_are_decoded),
		CASE(malformed_descriptors_stop_the_queue_with_their_code),
	};

	return cmocka_run_group_tests_name("hw/vtd_descriptors", tests, NULL, NULL);
}

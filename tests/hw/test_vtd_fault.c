// SPDX-License-Identifier: MIT
/*
 * How a VT-d unit reports faults: the record's fields, one pending record per requester, the ring
 * of records and its overflow, FSTS, and the fault event with its mask and its pending bit.
 */
#include "vtd_rig.h"

#define FECTL_IM 0x80000000u
#define FECTL_IP 0x40000000u

static struct vrig rig;

static void make(unsigned records)
{
	struct vtd_config config = vtd_xeon;

	config.fault_records = records;
	vrig_make(&rig, &config, NULL, false);
	vrig_standard(&rig);
}

static int setup(void **state)
{
	(void)state;
	make(4);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vrig_free(&rig);
	return 0;
}

static uint64_t record_hi(unsigned n)
{
	return vrig_readq(&rig, 0x108 + 16 * n);
}

/* Requester @sid, which has no context entry, reads: reason 2. */
static void fault_of(uint16_t sid)
{
	assert_int_equal(vrig_dma(&rig, sid, 0x5000, IOTOLL_READ, NULL), -1);
}

static void record_says_who_where_how_and_why(void **state)
{
	(void)state;
	assert_int_equal(vrig_dma(&rig, VRIG_SID, UINT64_C(0x123456789ABC), IOTOLL_READ, NULL), -1);
	assert_int_equal(vrig_readq(&rig, 0x100), UINT64_C(0x123456789000)); /* 63:12 */
	/* F 63, T 62 (read), FR 39:32 = 6, SID 15:0 */
	assert_int_equal(record_hi(0), UINT64_C(0xC000000600000028));
	assert_int_equal(vrig_readl(&rig, 0x10C), 0xC0000006);
	assert_int_equal(rig.faults, 1);
	assert_int_equal(rig.fault_devid, VRIG_SID);
	assert_int_equal(rig.fault_iova, UINT64_C(0x123456789ABC));
	assert_int_equal(vrig_take_fault(&rig, 0), 6);
	/* what is in a record besides F stays until it is used again */
	assert_int_equal(record_hi(0), UINT64_C(0x4000000600000028));
	assert_int_equal(vrig_dma(&rig, VRIG_SID, 0x2000, IOTOLL_WRITE, NULL), -1);
	assert_int_equal(record_hi(1), UINT64_C(0x8000000500000028));
	assert_int_equal(vrig_readq(&rig, 0x110), 0x2000);
}

static void second_fault_of_a_pending_requester_is_dropped(void **state)
{
	(void)state;
	fault_of(0x30);
	fault_of(0x30);
	fault_of(0x31);
	assert_int_equal(record_hi(1) & 0xFFFF, 0x31);
	assert_int_equal(record_hi(2), 0);
	assert_int_equal(rig.faults, 3);
	vrig_writel(&rig, 0x10C, 0x80000000);
	fault_of(0x30); /* acknowledged: again worth a record */
	assert_int_equal(record_hi(2) & 0xFFFF, 0x30);
}

static void status_counts_from_the_first_pending_record(void **state)
{
	(void)state;
	fault_of(0x30);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0002);
	vrig_writel(&rig, 0x34, 0xFFFFFFFF); /* PPF is read only */
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0002);
	assert_int_equal(vrig_take_fault(&rig, 0), 2);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0000);
	fault_of(0x31);
	fault_of(0x32);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0102); /* FRI 1 */
	(void)vrig_take_fault(&rig, 1);
	/* FRI is that of the record that set PPF, as long as PPF is set */
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0102);
	(void)vrig_take_fault(&rig, 2);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0000);
	fault_of(0x33);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0302);
}

static void overflow_sticks_until_software_clears_it(void **state)
{
	struct vtd_stats stats;

	(void)state;
	for (uint16_t sid = 0x30; sid < 0x34; sid++)
		fault_of(sid);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0002);
	fault_of(0x34); /* the fifth of four */
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0003);
	vrig_writel(&rig, 0x10C, 0x80000000);
	fault_of(0x35); /* a record is free, but PFO is set */
	assert_int_equal(record_hi(0), UINT64_C(0x4000000200000030));
	vrig_writel(&rig, 0x34, 1);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0002);
	fault_of(0x35); /* the ring goes on where it was: record 0 */
	assert_int_equal(record_hi(0), UINT64_C(0xC000000200000035));
	vtd_stats(rig.iommu, &stats);
	assert_int_equal(stats.faults, 7);
	assert_int_equal(stats.recorded, 5);
	assert_int_equal(stats.lost, 2);
}

static void ring_does_not_skip_a_pending_record(void **state)
{
	(void)state;
	for (uint16_t sid = 0x30; sid < 0x34; sid++)
		fault_of(sid);
	vrig_writel(&rig, 0x11C, 0x80000000); /* record 1 is free, record 0 is next */
	fault_of(0x35);
	assert_int_equal(vrig_readl(&rig, 0x34) & 1, 1);
	assert_int_equal(record_hi(1) >> 63, 0);
}

static void single_record_works_like_a_ring(void **state)
{
	(void)state;
	vrig_free(&rig);
	make(1);
	fault_of(0x30);
	fault_of(0x31);
	assert_int_equal(vrig_readl(&rig, 0x34), 0x0003);
	assert_int_equal(vrig_take_fault(&rig, 0), 2);
	fault_of(0x31);
	assert_int_equal(record_hi(0) & 0xFFFF, 0x31);
}

/* ---- the event ---- */

static void masked_event_stays_pending_until_unmasked(void **state)
{
	(void)state;
	vrig_writel(&rig, 0x3C, 0x4041);
	vrig_writel(&rig, 0x40, 0xFEE00018);
	fault_of(0x30);
	assert_int_equal(vrig_readl(&rig, 0x38), FECTL_IM | FECTL_IP);
	assert_int_equal(rig.interrupts, 0);
	vrig_writel(&rig, 0x38, 0);
	assert_int_equal(vrig_readl(&rig, 0x38), 0);
	assert_int_equal(rig.interrupts, 1);
	assert_int_equal(rig.message_address, 0xFEE00018);
	assert_int_equal(rig.message_data, 0x4041);
	vrig_writel(&rig, 0x38, 0);
	assert_int_equal(rig.interrupts, 1);
}

static void unmasked_event_is_sent_once_per_set_of_conditions(void **state)
{
	(void)state;
	vrig_writel(&rig, 0x38, 0);
	for (uint16_t sid = 0x30; sid < 0x35; sid++)
		fault_of(sid); /* four records and an overflow */
	assert_int_equal(rig.interrupts, 1);
	assert_int_equal(vrig_readl(&rig, 0x38), 0);
	for (unsigned n = 0; n < 4; n++)
		vrig_writel(&rig, 0x10C + 16 * n, 0x80000000);
	fault_of(0x36); /* PFO still stands: no news, and no record */
	assert_int_equal(rig.interrupts, 1);
	vrig_writel(&rig, 0x34, 1);
	fault_of(0x36);
	assert_int_equal(rig.interrupts, 2);
}

static void pending_event_goes_when_its_causes_are_cleared(void **state)
{
	(void)state;
	for (uint16_t sid = 0x30; sid < 0x35; sid++)
		fault_of(sid);
	for (unsigned n = 0; n < 4; n++)
		vrig_writel(&rig, 0x10C + 16 * n, 0x80000000);
	assert_int_equal(vrig_readl(&rig, 0x38), FECTL_IM | FECTL_IP); /* PFO is left */
	vrig_writel(&rig, 0x34, 1);
	assert_int_equal(vrig_readl(&rig, 0x38), FECTL_IM);
	vrig_writel(&rig, 0x38, 0);
	assert_int_equal(rig.interrupts, 0);
}

/* ---- fault processing disable ---- */

static unsigned reason_with_fpd(uint64_t lo, uint64_t hi, uint64_t iova)
{
	vrig_context(&rig, VRIG_SID, lo | 2, hi);
	vrig_flush(&rig);
	assert_int_not_equal(vrig_dma(&rig, VRIG_SID, iova, IOTOLL_READ, NULL), 0);
	for (unsigned n = 0; n < 4; n++)
		if (record_hi(n) >> 63 != 0)
			return vrig_take_fault(&rig, n);
	return 0;
}

static void fpd_hides_what_the_context_entry_can_hide(void **state)
{
	(void)state;
	assert_int_equal(reason_with_fpd(VRIG_L4, 0x702, 0), 0);     /* 2: even without P */
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x700, 0), 0); /* 3 */
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, UINT64_C(1) << 50), 0); /* 4 */
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, 0), 0);                 /* 6 */
	vrig_poke(&rig, VRIG_L1, 0x80003 | UINT64_C(1) << 50);
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, 0), 0); /* C */
	vrig_poke(&rig, VRIG_L2, VRIG_OUTSIDE | 3);
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, 0), 0); /* 7 */
	assert_int_equal(vrig_readl(&rig, 0x34), 0);
	assert_int_equal(rig.faults, 6); /* whoever watches is told all the same */
	/* 1, 8, 9 and A come before there is a context entry. */
	vrig_poke(&rig, VRIG_ROOT, VRIG_OUTSIDE | 1);
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, 0), 9);
	vrig_poke(&rig, VRIG_ROOT, VRIG_CONTEXT | 3);
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, 0), 0xA);
	vrig_poke(&rig, VRIG_ROOT, 0);
	assert_int_equal(reason_with_fpd(VRIG_L4 | 1, 0x702, 0), 1);
}

static void latched_tells_status_and_first_record(void **state)
{
	uint64_t status, detail;

	(void)state;
	rig.iommu->ops->latched(rig.iommu, 0, &status, &detail);
	assert_int_equal(status + detail, 0);
	fault_of(0x30);
	fault_of(0x31);
	rig.iommu->ops->latched(rig.iommu, 0, &status, &detail);
	assert_int_equal(status, 2);
	assert_int_equal(detail, UINT64_C(0xC000000200000030));
	rig.iommu->ops->latched(rig.iommu, 1, &status, &detail);
	assert_int_equal(status + detail, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(record_says_who_where_how_and_why),
		CASE(second_fault_of_a_pending_requester_is_dropped),
		CASE(status_counts_from_the_first_pending_record),
		CASE(overflow_sticks_until_software_clears_it),
		CASE(ring_does_not_skip_a_pending_record),
		CASE(single_record_works_like_a_ring),
		CASE(masked_event_stays_pending_until_unmasked),
		CASE(unmasked_event_is_sent_once_per_set_of_conditions),
		CASE(pending_event_goes_when_its_causes_are_cleared),
		CASE(fpd_hides_what_the_context_entry_can_hide),
		CASE(latched_tells_status_and_first_record),
	};

	return cmocka_run_group_tests_name("hw/vtd_fault", tests, NULL, NULL);
}

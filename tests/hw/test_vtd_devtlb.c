// SPDX-License-Identifier: MIT
/*
 * What VT-d's invalidation queue does about devices that have caches of their own: requests, waits,
 * completions, tags and time-outs.
 */
#include "vtd_ats_fixture.h"

static uint64_t head(void)
{
	return vrig_readq(&rig, 0x80);
}

static uint32_t word(uint64_t at)
{
	return (uint32_t)vrig_peek(&rig, at);
}

/* Wait, SW, @data to @at. */
static void put_wait(unsigned slot, uint32_t data, uint64_t at)
{
	vrig_desc(&rig, slot, (uint64_t)data << 32 | 0x25, at);
}

/* Device-TLB descriptor, type 3: MaxInvsPend 20:16, SID 47:32. */
static void put_devtlb(unsigned slot, uint16_t sid, unsigned depth, uint64_t hi)
{
	vrig_desc(&rig, slot, 3 | (uint64_t)depth << 16 | (uint64_t)sid << 32, hi);
}

static void a_wait_is_over_when_every_device_has_completed(void **state)
{
	(void)state;
	put_devtlb(0, VRIG_SID, 0, 0x5000);
	put_devtlb(1, 0x0100, 0, 0x7001); /* S: bits 14:12 = 111: 64 KiB from 0 */
	put_wait(2, 5, STATUS);
	put_wait(3, 6, STATUS2);
	vrig_ring(&rig, 4);
	assert_int_equal(fabric.sent, 2);
	assert_int_equal(fabric.log[0].devid, VRIG_SID);
	assert_int_equal(fabric.log[0].payload, 0x5000);
	assert_int_equal(fabric.log[1].devid, 0x0100);
	assert_int_equal(fabric.log[1].payload, 0x7800); /* the message has S in bit 11 */
	assert_int_not_equal(fabric.log[0].itag, fabric.log[1].itag);
	assert_int_equal(head(), 48); /* the first wait is fetched, the second is not */
	fabric_complete(&fabric, rig.iommu, 1);
	assert_int_equal(word(STATUS), 0);
	fabric_complete(&fabric, rig.iommu, 0);
	assert_int_equal(word(STATUS), 5);
	assert_int_equal(word(STATUS2), 6);
	assert_int_equal(head(), 64);
	assert_int_equal(fsts(), 0);
}

static void each_traffic_class_completes_by_itself(void **state)
{
	const uint32_t tag = 1;

	(void)state;
	put_devtlb(0, VRIG_SID, 0, 0x5000);
	put_wait(1, 5, STATUS);
	vrig_ring(&rig, 2);
	assert_int_equal(fabric.log[0].itag, 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(word(STATUS), 0);
		ats()->completion(rig.iommu, VRIG_SID, tag, 0); /* CC 0: eight messages */
	}
	assert_int_equal(word(STATUS), 5);
}

static void a_device_answers_from_within_the_request(void **state)
{
	(void)state;
	fabric.prompt = rig.iommu;
	for (unsigned i = 0; i < 40; i++)
		put_devtlb(i, VRIG_SID, 1, i << 12);
	put_wait(40, 5, STATUS);
	vrig_ring(&rig, 41);
	assert_int_equal(fabric.sent, 40);
	assert_int_equal(word(STATUS), 5);
	assert_int_equal(head(), 41 * 16);
}

static void no_more_than_max_invs_pend_are_sent_to_a_device(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		put_devtlb(i, VRIG_SID, 2, i << 12);
	put_wait(4, 5, STATUS);
	vrig_ring(&rig, 5);
	assert_int_equal(fabric.sent, 2);
	assert_int_equal(head(), 32); /* the third is not taken */
	fabric_complete(&fabric, rig.iommu, 1);
	assert_int_equal(fabric.sent, 3);
	fabric_complete(&fabric, rig.iommu, 0);
	fabric_complete(&fabric, rig.iommu, 2);
	assert_int_equal(fabric.sent, 4);
	assert_int_equal(word(STATUS), 0);
	fabric_complete(&fabric, rig.iommu, 3);
	assert_int_equal(word(STATUS), 5);
}

static void thirty_two_are_under_way_at_most_each_with_a_tag_of_its_own(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		put_devtlb(i, (uint16_t)i, 0, 0);
	vrig_ring(&rig, 40);
	assert_int_equal(fabric.sent, 32);
	for (unsigned i = 0; i < 32; i++)
		seen |= UINT32_C(1) << fabric.log[i].itag;
	assert_int_equal(seen, UINT32_MAX);
	assert_int_equal(head(), 32 * 16);
	fabric_complete(&fabric, rig.iommu, 9);
	assert_int_equal(fabric.sent, 33);
	assert_int_equal(fabric.log[32].itag, fabric.log[9].itag); /* the only one free */
}

static void tags_come_back_as_late_as_they_can(void **state)
{
	(void)state;
	fabric.prompt = rig.iommu;
	for (unsigned i = 0; i < 64; i++)
		put_devtlb(i, VRIG_SID, 1, 0);
	vrig_ring(&rig, 64);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(fabric.log[i].itag, i % 32);
}

static void wrong_completions_are_told_and_complete_nothing(void **state)
{
	(void)state;
	put_devtlb(0, VRIG_SID, 0, 0x5000);
	put_wait(1, 5, STATUS);
	vrig_ring(&rig, 2);
	ats()->completion(rig.iommu, VRIG_SID, 2, 1); /* tag 1 was never sent */
	assert_int_equal(fsts(), ICE);
	assert_int_equal(vrig_readq(&rig, 0xB0) >> 48, VRIG_SID); /* ICESID */
	assert_int_equal(vrig_readl(&rig, 0x38), 0xC0000000);     /* a fault event */
	vrig_writel(&rig, 0x34, ICE);
	assert_int_equal(vrig_readq(&rig, 0xB0), 0);
	ats()->completion(rig.iommu, 0x0100, 1, 1); /* another device's tag */
	assert_int_equal(fsts(), ICE);
	assert_int_equal(vrig_readq(&rig, 0xB0) >> 48, 0x0100);
	vrig_writel(&rig, 0x34, ICE);
	ats()->completion(rig.iommu, VRIG_SID, 0, 1); /* of no tag */
	assert_int_equal(fsts(), ICE);
	vrig_writel(&rig, 0x34, ICE);
	ats()->completion(rig.iommu, VRIG_SID, 1, 2); /* the first of two ... */
	ats()->completion(rig.iommu, VRIG_SID, 1, 1); /* ... or the only one? */
	assert_int_equal(fsts(), ICE);
	assert_int_equal(word(STATUS), 0);
	vrig_writel(&rig, 0x34, ICE);
	ats()->completion(rig.iommu, VRIG_SID, 1, 2);
	assert_int_equal(word(STATUS), 5); /* the queue never stopped for it */
	assert_int_equal(fsts(), 0);
}

static void time_out_aborts_the_wait_and_stops_the_queue_until_cleared(void **state)
{
	(void)state;
	put_devtlb(0, VRIG_SID, 0, 0x5000);
	put_wait(1, 5, STATUS);
	put_wait(2, 6, STATUS2);
	vrig_ring(&rig, 3);
	assert_int_equal(head(), 32);
	ats()->time_out(rig.iommu, fabric.log[0].itag);
	assert_int_equal(fsts(), ITE);
	assert_int_equal(vrig_readq(&rig, 0xB0) >> 32 & 0xFFFF, VRIG_SID); /* ITESID */
	assert_int_equal(vrig_readl(&rig, 0x38), 0xC0000000);
	assert_int_equal(head(), 32);           /* nothing is fetched */
	fabric_complete(&fabric, rig.iommu, 0); /* too late, and of no tag in use */
	assert_int_equal(fsts(), ITE | ICE);
	assert_int_equal(word(STATUS), 0);
	vrig_writel(&rig, 0x34, ITE | ICE);
	assert_int_equal(fsts(), 0);
	assert_int_equal(vrig_readq(&rig, 0xB0), 0);
	assert_int_equal(head(), 48);
	assert_int_equal(word(STATUS), 0); /* aborted for good */
	assert_int_equal(word(STATUS2), 6);
	ats()->time_out(rig.iommu, fabric.log[0].itag); /* nothing is outstanding */
	assert_int_equal(fsts(), 0);
}

static void device_that_is_not_there_times_out_at_once(void **state)
{
	(void)state;
	fabric.absent = true;
	put_devtlb(0, 0x0100, 0, 0x5000);
	put_wait(1, 5, STATUS);
	vrig_ring(&rig, 2);
	assert_int_equal(fsts(), ITE);
	assert_int_equal(head(), 16);
	assert_int_equal(word(STATUS), 0);
	vrig_writel(&rig, 0x34, ITE);
	assert_int_equal(word(STATUS), 5);
}

static void reset_forgets_what_is_under_way(void **state)
{
	struct ats_stats stats;

	(void)state;
	put_devtlb(0, VRIG_SID, 0, 0x5000);
	put_wait(1, 5, STATUS);
	vrig_ring(&rig, 2);
	rig.iommu->ops->reset(rig.iommu);
	assert_true(vtd_check(rig.iommu));
	ats()->time_out(rig.iommu, fabric.log[0].itag);
	assert_int_equal(fsts(), 0);
	assert_int_equal(word(STATUS), 0);
	ats()->stats(rig.iommu, &stats);
	assert_int_equal(stats.invalidations, 1);
	assert_int_equal(stats.completed + stats.timed_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_wait_is_over_when_every_device_has_completed),
		CASE(each_traffic_class_completes_by_itself),
		CASE(a_device_answers_from_within_the_request),
		CASE(no_more_than_max_invs_pend_are_sent_to_a_device),
		CASE(thirty_two_are_under_way_at_most_each_with_a_tag_of_its_own),
		CASE(tags_come_back_as_late_as_they_can),
		CASE(wrong_completions_are_told_and_complete_nothing),
		CASE(time_out_aborts_the_wait_and_stops_the_queue_until_cleared),
		CASE(device_that_is_not_there_times_out_at_once),
		CASE(reset_forgets_what_is_under_way),
	};

	return cmocka_run_group_tests_name("hw/vtd_devtlb", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * The invalidation queue: descriptors by their published bits, the order of wait descriptors, and
 * what stops the queue and lets it go on.
 */
#include "vtd_fixture.h"

static void wait_writes_its_status_after_what_precedes_it(void **state)
{
	(void)state;
	vrig_hold_page_0(&rig);
	put_wait(0, 0x11111111);
	vrig_desc(&rig, 1, 0x00070032, 0);
	put_wait(2, 0xCAFEF00D);
	vrig_ring(&rig, 1);
	assert_int_equal(status_word(), 0x11111111);
	assert_false(vrig_page_0_forgotten(&rig));
	vrig_ring(&rig, 3);
	assert_int_equal(status_word(), 0xCAFEF00D);
	assert_int_equal(rig.writes, 2);
	assert_int_equal(rig.written, STATUS);
	assert_true(vrig_page_0_forgotten(&rig));
	/* least significant byte first, four bytes */
	assert_int_equal(rig.bytes[STATUS], 0x0D);
	assert_int_equal(rig.bytes[STATUS + 3], 0xCA);
	assert_int_equal(rig.bytes[STATUS + 4], 0);
}

static void wait_behind_an_error_does_not_complete(void **state)
{
	(void)state;
	vrig_hold_page_0(&rig);
	vrig_desc(&rig, 0, 0x0007003F, 0); /* type 15 */
	put_wait(1, 1);
	vrig_desc(&rig, 2, 0x00070032, 0);
	vrig_ring(&rig, 3);
	assert_int_equal(head(), 0);
	assert_int_equal(rig.writes, 0);
	assert_false(vrig_page_0_forgotten(&rig));
}

static void wait_with_interrupt_sets_its_condition_once(void **state)
{
	(void)state;
	vrig_writel(&rig, 0xA4, 0x0042);
	vrig_writel(&rig, 0xA8, 0xFEE01000);
	vrig_desc(&rig, 0, 0x15, 0); /* IF */
	vrig_desc(&rig, 1, 0x15, 0);
	vrig_ring(&rig, 1);
	assert_int_equal(vrig_readl(&rig, 0x9C), 1);
	assert_int_equal(vrig_readl(&rig, 0xA0), 0xC0000000); /* masked: pending */
	assert_int_equal(rig.interrupts, 0);
	vrig_writel(&rig, 0xA0, 0);
	assert_int_equal(rig.interrupts, 1);
	assert_int_equal(rig.message_address, 0xFEE01000);
	assert_int_equal(rig.message_data, 0x42);
	vrig_ring(&rig, 2); /* IWC is still set: nothing new */
	assert_int_equal(rig.interrupts, 1);
	vrig_writel(&rig, 0x9C, 1);
	assert_int_equal(vrig_readl(&rig, 0x9C), 0);
	vrig_desc(&rig, 2, UINT64_C(7) << 32 | 0x35, STATUS); /* IF and SW */
	vrig_ring(&rig, 3);
	assert_int_equal(rig.interrupts, 2);
	assert_int_equal(status_word(), 7);
}

static void pending_completion_goes_with_its_condition(void **state)
{
	(void)state;
	vrig_desc(&rig, 0, 0x15, 0);
	vrig_ring(&rig, 1);
	vrig_writel(&rig, 0x9C, 1);
	assert_int_equal(vrig_readl(&rig, 0xA0), 0x80000000);
	vrig_writel(&rig, 0xA0, 0);
	assert_int_equal(rig.interrupts, 0);
}

static void wait_may_ask_for_nothing_but_order(void **state)
{
	(void)state;
	vrig_desc(&rig, 0, UINT64_C(9) << 32 | 0x45, STATUS); /* FN, as in "Software Steps for
								 Draining Page Requests" */
	vrig_desc(&rig, 1, 0x05, STATUS);
	vrig_ring(&rig, 2);
	assert_int_equal(head(), 32);
	assert_int_equal(vrig_readl(&rig, 0x34), 0);
	assert_int_equal(rig.writes, 0);
	assert_int_equal(vrig_readl(&rig, 0x9C), 0);
}

static void status_outside_memory_is_lost_and_the_queue_goes_on(void **state)
{
	(void)state;
	vrig_desc(&rig, 0, UINT64_C(9) << 32 | 0x25, VRIG_OUTSIDE);
	vrig_desc(&rig, 1, UINT64_C(9) << 32 | 0x25, UINT64_C(0xFFFFFFFFFFFFFFFC));
	put_wait(2, 3);
	vrig_ring(&rig, 3);
	assert_int_equal(status_word(), 3);
	assert_int_equal(vrig_readl(&rig, 0x34), 0);
}

static void stopped_queue_fetches_nothing_and_stops_again_if_not_repaired(void **state)
{
	unsigned reads;

	(void)state;
	vrig_desc(&rig, 0, 0, 0);
	vrig_ring(&rig, 1);
	reads = rig.reads;
	put_wait(1, 1);
	vrig_ring(&rig, 2);
	assert_int_equal(rig.reads, reads);
	vrig_writel(&rig, 0x34, IQE);
	assert_int_equal(vrig_readl(&rig, 0x34), IQE);
	assert_int_equal(head(), 0);
	assert_int_equal(rig.reads, reads + 1);
}

static void unreadable_queue_stops(void **state)
{
	(void)state;
	vrig_writel(&rig, 0x18, 0x80000000);
	vrig_writeq(&rig, 0x88, 0);
	vrig_writeq(&rig, 0x90, VRIG_OUTSIDE | 7);
	vrig_writel(&rig, 0x18, 0x80000000 | QIE);
	vrig_ring(&rig, 32767);
	assert_int_equal(vrig_readq(&rig, 0xB0), 2);
	assert_int_equal(head(), 0);
}

static void tail_outside_the_queue_stops_it(void **state)
{
	(void)state;
	put_wait(0, 1);
	vrig_ring(&rig, 256); /* of 256 */
	assert_int_equal(vrig_readl(&rig, 0x34), IQE);
	assert_int_equal(vrig_readq(&rig, 0xB0), 1);
	assert_int_equal(rig.writes, 0);
	vrig_ring(&rig, 1);
	vrig_writel(&rig, 0x34, IQE);
	assert_int_equal(status_word(), 1);
}

static void queue_wraps_at_its_size(void **state)
{
	(void)state;
	for (unsigned qs = 0; qs < 3; qs++) {
		unsigned entries = 256u << qs;

		vrig_writel(&rig, 0x18, 0x80000000);
		vrig_writeq(&rig, 0x88, 0);
		vrig_writeq(&rig, 0x90, VRIG_QUEUE | qs);
		vrig_writel(&rig, 0x18, 0x80000000 | QIE);
		for (unsigned i = 0; i < entries; i++)
			put_wait(i, i);
		vrig_ring(&rig, entries - 1);
		assert_int_equal(head(), 16 * (entries - 1));
		assert_int_equal(status_word(), entries - 2);
		put_wait(0, 0xABC);
		vrig_ring(&rig, 1);
		assert_int_equal(head(), 16);
		assert_int_equal(status_word(), 0xABC);
	}
}

static void base_is_latched_when_switched_on(void **state)
{
	(void)state;
	vrig_writeq(&rig, 0x90, 0x50000 | 7);
	assert_int_equal(vrig_readq(&rig, 0x90), 0x50007);
	put_wait(0, 5);
	vrig_ring(&rig, 1);
	assert_int_equal(status_word(), 5);
}

static void tail_is_only_kept_while_off(void **state)
{
	(void)state;
	vrig_writel(&rig, 0x18, 0x80000000);
	assert_int_equal(vrig_readl(&rig, 0x1C) & QIE, 0);
	put_wait(0, 5);
	vrig_ring(&rig, 1);
	assert_int_equal(rig.writes, 0);
	vrig_writel(&rig, 0x18, 0x80000000 | QIE); /* what is there already is carried out */
	assert_int_equal(status_word(), 5);
}

/* A wait descriptor may be told to write over the queue it lies in. */
static void status_over_a_later_descriptor_is_what_is_fetched(void **state)
{
	(void)state;
	vrig_desc(&rig, 0, UINT64_C(0x0000000F) << 32 | 0x25, VRIG_QUEUE + 16);
	put_wait(1, 1);
	vrig_ring(&rig, 2);
	assert_int_equal(head(), 16);
	assert_int_equal(vrig_readq(&rig, 0xB0), 3); /* now of type 15 */
}

/* ---- an interrupt handler that acts at once ---- */

static void ring_again(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
	put_wait(1, 8);
	vrig_ring(&rig, 2);
}

static void switch_off(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	(void)data;
	vrig_writel(&rig, 0x18, 0x80000000);
}

static void handler_may_ring_from_within(void **state)
{
	(void)state;
	rig.iommu->observer.interrupt = ring_again;
	vrig_writel(&rig, 0xA0, 0);
	vrig_desc(&rig, 0, 0x15, 0);
	vrig_ring(&rig, 1);
	assert_int_equal(head(), 32);
	assert_int_equal(status_word(), 8);
}

static void handler_may_switch_off_from_within(void **state)
{
	(void)state;
	rig.iommu->observer.interrupt = switch_off;
	vrig_writel(&rig, 0xA0, 0);
	vrig_desc(&rig, 0, 0x15, 0);
	put_wait(1, 8);
	vrig_ring(&rig, 2);
	assert_int_equal(head(), 0);
	assert_int_equal(rig.writes, 0);
	assert_int_equal(vrig_readl(&rig, 0x1C) & QIE, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_queue, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(wait_writes_its_status_after_what_precedes_it),
		CASE(wait_behind_an_error_does_not_complete),
		CASE(wait_with_interrupt_sets_its_condition_once),
		CASE(pending_completion_goes_with_its_condition),
		CASE(wait_may_ask_for_nothing_but_order),
		CASE(status_outside_memory_is_lost_and_the_queue_goes_on),
		CASE(stopped_queue_fetches_nothing_and_stops_again_if_not_repaired),
		CASE(unreadable_queue_stops),
		CASE(tail_outside_the_queue_stops_it),
		CASE(queue_wraps_at_its_size),
		CASE(base_is_latched_when_switched_on),
		CASE(tail_is_only_kept_while_off),
		CASE(status_over_a_later_descriptor_is_what_is_fetched),
		CASE(handler_may_ring_from_within),
		CASE(handler_may_switch_off_from_within),
	};

	return cmocka_run_group_tests_name("hw/vtd_queue", tests, NULL, NULL);
}

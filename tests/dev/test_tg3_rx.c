/* SPDX-License-Identifier: MIT */
/* The NIC receives: what it puts in memory, byte for byte, and what it does when it cannot. */
#include "nic.h"

static void frame_and_return_descriptor_land_exactly(void **state)
{
	/*
	 * Descriptor 0 as posted: address 0x0000000000100002, index 0, length 1536, flags END,
	 * opaque 0x00010000. Returned: length 64 + 4 FCS = 0x44, the rest the same. Words are
	 * little-endian, the address's high word first.
	 */
	static const uint8_t returned[TG3_RXD_BYTES] = {
		0, 0, 0, 0, 0x02, 0x00, 0x10, 0x00, 0x44, 0, 0, 0, 0x04, 0, 0, 0,
		0, 0, 0, 0, 0,    0,    0,    0,    0,    0, 0, 0, 0,    0, 1, 0};
	uint8_t expected[64 + 4] = {0};
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	memset(rig_at(&nic.rig, NIC_RX), 0xee, 4096);
	nic_post(&nic, 3, 1536);
	nic_run_us(&nic, 5);
	nic_arrive(&nic, 64, 1);
	nic_run_us(&nic, 10);
	nic_pattern(expected, 64, 1);
	assert_memory_equal(rig_at(&nic.rig, NIC_RX + 2), expected, sizeof(expected));
	assert_int_equal(*rig_at(&nic.rig, NIC_RX + 1), 0xee);
	assert_int_equal(*rig_at(&nic.rig, NIC_RX + 2 + sizeof(expected)), 0xee);
	assert_memory_equal(rig_at(&nic.rig, NIC_RET), returned, sizeof(returned));
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 1);
	assert_int_equal(tg3_stats(nic.tg3)->rx_bytes, 68);
	nic_free(&nic);
}

static void full_frame_is_one_write_of_1518_bytes(void **state)
{
	struct nic nic;
	uint64_t before;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 3, 1536);
	nic_run_us(&nic, 5);
	before = bus_stats(nic.rig.bus)->write_bytes;
	nic_arrive(&nic, 1514, 2);
	nic_run_us(&nic, 5);
	assert_int_equal(bus_stats(nic.rig.bus)->write_bytes - before, 1518 + 32);
	assert_int_equal(nic_returned(&nic, 0).bytes, 1518);
	nic_free(&nic);
}

static void descriptors_are_fetched_ahead_in_batches_of_the_threshold(void **state)
{
	const struct tg3_stats *s;
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	s = tg3_stats(nic.tg3);
	nic_post(&nic, 200, 1536);
	nic_run_us(&nic, 10);
	assert_int_equal(s->rx_descriptor_fetches, 1);
	assert_int_equal(s->rx_descriptors, 50);
	assert_int_equal(nic_read(&nic, TG3_RCVDBDI_STD_CONS), 50);
	for (unsigned i = 0; i < 24; i++) {
		nic_arrive(&nic, 100, i);
		nic_run_us(&nic, 3);
	}
	assert_int_equal(s->rx_descriptors, 50);
	nic_arrive(&nic, 100, 24); /* the 25th used: 25 are left, time for the next batch */
	nic_run_us(&nic, 10);
	assert_int_equal(s->rx_descriptor_fetches, 2);
	assert_int_equal(s->rx_descriptors, 75);
	assert_int_equal(s->rx_frames, 25);
	nic_free(&nic);
}

static void rings_wrap_without_losing_or_repeating_a_frame(void **state)
{
	struct nic nic;
	uint8_t expected[80];

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 200, 1536);
	nic_run_us(&nic, 10);
	for (unsigned i = 0; i < 2500; i++) {
		struct tg3_rxd d;

		nic_arrive(&nic, 80, i);
		nic_run_us(&nic, 3);
		d = nic_returned(&nic, i % TG3_RET_ENTRIES);
		assert_int_equal(d.opaque, TG3_RXD_OPAQUE_RING_STD | (i % TG3_STD_ENTRIES));
		assert_int_equal(d.errors, 0);
		nic_pattern(expected, 80, i);
		assert_memory_equal(rig_at(&nic.rig, d.addr), expected, 80);
		nic_write(&nic, TG3_MBOX_RET_CONS + TG3_MBOX_LOW, (i + 1) % TG3_RET_ENTRIES);
		nic_post(&nic, 1, 1536);
	}
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 2500);
	assert_int_equal(nic_status(&nic).rx_producer, 2500 % TG3_RET_ENTRIES);
	nic_free(&nic);
}

static void without_descriptors_frames_wait_on_chip_and_then_drop(void **state)
{
	/* 43 frames of 1518 bytes fit in 64 KiB. */
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	for (unsigned i = 0; i < 50; i++)
		nic_arrive(&nic, 1514, i);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 0);
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_no_descriptor, 7);
	nic_post(&nic, 60, 1536);
	nic_run_us(&nic, 500);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 43);
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_full, 0);
	nic_free(&nic);
}

static void full_return_ring_stops_the_nic_until_the_driver_consumes(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_sram_write(&nic, TG3_SRAM_RET_RCB + TG3_RCB_MAXLEN_FLAGS, 8 << TG3_RCB_MAXLEN_SHIFT);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	for (unsigned i = 0; i < 10; i++)
		nic_arrive(&nic, 100, i);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 7);
	nic_write(&nic, TG3_MBOX_RET_CONS + TG3_MBOX_LOW, 7);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 10);
	assert_int_equal(nic_status(&nic).rx_producer, 2);
	nic_free(&nic);
}

static void frame_for_another_station_is_not_taken_unless_promiscuous(void **state)
{
	static const uint8_t other[6] = {2, 0, 0, 0, 0, 9};
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 10, 1536);
	for (unsigned pass = 0; pass < 2; pass++) {
		struct frame *frame = frame_get(nic.pool);

		memset(frame->data, 0, 64);
		memcpy(frame->data, other, 6);
		frame->bytes = 64;
		tg3_receive(nic.tg3, frame);
		frame = frame_get(nic.pool);
		memset(frame->data, 0xff, 64);
		frame->bytes = 64;
		tg3_receive(nic.tg3, frame);
		nic_run_us(&nic, 20);
		assert_int_equal(tg3_stats(nic.tg3)->rx_frames, pass ? 3 : 1);
		nic_write(&nic, TG3_MAC_RX_MODE, TG3_MODE_ENABLE | TG3_MAC_RX_MODE_PROMISC);
	}
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_filter, 1);
	assert_int_equal(tg3_stats(nic.tg3)->rx_broadcast, 2);
	nic_free(&nic);
}

static void frame_longer_than_the_mtu_register_or_the_buffer_is_dropped(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 2, 200);
	nic_arrive(&nic, 1515, 0); /* 1519 with FCS */
	nic_arrive(&nic, 197, 0);  /* 201 */
	nic_arrive(&nic, 196, 3);
	nic_run_us(&nic, 20);
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_long, 2);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 1);
	assert_int_equal(nic_returned(&nic, 0).errors, TG3_RXD_ERR_HUGE_FRAME);
	assert_true(nic_returned(&nic, 0).flags & TG3_RXD_FLAG_ERROR);
	assert_int_equal(nic_returned(&nic, 1).bytes, 200);
	nic_free(&nic);
}

static void refused_buffer_loses_its_frame_but_returns_its_descriptor(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	rig_map(&nic.rig, NIC_RX / 4096, NIC_RX, IOTOLL_READ); /* buffers 0 and 1 */
	nic_post(&nic, 4, 1536);
	for (unsigned i = 0; i < 3; i++)
		nic_arrive(&nic, 100, i);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_dma, 2);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 1);
	assert_int_equal(tg3_stats(nic.tg3)->dma_errors_write, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(nic_returned(&nic, i).flags,
				 TG3_RXD_FLAG_END | TG3_RXD_FLAG_ERROR);
		assert_int_equal(nic_returned(&nic, i).opaque, TG3_RXD_OPAQUE_RING_STD | i);
	}
	assert_int_equal(nic_returned(&nic, 2).flags, TG3_RXD_FLAG_END);
	assert_int_equal(nic_read(&nic, TG3_WDMAC_STATUS), TG3_DMAC_TGTABORT);
	assert_true(nic_status(&nic).status & TG3_STATUS_ERROR);
	nic_write(&nic, TG3_WDMAC_STATUS, TG3_DMAC_TGTABORT);
	assert_int_equal(nic_read(&nic, TG3_WDMAC_STATUS), 0);
	nic_arrive(&nic, 100, 9);
	nic_run_us(&nic, 100);
	assert_false(nic_status(&nic).status & TG3_STATUS_ERROR);
	nic_free(&nic);
}

static void refused_descriptor_fetch_is_tried_again_at_the_next_doorbell(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	rig_map(&nic.rig, NIC_STD / 4096, NIC_STD, 0);
	nic_post(&nic, 4, 1536);
	nic_arrive(&nic, 100, 1);
	nic_run_us(&nic, 1000);
	assert_int_equal(tg3_stats(nic.tg3)->dma_errors_read, 1); /* and not for ever */
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 0);
	rig_map(&nic.rig, NIC_STD / 4096, NIC_STD, IOTOLL_READ);
	nic_post(&nic, 1, 1536);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 1);
	nic_free(&nic);
}

static void refused_rings_and_status_block_neither_crash_nor_spin(void **state)
{
	struct nic nic;
	uint64_t events;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	for (unsigned page = 0; page < RIG_PAGES; page++)
		rig_map(&nic.rig, page, 0, 0);
	for (unsigned i = 0; i < 30; i++)
		nic_arrive(&nic, 1514, i);
	nic_run_us(&nic, 2000);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 0);
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_dma, 30);
	assert_int_equal(tg3_stats(nic.tg3)->interrupts, 0);
	events = sim_events(nic.rig.sim);
	nic_run_us(&nic, 10000);
	assert_int_equal(sim_events(nic.rig.sim), events);
	nic_free(&nic);
}

static void bus_shut_off_silences_the_nic_until_a_reset(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	nic_arrive(&nic, 1514, 1);
	nic.rig.fake.dead = true;
	nic_run_us(&nic, 100);
	nic_arrive(&nic, 1514, 2);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_drop_disabled, 1);
	assert_int_equal(tg3_stats(nic.tg3)->interrupts, 0);
	nic.rig.fake.dead = false;
	nic_write(&nic, TG3_GRC_MISC_CFG, TG3_GRC_MISC_CFG_CORECLK_RESET);
	assert_int_equal(nic_read(&nic, TG3_MAC_RX_MODE), 0);
	nic_setup(&nic);
	nic_post(&nic, 100, 1536);
	nic_arrive(&nic, 1514, 3);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->rx_frames, 1);
	nic_free(&nic);
}

static void reset_in_mid_flight_leaks_nothing(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 100, 1536);
	for (unsigned ns = 0; ns < 4000; ns += 130) {
		for (unsigned i = 0; i < 3; i++)
			nic_arrive(&nic, 1514, i);
		assert_int_equal(sim_run(nic.rig.sim, sim_now(nic.rig.sim) + ns * SIM_NS), 0);
		nic_write(&nic, TG3_GRC_MISC_CFG, TG3_GRC_MISC_CFG_CORECLK_RESET);
		assert_int_equal(frame_pool_used(nic.pool), 0);
		assert_int_equal(nic.rig.fake.outstanding, 0);
		nic_setup(&nic);
		nic_post(&nic, 100, 1536);
	}
	nic_free(&nic);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_and_return_descriptor_land_exactly),
		cmocka_unit_test(full_frame_is_one_write_of_1518_bytes),
		cmocka_unit_test(descriptors_are_fetched_ahead_in_batches_of_the_threshold),
		cmocka_unit_test(rings_wrap_without_losing_or_repeating_a_frame),
		cmocka_unit_test(without_descriptors_frames_wait_on_chip_and_then_drop),
		cmocka_unit_test(full_return_ring_stops_the_nic_until_the_driver_consumes),
		cmocka_unit_test(frame_for_another_station_is_not_taken_unless_promiscuous),
		cmocka_unit_test(frame_longer_than_the_mtu_register_or_the_buffer_is_dropped),
		cmocka_unit_test(refused_buffer_loses_its_frame_but_returns_its_descriptor),
		cmocka_unit_test(refused_descriptor_fetch_is_tried_again_at_the_next_doorbell),
		cmocka_unit_test(refused_rings_and_status_block_neither_crash_nor_spin),
		cmocka_unit_test(bus_shut_off_silences_the_nic_until_a_reset),
		cmocka_unit_test(reset_in_mid_flight_leaks_nothing),
	};

	return cmocka_run_group_tests_name("dev/tg3_rx", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The multi-queue NIC's registers, receiving and interrupts, byte by byte. */
#include "mqbench.h"

static void registers_read_back_what_can_be_set_and_nothing_else(void **state)
{
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	assert_int_equal(mq_read(&b, MQNIC_ID), 0x434e514d); /* "MQNC" */
	assert_int_equal(mq_read(&b, MQNIC_CAPS), 9000u << 16 | 13 << 8 | 2);
	assert_int_equal(mq_read(&b, MQNIC_MAC_HIGH), 0x0200);
	assert_int_equal(mq_read(&b, MQNIC_MAC_LOW), 0x00000001);
	mq_write(&b, MQNIC_ID, 0);
	assert_int_equal(mq_read(&b, MQNIC_ID), 0x434e514d);
	mq_write(&b, MQNIC_MTU, 0x12345678);
	assert_int_equal(mq_read(&b, MQNIC_MTU), 0x5678);
	mq_write(&b, mq_reg(1, MQNIC_Q_RX_MODER), 0xffffffff);
	assert_int_equal(mq_read(&b, mq_reg(1, MQNIC_Q_RX_MODER)), 0xffffffff);
	assert_int_equal(mqnic_stats(b.nic)->unknown_accesses, 0);
	mq_write(&b, mq_reg(2, MQNIC_Q_RX_MODER), 1); /* there are two queues */
	mq_write(&b, 0x20, 1);
	mmio_write(&b.regs, NULL, MQNIC_MTU, 1, 2);
	assert_int_equal(mmio_read(&b.regs, NULL, MQNIC_END, 8), 0);
	assert_int_equal(mqnic_stats(b.nic)->unknown_accesses, 5);
	mq_write(&b, MQNIC_CONTROL, MQNIC_CONTROL_RESET);
	assert_int_equal(mq_read(&b, MQNIC_CONTROL), 0);
	assert_int_equal(mq_read(&b, MQNIC_MTU), 1500);
	assert_int_equal(mq_read(&b, mq_reg(0, MQNIC_Q_SIZES)), 0);
	mq_free(&b);
}

static void a_frame_is_written_to_the_oldest_entry_and_its_completion_behind(void **state)
{
	struct mqbench b;
	uint8_t payload[1000];
	const uint8_t *cqe;

	(void)state;
	mq_make(&b, 0);
	mq_post(&b, 0, MQ_BUFFERS, 2048);
	mq_post(&b, 0, MQ_BUFFERS + 2048, 2048);
	mq_arrive(&b, 40000, sizeof(payload), 3);
	rig_run_us(&b.rig, 20);
	mq_pattern(payload, sizeof(payload), 3);
	assert_memory_equal(rig_at(&b.rig, MQ_BUFFERS + SEGMENT_HEADER_BYTES), payload,
			    sizeof(payload));
	assert_int_equal(*rig_at(&b.rig, MQ_BUFFERS + 1054), 0);
	assert_int_equal(*rig_at(&b.rig, MQ_BUFFERS + 2048), 0);
	/* little-endian: hash 4, bytes 4, counter 2, error, opcode; the owner is the last byte */
	cqe = rig_at(&b.rig, MQ_RX_CQ);
	assert_int_equal(mqnic_get32(cqe + 4), 1054);
	assert_int_equal(mqnic_get16(cqe + 8), 0);
	assert_int_equal(cqe[10], 0);
	assert_int_equal(cqe[11], 2);
	assert_int_equal(cqe[63], 1);
	assert_int_equal(rig_at(&b.rig, MQ_RX_CQ + 64)[63], 0);
	mq_arrive(&b, 40000, 10, 4);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mq_rx_cqe(&b, 0, 1).counter, 1);
	assert_int_equal(mq_rx_cqe(&b, 0, 1).bytes, 64);
	assert_int_equal(mqnic_stats(b.nic)->rx_frames, 2);
	mq_free(&b);
}

static void the_owner_bit_turns_with_every_lap(void **state)
{
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	for (unsigned i = 0; i < 3 * MQ_ENTRIES; i++) {
		mq_post(&b, 0, MQ_BUFFERS + i % MQ_ENTRIES * 2048, 2048);
		mq_arrive(&b, 40000, i, i);
		rig_run_us(&b.rig, 10);
		assert_int_equal(mq_rx_cqe(&b, 0, i).owner, i / MQ_ENTRIES != 1);
		assert_int_equal(mq_rx_cqe(&b, 0, i).counter, i);
		assert_int_equal(mq_rx_cqe(&b, 0, i).bytes, 54 + i);
	}
	mq_free(&b);
}

static void a_frame_fills_the_pieces_of_its_entry_one_after_the_other(void **state)
{
	const struct mqnic_piece second = {.bytes = 2048, .key = MQNIC_KEY, .addr = MQ_DATA};
	struct mqbench b;
	uint8_t payload[1446];

	(void)state;
	mq_make(&b, 0);
	mq_post(&b, 0, MQ_BUFFERS + 0xf80, 200); /* across a page */
	mqnic_piece_pack(rig_at(&b.rig, MQ_RX + 16), &second);
	mq_arrive(&b, 40000, sizeof(payload), 9);
	rig_run_us(&b.rig, 20);
	mq_pattern(payload, sizeof(payload), 9);
	assert_memory_equal(rig_at(&b.rig, MQ_BUFFERS + 0xf80 + 54), payload, 146);
	assert_int_equal(*rig_at(&b.rig, MQ_BUFFERS + 0xf80 + 200), 0);
	assert_memory_equal(rig_at(&b.rig, MQ_DATA), payload + 146, 1300);
	assert_int_equal(mq_rx_cqe(&b, 0, 0).bytes, 1500);
	mq_free(&b);
}

static void flows_go_to_the_queue_that_hash_and_table_say(void **state)
{
	struct mqbench b;
	uint8_t input[SEGMENT_RSS_INPUT_BYTES];
	uint32_t hash;

	(void)state;
	mq_make(&b, 0);
	segment_put32(input, 0x0a000002);
	segment_put32(input + 4, 0x0a000001);
	segment_put16(input + 8, 40123);
	segment_put16(input + 10, 5001);
	hash = segment_rss_hash(segment_rss_key, input);
	mq_write(&b, MQNIC_RSS_TABLE + hash % 128 / 4 * 4, 1u << hash % 4 * 8);
	mq_post(&b, 0, MQ_BUFFERS, 2048);
	mq_post(&b, 1, MQ_BUFFERS + 2048, 2048);
	mq_arrive(&b, 40123, 100, 1);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mq_rx_cqe(&b, 1, 0).owner, 1);
	assert_int_equal(mq_rx_cqe(&b, 1, 0).hash, hash);
	assert_int_equal(mq_rx_cqe(&b, 0, 0).owner, 0);
	mq_free(&b);
}

static void frames_are_dropped_for_a_reason_each(void **state)
{
	struct mqbench b;
	const struct mqnic_stats *s;
	struct frame *frame;

	(void)state;
	mq_make(&b, 16384);
	s = mqnic_stats(b.nic);
	mq_arrive(&b, 40000, 100, 1); /* nothing posted */
	rig_run_us(&b.rig, 20);
	assert_int_equal(s->rx_drop_no_descriptor, 1);
	mq_arrive(&b, 40000, 1461, 1);
	assert_int_equal(s->rx_drop_long, 1);
	frame = frame_get(b.pool);
	memset(frame->data, 0, 60);
	frame->bytes = 60;
	mqnic_receive(b.nic, frame);
	assert_int_equal(s->rx_drop_filter, 1);
	for (unsigned i = 0; i < 11; i++) /* 1514 bytes each, 16384 on chip */
		mq_arrive(&b, 40000, 1460, 1);
	assert_int_equal(s->rx_drop_full, 1);
	rig_run_us(&b.rig, 50);
	assert_int_equal(s->rx_drop_no_descriptor, 11);
	mq_post(&b, 0, MQ_BUFFERS, 100);
	mq_arrive(&b, 40000, 1460, 1); /* longer than the buffer */
	rig_run_us(&b.rig, 20);
	assert_int_equal(s->rx_drop_long, 2);
	assert_int_equal(mq_rx_cqe(&b, 0, 0).opcode, MQNIC_CQE_RX | MQNIC_CQE_ERROR);
	assert_int_equal(mq_rx_cqe(&b, 0, 0).error, MQNIC_ERROR_LENGTH);
	assert_int_equal(*rig_at(&b.rig, MQ_BUFFERS), 0);
	mq_write(&b, mq_reg(0, MQNIC_Q_CONTROL), 0);
	mq_arrive(&b, 40000, 100, 1);
	assert_int_equal(s->rx_drop_disabled, 1);
	mq_free(&b);
}

static void the_buffer_on_chip_fills_while_writes_wait_for_the_iommu(void **state)
{
	struct mqbench b;

	(void)state;
	mq_make(&b, 1u << 20);
	for (unsigned i = 0; i < MQ_ENTRIES; i++)
		mq_post(&b, 0, MQ_BUFFERS + i * 4096, 2048); /* a walk each */
	for (unsigned i = 0; i < MQ_ENTRIES; i++)
		mq_arrive(&b, 40000, 10, i);
	rig_run_us(&b.rig, 100);
	/* all waited for the ring's fetch, and most for walks; all came through */
	assert_int_equal(mqnic_stats(b.nic)->rx_buffer_peak, MQ_ENTRIES * 64);
	assert_int_equal(mqnic_stats(b.nic)->rx_frames, MQ_ENTRIES);
	assert_true(mqnic_pcie_stats(b.nic)->credit_stalls > 0);
	mq_free(&b);
}

/* An interrupt for each arming; when the count or the time is reached, counted from what was seen.
 */
static void interrupts_come_once_an_arming_and_moderated(void **state)
{
	const struct mqnic_stats *s;
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	s = mqnic_stats(b.nic);
	mq_write(&b, mq_reg(0, MQNIC_Q_RX_MODER), 30 | 3u << 16); /* 30 us or 3 */
	for (unsigned i = 0; i < 12; i++)
		mq_post(&b, 0, MQ_BUFFERS + i * 2048, 2048);
	mq_arrive(&b, 40000, 100, 1);
	rig_run_us(&b.rig, 100);
	assert_int_equal(s->interrupts, 0); /* not armed */
	mq_write(&b, mq_reg(0, MQNIC_Q_ARM), 0);
	rig_run_us(&b.rig, 29);
	assert_int_equal(s->interrupts, 0);
	rig_run_us(&b.rig, 2);
	assert_int_equal(s->interrupts, 1); /* the one that was there */
	rig_run_us(&b.rig, 100);
	assert_int_equal(s->interrupts, 1);
	mq_write(&b, mq_reg(0, MQNIC_Q_ARM), 1);
	for (unsigned i = 0; i < 3; i++)
		mq_arrive(&b, 40000, 100, 1);
	rig_run_us(&b.rig, 10);
	assert_int_equal(s->interrupts, 2); /* three at once */
	mq_write(&b, mq_reg(0, MQNIC_Q_ARM), 4);
	rig_run_us(&b.rig, 100);
	assert_int_equal(s->interrupts, 2); /* all seen */
	mq_free(&b);
}

static void entries_that_make_no_sense_are_told_and_harm_nobody(void **state)
{
	struct mqnic_piece bad = {.bytes = 2048, .key = 7, .addr = MQ_BUFFERS};
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	mq_post(&b, 0, MQ_BUFFERS, 2048);
	mqnic_piece_pack(rig_at(&b.rig, MQ_RX), &bad); /* a key that is nobody's */
	mq_arrive(&b, 40000, 100, 1);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mq_rx_cqe(&b, 0, 0).error, MQNIC_ERROR_ENTRY);
	assert_int_equal(mq_read(&b, MQNIC_STATUS), MQNIC_STATUS_ENTRY);
	mq_write(&b, MQNIC_STATUS, MQNIC_STATUS_ENTRY);
	assert_int_equal(mq_read(&b, MQNIC_STATUS), 0);
	/* a record that claims more than the ring holds, and one that goes back */
	mqnic_put32(rig_at(&b.rig, MQ_RECORD), 1 + MQ_ENTRIES + 1);
	mq_arrive(&b, 40000, 100, 1);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mq_read(&b, MQNIC_STATUS), MQNIC_STATUS_ENTRY);
	assert_int_equal(mqnic_stats(b.nic)->rx_drop_no_descriptor, 1);
	mqnic_put32(rig_at(&b.rig, MQ_RECORD), 0);
	mq_arrive(&b, 40000, 100, 1);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mqnic_stats(b.nic)->rx_drop_no_descriptor, 2);
	/* rings of impossible sizes */
	mq_write(&b, mq_reg(1, MQNIC_Q_CONTROL), 0);
	mq_write(&b, mq_reg(1, MQNIC_Q_SIZES), 14);
	mq_write(&b, mq_reg(1, MQNIC_Q_CONTROL), MQNIC_Q_CONTROL_ON);
	assert_int_equal(mq_read(&b, mq_reg(1, MQNIC_Q_CONTROL)), 0);
	mq_free(&b);
}

static void refused_addresses_are_counted_and_the_nic_goes_on(void **state)
{
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	mq_post(&b, 0, (uint64_t)RIG_PAGES * 4096, 2048); /* nobody's */
	mq_post(&b, 0, MQ_BUFFERS, 2048);
	mq_arrive(&b, 40000, 300, 1);
	mq_arrive(&b, 40000, 300, 2);
	rig_run_us(&b.rig, 20);
	/* a posted write has no answer: the completion knows nothing */
	assert_int_equal(mq_rx_cqe(&b, 0, 0).opcode, MQNIC_CQE_RX);
	assert_int_equal(mqnic_stats(b.nic)->dma_errors_write, 1);
	assert_int_equal(mq_rx_cqe(&b, 0, 1).bytes, 354);
	/* its ring unmapped: entries cannot be fetched, frames are lost, nothing hangs */
	rig_map(&b.rig, MQ_RX / 4096, MQ_RX, 0);
	mq_post(&b, 0, MQ_BUFFERS, 2048);
	mq_arrive(&b, 40000, 300, 3);
	assert_int_equal(sim_run(b.rig.sim, sim_now(b.rig.sim) + 20 * SIM_US), 0);
	assert_int_equal(mq_read(&b, MQNIC_STATUS), MQNIC_STATUS_READ);
	assert_int_equal(mqnic_stats(b.nic)->rx_drop_no_descriptor, 1);
	rig_map(&b.rig, MQ_RX / 4096, MQ_RX, IOTOLL_READ);
	mq_arrive(&b, 40000, 300, 4);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mq_rx_cqe(&b, 0, 2).bytes, 354);
	mq_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_read_back_what_can_be_set_and_nothing_else),
		cmocka_unit_test(a_frame_is_written_to_the_oldest_entry_and_its_completion_behind),
		cmocka_unit_test(the_owner_bit_turns_with_every_lap),
		cmocka_unit_test(a_frame_fills_the_pieces_of_its_entry_one_after_the_other),
		cmocka_unit_test(flows_go_to_the_queue_that_hash_and_table_say),
		cmocka_unit_test(frames_are_dropped_for_a_reason_each),
		cmocka_unit_test(the_buffer_on_chip_fills_while_writes_wait_for_the_iommu),
		cmocka_unit_test(interrupts_come_once_an_arming_and_moderated),
		cmocka_unit_test(entries_that_make_no_sense_are_told_and_harm_nobody),
		cmocka_unit_test(refused_addresses_are_counted_and_the_nic_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

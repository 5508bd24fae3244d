/* SPDX-License-Identifier: MIT */
/* The multi-queue NIC sending: entries, what TSO makes of them, and what it refuses. */
#include "mqbench.h"

/* Headers and @payload bytes of data at @at in memory; PSH set. */
static void put_segment(struct mqbench *b, uint64_t at, uint32_t payload, uint32_t seq)
{
	const struct segment_path path = {.to = {2, 0, 0, 0, 0, 2},
					  .from = {2, 0, 0, 0, 0, 1},
					  .src = 0x0a000001,
					  .dst = 0x0a000002};
	const struct segment s = {.sport = 5001,
				  .dport = 40000,
				  .seq = seq,
				  .flags = SEGMENT_FLAG_ACK | SEGMENT_FLAG_PSH,
				  .payload = payload};

	segment_pack(rig_at(&b->rig, at), &path, &s);
	mq_pattern(rig_at(&b->rig, at + SEGMENT_HEADER_BYTES), payload, 5);
}

/* Both checksums of a sent frame are right: computed again they do not change. */
static void check_sums(const struct frame *frame)
{
	uint8_t copy[FRAME_MAX_BYTES];

	memcpy(copy, frame->data, frame->bytes);
	segment_finish(copy, frame->bytes);
	assert_memory_equal(copy, frame->data, frame->bytes);
	assert_int_not_equal(segment_get16(copy + SEGMENT_OFF_TCP_SUM), 0);
}

static void a_frame_goes_out_as_it_lies_in_its_pieces_with_its_checksums(void **state)
{
	const struct mqnic_send send = {.opcode = MQNIC_OP_SEND};
	const struct mqnic_piece piece[] = {{54, MQNIC_KEY, MQ_DATA},
					    {346, MQNIC_KEY, MQ_DATA + 54},
					    {600, MQNIC_KEY, MQ_DATA + 400}};
	struct mqbench b;
	uint8_t payload[946];

	(void)state;
	mq_make(&b, 0);
	put_segment(&b, MQ_DATA, sizeof(payload), 77);
	mq_send(&b, 0, &send, piece, 3, true);
	rig_run_us(&b.rig, 20);
	assert_int_equal(b.nsent, 1);
	assert_int_equal(b.sent[0]->bytes, 1000);
	mq_pattern(payload, sizeof(payload), 5);
	assert_memory_equal(b.sent[0]->data + SEGMENT_HEADER_BYTES, payload, sizeof(payload));
	check_sums(b.sent[0]);
	assert_int_equal(mq_tx_cqe(&b, 0, 0).owner, 1);
	assert_int_equal(mq_tx_cqe(&b, 0, 0).opcode, MQNIC_CQE_TX);
	assert_int_equal(mq_tx_cqe(&b, 0, 0).counter, 0);
	assert_int_equal(mq_tx_cqe(&b, 0, 1).owner, 0);
	mq_free(&b);
}

static void tso_repeats_headers_and_counts_on(void **state)
{
	const struct mqnic_send send = {.opcode = MQNIC_OP_TSO, .mss = 1000, .header_bytes = 54};
	const struct mqnic_piece piece[] = {{54, MQNIC_KEY, MQ_DATA},
					    {3500, MQNIC_KEY, MQ_DATA + 54}};
	struct mqbench b;
	uint8_t payload[3500];

	(void)state;
	mq_make(&b, 0);
	put_segment(&b, MQ_DATA, sizeof(payload), 0xfffffc00);
	mq_pattern(payload, sizeof(payload), 5);
	mq_send(&b, 0, &send, piece, 2, true);
	rig_run_us(&b.rig, 20);
	assert_int_equal(b.nsent, 4);
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t n = i < 3 ? 1000 : 500;
		struct segment s;

		assert_int_equal(b.sent[i]->bytes, 54 + n);
		assert_true(segment_unpack(&s, b.sent[i]->data, b.sent[i]->bytes));
		assert_int_equal(s.payload, n);
		assert_int_equal(s.seq, (uint32_t)(0xfffffc00 + 1000 * i)); /* across 2^32 */
		assert_int_equal(segment_get16(b.sent[i]->data + SEGMENT_OFF_IP_ID), i);
		assert_int_equal(s.flags,
				 i < 3 ? SEGMENT_FLAG_ACK : SEGMENT_FLAG_ACK | SEGMENT_FLAG_PSH);
		assert_memory_equal(b.sent[i]->data + 54, payload + 1000 * i, n);
		check_sums(b.sent[i]);
	}
	assert_int_equal(mq_tx_cqe(&b, 0, 0).owner, 1);
	assert_int_equal(mq_tx_cqe(&b, 0, 1).owner, 0); /* one for the entry */
	mq_free(&b);
}

static void entries_of_several_blocks_may_run_across_the_rings_end(void **state)
{
	const struct mqnic_send send = {.opcode = MQNIC_OP_SEND};
	struct mqnic_piece piece[11]; /* 13 segments: 4 blocks */
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	for (unsigned i = 0; i < 11; i++)
		piece[i] = (struct mqnic_piece){100, MQNIC_KEY, MQ_DATA + 100 * i};
	put_segment(&b, MQ_DATA, 1046, 1);
	for (unsigned i = 0; i < 9; i++) {
		const unsigned blocks = i ? 4 : 1;

		mq_send(&b, 0, &send, piece, i ? 11 : 2, true);
		rig_run_us(&b.rig, 20);
		assert_int_equal(b.nsent, i + 1);
		assert_int_equal(b.sent[i]->bytes, i ? 1100 : 200);
		assert_int_equal(mq_tx_cqe(&b, 0, i).counter, b.blocks[0] - blocks);
	}
	mq_free(&b);
}

static void queues_take_turns(void **state)
{
	const struct mqnic_send send = {.opcode = MQNIC_OP_SEND};
	const struct mqnic_piece piece[] = {{60, MQNIC_KEY, MQ_DATA},
					    {60, MQNIC_KEY, MQ_DATA + 64}};
	unsigned of[2] = {0};
	struct mqbench b;

	(void)state;
	mq_make(&b, 150); /* two or three entries at a time */
	memset(rig_at(&b.rig, MQ_DATA), 'a', 60);
	memset(rig_at(&b.rig, MQ_DATA + 64), 'b', 60);
	for (unsigned i = 0; i < 10; i++)
		for (unsigned q = 0; q < 2; q++)
			mq_send(&b, q, &send, &piece[q], 1, false);
	for (unsigned q = 0; q < 2; q++)
		mq_write(&b, mq_reg(q, MQNIC_Q_TX_BELL), 10);
	rig_run_us(&b.rig, 30);
	assert_int_equal(b.nsent, 20);
	for (unsigned i = 0; i < 10; i++)
		of[b.sent[i]->data[0] == 'b']++;
	/* the one that was fetched first is ahead by what fits on chip */
	assert_in_range(of[0], 5, 8);
	mq_free(&b);
}

static void expect_refused(const struct mqnic_send *send, const struct mqnic_piece *piece,
			   unsigned pieces, uint8_t error)
{
	const struct mqnic_send good = {.opcode = MQNIC_OP_SEND};
	const struct mqnic_piece fine = {60, MQNIC_KEY, MQ_DATA};
	struct mqbench b;

	mq_make(&b, 0);
	mq_send(&b, 0, send, piece, pieces, true);
	mq_send(&b, 0, &good, &fine, 1, true);
	rig_run_us(&b.rig, 50);
	assert_int_equal(mq_tx_cqe(&b, 0, 0).error, error);
	assert_int_equal(mq_tx_cqe(&b, 0, 0).opcode, MQNIC_CQE_TX | MQNIC_CQE_ERROR);
	assert_int_equal(b.nsent, 1); /* the good one alone */
	assert_int_equal(b.sent[0]->bytes, 60);
	assert_int_equal(mq_tx_cqe(&b, 0, 1).error, 0);
	mq_free(&b);
}

static void entries_that_make_no_sense_are_refused_and_the_next_goes_out(void **state)
{
	const struct mqnic_send send = {.opcode = MQNIC_OP_SEND};
	const struct mqnic_send tso = {.opcode = MQNIC_OP_TSO, .mss = 1000, .header_bytes = 54};
	const struct mqnic_send unknown = {.opcode = 0x77};
	const struct mqnic_send no_mss = {.opcode = MQNIC_OP_TSO, .header_bytes = 54};
	const struct mqnic_send few = {.opcode = MQNIC_OP_SEND, .segments = 2};
	const struct mqnic_send many = {.opcode = MQNIC_OP_SEND, .segments = 255};
	const struct mqnic_piece fine = {60, MQNIC_KEY, MQ_DATA};
	const struct mqnic_piece long_one = {1515, MQNIC_KEY, MQ_DATA};
	const struct mqnic_piece huge = {0xffffffff, MQNIC_KEY, MQ_DATA};
	const struct mqnic_piece empty = {0, MQNIC_KEY, MQ_DATA};
	const struct mqnic_piece key = {60, 1, MQ_DATA};
	const struct mqnic_piece wraps = {60, MQNIC_KEY, UINT64_MAX - 30};
	const struct mqnic_piece nobodys = {60, MQNIC_KEY, RIG_PAGES * 4096u};
	const struct mqnic_piece headers = {54, MQNIC_KEY, MQ_DATA};

	(void)state;
	expect_refused(&unknown, &fine, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&send, &long_one, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&send, &huge, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&send, &empty, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&send, &key, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&send, &wraps, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&send, &nobodys, 1, MQNIC_ERROR_READ);
	expect_refused(&few, &fine, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&many, &fine, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&no_mss, &fine, 1, MQNIC_ERROR_ENTRY);
	expect_refused(&tso, &headers, 1, MQNIC_ERROR_ENTRY); /* no payload */
	expect_refused(&tso, &huge, 1, MQNIC_ERROR_ENTRY);
}

static void a_bell_that_claims_more_than_the_ring_is_not_believed(void **state)
{
	struct mqbench b;

	(void)state;
	mq_make(&b, 0);
	mq_write(&b, mq_reg(0, MQNIC_Q_TX_BELL), MQ_ENTRIES + 1);
	rig_run_us(&b.rig, 20);
	assert_int_equal(mqnic_stats(b.nic)->tx_fetches, 0);
	assert_int_equal(mq_read(&b, MQNIC_STATUS), MQNIC_STATUS_ENTRY);
	mq_free(&b);
}

static void a_reset_in_the_middle_leaves_nothing_behind(void **state)
{
	const struct mqnic_send send = {.opcode = MQNIC_OP_SEND};
	const struct mqnic_piece piece = {1000, MQNIC_KEY, MQ_DATA};
	struct mqbench b;

	(void)state;
	for (unsigned ns = 0; ns < 4000; ns += 230) {
		mq_make(&b, 0);
		for (unsigned i = 0; i < 8; i++) {
			mq_post(&b, 0, MQ_BUFFERS + i * 2048, 2048);
			mq_send(&b, 0, &send, &piece, 1, true);
			mq_arrive(&b, 40000, 1000, i);
		}
		assert_int_equal(sim_run(b.rig.sim, ns * SIM_NS), 0);
		mq_write(&b, MQNIC_CONTROL, MQNIC_CONTROL_RESET);
		rig_run_us(&b.rig, 20);
		memset(rig_at(&b.rig, MQ_RX_CQ), 0, 4096);
		memset(rig_at(&b.rig, MQ_TX_CQ), 0, 4096);
		b.posted[0] = b.blocks[0] = 0;
		while (b.nsent)
			frame_put(b.sent[--b.nsent]);
		mq_setup(&b);
		mq_post(&b, 0, MQ_BUFFERS, 2048);
		mq_send(&b, 0, &send, &piece, 1, true);
		mq_arrive(&b, 40000, 500, 1);
		rig_run_us(&b.rig, 20);
		assert_int_equal(b.nsent, 1);
		assert_int_equal(mq_rx_cqe(&b, 0, 0).bytes, 554);
		assert_int_equal(mq_rx_cqe(&b, 0, 1).owner, 0);
		assert_int_equal(mq_tx_cqe(&b, 0, 0).owner, 1);
		mq_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_goes_out_as_it_lies_in_its_pieces_with_its_checksums),
		cmocka_unit_test(tso_repeats_headers_and_counts_on),
		cmocka_unit_test(entries_of_several_blocks_may_run_across_the_rings_end),
		cmocka_unit_test(queues_take_turns),
		cmocka_unit_test(entries_that_make_no_sense_are_refused_and_the_next_goes_out),
		cmocka_unit_test(a_bell_that_claims_more_than_the_ring_is_not_believed),
		cmocka_unit_test(a_reset_in_the_middle_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

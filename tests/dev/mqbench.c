/* SPDX-License-Identifier: MIT */
/* The bench the multi-queue NIC's tests stand on. */
#include "mqbench.h"

static sim_time on_send(void *ctx, struct frame *frame)
{
	struct mqbench *b = ctx;

	assert_true(b->nsent < MQ_SENT_MAX);
	b->sent[b->nsent++] = frame;
	return sim_now(b->rig.sim);
}

void mq_write(struct mqbench *b, uint32_t offset, uint32_t value)
{
	mmio_write(&b->regs, NULL, offset, value, 4);
}

uint32_t mq_read(struct mqbench *b, uint32_t offset)
{
	return (uint32_t)mmio_read(&b->regs, NULL, offset, 4);
}

uint32_t mq_reg(unsigned queue, uint32_t offset)
{
	return MQNIC_QUEUE + queue * MQNIC_QUEUE_STEP + offset;
}

void mq_setup(struct mqbench *b)
{
	for (unsigned i = 0; i < MQNIC_RSS_KEY_BYTES; i += 4)
		mq_write(b, MQNIC_RSS_KEY + i, mqnic_get32(segment_rss_key + i));
	for (unsigned q = 0; q < MQ_QUEUES; q++) {
		mq_write(b, mq_reg(q, MQNIC_Q_RX_RING), MQ_RX + q * MQ_STEP);
		mq_write(b, mq_reg(q, MQNIC_Q_RX_RECORD), MQ_RECORD + q * MQ_STEP);
		mq_write(b, mq_reg(q, MQNIC_Q_RX_CQ), MQ_RX_CQ + q * MQ_STEP);
		mq_write(b, mq_reg(q, MQNIC_Q_TX_RING), MQ_TX + q * MQ_STEP);
		mq_write(b, mq_reg(q, MQNIC_Q_TX_CQ), MQ_TX_CQ + q * MQ_STEP);
		mq_write(b, mq_reg(q, MQNIC_Q_SIZES), MQ_LOG | 5u << 8 | MQ_LOG << 16);
		mq_write(b, mq_reg(q, MQNIC_Q_CONTROL), MQNIC_Q_CONTROL_ON);
	}
	mq_write(b, MQNIC_CONTROL, MQNIC_CONTROL_ENABLE);
}

void mq_make(struct mqbench *b, uint32_t buffer)
{
	struct mqnic_config config = {.devid = RIG_DEVID,
				      .queues = MQ_QUEUES,
				      .mac = {2, 0, 0, 0, 0, 1},
				      .mbps = 10000,
				      .rx_buffer_bytes = buffer,
				      .tx_buffer_bytes = buffer};

	memset(b, 0, sizeof(*b));
	rig_make(&b->rig, true);
	for (unsigned i = 0; i < RIG_PAGES; i++)
		rig_map(&b->rig, i, (uint64_t)i * 4096, IOTOLL_READ | IOTOLL_WRITE);
	b->pool = frame_pool_create();
	config.bus = b->rig.bus;
	config.pool = b->pool;
	config.wire = (struct frame_sink){.ctx = b, .send = on_send};
	assert_int_equal(mqnic_create(&b->nic, &config), 0);
	mmio_window_init(&b->regs, b->rig.machine, &mqnic_mmio_ops, b->nic);
	mq_setup(b);
}

void mq_free(struct mqbench *b)
{
	for (unsigned i = 0; i < b->nsent; i++)
		frame_put(b->sent[i]);
	mqnic_destroy(b->nic);
	mmio_window_fini(&b->regs);
	assert_int_equal(frame_pool_used(b->pool), 0);
	frame_pool_destroy(b->pool);
	rig_free(&b->rig);
}

void mq_post(struct mqbench *b, unsigned q, uint64_t addr, uint32_t bytes)
{
	const struct mqnic_piece piece = {.bytes = bytes, .key = MQNIC_KEY, .addr = addr};
	uint8_t *to = rig_at(&b->rig, MQ_RX + q * MQ_STEP + b->posted[q]++ % MQ_ENTRIES * 32);

	memset(to, 0, 32);
	mqnic_piece_pack(to, &piece);
	mqnic_put32(rig_at(&b->rig, MQ_RECORD + q * MQ_STEP), b->posted[q]);
}

void mq_send(struct mqbench *b, unsigned q, const struct mqnic_send *send,
	     const struct mqnic_piece *piece, unsigned pieces, bool ring)
{
	const unsigned segments = pieces + 2;
	uint8_t entry[1024] = {0};

	mqnic_send_pack(entry, send);
	entry[1] = send->segments ? send->segments : (uint8_t)segments;
	for (unsigned i = 0; i < pieces; i++)
		mqnic_piece_pack(entry + 16 * (i + 2), &piece[i]);
	for (unsigned i = 0; i < (segments + 3) / 4; i++)
		memcpy(rig_at(&b->rig, MQ_TX + q * MQ_STEP + b->blocks[q]++ % MQ_ENTRIES * 64),
		       entry + 64 * i, 64);
	if (ring)
		mq_write(b, mq_reg(q, MQNIC_Q_TX_BELL), b->blocks[q] & 0xffff);
}

void mq_pattern(uint8_t *to, uint32_t bytes, unsigned seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(seed * 31 + i * 7 + i / 256);
}

void mq_arrive(struct mqbench *b, uint16_t sport, uint32_t payload, unsigned seed)
{
	const struct segment_path path = {.to = {2, 0, 0, 0, 0, 1},
					  .from = {2, 0, 0, 0, 0, 2},
					  .src = 0x0a000002,
					  .dst = 0x0a000001};
	const struct segment s = {.sport = sport, .dport = 5001, .seq = seed, .payload = payload};
	struct frame *frame = frame_get(b->pool);

	segment_pack(frame->data, &path, &s);
	mq_pattern(frame->data + SEGMENT_HEADER_BYTES, payload, seed);
	frame->bytes = SEGMENT_HEADER_BYTES + payload;
	segment_finish(frame->data, frame->bytes);
	mqnic_receive(b->nic, frame);
}

static struct mqnic_cqe cqe(struct mqbench *b, uint64_t ring, unsigned index)
{
	struct mqnic_cqe c;

	mqnic_cqe_unpack(&c, rig_at(&b->rig, ring + index % MQ_ENTRIES * MQNIC_CQE_BYTES));
	return c;
}

struct mqnic_cqe mq_rx_cqe(struct mqbench *b, unsigned q, unsigned index)
{
	return cqe(b, MQ_RX_CQ + q * MQ_STEP, index);
}

struct mqnic_cqe mq_tx_cqe(struct mqbench *b, unsigned q, unsigned index)
{
	return cqe(b, MQ_TX_CQ + q * MQ_STEP, index);
}

/* SPDX-License-Identifier: MIT */
/*
 * The NIC's register file. Accesses are 32 bits wide; a 64-bit access is two of them, low offset
 * first. What is not a register reads 0, ignores writes and is counted.
 */
#include <string.h>

#include "dev/mqnic_internal.h"

/* Queue registers' offsets and what software can set of each. */
static const struct {
	uint32_t offset, writable;
} queue_rows[] = {
	{MQNIC_Q_RX_RING, UINT32_MAX},   {MQNIC_Q_RX_RING + 4, UINT32_MAX},
	{MQNIC_Q_RX_RECORD, UINT32_MAX}, {MQNIC_Q_RX_RECORD + 4, UINT32_MAX},
	{MQNIC_Q_RX_CQ, UINT32_MAX},     {MQNIC_Q_RX_CQ + 4, UINT32_MAX},
	{MQNIC_Q_TX_RING, UINT32_MAX},   {MQNIC_Q_TX_RING + 4, UINT32_MAX},
	{MQNIC_Q_TX_CQ, UINT32_MAX},     {MQNIC_Q_TX_CQ + 4, UINT32_MAX},
	{MQNIC_Q_SIZES, 0x00ffffff},     {MQNIC_Q_CONTROL, MQNIC_Q_CONTROL_ON},
	{MQNIC_Q_RX_MODER, UINT32_MAX},  {MQNIC_Q_TX_MODER, UINT32_MAX},
	{MQNIC_Q_TX_BELL, 0xffff},       {MQNIC_Q_ARM, UINT32_MAX},
};

/* What software can set of the register at @offset; false if there is none. */
static bool writable(const struct mqnic *nic, uint32_t offset, uint32_t *mask)
{
	*mask = 0;
	if (offset == MQNIC_ID || offset == MQNIC_CAPS)
		return true;
	*mask = UINT32_MAX;
	if (offset == MQNIC_CONTROL || offset == MQNIC_STATUS || offset == MQNIC_MAC_LOW)
		return true;
	if (offset >= MQNIC_RSS_KEY && offset < MQNIC_RSS_KEY + MQNIC_RSS_KEY_BYTES)
		return true;
	if (offset >= MQNIC_RSS_TABLE && offset < MQNIC_RSS_TABLE + MQNIC_RSS_TABLE_BYTES)
		return true;
	*mask = 0xffff;
	if (offset == MQNIC_MTU || offset == MQNIC_MAC_HIGH)
		return true;
	if (offset < MQNIC_QUEUE || offset >= MQNIC_QUEUE + nic->config.queues * MQNIC_QUEUE_STEP)
		return false;
	for (size_t i = 0; i < sizeof(queue_rows) / sizeof(queue_rows[0]); i++) {
		*mask = queue_rows[i].writable;
		if (queue_rows[i].offset == offset % MQNIC_QUEUE_STEP)
			return true;
	}
	return false;
}

static void make_hash(struct mqnic *nic)
{
	uint8_t key[MQNIC_RSS_KEY_BYTES], input[SEGMENT_RSS_INPUT_BYTES] = {0};

	for (unsigned i = 0; i < sizeof(key); i += 4)
		mqnic_put32(key + i, mqnic_reg(nic, MQNIC_RSS_KEY + i));
	for (unsigned i = 0; i < SEGMENT_RSS_INPUT_BYTES; i++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			input[i] = (uint8_t)byte;
			nic->hash[i][byte] = segment_rss_hash(key, input);
		}
		input[i] = 0;
	}
}

/* Switched on with registers that make no sense, a queue stays off. */
static void wrote_queue_control(struct mqnic_queue *q, uint32_t value)
{
	const bool on = value & MQNIC_Q_CONTROL_ON;

	if (on && !q->on) {
		mqnic_cq_start(q);
		q->on = mqnic_rx_start(q) && mqnic_tx_start(q);
		if (!q->on)
			mqnic_bad_entry(q->nic);
	} else if (!on) {
		q->on = false;
	}
	if (!q->on)
		q->nic->reg[(MQNIC_QUEUE + q->number * MQNIC_QUEUE_STEP + MQNIC_Q_CONTROL) / 4] = 0;
}

static void wrote_queue(struct mqnic_queue *q, uint32_t offset, uint32_t value)
{
	if (offset == MQNIC_Q_CONTROL)
		wrote_queue_control(q, value);
	else if (offset == MQNIC_Q_TX_BELL)
		mqnic_tx_bell(q, (uint16_t)value);
	else if (offset == MQNIC_Q_ARM)
		mqnic_cq_arm(q, value);
}

static void wrote(struct mqnic *nic, uint32_t offset, uint32_t value)
{
	if (offset == MQNIC_CONTROL && value & MQNIC_CONTROL_RESET)
		mqnic_reset(nic);
	else if (offset == MQNIC_MAC_HIGH || offset == MQNIC_MAC_LOW)
		nic->station = (uint64_t)mqnic_reg(nic, MQNIC_MAC_HIGH) << 32 |
			       mqnic_reg(nic, MQNIC_MAC_LOW);
	else if (offset >= MQNIC_RSS_KEY && offset < MQNIC_RSS_KEY + MQNIC_RSS_KEY_BYTES)
		make_hash(nic);
	else if (offset >= MQNIC_QUEUE)
		wrote_queue(&nic->queue[(offset - MQNIC_QUEUE) / MQNIC_QUEUE_STEP],
			    offset % MQNIC_QUEUE_STEP, value);
}

static void write32(struct mqnic *nic, uint64_t offset, uint32_t value)
{
	uint32_t mask;

	if (offset >= MQNIC_END || offset % 4 || !writable(nic, (uint32_t)offset, &mask)) {
		nic->stats.unknown_accesses++;
		return;
	}
	if (offset == MQNIC_STATUS)
		nic->reg[offset / 4] &= ~value;
	else
		nic->reg[offset / 4] = (nic->reg[offset / 4] & ~mask) | (value & mask);
	wrote(nic, (uint32_t)offset, value);
}

static uint32_t read32(struct mqnic *nic, uint64_t offset)
{
	uint32_t mask;

	if (offset < MQNIC_END && offset % 4 == 0 && writable(nic, (uint32_t)offset, &mask))
		return mqnic_reg(nic, (uint32_t)offset);
	nic->stats.unknown_accesses++;
	return 0;
}

static void on_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct mqnic *nic = ctx;

	if (width != 4 && width != 8) {
		nic->stats.unknown_accesses++;
		return;
	}
	write32(nic, offset, (uint32_t)value);
	if (width == 8)
		write32(nic, offset + 4, (uint32_t)(value >> 32));
}

static uint64_t on_read(void *ctx, uint64_t offset, unsigned width)
{
	struct mqnic *nic = ctx;
	uint64_t value;

	if (width != 4 && width != 8) {
		nic->stats.unknown_accesses++;
		return 0;
	}
	value = read32(nic, offset);
	if (width == 8)
		value |= (uint64_t)read32(nic, offset + 4) << 32;
	return value;
}

const struct mmio_ops mqnic_mmio_ops = {.read = on_read, .write = on_write};

void mqnic_regs_reset(struct mqnic *nic)
{
	memset(nic->reg, 0, sizeof(nic->reg));
	nic->reg[MQNIC_ID / 4] = MQNIC_ID_VALUE;
	nic->reg[MQNIC_CAPS / 4] = nic->config.queues | MQNIC_LOG_MAX << 8 | MQNIC_MTU_MAX << 16;
	nic->reg[MQNIC_MTU / 4] = 1500;
	nic->reg[MQNIC_MAC_HIGH / 4] = (uint32_t)nic->config.mac[0] << 8 | nic->config.mac[1];
	nic->reg[MQNIC_MAC_LOW / 4] = segment_get32(nic->config.mac + 2);
	nic->station = (uint64_t)nic->reg[MQNIC_MAC_HIGH / 4] << 32 | nic->reg[MQNIC_MAC_LOW / 4];
	memset(nic->hash, 0, sizeof(nic->hash));
}

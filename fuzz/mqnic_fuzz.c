// SPDX-License-Identifier: MIT
/*
 * Fuzzer for the multi-queue NIC and its PCI Express link. The input is a program of register
 * accesses, bytes stored into the rings and anywhere else, work entries with something wrong in
 * them, frames that arrive, refused pages and time that passes: what a hostile guest and a hostile
 * network can do. Judged: nothing crashes or hangs, DMA stays where the IOMMU lets it, no frame is
 * lost track of, and whatever was done, after a reset the NIC receives and sends.
 */
#include <errno.h>
#include <string.h>

#include "dev/mqnic.h"
#include "input.h"
#include "refusing.h"
#include "spec/mqnic.h"
#include "spec/segment.h"

#define MEMORY_BYTES (1u << 20)
#define QUEUES       2u
#define LOG          4u
#define ENTRIES      (1u << LOG)
#define STEP         0x8000u /* from one queue's rings to the next one's */
#define RX           0x10000u
#define RECORD       0x11000u
#define RX_CQ        0x12000u
#define TX           0x13000u
#define TX_CQ        0x14000u
#define DATA         0x40000u
#define CANARY       0x80000u /* never mapped: no device may touch it */
#define CANARY_BYTES 0x10000u

struct world {
	struct refusing iommu;
	struct sim *sim;
	struct machine *machine;
	struct bus *bus;
	struct frame_pool *pool;
	struct mqnic *nic;
	uint16_t posted[QUEUES], blocks[QUEUES];
	unsigned sent;
	uint8_t last[64]; /* of the frame sent last */
	struct input in;
};

static uint8_t *memory(struct world *w, uint32_t at)
{
	return memory_ptr(w->machine->mem, at, 1);
}

static void wr(struct world *w, uint32_t offset, uint64_t value)
{
	mqnic_mmio_ops.write(w->nic, offset, value, 4);
}

static void pass(struct world *w, uint64_t us)
{
	JUDGE(sim_run(w->sim, sim_now(w->sim) + us * SIM_US) == 0);
}

static sim_time on_wire(void *ctx, struct frame *frame)
{
	struct world *w = ctx;

	w->sent++;
	memcpy(w->last, frame->data, sizeof(w->last));
	frame_put(frame);
	return sim_now(w->sim) + SIM_US;
}

/* ---- setting it up ---- */

static void start(struct world *w)
{
	wr(w, MQNIC_CONTROL, MQNIC_CONTROL_RESET);
	for (uint32_t q = 0; q < QUEUES; q++) {
		const uint32_t page = MQNIC_QUEUE + q * MQNIC_QUEUE_STEP;

		w->posted[q] = w->blocks[q] = 0;
		mqnic_put32(memory(w, RECORD + q * STEP), 0);
		wr(w, page + MQNIC_Q_RX_RING, RX + q * STEP);
		wr(w, page + MQNIC_Q_RX_RECORD, RECORD + q * STEP);
		wr(w, page + MQNIC_Q_RX_CQ, RX_CQ + q * STEP);
		wr(w, page + MQNIC_Q_TX_RING, TX + q * STEP);
		wr(w, page + MQNIC_Q_TX_CQ, TX_CQ + q * STEP);
		wr(w, page + MQNIC_Q_SIZES, LOG | 5u << 8 | LOG << 16);
		wr(w, page + MQNIC_Q_CONTROL, MQNIC_Q_CONTROL_ON);
		wr(w, page + MQNIC_Q_ARM, 0);
	}
	wr(w, MQNIC_RSS_TABLE, 0x01000100);
	wr(w, MQNIC_CONTROL, MQNIC_CONTROL_ENABLE);
}

static uint8_t *post(struct world *w, uint32_t q, uint32_t at, uint32_t bytes)
{
	const struct mqnic_piece piece = {.bytes = bytes, .key = MQNIC_KEY, .addr = at};
	uint8_t *to = memory(w, RX + q * STEP + w->posted[q]++ % ENTRIES * 32u);

	memset(to, 0, 32);
	mqnic_piece_pack(to, &piece);
	mqnic_put32(memory(w, RECORD + q * STEP), w->posted[q]);
	return to;
}

static uint8_t *put_send(struct world *w, uint32_t q, bool tso, uint32_t bytes)
{
	const struct mqnic_send send = {.opcode = tso ? MQNIC_OP_TSO : MQNIC_OP_SEND,
					.segments = 4,
					.mss = 500,
					.header_bytes = SEGMENT_HEADER_BYTES};
	const struct mqnic_piece piece[] = {{54, MQNIC_KEY, DATA}, {bytes, MQNIC_KEY, DATA + 54}};
	uint8_t *to = memory(w, TX + q * STEP + w->blocks[q]++ % ENTRIES * MQNIC_BLOCK_BYTES);

	mqnic_send_pack(to, &send);
	mqnic_piece_pack(to + 32, &piece[0]);
	mqnic_piece_pack(to + 48, &piece[1]);
	return to;
}

static void ring(struct world *w, uint32_t q)
{
	wr(w, MQNIC_QUEUE + q * MQNIC_QUEUE_STEP + MQNIC_Q_TX_BELL, w->blocks[q]);
}

static void arrive(struct world *w, uint32_t payload, uint16_t port)
{
	const struct segment_path path = {.to = {2, 0, 0, 0, 0, 1}, .src = 1, .dst = 2};
	const struct segment s = {.sport = port, .dport = 5001, .payload = payload};
	struct frame *frame = frame_get(w->pool);

	if (frame == NULL)
		return;
	segment_pack(frame->data, &path, &s);
	memset(frame->data + SEGMENT_HEADER_BYTES, 0x5a, payload);
	frame->bytes = SEGMENT_HEADER_BYTES + payload;
	if (frame->bytes < FRAME_MIN_BYTES)
		frame->bytes = FRAME_MIN_BYTES;
	mqnic_receive(w->nic, frame);
}

/* ---- the program ---- */

/* A sound entry, into which a few bytes of anything are written. */
static void do_entry(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->in, 1);
	const uint32_t q = style & 1, bytes = (uint32_t)take(&w->in, 2);
	uint8_t *e = style & 2 ? post(w, q, DATA + bytes, 1 + bytes % 4096)
			       : put_send(w, q, style & 4, 1 + bytes);

	for (unsigned n = style >> 6; n != 0; n--)
		e[take(&w->in, 1) % (style & 2 ? 32 : 64)] = (uint8_t)take(&w->in, 1);
	if (style & 8)
		ring(w, q);
}

static void do_register(struct world *w)
{
	static const uint8_t widths[] = {4, 4, 4, 4, 8, 8, 2, 1};
	const uint8_t which = (uint8_t)take(&w->in, 1);
	const unsigned width = widths[which % 8];
	const uint64_t offset = which & 0x80   ? take(&w->in, 2)
				: which & 0x20 ? MQNIC_QUEUE + take(&w->in, 1) * 2
					       : take(&w->in, 1);

	if (which & 0x40)
		JUDGE(width == 8 || mqnic_mmio_ops.read(w->nic, offset, width) >> (8 * width) == 0);
	else
		mqnic_mmio_ops.write(w->nic, offset, take(&w->in, width), width);
}

static void step(struct world *w)
{
	uint32_t at;

	switch (take(&w->in, 1) % 8) {
	case 0:
	case 1:
		do_entry(w);
		break;
	case 2:
		do_register(w);
		break;
	case 3:
		at = (uint32_t)take(&w->in, 3) % CANARY;
		*memory(w, at) = (uint8_t)take(&w->in, 1);
		break;
	case 4:
		at = (uint32_t)take(&w->in, 2) % 9100;
		arrive(w, at, (uint16_t)take(&w->in, 1));
		break;
	case 5:
		w->iommu.refused ^= UINT64_C(1) << take(&w->in, 1) % 64;
		break;
	case 6:
		pass(w, take(&w->in, 1));
		break;
	default:
		start(w);
	}
}

/* ---- the judgement at the end ---- */

static void untouched(struct world *w)
{
	const uint8_t *at = memory(w, CANARY);

	for (unsigned i = 0; i < CANARY_BYTES; i++)
		JUDGE(at[i] == 0xa5);
}

static void still_works(struct world *w)
{
	struct mqnic_cqe cqe;

	pass(w, 100000);
	w->iommu.refused = 0;
	start(w);
	JUDGE(frame_pool_used(w->pool) == 0);
	memset(memory(w, RX_CQ), 0, MQNIC_CQE_BYTES);
	memset(memory(w, TX_CQ), 0, MQNIC_CQE_BYTES);
	memset(memory(w, DATA), 0x77, 1024);
	wr(w, MQNIC_RSS_TABLE, 0);
	post(w, 0, DATA + 8192, 2048);
	arrive(w, 1000, 0);
	put_send(w, 0, false, 700);
	w->sent = 0;
	ring(w, 0);
	pass(w, 1000);
	mqnic_cqe_unpack(&cqe, memory(w, RX_CQ));
	JUDGE(cqe.owner == 1 && cqe.opcode == MQNIC_CQE_RX && cqe.bytes == 1054);
	JUDGE(*memory(w, DATA + 8192 + 1053) == 0x5a);
	mqnic_cqe_unpack(&cqe, memory(w, TX_CQ));
	JUDGE(cqe.owner == 1 && cqe.opcode == MQNIC_CQE_TX);
	JUDGE(w->sent == 1 && w->last[63] == 0x77);
}

static bool make(struct world *w)
{
	static const struct profile profile = {
		.name = "fuzz",
		.clock_mhz = 1000,
		.cpus = 1,
		.memory_bytes = MEMORY_BYTES,
		.l2_bytes = 16384,
		.l2_ways = 4,
		.has_pcie = true,
		.pcie_generation = 3,
		.pcie_lanes = 8,
		.pcie_mps = 256,
		.pcie_mrrs = 512,
		.pcie_packet_bytes = 24,
		.pcie_posted_headers = 16,
		.pcie_posted_data = 2048,
		.cost = {.iotlb_hit = 5000,
			 .walk_read = 200000,
			 .dma_read_latency = 500000,
			 .posted_write_latency = 150000,
			 .pcie_credit = 250000},
	};
	struct mqnic_config config = {.devid = 8,
				      .queues = QUEUES,
				      .tags = 8,
				      .mac = {2, 0, 0, 0, 0, 1},
				      .mbps = 10000,
				      .wire = {.ctx = w, .send = on_wire},
				      .rx_buffer_bytes = 65536,
				      .tx_buffer_bytes = 65536};

	refusing_init(&w->iommu, CANARY);
	w->sim = sim_create();
	if (w->sim == NULL || machine_create(&w->machine, w->sim, &profile, NULL) != 0)
		return false;
	w->bus = bus_create(w->machine, &w->iommu.iommu, 0);
	w->pool = frame_pool_create();
	config.bus = w->bus;
	config.pool = w->pool;
	if (w->bus == NULL || w->pool == NULL || mqnic_create(&w->nic, &config) != 0)
		return false;
	memset(memory(w, CANARY), 0xa5, CANARY_BYTES);
	start(w);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 0;
	w->in = (struct input){data, bytes};
	if (make(w)) {
		while (w->in.left != 0)
			step(w);
		still_works(w);
		untouched(w);
	}
	mqnic_destroy(w->nic);
	bus_destroy(w->bus);
	frame_pool_destroy(w->pool);
	machine_destroy(w->machine);
	sim_destroy(w->sim);
	free(w);
	return 0;
}

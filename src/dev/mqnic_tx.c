/* SPDX-License-Identifier: MIT */
/*
 * Sending: queues take turns; an entry's memory is read in as many requests as it has pieces,
 * several entries at a time as far as the on-chip buffer goes, and its frames go out in the order
 * of its queue once everything is there. Its completion follows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/mqnic_internal.h"

static void pump(struct mqnic *nic);

/* ---- completions ---- */

static void job_free(struct mqnic_tx_job *job)
{
	job->next = job->q->nic->free_tx;
	job->q->nic->free_tx = job;
}

static void on_cqe(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_tx_job *job = ctx;
	struct mqnic *nic = job->q->nic;

	(void)req;
	nic->stats.dma_errors_write += status != 0;
	job->writing = false;
	job->q->tx_under_way--;
	mqnic_cq_written(job->q, 1);
	job_free(job);
	pump(nic);
}

static void complete(struct mqnic_tx_job *job)
{
	struct mqnic_tx *tx = &job->q->tx;
	const struct mqnic_cqe cqe = {
		.counter = job->send.index,
		.error = job->error,
		.opcode = job->error ? MQNIC_CQE_TX | MQNIC_CQE_ERROR : MQNIC_CQE_TX,
		.owner = mqnic_owner(tx->completed, tx->log),
	};
	const uint32_t at = tx->completed++ % (UINT32_C(1) << tx->log);

	mqnic_cqe_pack(job->cqe_bytes, &cqe);
	job->q->nic->stats.completions++;
	job->writing = true;
	mqnic_dma(job->q->nic, &job->cqe, IOTOLL_WRITE, tx->cq + (uint64_t)at * MQNIC_CQE_BYTES,
		  job->cqe_bytes, MQNIC_CQE_BYTES);
}

/* ---- gathering ---- */

/* Send what is ready, oldest first. */
static void emit(struct mqnic_queue *q)
{
	struct mqnic *nic = q->nic;
	struct mqnic_tx_job *job;

	while ((job = q->tx.first) && job->gathered) {
		q->tx.first = job->next;
		nic->tx_gathering -= job->bytes;
		if (!job->error) {
			nic->stats.tx_entries++;
			mqnic_emit(nic, &job->send, job->bytes_read, job->bytes);
		}
		complete(job);
	}
}

static void on_read(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_tx_job *job = ctx;
	struct mqnic *nic = job->q->nic;

	(void)req;
	if (!mqnic_read_ok(nic, status)) {
		nic->stats.tx_drop_dma += !job->error;
		job->error = MQNIC_ERROR_READ;
	}
	if (--job->reading)
		return;
	job->gathered = true;
	emit(job->q);
	pump(nic);
}

/* ---- entries ---- */

/* The stock's block number @block, a counter. */
static uint8_t *block(struct mqnic_tx *tx, uint32_t number)
{
	return tx->stock + number % MQNIC_TX_AHEAD * MQNIC_BLOCK_BYTES;
}

static bool lengths_good(const struct mqnic *nic, const struct mqnic_send *s, uint32_t bytes)
{
	const uint32_t longest = mqnic_reg(nic, MQNIC_MTU) + FRAME_HEADER_BYTES;

	if (s->opcode == MQNIC_OP_SEND)
		return bytes >= FRAME_HEADER_BYTES && bytes <= longest;
	return s->opcode == MQNIC_OP_TSO && s->mss && s->header_bytes >= SEGMENT_HEADER_BYTES &&
	       s->header_bytes <= 256 && bytes > s->header_bytes &&
	       (uint32_t)s->header_bytes + s->mss <= longest;
}

/* The pieces of the oldest entry in stock. False if it makes no sense. */
static bool parse(struct mqnic_queue *q, struct mqnic_tx_job *job, struct mqnic_piece *piece,
		  unsigned *pieces)
{
	struct mqnic_tx *tx = &q->tx;
	uint64_t bytes = 0;

	*pieces = 0;
	for (unsigned i = 2; i < job->send.segments; i++) {
		struct mqnic_piece *p = &piece[(*pieces)++];

		mqnic_piece_unpack(p, block(tx, tx->consumed + i / 4) + i % 4 * 16);
		if (!p->bytes || p->key != MQNIC_KEY || p->addr + p->bytes < p->addr)
			return false;
		bytes += p->bytes;
	}
	if (bytes > MQNIC_TX_MAX || !lengths_good(q->nic, &job->send, (uint32_t)bytes))
		return false;
	job->bytes = (uint32_t)bytes;
	return true;
}

static void gather(struct mqnic_queue *q, struct mqnic_tx_job *job, const struct mqnic_piece *piece,
		   unsigned pieces)
{
	uint32_t at = 0;

	job->reading = pieces;
	for (unsigned i = 0; i < pieces; at += piece[i++].bytes)
		mqnic_dma(q->nic, &job->data[i], IOTOLL_READ, piece[i].addr, job->bytes_read + at,
			  piece[i].bytes);
}

/* Blocks that the entry at the front of the stock has; an impossible one counts as one. */
static unsigned entry_blocks(struct mqnic_tx *tx, struct mqnic_send *s)
{
	const uint32_t room = UINT32_C(1) << tx->log;

	mqnic_send_unpack(s, block(tx, tx->consumed));
	if (s->segments < 3 || s->segments > MQNIC_BLOCKS_MAX * 4 || (s->segments + 3u) / 4 > room)
		s->segments = 0;
	return s->segments ? (s->segments + 3u) / 4 : 1;
}

/* Take the queue's next entry in hand. False if it has none, or not yet all of it. */
static bool begin(struct mqnic_queue *q)
{
	struct mqnic *nic = q->nic;
	struct mqnic_tx *tx = &q->tx;
	struct mqnic_piece piece[MQNIC_TX_PIECES_MAX];
	struct mqnic_tx_job *job = nic->free_tx;
	unsigned blocks, pieces = 0;

	if (!q->on || tx->fetched == tx->consumed)
		return false;
	blocks = entry_blocks(tx, &job->send);
	if (tx->fetched - tx->consumed < blocks)
		return false;
	nic->free_tx = job->next;
	job->next = NULL;
	job->q = q;
	job->bytes = 0;
	job->error = 0;
	job->gathered = false;
	if (!job->send.segments || !parse(q, job, piece, &pieces))
		job->error = MQNIC_ERROR_ENTRY;
	job->send.index = (uint16_t)tx->consumed;
	tx->consumed += blocks;
	q->tx_under_way++;
	nic->tx_gathering += job->bytes;
	if (tx->first)
		tx->last->next = job;
	else
		tx->first = job;
	tx->last = job;
	if (job->error) {
		mqnic_bad_entry(nic);
		nic->stats.tx_drop_bad++;
		job->gathered = true;
		emit(q);
	} else {
		gather(q, job, piece, pieces);
	}
	return true;
}

static void on_fetched(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_queue *q = ctx;
	struct mqnic_tx *tx = &q->tx;

	(void)req;
	tx->fetching = false;
	if (!mqnic_read_ok(q->nic, status)) {
		tx->refused = true;
		return;
	}
	for (unsigned i = 0; i < tx->batch; i++, tx->fetched++)
		memcpy(block(tx, tx->fetched), tx->fetch_bytes + (size_t)i * MQNIC_BLOCK_BYTES,
		       MQNIC_BLOCK_BYTES);
	pump(q->nic);
}

/* Keep the stock up. */
static void fetch(struct mqnic_queue *q)
{
	struct mqnic_tx *tx = &q->tx;
	const uint32_t ring = UINT32_C(1) << tx->log, at = tx->fetched % ring;
	uint32_t n = tx->producer - tx->fetched;

	if (!q->on || !n || tx->fetching || tx->refused ||
	    tx->fetched - tx->consumed > MQNIC_TX_AHEAD / 2)
		return;
	if (n > MQNIC_TX_AHEAD - (tx->fetched - tx->consumed))
		n = MQNIC_TX_AHEAD - (tx->fetched - tx->consumed);
	if (n > ring - at)
		n = ring - at;
	tx->batch = n;
	tx->fetching = true;
	q->nic->stats.tx_fetches++;
	mqnic_dma(q->nic, &tx->fetch, IOTOLL_READ, tx->ring + (uint64_t)at * MQNIC_BLOCK_BYTES,
		  tx->fetch_bytes, n * MQNIC_BLOCK_BYTES);
}

/*
 * Is there room on chip for another entry of any length? What waits for the wire counts by the time
 * it will take. Otherwise the event that will find some is scheduled, or a read is under way.
 */
static bool room(struct mqnic *nic)
{
	const sim_time now = mqnic_now(nic),
		       waits = nic->wire_free > now ? nic->wire_free - now : 0;
	const uint64_t limit_ps = nic->tx_buffer_ps;

	if (nic->tx_gathering >= nic->config.tx_buffer_bytes)
		return false;
	if (waits < limit_ps)
		return true;
	if (!event_pending(&nic->tx_room))
		sim_schedule(nic->machine->sim, &nic->tx_room, nic->wire_free - limit_ps / 2);
	return false;
}

static void pump(struct mqnic *nic)
{
	unsigned idle = 0;

	if (!mqnic_enabled(nic))
		return;
	while (idle < nic->config.queues) {
		struct mqnic_queue *q = &nic->queue[nic->tx_turn];

		fetch(q);
		if (q->tx.fetched != q->tx.consumed && (!nic->free_tx || !room(nic)))
			return;
		idle = begin(q) ? 0 : idle + 1;
		nic->tx_turn = (nic->tx_turn + 1) % nic->config.queues;
	}
}

static void on_room(void *ctx)
{
	pump(ctx);
}

void mqnic_tx_bell(struct mqnic_queue *q, uint16_t low)
{
	struct mqnic_tx *tx = &q->tx;
	const uint32_t ahead = (uint16_t)(low - (uint16_t)tx->producer);

	if (!q->on)
		return;
	/* More than the ring holds is a lie. */
	if (tx->producer + ahead - tx->consumed > UINT32_C(1) << tx->log) {
		mqnic_bad_entry(q->nic);
		return;
	}
	tx->producer += ahead;
	tx->refused = false;
	pump(q->nic);
}

/* ---- life ---- */

bool mqnic_tx_start(struct mqnic_queue *q)
{
	struct mqnic_tx *tx = &q->tx;

	if (tx->fetching || q->tx_under_way)
		return false;
	memset(tx, 0, sizeof(*tx));
	tx->log = mqnic_queue_reg(q, MQNIC_Q_SIZES) >> 16 & 0xff;
	if (tx->log < MQNIC_LOG_MIN || tx->log > MQNIC_LOG_MAX)
		return false;
	tx->ring = (uint64_t)mqnic_queue_reg(q, MQNIC_Q_TX_RING + 4) << 32 |
		   mqnic_queue_reg(q, MQNIC_Q_TX_RING);
	tx->cq = (uint64_t)mqnic_queue_reg(q, MQNIC_Q_TX_CQ + 4) << 32 |
		 mqnic_queue_reg(q, MQNIC_Q_TX_CQ);
	tx->fetch.done = on_fetched;
	tx->fetch.ctx = q;
	return true;
}

int mqnic_tx_init(struct mqnic *nic)
{
	event_init(&nic->tx_room, on_room, nic);
	nic->tx_jobs = calloc(MQNIC_TX_JOBS, sizeof(*nic->tx_jobs));
	if (!nic->tx_jobs)
		return -ENOMEM;
	for (unsigned i = 0; i < MQNIC_TX_JOBS; i++) {
		struct mqnic_tx_job *job = &nic->tx_jobs[i];

		for (unsigned k = 0; k < MQNIC_TX_PIECES_MAX; k++) {
			job->data[k].done = on_read;
			job->data[k].ctx = job;
		}
		job->cqe.done = on_cqe;
		job->cqe.ctx = job;
	}
	return 0;
}

/* No DMA is under way any more. */
void mqnic_tx_reset(struct mqnic *nic)
{
	sim_cancel(nic->machine->sim, &nic->tx_room);
	nic->tx_gathering = 0;
	nic->tx_turn = 0;
	nic->free_tx = NULL;
	for (unsigned i = 0; i < MQNIC_TX_JOBS; i++) {
		nic->tx_jobs[i].next = nic->free_tx;
		nic->free_tx = &nic->tx_jobs[i];
	}
}

void mqnic_tx_fini(struct mqnic *nic)
{
	if (nic->machine)
		sim_cancel(nic->machine->sim, &nic->tx_room);
	free(nic->tx_jobs);
}

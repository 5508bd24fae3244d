/* SPDX-License-Identifier: MIT */
/*
 * Receiving: a frame is hashed to a queue when it arrives, waits in the on-chip buffer for its
 * turn, and is written to the memory of the queue's oldest entry, its completion behind it. A
 * queue's entries are fetched ahead in batches; how many are posted is read from the doorbell
 * record in memory whenever the stock runs low. A frame that finds its queue empty even after a
 * look at the record is lost; frames of other queues do not wait for that long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/mqnic_internal.h"

/* ---- entries ---- */

static void on_fetched(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_queue *q = ctx;
	struct mqnic_rx *rx = &q->rx;

	(void)req;
	rx->fetching = false;
	rx->refused = !mqnic_read_ok(q->nic, status);
	if (!rx->refused) {
		const size_t stride = (size_t)1 << rx->log_stride;

		for (unsigned i = 0; i < rx->batch; i++, rx->fetched++)
			memcpy(rx->stock + rx->fetched % MQNIC_RX_AHEAD * stride,
			       rx->fetch_bytes + i * stride, stride);
	}
	mqnic_rx_pump(q->nic);
}

/* As many as there is room for, up to the ring's end. */
static void fetch(struct mqnic_queue *q)
{
	struct mqnic_rx *rx = &q->rx;
	const uint32_t ring = UINT32_C(1) << rx->log, at = rx->fetched % ring;
	uint32_t n = rx->producer - rx->fetched;

	if (n > MQNIC_RX_AHEAD - (rx->fetched - rx->consumed))
		n = MQNIC_RX_AHEAD - (rx->fetched - rx->consumed);
	if (n > ring - at)
		n = ring - at;
	rx->batch = n;
	rx->fetching = true;
	q->nic->stats.rx_fetches++;
	mqnic_dma(q->nic, &rx->fetch, IOTOLL_READ, rx->ring + ((uint64_t)at << rx->log_stride),
		  rx->fetch_bytes, n << rx->log_stride);
}

static void on_record(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_queue *q = ctx;
	struct mqnic_rx *rx = &q->rx;

	(void)req;
	rx->reading_record = false;
	if (mqnic_read_ok(q->nic, status)) {
		const uint32_t posted = mqnic_get32(rx->record_bytes);

		/* More than the ring holds is a lie, and so is less than there was. */
		if (posted - rx->consumed > UINT32_C(1) << rx->log ||
		    posted - rx->consumed < rx->producer - rx->consumed)
			mqnic_bad_entry(q->nic);
		else
			rx->producer = posted;
	}
	mqnic_rx_pump(q->nic);
}

static void read_record(struct mqnic_queue *q)
{
	struct mqnic_rx *rx = &q->rx;

	rx->reading_record = true;
	rx->asked = mqnic_now(q->nic) + 1;
	q->nic->stats.record_reads++;
	mqnic_dma(q->nic, &rx->read_record, IOTOLL_READ, rx->record, rx->record_bytes,
		  sizeof(rx->record_bytes));
}

/* Keep the stock up. */
static void prefetch(struct mqnic_queue *q)
{
	struct mqnic_rx *rx = &q->rx;

	if (rx->fetched - rx->consumed >= MQNIC_RX_LOW)
		return;
	if (rx->producer - rx->fetched < MQNIC_RX_LOW && !rx->reading_record)
		read_record(q);
	if (rx->producer != rx->fetched && !rx->fetching)
		fetch(q);
}

/* ---- frames ---- */

static struct mqnic_queue *choose(struct mqnic *nic, const struct frame *frame, uint32_t *hash)
{
	struct segment s;
	uint32_t h = 0;

	if (segment_unpack(&s, frame->data, frame->bytes)) {
		for (unsigned i = 0; i < SEGMENT_RSS_INPUT_BYTES; i++)
			h ^= nic->hash[i][frame->data[SEGMENT_OFF_IP_SRC + i]];
	}
	*hash = h;
	h %= MQNIC_RSS_TABLE_BYTES;
	h = mqnic_reg(nic, MQNIC_RSS_TABLE + h / 4 * 4) >> h % 4 * 8 & 0xff;
	return &nic->queue[h < nic->config.queues ? h : 0];
}

static void job_over(struct mqnic_rx_job *job)
{
	struct mqnic_queue *q = job->q;

	if (--job->under_way)
		return;
	frame_put(job->frame);
	q->rx_under_way--;
	job->next = q->nic->free_rx;
	q->nic->free_rx = job;
	if (!job->next)
		mqnic_rx_pump(q->nic);
}

static void on_data(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_rx_job *job = ctx;

	(void)req;
	job->q->nic->stats.dma_errors_write += status != 0;
	job_over(job);
}

/* A piece of a frame has left the chip. */
static void on_left(void *ctx, struct pcie_request *req)
{
	const struct mqnic_rx_job *job = ctx;

	job->q->nic->rx_used -= req->bytes;
}

static void on_cqe(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_rx_job *job = ctx;

	(void)req;
	job->q->nic->stats.dma_errors_write += status != 0;
	mqnic_cq_written(job->q, 0);
	job_over(job);
}

static void complete(struct mqnic_rx_job *job, uint32_t hash, uint8_t error)
{
	struct mqnic_rx *rx = &job->q->rx;
	const struct mqnic_cqe cqe = {
		.hash = hash,
		.bytes = error ? 0 : job->frame->bytes,
		.counter = (uint16_t)rx->consumed,
		.error = error,
		.opcode = error ? MQNIC_CQE_RX | MQNIC_CQE_ERROR : MQNIC_CQE_RX,
		.owner = mqnic_owner(rx->completed, rx->log),
	};
	const uint32_t at = rx->completed++ % (UINT32_C(1) << rx->log);

	mqnic_cqe_pack(job->cqe_bytes, &cqe);
	job->q->nic->stats.completions++;
	job->under_way++;
	mqnic_dma(job->q->nic, &job->cqe, IOTOLL_WRITE, rx->cq + (uint64_t)at * MQNIC_CQE_BYTES,
		  job->cqe_bytes, MQNIC_CQE_BYTES);
}

/* The entry's pieces that @bytes fill; how many, 0 if they do not fit or make no sense. */
static unsigned pieces(const struct mqnic_rx *rx, uint32_t bytes, struct mqnic_piece *to,
		       uint8_t *error)
{
	const size_t stride = (size_t)1 << rx->log_stride;
	const uint8_t *entry = rx->stock + rx->consumed % MQNIC_RX_AHEAD * stride;
	unsigned n = 0;

	*error = MQNIC_ERROR_LENGTH;
	for (size_t at = 0; bytes && at < stride; at += MQNIC_SEGMENT_BYTES, n++) {
		mqnic_piece_unpack(&to[n], entry + at);
		if (!to[n].bytes)
			return 0;
		if (to[n].key != MQNIC_KEY || to[n].addr + to[n].bytes < to[n].addr) {
			*error = MQNIC_ERROR_ENTRY;
			return 0;
		}
		if (to[n].bytes > bytes)
			to[n].bytes = bytes;
		bytes -= to[n].bytes;
	}
	return bytes ? 0 : n;
}

/* Send the oldest frame, which belongs to @q, and its completion on their way. */
static void place(struct mqnic *nic, struct mqnic_queue *q, uint32_t hash)
{
	struct mqnic_piece piece[MQNIC_RX_PIECES_MAX];
	struct mqnic_rx_job *job = nic->free_rx;
	struct frame *frame = nic->first;
	uint32_t at = 0;
	uint8_t error;
	const unsigned n = pieces(&q->rx, frame->bytes, piece, &error);

	nic->first = frame->next;
	nic->free_rx = job->next;
	job->q = q;
	job->frame = frame;
	job->under_way = n;
	q->rx_under_way++;
	if (n) {
		nic->stats.rx_frames++;
		nic->stats.rx_bytes += frame->bytes;
	} else {
		nic->rx_used -= frame->bytes;
		nic->stats.rx_drop_long += error == MQNIC_ERROR_LENGTH;
		if (error == MQNIC_ERROR_ENTRY)
			mqnic_bad_entry(nic);
	}
	for (unsigned i = 0; i < n; at += piece[i++].bytes)
		mqnic_dma(nic, &job->data[i], IOTOLL_WRITE, piece[i].addr, frame->data + at,
			  piece[i].bytes);
	complete(job, hash, n ? 0 : error);
	q->rx.consumed++;
}

static void drop(struct mqnic *nic, uint64_t *counter)
{
	struct frame *frame = nic->first;

	nic->first = frame->next;
	nic->rx_used -= frame->bytes;
	(*counter)++;
	frame_put(frame);
}

void mqnic_rx_pump(struct mqnic *nic)
{
	while (nic->first && nic->free_rx) {
		uint32_t hash;
		struct mqnic_queue *q = choose(nic, nic->first, &hash);
		struct mqnic_rx *rx = &q->rx;

		if (!q->on || !mqnic_enabled(nic)) {
			drop(nic, &nic->stats.rx_drop_disabled);
			continue;
		}
		if (rx->fetched != rx->consumed) {
			place(nic, q, hash);
			prefetch(q);
			continue;
		}
		if (rx->fetching || rx->reading_record)
			return;
		if (rx->producer != rx->fetched && !rx->refused) {
			fetch(q);
			return;
		}
		if (!rx->refused && rx->asked <= nic->first->arrives) {
			read_record(q);
			return;
		}
		rx->refused = false; /* the next frame has it tried again */
		drop(nic, &nic->stats.rx_drop_no_descriptor);
	}
}

/* The station's own address, or everybody's. */
static bool for_us(const struct mqnic *nic, const struct frame *frame)
{
	static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const uint64_t to =
		(uint64_t)segment_get16(frame->data) << 32 | segment_get32(frame->data + 2);

	return to == nic->station || !memcmp(frame->data, everybody, sizeof(everybody));
}

void mqnic_receive(void *ctx, struct frame *frame)
{
	struct mqnic *nic = ctx;
	uint64_t *why = NULL;

	if (!mqnic_enabled(nic))
		why = &nic->stats.rx_drop_disabled;
	else if (!for_us(nic, frame))
		why = &nic->stats.rx_drop_filter;
	else if (frame->bytes > mqnic_reg(nic, MQNIC_MTU) + FRAME_HEADER_BYTES)
		why = &nic->stats.rx_drop_long;
	else if (nic->rx_used + frame->bytes > nic->config.rx_buffer_bytes)
		why = &nic->stats.rx_drop_full;
	if (why) {
		(*why)++;
		frame_put(frame);
		return;
	}
	nic->rx_used += frame->bytes;
	if (nic->rx_used > nic->stats.rx_buffer_peak)
		nic->stats.rx_buffer_peak = nic->rx_used;
	frame->arrives = mqnic_now(nic);
	frame->next = NULL;
	if (nic->first)
		nic->last->next = frame;
	else
		nic->first = frame;
	nic->last = frame;
	mqnic_rx_pump(nic);
}

/* ---- life ---- */

bool mqnic_rx_start(struct mqnic_queue *q)
{
	struct mqnic_rx *rx = &q->rx;
	const uint32_t sizes = mqnic_queue_reg(q, MQNIC_Q_SIZES);

	if (rx->fetching || rx->reading_record || q->rx_under_way)
		return false;
	memset(rx, 0, sizeof(*rx));
	rx->log = sizes & 0xff;
	rx->log_stride = sizes >> 8 & 0xff;
	if (rx->log < MQNIC_LOG_MIN || rx->log > MQNIC_LOG_MAX || rx->log_stride < 4 ||
	    rx->log_stride > 6)
		return false;
	rx->ring = (uint64_t)mqnic_queue_reg(q, MQNIC_Q_RX_RING + 4) << 32 |
		   mqnic_queue_reg(q, MQNIC_Q_RX_RING);
	rx->record = (uint64_t)mqnic_queue_reg(q, MQNIC_Q_RX_RECORD + 4) << 32 |
		     mqnic_queue_reg(q, MQNIC_Q_RX_RECORD);
	rx->cq = (uint64_t)mqnic_queue_reg(q, MQNIC_Q_RX_CQ + 4) << 32 |
		 mqnic_queue_reg(q, MQNIC_Q_RX_CQ);
	rx->fetch.done = on_fetched;
	rx->read_record.done = on_record;
	rx->fetch.ctx = rx->read_record.ctx = q;
	return true;
}

int mqnic_rx_init(struct mqnic *nic)
{
	nic->rx_jobs = calloc(MQNIC_RX_JOBS, sizeof(*nic->rx_jobs));
	if (!nic->rx_jobs)
		return -ENOMEM;
	for (unsigned i = 0; i < MQNIC_RX_JOBS; i++) {
		struct mqnic_rx_job *job = &nic->rx_jobs[i];

		for (unsigned k = 0; k < MQNIC_RX_PIECES_MAX; k++) {
			job->data[k].done = on_data;
			job->data[k].left = on_left;
			job->data[k].ctx = job;
		}
		job->cqe.done = on_cqe;
		job->cqe.ctx = job;
	}
	return 0;
}

/* No DMA is under way any more. */
void mqnic_rx_reset(struct mqnic *nic)
{
	while (nic->first)
		drop(nic, &nic->stats.rx_drop_disabled);
	nic->free_rx = NULL;
	nic->rx_used = 0;
	for (unsigned i = 0; i < MQNIC_RX_JOBS; i++) {
		struct mqnic_rx_job *job = &nic->rx_jobs[i];

		if (job->under_way)
			frame_put(job->frame);
		job->under_way = 0;
		job->next = nic->free_rx;
		nic->free_rx = job;
	}
}

void mqnic_rx_fini(struct mqnic *nic)
{
	if (nic->rx_jobs)
		mqnic_rx_reset(nic);
	free(nic->rx_jobs);
}

/* SPDX-License-Identifier: MIT */
/*
 * A command's way to the target and back: FCP_CMND out; for a read, frames of data in, each written
 * to memory by DMA as it arrives; for a write, FCP_XFER_RDY in, then frames fetched from memory and
 * sent; FCP_RSP in. Both directions of the link carry one frame at a time, at the link's rate;
 * a target may send only as many frames ahead as there are buffers (buffer credits).
 */
#include "dev/qla_internal.h"

#include <errno.h>

/* Around a frame's payload: delimiters, header, CRC (FC-FS), and the idle words after it. */
#define FRAME_OVERHEAD (4u + 24u + 4u + 4u + 6u * 4u)
#define CMND_BYTES     32u /* FCP information units (FCP-2, 9) */
#define XFER_RDY_BYTES 12u
#define RSP_BYTES      24u

static void rx_pump(struct qla *hba);
static void tx_pump(struct qla *hba);

static uint64_t frame_ps(const struct qla *hba, uint32_t payload)
{
	return (payload + FRAME_OVERHEAD) * machine_cost(hba->machine)->disk_link_byte;
}

/* The next frame's turn on a direction of the link: when it has been sent. */
static sim_time send_frame(const struct qla *hba, sim_time *free, uint32_t payload)
{
	const sim_time now = qla_now(hba);

	*free = (*free > now ? *free : now) + frame_ps(hba, payload);
	return *free;
}

static sim_time latency(const struct qla *hba)
{
	return machine_cost(hba->machine)->disk_link_latency;
}

/* The command has ended and no frame of it is under way: tell the host. */
static void settle(struct qla_exchange *x)
{
	if (x->stage == QLA_OVER && !x->frames)
		qla_answer_status(x);
}

void qla_exchange_abort(struct qla_exchange *x, uint16_t outcome)
{
	struct qla *hba = x->hba;

	if (x->stage < QLA_READY || x->stage >= QLA_OVER)
		return;
	disk_abort(hba->config.disk, &x->io);
	sim_cancel(hba->machine->sim, &x->event);
	qla_queue_remove(&hba->rx, x);
	qla_queue_remove(&hba->tx, x);
	x->outcome = outcome;
	x->gone = true;
	x->stage = QLA_OVER;
	settle(x);
}

/* ---- frames ---- */

static struct qla_frame *frame_take(struct qla_frame *frames, unsigned n, struct qla_exchange *x)
{
	const uint32_t left = x->limit - x->at;

	for (unsigned i = 0; i < n; i++) {
		struct qla_frame *f = &frames[i];

		if (f->x)
			continue;
		f->x = x;
		f->offset = x->at;
		f->bytes = left < x->hba->payload ? left : x->hba->payload;
		f->done = 0;
		f->segment = x->segment_now;
		f->segment_at = x->segment_at;
		x->at += f->bytes;
		x->frames++;
		return f;
	}
	return NULL;
}

/* Where the frame after @f begins in the list of segments. */
static void advance(struct qla_exchange *x, uint32_t bytes)
{
	while (bytes) {
		const uint32_t left = x->segment[x->segment_now].bytes - x->segment_at;

		if (bytes < left) {
			x->segment_at += bytes;
			return;
		}
		bytes -= left;
		x->segment_now++;
		x->segment_at = 0;
	}
}

static void frame_free(struct qla_frame *f)
{
	struct qla_exchange *x = f->x;

	f->x = NULL;
	x->frames--;
	settle(x);
}

/* The next piece of the frame that lies in one segment. */
static void frame_dma(struct qla_frame *f)
{
	const struct qla_exchange *x = f->x;
	uint32_t left;

	while (f->segment_at == x->segment[f->segment].bytes) {
		f->segment++;
		f->segment_at = 0;
	}
	left = x->segment[f->segment].bytes - f->segment_at;
	f->req.iova = x->segment[f->segment].address + f->segment_at;
	f->req.buffer = f->data + f->done;
	f->req.bytes = f->bytes - f->done < left ? f->bytes - f->done : left;
	bus_submit(&f->hba->port, &f->req);
}

/* A piece has moved, or not: true if the frame is complete. */
static bool frame_moved(struct qla_frame *f, int status)
{
	struct qla_exchange *x = f->x;

	if (!qla_dma_ok(f->hba, status)) {
		if (!f->hba->dead) {
			qla_exchange_abort(x, QLA_CS_DMA);
			frame_free(f);
		}
		return false;
	}
	if (x->gone) {
		frame_free(f);
		return false;
	}
	f->done += f->req.bytes;
	f->segment_at += f->req.bytes;
	if (f->done < f->bytes) {
		frame_dma(f);
		return false;
	}
	return true;
}

/* ---- data in ---- */

static void on_rx_frame(void *ctx)
{
	struct qla_frame *f = ctx;
	struct qla *hba = f->hba;

	if (!f->x->gone) {
		frame_dma(f);
		return;
	}
	frame_free(f);
	rx_pump(hba);
}

static void on_rx_dma(void *ctx, struct bus_request *req, int status)
{
	struct qla_frame *f = ctx;
	struct qla *hba = f->hba;

	(void)req;
	if (frame_moved(f, status)) {
		f->x->moved += f->bytes;
		hba->stats.read_bytes += f->bytes;
		frame_free(f);
	}
	rx_pump(hba);
}

static void rx_pump(struct qla *hba)
{
	while (hba->rx.first && !hba->dead) {
		struct qla_exchange *x = hba->rx.first;
		struct qla_frame *f;

		if (qla_now(hba) < hba->rx_free) {
			sim_schedule(hba->machine->sim, &hba->rx_event, hba->rx_free);
			return;
		}
		f = frame_take(hba->rx_frame, QLA_RX_BUFFERS, x);
		if (!f)
			return; /* no credit */
		advance(x, f->bytes);
		hba->stats.frames_received++;
		disk_get(hba->config.disk, &x->io, f->offset, f->data, f->bytes);
		sim_schedule(hba->machine->sim, &f->event,
			     send_frame(hba, &hba->rx_free, f->bytes) + latency(hba));
		if (x->at == x->limit) {
			qla_queue_remove(&hba->rx, x);
			x->stage = QLA_STATUS;
			disk_moved(hba->config.disk, &x->io);
		}
	}
}

static void on_rx_link(void *ctx)
{
	rx_pump(ctx);
}

/* ---- data out ---- */

static void on_tx_dma(void *ctx, struct bus_request *req, int status)
{
	struct qla_frame *f = ctx;
	struct qla *hba = f->hba;

	(void)req;
	if (frame_moved(f, status)) {
		hba->stats.frames_sent++;
		sim_schedule(hba->machine->sim, &f->event,
			     send_frame(hba, &hba->tx_free, f->bytes) + latency(hba));
	} else {
		tx_pump(hba);
	}
}

/* The frame has reached the target. */
static void on_tx_frame(void *ctx)
{
	struct qla_frame *f = ctx;
	struct qla_exchange *x = f->x;
	struct qla *hba = f->hba;

	if (!x->gone) {
		disk_put(hba->config.disk, &x->io, f->offset, f->data, f->bytes);
		x->moved += f->bytes;
		hba->stats.written_bytes += f->bytes;
		if (x->moved == x->limit) {
			x->stage = QLA_STATUS;
			disk_moved(hba->config.disk, &x->io);
		}
	}
	frame_free(f);
	tx_pump(hba);
}

static void tx_pump(struct qla *hba)
{
	while (hba->tx.first && !hba->dead) {
		struct qla_exchange *x = hba->tx.first;
		struct qla_frame *f = frame_take(hba->tx_frame, QLA_TX_BUFFERS, x);

		if (!f)
			return;
		advance(x, f->bytes);
		if (x->at == x->limit)
			qla_queue_remove(&hba->tx, x);
		frame_dma(f);
	}
}

/* ---- a command's stations ---- */

static void on_ready(void *ctx, struct disk_io *io)
{
	struct qla_exchange *x = ctx;
	struct qla *hba = x->hba;
	const bool in = io->direction == DISK_IN;

	x->limit = io->bytes < x->bytes ? io->bytes : x->bytes;
	if (x->limit && !(x->flags & (in ? QLA_CF_READ : QLA_CF_WRITE))) {
		qla_exchange_abort(x, QLA_CS_DMA);
		return;
	}
	if (!x->limit) {
		x->stage = QLA_STATUS;
		disk_moved(hba->config.disk, io);
	} else if (in) {
		x->stage = QLA_DATA;
		qla_queue_push(&hba->rx, x);
		rx_pump(hba);
	} else {
		x->stage = QLA_GRANT;
		sim_schedule(hba->machine->sim, &x->event,
			     send_frame(hba, &hba->rx_free, XFER_RDY_BYTES) + latency(hba));
	}
}

/* The target has ended the command: its response sets out. */
static void on_over(void *ctx, struct disk_io *io)
{
	struct qla_exchange *x = ctx;
	struct qla *hba = x->hba;

	x->stage = QLA_STATUS;
	sim_schedule(hba->machine->sim, &x->event,
		     send_frame(hba, &hba->rx_free, RSP_BYTES + io->sense_bytes) + latency(hba));
}

/* The processor has come to the command. */
static void depart(struct qla_exchange *x)
{
	struct qla *hba = x->hba;

	if (x->target) { /* nobody else is there */
		qla_exchange_abort(x, QLA_CS_PORT_UNAVAILABLE);
		return;
	}
	hba->stats.commands++;
	x->stage = QLA_SENT;
	sim_schedule(hba->machine->sim, &x->event,
		     send_frame(hba, &hba->tx_free, CMND_BYTES) + latency(hba));
}

static void on_event(void *ctx)
{
	struct qla_exchange *x = ctx;
	struct qla *hba = x->hba;

	switch ((enum qla_stage)x->stage) {
	case QLA_READY:
		depart(x);
		break;
	case QLA_SENT:
		disk_submit(hba->config.disk, &x->io);
		break;
	case QLA_GRANT:
		x->stage = QLA_DATA;
		qla_queue_push(&hba->tx, x);
		tx_pump(hba);
		break;
	case QLA_STATUS:
		x->stage = QLA_OVER;
		settle(x);
		break;
	case QLA_FREE:
	case QLA_GATHER:
	case QLA_DATA:
	case QLA_OVER:
	case QLA_ANSWER:
		break;
	}
}

void qla_command(struct qla_exchange *x)
{
	struct qla *hba = x->hba;
	const sim_time now = qla_now(hba);

	memcpy(x->io.cdb, x->entry + QLA_CMD_OFF_CDB, QLA_CDB_BYTES);
	x->io.lun = qla_get16(x->entry + QLA_CMD_OFF_LUN);
	x->at = x->limit = x->moved = 0;
	x->segment_now = 0;
	x->segment_at = 0;
	x->outcome = QLA_CS_COMPLETE;
	x->stage = QLA_READY;
	if (hba->processor_free < now)
		hba->processor_free = now;
	hba->processor_free += machine_cost(hba->machine)->disk_adapter_command;
	sim_schedule(hba->machine->sim, &x->event, hba->processor_free);
}

void qla_data_reset(struct qla *hba)
{
	for (unsigned i = 0; i < QLA_RX_BUFFERS; i++) {
		sim_cancel(hba->machine->sim, &hba->rx_frame[i].event);
		hba->rx_frame[i].x = NULL;
	}
	for (unsigned i = 0; i < QLA_TX_BUFFERS; i++) {
		sim_cancel(hba->machine->sim, &hba->tx_frame[i].event);
		hba->tx_frame[i].x = NULL;
	}
	sim_cancel(hba->machine->sim, &hba->rx_event);
	hba->rx = hba->tx = (struct qla_queue){NULL, NULL};
	hba->rx_free = hba->tx_free = 0;
}

static void frame_init(struct qla_frame *f, struct qla *hba, bool receive)
{
	f->hba = hba;
	f->req = (struct bus_request){.direction = receive ? IOTOLL_WRITE : IOTOLL_READ,
				      .done = receive ? on_rx_dma : on_tx_dma,
				      .ctx = f};
	event_init(&f->event, receive ? on_rx_frame : on_tx_frame, f);
}

void qla_data_init(struct qla *hba)
{
	for (unsigned i = 0; i < QLA_RX_BUFFERS; i++)
		frame_init(&hba->rx_frame[i], hba, true);
	for (unsigned i = 0; i < QLA_TX_BUFFERS; i++)
		frame_init(&hba->tx_frame[i], hba, false);
	event_init(&hba->rx_event, on_rx_link, hba);
	for (unsigned i = 0; i < QLA_EXCHANGES; i++) {
		struct qla_exchange *x = &hba->exchange[i];

		event_init(&x->event, on_event, x);
		x->io.ready = on_ready;
		x->io.over = on_over;
		x->io.ctx = x;
	}
}

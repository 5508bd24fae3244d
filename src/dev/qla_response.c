/* SPDX-License-Identifier: MIT */
/*
 * The response queue: one entry for each command, in the order in which they ended, written by DMA.
 * One slot stays free, as a full ring would look empty.
 */
#include "dev/qla_internal.h"

void qla_response_pump(struct qla *hba)
{
	const struct qla_exchange *x = hba->answers.first;

	if (!x || hba->answering || !qla_works(hba))
		return;
	if ((hba->rsp_in + 1) % hba->rsp_length == hba->rsp_out) {
		hba->stats.ring_full += !hba->answer_waits;
		hba->answer_waits = true;
		return;
	}
	hba->answer_waits = false;
	hba->answering = true;
	hba->answer.iova = hba->rsp_base + (uint64_t)hba->rsp_in * QLA_ENTRY_BYTES;
	hba->answer.buffer = hba->answers.first->entry;
	hba->answer.bytes = QLA_ENTRY_BYTES;
	bus_submit(&hba->port, &hba->answer);
}

static void on_answer(void *ctx, struct bus_request *req, int status)
{
	struct qla *hba = ctx;
	struct qla_exchange *x = hba->answers.first;

	(void)req;
	hba->answering = false;
	if (!qla_dma_ok(hba, status)) {
		if (!hba->dead)
			qla_halt(hba, QLA_MBA_RSP_TRANSFER_ERR);
		return;
	}
	if (!qla_works(hba)) /* stopped meanwhile: what was written is not announced */
		return;
	hba->stats.entries_written++;
	hba->rsp_in = (uint16_t)((hba->rsp_in + 1) % hba->rsp_length);
	qla_queue_remove(&hba->answers, x);
	qla_exchange_free(x);
	qla_post_response(hba);
	qla_response_pump(hba);
	qla_request_pump(hba);
}

static void answer(struct qla_exchange *x)
{
	x->stage = QLA_ANSWER;
	qla_queue_push(&x->hba->answers, x);
	qla_response_pump(x->hba);
}

void qla_answer_entry(struct qla_exchange *x, uint8_t entry_status)
{
	x->hba->stats.bad_entries++;
	x->entry[QLA_OFF_STATUS] = entry_status;
	answer(x);
}

/* How the command went by the bytes: more than the host has room for, fewer than it asked for. */
static uint16_t judge(const struct qla_exchange *x, uint16_t *scsi, uint32_t *residual)
{
	*residual = x->bytes - x->moved;
	if (x->outcome != QLA_CS_COMPLETE)
		return x->outcome;
	if (x->io.bytes > x->bytes) {
		*scsi |= QLA_SS_RESIDUAL_OVER;
		*residual = x->io.bytes - x->bytes;
		return QLA_CS_DATA_OVERRUN;
	}
	if (!*residual)
		return QLA_CS_COMPLETE;
	*scsi |= QLA_SS_RESIDUAL_UNDER;
	return QLA_CS_DATA_UNDERRUN;
}

void qla_answer_status(struct qla_exchange *x)
{
	const bool answered = x->outcome == QLA_CS_COMPLETE;
	uint16_t scsi = answered ? x->io.status : 0;
	uint8_t *e = x->entry;
	uint32_t residual;
	uint16_t completion = judge(x, &scsi, &residual);

	memset(e, 0, QLA_ENTRY_BYTES);
	e[QLA_OFF_TYPE] = QLA_TYPE_STATUS;
	e[QLA_OFF_COUNT] = 1;
	qla_put32(e + QLA_OFF_HANDLE, x->handle);
	if (answered && x->io.sense_bytes) {
		scsi |= QLA_SS_SENSE_VALID;
		qla_put16(e + QLA_STS_OFF_SENSE_LENGTH, (uint16_t)x->io.sense_bytes);
		memcpy(e + QLA_STS_OFF_SENSE, x->io.sense, x->io.sense_bytes);
	}
	qla_put16(e + QLA_STS_OFF_SCSI, scsi);
	qla_put16(e + QLA_STS_OFF_COMPLETION, completion);
	qla_put32(e + QLA_STS_OFF_RESIDUAL, residual);
	answer(x);
}

void qla_response_init(struct qla *hba)
{
	hba->answer =
		(struct bus_request){.direction = IOTOLL_WRITE, .done = on_answer, .ctx = hba};
}

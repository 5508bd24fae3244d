/* SPDX-License-Identifier: MIT */
/*
 * The interrupt handler and what it finds in the response ring (qla2300_intr_handler(),
 * qla2x00_process_response_queue(), qla2x00_status_entry() of Linux).
 */
#include "guest/qla_driver_internal.h"

#define ROUNDS 50u

/* ---- how a command ended ---- */

static enum blk_result sense_result(struct qla_driver *d, const uint8_t *e)
{
	const unsigned length = qla_get16(e + QLA_STS_OFF_SENSE_LENGTH);
	const uint8_t key = e[QLA_STS_OFF_SENSE + 2] & 0xf;

	d->stats.sense++;
	if (!(qla_get16(e + QLA_STS_OFF_SCSI) & QLA_SS_SENSE_VALID) || length < 3)
		return BLK_RETRY;
	return key == SCSI_KEY_UNIT_ATTENTION || key == SCSI_KEY_ABORTED_COMMAND ? BLK_RETRY
										 : BLK_FAILED;
}

static enum blk_result status_result(struct qla_driver *d, const uint8_t *e)
{
	const uint16_t completion = qla_get16(e + QLA_STS_OFF_COMPLETION);
	const uint8_t scsi = (uint8_t)qla_get16(e + QLA_STS_OFF_SCSI);

	if (completion == QLA_CS_QUEUE_FULL)
		return BLK_AGAIN;
	if (completion != QLA_CS_COMPLETE && completion != QLA_CS_DATA_UNDERRUN) {
		d->stats.dma_errors += completion == QLA_CS_DMA;
		return BLK_RETRY; /* DID_ERROR, DID_RESET, DID_BUS_BUSY: all are tried again */
	}
	switch (scsi) {
	case SCSI_STATUS_GOOD:
		/* Fewer bytes than asked for, without a word why. */
		return completion == QLA_CS_COMPLETE ? BLK_OK : BLK_RETRY;
	case SCSI_STATUS_CHECK_CONDITION:
		return sense_result(d, e);
	case SCSI_STATUS_BUSY:
	case SCSI_STATUS_TASK_SET_FULL:
		return BLK_AGAIN;
	default:
		return BLK_RETRY;
	}
}

static void entry(struct qla_driver *d, struct cpu *cpu, const uint8_t *e)
{
	const uint32_t handle = qla_get32(e + QLA_OFF_HANDLE);
	const bool handed_back = e[QLA_OFF_STATUS] & QLA_RF_MASK;
	const uint8_t type = e[QLA_OFF_TYPE];
	struct blk_request *rq;
	enum blk_result result;

	if (handle >= QLA_DRIVER_HANDLES || !d->by_handle[handle] ||
	    (!handed_back && type != QLA_TYPE_STATUS)) {
		d->stats.bad_entries++;
		return;
	}
	if (handed_back) {
		d->stats.handed_back++;
		result = e[QLA_OFF_STATUS] & QLA_RF_BUSY ? BLK_AGAIN : BLK_RETRY;
	} else {
		result = status_result(d, e);
	}
	cpu_charge(cpu, machine_cost(d->machine)->disk_driver / 2);
	rq = qla_driver_take(d, handle);
	d->stats.completions++;
	d->stats.errors += result != BLK_OK && result != BLK_AGAIN;
	blk_complete(d->queue, cpu, rq, result);
}

/* Take what is new, until an entry that was taken before. */
static void process_responses(struct qla_driver *d, struct cpu *cpu)
{
	unsigned taken = 0;

	for (; taken < QLA_DRIVER_RESPONSES; taken++) {
		const size_t at = (size_t)d->rsp_index * QLA_ENTRY_BYTES;
		uint8_t *shared = d->rsp.ptr + at, e[QLA_ENTRY_BYTES];

		cpu_sync(cpu); /* what the device wrote until now is to be seen */
		cpu_touch(cpu, d->rsp.paddr + at, QLA_ENTRY_BYTES, false);
		memcpy(e, shared, sizeof(e)); /* looked at once: a device could change it */
		if (qla_get32(e + QLA_RSP_OFF_SIGNATURE) == QLA_RESPONSE_PROCESSED)
			break;
		d->rsp_index = (d->rsp_index + 1) % QLA_DRIVER_RESPONSES;
		entry(d, cpu, e);
		qla_put32(shared + QLA_RSP_OFF_SIGNATURE, QLA_RESPONSE_PROCESSED);
		cpu_touch(cpu, d->rsp.paddr + at + QLA_RSP_OFF_SIGNATURE, sizeof(uint32_t), true);
	}
	qla_wr(d, cpu, QLA_RSP_OUT, (uint16_t)d->rsp_index);
	if (taken)
		blk_restart(d->queue, cpu);
}

static void async_event(struct qla_driver *d, struct cpu *cpu, uint16_t event)
{
	d->stats.async_events++;
	if (event == QLA_MBA_SYSTEM_ERR || event == QLA_MBA_REQ_TRANSFER_ERR ||
	    event == QLA_MBA_RSP_TRANSFER_ERR)
		qla_driver_want_reset(d, cpu);
}

/* One cause. False: there is none, or the chip is beyond asking. */
static bool cause(struct qla_driver *d, struct cpu *cpu)
{
	const uint32_t stat = (uint32_t)mmio_read(d->config.regs, cpu, QLA_HOST_STATUS, 4);

	if (stat & QLA_HSR_RISC_PAUSED) {
		qla_driver_want_reset(d, cpu);
		return false;
	}
	if (!(stat & QLA_HSR_RISC_INT))
		return false;
	if ((stat & QLA_HSR_CAUSE) == QLA_CAUSE_ASYNC)
		async_event(d, cpu, (uint16_t)(stat >> 16));
	else if ((stat & QLA_HSR_CAUSE) == QLA_CAUSE_RESPONSE)
		process_responses(d, cpu);
	qla_wr(d, cpu, QLA_HCCR, QLA_HCCR_CLR_RISC_INT);
	qla_rd(d, cpu, QLA_HCCR);
	return true;
}

void qla_driver_interrupt(void *ctx, struct cpu *cpu)
{
	struct qla_driver *d = ctx;
	enum charge before;
	unsigned rounds = 0;

	cpu_charge(cpu, machine_cost(d->machine)->disk_irq_body);
	before = cpu_enter(cpu, CHARGE_DRIVER);
	vlock_acquire(&d->lock, cpu);
	while (rounds < ROUNDS && cause(d, cpu))
		rounds++;
	vlock_release(&d->lock, cpu);
	cpu_leave(cpu, before);
	d->stats.rounds += rounds;
	if (rounds)
		d->stats.interrupts++;
	else
		d->stats.spurious++;
}

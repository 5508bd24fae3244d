/* SPDX-License-Identifier: MIT */
/*
 * Registers and the interrupt line. Registers are 16 bits wide, HOST_STATUS 32; a 32-bit access to
 * two of the others is two accesses. One cause at a time is shown in HOST_STATUS; the host takes it
 * with CLR_RISC_INT, and the next one is shown. What is not in the list reads 0, ignores writes and
 * is counted.
 */
#include "dev/qla_internal.h"

/*
 * A line that stays up because a second cause was waiting is not a new interrupt while the
 * handler is still reading HOST_STATUS again: the controller looks at it when the handler is done.
 */
#define STILL_HANDLED_PS (2 * SIM_US)

/* ---- the line ---- */

static bool enabled(const struct qla *hba)
{
	const uint16_t both = QLA_ICTRL_EN_INT | QLA_ICTRL_EN_RISC;

	return (hba->reg[QLA_ICTRL / 2] & both) == both;
}

static void raise(struct qla *hba)
{
	hba->stats.interrupts++;
	if (hba->config.irq)
		irq_raise(hba->config.irq);
}

static void on_interrupt(void *ctx)
{
	struct qla *hba = ctx;

	if (hba->line)
		raise(hba);
}

/* @again: the host has just taken a cause. */
static void update_line(struct qla *hba, bool again)
{
	const bool up = hba->cause && enabled(hba);

	if (up && !hba->line && !again)
		raise(hba);
	else if (up && again)
		sim_schedule(hba->machine->sim, &hba->interrupt, qla_now(hba) + STILL_HANDLED_PS);
	if (!up)
		sim_cancel(hba->machine->sim, &hba->interrupt);
	hba->line = up;
}

/* Show the next cause if none is shown: mailbox commands first, somebody polls for them. */
static void show(struct qla *hba, bool again)
{
	if (!hba->cause && hba->mailbox_cause) {
		hba->cause = hba->mailbox_cause;
		hba->mailbox_cause = 0;
	} else if (!hba->cause && hba->async_count) {
		hba->out_mailbox[0] = hba->async[0];
		hba->cause = (uint32_t)hba->async[0] << 16 | QLA_HSR_RISC_INT | QLA_CAUSE_ASYNC;
		hba->async_count--;
		memmove(hba->async, hba->async + 1, hba->async_count * sizeof(hba->async[0]));
	} else if (!hba->cause && hba->response_cause) {
		hba->response_cause = false;
		hba->cause = (uint32_t)hba->rsp_in << 16 | QLA_HSR_RISC_INT | QLA_CAUSE_RESPONSE;
	}
	update_line(hba, again);
}

void qla_post_mailbox(struct qla *hba, bool rom, bool failed)
{
	const uint32_t cause = rom      ? failed ? QLA_CAUSE_ROM_FAILED : QLA_CAUSE_ROM_DONE
			       : failed ? QLA_CAUSE_MBX_FAILED
					: QLA_CAUSE_MBX_DONE;

	hba->mailbox_cause = (uint32_t)hba->out_mailbox[0] << 16 | QLA_HSR_RISC_INT | cause;
	show(hba, false);
}

void qla_post_async(struct qla *hba, uint16_t event)
{
	hba->stats.async_events++;
	if (hba->async_count < sizeof(hba->async) / sizeof(hba->async[0]))
		hba->async[hba->async_count++] = event;
	show(hba, false);
}

void qla_post_response(struct qla *hba)
{
	hba->response_cause = true;
	show(hba, false);
}

void qla_regs_reset(struct qla *hba)
{
	memset(hba->reg, 0, sizeof(hba->reg));
	memset(hba->in_mailbox, 0, sizeof(hba->in_mailbox));
	memset(hba->out_mailbox, 0, sizeof(hba->out_mailbox));
	hba->out_mailbox[1] = QLA_PROD_ID_1;
	hba->out_mailbox[2] = QLA_PROD_ID_2;
	hba->out_mailbox[3] = QLA_PROD_ID_3;
	hba->cause = hba->mailbox_cause = 0;
	hba->async_count = 0;
	hba->response_cause = false;
	hba->line = false;
	if (!hba->interrupt.fn)
		event_init(&hba->interrupt, on_interrupt, hba);
	sim_cancel(hba->machine->sim, &hba->interrupt);
}

/* ---- reading ---- */

static uint32_t host_status(const struct qla *hba)
{
	return hba->cause | (hba->paused ? QLA_HSR_RISC_PAUSED : 0);
}

static uint16_t read16(struct qla *hba, uint64_t offset)
{
	if (offset >= QLA_MAILBOX(0) && offset < QLA_MAILBOX(QLA_MAILBOXES))
		return hba->out_mailbox[(offset - QLA_MAILBOX(0)) / 2];
	switch (offset) {
	case QLA_ISTATUS:
		return hba->cause ? QLA_ISTATUS_RISC_INT : 0;
	case QLA_REQ_IN:
		return hba->req_in;
	case QLA_REQ_OUT:
		return hba->req_out;
	case QLA_RSP_IN:
		return hba->rsp_in;
	case QLA_RSP_OUT:
		return hba->rsp_out;
	case QLA_HOST_STATUS:
		return (uint16_t)host_status(hba);
	case QLA_HOST_STATUS + 2:
		return (uint16_t)(host_status(hba) >> 16);
	case QLA_HCCR:
		return hba->paused ? QLA_HCCR_RISC_PAUSE : 0;
	case QLA_CTRL_STATUS:
		return 0;
	case QLA_ICTRL:
	case QLA_SEMAPHORE:
	case QLA_NVRAM:
		return hba->reg[offset / 2];
	default:
		hba->stats.unknown_accesses++;
		return 0;
	}
}

static uint64_t mmio_read_op(void *ctx, uint64_t offset, unsigned width)
{
	struct qla *hba = ctx;
	uint64_t low;

	if (offset % width || offset >= QLA_REG_BYTES || (width != 2 && width != 4)) {
		hba->stats.unknown_accesses++;
		return 0;
	}
	low = read16(hba, offset);
	return width == 2 ? low : low | (uint64_t)read16(hba, offset + 2) << 16;
}

/* ---- writing ---- */

static void command(struct qla *hba, uint16_t value)
{
	switch (value & 0xf000) {
	case QLA_HCCR_SET_HOST_INT:
		qla_mailbox(hba);
		break;
	case QLA_HCCR_CLR_RISC_INT:
		hba->cause = 0;
		show(hba, true);
		break;
	case QLA_HCCR_PAUSE_RISC:
		hba->paused = true;
		break;
	case QLA_HCCR_RELEASE_RISC:
		hba->paused = false;
		qla_request_pump(hba);
		break;
	case QLA_HCCR_RESET_RISC:
		qla_reset(hba);
		break;
	default: /* CLR_HOST_INT and what this model has no part for */
		break;
	}
}

static void write16(struct qla *hba, uint64_t offset, uint16_t value)
{
	if (offset >= QLA_MAILBOX(0) && offset < QLA_MAILBOX(QLA_MAILBOXES)) {
		hba->in_mailbox[(offset - QLA_MAILBOX(0)) / 2] = value;
		return;
	}
	switch (offset) {
	case QLA_CTRL_STATUS:
		if (value & QLA_CTRL_SOFT_RESET)
			qla_reset(hba);
		break;
	case QLA_REQ_IN:
		hba->req_in = value;
		if (qla_works(hba) && value >= hba->req_length)
			qla_halt(hba, QLA_MBA_SYSTEM_ERR);
		qla_request_pump(hba);
		break;
	case QLA_RSP_OUT:
		hba->rsp_out = value;
		if (qla_works(hba) && value >= hba->rsp_length)
			qla_halt(hba, QLA_MBA_SYSTEM_ERR);
		qla_response_pump(hba);
		break;
	case QLA_HCCR:
		command(hba, value);
		break;
	case QLA_ICTRL:
	case QLA_SEMAPHORE:
	case QLA_NVRAM:
		hba->reg[offset / 2] = value;
		show(hba, false);
		break;
	case QLA_ISTATUS: /* read only */
	case QLA_REQ_OUT:
	case QLA_RSP_IN:
	case QLA_HOST_STATUS:
	case QLA_HOST_STATUS + 2:
		break;
	default:
		hba->stats.unknown_accesses++;
	}
}

static void mmio_write_op(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct qla *hba = ctx;

	if (offset % width || offset >= QLA_REG_BYTES || (width != 2 && width != 4)) {
		hba->stats.unknown_accesses++;
		return;
	}
	write16(hba, offset, (uint16_t)value);
	if (width == 4)
		write16(hba, offset + 2, (uint16_t)(value >> 16));
}

const struct mmio_ops qla_mmio_ops = {
	.read = mmio_read_op,
	.write = mmio_write_op,
};

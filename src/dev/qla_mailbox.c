/* SPDX-License-Identifier: MIT */
/*
 * Mailbox commands: parameters in the mailboxes, SET_HOST_INT, an answer in the mailboxes and a
 * cause. Before EXECUTE_FIRMWARE the ROM code answers, and knows only the first few.
 */
#include "dev/qla_internal.h"

static uint16_t initialize(struct qla *hba)
{
	const uint16_t *mb = hba->in_mailbox;
	const uint64_t at =
		(uint64_t)mb[6] << 48 | (uint64_t)mb[7] << 32 | (uint32_t)mb[2] << 16 | mb[3];
	uint8_t icb[QLA_ICB_BYTES];
	uint16_t req, rsp, payload, req_out, rsp_in;

	if (!qla_dma_ok(hba, bus_dma_now(hba->config.bus, hba->config.devid, at, icb, sizeof(icb),
					 IOTOLL_READ, NULL)))
		return QLA_MBS_HOST_INTERFACE_ERROR;
	req = qla_get16(icb + QLA_ICB_OFF_REQ_LENGTH);
	rsp = qla_get16(icb + QLA_ICB_OFF_RSP_LENGTH);
	req_out = qla_get16(icb + QLA_ICB_OFF_REQ_OUT);
	rsp_in = qla_get16(icb + QLA_ICB_OFF_RSP_IN);
	payload = qla_get16(icb + QLA_ICB_OFF_FRAME_PAYLOAD);
	if (icb[QLA_ICB_OFF_VERSION] != QLA_ICB_VERSION || req < 2 || rsp < 2 || req_out >= req ||
	    rsp_in >= rsp || (payload != 512 && payload != 1024 && payload != 2048))
		return QLA_MBS_PARAMETER_ERROR;
	qla_drop_all(hba);
	hba->req_length = req;
	hba->rsp_length = rsp;
	hba->req_in = hba->req_out = req_out;
	hba->rsp_in = hba->rsp_out = rsp_in;
	hba->req_base = qla_get64(icb + QLA_ICB_OFF_REQ_ADDRESS);
	hba->rsp_base = qla_get64(icb + QLA_ICB_OFF_RSP_ADDRESS);
	hba->payload = payload;
	hba->ready = true;
	hba->halted = false;
	return QLA_MBS_COMPLETE;
}

/* Is it one that can be aborted, and for @handle of @target (any handle: @all)? */
static bool matches(const struct qla_exchange *x, uint16_t target, uint32_t handle, bool all)
{
	return x->stage >= QLA_READY && x->stage < QLA_OVER && x->target == target &&
	       (all || x->handle == handle);
}

static uint16_t abort_commands(struct qla *hba, bool all)
{
	const uint16_t *mb = hba->in_mailbox;
	const uint32_t handle = mb[2] | (uint32_t)mb[3] << 16;
	unsigned found = 0;

	for (unsigned i = 0; i < QLA_EXCHANGES; i++) {
		struct qla_exchange *x = &hba->exchange[i];

		if (!matches(x, mb[1], handle, all))
			continue;
		found++;
		qla_exchange_abort(x, all ? QLA_CS_RESET : QLA_CS_ABORTED);
	}
	return found || all ? QLA_MBS_COMPLETE : QLA_MBS_COMMAND_ERROR;
}

static uint16_t carry_out(struct qla *hba, uint16_t *out)
{
	const uint16_t *mb = hba->in_mailbox;

	switch (mb[0]) {
	case QLA_MBC_EXECUTE_FIRMWARE:
		hba->running = true;
		return QLA_MBS_COMPLETE;
	case QLA_MBC_MAILBOX_TEST:
		for (unsigned i = 1; i < 8; i++)
			out[i] = mb[i];
		return QLA_MBS_COMPLETE;
	case QLA_MBC_GET_FIRMWARE_VERSION: /* 3.3.24, as shipped with Linux 2.6.2x */
		out[1] = 3;
		out[2] = 3;
		out[3] = 24;
		return QLA_MBS_COMPLETE;
	default:
		break;
	}
	if (!hba->running)
		return QLA_MBS_INVALID_COMMAND;
	switch (mb[0]) {
	case QLA_MBC_INITIALIZE_FIRMWARE:
		return initialize(hba);
	case QLA_MBC_GET_FIRMWARE_STATE:
		out[1] = hba->ready ? QLA_FSTATE_READY : QLA_FSTATE_CONFIG_WAIT;
		return QLA_MBS_COMPLETE;
	case QLA_MBC_ABORT_COMMAND:
		return abort_commands(hba, false);
	case QLA_MBC_ABORT_TARGET:
		return abort_commands(hba, true);
	default:
		return QLA_MBS_INVALID_COMMAND;
	}
}

void qla_mailbox(struct qla *hba)
{
	const bool rom = !hba->running;

	hba->stats.mailbox_commands++;
	hba->out_mailbox[0] = carry_out(hba, hba->out_mailbox);
	qla_post_mailbox(hba, rom, hba->out_mailbox[0] != QLA_MBS_COMPLETE);
}

/* SPDX-License-Identifier: MIT */
/*
 * The request queue: entries are read one at a time and made into commands. A command and its
 * continuations need not be there at once; the chip waits for the rest.
 */
#include "dev/qla_internal.h"

#include <stdlib.h>

void qla_exchange_free(struct qla_exchange *x)
{
	free(x->segment);
	x->segment = NULL;
	x->stage = QLA_FREE;
	x->frames = 0;
	x->gone = false;
}

static struct qla_exchange *take(struct qla *hba)
{
	for (unsigned i = 0; i < QLA_EXCHANGES; i++) {
		struct qla_exchange *x = &hba->exchange[hba->next_exchange];

		hba->next_exchange = (hba->next_exchange + 1) % QLA_EXCHANGES;
		if (x->stage == QLA_FREE)
			return x;
	}
	return NULL;
}

/* Why @x's first entry cannot be carried out; 0 if it can. */
static uint8_t refusal(const struct qla_exchange *x)
{
	const uint8_t *e = x->entry;
	const uint16_t both = QLA_CF_READ | QLA_CF_WRITE;
	const bool a64 = e[QLA_OFF_TYPE] == QLA_TYPE_COMMAND_A64;

	if (e[QLA_OFF_TYPE] != QLA_TYPE_COMMAND && !a64)
		return QLA_RF_INV_TYPE;
	if (e[QLA_OFF_COUNT] != qla_entries(x->segments, a64))
		return QLA_RF_INV_COUNT;
	if ((x->flags & both) == both || (!(x->flags & both) && (x->bytes || x->segments)))
		return QLA_RF_INV_PARAM;
	return 0;
}

static void segments_add(struct qla_exchange *x, const uint8_t *entry)
{
	bool a64;
	unsigned offset = 0;
	const unsigned slots = qla_slots(entry[QLA_OFF_TYPE], &offset, &a64);

	for (unsigned i = 0; i < slots && x->segments_read < x->segments; i++)
		x->segment[x->segments_read++] =
			qla_segment_unpack(entry + offset + i * qla_segment_bytes(a64), a64);
}

/* All entries are here. */
static void gathered(struct qla *hba, struct qla_exchange *x)
{
	uint64_t room = 0;

	hba->gathering = NULL;
	for (unsigned i = 0; i < x->segments; i++)
		room += x->segment[i].bytes;
	if (room < x->bytes)
		qla_answer_entry(x, QLA_RF_INV_PARAM);
	else
		qla_command(x);
}

static void command_begin(struct qla *hba, struct qla_exchange *x)
{
	uint8_t status;

	memcpy(x->entry, hba->fetch_buffer, QLA_ENTRY_BYTES);
	x->handle = qla_get32(x->entry + QLA_OFF_HANDLE);
	x->target = qla_get16(x->entry + QLA_CMD_OFF_TARGET);
	x->flags = qla_get16(x->entry + QLA_CMD_OFF_FLAGS);
	x->bytes = qla_get32(x->entry + QLA_CMD_OFF_BYTES);
	x->segments = qla_get16(x->entry + QLA_CMD_OFF_SEGMENT_COUNT);
	x->segments_read = 0;
	x->entries_left = x->entry[QLA_OFF_COUNT];
	x->stage = QLA_GATHER;
	status = refusal(x);
	if (!status && x->segments) {
		x->segment = calloc(x->segments, sizeof(*x->segment));
		if (!x->segment)
			status = QLA_RF_BUSY;
	}
	if (status) {
		qla_answer_entry(x, status);
		return;
	}
	segments_add(x, x->entry);
	if (--x->entries_left)
		hba->gathering = x;
	else
		gathered(hba, x);
}

/* True if the entry belonged to the command that is being gathered. */
static bool command_continue(struct qla *hba, const uint8_t *entry)
{
	struct qla_exchange *x = hba->gathering;
	const uint8_t wanted = x->entry[QLA_OFF_TYPE] == QLA_TYPE_COMMAND ? QLA_TYPE_CONTINUE
									  : QLA_TYPE_CONTINUE_A64;

	if (entry[QLA_OFF_TYPE] != wanted) {
		hba->gathering = NULL;
		qla_answer_entry(x, QLA_RF_INV_ORDER);
		return false;
	}
	segments_add(x, entry);
	if (!--x->entries_left)
		gathered(hba, x);
	return true;
}

static void on_fetch(void *ctx, struct bus_request *req, int status)
{
	struct qla *hba = ctx;
	struct qla_exchange *x;

	(void)req;
	hba->fetching = false;
	if (!qla_dma_ok(hba, status)) {
		if (!hba->dead)
			qla_halt(hba, QLA_MBA_REQ_TRANSFER_ERR);
		return;
	}
	if (!qla_works(hba))
		return;
	hba->stats.entries_read++;
	hba->req_out = (uint16_t)((hba->req_out + 1) % hba->req_length);
	if (!hba->gathering || !command_continue(hba, hba->fetch_buffer)) {
		x = hba->fetch_buffer[QLA_OFF_TYPE] == QLA_TYPE_MARKER ? NULL : take(hba);
		if (x)
			command_begin(hba, x);
	}
	qla_request_pump(hba);
}

/* Room for a command, should the next entry begin one. */
static bool room(struct qla *hba)
{
	const struct qla_exchange *x = take(hba);

	/* Look only: the one found is the next to be found. */
	if (x)
		hba->next_exchange = (unsigned)(x - hba->exchange);
	return x;
}

void qla_request_pump(struct qla *hba)
{
	if (hba->fetching || hba->paused || !qla_works(hba) || hba->req_in == hba->req_out ||
	    !room(hba))
		return;
	hba->fetching = true;
	hba->fetch.iova = hba->req_base + (uint64_t)hba->req_out * QLA_ENTRY_BYTES;
	hba->fetch.bytes = QLA_ENTRY_BYTES;
	bus_submit(&hba->port, &hba->fetch);
}

void qla_request_init(struct qla *hba)
{
	for (unsigned i = 0; i < QLA_EXCHANGES; i++)
		hba->exchange[i].hba = hba;
	hba->fetch = (struct bus_request){.buffer = hba->fetch_buffer,
					  .direction = IOTOLL_READ,
					  .done = on_fetch,
					  .ctx = hba};
}

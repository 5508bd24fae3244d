// SPDX-License-Identifier: MIT
/*
 * What calls of the DMA API say of the maps and unmaps of a recording: see recording.h. They nest
 * no deeper than an interrupt lets them; probes come before what they announce, the tracepoints of
 * "dma:" after it.
 */
#include <string.h>

#include "trace/recording_reader.h"

static int device_of(struct reader *rd, const struct trace_event *ev, int *out)
{
	char name[sizeof(rd->r->device[0].name)] = "";

	*out = RECORDING_NOBODY;
	if (!trace_has(ev, TRACE_F_DEV) || !ev->dev.bytes)
		return 0;
	memcpy(name, ev->dev.at, ev->dev.bytes < sizeof(name) ? ev->dev.bytes : sizeof(name) - 1);
	*out = recording_find(rd->r, name);
	return *out == RECORDING_NOBODY ? recording_add(rd->r, name, strlen(name), -1, out, rd->err)
					: 0;
}

static int said_of(struct reader *rd, const struct trace_event *ev, struct said *out)
{
	uint64_t at = 0;

	*out = (struct said){.kind = ev->kind, .first = UINT64_MAX, .dir = TRACE_DIR_BOTH};
	if (trace_has(ev, TRACE_F_DIR) && ev->dir < TRACE_DIR_NONE)
		out->dir = ev->dir;
	if (trace_has(ev, TRACE_F_IOVA)) {
		out->first = ev->iova >> RECORDING_PAGE_SHIFT;
		at = ev->iova & ((1u << RECORDING_PAGE_SHIFT) - 1);
	}
	if (trace_has(ev, TRACE_F_OFFSET))
		at = ev->offset & ((1u << RECORDING_PAGE_SHIFT) - 1);
	if ((ev->kind == TRACE_API_MAP || ev->kind == TRACE_API_UNMAP) &&
	    trace_has(ev, TRACE_F_BYTES) && ev->bytes && ev->bytes < UINT64_MAX / 2) {
		out->offset = (uint32_t)at;
		out->asked = ev->bytes;
		out->pages = (at + ev->bytes - 1) / (1u << RECORDING_PAGE_SHIFT) + 1;
	}
	return device_of(rd, ev, &out->device);
}

/* @to is what @said said it would be, or was. */
static void tell(struct recorded *to, const struct said *said)
{
	to->device = said->device;
	to->dir = said->dir;
	to->dir_known = true;
	if (said->asked && said->pages == to->bytes >> RECORDING_PAGE_SHIFT) {
		to->asked = said->asked;
		to->offset = said->offset;
	}
}

static void begin_call(struct reader_cpu *c, const struct said *said)
{
	if (c->calls == CALLS) { /* the oldest never returned */
		memmove(c->call, c->call + 1, (CALLS - 1) * sizeof(c->call[0]));
		c->calls--;
	}
	c->call[c->calls++] = *said;
}

void reader_call_ends(struct reader_cpu *c, enum trace_kind kind)
{
	unsigned i = c->calls;

	while (i && c->call[i - 1].kind != kind)
		i--;
	if (i)
		c->calls = i - 1;
}

struct recorded *reader_recent(struct reader *rd, struct reader_cpu *c, enum trace_kind kind,
			       uint64_t first)
{
	for (unsigned i = 0; i < RECENT; i++) {
		const size_t at = c->recent[(c->next + RECENT - 1 - i) % RECENT];
		struct recorded *ev = at ? &rd->r->event[at - 1] : NULL;

		if (ev && ev->kind == kind && ev->iova >> RECORDING_PAGE_SHIFT == first)
			return ev;
	}
	return NULL;
}

static bool is_list(enum trace_kind kind)
{
	return kind == TRACE_API_MAP_SG || kind == TRACE_API_ALLOC;
}

/* The event @index may be one more piece of @call's list. */
static void tell_piece(struct reader *rd, struct said *call, struct recorded *ev, size_t index)
{
	if (call->head && recording_continues(&rd->r->event[call->head - 1], call->end, ev))
		ev->piece = call->head;
	else
		call->head = index + 1;
	call->end = ev->iova + ev->bytes;
}

/* Up to @end, where the list ends whose first piece is @head: maps one behind the other. */
static void tell_list(struct reader *rd, struct reader_cpu *c, const struct said *said,
		      struct recorded *head, uint64_t end)
{
	struct said list = *said;
	struct recorded *ev = head;

	while (ev && ev >= head && ev->iova < end) {
		if (ev->device == RECORDING_NOBODY)
			tell(ev, said);
		tell_piece(rd, &list, ev, (size_t)(ev - rd->r->event));
		ev = reader_recent(rd, c, TRACE_MAP, list.end >> RECORDING_PAGE_SHIFT);
	}
}

/* Where the I/O addresses end that a tracepoint names; 0: it names one page, or not all. */
static uint64_t end_of_list(const struct trace_event *ev)
{
	const struct trace_list *at = &ev->dma_addrs, *bytes = &ev->sizes;

	if (ev->kind == TRACE_API_ALLOC)
		return trace_has(ev, TRACE_F_IOVA) && trace_has(ev, TRACE_F_BYTES)
			       ? ev->iova + ev->bytes
			       : 0;
	if (!trace_has(ev, TRACE_F_DMA_ADDRS) || !trace_has(ev, TRACE_F_SIZES) || !at->count ||
	    at->count != bytes->count)
		return 0;
	return at->at[at->count - 1] + bytes->at[at->count - 1];
}

/* A tracepoint of "dma:", which tells of what has just happened. */
static void tell_after(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev,
		       const struct said *said, enum trace_kind kind)
{
	struct recorded *of = reader_recent(rd, c, kind, said->first);
	const uint64_t first = trace_has(ev, TRACE_F_DMA_ADDRS) && ev->dma_addrs.count
				       ? ev->dma_addrs.at[0] >> RECORDING_PAGE_SHIFT
				       : said->first;

	if (is_list(ev->kind)) {
		of = reader_recent(rd, c, kind, first);
		if (of)
			tell_list(rd, c, said, of, end_of_list(ev));
	}
	if (of && of->device == RECORDING_NOBODY)
		tell(of, said);
	for (size_t i = 0; trace_has(ev, TRACE_F_DMA_ADDRS) && i < ev->dma_addrs.count; i++) {
		of = reader_recent(rd, c, kind, ev->dma_addrs.at[i] >> RECORDING_PAGE_SHIFT);
		if (of && of->device == RECORDING_NOBODY)
			tell(of, said);
	}
}

int reader_call(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev)
{
	const bool probe = trace_has(ev, TRACE_F_SITE) || trace_has(ev, TRACE_F_TEXT);
	struct said said;
	int rc = said_of(rd, ev, &said);

	if (!rc && !probe && !rd->moved)
		rc = reader_dma(rd, ev, &said);
	if (rc)
		return rc;
	switch (ev->kind) {
	case TRACE_API_MAP:
	case TRACE_API_MAP_SG:
	case TRACE_API_ALLOC:
		if (probe)
			begin_call(c, &said);
		else
			tell_after(rd, c, ev, &said, TRACE_MAP);
		break;
	default:
		if (probe)
			c->unmap = said;
		else
			tell_after(rd, c, ev, &said, TRACE_UNMAP);
	}
	return 0;
}

/* ---- maps and unmaps ---- */

void reader_tell_map(struct reader *rd, struct reader_cpu *c, struct recorded *ev)
{
	struct said *call = c->calls ? &c->call[c->calls - 1] : NULL;

	if (!call || (call->pages && call->pages != ev->bytes >> RECORDING_PAGE_SHIFT))
		return;
	tell(ev, call);
	if (is_list(call->kind))
		tell_piece(rd, call, ev, rd->r->events);
}

void reader_tell_unmap(struct reader_cpu *c, struct recorded *ev)
{
	const uint64_t first = ev->iova >> RECORDING_PAGE_SHIFT;

	if (c->unmap.kind == TRACE_OTHER)
		return;
	if (c->unmap.first == first || c->unmap.first == UINT64_MAX)
		tell(ev, &c->unmap);
	c->unmap.kind = TRACE_OTHER;
}

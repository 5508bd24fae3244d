// SPDX-License-Identifier: MIT
/*
 * Reading a recording into memory: see recording.h. Calls of the DMA API nest no deeper than an
 * interrupt lets them; probes come before what they announce, the tracepoints of "dma:" after it.
 */
#include "trace/recording_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALLS    8u    /* under way on a CPU: one, and interrupts in it */
#define RECENT   256u  /* maps and unmaps of a CPU that what follows may be about */
#define CPUS_MAX 4096u /* our choice: more is no machine's number */

/* What a call of the DMA API says. */
struct said {
	enum trace_kind kind;
	int device;
	uint8_t dir;
	uint32_t offset;
	uint64_t first, pages, asked; /* pages 0: not said, as of a list */
	size_t head;                  /* 1 + the event of its first piece; 0: none yet */
	uint64_t end;                 /* of the last piece */
};

struct reader_cpu {
	struct said call[CALLS]; /* of maps: not returned yet */
	unsigned calls;
	struct said unmap;     /* announced; kind TRACE_OTHER: none */
	size_t recent[RECENT]; /* events, 1 + index; 0: none */
	unsigned next;
	bool timer, flush;
};

struct reader {
	struct recording *r;
	struct reader_cpu *cpu;
	unsigned cpus;
	uint64_t last_ns, now_ns;
	bool begun;
	struct err *err;
};

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

/* The state of the event's CPU, until the next call; NULL with the reason in *@rc. */
static struct reader_cpu *cpu_of(struct reader *rd, const struct trace_event *ev, int *rc)
{
	struct reader_cpu *grown;

	if (ev->cpu >= CPUS_MAX) {
		*rc = err_set(rd->err, -EINVAL, "%s:%llu: CPU %u: expected one below %u",
			      rd->r->name, (unsigned long long)ev->line, ev->cpu, CPUS_MAX);
		return NULL;
	}
	if (ev->cpu >= rd->cpus) {
		grown = realloc(rd->cpu, (ev->cpu + 1) * sizeof(*grown));
		if (!grown) {
			*rc = err_set(rd->err, -ENOMEM, "recording: out of memory");
			return NULL;
		}
		memset(grown + rd->cpus, 0, (ev->cpu + 1 - rd->cpus) * sizeof(*grown));
		for (; rd->cpus <= ev->cpu; rd->cpus++)
			grown[rd->cpus].unmap.kind = TRACE_OTHER;
		rd->cpu = grown;
	}
	return &rd->cpu[ev->cpu];
}

/* ---- what calls say ---- */

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

/* The innermost of this kind has returned, and all that were begun in it. */
static void end_call(struct reader_cpu *c, enum trace_kind kind)
{
	unsigned i = c->calls;

	while (i && c->call[i - 1].kind != kind)
		i--;
	if (i)
		c->calls = i - 1;
}

/* The last event of this kind on this CPU for which the call has the address and nobody else. */
static struct recorded *recent(struct reader *rd, struct reader_cpu *c, enum trace_kind kind,
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
		ev = recent(rd, c, TRACE_MAP, list.end >> RECORDING_PAGE_SHIFT);
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
	struct recorded *of = recent(rd, c, kind, said->first);
	const uint64_t first = trace_has(ev, TRACE_F_DMA_ADDRS) && ev->dma_addrs.count
				       ? ev->dma_addrs.at[0] >> RECORDING_PAGE_SHIFT
				       : said->first;

	if (is_list(ev->kind)) {
		of = recent(rd, c, kind, first);
		if (of)
			tell_list(rd, c, said, of, end_of_list(ev));
	}
	if (of && of->device == RECORDING_NOBODY)
		tell(of, said);
	for (size_t i = 0; i < ev->dma_addrs.count && trace_has(ev, TRACE_F_DMA_ADDRS); i++) {
		of = recent(rd, c, kind, ev->dma_addrs.at[i] >> RECORDING_PAGE_SHIFT);
		if (of && of->device == RECORDING_NOBODY)
			tell(of, said);
	}
}

static int take_call(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev)
{
	const bool probe = trace_has(ev, TRACE_F_SITE) || trace_has(ev, TRACE_F_TEXT);
	struct said said;
	int rc = said_of(rd, ev, &said);

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

static void tell_map(struct reader *rd, struct reader_cpu *c, struct recorded *ev)
{
	struct said *call = c->calls ? &c->call[c->calls - 1] : NULL;

	if (!call || (call->pages && call->pages != ev->bytes >> RECORDING_PAGE_SHIFT))
		return;
	tell(ev, call);
	if (is_list(call->kind))
		tell_piece(rd, call, ev, rd->r->events);
}

static void tell_unmap(struct reader_cpu *c, struct recorded *ev)
{
	const uint64_t first = ev->iova >> RECORDING_PAGE_SHIFT;

	if (c->unmap.kind == TRACE_OTHER)
		return;
	if (c->unmap.first == first || c->unmap.first == UINT64_MAX)
		tell(ev, &c->unmap);
	c->unmap.kind = TRACE_OTHER;
}

static int take_move(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev)
{
	struct recording *r = rd->r;
	struct recorded out = {
		.kind = ev->kind,
		.cpu = ev->cpu,
		.line = ev->line,
		.iova = ev->iova,
		.bytes = ev->bytes,
		.done_bytes = ev->done_bytes,
		.paddr = ev->paddr,
		.dir = TRACE_DIR_BOTH,
		.tag = -1,
		.device = RECORDING_NOBODY,
		.pieces = ev->kind == TRACE_MAP,
	};
	int rc;

	if (rd->begun && ev->time_ns > rd->last_ns)
		rd->now_ns += ev->time_ns - rd->last_ns;
	rd->last_ns = ev->time_ns;
	rd->begun = true;
	out.time_ns = r->span_ns = rd->now_ns;
	if (ev->kind == TRACE_MAP)
		tell_map(rd, c, &out);
	else
		tell_unmap(c, &out);
	r->cpus = ev->cpu >= r->cpus ? ev->cpu + 1 : r->cpus;
	rc = recording_push(&r->event, &r->events, &r->room, &out, rd->err);
	c->recent[c->next] = r->events;
	c->next = (c->next + 1) % RECENT;
	return rc;
}

/* ---- invalidations ---- */

static int domain_of(struct reader *rd, int tag, struct recorded_domain **out)
{
	struct recording *r = rd->r;

	for (unsigned i = 0; i < r->domains; i++) {
		*out = &r->domain[i];
		if (r->domain[i].tag == tag)
			return 0;
	}
	if (r->domains == RECORDING_DEVICES)
		return err_set(rd->err, -EINVAL, "%s: expected at most %u domains", r->name,
			       RECORDING_DEVICES);
	*out = &r->domain[r->domains++];
	**out = (struct recorded_domain){.tag = tag, .device = RECORDING_NOBODY};
	return 0;
}

static int take_descriptor(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev)
{
	struct recorded_domain *d;
	struct recorded *of;
	int rc;

	if (ev->qi_type != TRACE_QI_IOTLB || !trace_has(ev, TRACE_F_TAG))
		return 0;
	rd->r->descriptors = true;
	rc = domain_of(rd, (int)(ev->tag & 0xFFFF), &d);
	if (rc)
		return rc;
	if (ev->qi_granularity != 3) {
		d->flushes.by_domain++;
		d->flushes.by_timer += c->timer;
		d->flushes.announced += c->timer || c->flush;
		c->timer = c->flush = false;
		return 0;
	}
	d->flushes.by_page++;
	of = recent(rd, c, TRACE_UNMAP, ev->iova >> RECORDING_PAGE_SHIFT);
	if (of && of->tag < 0)
		of->tag = d->tag;
	return 0;
}

static int take(struct reader *rd, const struct trace_event *ev)
{
	int rc = 0;
	struct reader_cpu *c = cpu_of(rd, ev, &rc);

	if (!c)
		return rc;
	switch (ev->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
		return take_move(rd, c, ev);
	case TRACE_QI_SUBMIT:
		return take_descriptor(rd, c, ev);
	case TRACE_FQ_TIMEOUT:
		c->timer = rd->r->flush_queue = true;
		return 0;
	case TRACE_FQ_FLUSH:
		c->flush = rd->r->flush_queue = true;
		return 0;
	case TRACE_API_MAP_RET:
		end_call(c, TRACE_API_MAP);
		return 0;
	case TRACE_API_MAP_SG_RET:
		end_call(c, TRACE_API_MAP_SG);
		return 0;
	case TRACE_API_ALLOC_RET:
		end_call(c, TRACE_API_ALLOC);
		return 0;
	case TRACE_API_MAP:
	case TRACE_API_MAP_SG:
	case TRACE_API_ALLOC:
	case TRACE_API_UNMAP:
	case TRACE_API_UNMAP_SG:
	case TRACE_API_FREE:
		return take_call(rd, c, ev);
	default:
		return 0;
	}
}

int recording_read(struct recording *out, struct trace *trace, struct err *err)
{
	struct reader rd = {.r = out, .err = err};
	struct trace_event ev;
	int rc;

	*out = (struct recording){.format = trace_format_name(trace)};
	strncpy(out->name, trace_name(trace), sizeof(out->name) - 1);
	while ((rc = trace_next(trace, &ev, err)) > 0) {
		rc = take(&rd, &ev);
		if (rc)
			break;
	}
	out->tally = *trace_tally(trace);
	if (!rc && !out->events)
		rc = err_set(err, -EINVAL,
			     "%s: no map or unmap event in %llu lines: expected events of "
			     "iommu:map and iommu:unmap",
			     out->name, (unsigned long long)out->tally.lines);
	if (!rc)
		rc = recording_own(out, err);
	free(rd.cpu);
	if (rc)
		recording_fini(out);
	return rc;
}

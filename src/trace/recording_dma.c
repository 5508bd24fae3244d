// SPDX-License-Identifier: MIT
/*
 * Recordings that hold the tracepoints of "dma:" alone (Linux 6.12 and later,
 * include/trace/events/dma.h): each map and unmap in whole pages is made of the call that asked for
 * it, kept aside, and taken if no event of "iommu:" comes. A list that is unmapped is named by the
 * memory it lies in, so what a device has mapped is remembered by its first piece. Pieces of a list
 * and segments of addresses need not go one to one: where there are more segments than pieces, and
 * of coherent memory, which frames it was is our choice.
 */
#include <errno.h>
#include <stdlib.h>

#include "trace/recording_reader.h"

#define PAGE UINT64_C(4096)

/* A list that is mapped. */
struct dma_list {
	size_t first; /* its segments among the maps kept aside */
	uint32_t segments;
	size_t next; /* younger one that begins at the same address, 1 + index; 0: none */
};

static uint64_t down(uint64_t x)
{
	return x & ~(PAGE - 1);
}

/* Whole pages of it, 0 if that is nothing, or nothing that a recording can hold. */
static uint64_t span(uint64_t at, uint64_t bytes)
{
	if (!bytes || bytes > UINT64_C(1) << 52 || at > UINT64_MAX - bytes - PAGE)
		return 0;
	return down(at + bytes + PAGE - 1) - down(at);
}

static int keep(struct reader *rd, const struct recorded *ev)
{
	struct reader_dma *d = &rd->dma;

	d->maps += ev->kind == TRACE_MAP;
	d->unmaps += ev->kind == TRACE_UNMAP;
	return recording_push(&d->event, &d->events, &d->room, ev, rd->err);
}

static struct recorded plain(struct reader *rd, const struct trace_event *ev,
			     const struct said *said, enum trace_kind kind)
{
	return (struct recorded){.kind = kind,
				 .cpu = ev->cpu,
				 .line = ev->line,
				 .time_ns = reader_now(rd, ev),
				 .dir = said->dir,
				 .dir_known = trace_has(ev, TRACE_F_DIR),
				 .tag = -1,
				 .device = said->device,
				 .pieces = kind == TRACE_MAP};
}

static int take_map(struct reader *rd, const struct trace_event *ev, const struct said *said)
{
	struct recorded map = plain(rd, ev, said, TRACE_MAP);

	map.iova = down(ev->iova);
	map.bytes = span(ev->iova, ev->bytes);
	map.paddr = down(trace_has(ev, TRACE_F_PADDR) ? ev->paddr : ev->iova);
	map.offset = (uint32_t)(ev->iova - map.iova);
	map.asked = ev->bytes;
	return map.bytes ? keep(rd, &map) : 0;
}

static int take_unmap(struct reader *rd, const struct trace_event *ev, const struct said *said)
{
	struct recorded unmap = plain(rd, ev, said, TRACE_UNMAP);

	unmap.iova = down(ev->iova);
	unmap.bytes = unmap.done_bytes = span(ev->iova, ev->bytes);
	return unmap.bytes ? keep(rd, &unmap) : 0;
}

static int no_memory(struct reader *rd)
{
	return err_set(rd->err, -ENOMEM, "recording: out of memory");
}

/* Room for a list: 1 + index; 0: no memory. */
static size_t new_list(struct reader_dma *d)
{
	const size_t spare = d->spare;

	if (spare) {
		d->spare = d->list[spare - 1].next;
		return spare;
	}
	if (d->lists == d->list_room) {
		const size_t room = d->list_room ? 2 * d->list_room : 64;
		struct dma_list *grown = realloc(d->list, room * sizeof(*grown));

		if (!grown)
			return 0;
		d->list = grown;
		d->list_room = room;
	}
	return ++d->lists;
}

/* @list of @device's begins at @paddr, and is the youngest that does. */
static int remember(struct reader *rd, int device, uint64_t paddr, const struct dma_list *list)
{
	struct reader_dma *d = &rd->dma;
	struct reader_lists *of = &d->of[device + 1];
	struct pfnmap_slot *s;
	size_t at;

	if (paddr == PFNMAP_EMPTY) /* no memory has it: an unmap there is of nothing known */
		return 0;
	if (!of->begun && pfnmap_init(&of->at, 64))
		return no_memory(rd);
	of->begun = true;
	s = pfnmap_put(&of->at, paddr);
	at = s ? new_list(d) : 0;
	if (!at)
		return no_memory(rd);
	d->list[at - 1] = *list;
	if (s->value[1])
		d->list[s->value[1] - 1].next = at;
	else
		s->value[0] = at;
	s->value[1] = at;
	return 0;
}

/* The oldest list of @device's that begins at @paddr, which is forgotten. Is there one? */
static bool recall(struct reader *rd, int device, uint64_t paddr, struct dma_list *out)
{
	struct reader_dma *d = &rd->dma;
	struct reader_lists *of = &d->of[device + 1];
	struct pfnmap_slot *s = of->begun ? pfnmap_get(&of->at, paddr) : NULL;
	size_t at;

	if (!s)
		return false;
	at = s->value[0];
	*out = d->list[at - 1];
	if (out->next)
		s->value[0] = out->next;
	else
		pfnmap_delete(&of->at, s);
	d->list[at - 1].next = d->spare;
	d->spare = at;
	return true;
}

/* Each segment is a map; neighbours are pieces of one list. */
static int take_list(struct reader *rd, const struct trace_event *ev, const struct said *said)
{
	const struct trace_list *at = &ev->dma_addrs, *bytes = &ev->sizes, *frames = &ev->paddrs;
	const size_t known = trace_has(ev, TRACE_F_PADDRS) ? frames->count : 0;
	struct dma_list list = {.first = rd->dma.events};
	struct recorded map = plain(rd, ev, said, TRACE_MAP);
	size_t head = 0;
	int rc = 0;

	for (size_t i = 0; i < at->count && i < bytes->count && !rc; i++) {
		const uint64_t end = map.iova + map.bytes;

		map.iova = down(at->at[i]);
		map.bytes = span(at->at[i], bytes->at[i]);
		map.paddr = down(i < known ? frames->at[i] : at->at[i]);
		map.piece = head && map.iova == end ? head : 0;
		if (!map.bytes)
			continue;
		if (!map.piece)
			head = rd->dma.events + 1;
		rc = keep(rd, &map);
		list.segments++;
	}
	if (rc || !list.segments || !known)
		return rc;
	return remember(rd, said->device, frames->at[0], &list);
}

static int unmap_segments(struct reader *rd, const struct dma_list *list, struct recorded unmap)
{
	struct reader_dma *d = &rd->dma;
	int rc = 0;

	for (uint32_t i = 0; i < list->segments && !rc; i++) {
		const struct recorded *map = &d->event[list->first + i];
		const bool more = i + 1 < list->segments && map[1].piece;

		if (!map->piece) {
			unmap.iova = map->iova;
			unmap.done_bytes = 0;
		}
		unmap.done_bytes += map->bytes;
		unmap.bytes = unmap.done_bytes;
		if (!more)
			rc = keep(rd, &unmap);
	}
	return rc;
}

/* The oldest list of this device's that lies there. One mapped before the recording is not known.
 */
static int take_list_unmap(struct reader *rd, const struct trace_event *ev, const struct said *said)
{
	struct dma_list list;

	if (!trace_has(ev, TRACE_F_PADDRS) || !ev->paddrs.count ||
	    !recall(rd, said->device, ev->paddrs.at[0], &list)) {
		rd->dma.unknown++;
		return 0;
	}
	return unmap_segments(rd, &list, plain(rd, ev, said, TRACE_UNMAP));
}

int reader_dma(struct reader *rd, const struct trace_event *ev, const struct said *said)
{
	const bool one = trace_has(ev, TRACE_F_IOVA) && trace_has(ev, TRACE_F_BYTES);

	/* What failed was not mapped. */
	if (trace_has(ev, TRACE_F_RET) || (one && ev->iova == UINT64_MAX))
		return 0;
	switch (ev->kind) {
	case TRACE_API_MAP:
	case TRACE_API_MAP_SG:
	case TRACE_API_ALLOC:
		if (trace_has(ev, TRACE_F_DMA_ADDRS) && trace_has(ev, TRACE_F_SIZES))
			return take_list(rd, ev, said);
		return one ? take_map(rd, ev, said) : 0;
	default:
		return one ? take_unmap(rd, ev, said) : take_list_unmap(rd, ev, said);
	}
}

int reader_dma_flush(struct reader *rd, const struct recorded *flush)
{
	return keep(rd, flush);
}

void reader_dma_take(struct reader *rd)
{
	struct recording *r = rd->r;
	struct reader_dma *d = &rd->dma;

	if (r->tally.maps || r->tally.unmaps || d->maps + d->unmaps == 0)
		return;
	free(r->event);
	r->event = d->event;
	r->events = d->events;
	r->room = d->room;
	r->tally.maps = d->maps;
	r->tally.unmaps = d->unmaps + d->unknown;
	r->unknown_unmaps = d->unknown;
	r->dma_alone = true;
	d->event = NULL;
	for (size_t i = 0; i < r->events; i++) {
		r->span_ns = r->event[i].time_ns;
		r->cpus = r->event[i].cpu >= r->cpus ? r->event[i].cpu + 1 : r->cpus;
	}
}

void reader_dma_fini(struct reader *rd)
{
	for (unsigned i = 0; i <= RECORDING_DEVICES; i++)
		pfnmap_fini(&rd->dma.of[i].at);
	free(rd->dma.event);
	free(rd->dma.list);
}

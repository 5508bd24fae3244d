// SPDX-License-Identifier: MIT
/*
 * Lists in a recording. iommu_dma_map_sg() of Linux gives a list one range of I/O addresses and
 * calls iommu_map() for each run of neighbouring frames, from the lowest address on; memory that
 * is allocated for both sides is mapped so, too. Both are unmapped in one call.
 */
#include <errno.h>
#include <stdlib.h>

#include "trace/recording_impl.h"

bool recording_continues(const struct recorded *head, uint64_t end, const struct recorded *next)
{
	return next->kind == TRACE_MAP && next->iova == end && next->cpu == head->cpu &&
	       next->piece == 0;
}

/* The first piece of the list that event @i is one of; itself if it is of none. */
static size_t head_of(const struct recording *r, size_t i)
{
	while (r->event[i].piece)
		i = r->event[i].piece - 1;
	return i;
}

/* How many pieces each list has, and in @at of its first event where they begin among all. */
static void count_pieces(struct recording *r, size_t *at)
{
	for (size_t i = 0; i < r->events; i++)
		if (r->event[i].piece)
			r->event[head_of(r, i)].pieces++;
	for (size_t i = 0; i < r->events; i++) {
		if (r->event[i].piece || r->event[i].pieces < 2)
			continue;
		at[i] = r->pieces;
		r->pieces += r->event[i].pieces;
	}
}

/* Each piece to its list, in the order in which they were mapped. */
static void gather(struct recording *r, const size_t *at, uint32_t *filled)
{
	for (size_t i = 0; i < r->events; i++) {
		const struct recorded *ev = &r->event[i];
		const size_t head = head_of(r, i);

		if (r->event[head].pieces < 2)
			continue;
		r->piece[at[head] + filled[head]++] = (struct recorded_piece){ev->paddr, ev->bytes};
	}
}

static void compact(struct recording *r, const size_t *at)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->events; i++) {
		struct recorded ev = r->event[i];

		if (ev.piece)
			continue;
		if (ev.pieces > 1) {
			ev.piece = at[i];
			ev.asked = ev.bytes = 0;
			ev.offset = 0;
			for (size_t n = 0; n < ev.pieces; n++)
				ev.bytes += r->piece[at[i] + n].bytes;
		}
		r->event[kept++] = ev;
	}
	r->events = kept;
}

int recording_fold(struct recording *r, struct err *err)
{
	size_t *at = calloc(r->events + 1, sizeof(*at));
	uint32_t *filled = calloc(r->events + 1, sizeof(*filled));
	const int rc = at && filled ? 0 : -ENOMEM;

	r->piece = calloc(r->events + 1, sizeof(*r->piece));
	if (!rc && r->piece) {
		count_pieces(r, at);
		gather(r, at, filled);
		compact(r, at);
	}
	free(at);
	free(filled);
	return rc || !r->piece ? err_set(err, -ENOMEM, "recording: out of memory") : 0;
}

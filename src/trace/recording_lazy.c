// SPDX-License-Identifier: MIT
/*
 * What a recording of a lazy kernel says between the lines (Linux 6.1, drivers/iommu/dma-iommu.c):
 * an unmap waits in a ring of its CPU, and its domain is flushed when that is full or a timer has
 * gone off, at most 10 ms and a tick or two later.
 */
#include "dma/strategy/flush_queue.h"
#include "trace/recording_impl.h"

/* ---- whose ---- */

static uint32_t bit_of(struct recording *r, int tag)
{
	struct recorded_domain *d = recording_domain(r, tag);

	return d ? UINT32_C(1) << (d - r->domain) : 0;
}

/* The only domain in @mask; -1: there are none, or several. */
static int only(const struct recording *r, uint32_t mask)
{
	return mask && !(mask & (mask - 1)) ? r->domain[__builtin_ctz(mask)].tag : -1;
}

/* One step, [@first, @end): whoever flushes after an unmap; after the last flush, whoever did. */
static bool own_step(struct recording *r, size_t first, size_t end)
{
	uint32_t all = 0, after = 0;

	for (size_t i = first; i < end; i++)
		if (r->event[i].kind == TRACE_FQ_FLUSH)
			all |= bit_of(r, r->event[i].tag);
	for (size_t i = end; i-- > first;) {
		struct recorded *ev = &r->event[i];

		if (ev->kind == TRACE_FQ_FLUSH)
			after |= bit_of(r, ev->tag);
		if (ev->kind != TRACE_UNMAP)
			continue;
		ev->tag = only(r, after ? after : all);
		if (ev->tag < 0)
			return false;
	}
	return true;
}

void recording_lazy_owners(struct recording *r)
{
	bool known = r->domains > 1 && !r->devices;
	size_t first = 0;

	for (unsigned i = 0; i < r->domains; i++)
		known = known && !r->domain[i].flushes.by_page;
	if (!known)
		return;
	for (size_t i = 0; i <= r->events; i++) {
		if (i < r->events && r->event[i].kind != TRACE_STEP)
			continue;
		known = known && own_step(r, first, i);
		first = i + 1;
	}
	for (size_t i = 0; i < r->events && !known; i++)
		if (r->event[i].kind == TRACE_UNMAP)
			r->event[i].tag = -1;
}

/* ---- what waited ---- */

/*
 * Of @device's first flush: a ring that was full when the unmap before it came had as many as the
 * recording does not show from before it began.
 */
static void learn(struct recording *r, int device, const struct recorded *flush, size_t at)
{
	uint64_t unmaps = 0;

	for (size_t i = 0; i < at; i++)
		unmaps += r->event[i].kind == TRACE_UNMAP && r->event[i].device == device &&
			  r->event[i].cpu == flush->cpu;
	if (flush->cause != FLUSH_RING || !unmaps || unmaps - 1 > FLUSH_QUEUE_ROOM)
		return;
	r->device[device].queued = FLUSH_QUEUE_ROOM - (unsigned)(unmaps - 1);
	r->device[device].queued_cpu = flush->cpu;
}

void recording_queues(struct recording *r)
{
	bool flushed[RECORDING_DEVICES] = {false};

	for (size_t i = 0; i < r->events; i++) {
		struct recorded *ev = &r->event[i];
		const struct recorded_domain *d;

		if (ev->kind != TRACE_FQ_FLUSH && ev->kind != TRACE_ACCESS)
			continue;
		d = recording_domain(r, ev->tag);
		if (d)
			ev->device = d->device;
		if (ev->kind == TRACE_ACCESS || ev->device == RECORDING_NOBODY ||
		    flushed[ev->device])
			continue;
		flushed[ev->device] = true;
		if (recording_is_lazy(&r->device[ev->device]))
			learn(r, ev->device, ev, i);
	}
}

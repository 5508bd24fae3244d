// SPDX-License-Identifier: MIT
/*
 * Accesses out of our binary format, docs/trace-format.md, many at a time: who wants to know how an
 * IOTLB fares needs an address and a tag of each, and no struct trace_event. Whatever is not
 * plainly an access ends the run and is left for native_read.c, which also has the words for what
 * is wrong.
 */
#include <endian.h>

#include "trace/native_impl.h"

#define PAGE_SHIFT 12
#define PAGE_MASK  ((UINT64_C(1) << PAGE_SHIFT) - 1)

/* What is the same for records of one shape that follow each other. */
struct run {
	uint32_t head; /* low half of their first words; 0: none yet */
	uint32_t tag;
	size_t words; /* of each record */
	bool drops;
	uint64_t stamps; /* all ones if they are stamped */
};

/* Does @head begin what is wanted, of one length? Then *@run is that of its shape. */
static bool run_begin(struct trace *t, uint32_t head, struct run *run)
{
	const struct native *n = t->state;
	const struct native_shape *s;

	if (!head || head > n->shapes)
		return false;
	s = &n->shape[head - 1];
	if (!s->plain)
		return false;
	*run = (struct run){.head = head,
			    .tag = s->ev.tag,
			    .words = (size_t)s->least + 1,
			    .drops = s->ev.kind == TRACE_INVALIDATE,
			    .stamps = trace_has(&s->ev, TRACE_F_TIME) ? UINT64_MAX : 0};
	if (s->ev.cpu > t->tally.highest_cpu)
		t->tally.highest_cpu = s->ev.cpu;
	return true;
}

/* Pages of an invalidation; 0: more than can be said here, or none that event.h allows. */
static uint32_t run_pages(uint64_t iova, uint64_t bytes)
{
	if ((iova | bytes) & PAGE_MASK || !bytes || bytes >> PAGE_SHIFT > UINT32_MAX ||
	    bytes - 1 > UINT64_MAX - iova)
		return 0;
	return (uint32_t)(bytes >> PAGE_SHIFT);
}

size_t native_accesses(struct trace *t, struct trace_accesses *to)
{
	struct native *n = t->state;
	const size_t most = n->left < TRACE_ACCESSES ? (size_t)n->left : TRACE_ACCESSES;
	uint64_t time = n->time, last = t->tally.last_ns, backwards = 0, drops = 0;
	const uint64_t *at = n->at;
	struct run run = {0};
	size_t count = 0;

	for (; count < most && at < n->end; at += run.words, count++) {
		const uint64_t head = le64toh(*at);
		uint64_t stamp;

		if (((uint32_t)head != run.head || !run.words) &&
		    !run_begin(t, (uint32_t)head, &run))
			break;
		if (run.words > (size_t)(n->end - at))
			break;
		/* The fields that vary follow by their numbers: iova, then bytes. */
		to->drop[count] = run.drops ? run_pages(le64toh(at[1]), le64toh(at[2])) : 0;
		if (run.drops && !to->drop[count])
			break;
		drops += run.drops;
		time += (uint64_t)(int64_t)(int32_t)(uint32_t)(head >> 32);
		stamp = time & run.stamps;
		backwards += stamp < last;
		last = stamp;
		to->pfn[count] = le64toh(at[1]) >> PAGE_SHIFT;
		to->tag[count] = run.tag;
	}
	n->at = at;
	n->time = time;
	n->left -= count;
	n->events += count;
	t->input.line += count;
	t->tally.lines += count;
	t->tally.accesses += count - drops;
	t->tally.invalidations += drops;
	t->tally.last_ns = last;
	t->tally.backwards += backwards;
	return count;
}

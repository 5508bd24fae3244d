// SPDX-License-Identifier: MIT
/*
 * The readers of traces over arbitrary bytes, the format recognised or said. They must end, stay
 * within their input, and hold what trace.h promises of every event they let through: whole pages,
 * ranges that end at or below 2^64, frames below 2^52, domain ids of 16 bits.
 */
#include <string.h>

#include "input.h"
#include "trace/trace.h"

static void check_pages(const struct trace_event *ev)
{
	JUDGE(ev->bytes > 0);
	JUDGE(((ev->iova | ev->bytes) & 4095) == 0);
	JUDGE(ev->bytes - 1 <= UINT64_MAX - ev->iova);
}

static void check_event(const struct trace_event *ev)
{
	JUDGE(ev->name_bytes > 0);
	switch (ev->kind) {
	case TRACE_MAP:
		check_pages(ev);
		JUDGE((ev->paddr & 4095) == 0 && ev->paddr + ev->bytes <= (uint64_t)1 << 52);
		break;
	case TRACE_UNMAP:
		check_pages(ev);
		JUDGE((ev->done_bytes & 4095) == 0);
		JUDGE(ev->done_bytes == 0 || ev->done_bytes - 1 <= UINT64_MAX - ev->iova);
		break;
	case TRACE_INVALIDATE:
		check_pages(ev);
		JUDGE(ev->tag <= 0xFFFF);
		break;
	case TRACE_ACCESS:
	case TRACE_INVALIDATE_TAG:
		JUDGE(ev->tag <= 0xFFFF);
		break;
	default:
		JUDGE(ev->kind < TRACE_LOST);
	}
}

/* Lookups many at a time: as many as one by one, with the same end. */
static void read_many(const uint8_t *data, size_t bytes, const struct trace_tally *one, int end)
{
	struct trace_accesses a;
	struct trace_event ev;
	struct trace *t = NULL;
	struct err err = {""};
	int rc = trace_open_memory(&t, data, bytes, "input", "native", &err);

	JUDGE(rc == 0);
	while ((rc = trace_next(t, &ev, &err)) > 0)
		while (trace_next_accesses(t, &a))
			JUDGE(a.count <= TRACE_ACCESSES);
	JUDGE(rc == end);
	JUDGE(trace_tally(t)->events == one->events && trace_tally(t)->accesses == one->accesses);
	JUDGE(trace_tally(t)->invalidations == one->invalidations);
	JUDGE(trace_tally(t)->last_ns == one->last_ns);
	JUDGE(trace_tally(t)->backwards == one->backwards);
	trace_close(t);
}

static void read_as(const uint8_t *data, size_t bytes, const char *format)
{
	const struct trace_tally *y;
	struct trace_event ev;
	struct trace *t = NULL;
	struct err err = {""};
	uint64_t events = 0;
	int rc;

	if (trace_open_memory(&t, data, bytes, "input", format, &err)) {
		JUDGE(err.text[0] != '\0');
		return;
	}
	while ((rc = trace_next(t, &ev, &err)) > 0) {
		check_event(&ev);
		events++;
	}
	JUDGE(rc == 0 || err.text[0] != '\0');
	y = trace_tally(t);
	JUDGE(y->events == events);
	JUDGE(y->maps + y->unmaps + y->accesses + y->invalidations + y->others == events);
	JUDGE(y->events + y->comments + y->unknown_lines <= y->lines);
	if (format && !strcmp(format, "native"))
		read_many(data, bytes, y, rc);
	trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	/* Such files go to libtracecmd, in a process of its own: that is not what is fuzzed here.
	 */
	if (bytes >= 3 && memcmp(data, "\x17\x08\x44", 3) == 0)
		return 0;
	read_as(data, bytes, NULL);
	read_as(data, bytes, "ftrace");
	read_as(data, bytes, "perf");
	read_as(data, bytes, "qemu-vtd");
	read_as(data, bytes, "csv");
	read_as(data, bytes, "native");
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * The reader of ftrace text over arbitrary bytes. It must end, stay within its input, and hold what
 * trace.h promises of every event it lets through: whole pages, ranges that end below 2^64, frames
 * below 2^52.
 */
#include <stdint.h>
#include <stdlib.h>

#include "trace/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool what)
{
	if (!what)
		abort();
}

static void check_event(const struct trace_event *ev)
{
	require(ev->name_bytes > 0);
	if (ev->kind == TRACE_OTHER)
		return;
	require(ev->bytes > 0);
	require(((ev->iova | ev->bytes | ev->paddr | ev->done_bytes) & 4095) == 0);
	require(ev->bytes - 1 <= UINT64_MAX - ev->iova);
	if (ev->kind == TRACE_MAP)
		require(ev->paddr + ev->bytes <= (uint64_t)1 << 52);
	else
		require(ev->done_bytes == 0 || ev->done_bytes - 1 <= UINT64_MAX - ev->iova);
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
		require(err.text[0] != '\0');
		return;
	}
	while ((rc = trace_next(t, &ev, &err)) > 0) {
		check_event(&ev);
		events++;
	}
	require(rc == 0 || err.text[0] != '\0');
	y = trace_tally(t);
	require(y->events == events && y->maps + y->unmaps + y->others == events);
	require(y->events + y->comments + y->unknown_lines <= y->lines);
	trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	read_as(data, bytes, NULL);
	read_as(data, bytes, "ftrace");
	return 0;
}

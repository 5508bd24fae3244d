/* SPDX-License-Identifier: MIT */
/*
 * What a trace format's file implements, and the reader's inside as it sees it. A new format is
 * one file with a struct trace_format and one row of trace_formats in trace.c.
 */
#ifndef IOTOLL_TRACE_FORMAT_H
#define IOTOLL_TRACE_FORMAT_H

#include "trace/input.h"
#include "trace/trace.h"

struct trace_format {
	const char *name;  /* what the user types */
	const char *title; /* one line */
	/* Do these first bytes of a file (at least one) look like this format? */
	bool (*claims)(const char *head, size_t bytes);
	/*
	 * Take lines until one is an event: 1 and *@event; 0 at the end; negative with @err. Counts
	 * lines, comments, steps, unknown lines and losses in the tally; trace_next() counts
	 * events. A mark (TRACE_LOST, TRACE_STEP) is given out only if @marks. Before each line,
	 * -EINTR if trace_stopped().
	 */
	int (*next)(struct trace *t, struct trace_event *event, struct err *err);
};

struct trace {
	const struct trace_format *format;
	struct input input;
	struct trace_tally tally;
	int ended; /* 0 or the error that ended it, once @over */
	bool over;
	bool marks;                     /* whoever reads wants them */
	struct err last;                /* what was said when it ended */
	bool (*should_stop)(void *ctx); /* NULL: nobody asks to stop */
	void *stop_ctx;
	char name[256];
};

/* Has somebody asked for an end? Cheap enough for every line; @err then says so. */
bool trace_stopped(struct trace *t, struct err *err);

#endif

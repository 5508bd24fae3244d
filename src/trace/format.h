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
	/* May be NULL. What there is to do once it is recognised; may set t->state. */
	int (*open)(struct trace *t, struct err *err);
	/* Only called with a t->state, also if @open failed. */
	void (*close)(struct trace *t);
	/*
	 * Take lines until one is an event: 1 and *@event; 0 at the end; negative with @err. Counts
	 * lines, comments, steps, unknown lines and losses in the tally; trace_next() counts
	 * events. A mark (TRACE_LOST, TRACE_STEP) is given out only if @marks. Before each line,
	 * -EINTR if trace_stopped().
	 */
	int (*next)(struct trace *t, struct trace_event *event, struct err *err);
	/*
	 * May be NULL. Take accesses as long as they follow each other and fit, and answer how
	 * many; anything else, mistakes included, is left for @next. All of the tally but events is
	 * this function's. Not asked for the first event.
	 */
	size_t (*accesses)(struct trace *t, struct trace_accesses *to);
};

/* Numbers of a list of the event at hand; grows to the longest. */
struct trace_room {
	uint64_t *at;
	size_t room;
};

#define TRACE_LISTS (TRACE_F_PADDRS - TRACE_F_DMA_ADDRS + 1)

struct trace {
	const struct trace_format *format;
	struct input input;
	void *state; /* the format's own */
	struct trace_tally tally;
	int ended; /* 0 or the error that ended it, once @over */
	bool over;
	bool marks;                     /* whoever reads wants them */
	struct err last;                /* what was said when it ended */
	bool (*should_stop)(void *ctx); /* NULL: nobody asks to stop */
	void *stop_ctx;
	char name[256];
	struct trace_room room[TRACE_LISTS]; /* one for each field that is a list */
};

/* Reading failed with @rc: says so in words, and how the file is to blame if it is. Returns @rc. */
int trace_unreadable(const struct trace *t, int rc, struct err *err);
/*
 * Does @ev, of an IOMMU event, keep what event.h promises? NULL, or what was expected. For formats
 * without words of their own.
 */
const char *trace_event_wrong(const struct trace_event *ev);
/* Does it lack a field that every event of its kind has? NULL, or what was expected. */
const char *trace_event_lacks(const struct trace_event *ev);
/* Put @value at @index. 0 or -ENOMEM. */
int trace_room_put(struct trace_room *room, size_t index, uint64_t value) MUST_CHECK;
/*
 * @ev is a TRACE_LOST found in the line (or event) last read: counts it. 1 if it is to be handed
 * out, else 0.
 */
int trace_mark(struct trace *t, struct trace_event *ev);
/* The same for a step called @title: fills *@ev. */
int trace_step(struct trace *t, struct trace_text title, struct trace_event *ev);
/* Has somebody asked for an end? @err then says so. */
bool trace_asked_to_stop(struct trace *t, struct err *err);
/* The same, cheap enough for every line: it is asked of every 256th. */
bool trace_stopped(struct trace *t, struct err *err);

#endif

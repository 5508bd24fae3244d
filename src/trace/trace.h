/* SPDX-License-Identifier: MIT */
/*
 * Readers of recorded DMA traces. A reader turns a file, step by step, into the events of event.h;
 * which formats there are is a table of rows (trace_formats), one file each. Reading streams:
 * memory does not grow with the file. Not thread safe per reader; any number of readers may exist.
 */
#ifndef IOTOLL_TRACE_TRACE_H
#define IOTOLL_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trace/event.h"

struct trace;

#define TRACE_OTHER_NAMES 32

/* What a reader has seen so far. */
struct trace_tally {
	uint64_t lines;
	uint64_t comments;      /* '#' lines, of which ... */
	uint64_t steps;         /* ... '# step' lines, which open one step of a recording */
	uint64_t unknown_lines; /* neither an event nor anything else expected */
	uint64_t events, maps, unmaps;
	uint64_t others; /* neither those two nor one of an IOTLB: counted by name below */
	uint64_t accesses,
		invalidations;      /* of an IOTLB, where the recording is the device's side */
	uint64_t lost_events;       /* the recorder says it overwrote these ... */
	uint64_t lost_marks;        /* ... in so many places (some of which give no number) */
	uint64_t backwards;         /* events stamped earlier than the one before them */
	uint64_t first_ns, last_ns; /* stamps of the first and of the latest event */
	unsigned cpus;              /* as the file says (cpus=N or #P:N), 0 if it does not */
	unsigned highest_cpu;       /* of any event */
	struct {
		char name[40]; /* cut short if need be */
		uint64_t count;
	} other[TRACE_OTHER_NAMES]; /* the others by name, in order of appearance */
	unsigned other_names;
	uint64_t other_beyond; /* others whose name found no room above */
};

/*
 * Open @path ("-": standard input) as @format, a row's name, or NULL to recognise it. 0 and *@out;
 * -errno if it cannot be read (-EINTR: a signal came first); -EINVAL (unknown format name,
 * compressed or unrecognised content:
 * @err says what to do); -ENOMEM.
 */
int trace_open(struct trace **out, const char *path, const char *format,
	       struct err *err) MUST_CHECK;
/* The same over @data, which must outlive the reader; @name stands for the path in messages. */
int trace_open_memory(struct trace **out, const void *data, size_t bytes, const char *name,
		      const char *format, struct err *err) MUST_CHECK;
/* NULL is allowed. */
void trace_close(struct trace *t);
/*
 * The next event. 1 and *@event; 0 at the end; -EINVAL for a malformed line of a known event, text
 * that is not UTF-8, an overlong line or a last line that was cut short (@err says file:line: what
 * was expected); -errno if reading fails, -EINTR if a signal came meanwhile. After anything but 1
 * it keeps giving the same answer.
 */
int trace_next(struct trace *t, struct trace_event *event, struct err *err) MUST_CHECK;

#define TRACE_ACCESSES 1024u /* small enough to stay in a CPU's first cache */

/* What an IOTLB is asked (TRACE_ACCESS) and told (TRACE_INVALIDATE), in order, and no more of it.
 */
struct trace_accesses {
	size_t count;
	uint64_t pfn[TRACE_ACCESSES]; /* iova / 4096 */
	uint32_t tag[TRACE_ACCESSES];
	uint32_t drop[TRACE_ACCESSES]; /* pages to invalidate from pfn on; 0: an access */
};

/*
 * Those that come next, up to TRACE_ACCESSES, several times faster than one by one; the tally
 *counts them as trace_next() does. 0: what comes next is something else, or the end, or wrong, or
 *there is no fast way in this format: trace_next() says which. To be used as
 *
 *	while ((rc = trace_next(t, &ev, err)) > 0) {
 *		take(&ev);
 *		while (trace_next_accesses(t, &many))
 *			take_many(&many);
 *	}
 */
size_t trace_next_accesses(struct trace *t, struct trace_accesses *to);
/*
 * From here on hand out marks too: TRACE_LOST where the recorder says that it lost events, and
 * TRACE_STEP where a step of the recording begins. They come as events but do not count as such.
 */
void trace_want_marks(struct trace *t);
/*
 * Ask @should_stop(@ctx) now and then between lines from here on, so that a stretch without a
 * single event can be left: once it says true, trace_next() gives -EINTR.
 */
void trace_stop_when(struct trace *t, bool (*should_stop)(void *ctx), void *ctx);
const struct trace_tally *trace_tally(const struct trace *t);
/* The path or name it was opened with ('?' for what is not UTF-8, cut if very long), and the name
 * of its format. Valid until close. */
const char *trace_name(const struct trace *t);
const char *trace_format_name(const struct trace *t);
/* Bytes taken so far, and of the whole file (0 if unknown: a pipe). For progress displays. */
uint64_t trace_position(const struct trace *t, uint64_t *total_bytes);

/* Names and one-line titles of the formats; NULL past the last. */
const char *trace_format_row(unsigned index, const char **title);

#endif

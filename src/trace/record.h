/* SPDX-License-Identifier: MIT */
/*
 * Recording this kernel's DMA: an own instance of its tracing, with own buffers, that nobody else's
 * tracing sees; what it writes, read as it comes by the reader of ftrace's text and written in our
 * format. Nothing of it is left behind: neither instance nor probe, and what a recorder that was
 * killed left is removed by the next one.
 */
#ifndef IOTOLL_TRACE_RECORD_H
#define IOTOLL_TRACE_RECORD_H

#include <stdint.h>
#include <stdio.h>

#include "trace/points.h"
#include "trace/trace.h"

struct record;

struct record_about {
	/* Asked several times a second, from another thread: true ends the recording. */
	bool (*should_stop)(void *ctx);
	/* Then, once, from that thread, before what is left is read; may be NULL. */
	void (*stop)(void *ctx);
	/* May be NULL. From that thread, several times a second. */
	void (*progress)(void *ctx, uint64_t events, uint64_t bytes);
	void *ctx;
	unsigned cpus; /* of the machine, for the file; 0: not known */
};

struct record_result {
	struct trace_tally tally;
	/* What the kernel wrote could not all be read: why. The file is whole up to there. */
	char broken[480];
};

/*
 * Read the kernel's text from @fd, which is not to block, until @about says so or it ends, and
 * write it to @to as a whole native trace, losses included. 0 and *@result; -errno with @err.
 */
int record_read(int fd, FILE *to, const struct record_about *about, struct record_result *result,
		struct err *err) MUST_CHECK;

/*
 * Make the instance and its probes, with @buffer_kib of buffer for each CPU, and begin. 0 and
 * *@out; -EACCES, -EPERM, -EROFS, -ENOENT, -EBUSY, ... with @err, which says what is missing; then
 * nothing is left behind. A probe that the kernel refuses is left out: @said (may be NULL) gets a
 * line.
 */
int record_begin(struct record **out, const struct points *points, unsigned buffer_kib,
		 struct err *said, struct err *err) MUST_CHECK;
/* To be given to record_read(). */
int record_fd(const struct record *r);
/* The kernel writes no more; what it wrote can still be read. Any thread. */
void record_stop(struct record *r);
/* Take everything down. NULL is allowed. 0, or -errno with @err: something was left behind. */
int record_end(struct record *r, struct err *err) MUST_CHECK;

#endif

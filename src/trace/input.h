/* SPDX-License-Identifier: MIT */
/*
 * Text input for the trace readers: lines of bounded length out of a file, a pipe or memory,
 * without copying them and without holding more than one buffer.
 */
#ifndef IOTOLL_TRACE_INPUT_H
#define IOTOLL_TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define INPUT_LINE_MAX 65536u /* bytes, without the newline */
#define INPUT_HEAD     4096u /* what a format is recognised by; a pipe may stay open with no more */

struct input {
	int fd;               /* -1: memory */
	bool close_fd;        /* not standard input */
	char *buffer;         /* own, NULL for memory */
	const char *at, *end; /* what is there and not yet taken */
	bool eof;             /* nothing more will come after @end */
	uint64_t taken;       /* bytes before @at */
	uint64_t total;       /* of the whole file, 0 if unknown */
	uint64_t line;        /* number of the last line given, from 1 */
};

/* "-" is standard input. 0 or -errno. */
int input_open(struct input *in, const char *path) MUST_CHECK;
void input_open_memory(struct input *in, const void *data, size_t bytes);
void input_close(struct input *in);
/*
 * What comes next, without taking it: INPUT_HEAD bytes or more, or all there is. 0 or -errno,
 * -EINTR if a signal came while waiting for it.
 */
int input_peek(struct input *in, const char **head, size_t *bytes) MUST_CHECK;
/*
 * The next line, without its newline (and without a carriage return before it), not terminated and
 * valid until the next call. *@whole is false if no newline followed (the last line was cut short).
 * 1; 0 at the end; -EMSGSIZE if it is longer than INPUT_LINE_MAX; -errno if reading fails,
 * -EINTR included.
 */
int input_line(struct input *in, const char **line, size_t *bytes, bool *whole) MUST_CHECK;

#endif

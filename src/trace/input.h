/* SPDX-License-Identifier: MIT */
/*
 * Input for the trace readers: lines of bounded length, or pieces, out of a file, a pipe or memory,
 * without copying them and without holding more than one buffer. What is compressed is unpacked on
 * the way.
 */
#ifndef IOTOLL_TRACE_INPUT_H
#define IOTOLL_TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define INPUT_LINE_MAX 65536u /* bytes, without the newline */
#define INPUT_HEAD     4096u /* what a format is recognised by; a pipe may stay open with no more */

struct unpack;

struct input {
	int fd;               /* -1: memory */
	bool close_fd;        /* not standard input */
	bool eof;             /* nothing more will come after @end */
	char *buffer;         /* own, NULL for memory that is not compressed */
	size_t room;          /* of @buffer */
	const char *at, *end; /* what is there and not yet taken */
	uint64_t taken;       /* bytes before @at */
	uint64_t total;       /* of the whole file, 0 if unknown */
	uint64_t line;        /* number of the last line (of a binary file: event) given, from 1 */
	/* Of compressed input: */
	struct unpack *unpack;
	const char *packing; /* "gzip", ...; NULL: not compressed */
	char *packed;        /* own, NULL for memory */
	const char *from;    /* compressed bytes that are there and not yet taken */
	size_t from_bytes;
	bool packed_eof;
	uint64_t packed_taken;
};

/* "-" is standard input. 0 or -errno; -EBADMSG as input_peek(). */
int input_open(struct input *in, const char *path) MUST_CHECK;
int input_open_memory(struct input *in, const void *data, size_t bytes) MUST_CHECK;
void input_close(struct input *in);
/*
 * What comes next, without taking it: INPUT_HEAD bytes or more, or all there is. 0 or -errno,
 * -EINTR if a signal came while waiting for it, -EBADMSG if compressed data are damaged or end
 * early.
 */
int input_peek(struct input *in, const char **head, size_t *bytes) MUST_CHECK;
/*
 * The next line, without its newline (and without a carriage return before it), not terminated and
 * valid until the next call. *@whole is false if no newline followed (the last line was cut short).
 * 1; 0 at the end; -EMSGSIZE if it is longer than INPUT_LINE_MAX; -errno if reading fails,
 * -EINTR and -EBADMSG included.
 */
int input_line(struct input *in, const char **line, size_t *bytes, bool *whole) MUST_CHECK;
/*
 * Exactly @bytes, valid until the next call. 1; 0 if nothing is left; -EMSGSIZE if less is left;
 * -errno as above.
 */
int input_piece(struct input *in, size_t bytes, const char **piece) MUST_CHECK;
/* Is all of it there to be read anywhere: a regular file that is not compressed? */
bool input_is_file(const struct input *in);
/* Where we are in the file as it is stored. */
uint64_t input_position(const struct input *in);

#endif

/* SPDX-License-Identifier: MIT */
/* The inside of the reader of our binary format, shared by native_*.c and nobody else. */
#ifndef IOTOLL_TRACE_NATIVE_IMPL_H
#define IOTOLL_TRACE_NATIVE_IMPL_H

#include <zstd.h>

#include "trace/format.h"
#include "trace/native.h"

/* A shape as it is used: the event with all that is constant, and what comes with each record. */
struct native_shape {
	struct trace_event ev;
	uint64_t variable; /* fields, ascending */
	uint32_t least;    /* words that a record has after its first */
	bool brief;        /* it has nothing behind the name in struct trace_event, but entry */
	bool plain; /* an access or invalidation of pages, whose records all have the same length */
};

struct native {
	const uint64_t *at, *end; /* of the block, in the file's order of bytes */
	const uint64_t *begin;
	uint64_t left;                 /* records of the block not yet read */
	uint64_t block_offset, offset; /* of this block and of the next, in the unpacked file */
	uint64_t time;
	uint64_t events;
	struct native_shape *shape;
	uint32_t shapes, shape_room;
	struct trace_text *string; /* from number 1 on at index 0 */
	uint32_t strings, string_room;
	uint64_t *unpacked;
	ZSTD_DCtx *zstd;
};

/* -EINVAL with @err: in which event and block what was @expected. */
int native_wrong(const struct trace *t, const char *expected, struct err *err) MUST_CHECK;
/* Exactly @bytes of the file: 0 and *@piece, valid until the next call; an error with @err. */
int native_piece(struct trace *t, size_t bytes, const char **piece, struct err *err) MUST_CHECK;
/* Number @word of the words at @at. */
uint64_t native_get(const char *at, size_t word);
/* The next block. 1; 0 at the end; an error with @err. */
int native_block(struct trace *t, struct err *err) MUST_CHECK;
/* A record that is no event, of which @head is the first word. NULL, or what was expected. */
const char *native_control(struct native *n, uint64_t head);
/* As struct trace_format has it. */
size_t native_accesses(struct trace *t, struct trace_accesses *to);

#endif

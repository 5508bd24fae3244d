/* SPDX-License-Identifier: MIT */
/*
 * Our own binary format of traces: everything that event.h holds, as fast to read as memory. The
 * layout is that of docs/trace-format.md, which these numbers are.
 */
#ifndef IOTOLL_TRACE_NATIVE_H
#define IOTOLL_TRACE_NATIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "trace/event.h"

/* A file begins with these 8 bytes, a version and the flags, each 4 bytes, little-endian. */
#define NATIVE_MAGIC      "IOTRACE\n"
#define NATIVE_VERSION    1u
#define NATIVE_FILE_WORDS 2u /* of 8 bytes: what stands before the first block */

/* A block begins with 4 words. */
#define NATIVE_BLOCK_WORDS 4u
#define NATIVE_BLOCK_DATA  UINT64_C(0x315441444B4C42) /* "BLKDAT1" */
#define NATIVE_BLOCK_END   UINT64_C(0x31444E454B4C42) /* "BLKEND1" */
#define NATIVE_BLOCK_MAX   (UINT64_C(1) << 24)        /* bytes, unpacked */
#define NATIVE_PACKED      1u                         /* flag of a block: one frame of zstd */

/* The low 16 bits of a record's first word: a shape's number, or 0 and one of these in the next 16.
 */
#define NATIVE_SHAPES 65535u
enum native_control { NATIVE_STRING = 1, NATIVE_SHAPE = 2, NATIVE_TIME = 3 };

#define NATIVE_STRINGS 65535u /* of a block; number 0 is the empty one */
/* Words of a shape, after the record's first. */
#define NATIVE_SHAPE_WORDS 12u

/* Fields that are in the shape, not in each record. */
#define NATIVE_CONSTANT                                                                       \
	(TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_TASK) | TRACE_HAS(TRACE_F_CONTEXT) |     \
	 TRACE_HAS(TRACE_F_DEV) | TRACE_HAS(TRACE_F_DRIVER) | TRACE_HAS(TRACE_F_TAG) |        \
	 TRACE_HAS(TRACE_F_SID) | TRACE_HAS(TRACE_F_DIR) | TRACE_HAS(TRACE_F_LIMIT) |         \
	 TRACE_HAS(TRACE_F_SITE) | TRACE_HAS(TRACE_F_CALLER) | TRACE_HAS(TRACE_F_TRUNCATED) | \
	 TRACE_HAS(TRACE_F_FLAGS) | TRACE_HAS(TRACE_F_ATTRS))

/* Words of the end block's payload. */
#define NATIVE_END_WORDS 4u /* events, CPUs, places with losses, events lost there */

struct native_writer;
struct trace_tally;

/* Write to @to, which stays the caller's; @pack: compress each block with zstd. 0 or -ENOMEM. */
int native_create(struct native_writer **out, FILE *to, bool pack) MUST_CHECK;
/* Add an event or mark. 0; -ENOMEM; -errno if writing fails; -E2BIG if it alone exceeds a block. */
int native_put(struct native_writer *w, const struct trace_event *ev) MUST_CHECK;
/* Write what is left and the end, which repeats what @tally says of the source. 0 or -errno. */
int native_finish(struct native_writer *w, const struct trace_tally *tally) MUST_CHECK;
/* NULL is allowed. */
void native_destroy(struct native_writer *w);

#endif

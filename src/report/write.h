/* SPDX-License-Identifier: MIT */
/*
 * Writing report files so that an interrupted program leaves the old file or the new one, never
 * half of either: a temporary file beside the target, synced, then renamed.
 */
#ifndef IOTOLL_REPORT_WRITE_H
#define IOTOLL_REPORT_WRITE_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* Writes @json to @out in some form; 0 or a negative errno value with @err filled. */
typedef int (*report_writer)(FILE *out, const json_t *json, struct err *err);

/*
 * Write the file @path with @writer. A symbolic link is followed; something that is no regular
 * file (a terminal, a pipe) is written to directly. @writer's error, or -errno of the system's
 * refusal with @err filled; then @path is what it was.
 */
int report_write_file(const char *path, report_writer writer, const json_t *json,
		      struct err *err) MUST_CHECK;

/* Writes something, as @ctx says, to @out; as report_writer otherwise. */
typedef int (*report_stream_writer)(FILE *out, void *ctx, struct err *err);
/* The same for what is no document. */
int report_write_stream(const char *path, report_stream_writer writer, void *ctx,
			struct err *err) MUST_CHECK;

/* Make the directory @path and those above it; 0 if it is there. -errno with @err filled. */
int report_make_directory(const char *path, struct err *err) MUST_CHECK;

/* A report_writer: @json itself, indented, keys in document order, exact numbers. */
int report_json(FILE *out, const json_t *json, struct err *err) MUST_CHECK;

#endif

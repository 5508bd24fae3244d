/* SPDX-License-Identifier: MIT */
/* Compressed input, told by its first bytes and unpacked as it is read: gzip, xz, zstd. */
#ifndef IOTOLL_TRACE_UNPACK_H
#define IOTOLL_TRACE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct unpack;

/* Bytes at the head that tell. */
#define UNPACK_HEAD 6

/* What compresses a file that begins so: "gzip", ...; NULL if nothing does that we know. */
const char *unpack_recognise(const char *head, size_t bytes);
/* 0 and *@out; -ENOMEM. @name as unpack_recognise() gave it. */
int unpack_open(struct unpack **out, const char *name) MUST_CHECK;
/* NULL is allowed. */
void unpack_close(struct unpack *u);
/*
 * Take from [*@in, *@in + *@in_bytes), moving both on, and put up to *@out_bytes to @out, with what
 * was put in *@out_bytes. @last: nothing will follow this input. 1 if more may come; 0 if the data
 * ended where it should (and with @last); -EBADMSG if they are damaged or end early; -ENOMEM.
 * Members of a file that were put one after the other are one. Memory is bounded: 256 MiB, or
 * -ENOMEM.
 */
int unpack_run(struct unpack *u, const char **in, size_t *in_bytes, bool last, char *out,
	       size_t *out_bytes) MUST_CHECK;

#endif

/* SPDX-License-Identifier: MIT */
/* Does a trace.dat hang together? Asked before libtracecmd is given it. */
#ifndef IOTOLL_TRACE_TRACE_DAT_CHECK_H
#define IOTOLL_TRACE_TRACE_DAT_CHECK_H

#include <stdint.h>

#include "base/err.h"

/*
 * Walk the sections of the file @fd and hold every size and offset against the file's end. 0 and
 * *@overrun: events that the recorder says its ring buffers overwrote; -EINVAL with @err, which
 * says at which byte what was expected; -errno if it cannot be read. @name: for messages.
 */
int dat_check(int fd, const char *name, uint64_t *overrun, struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: MIT */
/* Which files the TCP/IP stack is loaded from; without lwIP's own headers. */
#ifndef IOTOLL_GUEST_LWIP_FILES_H
#define IOTOLL_GUEST_LWIP_FILES_H

#include "base/err.h"

/*
 * Call @fn with the path of each file a copy of the stack is made of, the module and lwIP's
 * library: what a run's result depends on besides the program. 0; -ENOENT or -ELIBACC with @err.
 */
int lwip_module_files(void (*fn)(void *ctx, const char *path), void *ctx,
		      struct err *err) MUST_CHECK;

#endif

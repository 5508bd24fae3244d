/* SPDX-License-Identifier: MIT */
/* netperf's bulk transfer tests; see tcp_stream.c. Rows of the registry. */
#ifndef IOTOLL_LOAD_TCP_STREAM_H
#define IOTOLL_LOAD_TCP_STREAM_H

#include "load/load.h"

extern const struct load_ops load_tcp_stream; /* the client sends, the system under test receives */
extern const struct load_ops load_tcp_maerts; /* the other way */

#endif

/* SPDX-License-Identifier: MIT */
/* Maps and unmaps through the public API: see map.c. */
#ifndef IOTOLL_BENCH_MAP_H
#define IOTOLL_BENCH_MAP_H

#include "bench/row.h"

extern const struct subject map_subject;

#endif

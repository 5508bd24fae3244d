/* SPDX-License-Identifier: MIT */
/* The IOTLB by itself: see iotlb.c. */
#ifndef IOTOLL_BENCH_IOTLB_H
#define IOTOLL_BENCH_IOTLB_H

#include "bench/row.h"

/* Of the setup's entries, ways and policy. */
extern const struct subject iotlb_hits, iotlb_misses, iotlb_inserts;

#endif

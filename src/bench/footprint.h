/* SPDX-License-Identifier: MIT */
/* Memory for each page mapped: see footprint.c. */
#ifndef IOTOLL_BENCH_FOOTPRINT_H
#define IOTOLL_BENCH_FOOTPRINT_H

#include "bench/row.h"

/* Bytes; its setup's IOMMU has to be "vtd". */
extern const struct subject footprint;

#endif

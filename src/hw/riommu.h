/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of rIOMMU (Malka, Amit and Tsafrir, ASPLOS 2015): flat rings of mappings
 * instead of trees of pages. Its rIOTLB holds one mapping of each ring in use and, fetched ahead,
 * the one that the ring has next; so every translation that moves on is an invalidation of the
 * former. struct iotlb_config counts rings: entries is how many can have theirs held, line_pages
 * must be 1. What the paper leaves open is told where it is decided: spec/riommu.h, riommu_regs.c,
 * riommu_translate.c.
 */
#ifndef IOTOLL_HW_RIOMMU_H
#define IOTOLL_HW_RIOMMU_H

#include "hw/iommu.h"

/* The registry's row. */
extern const struct iommu_ops riommu_ops;

/*
 * How many register accesses since creation met no register: an unknown offset, or another width
 * than 8. They read 0 and write nothing. 0 if @iommu is no rIOMMU.
 */
uint64_t riommu_stray_accesses(const struct iommu *iommu);

#endif

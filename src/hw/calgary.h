/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of IBM Calgary: one chip, four host bridges (PHBs), bus n of the generic
 * interface being PHB n. What the documents leave open and this model decided is told where it
 * is decided, in calgary_regs.c and calgary_translate.c.
 */
#ifndef IOTOLL_HW_CALGARY_H
#define IOTOLL_HW_CALGARY_H

#include "hw/iommu.h"

/* The registry's row. */
extern const struct iommu_ops calgary_ops;

/*
 * How many register accesses since creation met no register: an unknown or misaligned offset, or
 * a width the register does not have. They read 0 and write nothing. 0 if @iommu is no Calgary.
 */
uint64_t calgary_stray_accesses(const struct iommu *iommu);

#endif

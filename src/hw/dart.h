/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of DART, as U3 (CPC925) and U4 (CPC945) have it: one table and one TLB per
 * chip, whoever asks. Bus 0 of the generic interface is HyperTransport with everything behind it,
 * PCI-X included; bus 1 is the PCI Express of a U4. What the documents leave open and this model
 * decided is told where it is decided, in dart_regs.c and dart_translate.c.
 */
#ifndef IOTOLL_HW_DART_H
#define IOTOLL_HW_DART_H

#include "hw/iommu.h"

/* The registry's rows. */
extern const struct iommu_ops dart_u3_ops;
extern const struct iommu_ops dart_u4_ops;

/*
 * How many register accesses since creation met no register: an unknown offset, or another width
 * than 4. They read 0 and write nothing. 0 if @iommu is no DART.
 */
uint64_t dart_stray_accesses(const struct iommu *iommu);

#endif

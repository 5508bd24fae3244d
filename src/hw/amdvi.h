/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of an AMD-Vi unit: host translation with device table, command buffer,
 * event log, PPR log and ATS (hw/ats.h). It stands for one unit of one PCI segment, so it has one
 * bus of the generic interface, number 0, and iotoll_source.devid is the DeviceID: bus, device and
 * function of PCI. What the specification leaves open and this model decided is told where it is
 * decided: in amdvi_regs.c, amdvi_cmd.c, amdvi_event.c, amdvi_ppr.c, amdvi_dte.c, amdvi_walk.c,
 * amdvi_translate.c and amdvi_ats.c.
 *
 * Not modelled: interrupt remapping (interrupts are let through or aborted, as DTE.IntCtl says),
 * guest translation, the HyperTransport special ranges, the PCI capability block
 * and with it NpCache, which counts as 0, and the addresses of message signalled interrupts.
 */
#ifndef IOTOLL_HW_AMDVI_H
#define IOTOLL_HW_AMDVI_H

#include "hw/ats.h"

/* The registry's row. */
extern const struct iommu_ops amdvi_ops;

/*
 * How many register accesses since creation met no register: an unknown or misaligned offset, or
 * a width other than 4 and 8. They read 0 and write nothing. 0 if @iommu is no AMD-Vi unit.
 */
uint64_t amdvi_stray_accesses(const struct iommu *iommu);

/* How many interrupts the unit has sent since creation. 0 if @iommu is no AMD-Vi unit. */
uint64_t amdvi_interrupts(const struct iommu *iommu);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU's registers as a CPU reaches them: the register window of the hardware half, with the
 * time it takes. After a register write that invalidates, be it everything or one page, the bridge
 * takes no access until the profile's iommu_invalidate has passed.
 */
#ifndef IOTOLL_DEV_IOMMU_REGS_H
#define IOTOLL_DEV_IOMMU_REGS_H

#include "hw/iommu.h"
#include "sim/mmio.h"

struct iommu_regs {
	struct mmio_window window;
	struct iommu *iommu;
	sim_time busy_until;
};

/* @r must stay where it is. @iommu and @m must outlive it. */
void iommu_regs_init(struct iommu_regs *r, struct machine *m, struct iommu *iommu);
void iommu_regs_fini(struct iommu_regs *r);

#endif

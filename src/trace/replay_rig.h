/* SPDX-License-Identifier: MIT */
/*
 * The machine a trace is replayed on: CPUs and memory of a profile, one IOMMU with its registers
 * in reach of the CPUs, one DMA domain with one device, and a watcher of what that device can
 * reach. No bus, no device model: a replay says itself when the device accesses what.
 */
#ifndef IOTOLL_TRACE_REPLAY_RIG_H
#define IOTOLL_TRACE_REPLAY_RIG_H

#include "dev/iommu_regs.h"
#include "dma_env.h"
#include "hw/iommu.h"
#include "iotoll/dma.h"
#include "trace/replay.h"
#include "watch/exposure.h"

struct replay_rig {
	struct sim *sim;
	struct machine *machine;
	struct iommu *iommu; /* NULL: none */
	struct iommu_regs regs;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *device;
	struct exposure *exposure;
	struct iommu_source source;
};

/* 0; -EINVAL with @err (a name or size that does not exist); -ENOMEM. @rig must not move. */
int replay_rig_init(struct replay_rig *rig, const struct replay_config *config,
		    struct err *err) MUST_CHECK;
/* Also after a failed replay_rig_init(). */
void replay_rig_fini(struct replay_rig *rig);

#endif

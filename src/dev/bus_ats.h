/* SPDX-License-Identifier: MIT */
/*
 * Address translation services on a bus: a port whose device has a translation cache (hw/atc.h),
 * and the messages between it and the IOMMU, with the time they take. The device asks its cache
 * before each page of a burst. What is there goes out as a translated request, past the IOMMU's
 * caches; for what is not it sends a translation request and waits for the answer. The IOMMU's
 * invalidations travel to the device, wait for accesses that use what they name, and are completed.
 *
 * Outside sim_run() no time passes, so there every message arrives at once.
 */
#ifndef IOTOLL_DEV_BUS_ATS_H
#define IOTOLL_DEV_BUS_ATS_H

#include "dev/bus.h"

/*
 * Give the device @devid, which has a port on @bus, a translation cache, switched off. 0; -ENODEV
 * without such a port or an IOMMU that serves ATS; -EBUSY if it has one; the errors of
 * atc_create(). It goes with the port.
 */
int bus_ats_add(struct bus *bus, uint16_t devid, const struct atc_config *config,
		struct err *err) MUST_CHECK;
/*
 * Write the control register of the device's capability: on with the smallest unit of 4 KiB, or
 * off. Switching off resets the device's side of the bus as bus_port_abort() does, so that no
 * access uses a translation any more. Nothing for a device without a cache.
 */
void bus_ats_switch(struct bus *bus, uint16_t devid, bool on);
/* For experiments: from now on, or no longer, the device completes no invalidation. */
void bus_ats_silence(struct bus *bus, uint16_t devid, bool silent);
/* What the caches of all devices on @bus have counted, added up; NULL-safe for no caches: zeros. */
void bus_ats_stats(const struct bus *bus, struct atc_stats *out);

/*
 * What an access of @devid would come to now: out of its own cache (then ->hit is set, and ->bypass
 * as the IOMMU would not translate it), else what the IOMMU says. Changes nothing. Returns as
 * iommu_probe(); -ENODEV without an IOMMU.
 */
int bus_probe(const struct bus *bus, uint16_t devid, uint64_t iova, enum iotoll_access access,
	      struct iotoll_xlat *out);

/*
 * A lie: device @devid accesses @paddr at this instant by a translated request, whatever its cache
 * says. 0; -EPERM, -EFAULT as bus_dma_now(); -EPERM also where no IOMMU serves ATS, as a bridge
 * then takes no translated requests.
 */
int bus_dma_translated(struct bus *bus, uint16_t devid, uint64_t paddr, void *buffer,
		       uint32_t bytes, enum iotoll_access direction) MUST_CHECK;

#endif

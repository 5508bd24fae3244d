/* SPDX-License-Identifier: MIT */
/*
 * The protected half of a machine: its IOMMU (or none), a bus below it, a DMA domain driven by the
 * driver half, and the watchers. Whole runs, small experiments and replays stand on one.
 */
#ifndef IOTOLL_RIG_RIG_H
#define IOTOLL_RIG_RIG_H

#include "dev/bus_ats.h"
#include "dev/iommu_regs.h"
#include "dma_env.h"
#include "hw/iommu.h"
#include "iotoll/dma.h"
#include "watch/exposure.h"

#define RIG_BUS      0 /* the host bridge (PHB) everything sits behind */
#define RIG_WATCHERS 3
#define RIG_FAULTS   8 /* the first few are kept word for word */

struct rig_config {
	struct machine *machine;
	const char *model; /* "none" or a row of the registry */
	struct iotlb_config iotlb;
	const char *strategy, *allocator;
	uint64_t table_entries, start_hint, quota, cached_ranges;
	uint16_t devid; /* the device whose reach is watched */
	bool superpages, split_locks, whole_lists;
	bool pages_change; /* likewise */
	bool multicall;    /* of a domain under a hypervisor: see iotoll_dma_config */
	unsigned multicall_entries;
	bool quiesce_system, check_misuse, track_stale, unused_invalid, table_cached, lean_driver;
	bool incoherent_walker;
	bool snooped; /* see struct dma_env: the machine is this program, not a chipset */
	struct iommu_dart_config dart;
	bool ats; /* the device will get a translation cache: rig_attach_ats() */
	const struct iotoll_dma_observer *also; /* told of maps and unmaps, too; may be NULL */
};

struct rig_fault {
	sim_time at;
	uint64_t iova;
	enum iotoll_access access;
	uint16_t devid;
};

struct rig {
	struct machine *machine;
	struct iommu *iommu; /* NULL: none */
	struct iommu_regs regs;
	struct bus *bus;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct exposure *exposure;
	/* Exposure's first, which so knows before the others; those without a context are free. */
	bool remote; /* entries are somebody else's to write, and to tell of: rig_entry() */
	struct iotoll_dma_observer watcher[RIG_WATCHERS];
	struct rig_fault fault[RIG_FAULTS];
	uint64_t faults;
	uint16_t devid;
};

/* @r must stay where it is. 0; -EINVAL with @err for what cannot be built; -ENOMEM. */
int rig_init(struct rig *r, const struct rig_config *config, struct err *err) MUST_CHECK;
/*
 * Has a PC no memory for devices there: between 640 KiB and 1 MiB, which Calgary does not
 * translate, and where writes are interrupts, which other IOMMUs do not?
 */
static inline bool rig_no_memory(uint64_t paddr)
{
	return (paddr >= 0xA0000 && paddr < 0x100000) ||
	       (paddr >= 0xFEE00000 && paddr < 0xFEF00000);
}
/* Is there an IOMMU, and does the strategy switch it on? */
bool rig_translates(const struct rig_config *config);
/* And is all of memory mapped all the time? */
bool rig_stands(const struct rig_config *config);

/* Also tell @observer, which has a context, of the domain. 0; -ENOSPC with @err. */
int rig_watch(struct rig *r, const struct iotoll_dma_observer *observer,
	      struct err *err) MUST_CHECK;
/* No longer the one with this context. */
void rig_unwatch(struct rig *r, const void *ctx);

/*
 * The two halves of rig_init(), for whoever puts something between them: the IOMMU and the bus; the
 * DMA domain, which works in @env with the DMA layer's driver @driver, and its watchers. When the
 * second fails, rig_fini() is still due.
 */
int rig_init_hardware(struct rig *r, const struct rig_config *config, struct err *err) MUST_CHECK;
int rig_init_domain(struct rig *r, const struct rig_config *config, const struct dma_env *env,
		    const char *driver, struct err *err) MUST_CHECK;
/*
 * Attach the watched device, which has a port on the rig's bus, with a translation cache of its own
 * as @config says, and switch that on. The rig must have been made with ats. 0; the errors of
 * iotoll_dma_attach_ats() and bus_ats_add(), told in @err.
 */
int rig_attach_ats(struct rig *r, struct iotoll_dma_device **out, uint64_t dma_mask,
		   const struct atc_config *config, struct err *err) MUST_CHECK;
/*
 * What a device on the rig's bus is told that it can drive: all 64 bits without an IOMMU and with
 * one that keeps a ring's number up there; else 32, since Calgary takes no dual-address cycles and
 * the others are given no more addresses than that.
 */
uint64_t rig_dma_mask(const struct rig *r);
/* Switch the device's cache off, as its driver does before it is detached. Always allowed. */
void rig_quiet_ats(struct rig *r);
/*
 * For a domain whose entries somebody else writes: the entry of I/O page @page was set, for
 * direction @dir, or cleared. Ignored while nobody watches.
 */
void rig_entry(struct rig *r, uint64_t page, bool set, enum iotoll_dma_dir dir);
/* Take down the DMA domain alone; rig_fini() is still due. Allowed where there is none. */
void rig_fini_domain(struct rig *r);
/* Devices and mappings must be gone. Allowed on a zeroed or half-initialised rig. */
void rig_fini(struct rig *r);

#endif

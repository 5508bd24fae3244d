/* SPDX-License-Identifier: MIT */
/*
 * What the files of the AMD-Vi driver share. Private to src/dma/driver/amdvi*.c.
 *
 * A unit has one device table, one command buffer and one event log, whatever number of domains
 * uses it: struct amdvi_unit, one for each environment. A domain has page tables and an id. What
 * belongs to the unit is kept under the chip lock (iommu->lock in Linux).
 */
#ifndef IOTOLL_DMA_DRIVER_AMDVI_INTERNAL_H
#define IOTOLL_DMA_DRIVER_AMDVI_INTERNAL_H

#include "dma/chip.h"
#include "dma/driver/ats_devices.h"
#include "dma/driver/radix.h"
#include "spec/amdvi.h"

struct amdvi_unit {
	struct dma_env *env;
	unsigned users;
	unsigned translating; /* domains that are */
	/* In one piece: device table (2 MiB), command buffer, event log, semaphore page. */
	iotoll_phys_t frames;
	bool all_at_once;    /* INVALIDATE_IOMMU_ALL is there */
	uint64_t head, tail; /* of the command buffer, in bytes; head as last read */
	uint64_t semaphore;  /* what the last COMPLETION_WAIT stores */
	uint64_t *ids;       /* a bit for each domain id in use */
	uint64_t *attached;  /* and for each DeviceID that belongs to a domain */
};

/* ---- amdvi_unit.c ---- */

/*
 * Begin to use the unit behind @env. The first user makes device table and buffers; every device
 * is blocked then, and the unit still off. 0, -ENOMEM with @err.
 */
int amdvi_unit_get(struct amdvi_unit **out, struct dma_env *env, struct err *err) MUST_CHECK;
void amdvi_unit_put(struct amdvi_unit *unit);
/* One more domain translates, or one less: the first switches the unit on and the last off. */
void amdvi_unit_enable(struct amdvi_unit *unit);
void amdvi_unit_disable(struct amdvi_unit *unit);
/* A domain id nobody else has: the lowest. -ENOSPC if there is none. */
int amdvi_id_get(struct amdvi_unit *unit, uint16_t *out) MUST_CHECK;
void amdvi_id_put(struct amdvi_unit *unit, uint16_t id);
/* Give @devid quadwords 0 and 1 of a device table entry. 0; -EBUSY if it belongs to a domain. */
int amdvi_device_set(struct amdvi_unit *unit, uint16_t devid, uint64_t q0, uint64_t q1);
/* Block it again. */
void amdvi_device_clear(struct amdvi_unit *unit, uint16_t devid);
/* Read the event log: 0, or 1 with the first event in @out; all are taken out of the log. */
int amdvi_unit_events(struct amdvi_unit *unit, struct iotoll_dma_fault *out);

/* ---- amdvi_queue.c ---- */

/* Switch the command buffer off, and on from its beginning: reset_cmd_buffer(). */
void amdvi_queue_reset(struct amdvi_unit *unit);
/*
 * Queue one invalidation, the same for the caches of @devices (NULL: none), then a COMPLETION_WAIT,
 * and wait until that has stored; @out is only added to. Takes the chip lock.
 */
void amdvi_invalidate_pages(struct amdvi_unit *unit, uint16_t domain, uint64_t first,
			    uint64_t count, const struct ats_device *devices,
			    struct driver_flush *out);
void amdvi_invalidate_domain(struct amdvi_unit *unit, uint16_t domain,
			     const struct ats_device *devices, struct driver_flush *out);
void amdvi_invalidate_device(struct amdvi_unit *unit, uint16_t devid, struct driver_flush *out);
void amdvi_invalidate_everything(struct amdvi_unit *unit, struct driver_flush *out);

/* ---- amdvi_table.c ---- */

/* Tables for @entries pages, @large ones among them. 0, -ENOMEM. */
int amdvi_tables_init(struct radix *t, struct amdvi_unit *unit, uint64_t entries,
		      bool large) MUST_CHECK;

/* ---- shared ---- */

#define AMDVI_DEVTAB_BYTES (UINT64_C(65536) * AMDVI_DTE_BYTES)
#define AMDVI_CMDBUF_BYTES 8192u /* 512 commands, as Linux */
#define AMDVI_EVTLOG_BYTES 8192u /* 512 events */
#define AMDVI_RING_512     (UINT64_C(9) << AMDVI_RING_LENGTH_SHIFT)

static inline iotoll_phys_t amdvi_offset(iotoll_phys_t base, uint64_t bytes)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(base) + bytes);
}

static inline iotoll_phys_t amdvi_cmdbuf(const struct amdvi_unit *unit)
{
	return amdvi_offset(unit->frames, AMDVI_DEVTAB_BYTES);
}

static inline iotoll_phys_t amdvi_evtlog(const struct amdvi_unit *unit)
{
	return amdvi_offset(amdvi_cmdbuf(unit), AMDVI_CMDBUF_BYTES);
}

static inline iotoll_phys_t amdvi_semaphore(const struct amdvi_unit *unit)
{
	return amdvi_offset(amdvi_evtlog(unit), AMDVI_EVTLOG_BYTES);
}

/* A quadword at @at, loaded or stored as one, charged. */
uint64_t amdvi_load64(struct amdvi_unit *unit, iotoll_phys_t at);
void amdvi_store64(struct amdvi_unit *unit, iotoll_phys_t at, uint64_t value);

/* iommu_feature_enable() and iommu_feature_disable(). */
void amdvi_control(struct amdvi_unit *unit, uint64_t set, uint64_t clear);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of the VT-d driver share. Private to src/dma/driver/vtd*.c.
 *
 * A remapping unit has one root table, one invalidation queue and one set of domain-ids, whatever
 * number of domains uses it: struct vtd_unit, one for each environment, kept under the chip lock
 * (iommu->lock, register_lock and q_lock in one). A domain has page tables and an id.
 */
#ifndef IOTOLL_DMA_DRIVER_VTD_INTERNAL_H
#define IOTOLL_DMA_DRIVER_VTD_INTERNAL_H

#include <assert.h>

#include "dma/chip.h"
#include "dma/driver/ats_devices.h"
#include "dma/driver/radix.h"
#include "spec/vtd.h"

#define VTD_BUSES 256u

struct vtd_unit {
	struct dma_env *env;
	unsigned users;
	uint64_t cap, ecap;
	uint32_t gcmd; /* the levels as last written */
	unsigned aw;   /* of every domain's tables (VTD_AW_...) */
	bool queued;
	unsigned head;        /* of the queue: the next free slot */
	unsigned translating; /* domains that are */
	iotoll_phys_t frames; /* root table, queue, status words: a page each */
	/* Context tables by bus; 0: none. Made when the first device of the bus is attached. */
	iotoll_phys_t context[VTD_BUSES];
	uint64_t *ids; /* a bit for each domain-id in use */
	uint64_t id_limit;
};

/* ---- vtd_unit.c ---- */

/*
 * Begin to use the unit behind @env. The first user reads its capabilities, sets up queue and root
 * table and leaves translation off. 0; -EINVAL, -EIO with @err for a unit this driver cannot drive;
 * -ENOMEM.
 */
int vtd_unit_get(struct vtd_unit **out, struct dma_env *env, struct err *err) MUST_CHECK;
/* The last user's translation must be off. */
void vtd_unit_put(struct vtd_unit *unit);
/* One more domain translates, or one less: the first switches on and the last off. */
void vtd_unit_enable(struct vtd_unit *unit);
void vtd_unit_disable(struct vtd_unit *unit);
/* Push new entries out of the unit's write buffer, where it has one to push (CAP.RWBF). */
void vtd_unit_write_buffer(struct vtd_unit *unit);
/* A domain-id nobody else has: the lowest. -ENOSPC if there is none. */
int vtd_unit_id_get(struct vtd_unit *unit, uint16_t *out) MUST_CHECK;
void vtd_unit_id_put(struct vtd_unit *unit, uint16_t id);
/* Fault status: 0, or 1 with @out filled, the records cleared. */
int vtd_unit_faults(struct vtd_unit *unit, struct iotoll_dma_fault *out);

/* ---- vtd_context.c ---- */

/*
 * Give the device @sid the translation @entry, whose id is @did. 0; -EBUSY if it has one; -ENOMEM.
 */
int vtd_context_set(struct vtd_unit *unit, uint16_t sid, struct vtd_pair entry, uint16_t did);
void vtd_context_clear(struct vtd_unit *unit, uint16_t sid, uint16_t did);

/* ---- vtd_table.c ---- */

/* Second-level tables for @entries pages, @large ones among them. 0, -ENOMEM. */
int vtd_tables_init(struct radix *t, struct vtd_unit *unit, uint64_t entries,
		    bool large) MUST_CHECK;

/* ---- vtd_queue.c ---- */

/* Each waits until it is done and counts in @out; @out is only added to. Under no lock. */
void vtd_invalidate_context(struct vtd_unit *unit, unsigned granularity, uint16_t did, uint16_t sid,
			    struct driver_flush *out);
void vtd_invalidate_iotlb(struct vtd_unit *unit, unsigned granularity, uint16_t did, uint64_t iva,
			  struct driver_flush *out);
/*
 * What the cache of device @sid, which takes @depth at a time, holds of 2^@log2 bytes (12..64) at
 * @address. The IOTLB must have forgotten it before.
 */
void vtd_invalidate_device(struct vtd_unit *unit, uint16_t sid, unsigned depth, uint64_t address,
			   unsigned log2, struct driver_flush *out);
/*
 * Log2 of the pages in the smallest naturally aligned block that holds [first, first + count): what
 * iommu_flush_iotlb_psi() of Linux 6.1 asks for.
 */
unsigned vtd_block_mask(uint64_t first, uint64_t count);
/*
 * What the cache of device @sid, which takes @depth at a time, holds of 2^@log2 bytes (12..64) at
 * @address. The IOTLB must have forgotten it before.
 */
void vtd_invalidate_device(struct vtd_unit *unit, uint16_t sid, unsigned depth, uint64_t address,
			   unsigned log2, struct driver_flush *out);
/*
 * Log2 of the pages in the smallest naturally aligned block that holds [first, first + count): what
 * iommu_flush_iotlb_psi() of Linux 6.1 asks for.
 */
unsigned vtd_block_mask(uint64_t first, uint64_t count);
/*
 * Pages [first, first + count) of domain @did: page-selective if the unit can, else the domain.
 * @leaves: the queue is told that nothing above their entries has changed (IH), which Linux does
 * not; without a queue the unit is always told.
 */
void vtd_invalidate_pages(struct vtd_unit *unit, uint16_t did, uint64_t first, uint64_t count,
			  bool leaves, struct driver_flush *out);

/* ---- shared ---- */

/* Every user of the unit takes part in the chip lock, so there always is one. */
static inline void vtd_lock(struct vtd_unit *unit)
{
	const bool taken = chip_lock(unit->env);

	assert(taken);
	(void)taken;
}

static inline void vtd_unlock(struct vtd_unit *unit)
{
	chip_unlock(unit->env, true);
}

static inline uint32_t vtd_read32(const struct vtd_unit *unit, uint32_t offset)
{
	return (uint32_t)env_reg_read(unit->env, offset, 4);
}

static inline uint64_t vtd_read64(const struct vtd_unit *unit, uint32_t offset)
{
	return env_reg_read(unit->env, offset, 8);
}

static inline void vtd_write32(const struct vtd_unit *unit, uint32_t offset, uint32_t value)
{
	env_reg_write(unit->env, offset, value, 4);
}

static inline void vtd_write64(const struct vtd_unit *unit, uint32_t offset, uint64_t value)
{
	env_reg_write(unit->env, offset, value, 8);
}

/* Store a quadword at @at as one, charged; the caller flushes the line. */
void vtd_store64(struct vtd_unit *unit, iotoll_phys_t at, uint64_t value);
/* __iommu_flush_cache(): push out the lines of [at, at + bytes) unless walks snoop. */
void vtd_flush_lines(struct vtd_unit *unit, iotoll_phys_t at, size_t bytes);

static inline iotoll_phys_t vtd_offset(iotoll_phys_t base, uint64_t bytes)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(base) + bytes);
}

static inline iotoll_phys_t vtd_root_table(const struct vtd_unit *unit)
{
	return unit->frames;
}

static inline iotoll_phys_t vtd_queue_page(const struct vtd_unit *unit)
{
	return vtd_offset(unit->frames, VTD_PAGE_BYTES);
}

static inline iotoll_phys_t vtd_status_page(const struct vtd_unit *unit)
{
	return vtd_offset(unit->frames, 2 * VTD_PAGE_BYTES);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Commands: __iommu_queue_command_sync(), iommu_completion_wait(), wait_on_sem() and the builders
 * of Linux 6.1's drivers/iommu/amd/iommu.c. One lock orders the writers; the wait is under it, too.
 * A COMPLETION_WAIT stores a number that only grows into one semaphore, so a waiter is done when
 * the semaphore has reached its number.
 */
#include <string.h>

#include "dma/driver/amdvi_internal.h"

/* LOOP_TIMEOUT steps of udelay(1): 100 ms. */
#define LOOPS   100000u
#define STEP_PS UINT64_C(1000000)
/* A submitter waits while no more than this many bytes of the buffer are free. */
#define SPARE_BYTES 0x20u
/* Not a block of 2^52 bytes or more (msb_diff > 51): everything. */
#define BLOCK_LOG2_MAX 52u

void amdvi_queue_reset(struct amdvi_unit *unit)
{
	amdvi_control(unit, 0, AMDVI_CTRL_CMDBUF_EN);
	env_reg_write(unit->env, AMDVI_CMD_HEAD, 0, 4);
	env_reg_write(unit->env, AMDVI_CMD_TAIL, 0, 4);
	unit->head = unit->tail = 0;
	amdvi_control(unit, AMDVI_CTRL_CMDBUF_EN, 0);
}

/* Until there is room; false if the unit takes no command out of a full buffer. */
static bool make_room(struct amdvi_unit *unit, uint64_t next, struct driver_flush *out)
{
	for (unsigned i = 0; i < LOOPS; i++) {
		if ((unit->head - next) % AMDVI_CMDBUF_BYTES > SPARE_BYTES)
			return true;
		if (i != 0)
			env_spin(unit->env, STEP_PS);
		unit->head = env_reg_read(unit->env, AMDVI_CMD_HEAD, 4) % AMDVI_CMDBUF_BYTES;
		out->polls++;
	}
	return false;
}

/* Put a command at the tail and tell the unit. */
static bool queue(struct amdvi_unit *unit, uint64_t q0, uint64_t q1, struct driver_flush *out)
{
	const uint64_t next = (unit->tail + AMDVI_RING_ENTRY_BYTES) % AMDVI_CMDBUF_BYTES;
	const iotoll_phys_t at = amdvi_offset(amdvi_cmdbuf(unit), unit->tail);
	uint8_t *bytes;

	if (!make_room(unit, next, out))
		return false;
	bytes = env_ptr(unit->env, at, AMDVI_RING_ENTRY_BYTES);
	env_work(unit->env, DMA_WORK_ENTRY_STORE, 1);
	amdvi_pack(bytes, q0);
	amdvi_pack(bytes + 8, q1);
	env_touch(unit->env, at, AMDVI_RING_ENTRY_BYTES, true);
	unit->tail = next;
	env_reg_write(unit->env, AMDVI_CMD_TAIL, next, 4);
	return true;
}

static uint64_t op(unsigned code)
{
	return (uint64_t)code << AMDVI_CMD_OP_SHIFT;
}

/* Until the semaphore has reached @number. */
static bool wait_on_semaphore(struct amdvi_unit *unit, uint64_t number, struct driver_flush *out)
{
	for (unsigned i = 0; amdvi_load64(unit, amdvi_semaphore(unit)) < number; i++) {
		if (i == LOOPS)
			return false;
		env_spin(unit->env, STEP_PS);
		out->polls++;
	}
	return true;
}

/* device_flush_iotlb() for each of @devices: QueueID is the device's own id. */
static bool queue_devices(struct amdvi_unit *unit, const struct ats_device *devices, uint64_t q1,
			  struct driver_flush *out)
{
	for (const struct ats_device *d = devices; d; d = d->next) {
		const uint64_t q0 = op(AMDVI_OP_INV_IOTLB_PAGES) | d->devid |
				    (uint64_t)d->depth << AMDVI_CMD_MAXPEND_SHIFT |
				    (uint64_t)d->devid << AMDVI_CMD_QUEUEID_SHIFT;

		out->device_invalidations++;
		if (!queue(unit, q0, q1 & ~AMDVI_INV_PDE, out))
			return false;
	}
	return true;
}

/* @q0 and @q1, what they name for @devices, and a COMPLETION_WAIT behind them. */
static void queue_and_wait(struct amdvi_unit *unit, uint64_t q0, uint64_t q1,
			   const struct ats_device *devices, struct driver_flush *out)
{
	const bool taken = chip_lock(unit->env);
	uint64_t number;

	number = ++unit->semaphore;
	if (!queue(unit, q0, q1, out) || !queue_devices(unit, devices, q1, out) ||
	    !queue(unit,
		   op(AMDVI_OP_COMPLETION_WAIT) | IOTOLL_PHYS_U64(amdvi_semaphore(unit)) |
			   AMDVI_WAIT_S,
		   number, out) ||
	    !wait_on_semaphore(unit, number, out))
		out->timed_out = true;
	chip_unlock(unit->env, taken);
}

/*
 * build_inv_address(): one page is named without S; more by the smallest aligned block around
 * them, whose address has ones from bit 12 up to below the block's topmost bit. PDE is always set.
 */
static uint64_t inv_quad(uint64_t first, uint64_t count)
{
	const uint64_t start = first << AMDVI_PAGE_SHIFT;
	const uint64_t last = ((first + count) << AMDVI_PAGE_SHIFT) - 1;
	unsigned log2 = AMDVI_PAGE_SHIFT;

	if (count == 1)
		return start | AMDVI_INV_PDE;
	while (log2 < BLOCK_LOG2_MAX && start >> log2 != last >> log2)
		log2++;
	if (start >> log2 != last >> log2)
		return AMDVI_INV_ALL_PAGES | AMDVI_INV_PDE | AMDVI_INV_S;
	return ((start | (AMDVI_BIT(log2 - 1) - 1)) & AMDVI_INV_ADDRESS) | AMDVI_INV_PDE |
	       AMDVI_INV_S;
}

static uint64_t inv_pages(uint16_t domain)
{
	return op(AMDVI_OP_INV_IOMMU_PAGES) | (uint64_t)domain << AMDVI_CMD_DOMAIN_SHIFT;
}

void amdvi_invalidate_pages(struct amdvi_unit *unit, uint16_t domain, uint64_t first,
			    uint64_t count, const struct ats_device *devices,
			    struct driver_flush *out)
{
	queue_and_wait(unit, inv_pages(domain), inv_quad(first, count), devices, out);
}

/* amd_iommu_domain_flush_tlb_pde(). */
void amdvi_invalidate_domain(struct amdvi_unit *unit, uint16_t domain,
			     const struct ats_device *devices, struct driver_flush *out)
{
	queue_and_wait(unit, inv_pages(domain), AMDVI_INV_ALL_PAGES | AMDVI_INV_PDE | AMDVI_INV_S,
		       devices, out);
}

/* device_flush_dte(). */
void amdvi_invalidate_device(struct amdvi_unit *unit, uint16_t devid, struct driver_flush *out)
{
	queue_and_wait(unit, op(AMDVI_OP_INV_DEVTAB_ENTRY) | devid, 0, NULL, out);
}

/*
 * iommu_flush_all_caches(). A unit without INVALIDATE_IOMMU_ALL is told entry by entry and domain
 * by domain, each waited for here, where Linux waits once.
 */
void amdvi_invalidate_everything(struct amdvi_unit *unit, struct driver_flush *out)
{
	if (unit->all_at_once) {
		queue_and_wait(unit, op(AMDVI_OP_INV_IOMMU_ALL), 0, NULL, out);
		return;
	}
	for (unsigned id = 0; id <= UINT16_MAX && !out->timed_out; id++)
		amdvi_invalidate_device(unit, (uint16_t)id, out);
	for (unsigned id = 0; id <= UINT16_MAX && !out->timed_out; id++)
		amdvi_invalidate_domain(unit, (uint16_t)id, NULL, out);
}

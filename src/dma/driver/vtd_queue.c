/* SPDX-License-Identifier: MIT */
/*
 * Invalidation: through the queue where the unit has one (qi_submit_sync() and qi_check_fault() of
 * Linux 6.1's drivers/iommu/intel/dmar.c), else through registers (__iommu_flush_context(),
 * __iommu_flush_iotlb() of iommu.c). Every call waits until the hardware is done.
 */
#include <string.h>

#include "dma/driver/vtd_internal.h"

#define QUEUE_SLOTS 256u
/* Status words of the queue, one for each slot; a wait descriptor writes the last value. */
#define STATUS_IN_USE 1u
#define STATUS_DONE   2u
/*
 * Linux polls for ever, or 10 s for registers. A unit that answers nothing must not hang its user:
 * our bound is far beyond what any invalidation takes.
 */
#define POLLS 100000u
#define TRIES 3u /* of a submission that a device aborts */

static iotoll_phys_t slot_at(const struct vtd_unit *unit, unsigned index)
{
	return vtd_offset(vtd_queue_page(unit), index * VTD_DESC_BYTES);
}

static iotoll_phys_t status_at(const struct vtd_unit *unit, unsigned index)
{
	return vtd_offset(vtd_status_page(unit), index * sizeof(uint32_t));
}

static void put_descriptor(struct vtd_unit *unit, unsigned index, struct vtd_pair desc)
{
	const iotoll_phys_t at = slot_at(unit, index);

	env_work(unit->env, DMA_WORK_ENTRY_STORE, 1);
	vtd_pack_pair(env_ptr(unit->env, at, VTD_DESC_BYTES), desc);
	env_touch(unit->env, at, VTD_DESC_BYTES, true);
}

static void put_status(struct vtd_unit *unit, unsigned index, uint32_t status)
{
	const iotoll_phys_t at = status_at(unit, index);

	__atomic_store_n((uint32_t *)env_ptr(unit->env, at, sizeof(status)), status,
			 __ATOMIC_RELEASE);
	env_touch(unit->env, at, sizeof(status), true);
}

static bool is_done(struct vtd_unit *unit, unsigned index)
{
	const iotoll_phys_t at = status_at(unit, index);
	uint8_t raw[4];
	uint32_t image;

	env_touch(unit->env, at, sizeof(image), false);
	image = __atomic_load_n((const uint32_t *)env_ptr(unit->env, at, sizeof(image)),
				__ATOMIC_ACQUIRE);
	memcpy(raw, &image, sizeof(raw));
	/* Little-endian, as the hardware stored it; the value fits a byte. */
	return raw[0] == STATUS_DONE;
}

/* What a look at the fault status comes to. */
enum fault {
	GOES_ON, /* wait on */
	REFUSED, /* our descriptor was malformed */
	ABORTED, /* a device did not complete: our wait may never, submit again */
};

/*
 * qi_check_fault(): what stopped the queue is cleared. After an IQE the bad descriptor is
 * overwritten by the wait that follows it, so that the queue goes on. An ITE aborts what waits.
 */
static enum fault check_fault(struct vtd_unit *unit, unsigned index)
{
	const uint32_t fsts = vtd_read32(unit, VTD_FSTS);
	bool ours = false;

	if (fsts & VTD_FSTS_IQE) {
		const unsigned head =
			(unsigned)(vtd_read32(unit, VTD_IQH) & VTD_IQ_INDEX) / VTD_DESC_BYTES;

		ours = head == index;
		if (ours)
			put_descriptor(unit, index,
				       vtd_unpack_pair(env_ptr(
					       unit->env, slot_at(unit, (index + 1) % QUEUE_SLOTS),
					       VTD_DESC_BYTES)));
		vtd_write32(unit, VTD_FSTS, VTD_FSTS_IQE);
	}
	/* A completion that nobody asked for stops nothing. */
	if (fsts & (VTD_FSTS_ITE | VTD_FSTS_ICE))
		vtd_write32(unit, VTD_FSTS, fsts & (VTD_FSTS_ITE | VTD_FSTS_ICE));
	if (ours)
		return REFUSED;
	return fsts & VTD_FSTS_ITE ? ABORTED : GOES_ON;
}

/*
 * One descriptor and a wait, and what became of them: GOES_ON if they are done. Every look at the
 * status but the last is followed by a read of FSTS, which also pushes the write of the tail ahead
 * of itself.
 */
static enum fault attempt(struct vtd_unit *unit, struct vtd_pair desc, struct driver_flush *out)
{
	const unsigned index = unit->head, wait = (index + 1) % QUEUE_SLOTS;

	put_descriptor(unit, index, desc);
	put_status(unit, wait, STATUS_IN_USE);
	put_descriptor(unit, wait,
		       vtd_desc_wait(VTD_DESC_WAIT_SW, IOTOLL_PHYS_U64(status_at(unit, wait)),
				     STATUS_DONE));
	unit->head = (index + 2) % QUEUE_SLOTS;
	vtd_write32(unit, VTD_IQT, unit->head * VTD_DESC_BYTES);
	for (unsigned i = 0; !is_done(unit, wait); i++) {
		const enum fault fault = i == POLLS ? REFUSED : check_fault(unit, index);

		if (fault != GOES_ON)
			return fault;
		out->polls++;
	}
	return GOES_ON;
}

/*
 * Until it is done. Two slots of 256 are taken at a time and waited for, under the lock all along,
 * so the queue cannot be full. Linux lets go of its lock between polls, for others to submit
 * meanwhile; here they wait (ours). After an ITE it submits again for as long as it takes, which
 * with a dead device is for ever; we give up after a few.
 */
static void submit(struct vtd_unit *unit, struct vtd_pair desc, struct driver_flush *out)
{
	enum fault fault = ABORTED;

	vtd_lock(unit);
	for (unsigned i = 0; i < TRIES && fault == ABORTED; i++)
		fault = attempt(unit, desc, out);
	if (fault != GOES_ON)
		out->timed_out = true;
	vtd_unlock(unit);
}

/* Write a command register whose bit 63 is its go bit, wait until that clears. */
static uint64_t command(struct vtd_unit *unit, uint32_t offset, uint64_t value,
			struct driver_flush *out)
{
	vtd_write64(unit, offset, value);
	for (unsigned i = 0; i < POLLS; i++) {
		const uint64_t now = vtd_read64(unit, offset);

		out->polls++;
		if (!(now & VTD_CCMD_ICC))
			return now;
	}
	out->timed_out = true;
	return 0;
}

static_assert(VTD_CCMD_ICC == VTD_IOTLB_IVT, "both go bits are bit 63");

void vtd_invalidate_context(struct vtd_unit *unit, unsigned granularity, uint16_t did, uint16_t sid,
			    struct driver_flush *out)
{
	if (unit->queued) {
		submit(unit, vtd_desc_context(granularity, did, sid, 0), out);
		return;
	}
	vtd_lock(unit);
	(void)command(unit, VTD_CCMD,
		      VTD_CCMD_ICC | (uint64_t)granularity << VTD_CCMD_CIRG_SHIFT |
			      (uint64_t)sid << VTD_CCMD_SID_SHIFT | did,
		      out);
	vtd_unlock(unit);
}

/*
 * The queue is asked to drain both ways where the unit can, the register to drain writes: as Linux
 * has it, which tells the register that only leaves changed, and the queue never.
 */
void vtd_invalidate_iotlb(struct vtd_unit *unit, unsigned granularity, uint16_t did, uint64_t iva,
			  struct driver_flush *out)
{
	const uint32_t block = vtd_iotlb_block(unit->ecap);
	uint64_t done, value;

	if (unit->queued) {
		struct vtd_pair desc = vtd_desc_iotlb(granularity, did, false, iva);

		desc.lo |= (unit->cap & VTD_CAP_DWD ? VTD_DESC_IOTLB_DW : 0) |
			   (unit->cap & VTD_CAP_DRD ? VTD_DESC_IOTLB_DR : 0);
		submit(unit, desc, out);
		return;
	}
	value = VTD_IOTLB_IVT | (uint64_t)granularity << VTD_IOTLB_IIRG_SHIFT |
		(uint64_t)did << VTD_IOTLB_DID_SHIFT;
	if (unit->cap & VTD_CAP_DWD)
		value |= VTD_IOTLB_DW;
	vtd_lock(unit);
	if (granularity == VTD_GRAN_PAGE)
		vtd_write64(unit, block + VTD_IVA_REG, iva);
	done = command(unit, block + VTD_IOTLB_REG, value, out);
	/* Nothing was forgotten: our second try, Linux only complains. */
	if (!out->timed_out && !(done & VTD_IOTLB_IAIG) && granularity != VTD_GRAN_GLOBAL)
		(void)command(unit, block + VTD_IOTLB_REG,
			      VTD_IOTLB_IVT | (uint64_t)VTD_GRAN_GLOBAL << VTD_IOTLB_IIRG_SHIFT,
			      out);
	vtd_unlock(unit);
}

/* Page numbers are below 2^52, so 52 always does. */
unsigned vtd_block_mask(uint64_t first, uint64_t count)
{
	unsigned mask = 0;

	while (mask < 52 && first >> mask != (first + count - 1) >> mask)
		mask++;
	return mask;
}

void vtd_invalidate_pages(struct vtd_unit *unit, uint16_t did, uint64_t first, uint64_t count,
			  bool leaves, struct driver_flush *out)
{
	const unsigned mask = vtd_block_mask(first, count);
	const uint64_t start = first >> mask << mask;

	if (!(unit->cap & VTD_CAP_PSI) || mask > vtd_max_mask(unit->cap))
		vtd_invalidate_iotlb(unit, VTD_GRAN_DOMAIN, did, 0, out);
	else
		vtd_invalidate_iotlb(
			unit, VTD_GRAN_PAGE, did,
			vtd_iva(start << VTD_PAGE_SHIFT, mask, leaves || !unit->queued), out);
}

/* qi_flush_dev_iotlb(): only a unit with a queue can, so only there is it asked. */
void vtd_invalidate_device(struct vtd_unit *unit, uint16_t sid, unsigned depth, uint64_t address,
			   unsigned log2, struct driver_flush *out)
{
	out->device_invalidations++;
	submit(unit, vtd_desc_devtlb(sid, depth, address, log2), out);
}

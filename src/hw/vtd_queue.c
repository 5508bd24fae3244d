// SPDX-License-Identifier: MIT
/*
 * The invalidation queue (VT-d specification, "Queued Invalidation Interface"): 128-bit
 * descriptors from head to tail, each carried out before the next is looked at, which is one of the
 * orders the specification allows. What a device-TLB descriptor sends is under way until the device
 * has completed it; a wait descriptor behind it has been fetched, so the head is past it, and holds
 * up everything after it until every device has. If one does not in time, FSTS.ITE is set, the wait
 * that waits is aborted (its status is never written) and nothing is fetched until software clears
 * ITE ("Invalidation Time-out Error").
 *
 * Decided here: a wait descriptor may ask for both status and interrupt, or for neither (one that
 * is a fence alone does that); a status write that memory refuses is lost; types that a capability
 * would allow (device-TLB without ECAP.DT, interrupt entry cache, all of scalable mode) are unknown
 * types; a device-TLB descriptor for a device that has MaxInvsPend under way stays at the head
 * until it has fewer; one for a device that is not there times out at once; invalidations under way
 * when the queue is switched off go on.
 */
#include "hw/vtd_impl.h"

/* The descriptor cannot be carried out yet and stays at the head; no code of the specification. */
#define STALLS 0x100u

/* What became of a descriptor: VTD_IQEI_NONE, STALLS, or why it stops the queue. */
typedef unsigned (*execute_fn)(struct vtd *v, struct vtd_pair d);

static uint16_t desc_did(const struct vtd *v, struct vtd_pair d)
{
	return (uint16_t)(d.lo >> VTD_DESC_DID_SHIFT) & vtd_did_mask(v);
}

static unsigned desc_granularity(struct vtd_pair d)
{
	return (unsigned)((d.lo & VTD_DESC_G) >> VTD_DESC_G_SHIFT);
}

static unsigned done(unsigned granularity)
{
	return granularity != VTD_GRAN_NONE ? VTD_IQEI_NONE : VTD_IQEI_RESERVED;
}

static unsigned execute_context(struct vtd *v, struct vtd_pair d)
{
	return done(vtd_context_invalidate(
		v, desc_granularity(d), desc_did(v, d), (uint16_t)(d.lo >> VTD_DESC_CC_SID_SHIFT),
		(unsigned)((d.lo & VTD_DESC_CC_FM) >> VTD_DESC_CC_FM_SHIFT)));
}

static unsigned execute_iotlb(struct vtd *v, struct vtd_pair d)
{
	return done(vtd_iotlb_invalidate(v, desc_granularity(d), desc_did(v, d), d.hi));
}

static unsigned execute_devtlb(struct vtd *v, struct vtd_pair d)
{
	const unsigned limit =
		ats_depth((unsigned)((d.lo & VTD_DESC_DEV_MAXP) >> VTD_DESC_DEV_MAXP_SHIFT));
	const uint16_t sid = (uint16_t)(d.lo >> VTD_DESC_DEV_SID_SHIFT);
	const uint64_t payload = (d.hi & VTD_DESC_DEV_HI_ADDR) |
				 ((d.hi & VTD_DESC_DEV_HI_S) != 0 ? ATS_INVALIDATE_S : 0);

	return vtd_devtlb_invalidate(v, sid, limit, payload) ? VTD_IQEI_NONE : STALLS;
}

static void finish_wait(struct vtd *v, struct vtd_pair d)
{
	if ((d.lo & VTD_DESC_WAIT_SW) != 0 && v->memory.write != NULL) {
		uint8_t bytes[8];

		vtd_pack64(bytes, d.lo >> VTD_DESC_WAIT_DATA_SHIFT);
		(void)v->memory.write(v->memory.ctx, d.hi & VTD_DESC_WAIT_HI_ADDR, bytes, 4);
	}
	if ((d.lo & VTD_DESC_WAIT_IF) != 0 && (v->reg[REG_ICS] & VTD_ICS_IWC) == 0) {
		v->reg[REG_ICS] |= VTD_ICS_IWC;
		vtd_event(v, REG_IECTL);
	}
}

static unsigned execute_wait(struct vtd *v, struct vtd_pair d)
{
	if (v->tags.outstanding == 0) {
		finish_wait(v, d);
	} else {
		v->queue.waiting = true;
		v->queue.wait = d;
	}
	return VTD_IQEI_NONE;
}

void vtd_queue_completed(struct vtd *v)
{
	if (v->tags.outstanding == 0 && v->queue.waiting) {
		v->queue.waiting = false;
		finish_wait(v, v->queue.wait);
	}
	vtd_queue_run(v);
}

void vtd_queue_abort_wait(struct vtd *v)
{
	v->queue.waiting = false;
}

static const struct desc_row {
	uint64_t lo_rsvd, hi_rsvd;
	execute_fn execute; /* NULL: unknown type */
	bool device_tlb;    /* unknown without ECAP.DT */
} descs[16] = {
	[VTD_DESC_CONTEXT] = {VTD_DESC_CC_RSVD, UINT64_MAX, execute_context, false},
	[VTD_DESC_IOTLB] = {VTD_DESC_IOTLB_RSVD, VTD_DESC_IOTLB_HI_RSVD, execute_iotlb, false},
	[VTD_DESC_DEVTLB] = {VTD_DESC_DEV_RSVD, VTD_DESC_DEV_HI_RSVD, execute_devtlb, true},
	[VTD_DESC_WAIT] = {VTD_DESC_WAIT_RSVD, VTD_DESC_WAIT_HI_RSVD, execute_wait, false},
};

/* Carry out the descriptor at byte @head of the queue. */
static unsigned execute(struct vtd *v, uint64_t head)
{
	const struct desc_row *row;
	uint8_t bytes[VTD_DESC_BYTES];
	struct vtd_pair d;

	if (v->memory.read(v->memory.ctx, v->queue.base + head, bytes, sizeof(bytes)) != 0)
		return VTD_IQEI_FETCH;
	d = vtd_unpack_pair(bytes);
	row = &descs[d.lo & VTD_DESC_TYPE];
	if (row->execute == NULL || (row->device_tlb && !v->config.device_tlb))
		return VTD_IQEI_TYPE;
	if (((d.lo & row->lo_rsvd) | (d.hi & row->hi_rsvd)) != 0)
		return VTD_IQEI_RESERVED;
	return row->execute(v, d);
}

/* Stop at the head as it is: nothing more is fetched until software clears IQE. */
static void stop(struct vtd *v, unsigned why)
{
	v->reg[REG_IQERCD] = (v->reg[REG_IQERCD] & ~VTD_IQERCD_IQEI) | why;
	vtd_fault_raise(v, VTD_FSTS_IQE);
}

/* On, neither stopped nor held up, and something between head and tail. */
static bool has_work(const struct vtd *v)
{
	return (v->reg[REG_GSTS] & VTD_GSTS_QIES) != 0 &&
	       (v->reg[REG_FSTS] & (VTD_FSTS_IQE | VTD_FSTS_ITE)) == 0 && !v->queue.waiting &&
	       v->reg[REG_IQH] != v->reg[REG_IQT];
}

static uint64_t queue_bytes(const struct vtd *v)
{
	return (uint64_t)v->queue.entries * VTD_DESC_BYTES;
}

/*
 * Ends: the head takes one step towards the tail at a time, and only software moves the tail. An
 * interrupt's handler that writes registers while this runs does not start it again (busy), so
 * everything is looked at afresh for each descriptor.
 */
void vtd_queue_run(struct vtd *v)
{
	if (v->queue.busy)
		return;
	v->queue.busy = true;
	while (has_work(v)) {
		unsigned epoch = v->queue.epoch;
		unsigned why = VTD_IQEI_TAIL;

		if (v->reg[REG_IQT] < queue_bytes(v))
			why = execute(v, v->reg[REG_IQH]);
		if (why == STALLS)
			break;
		if (why != VTD_IQEI_NONE) {
			stop(v, why);
			break;
		}
		v->stats.descriptors++;
		if (v->queue.epoch == epoch) /* a handler may have switched the queue off */
			v->reg[REG_IQH] = (v->reg[REG_IQH] + VTD_DESC_BYTES) % queue_bytes(v);
	}
	v->queue.busy = false;
}

void vtd_queue_enable(struct vtd *v, bool on)
{
	bool was = (v->reg[REG_GSTS] & VTD_GSTS_QIES) != 0;

	if (on == was)
		return;
	v->queue.epoch++;
	v->queue.waiting = false;
	v->reg[REG_IQH] = 0;
	if (!on) {
		v->reg[REG_GSTS] &= ~(uint64_t)VTD_GSTS_QIES;
		return;
	}
	v->queue.base = v->reg[REG_IQA] & VTD_IQA_BASE;
	v->queue.entries = vtd_queue_entries((unsigned)(v->reg[REG_IQA] & VTD_IQA_QS));
	v->reg[REG_GSTS] |= VTD_GSTS_QIES;
	vtd_queue_run(v);
}

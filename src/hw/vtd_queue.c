// SPDX-License-Identifier: MIT
/*
 * The invalidation queue (VT-d specification, "Queued Invalidation Interface"): 128-bit
 * descriptors from head to tail, each carried out completely before the next is looked at, which is
 * one of the orders the specification allows and makes a wait descriptor trivial.
 *
 * Decided here: a wait descriptor may ask for both status and interrupt, or for neither; a status
 * write that memory refuses is lost; types that a capability would allow (device-TLB without
 * ECAP.DT, interrupt entry cache, all of scalable mode) are unknown types; no device-TLB answers
 * to this unit, so their invalidations complete at once and neither ITE nor ICE ever come.
 */
#include "hw/vtd_impl.h"

/* What became of a descriptor: VTD_IQEI_NONE or why it stops the queue. */
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
	(void)v;
	(void)d;
	return VTD_IQEI_NONE;
}

static unsigned execute_wait(struct vtd *v, struct vtd_pair d)
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
	return VTD_IQEI_NONE;
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
	v->reg[REG_IQERCD] = why;
	vtd_fault_raise(v, VTD_FSTS_IQE);
}

/* On, not stopped, and something between head and tail. */
static bool has_work(const struct vtd *v)
{
	return (v->reg[REG_GSTS] & VTD_GSTS_QIES) != 0 && (v->reg[REG_FSTS] & VTD_FSTS_IQE) == 0 &&
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

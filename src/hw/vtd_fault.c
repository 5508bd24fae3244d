// SPDX-License-Identifier: MIT
/*
 * How a VT-d unit reports: primary fault logging into a ring of record registers, the fault status
 * and the event that tells software of it (VT-d specification, "Fault Reporting", "Fault Status
 * Register", "Fault Event Control Register", "Fault Recording Registers").
 *
 * The specification allows, and this unit does, to drop a fault of a requester that still has an
 * unacknowledged record.
 */
#include "hw/vtd_impl.h"

/* Reasons that a context entry's FPD hides, by code ("Fault Conditions and Remapping Hardware
 * Behavior"): those found once a context entry was there to be asked. */
static bool qualified(uint8_t reason)
{
	static const bool hides[] = {
		[VTD_FR_CONTEXT_P] = true,    [VTD_FR_CONTEXT_INV] = true,
		[VTD_FR_ADDRESS] = true,      [VTD_FR_WRITE] = true,
		[VTD_FR_READ] = true,         [VTD_FR_PAGE_FETCH] = true,
		[VTD_FR_CONTEXT_RSVD] = true, [VTD_FR_PAGE_RSVD] = true,
		[VTD_FR_BLOCKED_AT] = true,   [VTD_FR_INTERRUPT] = true,
	};

	return reason < sizeof(hides) / sizeof(hides[0]) && hides[reason];
}

uint32_t vtd_fault_status(const struct vtd *v)
{
	uint32_t status = (uint32_t)v->reg[REG_FSTS];

	if (v->pending != 0)
		status |= VTD_FSTS_PPF | (uint32_t)v->first_record << VTD_FSTS_FRI_SHIFT;
	return status;
}

void vtd_event(struct vtd *v, enum vtd_reg ctl)
{
	/* The data, address and upper address registers follow each control register. */
	enum vtd_reg data = ctl == REG_FECTL ? REG_FEDATA : REG_IEDATA;
	enum vtd_reg addr = ctl == REG_FECTL ? REG_FEADDR : REG_IEADDR;
	enum vtd_reg upper = ctl == REG_FECTL ? REG_FEUADDR : REG_IEUADDR;
	const struct iotoll_iommu_observer *o = &v->base.observer;

	if ((v->reg[ctl] & VTD_ECTL_IM) != 0) {
		v->reg[ctl] |= VTD_ECTL_IP;
		return;
	}
	v->reg[ctl] &= ~(uint64_t)VTD_ECTL_IP;
	if (o->interrupt != NULL)
		o->interrupt(o->ctx, v->reg[upper] << 32 | v->reg[addr], (uint32_t)v->reg[data]);
}

void vtd_fault_raise(struct vtd *v, uint32_t bits)
{
	bool first = vtd_fault_status(v) == 0;

	v->reg[REG_FSTS] |= bits;
	if (first)
		vtd_event(v, REG_FECTL);
}

void vtd_fault_cleared(struct vtd *v)
{
	if (vtd_fault_status(v) == 0)
		v->reg[REG_FECTL] &= ~(uint64_t)VTD_ECTL_IP;
}

static bool requester_pending(const struct vtd *v, uint16_t sid)
{
	for (unsigned i = 0; v->pending != 0 && i < v->config.fault_records; i++)
		if ((v->record[i].hi & VTD_FRCD_HI_F) != 0 &&
		    (v->record[i].hi & VTD_FRCD_HI_SID) == sid)
			return true;
	return false;
}

static void fill(struct vtd *v, const struct vtd_request *request, uint8_t reason)
{
	unsigned n = v->next_record;
	bool first = vtd_fault_status(v) == 0;

	v->record[n] = (struct vtd_pair){
		.lo = request->address & VTD_FRCD_LO_FI,
		.hi = VTD_FRCD_HI_F | (request->access == IOTOLL_READ ? VTD_FRCD_HI_T : 0) |
		      (uint64_t)request->at << VTD_FRCD_HI_AT_SHIFT |
		      (uint64_t)reason << VTD_FRCD_HI_FR_SHIFT | request->source.devid,
	};
	v->stats.recorded++;
	v->next_record = (n + 1) % v->config.fault_records;
	if (v->pending++ == 0)
		v->first_record = n;
	if (first)
		vtd_event(v, REG_FECTL);
}

void vtd_fault_record(struct vtd *v, const struct vtd_request *request, uint8_t reason, bool fpd)
{
	if (fpd && qualified(reason))
		return;
	if ((v->reg[REG_FSTS] & VTD_FSTS_PFO) != 0) {
		v->stats.lost++; /* nothing is recorded until software has seen the overflow */
		return;
	}
	if (requester_pending(v, request->source.devid))
		return;
	if ((v->record[v->next_record].hi & VTD_FRCD_HI_F) != 0) {
		v->stats.lost++;
		vtd_fault_raise(v, VTD_FSTS_PFO);
		return;
	}
	fill(v, request, reason);
}

void vtd_fault_ack(struct vtd *v, unsigned n, uint64_t bits)
{
	if ((bits & v->record[n].hi & VTD_FRCD_HI_F) == 0)
		return;
	v->record[n].hi &= ~VTD_FRCD_HI_F;
	v->pending--;
	vtd_fault_cleared(v);
}

// SPDX-License-Identifier: MIT
/*
 * A VT-d unit as translation agent (VT-d specification, "Device-TLBs", "Handling of Device-TLB
 * Operations", "Device-TLB Invalidation"): translation requests, translated requests, completions
 * of the invalidations that the queue sends, and page requests, all in legacy mode.
 *
 * A context entry with TT 01 lets a device use all of it; that alone is what a translated request
 * is judged by, as its address is taken to be one that the unit itself gave out. With TT 00 or 10
 * both kinds of request are refused with reason 0Dh.
 *
 * Decided here:
 *  - while translation is off, translation requests are answered UR, and translated requests pass
 *    like any other;
 *  - answers: UR where no context entry allows them (reasons 1, 2 and 0Dh), CA where tables are
 *    wrong or cannot be read; both are recorded. SUCCESS without R and W for a page without either,
 *    which is not, and for an address beyond the table's width, which is (4);
 *  - a request for several pages is answered up to the first that would not be SUCCESS;
 *  - in the interrupt range: SUCCESS with U and W, as interrupts are untranslated writes;
 *  - N goes with SNP of the leaf. TM, a hint that a translation will not last, is not passed on;
 *  - page requests need a context entry with PRE, which only scalable mode has: each group is
 *    answered "invalid request" when its last request comes, and ECAP.PRS reads 0.
 */
#include <errno.h>

#include "hw/vtd_impl.h"

/* The limit for a completion is the implementation's, below the minute and a half of ATS: ours. */
#define LIMIT_NS UINT64_C(10000000)

static bool overlaps_window(uint64_t address, unsigned log2)
{
	const uint64_t first = address & ~ats_span(log2);

	return first <= VTD_INTERRUPT_LAST && first + ats_span(log2) >= VTD_INTERRUPT_FIRST;
}

/*
 * The word that the IOTLB holds for @address, 0 if it has no right, from there or from a walk.
 * 0, or the reason to abort the request. A page that may only be written does not show itself to a
 * walk for reading.
 */
static uint8_t find(struct vtd *v, const struct vtd_context *context, uint64_t address,
		    bool no_write, uint64_t *held, unsigned *order, unsigned *fetches,
		    bool *unreachable)
{
	const uint64_t pfn = address >> VTD_PAGE_SHIFT;
	struct vtd_walk w;

	if (iotlb_lookup(v->iotlb, context->did, pfn, held, order)) {
		v->slow_hits++;
	} else {
		vtd_walk(v, context, address, IOTOLL_READ, true, &w);
		vtd_walk_hold(v, context, pfn, &w);
		*fetches += w.fetches;
		if (w.reason == VTD_FR_READ && !no_write) {
			vtd_walk(v, context, address, IOTOLL_WRITE, true, &w);
			vtd_walk_hold(v, context, pfn, &w);
			*fetches += w.fetches;
		}
		*unreachable = w.unreachable;
		*held = *order = 0;
		if (w.reason == VTD_FR_READ || w.reason == VTD_FR_WRITE)
			return 0;
		if (w.reason != 0)
			return w.reason;
		*held = w.held;
		*order = w.order;
	}
	if ((*held & VTD_HELD_RIGHTS) == 0) {
		*held = 0;
		return 0;
	}
	return (uint8_t)((*held & VTD_HELD_REASON) >> VTD_HELD_REASON_SHIFT);
}

/* The entry of an answer. 0, or the reason why there is none. */
static uint8_t answer_one(struct vtd *v, const struct vtd_context *context, uint64_t address,
			  bool no_write, uint64_t *entry, unsigned *fetches, bool *unreachable)
{
	unsigned order, log2;
	uint64_t held, paddr;
	uint8_t reason;

	if (overlaps_window(address, VTD_PAGE_SHIFT)) {
		*entry = ats_entry(address, VTD_PAGE_SHIFT, ATS_ENTRY_U | ATS_ENTRY_W);
		return 0;
	}
	*entry = 0;
	if (address >> context->bits != 0)
		return VTD_FR_ADDRESS;
	reason = find(v, context, address, no_write, &held, &order, fetches, unreachable);
	if (reason != 0 || held == 0)
		return reason;
	log2 = VTD_PAGE_SHIFT + order;
	paddr = (held & VTD_PTE_ADDR) | (address & ats_span(log2));
	if (overlaps_window(paddr, VTD_PAGE_SHIFT))
		return VTD_FR_INTERRUPT;
	/* What of a large page is an interrupt, or would become one, is not handed out. */
	while (overlaps_window(address, log2) || overlaps_window(paddr, log2))
		log2--;
	*entry = ats_entry(paddr, log2,
			   ((held & VTD_PTE_R) != 0 ? ATS_ENTRY_R : 0) |
				   ((held & VTD_PTE_W) != 0 && !no_write ? ATS_ENTRY_W : 0) |
				   ((held & VTD_HELD_SNP) != 0 ? ATS_ENTRY_N : 0));
	if ((*entry & (ATS_ENTRY_R | ATS_ENTRY_W)) == 0)
		*entry = 0;
	return 0;
}

static enum ats_status status_for(uint8_t reason)
{
	switch (reason) {
	case VTD_FR_ROOT_P:
	case VTD_FR_CONTEXT_P:
	case VTD_FR_BLOCKED_AT:
		return ATS_UNSUPPORTED;
	case VTD_FR_ADDRESS:
		return ATS_SUCCESS;
	default:
		return ATS_ABORT;
	}
}

/* The context entry's own opinion: 0, or why no request of this kind is answered. */
static uint8_t admit(const struct vtd_context *context)
{
	if (context->reason != 0)
		return context->reason;
	return context->tt == VTD_TT_ATS ? 0 : VTD_FR_BLOCKED_AT;
}

static void answer_all(struct vtd *v, const struct ats_request *request, struct ats_completion *out)
{
	struct vtd_request r = {request->source, request->address & VTD_FRCD_LO_FI, IOTOLL_READ,
				ATS_AT_TRANSLATION};
	const struct vtd_context *context;
	struct vtd_context fetched;
	struct iotoll_xlat x = {0};
	bool unreachable;

	context = vtd_context_get(v, request->source.devid, &fetched, &x);
	out->fetches = x.fetches;
	for (unsigned i = 0; i < request->count; i++) {
		uint8_t reason = admit(context);

		if (reason == 0)
			reason = answer_one(v, context, r.address, request->no_write,
					    &out->entry[i], &out->fetches, &unreachable);
		if (reason != 0 && i != 0)
			return; /* it will be asked for by itself, and refused then */
		if (reason != 0) {
			out->status = status_for(reason);
			vtd_refuse(v, &r, reason, context->fpd);
		}
		if (out->status != ATS_SUCCESS)
			return;
		out->count = i + 1;
		r.address += ATS_BIT(VTD_PAGE_SHIFT + request->stu);
		if (r.address < request->address)
			return; /* past the end of all addresses */
	}
}

static int vtd_ats_request(struct iommu *iommu, const struct ats_request *request,
			   struct ats_completion *out)
{
	struct vtd *v = vtd_of(iommu);

	*out = (struct ats_completion){.status = ATS_SUCCESS};
	if (request->source.bus != 0)
		return -ENODEV;
	if (request->count == 0 || request->count > ATS_REQUEST_MAX || request->stu > 31)
		return -EINVAL;
	v->ats.requests++;
	if ((v->reg[REG_GSTS] & VTD_GSTS_TES) == 0)
		out->status = ATS_UNSUPPORTED;
	else
		answer_all(v, request, out);
	v->ats.unsupported += out->status == ATS_UNSUPPORTED;
	v->ats.aborted += out->status == ATS_ABORT;
	return 0;
}

static int vtd_ats_translated(struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
			      enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct vtd_request request = {source, paddr, access, ATS_AT_TRANSLATED};
	struct vtd *v = vtd_of(iommu);
	const int ret = vtd_answer(v, v, &request, out);

	v->ats.translated += ret == 0;
	v->ats.refused += ret == -EPERM || ret == -EFAULT;
	return ret;
}

static int vtd_ats_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
			 enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct vtd_request request = {source, paddr, access, ATS_AT_TRANSLATED};

	return vtd_answer(vtd_of_const(iommu), NULL, &request, out);
}

/* ---- invalidation ---- */

/* "Invalidation Completion Error": told, and the queue goes on. */
static void vtd_ats_completion(struct iommu *iommu, uint16_t devid, uint32_t tags, unsigned cc)
{
	struct vtd *v = vtd_of(iommu);
	bool valid;

	v->ats.completed += ats_tags_complete(&v->tags, devid, tags, cc, &valid);
	if (!valid) {
		v->ats.stray++;
		v->reg[REG_IQERCD] = (v->reg[REG_IQERCD] & ~VTD_IQERCD_ICESID) |
				     (uint64_t)devid << VTD_IQERCD_ICESID_SHIFT;
		vtd_fault_raise(v, VTD_FSTS_ICE);
	}
	vtd_queue_completed(v);
}

static void vtd_ats_time_out(struct iommu *iommu, unsigned itag)
{
	struct vtd *v = vtd_of(iommu);

	if (!ats_tags_drop(&v->tags, itag))
		return;
	v->ats.timed_out++;
	v->reg[REG_IQERCD] = (v->reg[REG_IQERCD] & ~VTD_IQERCD_ITESID) |
			     (uint64_t)v->tags.tag[itag].devid << VTD_IQERCD_ITESID_SHIFT;
	vtd_queue_abort_wait(v);
	vtd_fault_raise(v, VTD_FSTS_ITE);
}

bool vtd_devtlb_invalidate(struct vtd *v, uint16_t sid, unsigned limit, uint64_t payload)
{
	unsigned itag;

	switch (ats_tags_send(&v->tags, &v->base, sid, limit, payload, 0, &itag)) {
	case ATS_NO_TAG:
		return false;
	case ATS_NOBODY: /* as if its time had passed: nothing is gained by waiting for it */
		v->ats.invalidations++;
		vtd_ats_time_out(&v->base, itag);
		return true;
	case ATS_SENT:
		v->ats.invalidations++;
		break;
	}
	return true;
}

static uint64_t vtd_ats_limit_ns(const struct iommu *iommu)
{
	(void)iommu;
	return LIMIT_NS;
}

static void vtd_ats_page_request(struct iommu *iommu, uint16_t devid, uint64_t request)
{
	const struct ats_fabric *f = iommu->fabric;
	struct vtd *v = vtd_of(iommu);

	v->ats.page_requests++;
	v->ats.page_lost++;
	if ((request & PRI_REQUEST_L) == 0 || f == NULL || f->page_response == NULL)
		return;
	v->ats.page_responses++;
	(void)f->page_response(f->ctx, devid, pri_request_index(request), PRI_INVALID);
}

static void vtd_ats_stats(const struct iommu *iommu, struct ats_stats *out)
{
	*out = vtd_of_const(iommu)->ats;
}

const struct iommu_ats_ops vtd_ats_ops = {
	.request = vtd_ats_request,
	.translated = vtd_ats_translated,
	.probe_translated = vtd_ats_probe,
	.completion = vtd_ats_completion,
	.time_out = vtd_ats_time_out,
	.limit_ns = vtd_ats_limit_ns,
	.page_request = vtd_ats_page_request,
	.stats = vtd_ats_stats,
};

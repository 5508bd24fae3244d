// SPDX-License-Identifier: MIT
/*
 * An AMD-Vi unit as translation agent ("IOTLB Support", "INVALIDATE_IOTLB_PAGES", "Device Table
 * Entry Format", bit I): translation requests, translated requests, and completions of the
 * invalidations that the command buffer sends. IotlbSup is in the PCI capability, which is not
 * modelled: it counts as 1.
 *
 * The device table entry's I, with V, lets a device use all of it; that alone is what a translated
 * request is judged by. Without, both kinds of request are aborted with INVALID_DEVICE_REQUEST.
 *
 * Decided here:
 *  - while the unit is off, translation requests are answered UR, and translated ones pass;
 *  - answers: UR for V, TV or I 0; CA, with the event that an access would raise and TR in it,
 * where the entry or the tables are wrong or cannot be read; SUCCESS without R and W for a page
 * without either, with no event;
 *  - a request for several pages is answered up to the first that would not be SUCCESS;
 *  - in the interrupt range: SUCCESS with U and W. A translated request there is refused;
 *  - the exclusion range is answered with the address itself, both rights and U;
 *  - Mode 0 is answered page by page with the rights of the device table entry;
 *  - a completion that no invalidation waits for changes nothing and raises no event.
 */
#include <errno.h>

#include "hw/amdvi_impl.h"

static bool in_interrupt_range(uint64_t address)
{
	return address >= AMDVI_INT_FIRST && address <= AMDVI_INT_LAST;
}

/* What the tables, read for one direction, say of @r's page, and into the caches with it. */
static void look(struct amdvi *a, const struct amdvi_request *r, struct amdvi_verdict *v)
{
	const struct amdvi_dte dte = v->dte;
	const unsigned fetches = v->fetches;

	*v = (struct amdvi_verdict){.dte = dte, .fetches = fetches};
	if (amdvi_find_held(a, r, AMDVI_LOOK_ACCESS, v))
		return;
	amdvi_walk(a, r, AMDVI_LOOK_ACCESS, v);
	amdvi_walk_hold(a, r, v);
}

/* No right or no page, as opposed to tables that are wrong. */
static bool merely_absent(const struct amdvi_verdict *v)
{
	return v->error == -EPERM && v->silenceable && !v->malformed;
}

static uint64_t entry_of(const struct amdvi_request *r, const struct amdvi_verdict *v,
			 uint64_t rights)
{
	unsigned log2 = v->log2;
	const uint64_t paddr = v->frame | (r->iova & ats_span(log2));
	uint64_t flags = ((rights & AMDVI_IR) != 0 ? ATS_ENTRY_R : 0) |
			 ((rights & AMDVI_IW) != 0 ? ATS_ENTRY_W : 0);

	if (flags == 0)
		return 0;
	/* No answer covers interrupts. */
	while (log2 > AMDVI_PAGE_SHIFT && (r->iova & ~ats_span(log2)) <= AMDVI_INT_LAST &&
	       (r->iova | ats_span(log2)) >= AMDVI_INT_FIRST)
		log2--;
	flags |= (v->marks & AMDVI_PTE_U) != 0 ? ATS_ENTRY_U : 0;
	flags |= (v->marks & AMDVI_PTE_FC) != 0 ? ATS_ENTRY_N : 0;
	return ats_entry(paddr, log2, flags);
}

/* One page's entry; v->error if there can be none. The device table entry is in @v. */
static uint64_t answer_one(struct amdvi *a, struct amdvi_request *r, bool no_write,
			   struct amdvi_verdict *v)
{
	const uint64_t q = v->dte.quad[0];
	const unsigned mode = (unsigned)((q & AMDVI_DTE_MODE) >> AMDVI_DTE_MODE_SHIFT);
	const uint64_t mask = no_write ? AMDVI_IR : AMDVI_IR | AMDVI_IW;

	if (in_interrupt_range(r->iova))
		return ats_entry(r->iova, AMDVI_PAGE_SHIFT, ATS_ENTRY_U | ATS_ENTRY_W);
	if (amdvi_excluded(a, r, &v->dte))
		return ats_entry(r->iova, AMDVI_PAGE_SHIFT,
				 ATS_ENTRY_U | ATS_ENTRY_R | (no_write ? 0 : ATS_ENTRY_W));
	if (mode == 0) {
		v->frame = r->iova & AMDVI_FRAME;
		v->log2 = AMDVI_PAGE_SHIFT;
		v->marks = 0;
		return entry_of(r, v, q & mask);
	}
	if (mode < AMDVI_LEVELS_MAX && r->iova >> amdvi_width(mode) != 0)
		return 0;
	r->access = IOTOLL_READ;
	look(a, r, v);
	if (merely_absent(v) && !no_write) {
		r->access = IOTOLL_WRITE;
		look(a, r, v);
	}
	if (merely_absent(v))
		v->error = 0;
	else if (v->error == 0)
		return entry_of(r, v, v->rights & q & mask);
	return 0;
}

static void log_refusal(struct amdvi *a, const struct amdvi_request *r,
			const struct amdvi_event *event)
{
	const struct iotoll_iommu_observer *o = &a->base.observer;

	if (o->fault != NULL)
		o->fault(o->ctx, (struct iotoll_source){.devid = r->devid}, r->iova, r->access);
	amdvi_log(a, event);
}

static void invalid_request(struct amdvi *a, const struct amdvi_request *r, uint64_t flags)
{
	const struct amdvi_event event =
		amdvi_event_of(AMDVI_EVT_INVALID_DEVICE_REQUEST, flags, 0, r, r->iova);

	log_refusal(a, r, &event);
}

static void abort_request(struct amdvi *a, const struct amdvi_request *r, struct amdvi_verdict *v,
			  struct ats_completion *out)
{
	v->event.quad[0] |= AMDVI_EVT_TR;
	log_refusal(a, r, &v->event);
	out->status = ATS_ABORT;
}

static void answer_all(struct amdvi *a, const struct ats_request *request,
		       struct ats_completion *out)
{
	struct amdvi_request r = {request->source.devid, request->address & ATS_ADDRESS,
				  IOTOLL_READ};
	struct amdvi_verdict v = {0};

	amdvi_dte_find(a, &r, AMDVI_LOOK_ACCESS, &v);
	if (v.dte_fetched)
		amdvi_dte_hold(a, r.devid, &v.dte);
	out->fetches = v.fetches;
	if (v.error != 0) {
		abort_request(a, &r, &v, out);
		return;
	}
	if ((v.dte.quad[0] & AMDVI_DTE_V) == 0 || (v.dte.quad[0] & AMDVI_DTE_TV) == 0 ||
	    (v.dte.quad[1] & AMDVI_DTE1_I) == 0) {
		invalid_request(a, &r,
				AMDVI_EVT_TR | (uint64_t)AMDVI_REQ_TRANSLATION
						       << AMDVI_EVT_REQ_SHIFT);
		out->status = ATS_UNSUPPORTED;
		return;
	}
	for (unsigned i = 0; i < request->count; i++) {
		out->entry[i] = answer_one(a, &r, request->no_write, &v);
		out->fetches = v.fetches;
		if (v.error != 0 && i == 0)
			abort_request(a, &r, &v, out);
		if (v.error != 0)
			return;
		out->count = i + 1;
		r.iova += ATS_BIT(AMDVI_PAGE_SHIFT + request->stu);
		if (r.iova < request->address)
			return; /* past the end of all addresses */
	}
}

static int amdvi_ats_request(struct iommu *iommu, const struct ats_request *request,
			     struct ats_completion *out)
{
	struct amdvi *a = amdvi_of(iommu);

	*out = (struct ats_completion){.status = ATS_SUCCESS};
	if (request->source.bus != 0)
		return -ENODEV;
	if (request->count == 0 || request->count > ATS_REQUEST_MAX || request->stu > 31)
		return -EINVAL;
	a->ats.requests++;
	if ((a->reg[REG_CONTROL] & AMDVI_CTRL_IOMMU_EN) == 0)
		out->status = ATS_UNSUPPORTED;
	else
		answer_all(a, request, out);
	a->ats.unsupported += out->status == ATS_UNSUPPORTED;
	a->ats.aborted += out->status == ATS_ABORT;
	return 0;
}

/* ---- translated requests ---- */

/* The device table entry's word on @r; v->event tells what to log if it is a refusal. */
static void judge_translated(const struct amdvi *a, const struct amdvi_request *r,
			     enum amdvi_look how, struct amdvi_verdict *v)
{
	uint64_t why = AMDVI_REQ_TRANSLATED;

	if ((a->reg[REG_CONTROL] & AMDVI_CTRL_IOMMU_EN) == 0)
		return;
	amdvi_dte_find(a, r, how, v);
	if (v->error != 0)
		return;
	if ((v->dte.quad[0] & AMDVI_DTE_V) != 0 && (v->dte.quad[1] & AMDVI_DTE1_I) != 0) {
		if (!in_interrupt_range(r->iova))
			return;
		if (r->access == IOTOLL_READ)
			why = AMDVI_REQ_INT_READ;
	}
	v->error = -EPERM;
	v->event = amdvi_event_of(AMDVI_EVT_INVALID_DEVICE_REQUEST, why << AMDVI_EVT_REQ_SHIFT, 0,
				  r, r->iova);
}

static int check_translated(struct iotoll_source source, enum iotoll_access access,
			    struct iotoll_xlat *out)
{
	*out = (struct iotoll_xlat){0};
	if (source.bus != 0)
		return -ENODEV;
	return access == IOTOLL_READ || access == IOTOLL_WRITE ? 0 : -EINVAL;
}

static void pass(const struct amdvi_request *r, const struct amdvi_verdict *v,
		 struct iotoll_xlat *out)
{
	out->fetches = v->fetches;
	if (v->error != 0)
		return;
	out->paddr = r->iova;
	out->bytes = AMDVI_PAGE_BYTES - (r->iova & (AMDVI_PAGE_BYTES - 1));
	out->bypass = true;
}

static int amdvi_ats_translated(struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
				enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct amdvi_request r = {source.devid, paddr, access};
	struct amdvi *a = amdvi_of(iommu);
	struct amdvi_verdict v = {0};
	const int ret = check_translated(source, access, out);

	if (ret != 0)
		return ret;
	judge_translated(a, &r, AMDVI_LOOK_ACCESS, &v);
	pass(&r, &v, out);
	if (v.dte_fetched)
		amdvi_dte_hold(a, r.devid, &v.dte);
	if (v.error != 0)
		log_refusal(a, &r, &v.event);
	a->ats.translated += v.error == 0;
	a->ats.refused += v.error != 0;
	return v.error;
}

static int amdvi_ats_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
			   enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct amdvi_request r = {source.devid, paddr, access};
	struct amdvi_verdict v = {0};
	const int ret = check_translated(source, access, out);

	if (ret != 0)
		return ret;
	judge_translated(amdvi_of_const(iommu), &r, AMDVI_LOOK_PROBE, &v);
	pass(&r, &v, out);
	return v.error;
}

/* ---- invalidation ---- */

static void amdvi_ats_completion(struct iommu *iommu, uint16_t devid, uint32_t tags, unsigned cc)
{
	struct amdvi *a = amdvi_of(iommu);
	bool valid;

	a->ats.completed += ats_tags_complete(&a->tags, devid, tags, cc, &valid);
	a->ats.stray += !valid;
	amdvi_commands_run(a);
}

static void amdvi_ats_time_out(struct iommu *iommu, unsigned itag)
{
	struct amdvi *a = amdvi_of(iommu);
	struct amdvi_request r = {0};
	struct amdvi_event event;

	if (!ats_tags_drop(&a->tags, itag))
		return;
	a->ats.timed_out++;
	r.devid = a->tags.tag[itag].devid;
	event = amdvi_event_of(AMDVI_EVT_IOTLB_INV_TIMEOUT, 0, 0, &r, a->tags.tag[itag].at);
	amdvi_log(a, &event);
	amdvi_commands_run(a);
}

bool amdvi_device_invalidate(struct amdvi *a, uint16_t devid, unsigned limit, uint64_t payload,
			     uint64_t at)
{
	unsigned itag;

	switch (ats_tags_send(&a->tags, &a->base, devid, limit, payload, at, &itag)) {
	case ATS_NO_TAG:
		return false;
	case ATS_NOBODY: /* as if its time had passed, unless that never does */
		a->ats.invalidations++;
		if (a->base.ops->ats->limit_ns(&a->base) != 0)
			amdvi_ats_time_out(&a->base, itag);
		return true;
	case ATS_SENT:
		a->ats.invalidations++;
		break;
	}
	return true;
}

/* InvTimeOut; the reserved 7 counts as the longest. */
static uint64_t amdvi_ats_limit_ns(const struct iommu *iommu)
{
	unsigned code =
		(unsigned)((amdvi_of_const(iommu)->reg[REG_CONTROL] & AMDVI_CTRL_INV_TIMEOUT) >>
			   AMDVI_CTRL_INV_TIMEOUT_SHIFT);
	uint64_t ns = 100000;

	if (code == 0)
		return 0;
	for (code = code < 6 ? code : 6; code != 0; code--)
		ns *= 10;
	return ns;
}

static void amdvi_ats_stats(const struct iommu *iommu, struct ats_stats *out)
{
	*out = amdvi_of_const(iommu)->ats;
}

const struct iommu_ats_ops amdvi_ats_ops = {
	.request = amdvi_ats_request,
	.translated = amdvi_ats_translated,
	.probe_translated = amdvi_ats_probe,
	.completion = amdvi_ats_completion,
	.time_out = amdvi_ats_time_out,
	.limit_ns = amdvi_ats_limit_ns,
	.page_request = amdvi_page_request,
	.stats = amdvi_ats_stats,
};

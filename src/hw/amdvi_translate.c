// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's answer to one memory request ("IOMMU Logical Topology", "Device Table"): the control
 * register, the device's table entry, the interrupt range, the exclusion range, Mode, the IOTLB,
 * the walk, in this order.
 *
 * Decided here:
 *  - reads in the interrupt range are refused once V is set; writes there pass unless the entry's
 *    interrupt fields count (IV) and IntCtl is 0 or the reserved 3. IntCtl 2 lets them pass as
 *    well: there is no remapping;
 *  - V without TV: an I/O page fault with PR clear, unless the exclusion range covers it. So
 *    is an address beyond the width of Mode;
 *  - Mode 0 refuses with PR and PE, as a page without the right does;
 *  - IR and IW of the device table entry are looked at in the (cached) entry at every access and
 *    are no part of what the IOTLB holds, which devices of one domain share;
 *  - what the IOTLB refuses is refused: the tables are not asked again;
 *  - SE's memory of a logged fault lasts until INVALIDATE_DEVTAB_ENTRY, whatever the cache of
 *    entries does.
 *
 * Whether an answer is stale is judged by asking past all caches: it is if that refuses the
 * access or leads elsewhere.
 */
#include <errno.h>

#include "hw/amdvi_impl.h"
#include "hw/iotlb_hit.h"

static uint64_t needed(const struct amdvi_request *r)
{
	return r->access == IOTOLL_WRITE ? AMDVI_IW : AMDVI_IR;
}

static void pass(const struct amdvi_request *r, struct amdvi_verdict *v)
{
	v->bypass = true;
	v->frame = r->iova & ~(uint64_t)(AMDVI_PAGE_BYTES - 1);
	v->log2 = AMDVI_PAGE_SHIFT;
}

static void interrupt_range(const struct amdvi_request *r, struct amdvi_verdict *v)
{
	const uint64_t q = v->dte.quad[2];
	const unsigned control = (unsigned)((q & AMDVI_DTE2_INT_CTL) >> AMDVI_DTE2_INT_CTL_SHIFT);
	unsigned why;

	if (r->access == IOTOLL_READ)
		why = AMDVI_REQ_INT_READ;
	else if ((q & AMDVI_DTE2_IV) != 0 && (control == 0 || control == 3))
		why = AMDVI_REQ_INT_ABORTED;
	else {
		pass(r, v);
		return;
	}
	v->error = -EPERM;
	v->event = amdvi_event_of(AMDVI_EVT_INVALID_DEVICE_REQUEST,
				  (uint64_t)why << AMDVI_EVT_REQ_SHIFT, 0, r, r->iova);
}

bool amdvi_excluded(const struct amdvi *a, const struct amdvi_request *r,
		    const struct amdvi_dte *dte)
{
	const uint64_t base = a->reg[REG_EXCL_BASE];
	const uint64_t page = r->iova & ~(uint64_t)(AMDVI_PAGE_BYTES - 1);

	if ((base & AMDVI_EXCL_ENABLE) == 0)
		return false;
	if ((base & AMDVI_EXCL_ALLOW) == 0 && (dte->quad[1] & AMDVI_DTE1_EX) == 0)
		return false;
	return page >= (base & AMDVI_FRAME) && page <= (a->reg[REG_EXCL_LIMIT] & AMDVI_FRAME);
}

bool amdvi_find_held(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		     struct amdvi_verdict *v)
{
	const uint64_t pfn = r->iova >> AMDVI_PAGE_SHIFT;
	const uint16_t domain = amdvi_domain(&v->dte);
	unsigned order = 0;
	uint64_t word = 0;

	if (look == AMDVI_LOOK_FRESH)
		return false;
	if (look == AMDVI_LOOK_ACCESS ? !iotlb_lookup(a->iotlb, domain, pfn, &word, &order)
				      : !iotlb_peek(a->iotlb, domain, pfn, &word, &order))
		return false;
	v->cached = v->from_caches = true;
	v->frame = word & AMDVI_FRAME;
	v->log2 = AMDVI_PAGE_SHIFT + order;
	v->rights = amdvi_rights(word);
	v->marks = amdvi_marks(word);
	if ((v->rights & needed(r)) == 0)
		amdvi_page_fault(r, AMDVI_EVT_PR | AMDVI_EVT_PE, v);
	return true;
}

/* A request of a device whose entry is valid and legal. */
static void through_tables(const struct amdvi *a, const struct amdvi_request *r,
			   enum amdvi_look look, struct amdvi_verdict *v)
{
	const uint64_t q = v->dte.quad[0];
	const unsigned mode = (unsigned)((q & AMDVI_DTE_MODE) >> AMDVI_DTE_MODE_SHIFT);

	if ((q & AMDVI_DTE_TV) == 0)
		amdvi_page_fault(r, 0, v);
	else if ((q & needed(r)) == 0)
		amdvi_page_fault(r, AMDVI_EVT_PR | AMDVI_EVT_PE, v);
	else if (mode == 0)
		pass(r, v);
	else if (mode < AMDVI_LEVELS_MAX && r->iova >> amdvi_width(mode) != 0)
		amdvi_page_fault(r, 0, v);
	else if (!amdvi_find_held(a, r, look, v))
		amdvi_walk(a, r, look, v);
}

static void decide(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		   struct amdvi_verdict *v)
{
	if ((a->reg[REG_CONTROL] & AMDVI_CTRL_IOMMU_EN) == 0) {
		pass(r, v);
		return;
	}
	amdvi_dte_find(a, r, look, v);
	if (v->error != 0)
		return;
	if ((v->dte.quad[0] & AMDVI_DTE_V) == 0)
		pass(r, v);
	else if (r->iova >= AMDVI_INT_FIRST && r->iova <= AMDVI_INT_LAST)
		interrupt_range(r, v);
	else if (amdvi_excluded(a, r, &v->dte))
		pass(r, v);
	else
		through_tables(a, r, look, v);
}

static uint64_t address_of(const struct amdvi_request *r, const struct amdvi_verdict *v)
{
	return v->frame | (r->iova & (AMDVI_BIT(v->log2) - 1));
}

static bool is_stale(const struct amdvi *a, const struct amdvi_request *r,
		     const struct amdvi_verdict *v)
{
	struct amdvi_verdict now;

	if (!a->track_stale || !v->from_caches)
		return false;
	amdvi_verdict_clear(&now);
	decide(a, r, AMDVI_LOOK_FRESH, &now);
	return now.error != 0 || address_of(r, &now) != address_of(r, v);
}

static void answer(const struct amdvi *a, const struct amdvi_request *r,
		   const struct amdvi_verdict *v, struct iotoll_xlat *out)
{
	out->fetches = v->fetches;
	if (v->error != 0)
		return;
	out->paddr = address_of(r, v);
	out->bytes = AMDVI_BIT(v->log2) - (r->iova & (AMDVI_BIT(v->log2) - 1));
	out->hit = v->cached;
	out->bypass = v->bypass;
	out->stale = is_stale(a, r, v);
}

/* Log an event, unless the device's entry silences it. */
static void note(struct amdvi *a, struct iotoll_source source, const struct amdvi_request *r,
		 const struct amdvi_verdict *v)
{
	const struct iotoll_iommu_observer *o = &a->base.observer;
	uint64_t *word = &a->suppressed[r->devid / 64];
	const uint64_t bit = UINT64_C(1) << (r->devid % 64);

	if (o->fault != NULL)
		o->fault(o->ctx, source, r->iova, r->access);
	if (v->silenceable) {
		if ((v->dte.quad[1] & AMDVI_DTE1_SA) != 0)
			return;
		if ((v->dte.quad[1] & AMDVI_DTE1_SE) != 0) {
			if ((*word & bit) != 0)
				return;
			*word |= bit;
		}
	}
	amdvi_log(a, &v->event);
}

static int check_request(struct iotoll_source source, enum iotoll_access access,
			 struct iotoll_xlat *out)
{
	*out = (struct iotoll_xlat){0};
	if (source.bus != 0)
		return -ENODEV;
	return access == IOTOLL_READ || access == IOTOLL_WRITE ? 0 : -EINVAL;
}

/*
 * The access that hits and is granted, most of them: what decide() comes to, with no step that such
 * an access cannot need. False: nothing was changed, translate() decides.
 */
static IOTLB_ALWAYS_INLINE bool hit_at_once(struct amdvi *a, struct iotoll_source source,
					    const struct amdvi_request *r, enum iotlb_sets sets,
					    struct iotoll_xlat *out)
{
	struct iotlb *const t = a->iotlb;
	const struct amdvi_dte_slot *d = &a->dte[r->devid % AMDVI_DTE_SLOTS];
	const uint64_t offset = r->iova & (AMDVI_PAGE_BYTES - 1);
	uint64_t word;
	ptrdiff_t slot;

	if (!iotlb_has(t, sets) || source.bus != 0 ||
	    (r->access != IOTOLL_READ && r->access != IOTOLL_WRITE) ||
	    (a->reg[REG_CONTROL] & AMDVI_CTRL_IOMMU_EN) == 0 ||
	    (a->reg[REG_EXCL_BASE] & AMDVI_EXCL_ENABLE) != 0 || a->track_stale)
		return false;
	if (!d->valid || d->devid != r->devid || !d->tables || r->iova > d->last ||
	    (r->iova >= AMDVI_INT_FIRST && r->iova <= AMDVI_INT_LAST))
		return false;
	slot = iotlb_spot(t, sets, amdvi_domain(&d->dte), r->iova >> AMDVI_PAGE_SHIFT, &word);
	if (slot < 0 || (d->dte.quad[0] & word & needed(r)) == 0)
		return false;
	*out = (struct iotoll_xlat){.paddr = (word & AMDVI_FRAME) | offset,
				    .bytes = AMDVI_PAGE_BYTES - offset,
				    .hit = true};
	iotlb_spotted(t, sets, slot);
	return true;
}

static __attribute__((noinline)) int translate(struct amdvi *a, struct iotoll_source source,
					       uint64_t iova, enum iotoll_access access,
					       struct iotoll_xlat *out)
{
	const struct amdvi_request r = {source.devid, iova, access};
	struct amdvi_verdict v;
	int ret;

	if (hit_at_once(a, source, &r, IOTLB_OTHERS, out))
		return 0;
	ret = check_request(source, access, out);
	if (ret != 0)
		return ret;
	amdvi_verdict_clear(&v);
	decide(a, &r, AMDVI_LOOK_ACCESS, &v);
	answer(a, &r, &v, out);
	if (v.dte_fetched)
		amdvi_dte_hold(a, r.devid, &v.dte);
	amdvi_walk_hold(a, &r, &v);
	if (v.error != 0)
		note(a, source, &r, &v);
	return v.error;
}

int amdvi_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		    enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct amdvi_request r = {source.devid, iova, access};

	if (IOTLB_LIKELY(hit_at_once(amdvi_of(iommu), source, &r, IOTLB_FOUR_PLAIN, out)))
		return 0;
	return translate(amdvi_of(iommu), source, iova, access, out);
}

int amdvi_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct amdvi *a = amdvi_of_const(iommu);
	const struct amdvi_request r = {source.devid, iova, access};
	struct amdvi_verdict v;
	const int ret = check_request(source, access, out);

	if (ret != 0)
		return ret;
	amdvi_verdict_clear(&v);
	decide(a, &r, AMDVI_LOOK_PROBE, &v);
	answer(a, &r, &v, out);
	return v.error;
}

/* Out of the cache of device entries and the IOTLB; nothing while there is an exclusion range. */
bool amdvi_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		struct iommu_held *out)
{
	const struct amdvi *a = amdvi_of_const(iommu);
	const struct amdvi_dte_slot *d = &a->dte[source.devid % AMDVI_DTE_SLOTS];
	uint64_t word, first, last;

	if (a->track_stale || (a->reg[REG_EXCL_BASE] & AMDVI_EXCL_ENABLE) != 0 || !d->valid ||
	    d->devid != source.devid || !d->tables ||
	    !iotlb_peek(a->iotlb, amdvi_domain(&d->dte), iova >> AMDVI_PAGE_SHIFT, &word,
			&out->order))
		return false;
	last = AMDVI_BIT(AMDVI_PAGE_SHIFT + out->order) - 1;
	first = iova & ~last;
	out->tag = amdvi_domain(&d->dte);
	out->frame = word & AMDVI_FRAME & ~last;
	last |= first;
	word &= d->dte.quad[0];
	out->rights = ((word & AMDVI_IR) != 0 ? (unsigned)IOTOLL_READ : 0) |
		      ((word & AMDVI_IW) != 0 ? (unsigned)IOTOLL_WRITE : 0);
	return last <= d->last && (last < AMDVI_INT_FIRST || first > AMDVI_INT_LAST);
}

// SPDX-License-Identifier: MIT
/*
 * A VT-d unit's answer to a request (VT-d specification, "Legacy Mode Address Translation",
 * "Handling Requests to Interrupt Address Range"): through the caches, and through the tables for
 * what they do not hold.
 *
 * Decided here:
 *  - an access that a held entry does not allow is refused on the spot and recorded; hardware may
 *    walk again first, which would hide a missing invalidation;
 *  - a write into 0xFEExxxxx is an interrupt and passes as it is, whatever its size; who embeds
 *    the model keeps memory out of there, as firmware does. A read is refused without a record;
 *  - a page whose last bytes lie in that window is reported as ending before it.
 */
#include <assert.h>
#include <errno.h>

#include "hw/iotlb_hit.h"
#include "hw/vtd_impl.h"

/* A hit is one function with a small frame, whatever it might have to do otherwise. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))

static bool in_interrupt_window(uint64_t address)
{
	return address >= VTD_INTERRUPT_FIRST && address <= VTD_INTERRUPT_LAST;
}

static void pass(uint64_t address, struct iotoll_xlat *out)
{
	out->paddr = address;
	out->bytes = VTD_PAGE_BYTES - (address & (VTD_PAGE_BYTES - 1));
	out->bypass = true;
}

/* How many of the @bytes from @address on lie before the interrupt window. */
static uint64_t before_window(uint64_t address, uint64_t bytes)
{
	if (address < VTD_INTERRUPT_FIRST && bytes > VTD_INTERRUPT_FIRST - address)
		return VTD_INTERRUPT_FIRST - address;
	return bytes;
}

/* The right that a valid @access needs. */
static ALWAYS_INLINE uint64_t needed(enum iotoll_access access)
{
	static_assert(VTD_PTE_R == IOTOLL_READ && VTD_PTE_W == IOTOLL_WRITE, "the same bits");
	return access;
}

/* What @held of size @order says to @request. 0 with @out, or the reason to refuse it. */
static ALWAYS_INLINE uint8_t grant(uint64_t held, unsigned order, const struct vtd_request *request,
				   struct iotoll_xlat *out)
{
	uint64_t need = needed(request->access);
	uint64_t page = (uint64_t)VTD_PAGE_BYTES << order;
	uint64_t offset = request->address & (page - 1);
	uint64_t paddr = (held & VTD_PTE_ADDR) | offset;

	if ((held & need) == 0)
		return request->access == IOTOLL_WRITE ? VTD_FR_WRITE : VTD_FR_READ;
	if ((held & VTD_HELD_REASON) != 0)
		return (uint8_t)((held & VTD_HELD_REASON) >> VTD_HELD_REASON_SHIFT);
	/* A small page lies there or does not, and is held accordingly. */
	if (order != 0 && in_interrupt_window(paddr))
		return VTD_FR_INTERRUPT;
	out->paddr = paddr;
	out->bytes = page - offset;
	if (order != 0)
		out->bytes = before_window(request->address, before_window(paddr, out->bytes));
	return 0;
}

/* Would memory, read from the root on, still say what @out says? */
static NOINLINE bool is_stale(const struct vtd *v, const struct vtd_request *request,
			      const struct iotoll_xlat *answer)
{
	struct vtd_context context;
	struct iotoll_xlat now = {0};
	struct vtd_walk w;
	unsigned fetches = 0;

	vtd_fetch_context(v, request->source.devid, &context, &fetches);
	if (context.reason != 0 || context.tt == VTD_TT_PASS ||
	    request->address >> context.bits != 0)
		return true;
	vtd_walk(v, &context, request->address, request->access, false, &w);
	return w.reason != 0 || grant(w.held, w.order, request, &now) != 0 ||
	       now.paddr != answer->paddr;
}

void vtd_walk_hold(struct vtd *v, const struct vtd_context *context, uint64_t pfn,
		   const struct vtd_walk *w)
{
	unsigned bottom = w->order / 9 + 1;

	v->stats.walks++;
	if (w->top < context->levels)
		v->stats.paging_hits++;
	for (unsigned level = w->top; level > 1; level--) {
		if (level < bottom || w->met[level].prefix == VTD_NO_PREFIX)
			break; /* a leaf, or where the walk failed */
		vtd_paging_hold(v, level, &w->met[level]);
	}
	if (w->held == 0)
		return;
	if (w->order == 0)
		iotlb_insert(v->iotlb, context->did, pfn, w->line);
	else
		iotlb_insert_large(v->iotlb, context->did, pfn, w->order, w->held);
}

/* What the tables say, for a page that the IOTLB does not hold. Otherwise as look_up(). */
static NOINLINE uint8_t look_down(const struct vtd *v, struct vtd *change,
				  const struct vtd_context *context,
				  const struct vtd_request *request, struct iotoll_xlat *out,
				  bool *unreachable)
{
	struct vtd_walk w;

	vtd_walk(v, context, request->address, request->access, true, &w);
	out->fetches += w.fetches;
	if (change != NULL)
		vtd_walk_hold(change, context, request->address >> VTD_PAGE_SHIFT, &w);
	*unreachable = w.unreachable;
	return w.reason != 0 ? w.reason : grant(w.held, w.order, request, out);
}

/*
 * Look a page up and, if need be, walk. @change is @v where caches may change and NULL where they
 * may not. 0, or the reason to refuse; *@unreachable if memory could not be read.
 */
static ALWAYS_INLINE uint8_t look_up(const struct vtd *v, struct vtd *change,
				     const struct vtd_context *context,
				     const struct vtd_request *request, struct iotoll_xlat *out,
				     bool *unreachable)
{
	uint64_t pfn = request->address >> VTD_PAGE_SHIFT;
	uint64_t held;
	unsigned order;
	uint8_t reason;

	if (!(change != NULL ? iotlb_lookup(change->iotlb, context->did, pfn, &held, &order)
			     : iotlb_peek(v->iotlb, context->did, pfn, &held, &order)))
		return look_down(v, change, context, request, out, unreachable);
	if (change != NULL)
		change->slow_hits++;
	reason = grant(held, order, request, out);
	out->hit = reason == 0;
	if (v->track_stale && reason == 0)
		out->stale = is_stale(v, request, out);
	return reason;
}

/* What @context allows of requests of each address type, before any table is looked at. */
static uint8_t admit(const struct vtd_context *context, const struct vtd_request *request)
{
	if (context->reason != 0)
		return context->reason;
	if (request->at != ATS_AT_UNTRANSLATED && context->tt != VTD_TT_ATS)
		return VTD_FR_BLOCKED_AT;
	return 0;
}

/* The context entry out of memory into @to, and into the cache. */
static NOINLINE void get_context(const struct vtd *v, struct vtd *change, uint16_t sid,
				 struct vtd_context *to, struct iotoll_xlat *out)
{
	vtd_fetch_context(v, sid, to, &out->fetches);
	if (change == NULL)
		return;
	change->stats.context_misses++;
	vtd_context_hold(change, to);
}

static ALWAYS_INLINE uint8_t decide(const struct vtd *v, struct vtd *change,
				    const struct vtd_request *request, struct iotoll_xlat *out,
				    bool *fpd, bool *unreachable)
{
	const struct vtd_context *context = vtd_context_find(v, request->source.devid);
	struct vtd_context fetched;
	uint8_t reason;

	if (context == NULL) {
		get_context(v, change, request->source.devid, &fetched, out);
		context = &fetched;
	} else if (change != NULL) {
		change->stats.context_hits++;
	}
	*fpd = context->fpd;
	reason = admit(context, request);
	if (reason != 0) {
		*unreachable = reason == VTD_FR_ROOT_FETCH || reason == VTD_FR_CONTEXT_FETCH;
		return reason;
	}
	if (request->at == ATS_AT_TRANSLATED || context->tt == VTD_TT_PASS) {
		if (request->address >> v->config.host_bits != 0)
			return VTD_FR_ADDRESS;
		pass(request->address, out);
		return 0;
	}
	if (request->address >> context->bits != 0)
		return VTD_FR_ADDRESS;
	return look_up(v, change, context, request, out, unreachable);
}

const struct vtd_context *vtd_context_get(struct vtd *v, uint16_t sid, struct vtd_context *fetched,
					  struct iotoll_xlat *out)
{
	const struct vtd_context *held = vtd_context_find(v, sid);

	if (held != NULL) {
		v->stats.context_hits++;
		return held;
	}
	get_context(v, v, sid, fetched, out);
	return fetched;
}

NOINLINE void vtd_refuse(struct vtd *v, const struct vtd_request *request, uint8_t reason, bool fpd)
{
	const struct iotoll_iommu_observer *o = &v->base.observer;

	v->stats.faults++;
	if (reason != 0)
		vtd_fault_record(v, request, reason, fpd);
	if (o->fault != NULL)
		o->fault(o->ctx, request->source, request->address, request->access);
}

static ALWAYS_INLINE int answer(const struct vtd *v, struct vtd *change,
				const struct vtd_request *request, struct iotoll_xlat *out)
{
	bool fpd = false, unreachable = false;
	uint8_t reason;
	unsigned fetches;

	*out = (struct iotoll_xlat){0};
	if (request->source.bus != 0)
		return -ENODEV;
	if (request->access != IOTOLL_READ && request->access != IOTOLL_WRITE)
		return -EINVAL;
	if ((v->reg[REG_GSTS] & VTD_GSTS_TES) == 0) {
		pass(request->address, out);
		return 0;
	}
	if (in_interrupt_window(request->address)) {
		if (request->access == IOTOLL_WRITE && request->at == ATS_AT_UNTRANSLATED) {
			pass(request->address, out);
			return 0;
		}
		if (change != NULL)
			vtd_refuse(change, request, 0, false);
		return -EPERM;
	}
	reason = decide(v, change, request, out, &fpd, &unreachable);
	if (reason == 0)
		return 0;
	fetches = out->fetches;
	*out = (struct iotoll_xlat){.fetches = fetches};
	if (change != NULL)
		vtd_refuse(change, request, reason, fpd);
	return unreachable ? -EFAULT : -EPERM;
}

/*
 * The request that hits and is granted, most of them: what answer() comes to, with no step that
 * such a request cannot need. False: nothing was changed, answer() decides.
 */
static ALWAYS_INLINE bool hit_at_once(struct vtd *v, const struct vtd_request *request,
				      enum iotlb_sets sets, uint32_t did, struct iotoll_xlat *out)
{
	struct iotlb *const t = v->iotlb;
	struct iotoll_xlat granted = {0};
	uint64_t held;
	ptrdiff_t slot;

	slot = iotlb_spot(t, sets, did, request->address >> VTD_PAGE_SHIFT, &held);
	if (slot < 0 || grant(held, 0, request, &granted) != 0)
		return false;
	*out = (struct iotoll_xlat){.paddr = granted.paddr, .bytes = granted.bytes, .hit = true};
	iotlb_spotted(t, sets, slot);
	return true;
}

/* For a requester who is not the one in front; if it hits, he is from now on. */
static ALWAYS_INLINE bool hit_from_behind(struct vtd *v, const struct vtd_request *request,
					  struct iotoll_xlat *out)
{
	const struct vtd_context *context;

	if (!iotlb_has(v->iotlb, IOTLB_OTHERS) || request->source.bus != 0 ||
	    (request->access != IOTOLL_READ && request->access != IOTOLL_WRITE) ||
	    (v->reg[REG_GSTS] & VTD_GSTS_TES) == 0 || v->track_stale ||
	    in_interrupt_window(request->address))
		return false;
	/* An empty slot has nothing below 0. */
	context = &v->context[vtd_context_slot(v, request->source.devid)];
	if (context->sid != request->source.devid || request->address >= context->below ||
	    !hit_at_once(v, request, IOTLB_OTHERS, context->did, out))
		return false;
	v->stats.context_hits++;
	v->slow_hits++;
	if (iotlb_has(v->iotlb, IOTLB_FOUR_PLAIN))
		v->front = (struct vtd_front){.below = context->below,
					      .source = vtd_front_source(request->source),
					      .did = context->did};
	return true;
}

static NOINLINE int answer_slowly(struct vtd *v, struct iotoll_source source, uint64_t iova,
				  enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct vtd_request request = {source, iova, access, ATS_AT_UNTRANSLATED};

	if (hit_from_behind(v, &request, out))
		return 0;
	return answer(v, v, &request, out);
}

/* Addresses in the interrupt window are never looked up, so no page of there is in the IOTLB. */
int vtd_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		  enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct vtd_request request = {source, iova, access, ATS_AT_UNTRANSLATED};
	struct vtd *const v = vtd_of(iommu);

	if (__builtin_expect(v->front.source == vtd_front_source(source) && iova < v->front.below &&
				     (access == IOTOLL_READ || access == IOTOLL_WRITE) &&
				     hit_at_once(v, &request, IOTLB_FOUR_PLAIN, v->front.did, out),
			     1))
		return 0;
	return answer_slowly(v, source, iova, access, out);
}

int vtd_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	      enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct vtd_request request = {source, iova, access, ATS_AT_UNTRANSLATED};

	return answer(vtd_of_const(iommu), NULL, &request, out);
}

int vtd_answer(const struct vtd *v, struct vtd *change, const struct vtd_request *request,
	       struct iotoll_xlat *out)
{
	return answer(v, change, request, out);
}

static bool meets_interrupts(uint64_t first, uint64_t bytes)
{
	return first <= VTD_INTERRUPT_LAST && first + (bytes - 1) >= VTD_INTERRUPT_FIRST;
}

/* Out of the context cache and the IOTLB; not where an interrupt would be part of the page. */
bool vtd_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	      struct iommu_held *out)
{
	const struct vtd *v = vtd_of_const(iommu);
	const struct vtd_context *context = vtd_context_find(v, source.devid);
	uint64_t held, bytes;

	if (v->track_stale || context == NULL ||
	    !iotlb_peek(v->iotlb, context->did, iova >> VTD_PAGE_SHIFT, &held, &out->order))
		return false;
	bytes = (uint64_t)VTD_PAGE_BYTES << out->order;
	out->tag = context->did;
	out->frame = held & VTD_PTE_ADDR & ~(bytes - 1);
	out->rights = held & VTD_HELD_RIGHTS;
	return (held & VTD_HELD_REASON) == 0 && !meets_interrupts(iova & ~(bytes - 1), bytes) &&
	       !meets_interrupts(out->frame, bytes);
}

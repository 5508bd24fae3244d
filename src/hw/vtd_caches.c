// SPDX-License-Identifier: MIT
/*
 * What a VT-d unit remembers of its tables and what makes it forget (VT-d specification,
 * "Caching Translation Information"): the context cache by requester, the IOTLB by domain and
 * page, and for each level above the last a paging-structure cache by domain and address prefix.
 *
 * Sizes and organisation are not published. Ours: the context cache and the paging-structure
 * caches are direct mapped; the IOTLB is what iommu_config.iotlb says. The specification lets
 * hardware forget more than it is asked to; this unit forgets exactly that, so that a driver that
 * asks for too little is found out, unless vtd_config.compared_bits says else. Device-selective
 * invalidation of contexts wants the domain to match as well: software has to give the one that was
 * in the entry.
 */
#include "hw/shared.h"
#include "hw/vtd_impl.h"

void vtd_context_hold(struct vtd *v, const struct vtd_context *context)
{
	bool fetched =
		context->reason != VTD_FR_ROOT_FETCH && context->reason != VTD_FR_CONTEXT_FETCH;

	/* Only caching mode holds what faults, and nobody what could not be read. */
	if (v->config.context_entries == 0 || !fetched ||
	    (context->reason != 0 && !v->config.caching_mode))
		return;
	vtd_front_leave(v);
	v->context[vtd_context_slot(v, context->sid)] = *context;
}

unsigned vtd_context_invalidate(struct vtd *v, unsigned granularity, uint16_t did, uint16_t sid,
				unsigned fm)
{
	/* The function mask hides bit 2, bits 2:1 or bits 2:0 of the requester id. */
	static const uint16_t hidden[4] = {0, 4, 6, 7};

	if (granularity == VTD_GRAN_NONE)
		return VTD_GRAN_NONE;
	vtd_front_leave(v);
	iommu_forget_all(&v->base); /* the entry says where its requesters' pages are */
	for (unsigned i = 0; i < v->config.context_entries; i++) {
		struct vtd_context *c = &v->context[i];

		if (granularity != VTD_GRAN_GLOBAL && c->did != did)
			continue;
		if (granularity == VTD_GRAN_DEVICE && ((c->sid ^ sid) & ~hidden[fm & 3]) != 0)
			continue;
		*c = (struct vtd_context){0};
	}
	return granularity;
}

static size_t paging_slot(const struct vtd *v, uint16_t did, uint64_t prefix)
{
	return (size_t)(prefix ^ (uint64_t)did * 5) & (v->config.paging_entries - 1);
}

const struct vtd_paging *vtd_paging_find(const struct vtd *v, const struct vtd_context *context,
					 uint64_t iova, unsigned *level)
{
	if (v->config.paging_entries == 0)
		return NULL;
	for (unsigned l = 2; l <= context->levels; l++) {
		uint64_t prefix = iova >> vtd_level_shift(l);
		const struct vtd_paging *p = &v->paging[l][paging_slot(v, context->did, prefix)];

		if (p->prefix != prefix || p->did != context->did)
			continue;
		*level = l;
		return p;
	}
	return NULL;
}

void vtd_paging_hold(struct vtd *v, unsigned level, const struct vtd_paging *paging)
{
	if (v->config.paging_entries != 0)
		v->paging[level][paging_slot(v, paging->did, paging->prefix)] = *paging;
}

/* Forget the entries of @did (any if @all) on the way to a page in [@first, @last]. */
static void paging_drop(struct vtd *v, bool all, uint16_t did, uint64_t first, uint64_t last)
{
	for (unsigned l = 2; l <= VTD_MAX_LEVELS; l++) {
		unsigned shift = vtd_level_shift(l) - VTD_PAGE_SHIFT;

		for (unsigned i = 0; i < v->config.paging_entries; i++) {
			struct vtd_paging *p = &v->paging[l][i];

			if ((all || p->did == did) && p->prefix >= first >> shift &&
			    p->prefix <= last >> shift)
				p->prefix = VTD_NO_PREFIX;
		}
	}
}

static unsigned drop_pages(struct vtd *v, uint16_t did, uint64_t iva)
{
	unsigned am = (unsigned)(iva & VTD_IVA_AM);
	uint64_t pages = UINT64_C(1) << am;
	uint64_t first = (iva & VTD_IVA_ADDR) >> VTD_PAGE_SHIFT & ~(pages - 1);

	if (am > v->config.max_mask)
		return VTD_GRAN_NONE;
	if (v->config.compared_bits) {
		iotlb_invalidate_alike(v->iotlb, did, first, pages,
				       (UINT64_C(1) << v->config.compared_bits) - 1);
		iommu_forget_tag(&v->base, did);
	} else {
		iotlb_invalidate_range(v->iotlb, did, first, pages);
		iommu_forget_pages(&v->base, did, first, pages);
	}
	if ((iva & VTD_IVA_IH) == 0)
		paging_drop(v, false, did, first, first + pages - 1);
	return VTD_GRAN_PAGE;
}

unsigned vtd_iotlb_invalidate(struct vtd *v, unsigned granularity, uint16_t did, uint64_t iva)
{
	v->stats.invalidations++;
	/* Without page-selective invalidation such a request takes the domain: our choice. */
	if (granularity == VTD_GRAN_PAGE && !v->config.page_selective)
		granularity = VTD_GRAN_DOMAIN;
	switch (granularity) {
	case VTD_GRAN_GLOBAL:
		iotlb_invalidate_all(v->iotlb);
		iommu_forget_all(&v->base);
		paging_drop(v, true, 0, 0, UINT64_MAX >> VTD_PAGE_SHIFT);
		return granularity;
	case VTD_GRAN_DOMAIN:
		iotlb_invalidate_tag(v->iotlb, did);
		iommu_forget_tag(&v->base, did);
		paging_drop(v, false, did, 0, UINT64_MAX >> VTD_PAGE_SHIFT);
		return granularity;
	case VTD_GRAN_PAGE:
		return drop_pages(v, did, iva);
	default:
		return VTD_GRAN_NONE;
	}
}

void vtd_caches_flush(struct vtd *v)
{
	(void)vtd_context_invalidate(v, VTD_GRAN_GLOBAL, 0, 0, 0);
	(void)vtd_iotlb_invalidate(v, VTD_GRAN_GLOBAL, 0, 0);
}

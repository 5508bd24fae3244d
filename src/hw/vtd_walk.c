// SPDX-License-Identifier: MIT
/*
 * How a VT-d unit finds a translation in memory: the specification's "Legacy Mode Address
 * Translation" (root entry by bus, context entry by device and function, second-level tables) in
 * its order of checks, each with the fault reason it raises. Nothing here changes the unit.
 *
 * At each level the right that the access needs is looked at before reserved bits: an entry
 * without it reports 5 or 6 whatever else is wrong with it. The specification ties the
 * reserved-bit fault to present entries and leaves open which comes first where only the other
 * right is there: our choice, and what QEMU does.
 */
#include "hw/vtd_impl.h"

#define ENTRIES_PER_READ 8u /* a table line of 64 bytes is one memory read */

/* The quadword pair at @paddr. False if memory has none there. */
static bool read_pair(const struct vtd *v, uint64_t paddr, struct vtd_pair *to)
{
	uint8_t scratch[16];
	const uint8_t *bytes = iommu_memory_view(&v->memory, paddr, sizeof(scratch), scratch);

	if (bytes == NULL)
		return false;
	*to = vtd_unpack_pair(bytes);
	return true;
}

/* Bits that addresses in root and context entries do not have. */
static uint64_t beyond_host(const struct vtd *v)
{
	return VTD_SPAN(63, v->config.host_bits);
}

static void context_fault(struct vtd_context *to, uint8_t reason)
{
	to->reason = reason;
	to->did = 0; /* what caching mode tags such an entry with */
}

/* Make of the context entry @e what translation needs. A context entry is 16 bytes. */
static void decode_context(const struct vtd *v, struct vtd_pair e, struct vtd_context *to)
{
	unsigned aw = (unsigned)(e.hi & VTD_CTX_AW);
	unsigned did = (unsigned)((e.hi & VTD_CTX_DID) >> VTD_CTX_DID_SHIFT);
	bool known;

	to->fpd = (e.lo & VTD_CTX_FPD) != 0; /* honoured even where P is 0 */
	if ((e.lo & VTD_CTX_P) == 0) {
		context_fault(to, VTD_FR_CONTEXT_P);
		return;
	}
	/* DID bits beyond those of CAP.ND count as reserved: our choice. */
	if ((e.lo & (VTD_CTX_LO_RSVD | beyond_host(v))) != 0 || (e.hi & VTD_CTX_HI_RSVD) != 0 ||
	    (did & ~(unsigned)vtd_did_mask(v)) != 0) {
		context_fault(to, VTD_FR_CONTEXT_RSVD);
		return;
	}
	to->tt = (uint8_t)((e.lo & VTD_CTX_TT) >> VTD_CTX_TT_SHIFT);
	known = to->tt == VTD_TT_UNTRANSLATED || (to->tt == VTD_TT_ATS && v->config.device_tlb) ||
		(to->tt == VTD_TT_PASS && v->config.pass_through);
	if (!known || !vtd_aw_supported(v->cap, aw)) {
		context_fault(to, VTD_FR_CONTEXT_INV);
		return;
	}
	to->did = (uint16_t)did;
	to->table = e.lo & VTD_CTX_SLPTPTR;
	to->levels = (uint8_t)vtd_levels(aw);
	/* Pass-through knows no table; what it lets through must be an address at all. */
	if (to->tt == VTD_TT_PASS)
		to->bits = (uint8_t)v->config.host_bits;
	else
		to->bits =
			(uint8_t)(vtd_agaw_bits(aw) < v->config.guest_bits ? vtd_agaw_bits(aw)
									   : v->config.guest_bits);
	to->below = to->tt != VTD_TT_PASS ? UINT64_C(1) << to->bits : 0;
}

void vtd_fetch_context(const struct vtd *v, uint16_t sid, struct vtd_context *to, unsigned *fetches)
{
	struct vtd_pair e;

	*to = (struct vtd_context){.sid = sid, .valid = true};
	++*fetches;
	if (!read_pair(v, v->root + (uint64_t)(sid >> 8) * VTD_ROOT_BYTES, &e)) {
		context_fault(to, VTD_FR_ROOT_FETCH);
		return;
	}
	if ((e.lo & VTD_ROOT_P) == 0) {
		context_fault(to, VTD_FR_ROOT_P);
		return;
	}
	if ((e.lo & (VTD_ROOT_RSVD | beyond_host(v))) != 0 || e.hi != 0) {
		context_fault(to, VTD_FR_ROOT_RSVD);
		return;
	}
	++*fetches;
	if (!read_pair(v, (e.lo & VTD_ROOT_CTP) + (uint64_t)(sid & 0xFF) * VTD_CONTEXT_BYTES, &e)) {
		context_fault(to, VTD_FR_CONTEXT_FETCH);
		return;
	}
	decode_context(v, e, to);
}

/* One level of a walk: the entry, and for the last level the line of the IOTLB around it. */
static bool read_entry(const struct vtd *v, uint64_t table, uint64_t iova, unsigned level,
		       struct vtd_walk *w, uint64_t *entry)
{
	unsigned n = level == 1 ? iotlb_line_pages(v->iotlb) : 1;
	unsigned index = vtd_level_index(iova, level);
	uint8_t scratch[IOTLB_MAX_LINE_PAGES * VTD_PTE_BYTES];
	const uint8_t *bytes;

	w->fetches += (n + ENTRIES_PER_READ - 1) / ENTRIES_PER_READ;
	/* A line is aligned and shorter than a table, so it lies within this one. */
	bytes = iommu_memory_view(&v->memory, table + (uint64_t)(index & ~(n - 1)) * VTD_PTE_BYTES,
				  (size_t)n * VTD_PTE_BYTES, scratch);
	if (bytes == NULL)
		return false;
	*entry = vtd_unpack64(&bytes[(index & (n - 1)) * VTD_PTE_BYTES]);
	if (level == 1)
		for (unsigned i = 0; i < n; i++)
			w->line[i] = vtd_unpack64(&bytes[i * VTD_PTE_BYTES]);
	return true;
}

static uint64_t held_snoop(uint64_t pte)
{
	return (pte & VTD_PTE_SNP) != 0 ? VTD_HELD_SNP : 0;
}

/* A page that leads into the interrupt window is held as one that is always refused. */
static uint64_t held_interrupt(uint64_t pte)
{
	const uint64_t frame = pte & VTD_PTE_ADDR;

	return frame >= VTD_INTERRUPT_FIRST && frame <= VTD_INTERRUPT_LAST
		       ? (uint64_t)VTD_FR_INTERRUPT << VTD_HELD_REASON_SHIFT
		       : 0;
}

/* The raw leaf @pte as the IOTLB holds it, or 0 if it may not be held. */
static uint64_t held_leaf(const struct vtd *v, uint64_t pte, uint64_t rights)
{
	rights &= pte & VTD_HELD_RIGHTS;
	if (rights == 0 || (pte & v->leaf_rsvd[1]) != 0)
		return 0;
	return (pte & VTD_PTE_ADDR) | rights | held_snoop(pte) | held_interrupt(pte) | VTD_HELD;
}

/* The walk ends at a good leaf of @level; @above: the rights down to its table. */
static void take_leaf(const struct vtd *v, uint64_t pte, uint64_t above, unsigned level,
		      struct vtd_walk *w)
{
	w->held = (pte & VTD_PTE_ADDR) | (above & pte) | held_snoop(pte) | VTD_HELD;
	w->order = 9 * (level - 1);
	if (level != 1)
		return;
	w->held |= held_interrupt(pte);
	for (unsigned i = 0; i < iotlb_line_pages(v->iotlb); i++)
		w->line[i] = held_leaf(v, w->line[i], above);
}

/*
 * The walk ends in a fault at @level. Caching mode may hold that: where no right is left, or with
 * the reason if the entry is malformed. An access that lacks only its own right teaches nothing.
 */
static void take_fault(const struct vtd *v, uint8_t reason, uint64_t pte, uint64_t above,
		       unsigned level, uint64_t iova, struct vtd_walk *w)
{
	unsigned n = iotlb_line_pages(v->iotlb);
	unsigned own = (unsigned)(iova >> VTD_PAGE_SHIFT) & (n - 1);
	bool malformed = reason == VTD_FR_PAGE_RSVD;
	uint64_t rights = above & pte & VTD_HELD_RIGHTS;

	w->reason = reason;
	if (!v->config.caching_mode || (rights != 0 && !malformed))
		return;
	w->held = rights | VTD_HELD;
	if (malformed)
		w->held |= (uint64_t)reason << VTD_HELD_REASON_SHIFT;
	/* Above the leaves the fault is that of every page of the line. */
	for (unsigned i = 0; i < n; i++)
		w->line[i] = level > 1 ? w->held : held_leaf(v, w->line[i], above);
	w->line[own] = w->held;
}

/* Where to begin: at the context entry's table, or below it where a cached entry leads. */
static uint64_t begin(const struct vtd *v, const struct vtd_context *context, uint64_t iova,
		      bool hints, struct vtd_walk *w, uint64_t *rights)
{
	const struct vtd_paging *hint = NULL;
	unsigned level;

	w->held = 0;
	w->order = 0;
	w->fetches = 0;
	w->reason = 0;
	w->unreachable = false;
	w->top = context->levels;
	*rights = VTD_HELD_RIGHTS;
	if (hints)
		hint = vtd_paging_find(v, context, iova, &level);
	if (hint == NULL)
		return context->table;
	w->top = level - 1;
	*rights = hint->rights;
	return hint->table;
}

void vtd_walk(const struct vtd *v, const struct vtd_context *context, uint64_t iova,
	      enum iotoll_access access, bool hints, struct vtd_walk *w)
{
	uint64_t need = access == IOTOLL_WRITE ? VTD_PTE_W : VTD_PTE_R;
	uint8_t lacking = access == IOTOLL_WRITE ? VTD_FR_WRITE : VTD_FR_READ;
	uint64_t rights, pte;
	uint64_t table = begin(v, context, iova, hints, w, &rights);

	/* A cached entry without the right refuses the access as the entry itself would. */
	if ((rights & need) == 0) {
		w->reason = lacking;
		return;
	}
	for (unsigned level = w->top; level > 0; level--) {
		uint64_t above = rights;
		bool leaf;

		w->met[level].prefix = VTD_NO_PREFIX;
		if (!read_entry(v, table, iova, level, w, &pte)) {
			/* The context entry is to blame for the table it points to. */
			w->reason =
				level == context->levels ? VTD_FR_CONTEXT_INV : VTD_FR_PAGE_FETCH;
			w->unreachable = true;
			return;
		}
		leaf = level == 1 || (level < 4 && (pte & VTD_PTE_PS) != 0);
		rights &= pte;
		if ((rights & need) == 0)
			w->reason = lacking;
		else if ((pte & (leaf ? v->leaf_rsvd[level] : v->table_rsvd[level])) != 0)
			w->reason = VTD_FR_PAGE_RSVD;
		if (w->reason != 0) {
			take_fault(v, w->reason, pte, above, level, iova, w);
			return;
		}
		if (leaf) {
			take_leaf(v, pte, above, level, w);
			return;
		}
		table = pte & VTD_PTE_ADDR;
		w->met[level] = (struct vtd_paging){
			.prefix = iova >> vtd_level_shift(level),
			.table = table,
			.did = context->did,
			.rights = (uint8_t)rights,
		};
	}
}

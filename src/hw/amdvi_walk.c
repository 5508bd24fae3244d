// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's walk of host page tables ("I/O Page Tables for Host Translations"): from the level that
 * DTE.Mode names down to an entry that names a page, whose size is its level's or is encoded in
 * its address. Levels may be left out; the address bits of those left out must be 0.
 *
 * Which sizes a level may have: its own with next level 0, with next level 7 those between it and
 * the next one's, none at level 6. So Linux reads the document's tables of level parameters and
 * page sizes (generic_pt/fmt/amdv1.h, amdv1pt_possible_sizes); its commit d4b036648402 tells of
 * hardware that insists on 0 for a level's own, and VirtualBox (DevIommuAmd.cpp) refuses an encoded
 * size that is not between the two as an IO_PAGE_FAULT with PR and without RZ, as is done here.
 *
 * Entries that name tables are cached by domain (PDE=1 of INVALIDATE_IOMMU_PAGES drops them); a
 * walk begins at the lowest one held. Entries that are not present are never cached (NpCache 0).
 *
 * Decided here:
 *  - the walk ends at the first entry that withholds the right the access needs;
 *  - what an entry may not be is looked at before what it does not allow;
 *  - bits of a page's address below its size are ignored, beyond those that encode the size;
 *  - the cache of intermediate entries is direct-mapped;
 *  - an IOTLB whose lines hold several pages takes a line's entries with the one asked for.
 */
#include <errno.h>

#include "hw/amdvi_impl.h"

/* Entries that one memory read of 64 bytes brings. */
#define PTES_PER_READ 8u

/* Where a walk stands: the next entry to read is in @table, which is one of @level. */
struct position {
	uint64_t table;
	unsigned level;
	uint64_t rights;
};

void amdvi_page_fault(const struct amdvi_request *r, uint64_t flags, struct amdvi_verdict *v)
{
	if (r->access == IOTOLL_WRITE)
		flags |= AMDVI_EVT_RW;
	v->error = -EPERM;
	v->silenceable = true;
	v->event =
		amdvi_event_of(AMDVI_EVT_IO_PAGE_FAULT, flags, amdvi_domain(&v->dte), r, r->iova);
}

static unsigned pde_slot(uint16_t domain, unsigned level, uint64_t prefix)
{
	const uint64_t mixed = (prefix ^ (uint64_t)domain << 17 ^ (uint64_t)level << 40) *
			       UINT64_C(0x9E3779B97F4A7C15);

	return (unsigned)(mixed >> 32) % AMDVI_PDE_SLOTS;
}

/* Do the address bits of the levels between @from and @to, which @from's entry leaves out, say 0?
 */
static bool skipped_are_zero(uint64_t iova, unsigned from, unsigned to)
{
	const unsigned low = amdvi_level_shift(to + 1), high = amdvi_level_shift(from);

	return low >= high || (iova & AMDVI_BITS(high - 1, low)) == 0;
}

/* Begin at the table that the lowest intermediate entry held for @iova names. */
static bool begin_at_held(const struct amdvi *a, uint64_t iova, const struct amdvi_dte *dte,
			  unsigned mode, struct position *p)
{
	const uint16_t domain = amdvi_domain(dte);

	for (unsigned level = 2; level <= mode; level++) {
		const uint64_t prefix = iova >> amdvi_level_shift(level);
		const struct amdvi_pde_slot *s = &a->pde[pde_slot(domain, level, prefix)];

		if (s->level != level || s->domain != domain || s->prefix != prefix ||
		    !skipped_are_zero(iova, level, s->next))
			continue;
		*p = (struct position){s->table, s->next, s->rights};
		return true;
	}
	return false;
}

/* The page that @entry, found at @p, names. */
static void take_page(const struct amdvi_request *r, uint64_t entry, const struct position *p,
		      struct amdvi_verdict *v)
{
	unsigned log2 = amdvi_level_shift(p->level);

	if (amdvi_pte_next(entry) == AMDVI_PTE_NEXT_SIZED) {
		log2 = ats_size_log2(entry & AMDVI_FRAME);
		/* Larger than its level's own pages, smaller than those one level up. */
		if (log2 <= amdvi_level_shift(p->level) ||
		    log2 >= amdvi_level_shift(p->level + 1)) {
			amdvi_page_fault(r, AMDVI_EVT_PR, v);
			v->malformed = true;
			return;
		}
	}
	v->marks = amdvi_marks(entry);
	v->frame = entry & AMDVI_FRAME & ~(AMDVI_BIT(log2) - 1);
	v->log2 = log2;
	v->rights = p->rights;
	v->table = p->table;
	v->level = p->level;
}

/* Is @entry what an entry at @level may be? If not, refuse. */
static bool well_formed(const struct amdvi_request *r, uint64_t entry, unsigned level,
			struct amdvi_verdict *v)
{
	const unsigned next = amdvi_pte_next(entry);
	const bool page = next == AMDVI_PTE_NEXT_PAGE || next == AMDVI_PTE_NEXT_SIZED;

	if ((entry & AMDVI_PTE_PR) == 0) {
		amdvi_page_fault(r, 0, v);
		return false;
	}
	if ((entry & (page ? AMDVI_PTE_RESERVED : AMDVI_PDE_RESERVED)) != 0)
		amdvi_page_fault(r, AMDVI_EVT_PR | AMDVI_EVT_RZ, v);
	else if (page ? level == AMDVI_LEVELS_MAX : next >= level)
		amdvi_page_fault(r, AMDVI_EVT_PR, v);
	v->malformed = v->error != 0;
	return v->error == 0;
}

/* One entry of the walk. True if there is another to come. */
static bool step(const struct amdvi *a, const struct amdvi_request *r, struct position *p,
		 struct amdvi_verdict *v)
{
	const unsigned shift = amdvi_level_shift(p->level);
	const uint64_t at = p->table + (r->iova >> shift) % AMDVI_PTES_PER_TABLE * AMDVI_PTE_BYTES;
	const uint64_t need = r->access == IOTOLL_WRITE ? AMDVI_IW : AMDVI_IR;
	uint8_t scratch[AMDVI_PTE_BYTES];
	const uint8_t *bytes = iommu_memory_view(&a->memory, at, sizeof(scratch), scratch);
	uint64_t entry;
	unsigned next;

	v->fetches++;
	if (bytes == NULL) {
		v->error = -EFAULT;
		v->event = amdvi_event_of(AMDVI_EVT_PAGE_TAB_HW_ERROR,
					  (r->access == IOTOLL_WRITE ? AMDVI_EVT_RW : 0) |
						  AMDVI_EVT_HW_MASTER_ABORT,
					  amdvi_domain(&v->dte), r, at);
		return false;
	}
	entry = amdvi_unpack(bytes);
	if (!well_formed(r, entry, p->level, v))
		return false;
	v->above = p->rights;
	p->rights &= amdvi_rights(entry);
	next = amdvi_pte_next(entry);
	if (next == AMDVI_PTE_NEXT_PAGE || next == AMDVI_PTE_NEXT_SIZED) {
		take_page(r, entry, p, v);
		if (v->error == 0 && (p->rights & need) == 0)
			amdvi_page_fault(r, AMDVI_EVT_PR | AMDVI_EVT_PE, v);
		return false;
	}
	v->seen_levels |= 1u << p->level;
	v->seen[p->level] = (entry & ~(AMDVI_IR | AMDVI_IW)) | p->rights;
	if ((p->rights & need) == 0)
		amdvi_page_fault(r, AMDVI_EVT_PR | AMDVI_EVT_PE, v);
	else if (!skipped_are_zero(r->iova, p->level, next))
		amdvi_page_fault(r, AMDVI_EVT_PR, v);
	p->table = entry & AMDVI_FRAME;
	p->level = next;
	return v->error == 0;
}

void amdvi_walk(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		struct amdvi_verdict *v)
{
	const unsigned mode = (unsigned)((v->dte.quad[0] & AMDVI_DTE_MODE) >> AMDVI_DTE_MODE_SHIFT);
	const uint64_t need = r->access == IOTOLL_WRITE ? AMDVI_IW : AMDVI_IR;
	struct position p = {v->dte.quad[0] & AMDVI_FRAME, mode, AMDVI_IR | AMDVI_IW};

	if (look != AMDVI_LOOK_FRESH && begin_at_held(a, r->iova, &v->dte, mode, &p)) {
		v->from_caches = true;
		if ((p.rights & need) == 0) {
			amdvi_page_fault(r, AMDVI_EVT_PR | AMDVI_EVT_PE, v);
			return;
		}
	}
	while (step(a, r, &p, v))
		; /* levels only fall: at most six */
	/* Lines of more entries than one read brings take another read. */
	if (v->level == 1 && v->log2 == AMDVI_PAGE_SHIFT)
		v->fetches += (iotlb_line_pages(a->iotlb) - 1) / PTES_PER_READ;
}

/* ---- holding what was found ---- */

static uint64_t held_word(uint64_t frame, uint64_t rights, uint64_t marks)
{
	return frame | rights | marks | AMDVI_PTE_PR;
}

/* The small pages beside the one that was found, in the same table and the same line. */
static void read_neighbours(const struct amdvi *a, const struct amdvi_request *r,
			    const struct amdvi_verdict *v, unsigned n, uint64_t *line)
{
	const uint64_t first = (r->iova >> AMDVI_PAGE_SHIFT) % AMDVI_PTES_PER_TABLE / n * n;
	uint8_t scratch[IOTLB_MAX_LINE_PAGES * AMDVI_PTE_BYTES];
	const uint8_t *bytes = iommu_memory_view(&a->memory, v->table + first * AMDVI_PTE_BYTES,
						 (size_t)n * AMDVI_PTE_BYTES, scratch);

	if (bytes == NULL)
		return;
	for (unsigned i = 0; i < n; i++) {
		const uint64_t pte = amdvi_unpack(bytes + i * AMDVI_PTE_BYTES);

		if ((pte & AMDVI_PTE_PR) != 0 && (pte & AMDVI_PTE_RESERVED) == 0 &&
		    amdvi_pte_next(pte) == AMDVI_PTE_NEXT_PAGE)
			line[i] = held_word(pte & AMDVI_FRAME, v->above & amdvi_rights(pte),
					    amdvi_marks(pte));
	}
}

/* A page no larger than an IOTLB line is held as the small pages it is made of. */
static void hold_in_line(struct amdvi *a, const struct amdvi_request *r,
			 const struct amdvi_verdict *v)
{
	const uint64_t pfn = r->iova >> AMDVI_PAGE_SHIFT;
	const uint64_t first = iotlb_line_first(a->iotlb, pfn);
	const unsigned n = iotlb_line_pages(a->iotlb);
	const unsigned order = v->log2 - AMDVI_PAGE_SHIFT;
	const uint64_t page = pfn >> order << order;
	uint64_t line[IOTLB_MAX_LINE_PAGES];

	for (unsigned i = 0; i < n; i++)
		line[i] = 0;
	if (v->level == 1 && order == 0 && n > 1)
		read_neighbours(a, r, v, n, line);
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
		line[page + i - first] =
			held_word(v->frame + i * AMDVI_PAGE_BYTES, v->rights, v->marks);
	iotlb_insert(a->iotlb, amdvi_domain(&v->dte), pfn, line);
}

static void pde_hold(struct amdvi *a, const struct amdvi_request *r, uint16_t domain,
		     unsigned level, uint64_t seen)
{
	const uint64_t prefix = r->iova >> amdvi_level_shift(level);

	a->pde[pde_slot(domain, level, prefix)] =
		(struct amdvi_pde_slot){.level = level,
					.next = amdvi_pte_next(seen),
					.domain = domain,
					.prefix = prefix,
					.table = seen & AMDVI_FRAME,
					.rights = amdvi_rights(seen)};
}

void amdvi_walk_hold(struct amdvi *a, const struct amdvi_request *r, const struct amdvi_verdict *v)
{
	const unsigned order = v->level != 0 ? v->log2 - AMDVI_PAGE_SHIFT : 0;

	for (unsigned left = v->seen_levels; left != 0; left &= left - 1) {
		const unsigned level = (unsigned)__builtin_ctz(left);

		pde_hold(a, r, amdvi_domain(&v->dte), level, v->seen[level]);
	}
	if (v->level == 0)
		return;
	if (UINT64_C(1) << order <= iotlb_line_pages(a->iotlb))
		hold_in_line(a, r, v);
	else
		iotlb_insert_large(a->iotlb, amdvi_domain(&v->dte), r->iova >> AMDVI_PAGE_SHIFT,
				   order, held_word(v->frame, v->rights, v->marks));
}

void amdvi_pde_drop(struct amdvi *a, uint16_t domain, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < AMDVI_PDE_SLOTS; i++) {
		struct amdvi_pde_slot *s = &a->pde[i];
		const unsigned shift = s->level != 0 ? amdvi_level_shift(s->level) : 0;

		if (s->level != 0 && s->domain == domain && s->prefix >= first >> shift &&
		    s->prefix <= last >> shift)
			s->level = 0;
	}
}

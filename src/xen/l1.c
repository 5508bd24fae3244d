// SPDX-License-Identifier: MIT
/*
 * Page-table entries of guests: x86-64 entries in frames typed as L1 tables. A present entry holds
 * a reference to its frame, a writable one a use as writable besides; whoever stores an entry goes
 * through here, so that the two never part.
 *
 * An entry that a grant mapping made looks like any other. Overwriting it is forbidden to guests
 * and not prevented, as in Xen's release builds: its references go with it, and nothing else does.
 *
 * Decided here: besides frame and present, an entry may have the bits writable, user, accessed,
 * dirty, available and no-execute; others are refused. The direct map's tables are held by a
 * higher level that is not modelled: FRAME_ROOT stands for its reference.
 */
#include <assert.h>
#include <errno.h>

#include "xen/cost.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define PTE_ALLOWED                                                                           \
	(PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_AVAIL | PTE_FRAME | \
	 PTE_NX)

static uint64_t *pte_at(const struct xen *hv, phys_t at)
{
	uint64_t *p = memory_ptr(hv->board, at, 8);

	assert(p && at % 8 == 0);
	return p;
}

uint64_t pte_read(const struct xen *hv, struct cpu *cpu, phys_t at)
{
	cost_touch(cpu, at, 8, false);
	return *pte_at(hv, at);
}

void pte_write(struct xen *hv, struct cpu *cpu, phys_t at, uint64_t pte)
{
	assert(frame_of(hv, at >> PAGE_SHIFT)->type == TYPE_L1);
	follow_changes(hv, at, pte);
	cost_touch(cpu, at, 8, true);
	*pte_at(hv, at) = pte;
}

void pte_put(struct xen *hv, struct cpu *cpu, uint64_t pte)
{
	if (pte & PTE_PRESENT)
		frame_unuse(hv, cpu, pte_mfn(pte), (pte & PTE_RW) != 0);
}

/* Take what a new entry holds. */
static bool pte_get(struct xen *hv, struct cpu *cpu, uint64_t pte, const struct xen_domain *owner)
{
	if (!(pte & PTE_PRESENT))
		return true;
	if (pte & ~PTE_ALLOWED)
		return false;
	return frame_use(hv, cpu, pte_mfn(pte), owner, (pte & PTE_RW) != 0);
}

int l1_update(struct xen *hv, struct cpu *cpu, const struct xen_domain *foreign, phys_t at,
	      uint64_t pte)
{
	const uint64_t old = pte_read(hv, cpu, at);
	const uint64_t same = PTE_FRAME | PTE_RW | PTE_PRESENT;

	/* Neither frame nor rights change: the references stay where they are, whoever owns it. */
	if (pte & old & PTE_PRESENT && ((pte ^ old) & same) == 0) {
		if (pte & ~PTE_ALLOWED)
			return -EINVAL;
		pte_write(hv, cpu, at, pte);
		return 0;
	}
	if (!pte_get(hv, cpu, pte, foreign))
		return -EINVAL;
	pte_write(hv, cpu, at, pte);
	pte_put(hv, cpu, old);
	return 0;
}

/* ---- tables ---- */

/* Drop what the table's entries hold. With @clear they end absent, else as they are. */
static void l1_drop(struct xen *hv, struct cpu *cpu, mfn_t mfn, bool clear)
{
	for (unsigned i = 0; i < PTES; i++) {
		const phys_t at = (mfn << PAGE_SHIFT) + i * 8;
		const uint64_t pte = pte_read(hv, cpu, at);

		if (clear && pte != 0)
			pte_write(hv, cpu, at, 0);
		pte_put(hv, cpu, pte);
	}
}

/* Does every entry stand up to what an update would have to? Takes their references. */
static int l1_validate(struct xen_domain *d, struct cpu *cpu, mfn_t mfn)
{
	struct xen *hv = d->hv;

	for (unsigned i = 0; i < PTES; i++) {
		const uint64_t pte = pte_read(hv, cpu, (mfn << PAGE_SHIFT) + i * 8);

		if (pte_get(hv, cpu, pte, d))
			continue;
		/* The guest's words stay as they were; only references are given back. */
		while (i-- != 0)
			pte_put(hv, cpu, *pte_at(hv, (mfn << PAGE_SHIFT) + i * 8));
		return -EINVAL;
	}
	return 0;
}

int l1_pin(struct xen_domain *d, struct cpu *cpu, mfn_t mfn, unsigned flag)
{
	struct xen *hv = d->hv;
	struct frame *f;

	if (!frame_hold(hv, cpu, mfn, d))
		return -EINVAL;
	f = frame_of(hv, mfn);
	if (f->flags & (flag | FRAME_HEAP) || (f->type_count != 0 && f->type != TYPE_L1) ||
	    f->type_count >= FRAME_TYPES_MAX)
		goto put;
	if (f->type_count == 0) {
		/* First: an entry that maps the table itself for writing must be refused. */
		f->type = TYPE_L1;
		f->type_count = 1;
		if (l1_validate(d, cpu, mfn) != 0) {
			f->type = TYPE_NONE;
			f->type_count = 0;
			goto put;
		}
	} else {
		f->type_count++;
	}
	f->flags |= (uint8_t)flag;
	return 0;
put:
	frame_drop(hv, cpu, mfn);
	return -EINVAL;
}

int l1_unpin(struct xen_domain *d, struct cpu *cpu, mfn_t mfn, unsigned flag)
{
	struct xen *hv = d->hv;
	struct frame *f;

	if (!frame_hold(hv, cpu, mfn, d))
		return -EINVAL;
	f = frame_of(hv, mfn);
	if (!(f->flags & flag)) {
		frame_drop(hv, cpu, mfn);
		return -EINVAL;
	}
	assert(f->type == TYPE_L1 && f->type_count != 0);
	f->flags &= (uint8_t)~flag;
	if (f->type_count == 1) {
		l1_drop(hv, cpu, mfn, flag == FRAME_ROOT);
		f->type = TYPE_NONE;
	}
	f->type_count--;
	frame_drop(hv, cpu, mfn); /* the pin's */
	frame_drop(hv, cpu, mfn); /* this call's */
	return 0;
}

/* ---- the direct map ---- */

bool guest_range_ok(uint64_t va, uint64_t bytes)
{
	if (bytes == 0)
		return true;
	if (va + (bytes - 1) < va)
		return false;
	return va + (bytes - 1) < XEN_RESERVED_FIRST || va >= XEN_RESERVED_END;
}

int l1_entry_of(const struct xen_domain *d, uint64_t va, phys_t *at)
{
	const uint64_t pfn = (va - XEN_PAGE_OFFSET) >> PAGE_SHIFT;

	if (va < XEN_PAGE_OFFSET || pfn >= d->span)
		return -EINVAL;
	*at = (d->l1_first << PAGE_SHIFT) + pfn * 8;
	return 0;
}

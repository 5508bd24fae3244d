// SPDX-License-Identifier: MIT
/*
 * Tables that follow page tables: bus address is pseudo-physical or machine address, and what a
 * device reaches is what its domain's direct map says ("The Price of Safety", section 4.3.1: any
 * change of the pseudo-physical mapping, by ballooning or by a page flip, must update the table).
 *
 * A paravirtual guest keeps its p2m in its own memory, where nobody has to believe it; its direct
 * map is the same mapping under the hypervisor's guard. Whoever stores an entry there notes the
 * page (follow_changes()); the table follows before the hypercall ends (devices_settle()), all
 * pages of a call under one lock and with one flush. Not at once: the IOMMU's driver lets others
 * run, and the handlers of page-table updates hold what these could make stale.
 *
 * A table by machine frames counts for each frame how many entries of the direct map can write to
 * it, and has the frame while there is one: XSA-288's rule, "in the IOMMU while the type is
 * writable", with those uses that a kernel has for its memory.
 *
 * Entries hold references of their own, and a cleared one's wait for the flush as everywhere. A
 * frame of another domain is given only for an entry of the direct map that a grant mapping wrote,
 * and goes with it. Frames of the hypervisor's, and the domain's own page tables, are not given.
 */
#include <errno.h>
#include <stdlib.h>

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define BATCH 64u /* pages under one hold of the device's lock */

/* Units are pseudo-physical pages or machine frames, as the table has it. */
struct follow {
	enum xen_table table;
	uint64_t units;
	uint64_t *changed;  /* a bit for each: to be looked at */
	uint64_t low, high; /* of those bits: none outside [low, high) */
	uint64_t *granted; /* a bit for each pseudo-physical page: its entry is a grant mapping's */
	uint32_t *writers; /* machine: for each frame, entries of the direct map that can write */
	unsigned devices;  /* that follow */
};

static bool bit(const uint64_t *bits, uint64_t n)
{
	return bits[n / 64] >> (n % 64) & 1;
}

static void set_bit(uint64_t *bits, uint64_t n, bool value)
{
	if (value)
		bits[n / 64] |= UINT64_C(1) << (n % 64);
	else
		bits[n / 64] &= ~(UINT64_C(1) << (n % 64));
}

static void mark(struct follow *f, uint64_t unit)
{
	if (unit >= f->units)
		return;
	set_bit(f->changed, unit, true);
	if (f->low == f->high) {
		f->low = unit;
		f->high = unit + 1;
		return;
	}
	f->low = unit < f->low ? unit : f->low;
	f->high = unit >= f->high ? unit + 1 : f->high;
}

static uint64_t direct_map(const struct xen_domain *d, uint64_t pfn)
{
	const uint64_t *pte =
		memory_ptr(d->hv->board, (d->l1_first << PAGE_SHIFT) + pfn * 8, sizeof(*pte));

	return *pte;
}

/* The page whose entry of the direct map lies at @at; false if there is none. */
static bool page_at(const struct xen_domain *d, phys_t at, uint64_t *pfn)
{
	const mfn_t table = at >> PAGE_SHIFT;

	if (table < d->l1_first || table - d->l1_first >= d->l1_frames)
		return false;
	*pfn = (at - (d->l1_first << PAGE_SHIFT)) / 8;
	return *pfn < d->span;
}

/* A frame that @pte lets the domain itself write to, MFN_NONE if it does not. */
static mfn_t written_by(const struct xen_domain *d, uint64_t pte)
{
	const mfn_t mfn = pte_mfn(pte);
	const struct frame *f;

	if (!(pte & PTE_PRESENT) || !(pte & PTE_RW) || !frame_valid(d->hv, mfn))
		return MFN_NONE;
	f = frame_of(d->hv, mfn);
	return f->owner == d && !(f->flags & FRAME_HEAP) ? mfn : MFN_NONE;
}

/* ---- what changes ---- */

/* An entry keeps its frame's owner as it is: what was counted in is counted out. */
static void count(struct follow *f, const struct xen_domain *d, uint64_t pte, int by)
{
	const mfn_t mfn = written_by(d, pte);

	if (mfn == MFN_NONE)
		return;
	f->writers[mfn] += (uint32_t)by;
	mark(f, mfn);
}

void follow_changes(struct xen *hv, phys_t at, uint64_t pte)
{
	const struct xen_domain *d = frame_of(hv, at >> PAGE_SHIFT)->owner;
	struct follow *f = d ? d->follow : NULL;
	uint64_t pfn, old;

	if (!f || !page_at(d, at, &pfn))
		return;
	old = direct_map(d, pfn);
	if (((old ^ pte) & (PTE_FRAME | PTE_PRESENT | PTE_RW)) == 0)
		return;
	set_bit(f->granted, pfn, false);
	if (f->table == XEN_TABLE_PSEUDO) {
		mark(f, pfn);
		return;
	}
	count(f, d, old, -1);
	count(f, d, pte, 1);
}

void follow_granted(struct xen_domain *d, phys_t at)
{
	uint64_t pfn;

	if (!d->follow || !page_at(d, at, &pfn))
		return;
	set_bit(d->follow->granted, pfn, true);
	if (d->follow->table == XEN_TABLE_PSEUDO)
		mark(d->follow, pfn);
}

bool follow_is_granted(const struct xen_domain *d, phys_t at)
{
	uint64_t pfn;

	return !d->follow || (page_at(d, at, &pfn) && bit(d->follow->granted, pfn));
}

void follow_recheck(struct xen_domain *d, mfn_t mfn)
{
	if (!d->follow || d->follow->table != XEN_TABLE_PSEUDO)
		return;
	for (uint64_t pfn = 0; pfn < d->span; pfn++)
		if (bit(d->follow->granted, pfn) && pte_mfn(direct_map(d, pfn)) == mfn)
			mark(d->follow, pfn);
}

/* ---- what follows ---- */

/* The entry of page @pfn, by its pseudo-physical address. */
static uint64_t wanted_page(const struct xen_domain *d, uint64_t pfn)
{
	const uint64_t pte = direct_map(d, pfn);
	const mfn_t mfn = pte_mfn(pte);
	const struct xen_domain *owner;
	const struct mapped *m;

	if (written_by(d, pte) != MFN_NONE)
		return mfn << PAGE_SHIFT | ENTRY_OWN | ENTRY_R | ENTRY_W;
	if (!(pte & PTE_PRESENT) || !bit(d->follow->granted, pfn))
		return 0;
	owner = frame_of(d->hv, mfn)->owner;
	m = owner && owner != d ? mapped_find(d, owner, mfn) : NULL;
	if (!m)
		return 0;
	return mfn << PAGE_SHIFT | ENTRY_GRANT | ENTRY_R |
	       (pte & PTE_RW && m->writes != 0 ? ENTRY_W : 0);
}

static uint64_t wanted(const struct device *v, uint64_t unit)
{
	const struct xen_domain *d = v->d;

	if (v->table == XEN_TABLE_PSEUDO)
		return wanted_page(d, unit);
	if (d->follow->writers[unit] != 0)
		return unit << PAGE_SHIFT | ENTRY_OWN | ENTRY_R | ENTRY_W;
	return 0;
}

/* Write @want over what there is. False if that cannot be: nothing has changed. */
static bool overwrite(struct device *v, struct cpu *cpu, uint64_t bfn, uint64_t want)
{
	struct xen *hv = v->d->hv;
	const uint64_t old = v->entry[bfn];
	const mfn_t mfn = entry_mfn(want);
	const bool write = (want & ENTRY_W) != 0;

	if (!frame_use(hv, cpu, mfn, frame_of(hv, mfn)->owner, write))
		return false;
	if (v->ops->map(v->ctx, cpu, v->id, bfn, mfn, true, write) != 0) {
		frame_unuse(hv, cpu, mfn, write);
		return false;
	}
	v->entry[bfn] = want;
	if (old != 0) {
		v->stale = true;
		device_defer(v, cpu, entry_mfn(old), (old & ENTRY_W) != 0);
	}
	return true;
}

/* Lock held: what is wanted is asked for here, after whatever was waited for. */
static void follow_one(struct device *v, struct cpu *cpu, uint64_t bfn)
{
	const uint64_t want = wanted(v, bfn), old = v->entry[bfn];

	/* By machine frames, those of others are the grants' affair (devices_grant_mapped()). */
	if (want == old || (want == 0 && v->table == XEN_TABLE_MACHINE && old & ENTRY_GRANT))
		return;
	v->d->hv->counters.iommu_follows++;
	if (want != 0 && overwrite(v, cpu, bfn, want))
		return;
	/* Rather no entry than one that leads to what is no longer there. */
	v->missed += want != 0;
	if (v->entry[bfn] != 0)
		device_entry_clear(v, cpu, bfn);
}

/* Up to BATCH changed units, no longer marked. */
static unsigned take(struct follow *f, uint64_t unit[BATCH])
{
	unsigned n = 0;

	while (f->low < f->high && n < BATCH) {
		if (f->changed[f->low / 64] == 0) {
			f->low = (f->low / 64 + 1) * 64;
			continue;
		}
		if (bit(f->changed, f->low)) {
			set_bit(f->changed, f->low, false);
			unit[n++] = f->low;
		}
		f->low++;
	}
	if (f->low >= f->high)
		f->low = f->high = 0;
	return n;
}

static void settle_batch(struct device *v, struct cpu *cpu, const uint64_t *unit, unsigned n)
{
	if (!v->follows)
		return;
	device_lock(v, cpu);
	for (unsigned i = 0; i < n; i++)
		follow_one(v, cpu, unit[i]);
	device_unlock(v, cpu);
}

void devices_settle(struct xen_domain *d, struct cpu *cpu)
{
	uint64_t unit[BATCH];
	unsigned n;

	if (!d->follow)
		return;
	while ((n = take(d->follow, unit)) != 0)
		for (struct device *v = d->devices; v; v = v->next)
			settle_batch(v, cpu, unit, n);
	devices_grant_flush(d, cpu);
}

/* ---- beginning and end ---- */

static void free_follow(struct xen_domain *d)
{
	struct follow *f = d->follow;

	d->follow = NULL;
	if (!f)
		return;
	free(f->changed);
	free(f->granted);
	free(f->writers);
	free(f);
}

static uint64_t units_of(const struct xen_domain *d, enum xen_table table)
{
	return table == XEN_TABLE_PSEUDO ? d->span : d->hv->frames;
}

static int make_follow(struct xen_domain *d, enum xen_table table)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	d->follow = f;
	f->table = table;
	f->units = units_of(d, table);
	f->changed = calloc(f->units / 64 + 1, sizeof(*f->changed));
	f->granted = calloc(d->span / 64 + 1, sizeof(*f->granted));
	f->writers = table == XEN_TABLE_MACHINE ? calloc(f->units, sizeof(*f->writers)) : NULL;
	if (f->changed && f->granted && (f->writers || table == XEN_TABLE_PSEUDO))
		return 0;
	free_follow(d);
	return -ENOMEM;
}

int follow_possible(const struct xen_domain *d, enum xen_table table, uint64_t bfns)
{
	if (table == XEN_TABLE_ASKED)
		return 0;
	if (d->follow && d->follow->table != table)
		return -EINVAL;
	return units_of(d, table) > bfns ? -ENOSPC : 0;
}

int follow_begin(struct device *v)
{
	struct xen_domain *d = v->d;
	const bool first = !d->follow;
	struct follow *f;
	int ret = first ? make_follow(d, v->table) : 0;

	if (ret != 0)
		return ret;
	f = d->follow;
	f->devices++;
	v->follows = true;
	for (uint64_t pfn = 0; first && f->writers && pfn < d->span; pfn++)
		count(f, d, direct_map(d, pfn), 1);
	for (uint64_t unit = 0; unit < f->units; unit++)
		mark(f, unit);
	devices_settle(d, NULL);
	return v->missed != 0 ? -ENOMEM : 0;
}

void follow_end(struct device *v)
{
	if (v->follows && --v->d->follow->devices == 0)
		free_follow(v->d);
	v->follows = false;
}

/* ---- checking ---- */

static int check_writers(const struct device *v, struct err *err)
{
	const struct xen_domain *d = v->d;
	uint32_t *n = calloc(d->hv->frames, sizeof(*n));
	int ret = 0;

	if (!n)
		return -ENOMEM;
	for (uint64_t pfn = 0; pfn < d->span; pfn++) {
		const mfn_t mfn = written_by(d, direct_map(d, pfn));

		if (mfn != MFN_NONE)
			n[mfn]++;
	}
	for (mfn_t mfn = 0; mfn < d->hv->frames && ret == 0; mfn++)
		if (n[mfn] != d->follow->writers[mfn])
			ret = err_set(err, -EINVAL,
				      "domain %u: %u entries write to frame %#lx, %u said", d->id,
				      n[mfn], mfn, d->follow->writers[mfn]);
	free(n);
	return ret;
}

int follow_check(const struct device *v, struct err *err)
{
	const struct follow *f = v->d->follow;

	if (v->d->inside != 0) /* in the middle of a call */
		return 0;
	for (uint64_t bfn = 0; bfn < v->bfns; bfn++) {
		const uint64_t want = bfn < f->units ? wanted(v, bfn) : 0;
		const uint64_t entry = v->entry[bfn];

		if (entry == want || (entry == 0 && v->missed != 0) ||
		    (f->table == XEN_TABLE_MACHINE && entry & ENTRY_GRANT))
			continue;
		return err_set(err, -EINVAL,
			       "device %u, bfn %#lx: entry %#lx, the page table says %#lx", v->id,
			       bfn, entry, want);
	}
	return f->writers ? check_writers(v, err) : 0;
}

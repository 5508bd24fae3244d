// SPDX-License-Identifier: MIT
/*
 * The frame table: who owns each machine frame, how many references keep it, what type its uses
 * give it. The rules are those of Xen 3.1's page_alloc.c and mm.c.
 *
 * Decided here:
 *  - the board's page allocator is the free list; a frame without references lies there, or was
 *    taken there by someone other than the hypervisor and is nobody's to name;
 *  - a type is forgotten when its last use ends (Xen remembers it until the next one);
 *  - a frame of the hypervisor's that is shared with a domain has that domain as its owner, so that
 *    it can be mapped, and holds one use as writable for ever, so that it never becomes a page
 *    table; a guest cannot release, transfer or exchange it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xen/cost.h"
#include "xen/impl.h"

struct frame *frame_of(const struct xen *hv, mfn_t mfn)
{
	assert(mfn < hv->frames);
	return &hv->frame[mfn];
}

void frame_touch(const struct xen *hv, struct cpu *cpu, mfn_t mfn, bool write)
{
	cost_touch(cpu, hv->frame_table.base + mfn * sizeof(struct frame), sizeof(struct frame),
		   write);
}

uint64_t m2p_get(const struct xen *hv, mfn_t mfn)
{
	return hv->m2p_words[mfn];
}

void m2p_set(struct xen *hv, struct cpu *cpu, mfn_t mfn, uint64_t pfn)
{
	hv->m2p_words[mfn] = pfn;
	cost_touch(cpu, hv->m2p.base + mfn * 8, 8, true);
}

/* ---- allocation ---- */

int frame_alloc(struct xen_domain *d, uint64_t n, phys_t below, bool limited, mfn_t *first)
{
	struct xen *hv = d->hv;
	const uint64_t align = (n & (n - 1)) == 0 ? n << PAGE_SHIFT : PAGE_BYTES;
	phys_t at;

	if (limited && (d->tot_pages > d->max_pages || n > d->max_pages - d->tot_pages))
		return -ENOMEM;
	if (memory_alloc(hv->board, n, align, below, &at) != 0)
		return -ENOMEM;
	*first = at >> PAGE_SHIFT;
	for (uint64_t i = 0; i < n; i++)
		*frame_of(hv, *first + i) =
			(struct frame){.owner = d, .count = 1, .flags = FRAME_ALLOCATED};
	d->tot_pages += n;
	return 0;
}

int frame_alloc_heap(struct xen *hv, struct xen_domain *owner, mfn_t *mfn)
{
	struct frame *f;
	phys_t at;

	if (memory_alloc(hv->board, 1, PAGE_BYTES, 0, &at) != 0)
		return -ENOMEM;
	*mfn = at >> PAGE_SHIFT;
	memset(memory_ptr(hv->board, at, PAGE_BYTES), 0, PAGE_BYTES);
	f = frame_of(hv, *mfn);
	*f = (struct frame){.owner = owner, .count = 1, .flags = FRAME_ALLOCATED | FRAME_HEAP};
	if (owner) {
		f->type = TYPE_WRITABLE;
		f->type_count = 1;
		owner->heap_pages++;
	}
	return 0;
}

/* Back to the free list. A dying domain's secrets do not outlive it. */
static void frame_free(struct xen *hv, struct cpu *cpu, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);
	const phys_t at = mfn << PAGE_SHIFT;

	assert(f->count == 0 && f->type_count == 0 &&
	       !(f->flags & (FRAME_ALLOCATED | FRAME_PINNED | FRAME_ROOT)));
	if (f->owner && f->flags & FRAME_HEAP)
		f->owner->heap_pages--;
	else if (f->owner)
		f->owner->tot_pages--;
	if (f->owner && f->owner->dying && !hv->ending) {
		memset(memory_ptr(hv->board, at, PAGE_BYTES), 0, PAGE_BYTES);
		cost_touch(cpu, at, PAGE_BYTES, true);
	}
	if (m2p_get(hv, mfn) != XEN_M2P_INVALID)
		m2p_set(hv, cpu, mfn, XEN_M2P_INVALID);
	*f = (struct frame){0};
	memory_free(hv->board, at, 1);
}

void frame_release_heap(struct xen *hv, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);

	assert(f->flags & FRAME_HEAP && f->flags & FRAME_ALLOCATED);
	if (f->owner)
		frame_put_writable(hv, mfn);
	f->flags &= (uint8_t)~FRAME_ALLOCATED;
	frame_drop(hv, NULL, mfn);
}

/* ---- references ---- */

bool frame_hold(struct xen *hv, struct cpu *cpu, mfn_t mfn, const struct xen_domain *owner)
{
	struct frame *f;

	if (!frame_valid(hv, mfn))
		return false;
	f = frame_of(hv, mfn);
	frame_touch(hv, cpu, mfn, true);
	if (f->count == 0 || f->count >= FRAME_COUNT_MAX || !f->owner || f->owner != owner)
		return false;
	f->count++;
	return true;
}

bool frame_get_writable(struct xen *hv, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);

	if (f->type_count != 0 && f->type != TYPE_WRITABLE)
		return false;
	if (f->type_count >= FRAME_TYPES_MAX)
		return false;
	f->type = TYPE_WRITABLE;
	f->type_count++;
	return true;
}

void frame_put_writable(struct xen *hv, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);

	assert(f->type == TYPE_WRITABLE && f->type_count != 0);
	if (--f->type_count == 0)
		f->type = TYPE_NONE;
}

void frame_drop(struct xen *hv, struct cpu *cpu, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);

	assert(f->count != 0);
	frame_touch(hv, cpu, mfn, true);
	if (--f->count == 0)
		frame_free(hv, cpu, mfn);
}

bool frame_use(struct xen *hv, struct cpu *cpu, mfn_t mfn, const struct xen_domain *owner,
	       bool write)
{
	if (!frame_hold(hv, cpu, mfn, owner))
		return false;
	if (write && !frame_get_writable(hv, mfn)) {
		frame_drop(hv, cpu, mfn);
		return false;
	}
	return true;
}

void frame_unuse(struct xen *hv, struct cpu *cpu, mfn_t mfn, bool write)
{
	if (write)
		frame_put_writable(hv, mfn);
	frame_drop(hv, cpu, mfn);
}

bool frame_release(struct xen *hv, struct cpu *cpu, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);

	if (!(f->flags & FRAME_ALLOCATED) || f->flags & FRAME_HEAP)
		return false;
	f->flags &= (uint8_t)~FRAME_ALLOCATED;
	frame_drop(hv, cpu, mfn);
	return true;
}

/* ---- frames that change hands ---- */

bool frame_steal(struct xen *hv, struct cpu *cpu, mfn_t mfn, struct xen_domain *d)
{
	struct frame *f;

	if (!frame_valid(hv, mfn))
		return false;
	f = frame_of(hv, mfn);
	frame_touch(hv, cpu, mfn, true);
	if (f->owner != d || f->count != 1 || f->flags != FRAME_ALLOCATED)
		return false;
	assert(f->type_count == 0);
	f->owner = NULL;
	d->tot_pages--;
	return true;
}

void frame_assign(struct xen *hv, struct cpu *cpu, mfn_t mfn, struct xen_domain *d)
{
	struct frame *f = frame_of(hv, mfn);

	assert(!f->owner && f->count == 1 && f->flags == FRAME_ALLOCATED);
	f->owner = d;
	d->tot_pages++;
	frame_touch(hv, cpu, mfn, true);
}

void frame_discard(struct xen *hv, struct cpu *cpu, mfn_t mfn)
{
	struct frame *f = frame_of(hv, mfn);

	assert(!f->owner && f->count == 1 && f->flags == FRAME_ALLOCATED);
	f->flags = 0;
	frame_drop(hv, cpu, mfn);
}

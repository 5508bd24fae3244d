/* SPDX-License-Identifier: MIT */
/*
 * The shared entries. The hypervisor changes an entry's flags with compare-and-swap on flags and
 * domain together, so flags go in last and come out by compare-and-swap here too; on a processor
 * that keeps stores in order a compiler barrier is all a "write barrier" takes.
 */
#include "guest/xen_grant.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ENTRIES_PER_FRAME (PAGE_BYTES / sizeof(struct grant_entry_v1))
#define FRAMES_INITIAL    4u  /* NR_GRANT_FRAMES of 3.0.4, and what 3.1 begins with */
#define FRAMES_MAX        64u /* of any version; the hypervisor may allow fewer */

struct pv_grants {
	struct pv_kernel *k;
	unsigned frames;
	phys_t page[FRAMES_MAX]; /* where they are mapped */
	uint32_t *next;          /* free list through it, ref to ref */
	uint32_t first_free;
	struct vlock lock; /* of the free list: gnttab_list_lock */
	void *lines;
	struct pv_grants_stats stats;
};

static phys_t entry_at(const struct pv_grants *g, grant_ref_t ref)
{
	return g->page[ref / ENTRIES_PER_FRAME] +
	       ref % ENTRIES_PER_FRAME * sizeof(struct grant_entry_v1);
}

static struct grant_entry_v1 *entry(const struct pv_grants *g, grant_ref_t ref)
{
	return memory_ptr(g->k->machine->mem, entry_at(g, ref), sizeof(struct grant_entry_v1));
}

/* ---- the free list ---- */

static void push_free(struct pv_grants *g, grant_ref_t ref)
{
	g->next[ref] = g->first_free;
	g->first_free = ref;
}

/* Map frame @i of the table, as the hypervisor named it, and put its entries on the free list. */
static int add_frame(struct pv_grants *g, struct cpu *cpu, unsigned i, uint64_t mfn)
{
	const grant_ref_t first = i * (grant_ref_t)ENTRIES_PER_FRAME;

	if (pv_empty_page(g->k, &g->page[i]))
		return -ENOSPC;
	if (pv_map_frame(g->k, cpu, g->page[i], mfn)) {
		pv_empty_page_free(g->k, g->page[i]);
		return -EIO;
	}
	g->frames = i + 1;
	for (grant_ref_t ref = first + ENTRIES_PER_FRAME; ref-- > first;)
		if (ref >= PV_GRANT_RESERVED)
			push_free(g, ref);
	g->stats.grown++;
	return 0;
}

struct setup {
	struct gnttab_setup_table op;
	xen_pfn_t frame[FRAMES_MAX];
};

/* Have the table grow to @frames frames. */
static int grow(struct pv_grants *g, struct cpu *cpu, unsigned frames)
{
	struct setup *s = kmalloc_alloc(g->k->kmalloc, sizeof(*s));
	uint64_t va;
	int rc = 0;

	if (!s)
		return -ENOMEM;
	va = pv_va(kmalloc_phys(g->k->kmalloc, s));
	*s = (struct setup){.op = {.dom = DOMID_SELF, .nr_frames = frames}};
	set_xen_guest_handle(s->op.frame_list,
			     (xen_pfn_t *)(uintptr_t)(va + offsetof(struct setup, frame)));
	pv_touch(g->k, cpu, s, sizeof(s->op), true);
	if (frames > FRAMES_MAX ||
	    pv_hypercall(g->k, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, va, 1, 0) ||
	    s->op.status != GNTST_okay)
		rc = -EIO;
	for (unsigned i = g->frames; !rc && i < frames; i++)
		rc = add_frame(g, cpu, i, s->frame[i]);
	kmalloc_free(g->k->kmalloc, s);
	return rc;
}

grant_ref_t pv_grant_take(struct pv_grants *g, struct cpu *cpu)
{
	grant_ref_t ref;

	vlock_acquire_bh(&g->lock, cpu);
	if (g->first_free == PV_GRANT_NONE && g->frames < FRAMES_MAX &&
	    grow(g, cpu, g->frames + 1)) {
		vlock_release_bh(&g->lock, cpu);
		return PV_GRANT_NONE;
	}
	ref = g->first_free;
	if (ref != PV_GRANT_NONE) {
		g->first_free = g->next[ref];
		g->stats.in_use++;
	}
	vlock_release_bh(&g->lock, cpu);
	return ref;
}

void pv_grant_give(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref)
{
	vlock_acquire_bh(&g->lock, cpu);
	push_free(g, ref);
	g->stats.in_use--;
	vlock_release_bh(&g->lock, cpu);
}

/* ---- entries ---- */

static void publish(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref, domid_t domid,
		    uint32_t frame, uint16_t flags)
{
	struct grant_entry_v1 *e = entry(g, ref);

	e->frame = frame;
	e->domid = domid;
	atomic_thread_fence(memory_order_release);
	*(volatile uint16_t *)&e->flags = flags;
	cpu_touch(cpu, entry_at(g, ref), sizeof(*e), true);
	g->stats.granted++;
}

void pv_grant_access(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref, domid_t domid,
		     uint64_t mfn, bool readonly)
{
	publish(g, cpu, ref, domid, (uint32_t)mfn,
		(uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0)));
}

bool pv_grant_busy(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref)
{
	cpu_touch(cpu, entry_at(g, ref), sizeof(uint16_t), false);
	return *(volatile uint16_t *)&entry(g, ref)->flags & (GTF_reading | GTF_writing);
}

int pv_grant_end_access(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref)
{
	struct grant_entry_v1 *e;
	uint16_t flags;

	cpu_sync(cpu);
	e = entry(g, ref);
	flags = *(volatile uint16_t *)&e->flags;
	do {
		if (flags & (GTF_reading | GTF_writing)) {
			g->stats.busy++;
			return -EBUSY;
		}
	} while (!__atomic_compare_exchange_n(&e->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	cpu_atomic(cpu, entry_at(g, ref));
	return 0;
}

void pv_grant_accept(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref, domid_t domid,
		     uint64_t pfn)
{
	publish(g, cpu, ref, domid, (uint32_t)pfn, GTF_accept_transfer);
}

uint64_t pv_grant_end_accept(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref)
{
	struct grant_entry_v1 *e;
	uint16_t flags;
	uint64_t mfn;

	cpu_sync(cpu);
	e = entry(g, ref);
	flags = *(volatile uint16_t *)&e->flags;
	cpu_atomic(cpu, entry_at(g, ref));
	while (!(flags & GTF_transfer_committed))
		if (__atomic_compare_exchange_n(&e->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return UINT64_MAX;
	/* Committed and completed come within one hypercall of the giver, which does not pause. */
	if (!(*(volatile uint16_t *)&e->flags & GTF_transfer_completed))
		return UINT64_MAX;
	atomic_thread_fence(memory_order_acquire);
	mfn = e->frame;
	e->flags = 0;
	cpu_touch(cpu, entry_at(g, ref), sizeof(*e), true);
	g->stats.received++;
	return mfn;
}

/* ---- life ---- */

int pv_grants_create(struct pv_grants **out, struct pv_kernel *k)
{
	struct pv_grants *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return -ENOMEM;
	g->k = k;
	g->first_free = PV_GRANT_NONE;
	g->next = calloc(FRAMES_MAX * ENTRIES_PER_FRAME, sizeof(*g->next));
	g->lines = kmalloc_alloc(k->kmalloc, CACHE_LINE_BYTES);
	if (!g->next || !g->lines) {
		pv_grants_destroy(g);
		return -ENOMEM;
	}
	vlock_init(&g->lock, k->machine, kmalloc_phys(k->kmalloc, g->lines));
	rc = grow(g, NULL, FRAMES_INITIAL);
	if (rc) {
		pv_grants_destroy(g);
		return rc;
	}
	*out = g;
	return 0;
}

void pv_grants_destroy(struct pv_grants *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->frames && !g->k->crashed; i++)
		if (!pv_map_frame(g->k, NULL, g->page[i], UINT64_MAX))
			pv_empty_page_free(g->k, g->page[i]);
	kmalloc_free(g->k->kmalloc, g->lines);
	free(g->next);
	free(g);
}

void pv_grants_stats(const struct pv_grants *g, struct pv_grants_stats *out)
{
	*out = g->stats;
}

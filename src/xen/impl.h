/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/xen share. Each function is defined in the file named in its heading.
 *
 * The authoritative frame table, active grant entries and maptrack tables are host memory: a device
 * that writes over the hypervisor must not take this program with it. Each has machine frames of
 * its own all the same, and what handlers touch is charged where it would lie.
 */
#ifndef IOTOLL_XEN_IMPL_H
#define IOTOLL_XEN_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/abi.h"
#include "xen/hypervisor.h"

typedef uint64_t mfn_t;
#define MFN_NONE UINT64_MAX

/* ---- frames (frame.c) ---- */

enum frame_type { TYPE_NONE = 0, TYPE_L1 = 1, TYPE_WRITABLE = 7 }; /* numbers as in Xen 3.1 */

#define FRAME_ALLOCATED 0x1u /* the allocation's own reference is there */
#define FRAME_HEAP      0x2u /* the hypervisor's; with an owner: shared with it, and not counted */
#define FRAME_PINNED    0x4u /* the guest pinned it as a page table: a reference and a type */
#define FRAME_ROOT      0x8u /* part of the direct map: another reference and type */

#define FRAME_COUNT_MAX ((UINT32_C(1) << 29) - 1) /* widths of Xen 3.1 */
#define FRAME_TYPES_MAX ((UINT32_C(1) << 16) - 1)

struct frame {
	struct xen_domain *owner;
	uint32_t count;
	uint32_t type_count;
	uint8_t type;
	uint8_t flags;
	uint8_t pad[14]; /* two to a cache line */
};

static inline bool frame_valid(const struct xen *hv, mfn_t mfn);
struct frame *frame_of(const struct xen *hv, mfn_t mfn); /* @mfn is valid */
/* Charge a look at, or change of, a frame's entry in the frame table. */
void frame_touch(const struct xen *hv, struct cpu *cpu, mfn_t mfn, bool write);

/*
 * @n contiguous frames for @d (a power of two: aligned to their size), counted and with the
 * allocation's reference, below machine address @below (0: anywhere). -ENOMEM; with @limited also
 * beyond max_pages.
 */
int frame_alloc(struct xen_domain *d, uint64_t n, phys_t below, bool limited,
		mfn_t *first) MUST_CHECK;
/* A zeroed frame of the hypervisor's; with @owner one that it may map writable. -ENOMEM. */
int frame_alloc_heap(struct xen *hv, struct xen_domain *owner, mfn_t *mfn) MUST_CHECK;
/* Drop the hypervisor's own hold on a heap frame; it is free when nobody else has a reference. */
void frame_release_heap(struct xen *hv, mfn_t mfn);

/* A reference, if @mfn is a frame of @owner's (which must not be NULL). */
bool frame_hold(struct xen *hv, struct cpu *cpu, mfn_t mfn,
		const struct xen_domain *owner) MUST_CHECK;
/* A use as writable, on top of a reference. */
bool frame_get_writable(struct xen *hv, mfn_t mfn) MUST_CHECK;
void frame_put_writable(struct xen *hv, mfn_t mfn);
/* Drop a reference; the last one frees the frame. */
void frame_drop(struct xen *hv, struct cpu *cpu, mfn_t mfn);
/* Both: with @write the type too. */
bool frame_use(struct xen *hv, struct cpu *cpu, mfn_t mfn, const struct xen_domain *owner,
	       bool write) MUST_CHECK;
void frame_unuse(struct xen *hv, struct cpu *cpu, mfn_t mfn, bool write);
/* Clear the allocation's reference, if it is there: false if not, or if the frame is heap. */
bool frame_release(struct xen *hv, struct cpu *cpu, mfn_t mfn);
/*
 * Take a frame from @d for good: only if nobody else has any reference. Between this and
 * frame_assign() or frame_discard() it has no owner; no guest runs meanwhile.
 */
bool frame_steal(struct xen *hv, struct cpu *cpu, mfn_t mfn, struct xen_domain *d) MUST_CHECK;
void frame_assign(struct xen *hv, struct cpu *cpu, mfn_t mfn, struct xen_domain *d);
void frame_discard(struct xen *hv, struct cpu *cpu, mfn_t mfn);
/* The m2p entry. */
uint64_t m2p_get(const struct xen *hv, mfn_t mfn);
void m2p_set(struct xen *hv, struct cpu *cpu, mfn_t mfn, uint64_t pfn);

/* ---- page tables (l1.c) ---- */

#define PTE_PRESENT  UINT64_C(0x001)
#define PTE_RW       UINT64_C(0x002)
#define PTE_USER     UINT64_C(0x004)
#define PTE_ACCESSED UINT64_C(0x020)
#define PTE_DIRTY    UINT64_C(0x040)
#define PTE_AVAIL    UINT64_C(0xe00)
#define PTE_NX       (UINT64_C(1) << 63)
#define PTE_FRAME    UINT64_C(0x000ffffffffff000)
#define PTES         512u

static inline mfn_t pte_mfn(uint64_t pte)
{
	return (pte & PTE_FRAME) >> PAGE_SHIFT;
}

static inline uint64_t pte_make(mfn_t mfn, bool write)
{
	return mfn << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_USER |
	       (write ? PTE_RW : 0);
}

/* The entry at machine address @at, within a frame that is typed as L1. */
uint64_t pte_read(const struct xen *hv, struct cpu *cpu, phys_t at);
void pte_write(struct xen *hv, struct cpu *cpu, phys_t at, uint64_t pte);
/* Drop what a present entry held; nothing for others. */
void pte_put(struct xen *hv, struct cpu *cpu, uint64_t pte);
/*
 * Store @pte at @at on behalf of a guest: its frame must be @foreign's (NULL: nobody's, so only
 * absent entries do). Takes the new entry's references before dropping the old one's. -EINVAL.
 */
int l1_update(struct xen *hv, struct cpu *cpu, const struct xen_domain *foreign, phys_t at,
	      uint64_t pte) MUST_CHECK;
/* Make @mfn of @d an L1 table (@flag: FRAME_PINNED or FRAME_ROOT) after checking every entry. */
int l1_pin(struct xen_domain *d, struct cpu *cpu, mfn_t mfn, unsigned flag) MUST_CHECK;
int l1_unpin(struct xen_domain *d, struct cpu *cpu, mfn_t mfn, unsigned flag) MUST_CHECK;
/* Machine address of the direct map's entry for guest virtual address @va; -EINVAL outside. */
int l1_entry_of(const struct xen_domain *d, uint64_t va, phys_t *at) MUST_CHECK;
/* Is [va, va + bytes) free of the hypervisor's own range, and without wrap? */
bool guest_range_ok(uint64_t va, uint64_t bytes);

/* ---- guest memory (guest.c) ---- */

/* Copy through the guest's own page table; -EFAULT (a part may be done). Writes need writable
 * pages. */
int guest_read(struct xen_domain *d, struct cpu *cpu, void *to, uint64_t va,
	       uint64_t bytes) MUST_CHECK;
int guest_write(struct xen_domain *d, struct cpu *cpu, uint64_t va, const void *from,
		uint64_t bytes) MUST_CHECK;

/* ---- domains (domain.c) and their end (death.c) ---- */

/* Machine frames for a table of the hypervisor's: stored there is the m2p alone. */
struct region {
	phys_t base;
	uint64_t pages;
};

struct vcpu {
	struct irq *upcall;
	uint64_t upcalls;
};

struct xen_domain {
	struct xen *hv;
	uint16_t id;
	unsigned vcpus;
	bool privileged, hardware, dying, grants_reach_devices;
	uint64_t tot_pages, max_pages, heap_pages;
	uint64_t handles_on; /* live grant mappings of its pages, whoever has them */
	unsigned calls;      /* hypercalls of its that have not returned: its struct stays */
	unsigned inside;     /* and those of them that a handler works on */
	uint64_t span, free_first, free_end;
	mfn_t l1_first, shared_info;
	uint64_t l1_frames;
	uint64_t *l1; /* the direct map's entries, in the board's memory */
	struct vcpu vcpu[XEN_VCPUS_MAX];
	struct grant_table *grants;
	struct evtchns *evtchns;
	struct device *devices;
	struct follow *follow; /* NULL: no device's table follows its page table */
};

struct xen {
	struct memory *board;
	struct xen_limits limits;
	uint64_t frames; /* of the board */
	struct frame *frame;
	struct region frame_table, m2p; /* where they lie */
	uint64_t *m2p_words;
	uint64_t own_pages; /* under the hypervisor's tables */
	struct xen_domain *domain[XEN_DOMAINS_MAX];
	unsigned zombies;
	bool ending; /* xen_destroy(): nobody is left to whom a frame could tell anything */
	struct pirq_binding {
		struct xen_domain *d;
		uint32_t port;
	} pirq[256];
	struct xen_counters counters;
	/* Tests: called where another processor could change guest memory under the handler. */
	void (*race)(void *ctx);
	void *race_ctx;
};

static inline bool frame_valid(const struct xen *hv, mfn_t mfn)
{
	return mfn < hv->frames;
}

static inline void xen_race(const struct xen *hv)
{
	if (hv->race)
		hv->race(hv->race_ctx);
}

/* The domain with that number, if it is not dying. */
struct xen_domain *domain_alive(const struct xen *hv, unsigned id);
/* The domain a guest names: DOMID_SELF, or with privilege any; *@out. -EPERM, -ESRCH. */
int domain_named(struct xen_domain *caller, domid_t id, struct xen_domain **out) MUST_CHECK;
/* Free those dying domains of which nothing is in use any more: after anything that may drop a
 * reference, when no pointer to a domain is in use. */
void domains_reap(struct xen *hv);
/* Free the dying domains that are left, with whatever they still own. */
void domains_forget(struct xen *hv);

int region_alloc(struct xen *hv, uint64_t bytes, struct region *r) MUST_CHECK;
void region_free(struct xen *hv, struct region *r);

/* ---- hypercalls (hypercall.c) ---- */

struct call {
	struct xen *hv;
	struct xen_domain *d;
	unsigned vcpu;
	struct cpu *cpu;
	unsigned long args[6]; /* a handler that returns CALL_RESTART has changed them */
	bool nested;           /* an entry of a multicall */
	unsigned work;         /* elements done since the last preemption point */
};

#define CALL_RESTART (-85L) /* ERESTART: go on with the changed arguments; no guest sees it */

/* Is it time to go back to the guest's own business? Counts one element. */
bool call_preempt(struct call *c);
/* One hypercall of a guest or of a multicall: handler's answer, or -ENOSYS. */
long call_dispatch(struct call *c, unsigned long op);

long do_mmu_update(struct call *c);
long do_update_va_mapping(struct call *c);
long do_update_va_mapping_otherdomain(struct call *c);
long do_mmuext_op(struct call *c);
long do_memory_op(struct call *c);
long do_grant_table_op(struct call *c);
long do_event_channel_op(struct call *c);
long do_sched_op(struct call *c);
long do_multicall(struct call *c);
long do_iommu_op(struct call *c);

#endif

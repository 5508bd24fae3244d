/* SPDX-License-Identifier: MIT */
/*
 * Page-table changes of a paravirtual kernel gathered into one multicall: the page flips of the
 * network drivers. Argument lists fill a page each, so a batch holds 60 pages where Linux, with
 * lists of several pages, sends up to 256.
 */
#ifndef IOTOLL_GUEST_XEN_BATCH_H
#define IOTOLL_GUEST_XEN_BATCH_H

#include "guest/xen_kernel.h"

#define PV_BATCH_PAGES 60u

struct pv_batch {
	struct pv_kernel *k;
	multicall_entry_t *call;
	mmu_update_t *m2p;
	unsigned calls, m2ps;
	/* A user's own lists for the call that ends the batch: PV_BATCH_LIST_BYTES of guest memory.
	 */
	void *list;
};

#define PV_BATCH_LIST_BYTES 3072u

/* 0 or -ENOMEM. */
int pv_batch_init(struct pv_batch *b, struct pv_kernel *k) MUST_CHECK;
/* Allowed on a zeroed batch. */
void pv_batch_fini(struct pv_batch *b);

/* Room for one more page? */
static inline bool pv_batch_full(const struct pv_batch *b)
{
	return b->calls == PV_BATCH_PAGES;
}

/* Let page @pfn lead to frame @mfn (UINT64_MAX: nowhere); the kernel's p2m list follows at once. */
void pv_batch_map(struct pv_batch *b, struct cpu *cpu, uint64_t pfn, uint64_t mfn);
/* Tell the hypervisor that @mfn is our page @pfn. At most as many as pages. */
void pv_batch_m2p(struct pv_batch *b, uint64_t mfn, uint64_t pfn);
/*
 * Carry out: the maps, with a flush of every TLB on the last; the m2p updates in one call; then, if
 * @op is not 0, that call with three arguments. Empties the batch. Returns @op's result, or 0; a
 * negative errno if a map or the m2p list was refused.
 */
long pv_batch_run(struct pv_batch *b, struct cpu *cpu, unsigned long op, unsigned long a0,
		  unsigned long a1, unsigned long a2);
/* The guest address of something in @b->list. */
uint64_t pv_batch_va(const struct pv_batch *b, const void *ptr);

#endif

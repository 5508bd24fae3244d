/* SPDX-License-Identifier: MIT */
/* Multicalls of page-table changes. */
#include "guest/xen_batch.h"

#include <errno.h>
#include <string.h>

_Static_assert((PV_BATCH_PAGES + 2) * sizeof(multicall_entry_t) <= PAGE_BYTES, "calls fill a page");
_Static_assert(PV_BATCH_PAGES * sizeof(mmu_update_t) + PV_BATCH_LIST_BYTES <= PAGE_BYTES,
	       "lists fill another");

int pv_batch_init(struct pv_batch *b, struct pv_kernel *k)
{
	uint8_t *page;

	*b = (struct pv_batch){.k = k};
	b->call = kmalloc_alloc(k->kmalloc, PAGE_BYTES);
	page = kmalloc_alloc(k->kmalloc, PAGE_BYTES);
	b->m2p = (mmu_update_t *)(void *)page;
	b->list = page ? page + PAGE_BYTES - PV_BATCH_LIST_BYTES : NULL;
	if (b->call && page)
		return 0;
	pv_batch_fini(b);
	return -ENOMEM;
}

void pv_batch_fini(struct pv_batch *b)
{
	if (!b->k)
		return;
	kmalloc_free(b->k->kmalloc, b->call);
	kmalloc_free(b->k->kmalloc, b->m2p);
	b->k = NULL;
}

static void add(struct pv_batch *b, unsigned long op, unsigned long a0, unsigned long a1,
		unsigned long a2, unsigned long a3)
{
	b->call[b->calls++] = (multicall_entry_t){.op = op, .args = {a0, a1, a2, a3}};
}

void pv_batch_map(struct pv_batch *b, struct cpu *cpu, uint64_t pfn, uint64_t mfn)
{
	pv_set_p2m(b->k, cpu, pfn, mfn);
	add(b, __HYPERVISOR_update_va_mapping, pv_va(pfn * PAGE_BYTES),
	    mfn == UINT64_MAX ? 0 : pv_pte(mfn), 0, 0);
}

void pv_batch_m2p(struct pv_batch *b, uint64_t mfn, uint64_t pfn)
{
	b->m2p[b->m2ps++] =
		(mmu_update_t){.ptr = mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, .val = pfn};
}

uint64_t pv_batch_va(const struct pv_batch *b, const void *ptr)
{
	return pv_va(memory_addr(b->k->machine->mem, ptr));
}

long pv_batch_run(struct pv_batch *b, struct cpu *cpu, unsigned long op, unsigned long a0,
		  unsigned long a1, unsigned long a2)
{
	const unsigned calls = b->calls;
	long rc = 0;

	if (calls)
		b->call[calls - 1].args[2] = UVMF_TLB_FLUSH | UVMF_ALL;
	if (b->m2ps) {
		pv_touch(b->k, cpu, b->m2p, b->m2ps * sizeof(*b->m2p), true);
		add(b, __HYPERVISOR_mmu_update, pv_batch_va(b, b->m2p), b->m2ps, 0, DOMID_SELF);
	}
	if (op)
		add(b, op, a0, a1, a2, 0);
	if (b->calls) {
		pv_touch(b->k, cpu, b->call, b->calls * sizeof(*b->call), true);
		rc = pv_hypercall(b->k, cpu, __HYPERVISOR_multicall, pv_batch_va(b, b->call),
				  b->calls, 0, 0);
	}
	for (unsigned i = 0; !rc && i < b->calls; i++)
		if ((long)b->call[i].result < 0 || i + 1 == b->calls)
			rc = (long)b->call[i].result;
	b->calls = b->m2ps = 0;
	return rc;
}

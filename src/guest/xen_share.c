/* SPDX-License-Identifier: MIT */
/* Sharing pages, and the indexes of rings. */
#include "guest/xen_share.h"

#include <errno.h>

/* ---- ours ---- */

int pv_shared_open(struct pv_kernel *k, struct pv_shared *s, domid_t peer)
{
	s->ref = PV_GRANT_NONE;
	s->ptr = kmalloc_alloc(k->kmalloc, PAGE_BYTES);
	if (!s->ptr)
		return -ENOMEM;
	memset(s->ptr, 0, PAGE_BYTES);
	s->paddr = kmalloc_phys(k->kmalloc, s->ptr);
	s->ref = pv_grant_take(k->grants, NULL);
	if (s->ref == PV_GRANT_NONE)
		return -ENOSPC;
	pv_grant_access(k->grants, NULL, s->ref, peer, pv_mfn(k, NULL, s->paddr), false);
	return 0;
}

unsigned pv_shared_close(struct pv_kernel *k, struct pv_shared *s)
{
	if (!s->ptr)
		return 0;
	if (s->ref != PV_GRANT_NONE) {
		if (!k->crashed && pv_grant_end_access(k->grants, NULL, s->ref))
			return 1;
		pv_grant_give(k->grants, NULL, s->ref);
	}
	kmalloc_free(k->kmalloc, s->ptr);
	s->ptr = NULL;
	return 0;
}

/* ---- the peer's ---- */

static bool call(struct pv_kernel *k, struct cpu *cpu, unsigned cmd, void *op, size_t bytes)
{
	pv_touch(k, cpu, op, bytes, true);
	return !pv_hypercall(k, cpu, __HYPERVISOR_grant_table_op, cmd,
			     pv_va(memory_addr(k->machine->mem, op)), 1, 0);
}

int pv_foreign_map(struct pv_kernel *k, struct pv_foreign *f, domid_t peer, grant_ref_t ref)
{
	struct gnttab_map_grant_ref *op = kmalloc_alloc(k->kmalloc, sizeof(*op));
	int rc = op ? pv_empty_page(k, &f->paddr) : -ENOMEM;

	if (!rc) {
		*op = (struct gnttab_map_grant_ref){.host_addr = pv_va(f->paddr),
						    .flags = GNTMAP_host_map,
						    .ref = ref,
						    .dom = peer};
		if (!call(k, NULL, GNTTABOP_map_grant_ref, op, sizeof(*op)) ||
		    op->status != GNTST_okay) {
			pv_empty_page_free(k, f->paddr);
			rc = -EINVAL;
		}
		f->handle = op->handle;
	}
	if (rc)
		f->paddr = 0;
	kmalloc_free(k->kmalloc, op);
	return rc;
}

bool pv_foreign_unmap(struct pv_kernel *k, struct cpu *cpu, struct pv_foreign *f)
{
	struct gnttab_unmap_grant_ref *op;
	bool good;

	if (!f->paddr)
		return true;
	op = kmalloc_alloc(k->kmalloc, sizeof(*op));
	if (!op)
		return false;
	*op = (struct gnttab_unmap_grant_ref){.host_addr = pv_va(f->paddr), .handle = f->handle};
	good = call(k, cpu, GNTTABOP_unmap_grant_ref, op, sizeof(*op)) && op->status == GNTST_okay;
	if (good)
		pv_empty_page_free(k, f->paddr);
	f->paddr = 0;
	kmalloc_free(k->kmalloc, op);
	return good;
}

/* ---- rings ---- */

bool pv_ring_push(struct pv_kernel *k, struct cpu *cpu, void *sring, RING_IDX *published,
		  const RING_IDX *event, RING_IDX old, RING_IDX new)
{
	cpu_sync(cpu);
	xen_wmb();
	xen_ring_set(published, new);
	xen_mb();
	pv_touch(k, cpu, sring, 4 * sizeof(RING_IDX), true);
	return xen_ring_notify(old, new, xen_ring_index(event));
}

RING_IDX pv_ring_look(struct pv_kernel *k, struct cpu *cpu, const void *sring,
		      const RING_IDX *index)
{
	RING_IDX at;

	pv_touch(k, cpu, sring, 4 * sizeof(RING_IDX), false);
	at = xen_ring_index(index);
	xen_rmb();
	return at;
}

void pv_ring_ask(struct pv_kernel *k, struct cpu *cpu, RING_IDX *event, RING_IDX at)
{
	xen_ring_set(event, at);
	pv_touch(k, cpu, event, sizeof(RING_IDX), true);
	xen_mb();
}

/* SPDX-License-Identifier: MIT */
/*
 * Slots coming back (Linux: netif_idx_release, net_tx_action_dealloc): whoever had a frame last
 * puts its slots on a ring; the softirq unmaps them in one hypercall and answers only then, when
 * the device has read them. Where the IOMMU is flushed late it could read them again until then,
 * while the guest uses them anew: the hypervisor holds the frame back, not the guest; exposure
 * counts it. Answers following the device is what holds back a guest that sends faster than the
 * wire.
 */
#include "guest/netback_internal.h"

void netback_release(struct netback *nb, struct cpu *cpu, unsigned slot)
{
	vlock_acquire_bh(&nb->dealloc_lock, cpu);
	nb->dealloc[(nb->dealloc_first + nb->ndealloc++) % NETBACK_PENDING] = (uint16_t)slot;
	vlock_release_bh(&nb->dealloc_lock, cpu);
	if (cpu)
		softirq_raise(cpu, &nb->tx);
}

/* Slots off the ring, at most @max. */
static unsigned take(struct netback *nb, struct cpu *cpu, uint16_t *slot, unsigned max)
{
	unsigned n;

	vlock_acquire_bh(&nb->dealloc_lock, cpu);
	for (n = 0; n < max && nb->ndealloc; n++, nb->ndealloc--) {
		slot[n] = nb->dealloc[nb->dealloc_first];
		nb->dealloc_first = (nb->dealloc_first + 1) % NETBACK_PENDING;
	}
	vlock_release_bh(&nb->dealloc_lock, cpu);
	return n;
}

static void unmap(struct netback *nb, struct cpu *cpu, const uint16_t *slot, unsigned n)
{
	struct gnttab_unmap_grant_ref *ops = nb->unmap_ops;
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct pending *p = &nb->pending[slot[i]];

		if (p->handle == PENDING_UNMAPPED)
			continue;
		pv_forget(nb->k, p->paddr);
		ops[count++] = (struct gnttab_unmap_grant_ref){
			.host_addr = pv_va(p->paddr), .dev_bus_addr = p->bus, .handle = p->handle};
		if (p->bus)
			pv_set_bus(nb->k, cpu, p->paddr, UINT64_MAX);
	}
	if (!count)
		return;
	pv_touch(nb->k, cpu, ops, count * sizeof(*ops), true);
	if (pv_hypercall(nb->k, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
			 pv_va(memory_addr(nb->k->machine->mem, ops)), count, 0)) {
		nb->stats.unmap_errors += count;
		return;
	}
	pv_touch(nb->k, cpu, ops, count * sizeof(*ops), false);
	for (unsigned i = 0; i < count; i++) {
		nb->stats.tx_unmaps += ops[i].status == GNTST_okay;
		nb->stats.unmap_errors += ops[i].status != GNTST_okay;
	}
}

static void finish(struct netback *nb, struct cpu *cpu, unsigned slot)
{
	struct pending *p = &nb->pending[slot];
	struct netback_vif *v = p->vif;

	netback_tx_respond(v, cpu, p->req.id, p->status, p->extras);
	p->vif = NULL;
	p->handle = PENDING_UNMAPPED;
	p->bus = 0;
	nb->free[(nb->free_first + nb->nfree++) % NETBACK_PENDING] = (uint16_t)slot;
	netback_vif_put(v);
}

void netback_unmap(struct netback *nb, struct cpu *cpu)
{
	uint16_t slot[UNMAP_OPS];
	unsigned n;

	if (!nb->ndealloc)
		return;
	n = take(nb, cpu, slot, UNMAP_OPS);
	unmap(nb, cpu, slot, n);
	for (unsigned i = 0; i < n; i++)
		finish(nb, cpu, slot[i]);
}

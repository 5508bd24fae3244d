/* SPDX-License-Identifier: MIT */
/*
 * Pages given to guests (Linux: netbk_gop_frag, check_mfn). Before a page's frame goes, another
 * takes its place in our page tables, in the same multicall; what the hypervisor refuses to move is
 * ours still and becomes such a replacement.
 */
#include "guest/netback_internal.h"

#include <string.h>

#define OFFSET 2u /* the IP header falls on a multiple of four */

struct spare_args {
	xen_pfn_t mfn[SPARES];
	struct xen_memory_reservation reservation;
};

_Static_assert(sizeof(struct spare_args) <= PV_BATCH_LIST_BYTES, "the list fits");
_Static_assert(PV_BATCH_PAGES * sizeof(struct gnttab_transfer) <= PV_BATCH_LIST_BYTES,
	       "the list fits");

unsigned netback_spares(struct netback *nb, struct cpu *cpu)
{
	struct spare_args *a = nb->flip.list;
	const unsigned wanted = SPARES - nb->spares;
	long got;

	if (nb->spares >= PV_BATCH_PAGES)
		return nb->spares;
	a->reservation = (struct xen_memory_reservation){.nr_extents = wanted, .domid = DOMID_SELF};
	set_xen_guest_handle(a->reservation.extent_start,
			     (xen_pfn_t *)(uintptr_t)pv_batch_va(&nb->flip, a->mfn));
	pv_touch(nb->k, cpu, &a->reservation, sizeof(a->reservation), true);
	got = pv_hypercall(nb->k, cpu, __HYPERVISOR_memory_op, XENMEM_increase_reservation,
			   pv_batch_va(&nb->flip, &a->reservation), 0, 0);
	for (long i = 0; i < got && i < (long)wanted; i++)
		nb->spare[nb->spares++] = a->mfn[i];
	return nb->spares;
}

/* A packet alone in a page of ours can be given away with it. */
bool netback_flippable(const struct netback *nb, const struct net_frame *frame)
{
	return frame->object && kmalloc_size(nb->k->kmalloc, frame->object) == PAGE_BYTES;
}

static void free_page(void *ctx, struct cpu *cpu, void *owner)
{
	(void)cpu;
	kmalloc_free(ctx, owner);
}

bool netback_make_flippable(struct netback_vif *v, struct cpu *cpu, struct net_frame *frame)
{
	struct netback *nb = v->nb;
	struct memory *mem = nb->k->machine->mem;
	uint8_t *page = kmalloc_alloc(nb->k->kmalloc, PAGE_BYTES);
	uint32_t at = OFFSET;
	phys_t paddr;

	cpu_charge(cpu, machine_cost(nb->k->machine)->skb_alloc);
	if (!page) {
		nb->stats.no_memory++;
		return false;
	}
	paddr = kmalloc_phys(nb->k->kmalloc, page);
	memset(page, 0, PAGE_BYTES); /* whatever was in it is not the guest's business */
	for (unsigned i = 0; i < frame->pieces; i++) {
		const struct net_piece *p = &frame->piece[i];

		cpu_copy(cpu, paddr + at, p->paddr, p->bytes);
		memcpy(page + at, memory_ptr(mem, p->paddr, p->bytes), p->bytes);
		at += p->bytes;
	}
	net_frame_done(frame, cpu);
	frame->piece[0] = (struct net_piece){.paddr = paddr + OFFSET, .bytes = frame->bytes};
	frame->pieces = 1;
	frame->object = page;
	frame->dma = NULL;
	frame->release =
		(struct net_release){.fn = free_page, .ctx = nb->k->kmalloc, .owner = page};
	return true;
}

void netback_give(struct netback_vif *v, struct cpu *cpu, unsigned at, phys_t page,
		  const netif_rx_request_t *req)
{
	struct netback *nb = v->nb;
	struct gnttab_transfer *op = (struct gnttab_transfer *)nb->flip.list + at;
	const uint64_t pfn = page / PAGE_BYTES, new = nb->spare[--nb->spares];

	pv_forget(nb->k, page);
	*op = (struct gnttab_transfer){
		.mfn = pv_mfn(nb->k, cpu, page), .domid = v->domid, .ref = req->gref};
	pv_batch_map(&nb->flip, cpu, pfn, new);
	pv_batch_m2p(&nb->flip, new, pfn);
}

bool netback_give_all(struct netback *nb, struct cpu *cpu, unsigned count)
{
	struct gnttab_transfer *ops = nb->flip.list;
	bool done;

	for (unsigned i = 0; i < count; i++)
		ops[i].status = GNTST_general_error;
	pv_touch(nb->k, cpu, ops, count * sizeof(*ops), true);
	done = pv_batch_run(&nb->flip, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_transfer,
			    pv_batch_va(&nb->flip, ops), count) == 0;
	pv_touch(nb->k, cpu, ops, count * sizeof(*ops), false);
	for (unsigned i = 0; i < count; i++) {
		if (done && ops[i].status == GNTST_okay)
			continue;
		nb->stats.transfer_errors++;
		if (done && ops[i].status == GNTST_bad_page && nb->spares < SPARES)
			nb->spare[nb->spares++] = ops[i].mfn;
	}
	return done;
}

bool netback_given(struct netback *nb, unsigned at)
{
	const struct gnttab_transfer *ops = nb->flip.list;

	return ops[at].status == GNTST_okay;
}

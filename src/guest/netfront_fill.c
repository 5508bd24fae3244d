/* SPDX-License-Identifier: MIT */
/*
 * Receive buffers (Linux: network_alloc_rx_buffers). The target doubles when less than a quarter of
 * it is left on the ring and falls by one when more than three quarters lie unused; a batch is
 * worth posting from half the target on.
 */
#include <errno.h>

#include "guest/netfront_internal.h"

/* Hand to the backend what stands on the ring. */
static void push(struct netfront *f, struct cpu *cpu)
{
	struct front_rx *rx = &f->rx;
	netif_rx_sring_t *sring = rx->ring.sring;
	const RING_IDX old = rx->pushed, new = rx->ring.req_prod_pvt;

	rx->pushed = new;
	if (pv_ring_push(f->k, cpu, sring, &sring->req_prod, &sring->req_event, old, new) &&
	    f->connected)
		pv_event_notify(f->k->events, cpu, (evtchn_port_t)f->port);
}

static void put_request(struct netfront *f, struct cpu *cpu, RING_IDX at, grant_ref_t ref)
{
	netif_rx_request_t *req = RING_GET_REQUEST(&f->rx.ring, at);

	*req = (netif_rx_request_t){.id = (uint16_t)(at % RX_SLOTS), .gref = ref};
	pv_touch(f->k, cpu, req, sizeof(*req), true);
}

/* Post @buffer for copying. */
static void post_copy(struct netfront *f, struct cpu *cpu, const struct rx_buffer *buffer)
{
	struct front_rx *rx = &f->rx;
	const RING_IDX at = rx->ring.req_prod_pvt++;
	const grant_ref_t ref = rx->ref[at % RX_SLOTS];

	rx->buffer[at % RX_SLOTS] = *buffer;
	pv_grant_access(f->k->grants, cpu, ref, f->backend, pv_mfn(f->k, cpu, buffer->paddr),
			false);
	put_request(f, cpu, at, ref);
}

struct giving {
	xen_pfn_t mfn[PV_BATCH_PAGES];
	struct xen_memory_reservation reservation;
};

_Static_assert(sizeof(struct giving) <= PV_BATCH_LIST_BYTES, "the list fits");

/*
 * Take the pages out of the address space and give their frames away, in one multicall. True if all
 * of them went; the kernel cannot go on with a list of which it does not know what became of it
 * (Linux panics), so the interface breaks otherwise.
 */
static bool give_away(struct netfront *f, struct cpu *cpu, unsigned count)
{
	struct pv_batch *b = &f->rx.flip;
	struct giving *g = b->list;

	if (!count)
		return true;
	g->reservation = (struct xen_memory_reservation){.nr_extents = count, .domid = DOMID_SELF};
	set_xen_guest_handle(g->reservation.extent_start,
			     (xen_pfn_t *)(uintptr_t)pv_batch_va(b, g->mfn));
	pv_touch(f->k, cpu, g, sizeof(*g), true);
	return pv_batch_run(b, cpu, __HYPERVISOR_memory_op, XENMEM_decrease_reservation,
			    pv_batch_va(b, &g->reservation), 0) == (long)count;
}

/* Post up to a batch's worth of buffers to be exchanged; the number of @buffer taken. */
static unsigned post_flip(struct netfront *f, struct cpu *cpu, const struct rx_buffer *buffer,
			  unsigned count)
{
	struct front_rx *rx = &f->rx;
	struct giving *g = rx->flip.list;
	unsigned taken, given = 0;

	for (taken = 0; taken < count && taken < PV_BATCH_PAGES; taken++) {
		const RING_IDX at = rx->ring.req_prod_pvt++;
		const uint64_t pfn = buffer[taken].paddr / PAGE_BYTES;

		rx->buffer[at % RX_SLOTS] =
			(struct rx_buffer){.paddr = buffer[taken].paddr, .empty = true};
		pv_grant_accept(f->k->grants, cpu, rx->ref[at % RX_SLOTS], f->backend, pfn);
		put_request(f, cpu, at, rx->ref[at % RX_SLOTS]);
		if (buffer[taken].empty)
			continue;
		g->mfn[given++] = pv_mfn(f->k, cpu, buffer[taken].paddr);
		pv_batch_map(&rx->flip, cpu, pfn, UINT64_MAX);
	}
	if (!give_away(f, cpu, given))
		netfront_break(f);
	return taken;
}

static void post(struct netfront *f, struct cpu *cpu)
{
	struct front_rx *rx = &f->rx;

	for (unsigned i = 0; i < rx->batched && !f->broken;) {
		if (f->copying)
			post_copy(f, cpu, &rx->batch[i++]);
		else
			i += post_flip(f, cpu, &rx->batch[i], rx->batched - i);
	}
	rx->batched = 0;
	f->stats.rx_refills++;
	push(f, cpu);
}

/* Allocate until @wanted buffers are ready to be posted. */
static void gather(struct netfront *f, struct cpu *cpu, unsigned wanted)
{
	struct front_rx *rx = &f->rx;

	while (rx->batched < wanted) {
		void *page;

		cpu_charge(cpu, machine_cost(f->k->machine)->skb_alloc);
		page = kmalloc_alloc(f->k->kmalloc, PAGE_BYTES);
		if (!page)
			break;
		rx->batch[rx->batched++] =
			(struct rx_buffer){.paddr = kmalloc_phys(f->k->kmalloc, page)};
	}
}

void netfront_fill(struct netfront *f, struct cpu *cpu)
{
	struct front_rx *rx = &f->rx;
	const unsigned posted = rx->ring.req_prod_pvt - rx->ring.rsp_cons;
	const unsigned room = RX_SLOTS - posted;
	unsigned wanted = rx->target > posted ? rx->target - posted : 0;
	unsigned unanswered;

	if (f->broken)
		return;
	wanted = wanted < room ? wanted : room;
	gather(f, cpu, wanted);
	if (rx->batched < wanted && !rx->batched) {
		f->stats.rx_no_memory++;
		sim_schedule(f->k->machine->sim, &rx->retry, machine_now(f->k->machine) + RX_RETRY);
		return;
	}
	if (rx->batched < rx->target / 2 && rx->batched == wanted)
		return;
	cpu_sync(cpu);
	unanswered = rx->ring.req_prod_pvt - xen_ring_index(&rx->ring.sring->rsp_prod);
	if (unanswered < rx->target / 4) {
		rx->target *= 2;
		if (rx->target > RX_TARGET_MAX)
			rx->target = RX_TARGET_MAX;
	}
	post(f, cpu);
}

/* ---- life ---- */

static void on_retry(void *ctx)
{
	struct netfront *f = ctx;

	irq_raise(&f->rx.retry_irq);
}

static void on_retry_irq(void *ctx, struct cpu *cpu)
{
	struct netfront *f = ctx;

	softirq_raise(cpu, &f->poll);
}

int netfront_fill_open(struct netfront *f)
{
	struct front_rx *rx = &f->rx;

	event_init(&rx->retry, on_retry, f);
	rx->retry_irq = (struct irq){
		.handler = on_retry_irq, .ctx = f, .target = machine_cpu(f->k->machine, 0)};
	rx->target = RX_TARGET_FIRST;
	for (unsigned i = 0; i < RX_SLOTS; i++)
		rx->ref[i] = PV_GRANT_NONE;
	for (unsigned i = 0; i < RX_SLOTS; i++) {
		rx->ref[i] = pv_grant_take(f->k->grants, NULL);
		if (rx->ref[i] == PV_GRANT_NONE)
			return -ENOSPC;
	}
	if (!f->copying && pv_batch_init(&rx->flip, f->k))
		return -ENOMEM;
	netfront_fill(f, NULL);
	return f->broken ? -EIO : 0;
}

/* Put a frame behind @paddr again. False if the hypervisor has none to give. */
static bool repopulate(struct netfront *f, phys_t paddr)
{
	struct pv_batch *b = &f->rx.flip;
	struct giving *g = b->list;

	g->mfn[0] = paddr / PAGE_BYTES;
	g->reservation = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
	set_xen_guest_handle(g->reservation.extent_start,
			     (xen_pfn_t *)(uintptr_t)pv_batch_va(b, g->mfn));
	if (pv_hypercall(f->k, NULL, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
			 pv_batch_va(b, &g->reservation), 0, 0) != 1)
		return false;
	pv_batch_map(b, NULL, paddr / PAGE_BYTES, g->mfn[0]);
	return pv_batch_run(b, NULL, 0, 0, 0, 0) == 0;
}

/* Take one posted buffer back; false if the backend still holds it. */
static bool withdraw(struct netfront *f, grant_ref_t ref, struct rx_buffer *buffer)
{
	uint64_t mfn;

	if (f->k->crashed)
		return true;
	if (f->copying)
		return pv_grant_end_access(f->k->grants, NULL, ref) == 0;
	mfn = pv_grant_end_accept(f->k->grants, NULL, ref);
	if (mfn == UINT64_MAX)
		return true; /* still empty */
	pv_batch_map(&f->rx.flip, NULL, buffer->paddr / PAGE_BYTES, mfn);
	pv_batch_m2p(&f->rx.flip, mfn, buffer->paddr / PAGE_BYTES);
	buffer->empty = pv_batch_run(&f->rx.flip, NULL, 0, 0, 0, 0) != 0;
	return true;
}

static void free_buffer(struct netfront *f, const struct rx_buffer *buffer)
{
	void *page;

	if (f->k->crashed || (buffer->empty && !repopulate(f, buffer->paddr)))
		return;
	page = memory_ptr(f->k->machine->mem, buffer->paddr, PAGE_BYTES);
	kmalloc_free(f->k->kmalloc, page);
}

unsigned netfront_fill_close(struct netfront *f)
{
	struct front_rx *rx = &f->rx;
	unsigned held = 0;

	sim_cancel(f->k->machine->sim, &rx->retry);
	for (unsigned i = 0; i < RX_SLOTS; i++) {
		if (rx->ref[i] == PV_GRANT_NONE)
			continue;
		if (rx->buffer[i].paddr && !withdraw(f, rx->ref[i], &rx->buffer[i])) {
			held++;
			continue;
		}
		pv_grant_give(f->k->grants, NULL, rx->ref[i]);
		if (rx->buffer[i].paddr)
			free_buffer(f, &rx->buffer[i]);
	}
	for (unsigned i = 0; i < rx->batched; i++)
		free_buffer(f, &rx->batch[i]);
	pv_batch_fini(&rx->flip);
	return held;
}

/* SPDX-License-Identifier: MIT */
/*
 * Receiving (Linux: netif_poll, xennet_get_responses). First the responses are taken and checked,
 * then flipped pages are mapped in one multicall, and only then does anybody look into them. A
 * packet of up to 256 bytes is copied out of its page; a longer one keeps it. (Linux copies the
 * first 256 bytes of those too, our stack reads headers where they are.)
 */
#include <errno.h>
#include <string.h>

#include "guest/netfront_internal.h"

#define COPY_OFFSET 2u /* the IP header falls on a multiple of four */

/* A packet's pages while the stack has it in several pieces. */
struct held {
	struct kmalloc *kmalloc;
	struct memory *mem;
	unsigned pages;
	phys_t page[NET_PIECES];
};

static void free_page(struct netfront *f, phys_t paddr)
{
	kmalloc_free(f->k->kmalloc, memory_ptr(f->k->machine->mem, paddr, PAGE_BYTES));
}

/* The buffer did its turn on the ring for nothing: once more, later. */
static void repost(struct netfront *f, const struct rx_buffer *buffer)
{
	f->rx.batch[f->rx.batched++] = *buffer;
}

/*
 * Take the page of slot @at back from the backend. True if it is ours again, with what the backend
 * put there; false if nothing came (flip) or the backend holds on to it.
 */
static bool reclaim(struct netfront *f, struct cpu *cpu, RING_IDX at)
{
	struct front_rx *rx = &f->rx;
	struct rx_buffer *buffer = &rx->buffer[at % RX_SLOTS];
	const uint64_t pfn = buffer->paddr / PAGE_BYTES;
	uint64_t mfn;

	if (f->copying) {
		if (pv_grant_end_access(f->k->grants, cpu, rx->ref[at % RX_SLOTS]) == 0)
			return true;
		netfront_break(f);
		return false;
	}
	mfn = pv_grant_end_accept(f->k->grants, cpu, rx->ref[at % RX_SLOTS]);
	if (mfn == UINT64_MAX)
		return false;
	pv_batch_map(&rx->flip, cpu, pfn, mfn);
	pv_batch_m2p(&rx->flip, mfn, pfn);
	buffer->empty = false;
	f->stats.rx_flipped++;
	return true;
}

/* One response and its buffer, added to @p. True if more belong to the packet. */
static bool take_slot(struct netfront *f, struct cpu *cpu, struct front_packet *p)
{
	struct front_rx *rx = &f->rx;
	const RING_IDX at = rx->ring.rsp_cons++;
	struct rx_buffer *buffer = &rx->buffer[at % RX_SLOTS];
	netif_rx_response_t rsp;

	RING_COPY_RESPONSE(&rx->ring, at, &rsp);
	pv_touch(f->k, cpu, RING_GET_RESPONSE(&rx->ring, at), sizeof(rsp), false);
	f->stats.rx_slots++;
	if (!buffer->paddr || rsp.id != at % RX_SLOTS || (rsp.flags & NETRXF_extra_info)) {
		netfront_break(f); /* answers what was not asked, or with what was not agreed on */
		return false;
	}
	if (!reclaim(f, cpu, at)) {
		p->bad = true;
		if (!f->broken)
			repost(f, buffer);
	} else if (rsp.status < 0 || rsp.offset + rsp.status > (int)PAGE_BYTES ||
		   p->pages == NET_PIECES || !rsp.status) {
		p->bad = true;
		repost(f, buffer);
	} else {
		p->frame.piece[p->frame.pieces++] = (struct net_piece){
			.paddr = buffer->paddr + rsp.offset, .bytes = (uint32_t)rsp.status};
		p->frame.bytes += (uint32_t)rsp.status;
		p->page[p->pages++] = buffer->paddr;
	}
	if (!f->broken)
		buffer->paddr = 0;
	return rsp.flags & NETRXF_more_data;
}

/* ---- up ---- */

static void free_object(void *ctx, struct cpu *cpu, void *owner)
{
	(void)cpu;
	kmalloc_free(ctx, owner);
}

static void free_held(void *ctx, struct cpu *cpu, void *owner)
{
	struct held *h = owner;

	(void)ctx, (void)cpu;
	for (unsigned i = 0; i < h->pages; i++)
		kmalloc_free(h->kmalloc, memory_ptr(h->mem, h->page[i], PAGE_BYTES));
	free(h);
}

/* A short packet leaves its page. */
static bool copy_out(struct netfront *f, struct cpu *cpu, struct front_packet *p)
{
	const struct net_piece from = p->frame.piece[0];
	const uint8_t *bytes = memory_ptr(f->k->machine->mem, from.paddr, from.bytes);
	uint8_t *copy = kmalloc_alloc(f->k->kmalloc, from.bytes + COPY_OFFSET);

	cpu_charge(cpu, machine_cost(f->k->machine)->skb_alloc);
	if (!copy)
		return false;
	p->frame.piece[0].paddr = kmalloc_phys(f->k->kmalloc, copy) + COPY_OFFSET;
	cpu_copy(cpu, p->frame.piece[0].paddr, from.paddr, from.bytes);
	memcpy(copy + COPY_OFFSET, bytes, from.bytes);
	free_page(f, p->page[0]);
	p->frame.object = copy;
	f->stats.rx_copied++;
	return true;
}

/* Make @p's frame own its pages. */
static bool make_frame(struct netfront *f, struct cpu *cpu, struct front_packet *p)
{
	struct held *h;

	if (p->pages == 1) {
		if (p->frame.bytes > RX_COPY_THRESHOLD)
			p->frame.object = memory_ptr(f->k->machine->mem, p->page[0], PAGE_BYTES);
		else if (!copy_out(f, cpu, p))
			return false;
		p->frame.release = (struct net_release){
			.fn = free_object, .ctx = f->k->kmalloc, .owner = p->frame.object};
		return true;
	}
	h = malloc(sizeof(*h));
	if (!h)
		return false;
	*h = (struct held){.kmalloc = f->k->kmalloc, .mem = f->k->machine->mem, .pages = p->pages};
	memcpy(h->page, p->page, sizeof(h->page));
	p->frame.release = (struct net_release){.fn = free_held, .owner = h};
	return true;
}

static void deliver(struct netfront *f, struct cpu *cpu, struct front_packet *p)
{
	const struct net_frame *frame = &p->frame;

	cpu_charge(cpu, machine_cost(f->k->machine)->driver_rx);
	if (!p->bad && frame->bytes >= NET_ETH_BYTES && frame->bytes <= NET_FRAME_MAX &&
	    frame->piece[0].bytes >= NET_ETH_BYTES) {
		if (make_frame(f, cpu, p)) {
			f->stats.rx_frames++;
			f->stats.rx_bytes += frame->bytes;
			f->upper.receive(f->upper.ctx, cpu, frame);
			return;
		}
		f->stats.rx_no_memory++;
	} else {
		f->stats.rx_errors++;
	}
	for (unsigned i = 0; i < p->pages; i++)
		free_page(f, p->page[i]);
}

/* The interface has broken: what came goes with the other buffers when it is closed. */
static void keep_pages(struct netfront *f, const struct front_packet *p)
{
	for (unsigned i = 0; i < p->pages; i++)
		repost(f, &(struct rx_buffer){.paddr = p->page[i]});
}

/* ---- the round ---- */

/* Responses that can be taken; the backend is caught if there cannot be so many. */
static unsigned waiting(struct netfront *f, struct cpu *cpu)
{
	struct front_rx *rx = &f->rx;
	RING_IDX prod;

	cpu_sync(cpu);
	prod = pv_ring_look(f->k, cpu, rx->ring.sring, &rx->ring.sring->rsp_prod);
	if (prod - rx->ring.rsp_cons > rx->pushed - rx->ring.rsp_cons) {
		netfront_break(f);
		return 0;
	}
	return prod - rx->ring.rsp_cons;
}

/* Whole packets, until POLL_WEIGHT slots or more are taken. Their number. */
static unsigned take(struct netfront *f, struct cpu *cpu)
{
	unsigned left = waiting(f, cpu), taken = 0, count = 0;
	bool more;

	while (left && taken < POLL_WEIGHT && !f->broken) {
		struct front_packet *p = &f->rx.packet[count++];

		p->frame.pieces = p->pages = 0;
		p->frame.bytes = 0;
		p->frame.object = NULL;
		p->frame.lasting = false;
		p->frame.dma = NULL;
		p->bad = false;
		do {
			/* A flip batch must hold what a packet can bring. */
			if (!f->copying && pv_batch_full(&f->rx.flip) &&
			    pv_batch_run(&f->rx.flip, cpu, 0, 0, 0, 0))
				netfront_break(f);
			more = take_slot(f, cpu, p);
			left--, taken++;
		} while (more && left && !f->broken);
		if (more)
			p->bad = true; /* promised more than it pushed */
	}
	return count;
}

/* If a callback brings very few packets, fewer buffers would do. */
static void shrink_target(struct netfront *f)
{
	struct front_rx *rx = &f->rx;
	const unsigned unused = rx->ring.req_prod_pvt - xen_ring_index(&rx->ring.sring->rsp_prod);

	if (unused > 3 * rx->target / 4 && --rx->target < RX_TARGET_MIN)
		rx->target = RX_TARGET_MIN;
}

bool netfront_rx_poll(struct netfront *f, struct cpu *cpu)
{
	struct front_rx *rx = &f->rx;
	unsigned count;
	bool more;

	vlock_acquire_bh(&rx->lock, cpu);
	count = f->broken ? 0 : take(f, cpu);
	if (!f->copying && rx->flip.calls && pv_batch_run(&rx->flip, cpu, 0, 0, 0, 0))
		netfront_break(f);
	for (unsigned i = 0; i < count; i++) {
		if (f->broken)
			keep_pages(f, &rx->packet[i]);
		else
			deliver(f, cpu, &rx->packet[i]);
	}
	if (f->broken) {
		vlock_release_bh(&rx->lock, cpu);
		return false;
	}
	shrink_target(f);
	netfront_fill(f, cpu);
	more = waiting(f, cpu) != 0;
	if (!more && !f->broken) {
		pv_ring_ask(f->k, cpu, &rx->ring.sring->rsp_event, rx->ring.rsp_cons + 1);
		more = waiting(f, cpu) != 0;
	}
	vlock_release_bh(&rx->lock, cpu);
	return more;
}

/* SPDX-License-Identifier: MIT */
/*
 * What guests receive (Linux: netif_be_start_xmit, net_rx_action). A packet has its ring slots set
 * aside when it is taken; a softirq then fills a batch of them with one hypercall, answers, and
 * signals each guest once. A guest that posts no buffers holds back 32 packets, and after half a
 * second none.
 */
#include <errno.h>
#include <string.h>

#include "guest/netback_internal.h"

/* Slots that one packet may need: an extra and 18 fragments behind the first, or just one. */
static unsigned slots_needed(const struct netback_vif *v)
{
	return v->sg ? NETIF_FRAGS + 2 : 1;
}

/* Reads the frontend's index: whatever it says, no more than the ring's size is believed. */
static bool ring_full(struct netback_vif *v, struct cpu *cpu)
{
	RING_IDX prod;

	cpu_sync(cpu);
	prod = pv_ring_look(v->nb->k, cpu, v->rx.sring, &v->rx.sring->req_prod);
	if (RING_REQUEST_PROD_OVERFLOW(&v->rx, prod)) {
		netback_vif_disable(v);
		return true;
	}
	/* Slots may be set aside up to prod; behind a producer that went back there are none. */
	return (int32_t)(prod - v->peek) < (int32_t)slots_needed(v) ||
	       v->rx.rsp_prod_pvt + NETIF_RX_RING - v->peek < slots_needed(v);
}

/* ---- in ---- */

/* Will @frame do as it is? Otherwise it is copied into a page of its own. */
static bool fit_for(struct netback_vif *v, struct cpu *cpu, struct net_frame *frame)
{
	if (v->copying ? v->sg || frame->pieces == 1 : netback_flippable(v->nb, frame))
		return true;
	v->stats.rx_made_flippable += !v->copying;
	return netback_make_flippable(v, cpu, frame);
}

/* Ask to be woken when there is room for any packet; stop if there is none even now. */
static void stop(struct netback_vif *v, struct cpu *cpu)
{
	pv_ring_ask(v->nb->k, cpu, &v->rx.sring->req_event, v->peek + slots_needed(v));
	if (!ring_full(v, cpu) || v->disabled)
		return;
	v->stopped = true;
	sim_schedule(v->nb->k->machine->sim, &v->drain,
		     machine_now(v->nb->k->machine) + NETBACK_DRAIN);
}

/* Set slots aside for @frame, which is then ours. 0 or -ENOBUFS. */
static int accept(struct netback_vif *v, struct cpu *cpu, const struct net_frame *frame)
{
	struct net_frame fit = *frame;

	if (ring_full(v, cpu) || !fit_for(v, cpu, &fit))
		return -ENOBUFS;
	if (net_queue_push(&v->ready, &fit)) {
		/* cannot be: the ring has no more slots than the queue; but a copy would be lost */
		net_frame_done(&fit, cpu);
		return 0;
	}
	v->peek += fit.pieces;
	if (v->can_queue && ring_full(v, cpu) && !v->disabled)
		stop(v, cpu);
	if (cpu)
		softirq_raise(cpu, &v->nb->rx);
	return 0;
}

int netback_rx_xmit(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct netback_vif *v = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc;

	vlock_acquire_bh(&v->nb->rx_lock, cpu);
	if (!v->started || v->closed || v->disabled) {
		rc = -ENOBUFS;
	} else if (v->stopped) {
		rc = net_queue_push(&v->waiting, frame);
		v->stats.rx_queued += !rc;
	} else {
		rc = accept(v, cpu, frame);
	}
	v->stats.rx_dropped += rc != 0;
	vlock_release_bh(&v->nb->rx_lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

/* rx_lock held. */
static void wake(struct netback_vif *v, struct cpu *cpu)
{
	if (!v->stopped || v->closed || v->disabled || ring_full(v, cpu))
		return;
	v->stopped = false;
	sim_cancel(v->nb->k->machine->sim, &v->drain);
	while (v->waiting.count && !v->stopped) {
		const struct net_frame frame = net_queue_pop(&v->waiting);

		if (accept(v, cpu, &frame)) {
			v->stats.rx_dropped++;
			net_frame_done(&frame, cpu);
		}
	}
}

/* The guest has posted nothing for half a second: what waits will not get old here. */
static void drain(struct netback_vif *v, struct cpu *cpu)
{
	wake(v, cpu);
	if (!v->stopped)
		return;
	v->stopped = false;
	v->stats.rx_dropped += v->waiting.count;
	while (v->waiting.count) {
		const struct net_frame frame = net_queue_pop(&v->waiting);

		net_frame_done(&frame, cpu);
	}
}

/* ---- the batch ---- */

/* One element of the copy batch: @piece into the guest's buffer. */
static void copy_piece(struct netback_vif *v, unsigned at, const struct net_piece *piece,
		       const netif_rx_request_t *req, struct cpu *cpu)
{
	struct netback *nb = v->nb;
	struct gnttab_copy *op = &nb->copy_ops[at];
	const unsigned slot = nb->slot_of_pfn[piece->paddr / PAGE_BYTES];

	*op = (struct gnttab_copy){.flags = GNTCOPY_dest_gref, .len = (uint16_t)piece->bytes};
	op->source.offset = (uint16_t)(piece->paddr % PAGE_BYTES);
	if (slot) { /* another guest's page: the hypervisor is told by its grant */
		op->flags |= GNTCOPY_source_gref;
		op->source.domid = nb->pending[slot - 1].vif->domid;
		op->source.u.ref = nb->pending[slot - 1].req.gref;
	} else {
		op->source.domid = DOMID_SELF;
		op->source.u.gmfn = pv_mfn(nb->k, cpu, piece->paddr);
	}
	op->dest.domid = v->domid;
	op->dest.u.ref = req->gref;
}

/* Take the ring slots of @o's packet and add its elements from @at on. */
static void add(struct out *o, struct cpu *cpu, struct rx_slot *slot, unsigned at, bool give)
{
	struct netback_vif *v = o->vif;

	o->first = at;
	o->page = 0;
	for (unsigned i = 0; i < o->frame.pieces; i++) {
		struct rx_slot *s = &slot[at + i];

		RING_COPY_REQUEST(&v->rx, v->rx.req_cons, &s->req);
		pv_touch(v->nb->k, cpu, RING_GET_REQUEST(&v->rx, v->rx.req_cons), sizeof(s->req),
			 false);
		v->rx.req_cons++;
		s->offset = 0;
		if (v->copying) {
			copy_piece(v, at + i, &o->frame.piece[i], &s->req, cpu);
		} else if (give) {
			s->offset = (uint16_t)(o->frame.piece[i].paddr % PAGE_BYTES);
			o->page = o->frame.piece[i].paddr / PAGE_BYTES * PAGE_BYTES;
			netback_give(v, cpu, at + i, o->page, &s->req);
		}
	}
}

static bool copy_all(struct netback *nb, struct cpu *cpu, unsigned count)
{
	long rc;

	pv_touch(nb->k, cpu, nb->copy_ops, count * sizeof(*nb->copy_ops), true);
	rc = pv_hypercall(nb->k, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_copy,
			  pv_va(memory_addr(nb->k->machine->mem, nb->copy_ops)), count, 0);
	pv_touch(nb->k, cpu, nb->copy_ops, count * sizeof(*nb->copy_ops), false);
	return rc == 0;
}

/* Did all of @o's elements succeed? */
static bool arrived(struct netback *nb, const struct out *o, bool done)
{
	if (!done)
		return false;
	for (unsigned i = 0; i < o->frame.pieces; i++) {
		const unsigned at = o->first + i;

		if (o->vif->copying ? nb->copy_ops[at].status != GNTST_okay
				    : !netback_given(nb, at))
			return false;
		nb->stats.rx_copies += o->vif->copying;
		nb->stats.rx_transfers += !o->vif->copying;
	}
	return true;
}

/* Responses to one packet. True if its guest wants to be told. */
static bool answer(const struct out *o, struct cpu *cpu, const struct rx_slot *slot, bool good)
{
	struct netback_vif *v = o->vif;
	const RING_IDX old = v->rx.rsp_prod_pvt;

	for (unsigned i = 0; i < o->frame.pieces; i++) {
		const struct rx_slot *s = &slot[o->first + i];
		netif_rx_response_t *rsp = RING_GET_RESPONSE(&v->rx, v->rx.rsp_prod_pvt);

		*rsp = (netif_rx_response_t){
			.id = s->req.id,
			.offset = s->offset,
			.flags = i + 1 < o->frame.pieces ? NETRXF_more_data : 0,
			.status = (int16_t)(good ? (int)o->frame.piece[i].bytes : NETIF_RSP_ERROR),
		};
		pv_touch(v->nb->k, cpu, rsp, sizeof(*rsp), true);
		v->rx.rsp_prod_pvt++;
	}
	v->stats.rx_slots += o->frame.pieces;
	v->stats.rx_frames += good;
	v->stats.rx_bytes += good ? o->frame.bytes : 0;
	v->stats.rx_errors += !good;
	return pv_ring_push(v->nb->k, cpu, v->rx.sring, &v->rx.sring->rsp_prod,
			    &v->rx.sring->rsp_event, old, v->rx.rsp_prod_pvt);
}

/* To the end of the line: who had a turn comes last. */
static void rotate(struct netback *nb, struct netback_vif *v)
{
	struct netback_vif **at = &nb->vifs;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	while (*at)
		at = &(*at)->next;
	*at = v;
	v->next = NULL;
}

/* The next packet that is ready, of an interface that receives as @copying says; false if none. */
static bool next_ready(struct netback *nb, bool copying, unsigned room, struct out *o)
{
	for (struct netback_vif *v = nb->vifs; v; v = v->next) {
		const struct net_frame *frame = net_queue_peek(&v->ready);

		if (!frame || v->copying != copying || v->disabled || frame->pieces > room)
			continue;
		o->vif = v;
		o->frame = net_queue_pop(&v->ready);
		rotate(nb, v);
		return true;
	}
	return false;
}

/* The frame's owner has no more use for it; what was given away left its page with another frame.
 */
static void finish(struct netback *nb, struct cpu *cpu, const struct out *o)
{
	if (o->page)
		kmalloc_free(nb->k->kmalloc, memory_ptr(nb->k->machine->mem, o->page, PAGE_BYTES));
	else
		net_frame_done(&o->frame, cpu);
}

static void notify_all(struct netback *nb, struct cpu *cpu)
{
	for (struct netback_vif *v = nb->vifs; v; v = v->next) {
		if (v->notify)
			netback_vif_notify(v, cpu); /* once, however many packets */
		v->notify = false;
	}
}

/* One batch of packets to be copied, or to be given away. rx_lock held. */
static void batch(struct netback *nb, struct cpu *cpu, bool copying)
{
	struct rx_slot *slot = nb->batch_slot;
	struct out *out = nb->batch_out;
	unsigned max = COPY_OPS, count = 0, elements = 0;
	bool give = true, done = false;

	if (!copying) {
		max = netback_spares(nb, cpu);
		max = max < PV_BATCH_PAGES ? max : PV_BATCH_PAGES;
		give = max != 0; /* otherwise the packets are lost, and their buffers say so */
		max = give ? max : PV_BATCH_PAGES;
	}
	for (; elements < max && next_ready(nb, copying, max - elements, &out[count]); count++) {
		cpu_charge(cpu, machine_cost(nb->k->machine)->netback_rx);
		add(&out[count], cpu, slot, elements, give);
		elements += out[count].frame.pieces;
	}
	if (!count)
		return;
	nb->stats.rx_batches++;
	if (give)
		done = copying ? copy_all(nb, cpu, elements) : netback_give_all(nb, cpu, elements);
	for (unsigned i = 0; i < count; i++) {
		struct netback_vif *v = out[i].vif;

		v->notify |= answer(&out[i], cpu, slot, arrived(nb, &out[i], done));
		finish(nb, cpu, &out[i]);
		wake(v, cpu);
	}
	notify_all(nb, cpu);
}

static bool any_ready(const struct netback *nb, bool copying)
{
	for (const struct netback_vif *v = nb->vifs; v; v = v->next)
		if (v->ready.count && v->copying == copying && !v->disabled)
			return true;
	return false;
}

bool netback_rx_run(void *ctx, struct cpu *cpu)
{
	struct netback *nb = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	bool more;

	vlock_acquire_bh(&nb->rx_lock, cpu);
	for (struct netback_vif *v = nb->vifs; v; v = v->next) {
		if (v->rx_kicked)
			wake(v, cpu);
		if (v->drain_due)
			drain(v, cpu);
		v->rx_kicked = v->drain_due = false;
	}
	for (unsigned copying = 0; copying < 2; copying++)
		if (any_ready(nb, copying))
			batch(nb, cpu, copying);
	more = any_ready(nb, false) || any_ready(nb, true);
	vlock_release_bh(&nb->rx_lock, cpu);
	cpu_leave(cpu, before);
	return more;
}

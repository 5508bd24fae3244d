/* SPDX-License-Identifier: MIT */
/*
 * Sending (Linux: network_start_xmit, network_tx_buf_gc). A slot's id names its grant reference for
 * good. Reaping happens in the poll and after each send; Linux reaps in the interrupt handler,
 * where our stack's buffers must not be freed.
 */
#include <errno.h>

#include "guest/netfront_internal.h"

static unsigned outstanding(const struct netfront *f)
{
	return f->tx.ring.req_prod_pvt - f->tx.ring.rsp_cons;
}

/* Grant one piece and describe it. */
static netif_tx_request_t *put_slot(struct netfront *f, struct cpu *cpu, unsigned owner,
				    const struct net_piece *piece)
{
	struct front_tx *tx = &f->tx;
	const uint16_t id = tx->free[--tx->nfree];
	netif_tx_request_t *req = RING_GET_REQUEST(&tx->ring, tx->ring.req_prod_pvt);

	tx->ring.req_prod_pvt++;
	tx->frame_of[id] = (int)owner;
	pv_grant_access(f->k->grants, cpu, tx->ref[id], f->backend, pv_mfn(f->k, cpu, piece->paddr),
			true);
	*req = (netif_tx_request_t){
		.gref = tx->ref[id],
		.offset = (uint16_t)(piece->paddr % PAGE_BYTES),
		.id = id,
		.size = (uint16_t)piece->bytes,
	};
	pv_touch(f->k, cpu, req, sizeof(*req), true);
	return req;
}

/* Lock held; there is room for any frame. */
static void submit(struct netfront *f, struct cpu *cpu, const struct net_frame *frame)
{
	struct front_tx *tx = &f->tx;
	netif_tx_sring_t *sring = tx->ring.sring;
	const RING_IDX old = tx->ring.req_prod_pvt;
	const unsigned owner = tx->free_frame[--tx->nfree_frame];
	netif_tx_request_t *first = NULL;

	tx->frame[owner] = (struct front_frame){.release = frame->release, .slots = frame->pieces};
	for (unsigned i = 0; i < frame->pieces; i++) {
		netif_tx_request_t *req = put_slot(f, cpu, owner, &frame->piece[i]);

		if (!first)
			first = req;
		if (i + 1 < frame->pieces)
			req->flags = NETTXF_more_data;
	}
	first->size = (uint16_t)frame->bytes; /* of the whole packet */
	f->stats.tx_frames++;
	f->stats.tx_bytes += frame->bytes;
	f->stats.tx_slots += frame->pieces;
	if (outstanding(f) >= TX_STOP_AT)
		tx->stopped = true;
	if (pv_ring_push(f->k, cpu, sring, &sring->req_prod, &sring->req_event, old,
			 tx->ring.req_prod_pvt))
		pv_event_notify(f->k->events, cpu, (evtchn_port_t)f->port);
}

static int enqueue(struct netfront *f, const struct net_frame *frame)
{
	if (net_queue_push(&f->tx.queue, frame)) {
		f->stats.tx_dropped++;
		return -ENOBUFS;
	}
	f->stats.tx_queued++;
	return 0;
}

/* One response: true unless the backend has lied. */
static bool reap_one(struct netfront *f, struct cpu *cpu, const netif_tx_response_t *rsp)
{
	struct front_tx *tx = &f->tx;
	struct front_frame *frame;

	if (rsp->status == NETIF_RSP_NULL)
		return true; /* of an extra slot; we send none, and lose nothing by it */
	if (rsp->id >= TX_SLOTS || tx->frame_of[rsp->id] < 0 ||
	    pv_grant_end_access(f->k->grants, cpu, tx->ref[rsp->id]))
		return false;
	if (rsp->status != NETIF_RSP_OKAY)
		f->stats.tx_errors++;
	frame = &tx->frame[tx->frame_of[rsp->id]];
	tx->frame_of[rsp->id] = -1;
	tx->free[tx->nfree++] = rsp->id;
	if (--frame->slots)
		return true;
	tx->free_frame[tx->nfree_frame++] = (uint16_t)(frame - tx->frame);
	cpu_charge(cpu, machine_cost(f->k->machine)->driver_tx / 2);
	frame->release.fn(frame->release.ctx, cpu, frame->release.owner);
	return true;
}

/* Lock held. */
static void reap(struct netfront *f, struct cpu *cpu)
{
	struct front_tx *tx = &f->tx;
	netif_tx_sring_t *sring = tx->ring.sring;
	RING_IDX prod;

	do {
		cpu_sync(cpu);
		prod = pv_ring_look(f->k, cpu, sring, &sring->rsp_prod);
		if (f->broken || prod - tx->ring.rsp_cons > outstanding(f)) {
			netfront_break(f);
			return;
		}
		for (; tx->ring.rsp_cons != prod; tx->ring.rsp_cons++) {
			netif_tx_response_t rsp;

			RING_COPY_RESPONSE(&tx->ring, tx->ring.rsp_cons, &rsp);
			pv_touch(f->k, cpu, RING_GET_RESPONSE(&tx->ring, tx->ring.rsp_cons),
				 sizeof(rsp), false);
			if (!reap_one(f, cpu, &rsp)) {
				netfront_break(f);
				return;
			}
		}
		/* Wake us half way through what is outstanding, and at once if that is past. */
		pv_ring_ask(f->k, cpu, &sring->rsp_event,
			    prod + ((tx->ring.req_prod_pvt - prod) >> 1) + 1);
	} while (prod != xen_ring_index(&sring->rsp_prod));
}

/* Send what waited, while there is room. Lock held. */
static void wake(struct netfront *f, struct cpu *cpu)
{
	struct front_tx *tx = &f->tx;

	if (f->broken || !f->connected || outstanding(f) >= TX_STOP_AT)
		return;
	tx->stopped = false;
	while (tx->queue.count && !tx->stopped) {
		const struct net_frame frame = net_queue_pop(&tx->queue);

		submit(f, cpu, &frame);
	}
}

void netfront_tx_reap(struct netfront *f, struct cpu *cpu)
{
	vlock_acquire_bh(&f->tx.lock, cpu);
	reap(f, cpu);
	wake(f, cpu);
	vlock_release_bh(&f->tx.lock, cpu);
}

static int xmit(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct netfront *f = ctx;
	const uint64_t work = machine_cost(f->k->machine)->driver_tx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc = 0;

	vlock_acquire_bh(&f->tx.lock, cpu);
	cpu_charge(cpu, work - work / 2);
	if (f->broken || !f->connected || frame->pieces > NETIF_FRAGS) {
		f->stats.tx_dropped++;
		rc = -ENOBUFS;
	} else if (f->tx.stopped || f->tx.queue.count) {
		rc = enqueue(f, frame);
	} else {
		submit(f, cpu, frame);
		reap(f, cpu);
	}
	vlock_release_bh(&f->tx.lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

struct netdev netfront_netdev(struct netfront *f)
{
	static const struct netdev_ops ops = {.xmit = xmit};

	return (struct netdev){.ops = &ops, .ctx = f};
}

/* ---- life ---- */

int netfront_tx_open(struct netfront *f)
{
	struct front_tx *tx = &f->tx;

	if (net_queue_init(&tx->queue, NETFRONT_QUEUE))
		return -ENOMEM;
	for (unsigned i = 0; i < TX_SLOTS; i++)
		tx->ref[i] = PV_GRANT_NONE;
	for (unsigned i = 0; i < TX_SLOTS; i++) {
		tx->ref[i] = pv_grant_take(f->k->grants, NULL);
		if (tx->ref[i] == PV_GRANT_NONE)
			return -ENOSPC;
		tx->frame_of[i] = -1;
		tx->free_frame[tx->nfree_frame++] = (uint16_t)i;
		tx->free[tx->nfree++] = (uint16_t)(TX_SLOTS - 1 - i);
	}
	return 0;
}

/* The number of slots whose grants the backend has not let go of: their frames are never reused. */
unsigned netfront_tx_close(struct netfront *f)
{
	struct front_tx *tx = &f->tx;
	unsigned held = 0;

	for (unsigned i = 0; i < TX_SLOTS; i++) {
		struct front_frame *frame;

		if (tx->ref[i] == PV_GRANT_NONE)
			continue;
		if (tx->frame_of[i] >= 0 && !f->k->crashed &&
		    pv_grant_end_access(f->k->grants, NULL, tx->ref[i])) {
			held++;
			continue;
		}
		pv_grant_give(f->k->grants, NULL, tx->ref[i]);
		if (tx->frame_of[i] < 0)
			continue;
		frame = &tx->frame[tx->frame_of[i]];
		if (!--frame->slots)
			frame->release.fn(frame->release.ctx, NULL, frame->release.owner);
	}
	net_queue_fini(&tx->queue);
	return held;
}

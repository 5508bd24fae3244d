/* SPDX-License-Identifier: MIT */
/*
 * What guests send (Linux: net_tx_action). Interfaces take turns, a packet each, until a batch of
 * grant maps is full or slots run short; one hypercall maps them all; then each packet's first
 * bytes are copied and it goes up as a frame whose rest lies in the guest's own pages.
 */
#include <errno.h>
#include <string.h>

#include "guest/netback_internal.h"

#define HEADER_OFFSET 2u /* the IP header falls on a multiple of four */

/* ---- turns ---- */

void netback_tx_schedule(struct netback_vif *v)
{
	struct netback *nb = v->nb;

	if (v->scheduled || !v->started || v->closed || v->disabled)
		return;
	v->scheduled = true;
	v->tx_next = NULL;
	if (nb->tx_last)
		nb->tx_last->tx_next = v;
	else
		nb->tx_first = v;
	nb->tx_last = v;
}

static struct netback_vif *next_turn(struct netback *nb)
{
	struct netback_vif *v = nb->tx_first;

	if (!v)
		return NULL;
	nb->tx_first = v->tx_next;
	if (!nb->tx_first)
		nb->tx_last = NULL;
	v->scheduled = false;
	return v;
}

void netback_tx_unschedule(struct netback_vif *v)
{
	struct netback *nb = v->nb;
	struct netback_vif *next;

	next = nb->tx_first;
	nb->tx_first = nb->tx_last = NULL;
	for (struct netback_vif *u = next; u; u = next) {
		next = u->tx_next;
		u->scheduled = false;
		if (u != v)
			netback_tx_schedule(u);
	}
}

/* ---- answers ---- */

void netback_tx_respond(struct netback_vif *v, struct cpu *cpu, uint16_t id, int16_t status,
			unsigned extras)
{
	const RING_IDX old = v->tx.rsp_prod_pvt;
	netif_tx_response_t *rsp;

	if (v->closed || v->disabled)
		return;
	rsp = RING_GET_RESPONSE(&v->tx, v->tx.rsp_prod_pvt++);
	*rsp = (netif_tx_response_t){.id = id, .status = status};
	pv_touch(v->nb->k, cpu, rsp, sizeof(*rsp), true);
	for (; extras; extras--) {
		rsp = RING_GET_RESPONSE(&v->tx, v->tx.rsp_prod_pvt++);
		rsp->status = NETIF_RSP_NULL;
		pv_touch(v->nb->k, cpu, rsp, sizeof(*rsp), true);
	}
	if (pv_ring_push(v->nb->k, cpu, v->tx.sring, &v->tx.sring->rsp_prod,
			 &v->tx.sring->rsp_event, old, v->tx.rsp_prod_pvt))
		netback_vif_notify(v, cpu);
}

static void refuse(struct netback_vif *v, struct cpu *cpu, const struct tx_request *r)
{
	v->stats.tx_errors++;
	for (unsigned i = 0; i < r->slots; i++)
		netback_tx_respond(v, cpu, r->slot[i].id, NETIF_RSP_ERROR, i ? 0 : r->extras);
}

/* ---- mapping ---- */

/* A pending slot for one request, and its element of the map batch. */
static void take_slot(struct netback_vif *v, struct tx_packet *p, const netif_tx_request_t *req,
		      unsigned extras, unsigned op)
{
	struct netback *nb = v->nb;
	const uint16_t slot = nb->free[nb->free_first];
	struct pending *pending = &nb->pending[slot];
	bool device;

	nb->free_first = (nb->free_first + 1) % NETBACK_PENDING;
	nb->nfree--;
	v->refs++;
	pending->vif = v;
	pending->req = *req;
	pending->extras = (uint16_t)extras;
	pending->status = NETIF_RSP_OKAY;
	p->index[p->slots++] = slot;
	/* A slot that is copied as a whole is read by no device. */
	device = nb->k->device_grants && req->size > (p->slots == 1 ? p->copied : 0);
	nb->map_ops[op] = (struct gnttab_map_grant_ref){
		.host_addr = pv_va(pending->paddr),
		.flags = GNTMAP_host_map | GNTMAP_readonly | (device ? GNTMAP_device_map : 0),
		.ref = req->gref,
		.dom = v->domid,
	};
}

static struct tx_packet *make_packet(struct netback_vif *v, struct cpu *cpu,
				     const struct tx_request *r, unsigned op)
{
	struct netback *nb = v->nb;
	struct tx_packet *p = malloc(sizeof(*p));
	const uint32_t first = r->slot[0].size;

	cpu_charge(cpu, machine_cost(nb->k->machine)->skb_alloc);
	if (!p)
		return NULL;
	*p = (struct tx_packet){.nb = nb, .next = nb->packets, .at = &nb->packets};
	/* With every fragment in use, there is none left for the rest of the first slot. */
	p->copied = first > NETBACK_HEADER && r->slots <= NETIF_FRAGS ? NETBACK_HEADER : first;
	p->header = kmalloc_alloc(nb->k->kmalloc, p->copied + HEADER_OFFSET);
	if (!p->header) {
		free(p);
		return NULL;
	}
	if (p->next)
		p->next->at = &p->next;
	nb->packets = p;
	for (unsigned i = 0; i < r->slots; i++)
		take_slot(v, p, &r->slot[i], i ? 0 : r->extras, op + i);
	return p;
}

/* Look at each status of the packet's maps, the first at @op. True if all pages are there. */
static bool mapped(struct netback *nb, struct cpu *cpu, const struct tx_packet *p, unsigned op)
{
	bool good = true;

	for (unsigned i = 0; i < p->slots; i++) {
		struct pending *pending = &nb->pending[p->index[i]];

		pending->handle = nb->map_ops[op + i].handle;
		if (nb->map_ops[op + i].status == GNTST_okay) {
			nb->stats.tx_maps++;
			if (nb->map_ops[op + i].flags & GNTMAP_device_map) {
				pending->bus = nb->map_ops[op + i].dev_bus_addr;
				pv_set_bus(nb->k, cpu, pending->paddr, pending->bus);
			}
			continue;
		}
		pending->handle = PENDING_UNMAPPED;
		good = false;
	}
	return good;
}

/* ---- up ---- */

static void packet_done(void *ctx, struct cpu *cpu, void *owner)
{
	struct tx_packet *p = owner;
	struct netback *nb = p->nb;

	(void)ctx;
	for (unsigned i = 0; i < p->slots; i++)
		netback_release(nb, cpu, p->index[i]);
	kmalloc_free(nb->k->kmalloc, p->header);
	*p->at = p->next;
	if (p->next)
		p->next->at = p->at;
	free(p);
}

static void fail(struct netback *nb, struct cpu *cpu, struct tx_packet *p)
{
	nb->pending[p->index[0]].vif->stats.tx_errors++;
	for (unsigned i = 0; i < p->slots; i++)
		nb->pending[p->index[i]].status = NETIF_RSP_ERROR;
	packet_done(NULL, cpu, p);
}

/* Copy the first bytes; the rest of the first page and the others stay where they are. */
static void make_frame(struct netback *nb, struct cpu *cpu, struct tx_packet *p,
		       struct net_frame *frame)
{
	const struct pending *first = &nb->pending[p->index[0]];
	const uint16_t offset = first->req.offset;
	const uint32_t copied = p->copied;
	const phys_t to = kmalloc_phys(nb->k->kmalloc, p->header) + HEADER_OFFSET;

	cpu_copy(cpu, to, first->paddr + offset, copied);
	memcpy((uint8_t *)p->header + HEADER_OFFSET,
	       memory_ptr(nb->k->machine->mem, first->paddr + offset, copied), copied);
	frame->piece[0] = (struct net_piece){.paddr = to, .bytes = copied};
	frame->pieces = 1;
	frame->bytes = copied;
	frame->object = NULL;
	frame->lasting = false;
	frame->dma = NULL;
	for (unsigned i = 0; i < p->slots; i++) {
		const struct pending *pending = &nb->pending[p->index[i]];
		const uint32_t skip = i ? 0 : copied;
		const struct net_piece piece = {.paddr =
							pending->paddr + pending->req.offset + skip,
						.bytes = pending->req.size - skip};

		if (piece.bytes)
			frame->piece[frame->pieces++] = piece;
		frame->bytes += piece.bytes;
	}
	frame->release = (struct net_release){.fn = packet_done, .owner = p};
}

static void pass_on(struct netback *nb, struct cpu *cpu, struct tx_packet *p)
{
	struct netback_vif *v = nb->pending[p->index[0]].vif;
	struct net_frame frame;

	if (v->closed || v->disabled || !v->upper.receive) {
		packet_done(NULL, cpu, p);
		return;
	}
	if (p->copied < NET_ETH_BYTES) { /* no Ethernet header in the first slot */
		fail(nb, cpu, p);
		return;
	}
	make_frame(nb, cpu, p, &frame);
	v->stats.tx_frames++;
	v->stats.tx_bytes += frame.bytes;
	v->upper.receive(v->upper.ctx, cpu, &frame);
}

/* ---- the round ---- */

/* Packets for one batch of @packet; the number of their slots in *@ops. */
static unsigned collect(struct netback *nb, struct cpu *cpu, struct tx_packet **packet,
			unsigned *ops)
{
	unsigned count = 0;

	*ops = 0;
	while (nb->nfree > NETIF_FRAGS && *ops + NETIF_FRAGS < MAP_OPS) {
		struct netback_vif *v = next_turn(nb);
		struct tx_request r;

		if (!v)
			break;
		if (v->closed || v->disabled || !netback_parse(v, cpu, &r))
			continue;
		netback_tx_schedule(v);
		cpu_charge(cpu, machine_cost(nb->k->machine)->netback_tx);
		v->stats.tx_slots += r.slots + r.extras;
		packet[count] = r.status == NETIF_RSP_OKAY ? make_packet(v, cpu, &r, *ops) : NULL;
		if (!packet[count]) {
			nb->stats.no_memory += r.status == NETIF_RSP_OKAY;
			refuse(v, cpu, &r);
			continue;
		}
		*ops += r.slots;
		count++;
	}
	return count;
}

static void map_and_pass(struct netback *nb, struct cpu *cpu, struct tx_packet **packet,
			 unsigned count, unsigned ops)
{
	long rc;

	nb->stats.tx_batches++;
	pv_touch(nb->k, cpu, nb->map_ops, ops * sizeof(*nb->map_ops), true);
	rc = pv_hypercall(nb->k, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
			  pv_va(memory_addr(nb->k->machine->mem, nb->map_ops)), ops, 0);
	pv_touch(nb->k, cpu, nb->map_ops, ops * sizeof(*nb->map_ops), false);
	for (unsigned i = 0; rc && i < ops; i++)
		nb->map_ops[i].status = GNTST_general_error;
	for (unsigned i = 0, op = 0; i < count; i++) {
		const unsigned slots = packet[i]->slots;

		if (mapped(nb, cpu, packet[i], op))
			pass_on(nb, cpu, packet[i]);
		else
			fail(nb, cpu, packet[i]);
		op += slots;
	}
}

bool netback_tx_run(void *ctx, struct cpu *cpu)
{
	struct netback *nb = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	struct tx_packet *packet[MAP_OPS];
	unsigned count, ops;
	bool more;

	vlock_acquire_bh(&nb->tx_lock, cpu);
	netback_unmap(nb, cpu);
	for (struct netback_vif *v = nb->vifs; v; v = v->next) {
		if (v->tx_kicked)
			netback_tx_schedule(v);
		v->tx_kicked = false;
	}
	count = collect(nb, cpu, packet, &ops);
	if (count)
		map_and_pass(nb, cpu, packet, count, ops);
	more = nb->ndealloc || (nb->tx_first && nb->nfree > NETIF_FRAGS);
	vlock_release_bh(&nb->tx_lock, cpu);
	cpu_leave(cpu, before);
	return more;
}

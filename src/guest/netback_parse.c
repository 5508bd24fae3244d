/* SPDX-License-Identifier: MIT */
/*
 * One packet's requests (Linux: netbk_get_extras, netbk_count_requests, and the limits of later
 * versions). Everything is copied from the ring once and judged by the copy.
 *
 * A frontend that leaves slots out, crosses a page, uses absurdly many slots or unknown extras
 * breaks the protocol: its interface is disabled. One whose packet merely cannot be sent (too short
 * or too long, fragments that exceed the total, 19 or 20 fragments, an extra we never offered) gets
 * an error for it.
 */
#include <string.h>

#include "guest/netback_internal.h"

/* Requests that have been pushed and not been looked at. Disables the interface if that cannot be.
 */
static unsigned unconsumed(struct netback_vif *v, struct cpu *cpu)
{
	RING_IDX prod;

	prod = pv_ring_look(v->nb->k, cpu, v->tx.sring, &v->tx.sring->req_prod);
	if (!xen_ring_possible(prod, v->tx.req_cons, v->tx.rsp_prod_pvt, RING_SIZE(&v->tx))) {
		netback_vif_disable(v);
		return 0;
	}
	return prod - v->tx.req_cons;
}

/* As RING_FINAL_CHECK_FOR_REQUESTS(), with the index read once each time. */
static unsigned work_to_do(struct netback_vif *v, struct cpu *cpu)
{
	unsigned work;

	cpu_sync(cpu);
	work = unconsumed(v, cpu);
	if (work || v->disabled)
		return work;
	pv_ring_ask(v->nb->k, cpu, &v->tx.sring->req_event, v->tx.req_cons + 1);
	return unconsumed(v, cpu);
}

static void copy_slot(struct netback_vif *v, struct cpu *cpu, void *to)
{
	RING_COPY_REQUEST(&v->tx, v->tx.req_cons, (netif_tx_request_t *)to);
	pv_touch(v->nb->k, cpu, RING_GET_REQUEST(&v->tx, v->tx.req_cons),
		 sizeof(netif_tx_request_t), false);
	v->tx.req_cons++;
}

/* Extras behind the first slot; @left slots have been pushed behind it. False: disabled. */
static bool take_extras(struct netback_vif *v, struct cpu *cpu, struct tx_request *r,
			unsigned *left)
{
	union {
		netif_tx_request_t slot;
		struct netif_extra_info extra;
	} u;

	do {
		if (!*left) {
			netback_vif_disable(v); /* promised, not pushed */
			return false;
		}
		copy_slot(v, cpu, &u.slot);
		r->extras++;
		--*left;
		if (!u.extra.type || u.extra.type >= XEN_NETIF_EXTRA_TYPE_MAX) {
			netback_vif_disable(v);
			return false;
		}
		r->status = NETIF_RSP_ERROR; /* none of them was offered */
	} while (u.extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return true;
}

/* Slots after the first. False: disabled. */
static bool take_fragments(struct netback_vif *v, struct cpu *cpu, struct tx_request *r,
			   unsigned left)
{
	netif_tx_request_t *first = &r->slot[0];
	uint16_t flags = first->flags;

	while (flags & NETTXF_more_data) {
		netif_tx_request_t *slot = &r->slot[r->slots];

		if (!left-- || r->slots > NETIF_SLOTS_HELD) {
			netback_vif_disable(v);
			return false;
		}
		copy_slot(v, cpu, slot);
		flags = slot->flags;
		r->slots++;
		if (slot->offset + slot->size > (int)PAGE_BYTES) {
			netback_vif_disable(v);
			return false;
		}
		if (r->slots > NETIF_FRAGS + 1 || slot->size > first->size)
			r->status = NETIF_RSP_ERROR;
		if (r->status == NETIF_RSP_OKAY)
			first->size = (uint16_t)(first->size - slot->size);
	}
	return true;
}

bool netback_parse(struct netback_vif *v, struct cpu *cpu, struct tx_request *out)
{
	unsigned left = work_to_do(v, cpu), total;
	netif_tx_request_t *first = &out->slot[0];

	if (!left)
		return false;
	*out = (struct tx_request){.slots = 1, .status = NETIF_RSP_OKAY};
	copy_slot(v, cpu, first);
	total = first->size;
	left--;
	if ((first->flags & NETTXF_extra_info) && !take_extras(v, cpu, out, &left))
		return false;
	if (!take_fragments(v, cpu, out, left))
		return false;
	if (total < NET_ETH_BYTES || total > NET_FRAME_MAX)
		out->status = NETIF_RSP_ERROR;
	if (out->status == NETIF_RSP_OKAY && first->offset + first->size > (int)PAGE_BYTES) {
		netback_vif_disable(v);
		return false;
	}
	return true;
}

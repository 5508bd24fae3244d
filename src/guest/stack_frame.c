/* SPDX-License-Identifier: MIT */
/*
 * Frames: what kind they are, and the way down: what they are charged, and where they go (Linux:
 * dev_queue_xmit).
 */
#include "guest/stack_internal.h"

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)stack_get16(p) << 16 | stack_get16(p + 2);
}

/* Fills @info; false and FRAME_OTHER for what is not well-formed TCP over IPv4. */
bool frame_parse(const void *frame, size_t bytes, struct frame_info *info)
{
	const uint8_t *ip = (const uint8_t *)frame + NET_ETH_BYTES, *tcp;
	size_t ip_bytes, tcp_bytes, total;

	*info = (struct frame_info){.kind = FRAME_OTHER};
	if (bytes < STACK_HEADER_BYTES ||
	    stack_get16((const uint8_t *)frame + 12) != STACK_ETHERTYPE_IP4)
		return false;
	ip_bytes = (ip[0] & 0xfu) * 4u;
	total = stack_get16(ip + 2);
	if (ip[0] >> 4 != 4 || ip_bytes < STACK_IP_BYTES || ip[9] != IP_PROTO_TCP ||
	    total > bytes - NET_ETH_BYTES || total < ip_bytes + STACK_TCP_BYTES)
		return false;
	if (stack_get16(ip + 6) & 0x3fff) /* a fragment */
		return false;
	tcp = ip + ip_bytes;
	tcp_bytes = (tcp[12] >> 4) * 4u;
	if (tcp_bytes < STACK_TCP_BYTES || ip_bytes + tcp_bytes > total)
		return false;
	info->tcp = true;
	info->src_ip = get32(ip + 12);
	info->dst_ip = get32(ip + 16);
	info->src_port = stack_get16(tcp);
	info->dst_port = stack_get16(tcp + 2);
	info->seq = get32(tcp + 4);
	info->payload_bytes = (uint32_t)(total - ip_bytes - tcp_bytes);
	info->kind = info->payload_bytes ? FRAME_DATA : FRAME_ACK;
	return true;
}

/* ---- down ---- */

static void count_sent(struct netstack *ns, const struct frame_info *info)
{
	struct socket *s;
	uint32_t end;

	if (info->kind == FRAME_ACK)
		ns->stats.tx_acks++;
	if (info->kind == FRAME_OTHER)
		ns->stats.tx_other++;
	if (info->kind != FRAME_DATA)
		return;
	ns->stats.tx_data++;
	s = socket_find(ns, info->dst_ip, info->dst_port, info->src_port);
	if (!s)
		return;
	end = info->seq + info->payload_bytes;
	if (s->sent_any && (int32_t)(end - s->sent_up_to) <= 0) {
		ns->stats.retransmits++;
		return;
	}
	s->sent_any = true;
	s->sent_up_to = end;
}

/* @p as one piece of the machine's memory, with a reference of its own; NULL without memory. */
static struct pbuf *linear(struct netstack *ns, struct pbuf *p)
{
	if (p->next || !memory_owns(ns->machine->mem, p->payload))
		return ns->fn->pbuf_clone(PBUF_RAW_TX, PBUF_RAM, p);
	ns->fn->pbuf_ref(p);
	return p;
}

static void frame_done(void *ctx, struct cpu *cpu, void *owner)
{
	const struct netstack *ns = ctx;

	(void)cpu;
	ns->fn->pbuf_free(owner);
}

err_t stack_linkoutput(struct netif *netif, struct pbuf *p)
{
	struct netstack *ns = netif->state;
	struct cpu *cpu = cpu_current(ns->machine);
	const struct cost *cost = machine_cost(ns->machine);
	struct frame_info info;
	struct net_frame frame;
	struct pbuf *q;
	enum charge before;

	if (!ns->dev.ops)
		return ERR_IF;
	q = linear(ns, p);
	if (!q) {
		ns->stats.tx_dropped++;
		return ERR_MEM;
	}
	frame.piece[0] = (struct net_piece){.paddr = memory_addr(ns->machine->mem, q->payload),
					    .bytes = q->tot_len};
	frame.pieces = 1;
	frame.bytes = q->tot_len;
	frame.object = NULL;
	frame.lasting = false;
	frame.dma = NULL;
	frame.release = (struct net_release){.fn = frame_done, .ctx = ns, .owner = q};
	frame_parse(q->payload, frame.bytes, &info);
	before = cpu_enter(cpu, CHARGE_STACK);
	cpu_charge(cpu, info.kind == FRAME_DATA ? cost->tx_segment : cost->tx_ack);
	cpu_touch(cpu, frame.piece[0].paddr, STACK_HEADER_BYTES, true);
	cpu_leave(cpu, before);
	if (ns->dev.ops->xmit(ns->dev.ctx, cpu, &frame)) {
		/* lwIP keeps the segment and tries again later, as Linux does on NET_XMIT_DROP. */
		ns->stats.tx_dropped++;
		ns->fn->pbuf_free(q);
		return ERR_MEM;
	}
	count_sent(ns, &info);
	return ERR_OK;
}

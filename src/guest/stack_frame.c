/* SPDX-License-Identifier: MIT */
/*
 * Frames on their way through the stack: what kind they are, what they are charged, and where
 * they go (Linux: netif_receive_skb and tcp_v4_rcv on the way up, dev_queue_xmit on the way
 * down).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/stack_internal.h"

#define ETH_BYTES     NET_ETH_BYTES
#define RX_OFFSET     2u /* of a frame in an object of ours: its IP header is aligned */
#define ETHERTYPE_IP4 0x0800u
#define IP_MIN_BYTES  20u
#define TCP_MIN_BYTES 20u
/* Ethernet, IPv4 and TCP headers: what protocol work reads and writes of a frame. */
#define HEADER_BYTES (ETH_BYTES + IP_MIN_BYTES + TCP_MIN_BYTES)

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Fills @info; false and FRAME_OTHER for what is not well-formed TCP over IPv4. */
bool frame_parse(const void *frame, size_t bytes, struct frame_info *info)
{
	const uint8_t *ip = (const uint8_t *)frame + ETH_BYTES, *tcp;
	size_t ip_bytes, tcp_bytes, total;

	*info = (struct frame_info){.kind = FRAME_OTHER};
	if (bytes < HEADER_BYTES || get16((const uint8_t *)frame + 12) != ETHERTYPE_IP4)
		return false;
	ip_bytes = (ip[0] & 0xfu) * 4u;
	total = get16(ip + 2);
	if (ip[0] >> 4 != 4 || ip_bytes < IP_MIN_BYTES || ip[9] != IP_PROTO_TCP ||
	    total > bytes - ETH_BYTES || total < ip_bytes + TCP_MIN_BYTES)
		return false;
	if (get16(ip + 6) & 0x3fff) /* a fragment */
		return false;
	tcp = ip + ip_bytes;
	tcp_bytes = (tcp[12] >> 4) * 4u;
	if (tcp_bytes < TCP_MIN_BYTES || ip_bytes + tcp_bytes > total)
		return false;
	info->tcp = true;
	info->src_ip = get32(ip + 12);
	info->dst_ip = get32(ip + 16);
	info->src_port = get16(tcp);
	info->dst_port = get16(tcp + 2);
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
	frame.release = (struct net_release){.fn = frame_done, .ctx = ns, .owner = q};
	frame_parse(q->payload, frame.bytes, &info);
	before = cpu_enter(cpu, CHARGE_STACK);
	cpu_charge(cpu, info.kind == FRAME_DATA ? cost->tx_segment : cost->tx_ack);
	cpu_touch(cpu, frame.piece[0].paddr, HEADER_BYTES, true);
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

/* ---- up ---- */

static void rx_free(struct pbuf *p)
{
	struct rx_frame *f = (struct rx_frame *)p;
	struct netstack *ns = f->ns;

	f->release.fn(f->release.ctx, cpu_current(ns->machine), f->release.owner);
	ns->stats.rx_live--;
	f->next = ns->free_rx;
	ns->free_rx = f;
}

static struct rx_frame *rx_take(struct netstack *ns)
{
	struct rx_frame *f = ns->free_rx;

	if (f) {
		ns->free_rx = f->next;
		return f;
	}
	f = malloc(sizeof(*f));
	if (f) {
		f->all_next = ns->all_rx;
		ns->all_rx = f;
	}
	return f;
}

static struct rx_frame *rx_new(struct netstack *ns, const struct net_frame *frame, void *bytes)
{
	struct rx_frame *f = rx_take(ns);

	if (!f)
		return NULL;
	f->ns = ns;
	f->release = frame->release;
	f->next = NULL;
	f->paddr = frame->piece[0].paddr;
	f->bytes = frame->bytes;
	f->custom.custom_free_function = rx_free;
	if (!ns->fn->pbuf_alloced_custom(PBUF_RAW, (u16_t)f->bytes, PBUF_REF, &f->custom, bytes,
					 (u16_t)f->bytes)) {
		f->next = ns->free_rx;
		ns->free_rx = f;
		return NULL;
	}
	ns->stats.rx_live++;
	return f;
}

void stack_free_rx_frames(struct netstack *ns)
{
	while (ns->all_rx) {
		struct rx_frame *f = ns->all_rx;

		ns->all_rx = f->all_next;
		free(f);
	}
}

void stack_input(struct netstack *ns, struct cpu *cpu, struct rx_frame *f)
{
	const struct cost *cost = machine_cost(ns->machine);

	cpu_charge(cpu, f->kind == FRAME_DATA ? cost->rx_segment : cost->rx_ack);
	cpu_touch(cpu, f->paddr, HEADER_BYTES < f->bytes ? HEADER_BYTES : f->bytes, false);
	if (ns->fn->ethernet_input(&f->custom.pbuf, &ns->netif) != ERR_OK)
		ns->fn->pbuf_free(&f->custom.pbuf);
}

static void input_alone(struct netstack *ns, struct cpu *cpu, struct rx_frame *f)
{
	stack_enter(ns, cpu);
	stack_input(ns, cpu, f);
	stack_leave(ns, cpu);
}

/* A frame of one piece, which stays where it is until the stack has done with it. */
static void receive_in_place(struct netstack *ns, struct cpu *cpu, const struct net_frame *frame)
{
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	const size_t bytes = frame->bytes;
	struct frame_info info;
	struct socket *s = NULL;
	struct rx_frame *f = NULL;
	void *at = NULL;

	if (bytes && bytes <= NET_FRAME_MAX) {
		at = memory_ptr(ns->machine->mem, frame->piece[0].paddr, bytes);
		f = rx_new(ns, frame, at);
	}
	if (!f) {
		ns->stats.rx_dropped++;
		net_frame_done(frame, cpu);
		goto out;
	}
	/* Which protocol and which socket: the headers are read here, wherever the work is done. */
	cpu_touch(cpu, f->paddr, HEADER_BYTES < bytes ? HEADER_BYTES : bytes, false);
	frame_parse(at, bytes, &info);
	f->kind = info.kind;
	ns->stats.rx_data += info.kind == FRAME_DATA;
	ns->stats.rx_acks += info.kind == FRAME_ACK;
	ns->stats.rx_other += info.kind == FRAME_OTHER;
	if (info.tcp)
		s = socket_find(ns, info.src_ip, info.src_port, info.dst_port);
	if (!s) {
		input_alone(ns, cpu, f);
	} else {
		socket_get(s);
		if (!socket_backlog(s, cpu, f)) {
			input_alone(ns, cpu, f);
			vlock_release_bh(&s->lock, cpu);
		}
		socket_put(s);
	}
out:
	cpu_leave(cpu, before);
}

/* The bytes of @frame as one object of this stack's own; NULL without memory. */
static void *gather(struct netstack *ns, struct cpu *cpu, const struct net_frame *frame)
{
	struct memory *mem = ns->machine->mem;
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	uint32_t at = 0;
	uint8_t *object;

	cpu_charge(cpu, machine_cost(ns->machine)->skb_alloc);
	cpu_leave(cpu, before);
	object = kmalloc_alloc(ns->kmalloc, RX_OFFSET + frame->bytes);
	for (unsigned i = 0; object && i < frame->pieces; i++) {
		const struct net_piece *p = &frame->piece[i];

		cpu_copy(cpu, kmalloc_phys(ns->kmalloc, object) + RX_OFFSET + at, p->paddr,
			 p->bytes);
		memcpy(object + RX_OFFSET + at, memory_ptr(mem, p->paddr, p->bytes), p->bytes);
		at += p->bytes;
	}
	return object;
}

static void free_object(void *ctx, struct cpu *cpu, void *owner)
{
	(void)cpu;
	kmalloc_free(ctx, owner);
}

static void receive(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct netstack *ns = ctx;
	struct net_frame mine = *frame;

	if (!frame->object && !frame->lasting) {
		mine.object = gather(ns, cpu, frame);
		net_frame_done(frame, cpu);
		if (!mine.object) {
			ns->stats.rx_dropped++;
			return;
		}
		mine.piece[0] = (struct net_piece){.paddr = kmalloc_phys(ns->kmalloc, mine.object) +
							    RX_OFFSET,
						   .bytes = frame->bytes};
	}
	if (mine.object)
		mine.release = (struct net_release){
			.fn = free_object, .ctx = ns->kmalloc, .owner = mine.object};
	receive_in_place(ns, cpu, &mine);
}

struct net_upper netstack_upper(struct netstack *ns)
{
	return (struct net_upper){.receive = receive, .ctx = ns};
}

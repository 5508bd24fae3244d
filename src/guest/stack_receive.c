/* SPDX-License-Identifier: MIT */
/*
 * Frames on their way up through the stack: what they are charged, and where they go (Linux:
 * netif_receive_skb and tcp_v4_rcv).
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "guest/stack_internal.h"

#define RX_OFFSET 2u /* of a frame in an object of ours: its IP header is aligned */
/* With all the options there can be. */
#define HEADERS_MAX (NET_ETH_BYTES + 60u + 60u)

static void part_freed(struct rx_frame *f)
{
	struct netstack *ns = f->ns;

	if (--f->parts)
		return;
	kmalloc_free(ns->kmalloc, f->headers);
	f->release.fn(f->release.ctx, cpu_current(ns->machine), f->release.owner);
	ns->stats.rx_live--;
	f->next = ns->free_rx;
	ns->free_rx = f;
}

static void rx_free(struct pbuf *p)
{
	part_freed((struct rx_frame *)p);
}

static void rest_free(struct pbuf *p)
{
	part_freed((struct rx_frame *)((char *)p - offsetof(struct rx_frame, rest)));
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

/* A pbuf over [paddr, paddr + bytes). */
static struct pbuf *pbuf_over(struct netstack *ns, struct pbuf_custom *custom, phys_t paddr,
			      size_t bytes, void (*freed)(struct pbuf *p))
{
	custom->custom_free_function = freed;
	return ns->fn->pbuf_alloced_custom(PBUF_RAW, (u16_t)bytes, PBUF_REF, custom,
					   memory_ptr(ns->machine->mem, paddr, bytes),
					   (u16_t)bytes);
}

/* @copied: of so many bytes, all headers, there is a copy in @headers, from RX_OFFSET on. */
static struct rx_frame *rx_new(struct netstack *ns, const struct net_frame *frame, void *headers,
			       size_t copied)
{
	const phys_t paddr = frame->piece[0].paddr;
	const size_t rest = copied ? frame->bytes - copied : 0;
	struct rx_frame *f = rx_take(ns);
	struct pbuf *p, *q = NULL;

	if (!f)
		return NULL;
	f->ns = ns;
	f->release = frame->release;
	f->headers = copied ? headers : NULL;
	f->next = NULL;
	f->paddr = copied ? kmalloc_phys(ns->kmalloc, headers) + RX_OFFSET : paddr;
	f->bytes = frame->bytes;
	f->parts = rest ? 2 : 1;
	p = pbuf_over(ns, &f->custom, f->paddr, f->bytes - rest, rx_free);
	if (p && rest)
		q = pbuf_over(ns, &f->rest, paddr + copied, rest, rest_free);
	if (!p || (rest && !q)) {
		f->next = ns->free_rx;
		ns->free_rx = f;
		return NULL;
	}
	p->next = q;
	p->tot_len = (u16_t)f->bytes;
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
	cpu_touch(cpu, f->paddr, STACK_HEADER_BYTES < f->bytes ? STACK_HEADER_BYTES : f->bytes,
		  false);
	if (ns->fn->ethernet_input(&f->custom.pbuf, &ns->netif) != ERR_OK)
		ns->fn->pbuf_free(&f->custom.pbuf);
}

static void input_alone(struct netstack *ns, struct cpu *cpu, struct rx_frame *f)
{
	stack_enter(ns, cpu);
	stack_input(ns, cpu, f);
	stack_leave(ns, cpu);
}

/* How many bytes of headers there are, as far as @have of them say; 0: it is no TCP over IPv4. */
static size_t header_bytes(const uint8_t *frame, size_t have)
{
	size_t tcp;

	if (stack_get16(frame + 12) != STACK_ETHERTYPE_IP4 ||
	    frame[NET_ETH_BYTES + 9] != IP_PROTO_TCP)
		return 0;
	tcp = NET_ETH_BYTES + (frame[NET_ETH_BYTES] & 0xfu) * 4u;
	if (tcp < NET_ETH_BYTES + STACK_IP_BYTES)
		return 0;
	if (tcp + STACK_TCP_BYTES > have)
		return tcp + STACK_TCP_BYTES;
	return tcp + (frame[tcp + 12] >> 4) * 4u;
}

/*
 * The device may go on changing @frame: its headers are copied to @object, each byte once, before
 * anything is decided by them, as DAMN has it (Markuze and others, ASPLOS 2018); how far they go is
 * said by what was copied. How many bytes; 0: it has no headers that we know.
 */
static size_t copy_headers(struct netstack *ns, const struct net_frame *frame, uint8_t *object)
{
	const phys_t to = kmalloc_phys(ns->kmalloc, object) + RX_OFFSET;
	const phys_t from = frame->piece[0].paddr;
	size_t have = 0, want = STACK_HEADER_BYTES;

	while (want > have) {
		if (want > frame->bytes)
			return 0;
		iotoll_dma_buffer_copy(frame->dma, IOTOLL_PHYS(to + have), IOTOLL_PHYS(from + have),
				       want - have);
		have = want;
		want = header_bytes(object + RX_OFFSET, have);
	}
	return want < STACK_HEADER_BYTES ? 0 : have;
}

/*
 * A frame of one piece, which stays where it is until the stack has done with it; of @headers,
 * @copied bytes are used in place of its own.
 */
static void receive_in_place(struct netstack *ns, struct cpu *cpu, const struct net_frame *frame,
			     void *headers, size_t copied)
{
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	const size_t bytes = frame->bytes;
	struct frame_info info;
	struct socket *s = NULL;
	struct rx_frame *f = NULL;

	if (bytes && bytes <= NET_FRAME_MAX)
		f = rx_new(ns, frame, headers, copied);
	if (!f) {
		ns->stats.rx_dropped++;
		kmalloc_free(ns->kmalloc, headers);
		net_frame_done(frame, cpu);
		goto out;
	}
	/* Which protocol and which socket: the headers are read here, wherever the work is done. */
	cpu_touch(cpu, f->paddr, STACK_HEADER_BYTES < bytes ? STACK_HEADER_BYTES : bytes, false);
	frame_parse(memory_ptr(ns->machine->mem, f->paddr, f->custom.pbuf.len), bytes, &info);
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

/* As one piece of the kernel's own memory, for whoever cannot leave it where it is. */
static void receive_copy(struct netstack *ns, struct cpu *cpu, const struct net_frame *frame)
{
	struct net_frame mine = *frame;

	mine.object = gather(ns, cpu, frame);
	net_frame_done(frame, cpu);
	if (!mine.object) {
		ns->stats.rx_dropped++;
		return;
	}
	mine.piece[0] = (struct net_piece){
		.paddr = kmalloc_phys(ns->kmalloc, mine.object) + RX_OFFSET, .bytes = frame->bytes};
	mine.release =
		(struct net_release){.fn = free_object, .ctx = ns->kmalloc, .owner = mine.object};
	receive_in_place(ns, cpu, &mine, NULL, 0);
}

/* In a buffer that its device may still write to. */
static void receive_guarded(struct netstack *ns, struct cpu *cpu, const struct net_frame *frame)
{
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	uint8_t *headers = kmalloc_alloc(ns->kmalloc, RX_OFFSET + HEADERS_MAX);
	const size_t n = headers ? copy_headers(ns, frame, headers) : 0;

	cpu_leave(cpu, before);
	if (n) {
		receive_in_place(ns, cpu, frame, headers, n);
		return;
	}
	kmalloc_free(ns->kmalloc, headers);
	receive_copy(ns, cpu, frame);
}

static void receive(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct netstack *ns = ctx;
	struct net_frame mine = *frame;

	if (frame->dma && iotoll_dma_buffer_changes(frame->dma, IOTOLL_PHYS(frame->piece[0].paddr)))
		receive_guarded(ns, cpu, frame);
	else if (!frame->object && !frame->lasting)
		receive_copy(ns, cpu, frame);
	else {
		if (frame->object)
			mine.release = (struct net_release){
				.fn = free_object, .ctx = ns->kmalloc, .owner = frame->object};
		receive_in_place(ns, cpu, &mine, NULL, 0);
	}
}

struct net_upper netstack_upper(struct netstack *ns)
{
	return (struct net_upper){.receive = receive, .ctx = ns};
}

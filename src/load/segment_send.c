/* SPDX-License-Identifier: MIT */
/*
 * Sending segments: a message is copied into memory of the kernel's, which stays until it is
 * acknowledged, and handed to the NIC as one packet or segment by segment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/dma_buffer.h"
#include "load/segment_internal.h"

_Static_assert(NET_PIECES <= 32, "a bit for each piece");

/* A header has room for itself: a buffer of its own, mapped on its own. */
#define HEADER_ROOM 64u
#define PAYLOAD_MAX 65536u

/* ---- chunks ---- */

static struct page_list *list_of(struct segment_load *l)
{
	return &l->list[cpu_id(cpu_current(l->machine))];
}

static int get_run(struct segment_load *l, phys_t *out)
{
	struct page_list *list = list_of(l);

	if (!list->count)
		return memory_alloc(l->machine->mem, l->value[SEND_PAGES], PAGE_BYTES, 0, out);
	*out = list->run[--list->count];
	return 0;
}

static void put_run(struct segment_load *l, phys_t run)
{
	struct page_list *list = list_of(l);

	if (list->count == SEGMENT_LIST_RUNS)
		memory_free(l->machine->mem, run, l->value[SEND_PAGES]);
	else
		list->run[list->count++] = run;
}

/* For piece @i of @c: the DMA API's memory for the NIC, where it has some. */
static int get_memory(struct segment_load *l, struct chunk *c, unsigned i)
{
	iotoll_phys_t paddr;

	if (!l->ends.dma ||
	    !iotoll_dma_buffer_alloc(l->ends.dma, (size_t)l->value[SEND_PAGES] * PAGE_BYTES,
				     IOTOLL_DMA_TO_DEVICE, NULL, &paddr))
		return get_run(l, &c->packet.piece[i].paddr);
	c->packet.piece[i].paddr = IOTOLL_PHYS_U64(paddr);
	c->buffers |= UINT32_C(1) << i;
	return 0;
}

static void free_pieces(struct segment_load *l, struct chunk *c)
{
	for (unsigned i = 1; i < c->packet.pieces; i++) {
		const phys_t paddr = c->packet.piece[i].paddr;

		if (c->buffers >> i & 1)
			iotoll_dma_buffer_free(l->ends.dma, IOTOLL_PHYS(paddr));
		else
			put_run(l, paddr);
	}
	dma_buffer_put(l->ends.kmalloc, l->ends.dma, c->header);
	c->next = l->free_chunks;
	l->free_chunks = c;
}

static void put_if_over(struct chunk *c)
{
	if (c->acked && !c->under_way)
		free_pieces(c->flow->load, c);
}

void segment_free_chunks(struct segment_load *l)
{
	while (l->chunks) {
		struct chunk *c = l->chunks;

		l->chunks = c->next_all;
		free(c);
	}
}

static struct chunk *take_chunk(struct segment_load *l)
{
	struct chunk *c = l->free_chunks;

	if (c) {
		l->free_chunks = c->next;
		return c;
	}
	c = malloc(sizeof(*c));
	if (c) {
		c->next_all = l->chunks;
		l->chunks = c;
	}
	return c;
}

static int get_pieces(struct segment_load *l, struct chunk *c)
{
	const uint32_t most = (uint32_t)l->value[SEND_PAGES] * PAGE_BYTES;
	struct mqnic_packet *p = &c->packet;
	uint32_t left = c->bytes;

	p->piece[0] = (struct net_piece){.paddr = kmalloc_phys(l->ends.kmalloc, c->header),
					 .bytes = SEGMENT_HEADER_BYTES};
	p->pieces = 1;
	p->bytes = SEGMENT_HEADER_BYTES + c->bytes;
	while (left) {
		struct net_piece *to = &p->piece[p->pieces];

		to->bytes = left < most ? left : most;
		if (get_memory(l, c, p->pieces))
			return -ENOMEM;
		p->pieces++;
		left -= to->bytes;
	}
	return 0;
}

/* The packet's memory and headers, without its data. NULL: no memory. */
static struct chunk *new_chunk(struct segment_flow *f, uint64_t at, uint32_t bytes, bool push)
{
	struct segment_load *l = f->load;
	const struct segment s = {
		.sport = l->ends.path.sport,
		.dport = l->ends.port[f->number],
		.seq = (uint32_t)at,
		.window = l->ends.window,
		.flags = SEGMENT_FLAG_ACK | (push ? SEGMENT_FLAG_PSH : 0),
		.payload = bytes,
	};
	struct chunk *c = take_chunk(l);

	if (!c)
		return NULL;
	*c = (struct chunk){.next_all = c->next_all, .flow = f, .at = at, .bytes = bytes};
	c->packet.mss = bytes > l->ends.mss ? (uint16_t)l->ends.mss : 0;
	c->header = dma_buffer_get(l->ends.kmalloc, l->ends.dma, HEADER_ROOM);
	if (!c->header || get_pieces(l, c)) {
		free_pieces(l, c);
		return NULL;
	}
	segment_pack(c->header, &l->ends.path, &s);
	return c;
}

/* ---- to the NIC ---- */

static int submit(struct chunk *c, struct cpu *cpu);

static void on_done(void *ctx, struct cpu *cpu, void *owner, int status)
{
	struct segment_load *l = ctx;
	struct chunk *c = owner;

	c->under_way = 0;
	if (status && !c->acked) {
		if (++c->resent > SEGMENT_RESENDS) {
			segment_fail(c->flow, status, "the NIC cannot read what is sent");
			return;
		}
		l->resent++;
		submit(c, cpu);
		return;
	}
	put_if_over(c);
}

static int submit(struct chunk *c, struct cpu *cpu)
{
	struct segment_load *l = c->flow->load;
	int rc;

	c->packet.done = on_done;
	c->packet.ctx = l;
	c->packet.owner = c;
	c->under_way = 1;
	rc = mqnic_driver_xmit(l->ends.driver, cpu, mqnic_driver_queue(l->ends.driver, cpu),
			       &c->packet, false);
	if (rc) {
		c->under_way = 0;
		c->flow->resend_all = true; /* room() will find it */
	}
	return rc;
}

/* All that is not on the NIC any more, oldest first. */
static void resend(struct segment_flow *f, struct cpu *cpu)
{
	f->resend_all = false;
	for (struct chunk *c = f->first; c && !f->resend_all; c = c->next) {
		if (c->under_way)
			continue;
		f->load->resent++;
		cpu_charge(cpu, machine_cost(f->load->machine)->tx_segment);
		submit(c, cpu);
	}
}

void segment_room(struct segment_load *l, struct cpu *cpu)
{
	for (unsigned i = 0; i < l->ends.flows; i++) {
		struct segment_flow *f = &l->flow[i];

		if (f->resend_all) {
			vlock_acquire_bh(&f->lock, cpu);
			resend(f, cpu);
			vlock_release_bh(&f->lock, cpu);
		}
	}
}

void segment_acked(struct segment_flow *f, struct cpu *cpu, const struct segment *s)
{
	const uint32_t fresh = s->ack - (uint32_t)f->una;

	vlock_acquire_bh(&f->lock, cpu);
	cpu_charge(cpu, machine_cost(f->load->machine)->rx_ack);
	if (fresh <= f->next - f->una) {
		f->window = s->window;
		if (!fresh && f->first && f->una >= f->recover) {
			f->recover = f->next;
			resend(f, cpu);
		}
		f->una += fresh;
		while (f->first && f->first->at + f->first->bytes <= f->una) {
			struct chunk *c = f->first;

			f->first = c->next;
			c->acked = true;
			put_if_over(c);
		}
		if (fresh)
			waitq_wake(&f->wait, cpu);
	}
	vlock_release_bh(&f->lock, cpu);
}

/* ---- the program ---- */

/* The user's bytes for @c, which begins @skip bytes into the message. */
static void fill(struct segment_flow *f, struct cpu *cpu, struct chunk *c, uint32_t skip)
{
	struct memory *mem = f->load->machine->mem;
	phys_t from = f->user + skip;

	for (unsigned i = 1; i < c->packet.pieces; i++) {
		const struct net_piece *p = &c->packet.piece[i];

		cpu_copy(cpu, p->paddr, from, p->bytes);
		memcpy(memory_ptr(mem, p->paddr, p->bytes), memory_ptr(mem, from, p->bytes),
		       p->bytes);
		from += p->bytes;
		cpu_sync(cpu);
	}
	cpu_touch(cpu, c->packet.piece[0].paddr, SEGMENT_HEADER_BYTES, true);
}

static void wait_for_window(struct segment_flow *f, struct cpu *cpu, uint32_t bytes)
{
	cpu_sync(cpu);
	while (!f->load->stopping && (f->resend_all || f->next + bytes - f->una > f->window))
		waitq_wait(&f->wait, cpu);
}

/* One packet of the message, @skip bytes into it. False: no memory, or the run is over. */
static bool send_chunk(struct segment_flow *f, struct cpu *cpu, uint32_t skip, uint32_t bytes,
		       bool push)
{
	const struct cost *cost = machine_cost(f->load->machine);
	struct chunk *c;

	wait_for_window(f, cpu, bytes);
	if (f->load->stopping)
		return false;
	cpu_charge(cpu, cost->skb_alloc);
	c = new_chunk(f, f->next, bytes, push);
	if (!c) {
		segment_fail(f, -ENOMEM, "send");
		return false;
	}
	fill(f, cpu, c, skip);
	vlock_acquire_bh(&f->lock, cpu);
	cpu_charge(cpu, cost->tx_segment);
	if (f->first)
		f->last->next = c;
	else
		f->first = c;
	f->last = c;
	f->next += bytes;
	submit(c, cpu);
	vlock_release_bh(&f->lock, cpu);
	return true;
}

/* The message's bytes are those that belong there: made outside of virtual time. */
static void compose(struct segment_flow *f)
{
	uint8_t *to = memory_ptr(f->load->machine->mem, f->user, f->user_bytes);
	size_t at = 0;

	while (at < f->user_bytes) {
		const size_t left = f->user_bytes - at;
		const size_t n = left < f->load->ends.period ? left : f->load->ends.period;

		memcpy(to + at, segment_data(f, f->next + at), n);
		at += n;
	}
}

static bool send_message(struct segment_flow *f, struct cpu *cpu)
{
	const struct segment_load *l = f->load;
	const struct cost *cost = machine_cost(l->machine);
	const uint32_t most = l->value[TSO] ? PAYLOAD_MAX - 2 * PAGE_BYTES : l->ends.mss;
	const enum charge before = cpu_enter(cpu, CHARGE_MODE_SWITCH);
	uint32_t at = 0;
	bool ok = true;

	cpu_charge(cpu, cost->syscall);
	cpu_enter(cpu, CHARGE_STACK);
	cpu_charge(cpu, cost->socket_send);
	while (ok && at < f->user_bytes) {
		const uint32_t left = (uint32_t)f->user_bytes - at;
		const uint32_t n = left < most ? left : most;

		ok = send_chunk(f, cpu, at, n, at + n == f->user_bytes);
		at += n;
	}
	cpu_leave(cpu, before);
	return ok;
}

void segment_writer(void *ctx)
{
	struct segment_flow *f = ctx;
	const uint64_t app_call = machine_cost(f->load->machine)->app_call;

	while (!f->load->stopping) {
		cpu_charge(f->cpu, app_call);
		compose(f);
		if (send_message(f, f->cpu)) {
			f->count.bytes += f->user_bytes;
			f->count.calls++;
		}
		cpu_sync(f->cpu);
		task_preempt_point(task_current(f->cpu));
	}
	f->done = true;
}

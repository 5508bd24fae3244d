/* SPDX-License-Identifier: MIT */
/*
 * Receiving into chunks: a frame waits until the pages it lies in are unmapped, all of them by one
 * call, and so nobody above looks at what the NIC could still change. F&S (SOSP 2024) unmaps a
 * descriptor of 64 pages as one; that frames wait for it is ours. When the line falls silent what
 * waits is copied, and the rest of the chunk goes on. So are short frames, acknowledgements above
 * all, with nothing before them: as tg3's driver does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/mqnic_driver_internal.h"

#define COPY_AT_ONCE 256u /* RX_COPY_THRESHOLD of tg3 */

/* All frames are of one chunk: entries come back in order. */
struct rx_hold {
	struct driver_queue *q;
	struct mqnic_frame *frame;
	unsigned count;
	uint64_t last_ps; /* when the newest came */
	struct event event;
	struct irq irq;
	struct softirq softirq;
};

static void put_pieces(struct mqnic_driver *d, const struct mqnic_frame *frame)
{
	for (unsigned i = 0; i < frame->pieces; i++)
		mqnic_driver_put(d, frame->piece[i].page);
}

/* Copy @from, piece by piece, into pages that the NIC has never seen. False: out of memory. */
static bool copy(struct mqnic_driver *d, struct cpu *cpu, const struct mqnic_frame *from,
		 struct mqnic_frame *to)
{
	struct memory *mem = d->machine->mem;

	*to = *from;
	for (to->pieces = 0; to->pieces < from->pieces; to->pieces++) {
		const unsigned i = to->pieces;
		const uint32_t bytes = from->piece[i].bytes;
		struct mqnic_page *page = mqnic_driver_page_new(d);

		if (!page) {
			put_pieces(d, to);
			return false;
		}
		to->piece[i].page = page;
		to->piece[i].paddr = page->paddr;
		cpu_copy(cpu, page->paddr, from->piece[i].paddr, bytes);
		memcpy(memory_ptr(mem, page->paddr, bytes),
		       memory_ptr(mem, from->piece[i].paddr, bytes), bytes);
	}
	return true;
}

static void hand_up_copy(struct driver_queue *q, struct cpu *cpu, const struct mqnic_frame *frame)
{
	struct mqnic_driver *d = q->driver;
	struct mqnic_frame mine;
	const bool copied = copy(d, cpu, frame, &mine);

	put_pieces(d, frame);
	d->stats.rx_no_memory += !copied;
	d->stats.rx_copied += copied;
	if (copied)
		mqnic_driver_hand_up(q, cpu, &mine);
}

void mqnic_driver_hold(struct driver_queue *q, struct cpu *cpu, const struct mqnic_frame *frame)
{
	struct rx_hold *h = q->rx.hold;

	if (frame->bytes <= COPY_AT_ONCE && !h->count) {
		hand_up_copy(q, cpu, frame);
		return;
	}
	h->frame[h->count++] = *frame;
	h->last_ps = machine_now(q->driver->machine);
}

void mqnic_driver_hold_up(struct driver_queue *q, struct cpu *cpu)
{
	struct rx_hold *h = q->rx.hold;
	const unsigned n = h->count;

	h->count = 0;
	for (unsigned i = 0; i < n; i++)
		mqnic_driver_hand_up(q, cpu, &h->frame[i]);
}

/* ---- when none comes any more ---- */

/* A high-resolution timer: one store to the CPU's own APIC starts it anew. */
void mqnic_driver_hold_polled(struct driver_queue *q, struct cpu *cpu)
{
	struct rx_hold *h = q->rx.hold;
	struct machine *m = q->driver->machine;

	if (!h->count)
		return;
	cpu_charge(cpu, machine_cost(m)->mmio_write);
	sim_schedule(m->sim, &h->event, h->last_ps + q->driver->config.rx_hold_ps);
}

static void hand_up_copies(struct driver_queue *q, struct cpu *cpu)
{
	struct rx_hold *h = q->rx.hold;
	struct mqnic_driver *d = q->driver;
	const unsigned n = h->count;

	h->count = 0;
	for (unsigned i = 0; i < n; i++)
		hand_up_copy(q, cpu, &h->frame[i]);
	if (d->upper.polled)
		d->upper.polled(d->upper.ctx, cpu, q->number);
}

/* If a frame has come since the timer went off, a poll is under way, which starts it again. */
static bool silent(void *ctx, struct cpu *cpu)
{
	struct rx_hold *h = ctx;
	const struct mqnic_driver *d = h->q->driver;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);

	if (h->count && machine_now(d->machine) >= h->last_ps + d->config.rx_hold_ps)
		hand_up_copies(h->q, cpu);
	cpu_leave(cpu, before);
	return false;
}

static void timer(void *ctx)
{
	struct rx_hold *h = ctx;

	irq_raise(&h->irq);
}

static void timer_irq(void *ctx, struct cpu *cpu)
{
	struct rx_hold *h = ctx;

	softirq_raise(cpu, &h->softirq);
}

/* ---- life ---- */

int mqnic_driver_hold_create(struct driver_queue *q)
{
	const struct mqnic_driver *d = q->driver;
	const unsigned entries = d->config.rx_chunk_pages * PAGE_BYTES / d->fragment_bytes;
	struct rx_hold *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->frame = calloc(entries + 1, sizeof(*h->frame));
	if (!h->frame) {
		free(h);
		return -ENOMEM;
	}
	h->q = q;
	event_init(&h->event, timer, h);
	h->irq = (struct irq){.handler = timer_irq, .ctx = h, .target = q->cpu};
	h->softirq = (struct softirq){.run = silent, .ctx = h};
	q->rx.hold = h;
	return 0;
}

void mqnic_driver_hold_free(struct driver_queue *q)
{
	struct rx_hold *h = q->rx.hold;

	if (!h)
		return;
	sim_cancel(q->driver->machine->sim, &h->event);
	for (unsigned i = 0; i < h->count; i++)
		put_pieces(q->driver, &h->frame[i]);
	free(h->frame);
	free(h);
	q->rx.hold = NULL;
}

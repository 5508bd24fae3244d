/* SPDX-License-Identifier: MIT */
/* See tg3_driver_chunk.h. */
#include "guest/tg3_driver_chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/tg3_driver_internal.h"

#define BUFFER_BYTES 2048u /* two a page, as of kmalloc */

/*
 * Posted, or handed up, or free. The number of users lies in memory, in the line where Linux has
 * that of the first page (struct page).
 */
struct tg3_chunk {
	struct tg3_chunks *of;
	struct tg3_chunk *next; /* free */
	uint8_t *memory;
	void *line; /* of the number of users */
	iotoll_iova_t iova;
	bool mapped;
	unsigned returned; /* buffers, by the chip */
	unsigned users;    /* frames above, and the driver */
};

/* A frame that waits for its chunk to be complete. */
struct held {
	uint8_t *at;
	uint16_t bytes;
};

struct tg3_chunks {
	struct tg3_driver *driver; /* NULL: closed */
	struct kmalloc *kmalloc;
	struct tg3_chunk *free;
	unsigned pages, buffers; /* of a chunk */
	unsigned posted, wanted; /* chunks in the ring */
	unsigned live;           /* chunks that there are */
	struct tg3_chunk *chunk_of[TG3_STD_ENTRIES];
	unsigned next; /* the slot that the chip returns next: it keeps the order */
	/* All of one chunk, therefore. */
	struct tg3_chunk *current;
	struct held held[2 * TG3_CHUNK_PAGES_MAX];
	unsigned holding;
	uint64_t hold_ps, last_ps; /* when the newest of them came */
	struct event event;
	struct irq irq;
	struct softirq softirq;
};

/* ---- chunks ---- */

static phys_t where(const struct tg3_chunks *c, const void *at)
{
	return kmalloc_phys(c->kmalloc, at);
}

/*
 * The books lie in the machine's memory, as the chunks do: frames that a stack still held when its
 * machine went down are nobody's to give back, and all of it goes with the machine.
 */
static void *book(struct kmalloc *kmalloc, size_t bytes)
{
	void *p = kmalloc_alloc(kmalloc, bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

/* Zeroed: the chip may be able to read what it is only meant to write (Calgary). */
static struct tg3_chunk *new_chunk(struct tg3_chunks *c, struct cpu *cpu)
{
	const size_t bytes = (size_t)c->pages * PAGE_BYTES;
	struct tg3_chunk *k = book(c->kmalloc, sizeof(*k));

	if (!k)
		return NULL;
	k->memory = kmalloc_alloc(c->kmalloc, bytes);
	k->line = k->memory ? kmalloc_alloc(c->kmalloc, CACHE_LINE_BYTES) : NULL;
	if (!k->line) {
		kmalloc_free(c->kmalloc, k->memory);
		kmalloc_free(c->kmalloc, k);
		return NULL;
	}
	memset(k->memory, 0, bytes);
	cpu_touch(cpu, where(c, k->memory), bytes, true);
	k->of = c;
	c->live++;
	return k;
}

static void free_chunk(struct tg3_chunk *k)
{
	struct tg3_chunks *c = k->of;

	kmalloc_free(c->kmalloc, k->memory);
	kmalloc_free(c->kmalloc, k->line);
	kmalloc_free(c->kmalloc, k);
	c->live--;
}

/* One user less (put_page()). */
static void put(struct tg3_chunk *k, struct cpu *cpu)
{
	struct tg3_chunks *c = k->of;

	cpu_atomic(cpu, where(c, k->line));
	if (--k->users)
		return;
	if (c->driver) {
		k->next = c->free;
		c->free = k;
		return;
	}
	free_chunk(k);
	if (!c->live)
		kmalloc_free(c->kmalloc, c);
}

static void put_frame(void *ctx, struct cpu *cpu, void *owner)
{
	(void)ctx;
	put(owner, cpu);
}

static int map(struct tg3_chunks *c, struct tg3_chunk *k)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD};

	k->iova = iotoll_dma_map_page_attrs(c->driver->dma, IOTOLL_PHYS(where(c, k->memory)),
					    (size_t)c->pages * PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE,
					    &attrs);
	k->mapped = !iotoll_dma_mapping_error(k->iova);
	return k->mapped ? 0 : -EIO;
}

static void unmap(struct tg3_chunks *c, struct tg3_chunk *k)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD};

	iotoll_dma_unmap_page_attrs(c->driver->dma, k->iova, (size_t)c->pages * PAGE_BYTES,
				    IOTOLL_DMA_FROM_DEVICE, &attrs);
	k->mapped = false;
}

static int post_one(struct tg3_chunks *c, struct cpu *cpu)
{
	struct tg3_driver *d = c->driver;
	struct tg3_chunk *k = c->free;
	int rc;

	if (k)
		c->free = k->next;
	else
		k = new_chunk(c, cpu);
	if (!k)
		return -ENOMEM;
	k->users = 1;
	rc = map(c, k);
	if (rc) {
		put(k, cpu);
		return rc;
	}
	k->returned = 0;
	for (unsigned i = 0; i < c->buffers; i++) {
		const uint64_t at = (uint64_t)i * BUFFER_BYTES + RX_OFFSET;

		c->chunk_of[d->std_prod] = k;
		d->rx[d->std_prod] =
			(struct rx_slot){.object = k->memory + at,
					 .iova = IOTOLL_IOVA(IOTOLL_IOVA_U64(k->iova) + at)};
		tg3_driver_rx_post(d, cpu, d->std_prod);
		d->std_prod = (d->std_prod + 1) % TG3_STD_ENTRIES;
	}
	c->posted++;
	return 0;
}

int tg3_chunks_post(struct tg3_chunks *c, struct cpu *cpu)
{
	int rc = 0;

	while (!rc && c->posted < c->wanted)
		rc = post_one(c, cpu);
	return rc;
}

/* ---- handing up ---- */

/* As a copy, which the chip has never seen; it may go on writing to the original. */
static void hand_up_copy(struct tg3_chunks *c, struct cpu *cpu, const struct tg3_chunk *k,
			 const uint8_t *at, size_t bytes)
{
	struct tg3_driver *d = c->driver;
	const iotoll_iova_t iova =
		IOTOLL_IOVA(IOTOLL_IOVA_U64(k->iova) + (uint64_t)(at - k->memory));
	uint8_t *copy;

	cpu_charge(cpu, machine_cost(d->machine)->skb_alloc);
	copy = kmalloc_alloc(c->kmalloc, bytes + RX_OFFSET);
	if (!copy) {
		d->stats.rx_no_memory++;
		return;
	}
	iotoll_dma_sync_single_for_cpu(d->dma, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	cpu_copy(cpu, where(c, copy) + RX_OFFSET, where(c, at), bytes);
	memcpy(copy + RX_OFFSET, at, bytes);
	iotoll_dma_sync_single_for_device(d->dma, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	d->stats.rx_copied++;
	tg3_driver_hand_up(d, cpu, copy, bytes);
}

/* Where it lies; the chip cannot reach it any more. */
static void hand_up(struct tg3_chunks *c, struct cpu *cpu, struct tg3_chunk *k,
		    const struct held *h)
{
	struct tg3_driver *d = c->driver;
	struct net_frame frame = {
		.piece = {{.paddr = where(c, h->at), .bytes = h->bytes}},
		.pieces = 1,
		.bytes = h->bytes,
		.lasting = true,
		.release = {.fn = put_frame, .owner = k},
	};

	cpu_charge(cpu, machine_cost(d->machine)->skb_alloc);
	d->upper.receive(d->upper.ctx, cpu, &frame);
}

/* All of @k has come back. The new chunk comes first, as a new buffer does in tg3_rx(). */
static void complete(struct tg3_chunks *c, struct cpu *cpu, struct tg3_chunk *k)
{
	struct tg3_driver *d = c->driver;
	const unsigned n = c->holding;
	int rc;

	c->posted--;
	rc = tg3_chunks_post(c, cpu);
	d->stats.rx_no_memory += rc == -ENOMEM;
	d->stats.rx_map_errors += rc == -EIO;
	unmap(c, k);
	k->users += n;
	cpu_atomic(cpu, where(c, k->line));
	c->holding = 0;
	for (unsigned i = 0; i < n; i++)
		hand_up(c, cpu, k, &c->held[i]);
	put(k, cpu);
}

/* ---- holding ---- */

static void hold(struct tg3_chunks *c, struct tg3_chunk *k, uint8_t *at, size_t bytes)
{
	c->current = k;
	c->held[c->holding++] = (struct held){.at = at, .bytes = (uint16_t)bytes};
	c->last_ps = machine_now(c->driver->machine);
}

/* A high-resolution timer of the CPU's own (Linux 2.6.21): one store to its APIC starts it anew. */
void tg3_chunks_polled(struct tg3_chunks *c, struct cpu *cpu)
{
	if (!c->holding)
		return;
	cpu_charge(cpu, machine_cost(c->driver->machine)->mmio_write);
	sim_schedule(c->driver->machine->sim, &c->event, c->last_ps + c->hold_ps);
}

bool tg3_chunks_expect(const struct tg3_chunks *c, unsigned index)
{
	return index == c->next;
}

void tg3_chunks_returned(struct tg3_chunks *c, struct cpu *cpu, unsigned index, size_t bytes)
{
	struct tg3_driver *d = c->driver;
	struct tg3_chunk *k = c->chunk_of[index];
	uint8_t *at = d->rx[index].object;

	d->rx[index].object = NULL;
	c->next = (index + 1) % TG3_STD_ENTRIES;
	k->returned++;
	if (bytes && bytes <= RX_COPY_THRESHOLD && !c->holding)
		hand_up_copy(c, cpu, k, at, bytes);
	else if (bytes)
		hold(c, k, at, bytes);
	if (k->returned == c->buffers)
		complete(c, cpu, k);
}

/*
 * Nothing has come for a while. If that has changed since the timer went off, a poll is under way,
 * which starts it again.
 */
static bool let_go(void *ctx, struct cpu *cpu)
{
	struct tg3_chunks *c = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	const unsigned n = c->holding;

	if (n && machine_now(c->driver->machine) >= c->last_ps + c->hold_ps) {
		c->holding = 0;
		for (unsigned i = 0; i < n; i++)
			hand_up_copy(c, cpu, c->current, c->held[i].at, c->held[i].bytes);
	}
	cpu_leave(cpu, before);
	return false;
}

static void timer(void *ctx)
{
	struct tg3_chunks *c = ctx;

	irq_raise(&c->irq);
}

static void timer_irq(void *ctx, struct cpu *cpu)
{
	struct tg3_chunks *c = ctx;

	softirq_raise(cpu, &c->softirq);
}

/* ---- life ---- */

int tg3_chunks_create(struct tg3_chunks **out, struct tg3_driver *d, unsigned pages,
		      uint64_t hold_ps, struct cpu *irq_cpu)
{
	struct tg3_chunks *c = book(d->kmalloc, sizeof(*c));

	*out = c;
	if (!c)
		return -ENOMEM;
	c->driver = d;
	c->kmalloc = d->kmalloc;
	c->pages = pages;
	c->buffers = pages * (PAGE_BYTES / BUFFER_BYTES);
	c->wanted = RX_POSTED / c->buffers < 2 ? 2 : RX_POSTED / c->buffers;
	c->hold_ps = hold_ps;
	event_init(&c->event, timer, c);
	c->irq = (struct irq){.handler = timer_irq, .ctx = c, .target = irq_cpu};
	c->softirq = (struct softirq){.run = let_go, .ctx = c};
	return 0;
}

static void take_back(struct tg3_chunks *c)
{
	struct tg3_driver *d = c->driver;

	for (unsigned i = 0; i < TG3_STD_ENTRIES; i++) {
		struct tg3_chunk *k = c->chunk_of[i];

		if (!d->rx[i].object)
			continue;
		d->rx[i].object = NULL;
		if (!k->mapped)
			continue;
		unmap(c, k);
		put(k, NULL);
	}
}

void tg3_chunks_close(struct tg3_chunks *c)
{
	if (!c)
		return;
	sim_cancel(c->driver->machine->sim, &c->event);
	take_back(c);
	c->driver = NULL;
	c->live++; /* not to vanish under the loop */
	while (c->free) {
		struct tg3_chunk *k = c->free;

		c->free = k->next;
		free_chunk(k);
	}
	if (!--c->live)
		kmalloc_free(c->kmalloc, c);
}

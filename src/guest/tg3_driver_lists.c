/* SPDX-License-Identifier: MIT */
/*
 * The driver with a DMA API of lists ("The Price of Safety", section 4.3.3): all that is there at a
 * time is mapped, or unmapped, by one call. Linux's tg3 never did so; how its loops are taken apart
 * is ours. What the stack sees is the same: frames in their order, each buffer replaced before it
 * is unmapped, and nothing handed up or freed that is still mapped. Doorbells stay what they were,
 * one a packet, so that only the DMA API makes the difference.
 */
#include <errno.h>

#include "guest/tg3_driver_internal.h"

_Static_assert(NET_PIECES <= DMA_LIST_MAX, "a list holds any frame");

static int list_alloc(const struct tg3_driver *d, struct dma_list *l)
{
	l->sg = kmalloc_alloc(d->kmalloc, DMA_LIST_BYTES);
	if (!l->sg)
		return -ENOMEM;
	l->paddr = kmalloc_phys(d->kmalloc, l->sg);
	return 0;
}

int tg3_driver_lists_alloc(struct tg3_driver *d)
{
	if (!d->batch)
		return 0;
	return list_alloc(d, &d->poll_list) || list_alloc(d, &d->tx_list) ? -ENOMEM : 0;
}

void tg3_driver_lists_free(struct tg3_driver *d)
{
	kmalloc_free(d->kmalloc, d->poll_list.sg);
	kmalloc_free(d->kmalloc, d->tx_list.sg);
}

/* ---- receiving ---- */

/* Returned buffers, up to @most descriptors; *@read: how many those were. */
static unsigned take(struct tg3_driver *d, struct cpu *cpu, unsigned most, unsigned producer,
		     unsigned *read)
{
	unsigned n = 0;

	for (*read = 0; *read < most && d->ret_cons != producer; ++*read) {
		struct tg3_rxd desc;

		tg3_driver_rx_next(d, cpu, &desc);
		tg3_driver_rx_judge(d, &desc, (d->std_prod + n) % TG3_STD_ENTRIES, &d->taken[n]);
		n += d->taken[n].fate != RX_LIE;
	}
	return n;
}

/* No buffer to put in its place: the frame is lost. */
static void lose(struct tg3_driver *d, struct rx_taken *taken, int rc)
{
	d->stats.rx_no_memory += rc == -ENOMEM;
	d->stats.rx_map_errors += rc == -EIO;
	taken->fate = RX_RECYCLE;
}

static void allocate(struct tg3_driver *d, struct cpu *cpu, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rx_taken *t = &d->taken[i];

		if (t->fate != RX_REPLACE)
			continue;
		if (tg3_driver_rx_alloc(d, cpu, &t->fresh))
			lose(d, t, -ENOMEM);
		else
			dma_list_want(&d->poll_list, cpu, tg3_driver_rx_phys(d, &t->fresh),
				      RX_MAPPED_BYTES);
	}
}

/* Map the fresh buffers; where there is no room for all, there may be for some. */
static void map_fresh(struct tg3_driver *d, struct cpu *cpu, unsigned n)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD};
	struct dma_list *l = &d->poll_list;
	const bool mapped =
		l->count && dma_list_map(l, d->dma, IOTOLL_DMA_FROM_DEVICE, DMA_RING_STD);
	unsigned at = 0;

	for (unsigned i = 0; i < n && l->count; i++) {
		struct rx_taken *t = &d->taken[i];

		if (t->fate != RX_REPLACE)
			continue;
		t->fresh.iova =
			mapped ? dma_list_iova(l, cpu, at++)
			       : iotoll_dma_map_page_attrs(
					 d->dma, IOTOLL_PHYS(tg3_driver_rx_phys(d, &t->fresh)),
					 RX_MAPPED_BYTES, IOTOLL_DMA_FROM_DEVICE, &attrs);
		if (iotoll_dma_mapping_error(t->fresh.iova)) {
			tg3_driver_rx_put(d, &t->fresh);
			lose(d, t, -EIO);
		}
	}
	l->count = 0;
}

static void unmap_old(struct tg3_driver *d, struct cpu *cpu, unsigned n)
{
	struct dma_list *l = &d->poll_list;

	for (unsigned i = 0; i < n; i++)
		if (d->taken[i].fate == RX_REPLACE)
			dma_list_leave(l, cpu, d->taken[i].slot.iova, RX_MAPPED_BYTES);
	if (l->count)
		dma_list_unmap(l, d->dma, IOTOLL_DMA_FROM_DEVICE, DMA_RING_STD);
}

unsigned tg3_driver_lists_rx(struct tg3_driver *d, struct cpu *cpu, unsigned most,
			     unsigned producer)
{
	unsigned read;
	const unsigned n = take(d, cpu, most < DMA_LIST_MAX ? most : DMA_LIST_MAX, producer, &read);

	allocate(d, cpu, n);
	map_fresh(d, cpu, n);
	unmap_old(d, cpu, n);
	for (unsigned i = 0; i < n; i++) {
		const struct rx_taken *t = &d->taken[i];

		if (t->fate == RX_COPY) {
			tg3_driver_rx_copy(d, cpu, t);
			continue;
		}
		tg3_driver_rx_post_next(d, cpu, t->fate == RX_REPLACE ? &t->fresh : &t->slot);
		if (t->fate == RX_REPLACE)
			tg3_driver_rx_slot_up(d, cpu, &t->slot, t->bytes);
	}
	return read;
}

/* ---- sending ---- */

/* Descriptors for @frame, whose pieces begin with element *@at of the list. */
static void start(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame,
		  unsigned *at)
{
	for (unsigned i = 0; i < frame->pieces; i++) {
		const struct net_piece *piece = &frame->piece[i];
		iotoll_iova_t mapped = IOTOLL_IOVA(0);

		if (!tg3_driver_tx_copied(d, piece))
			mapped = dma_list_iova(&d->tx_list, cpu, (*at)++);
		tg3_driver_tx_describe(d, cpu, (d->tx_prod + i) % TG3_SEND_ENTRIES, piece, mapped,
				       i + 1 == frame->pieces);
	}
	tg3_driver_tx_start(d, cpu, frame);
}

static void want(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame)
{
	for (unsigned i = 0; i < frame->pieces; i++)
		if (!tg3_driver_tx_copied(d, &frame->piece[i]))
			dma_list_want(&d->tx_list, cpu, frame->piece[i].paddr,
				      frame->piece[i].bytes);
}

static bool map_wanted(const struct tg3_driver *d)
{
	return !d->tx_list.count ||
	       dma_list_map(&d->tx_list, d->dma, IOTOLL_DMA_TO_DEVICE, DMA_RING_SEND);
}

int tg3_driver_lists_submit(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame)
{
	struct dma_list *l = &d->tx_list;
	unsigned at = 0;

	l->count = 0;
	want(d, cpu, frame);
	if (!map_wanted(d)) {
		d->stats.tx_map_errors++;
		return -EIO;
	}
	start(d, cpu, frame, &at);
	return 0;
}

/* As many frames as lists and ring take; the queue stops where it would one by one. */
void tg3_driver_lists_run_queue(struct tg3_driver *d, struct cpu *cpu)
{
	struct dma_list *l = &d->tx_list;
	unsigned n = 0, at = 0, pieces = 0;

	l->count = 0;
	while (d->queue.count && n < DMA_LIST_MAX &&
	       l->count + net_queue_peek(&d->queue)->pieces <= DMA_LIST_MAX &&
	       tg3_driver_tx_available(d) > pieces + TX_STOP_AT) {
		d->waiting[n] = net_queue_pop(&d->queue);
		pieces += d->waiting[n].pieces;
		want(d, cpu, &d->waiting[n++]);
	}
	if (map_wanted(d)) {
		for (unsigned i = 0; i < n; i++)
			start(d, cpu, &d->waiting[i], &at);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (tg3_driver_tx_submit(d, cpu, &d->waiting[i]))
			net_frame_done(&d->waiting[i], cpu);
}

void tg3_driver_lists_reap(struct tg3_driver *d, struct cpu *cpu, unsigned consumer)
{
	const uint64_t work = machine_cost(d->machine)->driver_tx / 2;
	struct dma_list *l = &d->poll_list;
	unsigned end = d->tx_cons;

	for (; end != consumer && !dma_list_full(l); end = (end + 1) % TG3_SEND_ENTRIES)
		if (d->tx[end].bytes)
			dma_list_leave(l, cpu, d->tx[end].iova, d->tx[end].bytes);
	if (l->count)
		dma_list_unmap(l, d->dma, IOTOLL_DMA_TO_DEVICE, DMA_RING_SEND);
	for (; d->tx_cons != end; d->tx_cons = (d->tx_cons + 1) % TG3_SEND_ENTRIES) {
		const struct net_release r = d->tx[d->tx_cons].release;

		d->tx[d->tx_cons].release.fn = NULL;
		if (!r.fn)
			continue;
		cpu_charge(cpu, work);
		r.fn(r.ctx, cpu, r.owner);
	}
}

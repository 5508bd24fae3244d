/* SPDX-License-Identifier: MIT */
/*
 * Receiving (Linux 6.1: mlx5e_poll_rx_cq, mlx5e_handle_rx_cqe, mlx5e_post_rx_wqes of the legacy
 * receive queue): completions are taken, their frames handed up, the pages whose last piece that
 * was released, and when the round is over the ring is filled again, in batches of eight entries.
 */
#include <errno.h>
#include <stdlib.h>

#include "guest/mqnic_driver_internal.h"

/* ---- filling ---- */

/* The next piece of memory to receive into. False: see *@error. */
static bool take_fragment(struct driver_queue *q, struct cpu *cpu, struct rx_fragment *out,
			  int *error)
{
	const struct mqnic_driver *d = q->driver;
	struct rx_queue *rx = &q->rx;
	uint32_t next = d->fragment_bytes;

	if (!rx->page) {
		rx->page = mqnic_driver_page_get(q, cpu, error);
		rx->page_used = 0;
		if (!rx->page)
			return false;
	}
	*out = (struct rx_fragment){.page = rx->page, .offset = rx->page_used};
	rx->page_used += d->fragment_bytes;
	/* No entry has a part in two chunks: their frames go up at different times. */
	if (rx->hold)
		next = rx->begun + 1 < d->fragments ? 0 : d->fragments * d->fragment_bytes;
	out->last = rx->page_used + next > rx->page->pages * PAGE_BYTES;
	if (out->last)
		rx->page = NULL;
	return true;
}

static void give_back(struct driver_queue *q, const struct rx_fragment *f)
{
	if (f->last)
		mqnic_driver_page_release(q, f->page);
}

static int fill_entry(struct driver_queue *q, struct cpu *cpu, uint32_t index)
{
	const struct mqnic_driver *d = q->driver;
	struct rx_entry *e = &q->rx.entry[index];
	const size_t at = (size_t)index << d->log_stride;
	int error = 0;

	/* What an earlier attempt got stays: halves of its pages may be posted in other entries. */
	for (; q->rx.begun < d->fragments; q->rx.begun++) {
		const unsigned i = q->rx.begun;
		struct mqnic_piece piece = {.bytes = d->fragment_bytes, .key = MQNIC_KEY};

		if (!take_fragment(q, cpu, &e->fragment[i], &error))
			return error;
		piece.addr = IOTOLL_IOVA_U64(e->fragment[i].page->iova) + e->fragment[i].offset;
		mqnic_piece_pack(q->rx.ring.ptr + at + i * MQNIC_SEGMENT_BYTES, &piece);
	}
	q->rx.begun = 0;
	cpu_touch(cpu, q->rx.ring.paddr + at, (size_t)d->fragments * MQNIC_SEGMENT_BYTES, true);
	return 0;
}

int mqnic_driver_refill(struct driver_queue *q, struct cpu *cpu)
{
	struct rx_queue *rx = &q->rx;
	const uint32_t ring = UINT32_C(1) << q->driver->config.log_rx, before = rx->posted;
	int rc = 0;

	if (ring - (rx->posted - rx->taken) < RX_BULK)
		return 0;
	while (!rc && rx->posted - rx->taken < ring) {
		rc = fill_entry(q, cpu, rx->posted % ring);
		rx->posted += !rc;
	}
	if (rx->posted == before)
		return rc;
	cpu_sync(cpu); /* the NIC may look at the record whenever it likes */
	mqnic_put32(rx->record.ptr, rx->posted);
	cpu_touch(cpu, rx->record.paddr, sizeof(uint32_t), true);
	return rc;
}

/* ---- taking ---- */

/* The pieces of a frame of @bytes in @e. */
static void make_frame(struct driver_queue *q, const struct rx_entry *e, uint32_t bytes,
		       struct mqnic_frame *out)
{
	const struct mqnic_driver *d = q->driver;
	uint32_t left = bytes;

	out->bytes = bytes;
	out->pieces = 0;
	while (left) {
		const struct rx_fragment *f = &e->fragment[out->pieces];
		const uint32_t n = left < d->fragment_bytes ? left : d->fragment_bytes;

		iotoll_dma_sync_single_for_cpu(
			d->dma, IOTOLL_IOVA(IOTOLL_IOVA_U64(f->page->iova) + f->offset), n,
			IOTOLL_DMA_FROM_DEVICE);
		f->page->refs++;
		out->piece[out->pieces].page = f->page;
		out->piece[out->pieces].paddr = f->page->paddr + f->offset;
		out->piece[out->pieces++].bytes = n;
		left -= n;
	}
}

void mqnic_driver_hand_up(struct driver_queue *q, struct cpu *cpu, const struct mqnic_frame *frame)
{
	const struct mqnic_upper *upper = &q->driver->upper;

	q->driver->stats.rx_still_mapped += frame->piece[0].page->mapped;
	if (upper->receive) {
		upper->receive(upper->ctx, cpu, q->number, frame);
		return;
	}
	for (unsigned i = 0; i < frame->pieces; i++)
		mqnic_driver_put(q->driver, frame->piece[i].page);
}

/* What the NIC says is checked: entries are used in the order in which they were posted. */
static void receive(struct driver_queue *q, struct cpu *cpu, const struct mqnic_cqe *cqe)
{
	struct mqnic_driver *d = q->driver;
	struct rx_queue *rx = &q->rx;
	const uint32_t index = rx->taken % (UINT32_C(1) << d->config.log_rx);
	const struct rx_entry entry = rx->entry[index];
	struct mqnic_frame frame;

	if (rx->taken == rx->posted || cqe->counter != (uint16_t)rx->taken) {
		d->stats.bad++;
		return;
	}
	rx->taken++;
	if (cqe->opcode != MQNIC_CQE_RX) {
		d->stats.rx_errors++;
	} else if (cqe->bytes < NET_ETH_BYTES || cqe->bytes > d->longest) {
		d->stats.bad++;
	} else {
		d->stats.rx_frames++;
		d->stats.rx_bytes += cqe->bytes;
		cpu_charge(cpu, machine_cost(d->machine)->skb_alloc);
		frame.hash = cqe->hash;
		make_frame(q, &entry, cqe->bytes, &frame);
		if (rx->hold)
			mqnic_driver_hold(q, cpu, &frame);
		else
			mqnic_driver_hand_up(q, cpu, &frame);
	}
	for (unsigned i = 0; i < d->fragments; i++)
		give_back(q, &entry.fragment[i]);
	if (rx->hold && entry.fragment[d->fragments - 1].last) {
		mqnic_driver_unmapped(q);
		mqnic_driver_hold_up(q, cpu);
	}
}

unsigned mqnic_driver_rx(struct driver_queue *q, struct cpu *cpu, unsigned budget)
{
	const struct mqnic_driver *d = q->driver;
	unsigned done = 0;
	struct mqnic_cqe cqe;
	uint32_t before;

	while (done < budget &&
	       mqnic_driver_cqe(cpu, &q->rx.cq, q->rx.taken, d->config.log_rx, &cqe)) {
		before = q->rx.taken;
		cpu_charge(cpu, machine_cost(d->machine)->driver_rx);
		receive(q, cpu, &cqe);
		if (q->rx.taken == before)
			break; /* a completion that names nothing is not looked at again */
		done++;
	}
	mqnic_driver_unmapped(q);
	if (q->rx.hold)
		mqnic_driver_hold_polled(q, cpu);
	return done;
}

void mqnic_driver_rx_free(struct driver_queue *q)
{
	struct mqnic_driver *d = q->driver;
	struct rx_queue *rx = &q->rx;
	const uint32_t ring = UINT32_C(1) << d->config.log_rx;

	for (; rx->entry && rx->taken != rx->posted + 1; rx->taken++) {
		const struct rx_entry *e = &rx->entry[rx->taken % ring];
		const unsigned n = rx->taken == rx->posted ? rx->begun : d->fragments;

		for (unsigned i = 0; i < n; i++)
			if (e->fragment[i].last)
				mqnic_driver_page_drop(q, e->fragment[i].page);
	}
	if (rx->page)
		mqnic_driver_page_drop(q, rx->page);
	rx->page = NULL;
	mqnic_driver_lists_unstock(q);
	for (; rx->cache_head != rx->cache_tail; rx->cache_head++)
		mqnic_driver_page_drop(q, rx->cache[rx->cache_head % d->config.page_cache]);
	mqnic_driver_unmapped(q);
	mqnic_driver_hold_free(q);
	free(rx->entry);
	free(rx->cache);
}

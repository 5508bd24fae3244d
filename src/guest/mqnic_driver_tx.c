/* SPDX-License-Identifier: MIT */
/*
 * Sending (Linux 6.1: mlx5e_sq_xmit_wqe, mlx5e_txwqe_complete, mlx5e_poll_tx_cq): each piece of a
 * packet is mapped, headers are not copied into the entry; every entry asks for a completion. The
 * lock is that of the kernel's queue above, which covers submitting only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/mqnic_driver_internal.h"

_Static_assert(NET_PIECES <= MQNIC_TX_PIECES_MAX, "an entry holds any packet");

static uint32_t ring_of(const struct driver_queue *q)
{
	return UINT32_C(1) << q->driver->config.log_tx;
}

/* Segments of 16 bytes in the ring may lie behind its end: they go on at its beginning. */
static uint8_t *segment(const struct driver_queue *q, uint32_t first, unsigned i)
{
	const uint32_t block = (first + i / 4) % ring_of(q);

	return q->tx.ring.ptr + (size_t)block * MQNIC_BLOCK_BYTES + i % 4 * MQNIC_SEGMENT_BYTES;
}

/* More may follow: mqnic_driver_unmapped() says when none does. */
static void unmap(struct driver_queue *q)
{
	const struct iotoll_dma_attrs attrs = {.ring = 2 * q->number + 2, .more = true};
	struct tx_queue *tx = &q->tx;
	const struct tx_map *m = &tx->map[tx->map_head++ % (4 * ring_of(q))];

	if (!m->bytes)
		return;
	iotoll_dma_unmap_page_attrs(q->driver->dma, m->iova, m->bytes, IOTOLL_DMA_TO_DEVICE,
				    &attrs);
	q->unmapping = true;
}

/* Take back the newest @n mappings. */
static void unwind(struct driver_queue *q, unsigned n)
{
	struct tx_queue *tx = &q->tx;

	while (n--) {
		const struct tx_map *m = &tx->map[--tx->map_tail % (4 * ring_of(q))];

		if (!m->bytes)
			continue;
		iotoll_dma_unmap_page(q->driver->dma, m->iova, m->bytes, IOTOLL_DMA_TO_DEVICE);
	}
}

/* The first piece of a packet that begins at block @first, in memory that holds nothing else. */
static iotoll_iova_t copy_piece(struct driver_queue *q, uint32_t first,
				const struct net_piece *piece)
{
	struct machine *m = q->driver->machine;
	const struct shared *small = &q->tx.small;
	const uint64_t at = (uint64_t)(first % ring_of(q)) * q->driver->config.tx_copy_bytes;

	cpu_copy(cpu_current(m), small->paddr + at, piece->paddr, piece->bytes);
	memcpy(small->ptr + at, memory_ptr(m->mem, piece->paddr, piece->bytes), piece->bytes);
	return IOTOLL_IOVA(IOTOLL_IOVA_U64(small->iova) + at);
}

bool mqnic_driver_tx_copied(const struct mqnic_driver *d, const struct mqnic_packet *p, unsigned i)
{
	return !i && p->piece[i].bytes <= d->config.tx_copy_bytes;
}

/* Piece @i of a packet that begins at block @first is mapped at @iova: say so in the ring. */
static void describe(struct driver_queue *q, const struct mqnic_packet *p, uint32_t first,
		     unsigned i, iotoll_iova_t iova)
{
	const struct mqnic_piece piece = {
		.bytes = p->piece[i].bytes, .key = MQNIC_KEY, .addr = IOTOLL_IOVA_U64(iova)};
	struct tx_queue *tx = &q->tx;

	if (i)
		cpu_charge(cpu_current(q->driver->machine),
			   machine_cost(q->driver->machine)->tx_fragment);
	tx->map[tx->map_tail++ % (4 * ring_of(q))] = (struct tx_map){
		.iova = iova, .bytes = mqnic_driver_tx_copied(q->driver, p, i) ? 0 : piece.bytes};
	mqnic_piece_pack(segment(q, first, i + 2), &piece);
}

static int map_list(struct driver_queue *q, struct cpu *cpu, const struct mqnic_packet *p,
		    uint32_t first)
{
	const int rc = mqnic_driver_lists_pieces(q, cpu, p);

	for (unsigned i = 0, at = 0; i < p->pieces && !rc; i++)
		describe(q, p, first, i,
			 mqnic_driver_tx_copied(q->driver, p, i)
				 ? copy_piece(q, first, &p->piece[i])
				 : dma_list_iova(&q->lists.tx, cpu, at++));
	return rc;
}

static int map_pieces(struct driver_queue *q, const struct mqnic_packet *p, uint32_t first)
{
	for (unsigned i = 0; i < p->pieces; i++) {
		const struct iotoll_dma_attrs attrs = {.ring = 2 * q->number + 2,
						       .more = i + 1 < p->pieces};
		const bool copied = mqnic_driver_tx_copied(q->driver, p, i);
		const iotoll_iova_t iova =
			copied ? copy_piece(q, first, &p->piece[i])
			       : iotoll_dma_map_page_attrs(
					 q->driver->dma, IOTOLL_PHYS(p->piece[i].paddr),
					 p->piece[i].bytes, IOTOLL_DMA_TO_DEVICE, &attrs);

		if (!copied && iotoll_dma_mapping_error(iova)) {
			unwind(q, i);
			q->driver->stats.tx_map_errors++;
			return -EIO;
		}
		describe(q, p, first, i, iova);
	}
	return 0;
}

static int submit(struct driver_queue *q, struct cpu *cpu, const struct mqnic_packet *p)
{
	struct tx_queue *tx = &q->tx;
	const uint32_t first = tx->produced;
	const struct mqnic_send send = {
		.opcode = p->mss ? MQNIC_OP_TSO : MQNIC_OP_SEND,
		.segments = (uint8_t)(p->pieces + 2),
		.index = (uint16_t)first,
		.mss = p->mss,
		.header_bytes = p->mss ? (uint16_t)p->piece[0].bytes : 0,
	};
	const unsigned blocks = (send.segments + 3u) / 4;
	int rc;

	if (ring_of(q) - (tx->produced - tx->reaped) < blocks) {
		tx->full = true;
		q->driver->stats.tx_full++;
		return -ENOBUFS;
	}
	rc = q->driver->config.batch ? map_list(q, cpu, p, first) : map_pieces(q, p, first);
	if (rc)
		return rc;
	mqnic_send_pack(segment(q, first, 0), &send);
	for (unsigned i = 0; i < blocks; i++)
		cpu_touch(cpu,
			  tx->ring.paddr + (phys_t)((first + i) % ring_of(q)) * MQNIC_BLOCK_BYTES,
			  MQNIC_BLOCK_BYTES, true);
	tx->entry[first % ring_of(q)] = (struct tx_entry){.blocks = blocks,
							  .maps = p->pieces,
							  .done = p->done,
							  .ctx = p->ctx,
							  .owner = p->owner};
	tx->produced += blocks;
	q->driver->stats.tx_packets++;
	q->driver->stats.tx_bytes += p->bytes;
	q->driver->stats.tx_pieces += p->pieces;
	return 0;
}

int mqnic_driver_xmit(struct mqnic_driver *d, struct cpu *cpu, unsigned queue,
		      const struct mqnic_packet *packet, bool more)
{
	struct driver_queue *q = &d->queue[queue];
	const uint64_t work = machine_cost(d->machine)->driver_tx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc;

	vlock_acquire_bh(&q->tx.lock, cpu);
	cpu_charge(cpu, work - work / 2);
	rc = submit(q, cpu, packet);
	if (q->tx.rung != q->tx.produced && (rc || !more)) {
		q->tx.rung = q->tx.produced;
		d->stats.tx_doorbells++;
		mmio_write(d->config.regs, cpu, mqnic_queue_register(q, MQNIC_Q_TX_BELL),
			   q->tx.produced & 0xffff, 4);
	}
	vlock_release_bh(&q->tx.lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

void mqnic_driver_tx_done(struct driver_queue *q, struct cpu *cpu, const struct tx_entry *e,
			  bool ok)
{
	q->tx.reaped += e->blocks;
	q->driver->stats.tx_errors += !ok;
	e->done(e->ctx, cpu, e->owner, ok ? 0 : -EIO);
}

/*
 * What one poll takes back of what was sent, unmapped packet by packet and as one burst, which is
 * over before anybody hears that his memory is his again. Only the poll moves reaped.
 */
static unsigned reap_each(struct driver_queue *q, struct cpu *cpu)
{
	struct mqnic_driver *d = q->driver;
	struct tx_queue *tx = &q->tx;
	struct tx_done done[MQNIC_POLL_WEIGHT];
	uint32_t reaped = tx->reaped;
	unsigned n = 0;
	struct mqnic_cqe cqe;

	while (n < MQNIC_POLL_WEIGHT &&
	       mqnic_driver_cqe(cpu, &tx->cq, tx->taken, d->config.log_tx, &cqe)) {
		if (reaped == tx->produced || cqe.counter != (uint16_t)reaped) {
			d->stats.bad++;
			break;
		}
		tx->taken++;
		done[n] = (struct tx_done){tx->entry[reaped % ring_of(q)],
					   cqe.opcode == MQNIC_CQE_TX};
		reaped += done[n].entry.blocks;
		cpu_charge(cpu, machine_cost(d->machine)->driver_tx / 2);
		for (unsigned i = 0; i < done[n].entry.maps; i++)
			unmap(q);
		n++;
	}
	mqnic_driver_unmapped(q);
	for (unsigned i = 0; i < n; i++)
		mqnic_driver_tx_done(q, cpu, &done[i].entry, done[i].ok);
	return n;
}

unsigned mqnic_driver_reap(struct driver_queue *q, struct cpu *cpu)
{
	struct mqnic_driver *d = q->driver;
	struct tx_queue *tx = &q->tx;
	const unsigned done = d->config.batch ? mqnic_driver_lists_reap(q, cpu) : reap_each(q, cpu);

	if (tx->full && ring_of(q) - (tx->produced - tx->reaped) >= ring_of(q) / 4) {
		tx->full = false;
		if (d->upper.room)
			d->upper.room(d->upper.ctx, cpu, q->number);
	}
	return done;
}

void mqnic_driver_tx_free(struct driver_queue *q)
{
	while (q->tx.map && q->tx.map_head != q->tx.map_tail)
		unmap(q);
	mqnic_driver_unmapped(q);
	free(q->tx.map);
	free(q->tx.entry);
}

/* SPDX-License-Identifier: MIT */
/*
 * Sending (Linux tg3: tg3_start_xmit, tg3_tx) with the queue that Linux keeps above its drivers
 * (pfifo, txqueuelen 1000). One lock over both, where Linux 2.6 has the queue's and the device's.
 *
 * The 5704 cannot read a buffer that crosses a 4 GiB boundary; Linux copies such a packet. A frame
 * here lies inside one page of memory and of DMA address space, so it never does.
 */
#include <errno.h>
#include <string.h>

#include "guest/tg3_driver_internal.h"

_Static_assert(TX_STOP_AT + 1 >= NET_PIECES, "a running queue has room for any frame");

static unsigned in_flight(const struct tg3_driver *d)
{
	return (d->tx_prod - d->tx_cons) % TG3_SEND_ENTRIES;
}

unsigned tg3_driver_tx_available(const struct tg3_driver *d)
{
	return TX_LIMIT - in_flight(d);
}

/* A short one is sent from a copy, in memory that holds nothing else and stays mapped. */
bool tg3_driver_tx_copied(const struct tg3_driver *d, const struct net_piece *piece)
{
	return piece->bytes <= d->tx_copy;
}

static iotoll_iova_t copy_piece(struct tg3_driver *d, struct cpu *cpu, unsigned index,
				const struct net_piece *piece)
{
	const uint64_t at = (uint64_t)index * d->tx_copy;

	cpu_copy(cpu, d->small.paddr + at, piece->paddr, piece->bytes);
	memcpy(d->small.ptr + at, memory_ptr(d->machine->mem, piece->paddr, piece->bytes),
	       piece->bytes);
	return IOTOLL_IOVA(IOTOLL_IOVA_U64(d->small.iova) + at);
}

void tg3_driver_tx_describe(struct tg3_driver *d, struct cpu *cpu, unsigned index,
			    const struct net_piece *piece, iotoll_iova_t mapped, bool last)
{
	const size_t at = (size_t)index * TG3_TXD_BYTES;
	const bool copied = tg3_driver_tx_copied(d, piece);
	const iotoll_iova_t iova = copied ? copy_piece(d, cpu, index, piece) : mapped;
	const struct tg3_txd desc = {
		.addr = IOTOLL_IOVA_U64(iova),
		.bytes = (uint16_t)piece->bytes,
		.flags = last ? TG3_TXD_FLAG_END : 0,
	};

	tg3_txd_pack(d->send.ptr + at, &desc);
	cpu_touch(cpu, d->send.paddr + at, TG3_TXD_BYTES, true);
	d->tx[index] = (struct tx_slot){.iova = iova, .bytes = copied ? 0 : piece->bytes};
}

/* Map or copy @piece and write descriptor @index. 0 or -EIO. */
static int submit_piece(struct tg3_driver *d, struct cpu *cpu, unsigned index,
			const struct net_piece *piece, bool last)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_SEND, .more = !last};
	iotoll_iova_t iova = IOTOLL_IOVA(0);

	if (!tg3_driver_tx_copied(d, piece)) {
		iova = iotoll_dma_map_page_attrs(d->dma, IOTOLL_PHYS(piece->paddr), piece->bytes,
						 IOTOLL_DMA_TO_DEVICE, &attrs);
		if (iotoll_dma_mapping_error(iova))
			return -EIO;
	}
	tg3_driver_tx_describe(d, cpu, index, piece, iova, last);
	return 0;
}

static void unmap(struct tg3_driver *d, const struct tx_slot *slot, bool more)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_SEND, .more = more};

	if (!slot->bytes)
		return;
	iotoll_dma_unmap_page_attrs(d->dma, slot->iova, slot->bytes, IOTOLL_DMA_TO_DEVICE, &attrs);
}

void tg3_driver_tx_start(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame)
{
	d->tx_prod = (d->tx_prod + frame->pieces) % TG3_SEND_ENTRIES;
	d->tx[(d->tx_prod + TG3_SEND_ENTRIES - 1) % TG3_SEND_ENTRIES].release = frame->release;
	d->stats.tx_frames++;
	d->stats.tx_bytes += frame->bytes;
	if (tg3_driver_tx_available(d) <= TX_STOP_AT)
		d->tx_stopped = true;
	tg3_driver_doorbell(d, cpu, TG3_MBOX_SEND_PROD, d->tx_prod);
}

/*
 * A descriptor for each piece is free. The chip sees nothing before the doorbell, so what a failed
 * map leaves is taken back.
 */
int tg3_driver_tx_submit(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame)
{
	for (unsigned i = 0; i < frame->pieces; i++) {
		const unsigned index = (d->tx_prod + i) % TG3_SEND_ENTRIES;

		if (submit_piece(d, cpu, index, &frame->piece[i], i + 1 == frame->pieces)) {
			while (i-- > 0)
				unmap(d, &d->tx[(d->tx_prod + i) % TG3_SEND_ENTRIES], i != 0);
			d->stats.tx_map_errors++;
			return -EIO;
		}
	}
	tg3_driver_tx_start(d, cpu, frame);
	return 0;
}

static int submit(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame)
{
	return d->batch ? tg3_driver_lists_submit(d, cpu, frame)
			: tg3_driver_tx_submit(d, cpu, frame);
}

static int enqueue(struct tg3_driver *d, const struct net_frame *frame)
{
	const int rc = net_queue_push(&d->queue, frame);

	d->stats.tx_dropped += rc != 0;
	d->stats.tx_queued += rc == 0;
	return rc;
}

static int xmit(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct tg3_driver *d = ctx;
	const uint64_t work = machine_cost(d->machine)->driver_tx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc;

	vlock_acquire_bh(&d->tx_lock, cpu);
	cpu_charge(cpu, work - work / 2);
	if (d->tx_stopped || d->queue.count)
		rc = enqueue(d, frame);
	else
		rc = submit(d, cpu, frame) ? -ENOBUFS : 0;
	vlock_release_bh(&d->tx_lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

struct netdev tg3_driver_netdev(struct tg3_driver *d)
{
	static const struct netdev_ops ops = {.xmit = xmit};

	return (struct netdev){.ops = &ops, .ctx = d, .dma = d->dma};
}

static void run_queue(struct tg3_driver *d, struct cpu *cpu)
{
	vlock_acquire_bh(&d->tx_lock, cpu);
	d->tx_stopped = false;
	while (d->queue.count && !d->tx_stopped && d->batch)
		tg3_driver_lists_run_queue(d, cpu);
	while (d->queue.count && !d->tx_stopped) {
		const struct net_frame frame = net_queue_pop(&d->queue);

		if (submit(d, cpu, &frame))
			net_frame_done(&frame, cpu);
	}
	vlock_release_bh(&d->tx_lock, cpu);
}

static void release(struct tg3_driver *d, struct cpu *cpu, struct tx_slot *slot, bool more)
{
	const struct net_release r = slot->release;

	unmap(d, slot, more);
	slot->release.fn = NULL;
	if (r.fn)
		r.fn(r.ctx, cpu, r.owner);
}

/* Without the lock, as tg3_tx(): only the poll moves tx_cons. */
void tg3_driver_tx_reap(struct tg3_driver *d, struct cpu *cpu, unsigned consumer)
{
	const uint64_t work = machine_cost(d->machine)->driver_tx / 2;

	if ((consumer - d->tx_cons) % TG3_SEND_ENTRIES > in_flight(d)) {
		d->stats.status_bad++; /* the chip claims what it was never given */
		return;
	}
	while (d->tx_cons != consumer && d->batch)
		tg3_driver_lists_reap(d, cpu, consumer);
	while (d->tx_cons != consumer) {
		struct tx_slot *slot = &d->tx[d->tx_cons];

		if (slot->release.fn) /* once a frame, however many pieces */
			cpu_charge(cpu, work);
		release(d, cpu, slot, (d->tx_cons + 1) % TG3_SEND_ENTRIES != consumer);
		d->tx_cons = (d->tx_cons + 1) % TG3_SEND_ENTRIES;
	}
	if (d->tx_stopped && tg3_driver_tx_available(d) > TX_WAKE_ABOVE)
		run_queue(d, cpu);
}

void tg3_driver_tx_free(struct tg3_driver *d)
{
	for (; d->tx_cons != d->tx_prod; d->tx_cons = (d->tx_cons + 1) % TG3_SEND_ENTRIES)
		release(d, NULL, &d->tx[d->tx_cons], false);
	net_queue_fini(&d->queue);
}

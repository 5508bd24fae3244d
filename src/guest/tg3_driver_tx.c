/* SPDX-License-Identifier: MIT */
/*
 * Sending (Linux tg3: tg3_start_xmit, tg3_tx) with the queue that Linux keeps above its drivers
 * (pfifo, txqueuelen 1000). One lock over both, where Linux 2.6 has the queue's and the device's.
 *
 * The 5704 cannot read a buffer that crosses a 4 GiB boundary; Linux copies such a packet. A frame
 * here lies inside one page of memory and of DMA address space, so it never does.
 */
#include <errno.h>

#include "guest/tg3_driver_internal.h"

static unsigned in_flight(const struct tg3_driver *d)
{
	return (d->tx_prod - d->tx_cons) % TG3_SEND_ENTRIES;
}

static unsigned available(const struct tg3_driver *d)
{
	return TX_LIMIT - in_flight(d);
}

/* Map @frame, write its descriptor, ring. Lock held, a descriptor is free. 0 or -EIO. */
static int submit(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame)
{
	const size_t at = (size_t)d->tx_prod * TG3_TXD_BYTES;
	const iotoll_iova_t iova = iotoll_dma_map_single(d->dma, IOTOLL_PHYS(frame->paddr),
							 frame->bytes, IOTOLL_DMA_TO_DEVICE);
	const struct tg3_txd desc = {
		.addr = IOTOLL_IOVA_U64(iova),
		.bytes = (uint16_t)frame->bytes,
		.flags = TG3_TXD_FLAG_END,
	};

	if (iotoll_dma_mapping_error(iova)) {
		d->stats.tx_map_errors++;
		return -EIO;
	}
	tg3_txd_pack(d->send.ptr + at, &desc);
	cpu_touch(cpu, d->send.paddr + at, TG3_TXD_BYTES, true);
	d->tx[d->tx_prod] =
		(struct tx_slot){.owner = frame->owner, .iova = iova, .bytes = frame->bytes};
	d->tx_prod = (d->tx_prod + 1) % TG3_SEND_ENTRIES;
	d->stats.tx_frames++;
	d->stats.tx_bytes += frame->bytes;
	if (available(d) <= TX_STOP_AT)
		d->tx_stopped = true;
	tg3_driver_doorbell(d, cpu, TG3_MBOX_SEND_PROD, d->tx_prod);
	return 0;
}

static int enqueue(struct tg3_driver *d, const struct net_frame *frame)
{
	if (d->queue_count == TG3_DRIVER_QUEUE) {
		d->stats.tx_dropped++;
		return -ENOBUFS;
	}
	d->queue[(d->queue_first + d->queue_count++) % TG3_DRIVER_QUEUE] = *frame;
	d->stats.tx_queued++;
	return 0;
}

static int xmit(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct tg3_driver *d = ctx;
	const uint64_t work = machine_cost(d->machine)->driver_tx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc;

	vlock_acquire_bh(&d->tx_lock, cpu);
	cpu_charge(cpu, work - work / 2);
	if (d->tx_stopped || d->queue_count)
		rc = enqueue(d, frame);
	else
		rc = submit(d, cpu, frame) ? -ENOBUFS : 0;
	vlock_release_bh(&d->tx_lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

const struct netdev_ops tg3_driver_netdev = {
	.xmit = xmit,
};

static void run_queue(struct tg3_driver *d, struct cpu *cpu)
{
	vlock_acquire_bh(&d->tx_lock, cpu);
	d->tx_stopped = false;
	while (d->queue_count && !d->tx_stopped) {
		const struct net_frame frame = d->queue[d->queue_first];

		d->queue_first = (d->queue_first + 1) % TG3_DRIVER_QUEUE;
		d->queue_count--;
		if (submit(d, cpu, &frame))
			netstack_frame_done(d->stack, frame.owner);
	}
	vlock_release_bh(&d->tx_lock, cpu);
}

static void release(struct tg3_driver *d, struct tx_slot *slot)
{
	iotoll_dma_unmap_single(d->dma, slot->iova, slot->bytes, IOTOLL_DMA_TO_DEVICE);
	netstack_frame_done(d->stack, slot->owner);
	slot->owner = NULL;
}

/* Without the lock, as tg3_tx(): only the poll moves tx_cons. */
void tg3_driver_tx_reap(struct tg3_driver *d, struct cpu *cpu, unsigned consumer)
{
	const uint64_t work = machine_cost(d->machine)->driver_tx / 2;

	if ((consumer - d->tx_cons) % TG3_SEND_ENTRIES > in_flight(d)) {
		d->stats.status_bad++; /* the chip claims what it was never given */
		return;
	}
	while (d->tx_cons != consumer) {
		cpu_charge(cpu, work);
		release(d, &d->tx[d->tx_cons]);
		d->tx_cons = (d->tx_cons + 1) % TG3_SEND_ENTRIES;
	}
	if (d->tx_stopped && available(d) > TX_WAKE_ABOVE)
		run_queue(d, cpu);
}

void tg3_driver_tx_free(struct tg3_driver *d)
{
	for (; d->tx_cons != d->tx_prod; d->tx_cons = (d->tx_cons + 1) % TG3_SEND_ENTRIES)
		release(d, &d->tx[d->tx_cons]);
	for (; d->queue_count; d->queue_count--) {
		netstack_frame_done(d->stack, d->queue[d->queue_first].owner);
		d->queue_first = (d->queue_first + 1) % TG3_DRIVER_QUEUE;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Receiving (Linux tg3: tg3_rx, tg3_alloc_rx_skb, tg3_recycle_rx). Buffers are asked for and given
 * back one by one inside the same loop, so that the DMA layer sees map, unmap, map, unmap.
 */
#include <errno.h>
#include <string.h>

#include "guest/tg3_driver_internal.h"

void tg3_driver_rx_post(struct tg3_driver *d, struct cpu *cpu, unsigned index)
{
	const size_t at = (size_t)index * TG3_RXD_BYTES;
	const struct tg3_rxd desc = {
		.addr = IOTOLL_IOVA_U64(d->rx[index].iova),
		.index = (uint16_t)index,
		.bytes = TG3_STD_MAX_BYTES,
		.flags = TG3_RXD_FLAG_END,
		.opaque = TG3_RXD_OPAQUE_RING_STD | index,
	};

	tg3_rxd_pack(d->std.ptr + at, &desc);
	cpu_touch(cpu, d->std.paddr + at, TG3_RXD_BYTES, true);
}

/*
 * Memory to receive into. Pages that may be given away, to other machines even, are the kernel's:
 * what leaves is of no use to anybody who wants it back.
 */
static bool take_object(struct tg3_driver *d, const struct iotoll_dma_attrs *attrs,
			struct rx_slot *fresh)
{
	iotoll_phys_t paddr;

	fresh->object = NULL;
	if (d->rx_object_bytes != PAGE_BYTES)
		fresh->object = iotoll_dma_buffer_alloc(d->dma, d->rx_object_bytes,
							IOTOLL_DMA_FROM_DEVICE, attrs, &paddr);
	fresh->buffer = fresh->object != NULL;
	if (!fresh->object)
		fresh->object = kmalloc_alloc(d->kmalloc, d->rx_object_bytes);
	return fresh->object != NULL;
}

static void put_object(struct tg3_driver *d, const struct rx_slot *slot)
{
	if (slot->buffer)
		iotoll_dma_buffer_free(d->dma, IOTOLL_PHYS(kmalloc_phys(d->kmalloc, slot->object)));
	else
		kmalloc_free(d->kmalloc, slot->object);
}

int tg3_driver_rx_fill(struct tg3_driver *d, struct cpu *cpu, unsigned index)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD};
	struct rx_slot fresh;
	phys_t paddr;

	cpu_charge(cpu, machine_cost(d->machine)->skb_alloc);
	if (!take_object(d, &attrs, &fresh))
		return -ENOMEM;
	paddr = kmalloc_phys(d->kmalloc, fresh.object) + RX_OFFSET;
	fresh.iova = iotoll_dma_map_page_attrs(d->dma, IOTOLL_PHYS(paddr), RX_MAPPED_BYTES,
					       IOTOLL_DMA_FROM_DEVICE, &attrs);
	if (iotoll_dma_mapping_error(fresh.iova)) {
		put_object(d, &fresh);
		return -EIO;
	}
	d->rx[index] = fresh;
	tg3_driver_rx_post(d, cpu, index);
	return 0;
}

/* The buffer of slot @index goes back to the chip as it is. */
static void recycle(struct tg3_driver *d, struct cpu *cpu, unsigned index)
{
	const struct rx_slot slot = d->rx[index];

	d->rx[index].object = NULL;
	d->rx[d->std_prod] = slot;
	tg3_driver_rx_post(d, cpu, d->std_prod);
	d->std_prod = (d->std_prod + 1) % TG3_STD_ENTRIES;
}

static void free_object(void *ctx, struct cpu *cpu, void *owner)
{
	(void)cpu;
	kmalloc_free(ctx, owner);
}

_Static_assert(sizeof(void *) >= sizeof(phys_t), "a buffer's address is its owner's word");

/* It may outlive the driver. */
static void free_buffer(void *ctx, struct cpu *cpu, void *owner)
{
	struct iotoll_dma_device *dma = ctx;

	(void)cpu;
	iotoll_dma_buffer_free(dma, IOTOLL_PHYS((uintptr_t)owner));
}

/* The frame of @bytes in @slot's memory, from RX_OFFSET on, which goes with it. */
static void hand_slot_up(struct tg3_driver *d, struct cpu *cpu, const struct rx_slot *slot,
			 size_t bytes)
{
	const phys_t paddr = kmalloc_phys(d->kmalloc, slot->object);
	struct net_frame frame;

	frame.piece[0] = (struct net_piece){.paddr = paddr + RX_OFFSET, .bytes = (uint32_t)bytes};
	frame.pieces = 1;
	frame.bytes = (uint32_t)bytes;
	frame.object = slot->buffer ? NULL : slot->object;
	frame.lasting = slot->buffer;
	frame.dma = slot->buffer ? d->dma : NULL;
	if (slot->buffer)
		frame.release = (struct net_release){
			.fn = free_buffer, .ctx = d->dma, .owner = (void *)(uintptr_t)paddr};
	else
		frame.release = (struct net_release){
			.fn = free_object, .ctx = d->kmalloc, .owner = slot->object};
	d->upper.receive(d->upper.ctx, cpu, &frame);
}

void tg3_driver_hand_up(struct tg3_driver *d, struct cpu *cpu, void *object, size_t bytes)
{
	hand_slot_up(d, cpu, &(struct rx_slot){.object = object}, bytes);
}

/* A short frame: copied, and its buffer stays mapped and goes back. */
static void receive_copied(struct tg3_driver *d, struct cpu *cpu, unsigned index, size_t bytes)
{
	const struct rx_slot slot = d->rx[index];
	const phys_t from = kmalloc_phys(d->kmalloc, slot.object) + RX_OFFSET;
	uint8_t *copy;

	recycle(d, cpu, index);
	cpu_charge(cpu, machine_cost(d->machine)->skb_alloc);
	copy = kmalloc_alloc(d->kmalloc, bytes + RX_OFFSET);
	if (!copy) {
		d->stats.rx_no_memory++;
		return;
	}
	iotoll_dma_sync_single_for_cpu(d->dma, slot.iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	cpu_copy(cpu, kmalloc_phys(d->kmalloc, copy) + RX_OFFSET, from, bytes);
	memcpy(copy + RX_OFFSET, (uint8_t *)slot.object + RX_OFFSET, bytes);
	iotoll_dma_sync_single_for_device(d->dma, slot.iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	d->stats.rx_copied++;
	tg3_driver_hand_up(d, cpu, copy, bytes);
}

/* A longer frame: first a new buffer, mapped; only then is the old one unmapped and passed up. */
static void receive_replaced(struct tg3_driver *d, struct cpu *cpu, unsigned index, size_t bytes,
			     bool more)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD, .more = more};
	const struct rx_slot slot = d->rx[index];
	int rc;

	d->rx[index].object = NULL;
	rc = tg3_driver_rx_fill(d, cpu, d->std_prod);
	if (rc) {
		d->stats.rx_no_memory += rc == -ENOMEM;
		d->stats.rx_map_errors += rc == -EIO;
		d->rx[index] = slot;
		recycle(d, cpu, index);
		return;
	}
	d->std_prod = (d->std_prod + 1) % TG3_STD_ENTRIES;
	iotoll_dma_unmap_page_attrs(d->dma, slot.iova, RX_MAPPED_BYTES, IOTOLL_DMA_FROM_DEVICE,
				    &attrs);
	d->rx_more = more;
	hand_slot_up(d, cpu, &slot, bytes);
}

/* Nothing of use is in the buffer of slot @index. */
static void give_back(struct tg3_driver *d, struct cpu *cpu, unsigned index)
{
	if (d->chunks)
		tg3_chunks_returned(d->chunks, cpu, index, 0);
	else
		recycle(d, cpu, index);
}

static bool its_turn(const struct tg3_driver *d, unsigned index)
{
	if (d->chunks)
		return tg3_chunks_expect(d->chunks, index);
	return !d->rx[d->std_prod].object || d->std_prod == index;
}

/*
 * A returned descriptor comes from the device: what it says is checked before it is used. The chip
 * returns buffers in the order in which they were posted, so the slot at std_prod is free; if it
 * is not, the descriptor is a lie and the buffer it names stays where it is. @more: another
 * descriptor waits behind it.
 */
static void receive_one(struct tg3_driver *d, struct cpu *cpu, const struct tg3_rxd *desc,
			bool more)
{
	const unsigned index = desc->opaque & TG3_RXD_OPAQUE_INDEX;
	const size_t bytes = desc->bytes - FCS_BYTES;

	if (!(desc->opaque & TG3_RXD_OPAQUE_RING_STD) || index >= TG3_STD_ENTRIES ||
	    !d->rx[index].object || !its_turn(d, index)) {
		d->stats.rx_bad++;
		return;
	}
	if (desc->flags & TG3_RXD_FLAG_ERROR) {
		d->stats.rx_errors++;
		give_back(d, cpu, index);
		return;
	}
	if (desc->bytes <= FCS_BYTES || bytes > NET_FRAME_MAX) {
		d->stats.rx_bad++;
		give_back(d, cpu, index);
		return;
	}
	d->stats.rx_frames++;
	d->stats.rx_bytes += bytes;
	if (d->chunks)
		tg3_chunks_returned(d->chunks, cpu, index, bytes);
	else if (bytes > RX_COPY_THRESHOLD)
		receive_replaced(d, cpu, index, bytes, more);
	else
		receive_copied(d, cpu, index, bytes);
}

unsigned tg3_driver_rx(struct tg3_driver *d, struct cpu *cpu, unsigned budget)
{
	const struct cost *cost = machine_cost(d->machine);
	const unsigned posted_before = d->std_prod;
	unsigned done = 0;
	struct tg3_status status;

	tg3_driver_status(d, cpu, &status);
	while (done < budget && status.rx_producer != d->ret_cons) {
		const size_t at = (size_t)d->ret_cons * TG3_RXD_BYTES;
		struct tg3_rxd desc;

		cpu_charge(cpu, cost->driver_rx);
		cpu_touch(cpu, d->ret.paddr + at, TG3_RXD_BYTES, false);
		tg3_rxd_unpack(&desc, d->ret.ptr + at);
		d->ret_cons = (d->ret_cons + 1) % TG3_RET_ENTRIES;
		done++;
		receive_one(d, cpu, &desc, done < budget && status.rx_producer != d->ret_cons);
		if (d->ret_cons == status.rx_producer)
			tg3_driver_status(d, cpu, &status);
	}
	/* What could not be posted when it was due. */
	if (d->chunks && tg3_chunks_post(d->chunks, cpu))
		d->stats.rx_no_memory++;
	if (d->chunks)
		tg3_chunks_polled(d->chunks, cpu);
	/* The frames behind the last that was unmapped were short ones, or none at all. */
	if (d->rx_more)
		iotoll_dma_unmap_end(d->dma);
	d->rx_more = false;
	if (done)
		tg3_driver_doorbell(d, cpu, TG3_MBOX_RET_CONS, d->ret_cons);
	if (d->std_prod != posted_before)
		tg3_driver_doorbell(d, cpu, TG3_MBOX_STD_PROD, d->std_prod);
	return done;
}

void tg3_driver_rx_free(struct tg3_driver *d)
{
	tg3_chunks_close(d->chunks);
	d->chunks = NULL;
	for (unsigned i = 0; i < TG3_STD_ENTRIES; i++) {
		if (!d->rx[i].object)
			continue;
		iotoll_dma_unmap_page(d->dma, d->rx[i].iova, RX_MAPPED_BYTES,
				      IOTOLL_DMA_FROM_DEVICE);
		put_object(d, &d->rx[i]);
		d->rx[i].object = NULL;
	}
}

bool tg3_driver_last_posted(const struct tg3_driver *d, iotoll_iova_t *iova)
{
	const struct rx_slot *slot = &d->rx[(d->std_prod + TG3_STD_ENTRIES - 1) % TG3_STD_ENTRIES];

	*iova = slot->iova;
	return slot->object != NULL;
}

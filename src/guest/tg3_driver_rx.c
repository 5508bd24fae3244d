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

void tg3_driver_rx_put(struct tg3_driver *d, const struct rx_slot *slot)
{
	if (slot->buffer)
		iotoll_dma_buffer_free(d->dma, IOTOLL_PHYS(kmalloc_phys(d->kmalloc, slot->object)));
	else
		kmalloc_free(d->kmalloc, slot->object);
}

void tg3_driver_rx_post_next(struct tg3_driver *d, struct cpu *cpu, const struct rx_slot *slot)
{
	d->rx[d->std_prod] = *slot;
	tg3_driver_rx_post(d, cpu, d->std_prod);
	d->std_prod = (d->std_prod + 1) % TG3_STD_ENTRIES;
}

phys_t tg3_driver_rx_phys(const struct tg3_driver *d, const struct rx_slot *slot)
{
	return kmalloc_phys(d->kmalloc, slot->object) + RX_OFFSET;
}

int tg3_driver_rx_alloc(struct tg3_driver *d, struct cpu *cpu, struct rx_slot *out)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD};

	cpu_charge(cpu, machine_cost(d->machine)->skb_alloc);
	return take_object(d, &attrs, out) ? 0 : -ENOMEM;
}

int tg3_driver_rx_fill(struct tg3_driver *d, struct cpu *cpu)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD};
	struct rx_slot fresh;

	if (tg3_driver_rx_alloc(d, cpu, &fresh))
		return -ENOMEM;
	fresh.iova = iotoll_dma_map_page_attrs(d->dma, IOTOLL_PHYS(tg3_driver_rx_phys(d, &fresh)),
					       RX_MAPPED_BYTES, IOTOLL_DMA_FROM_DEVICE, &attrs);
	if (iotoll_dma_mapping_error(fresh.iova)) {
		tg3_driver_rx_put(d, &fresh);
		return -EIO;
	}
	tg3_driver_rx_post_next(d, cpu, &fresh);
	return 0;
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
void tg3_driver_rx_slot_up(struct tg3_driver *d, struct cpu *cpu, const struct rx_slot *slot,
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
	tg3_driver_rx_slot_up(d, cpu, &(struct rx_slot){.object = object}, bytes);
}

/* A short frame: copied, and its buffer stays mapped and goes back. */
void tg3_driver_rx_copy(struct tg3_driver *d, struct cpu *cpu, const struct rx_taken *taken)
{
	const struct rx_slot slot = taken->slot;
	const phys_t from = tg3_driver_rx_phys(d, &slot);
	const size_t bytes = taken->bytes;
	uint8_t *copy;

	tg3_driver_rx_post_next(d, cpu, &slot);
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
static void replace(struct tg3_driver *d, struct cpu *cpu, const struct rx_taken *taken, bool more)
{
	const struct iotoll_dma_attrs attrs = {.ring = DMA_RING_STD, .more = more};
	const int rc = tg3_driver_rx_fill(d, cpu);

	if (rc) {
		d->stats.rx_no_memory += rc == -ENOMEM;
		d->stats.rx_map_errors += rc == -EIO;
		tg3_driver_rx_post_next(d, cpu, &taken->slot);
		return;
	}
	iotoll_dma_unmap_page_attrs(d->dma, taken->slot.iova, RX_MAPPED_BYTES,
				    IOTOLL_DMA_FROM_DEVICE, &attrs);
	d->rx_more = more;
	tg3_driver_rx_slot_up(d, cpu, &taken->slot, taken->bytes);
}

/* Is the buffer of slot @index the one to come back now, slot @target being the next to post? */
static bool its_turn(const struct tg3_driver *d, unsigned index, unsigned target)
{
	if (d->chunks)
		return tg3_chunks_expect(d->chunks, index);
	return !d->rx[target].object || target == index;
}

/*
 * A returned descriptor comes from the device: what it says is checked before it is used. The chip
 * returns buffers in the order in which they were posted, so the slot at @target is free; if it
 * is not, the descriptor is a lie and the buffer it names stays where it is.
 */
void tg3_driver_rx_judge(struct tg3_driver *d, const struct tg3_rxd *desc, unsigned target,
			 struct rx_taken *out)
{
	const unsigned index = desc->opaque & TG3_RXD_OPAQUE_INDEX;

	*out = (struct rx_taken){.fate = RX_LIE, .bytes = desc->bytes - FCS_BYTES};
	if (!(desc->opaque & TG3_RXD_OPAQUE_RING_STD) || index >= TG3_STD_ENTRIES ||
	    !d->rx[index].object || !its_turn(d, index, target)) {
		d->stats.rx_bad++;
		return;
	}
	out->index = index;
	out->slot = d->rx[index];
	if (!d->chunks)
		d->rx[index].object = NULL;
	out->fate = RX_RECYCLE;
	if (desc->flags & TG3_RXD_FLAG_ERROR) {
		d->stats.rx_errors++;
		return;
	}
	if (desc->bytes <= FCS_BYTES || out->bytes > NET_FRAME_MAX) {
		d->stats.rx_bad++;
		return;
	}
	d->stats.rx_frames++;
	d->stats.rx_bytes += out->bytes;
	out->fate = out->bytes > RX_COPY_THRESHOLD ? RX_REPLACE : RX_COPY;
}

/* @more: another descriptor waits behind it. */
static void receive_one(struct tg3_driver *d, struct cpu *cpu, const struct tg3_rxd *desc,
			bool more)
{
	struct rx_taken taken;

	tg3_driver_rx_judge(d, desc, d->std_prod, &taken);
	if (d->chunks && taken.fate != RX_LIE)
		tg3_chunks_returned(d->chunks, cpu, taken.index,
				    taken.fate == RX_RECYCLE ? 0 : taken.bytes);
	else if (taken.fate == RX_RECYCLE)
		tg3_driver_rx_post_next(d, cpu, &taken.slot);
	else if (taken.fate == RX_COPY)
		tg3_driver_rx_copy(d, cpu, &taken);
	else if (taken.fate == RX_REPLACE)
		replace(d, cpu, &taken, more);
}

void tg3_driver_rx_next(struct tg3_driver *d, struct cpu *cpu, struct tg3_rxd *out)
{
	const size_t at = (size_t)d->ret_cons * TG3_RXD_BYTES;

	cpu_charge(cpu, machine_cost(d->machine)->driver_rx);
	cpu_touch(cpu, d->ret.paddr + at, TG3_RXD_BYTES, false);
	tg3_rxd_unpack(out, d->ret.ptr + at);
	d->ret_cons = (d->ret_cons + 1) % TG3_RET_ENTRIES;
}

unsigned tg3_driver_rx(struct tg3_driver *d, struct cpu *cpu, unsigned budget)
{
	const unsigned posted_before = d->std_prod;
	unsigned done = 0;
	struct tg3_status status;

	tg3_driver_status(d, cpu, &status);
	while (done < budget && status.rx_producer != d->ret_cons) {
		struct tg3_rxd desc;

		if (d->batch && !d->chunks) {
			done += tg3_driver_lists_rx(d, cpu, budget - done, status.rx_producer);
		} else {
			tg3_driver_rx_next(d, cpu, &desc);
			done++;
			receive_one(d, cpu, &desc,
				    done < budget && status.rx_producer != d->ret_cons);
		}
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
		tg3_driver_rx_put(d, &d->rx[i]);
		d->rx[i].object = NULL;
	}
}

bool tg3_driver_last_posted(const struct tg3_driver *d, iotoll_iova_t *iova)
{
	const struct rx_slot *slot = &d->rx[(d->std_prod + TG3_STD_ENTRIES - 1) % TG3_STD_ENTRIES];

	*iova = slot->iova;
	return slot->object != NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Receiving. Frames wait in the on-chip buffer until the standard ring has a descriptor and the
 * return ring a place; then the frame is written, FCS included, and after it its return
 * descriptor: in that order, as PCI keeps posted writes in order and the driver relies on it.
 *
 * Descriptors are fetched ahead in batches of the replenish threshold (posted / 8 = 25 as the
 * driver sets it): twice that many are held, and when half of them are used up the next
 * batch is read. The threshold is documented, the depth is our choice. The FCS bytes are written
 * as zeros: the driver strips them unread, and their value would cost a CRC over every frame.
 */
#include "dev/tg3_internal.h"

#include <errno.h>

static void drop_first(struct tg3 *nic)
{
	struct tg3_rx *rx = &nic->rx;
	struct frame *frame = rx->first;

	rx->first = frame->next;
	rx->buffered -= frame->bytes + FRAME_FCS_BYTES;
	frame_put(frame);
}

static void fetch(struct tg3 *nic)
{
	struct tg3_rx *rx = &nic->rx;
	struct tg3_ring ring;
	unsigned batch, available, n;

	if (rx->fetching || rx->fetch_refused || !tg3_can_read(nic))
		return;
	available =
		(tg3_reg(nic, TG3_MBOX_STD_PROD + TG3_MBOX_LOW) - rx->fetched) % TG3_STD_ENTRIES;
	if (!available)
		return;
	batch = tg3_reg(nic, TG3_RCVBDI_STD_THRESH);
	batch = !batch ? 1 : batch > TG3_RX_CACHE / 2 ? TG3_RX_CACHE / 2 : batch;
	if (rx->posted_count > batch)
		return;
	ring = tg3_ring_register(nic, TG3_RCVDBDI_STD_BD);
	if (!ring.usable)
		return;
	n = 2 * batch - rx->posted_count;
	n = n < available ? n : available;
	n = n < TG3_STD_ENTRIES - rx->fetched ? n : TG3_STD_ENTRIES - rx->fetched;
	rx->fetching = (uint16_t)n;
	rx->fetch.iova = ring.base + (uint64_t)rx->fetched * TG3_RXD_BYTES;
	rx->fetch.bytes = n * TG3_RXD_BYTES;
	nic->stats.rx_descriptor_fetches++;
	bus_submit(&nic->port, &rx->fetch);
}

static void on_fetch(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;
	struct tg3_rx *rx = &nic->rx;
	const unsigned n = rx->fetching;

	(void)req;
	rx->fetching = 0;
	if (!tg3_dma_ok(nic, IOTOLL_READ, status)) {
		rx->fetch_refused = true;
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		const unsigned at = (rx->posted_first + rx->posted_count++) % TG3_RX_CACHE;

		tg3_rxd_unpack(&rx->posted[at], rx->fetch_buffer + i * TG3_RXD_BYTES);
	}
	rx->fetched = (uint16_t)((rx->fetched + n) % TG3_STD_ENTRIES);
	nic->stats.rx_descriptors += n;
	tg3_rx_pump(nic);
}

/* Write the return descriptor of the frame being placed. */
static void return_descriptor(struct tg3 *nic, uint16_t errors)
{
	const struct tg3_ring ring = tg3_ring_sram(nic, TG3_SRAM_RET_RCB);
	struct tg3_rx *rx = &nic->rx;

	rx->used.bytes = (uint16_t)(rx->first->bytes + FRAME_FCS_BYTES);
	rx->used.flags = TG3_RXD_FLAG_END | (errors ? TG3_RXD_FLAG_ERROR : 0);
	rx->used.errors = errors;
	rx->used.ip_checksum = 0;
	rx->used.tcp_checksum = 0;
	rx->used.vlan = 0;
	tg3_rxd_pack(rx->ret_buffer, &rx->used);
	rx->ret.iova = ring.base + (uint64_t)rx->produced * TG3_RXD_BYTES;
	bus_submit(&nic->port, &rx->ret);
}

static void on_data(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;
	const bool ok = tg3_dma_ok(nic, IOTOLL_WRITE, status);

	(void)req;
	if (nic->dead)
		return;
	if (!ok)
		nic->stats.rx_drop_dma++;
	return_descriptor(nic, ok ? 0 : TG3_RXD_ERR_MAC_ABORT);
}

static void on_return(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;
	struct tg3_rx *rx = &nic->rx;
	const struct tg3_ring ring = tg3_ring_sram(nic, TG3_SRAM_RET_RCB);
	const bool ok = tg3_dma_ok(nic, IOTOLL_WRITE, status);

	(void)req;
	if (nic->dead)
		return;
	rx->placing = false;
	if (ok) {
		rx->produced = (uint16_t)((rx->produced + 1u) %
					  (ring.usable ? ring.length : TG3_RET_ENTRIES));
		if (!rx->used.errors) {
			nic->stats.rx_frames++;
			nic->stats.rx_bytes += rx->used.bytes;
		}
	} else if (!rx->used.errors) {
		nic->stats.rx_drop_dma++;
	}
	drop_first(nic);
	if (ok) /* first, so that the status block does not queue behind the next frame */
		tg3_coalesce_rx(nic);
	tg3_rx_pump(nic);
}

/* The first frame goes to the first posted descriptor. */
static void place(struct tg3 *nic)
{
	struct tg3_rx *rx = &nic->rx;
	struct frame *frame = rx->first;
	const uint32_t bytes = frame->bytes + FRAME_FCS_BYTES;

	rx->used = rx->posted[rx->posted_first];
	rx->posted_first = (rx->posted_first + 1) % TG3_RX_CACHE;
	rx->posted_count--;
	rx->placing = true;
	if (bytes > rx->used.bytes) {
		nic->stats.rx_drop_long++;
		return_descriptor(nic, TG3_RXD_ERR_HUGE_FRAME);
		return;
	}
	memset(frame->data + frame->bytes, 0, FRAME_FCS_BYTES);
	rx->data.iova = rx->used.addr;
	rx->data.buffer = frame->data;
	rx->data.bytes = bytes;
	bus_submit(&nic->port, &rx->data);
}

void tg3_rx_pump(struct tg3 *nic)
{
	struct tg3_rx *rx = &nic->rx;
	struct tg3_ring ring;

	fetch(nic);
	if (rx->placing || !rx->first || !rx->posted_count || !tg3_can_write(nic))
		return;
	ring = tg3_ring_sram(nic, TG3_SRAM_RET_RCB);
	if (!ring.usable)
		return;
	if (rx->produced >= ring.length) /* the ring was made shorter under us */
		rx->produced = 0;
	if ((rx->produced + 1u) % ring.length == tg3_reg(nic, TG3_MBOX_RET_CONS + TG3_MBOX_LOW))
		return; /* full: the consumer mailbox wakes us */
	place(nic);
	fetch(nic);
}

/* Is @frame addressed to this station? Counts what kind it is. */
static bool filter(struct tg3 *nic, const struct frame *frame)
{
	uint64_t to = 0;

	for (unsigned i = 0; i < 6; i++)
		to = to << 8 | frame->data[i];
	if (to == UINT64_C(0xffffffffffff)) {
		nic->stats.rx_broadcast++;
		return true;
	}
	if (frame->data[0] & 1) { /* the multicast hash filter is not modelled: all are taken */
		nic->stats.rx_multicast++;
		return true;
	}
	if (to != nic->filter && !(tg3_reg(nic, TG3_MAC_RX_MODE) & TG3_MAC_RX_MODE_PROMISC))
		return false;
	nic->stats.rx_unicast++;
	return true;
}

/* Where to count @frame if it cannot be taken, NULL if it can. */
static uint64_t *refusal(struct tg3 *nic, const struct frame *frame)
{
	const uint32_t bytes = frame->bytes + FRAME_FCS_BYTES;
	struct tg3_rx *rx = &nic->rx;

	if (nic->dead || !(tg3_reg(nic, TG3_MAC_RX_MODE) & TG3_MODE_ENABLE))
		return &nic->stats.rx_drop_disabled;
	if (bytes > tg3_reg(nic, TG3_MAC_RX_MTU_SIZE))
		return &nic->stats.rx_drop_long;
	if (!filter(nic, frame))
		return &nic->stats.rx_drop_filter;
	if (rx->buffered + bytes > nic->config.rx_buffer_bytes)
		return rx->posted_count ? &nic->stats.rx_drop_full
					: &nic->stats.rx_drop_no_descriptor;
	return NULL;
}

void tg3_receive(struct tg3 *nic, struct frame *frame)
{
	struct tg3_rx *rx = &nic->rx;
	uint64_t *refused = refusal(nic, frame);

	if (refused) {
		++*refused;
		frame_put(frame);
		return;
	}
	frame->next = NULL;
	if (rx->first)
		rx->last->next = frame;
	else
		rx->first = frame;
	rx->last = frame;
	rx->buffered += frame->bytes + FRAME_FCS_BYTES;
	if (!rx->placing)
		tg3_rx_pump(nic);
}

void tg3_receive_cb(void *nic, struct frame *frame)
{
	tg3_receive(nic, frame);
}

void tg3_rx_init(struct tg3 *nic)
{
	struct tg3_rx *rx = &nic->rx;

	rx->fetch = (struct bus_request){
		.buffer = rx->fetch_buffer, .direction = IOTOLL_READ, .done = on_fetch, .ctx = nic};
	rx->data = (struct bus_request){.direction = IOTOLL_WRITE, .done = on_data, .ctx = nic};
	rx->ret = (struct bus_request){.buffer = rx->ret_buffer,
				       .bytes = TG3_RXD_BYTES,
				       .direction = IOTOLL_WRITE,
				       .done = on_return,
				       .ctx = nic};
}

void tg3_rx_reset(struct tg3 *nic)
{
	struct tg3_rx *rx = &nic->rx;

	while (rx->first)
		drop_first(nic);
	rx->posted_first = 0;
	rx->posted_count = 0;
	rx->fetched = 0;
	rx->fetching = 0;
	rx->fetch_refused = false;
	rx->placing = false;
	rx->produced = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Sending. A write to the producer mailbox makes the chip fetch descriptors, as many as it has
 * room for in one read, gather the fragments of a frame by one DMA read each until the one marked
 * END, and hand the frame to the MAC. The consumer index in the status block moves by whole
 * frames, once their data are on chip: from then on the host may unmap and free them.
 *
 * Frames are fetched ahead of the wire as far as the on-chip send buffer reaches.
 */
#include "dev/tg3_internal.h"

#include <errno.h>

/* Offloads that would change the frame's bytes: none is modelled, none is silently ignored. */
#define UNSUPPORTED                                                            \
	(TG3_TXD_FLAG_TCPUDP_CSUM | TG3_TXD_FLAG_IP_CSUM | TG3_TXD_FLAG_VLAN | \
	 TG3_TXD_FLAG_CPU_PRE_DMA | TG3_TXD_FLAG_CPU_POST_DMA)

static void fetch(struct tg3 *nic)
{
	const struct tg3_ring ring = tg3_ring_sram(nic, TG3_SRAM_SEND_RCB);
	struct tg3_tx *tx = &nic->tx;
	unsigned available, n;

	if (tx->fetching || tx->fetch_refused || !tg3_can_read(nic) || !ring.usable ||
	    tx->posted_count > TG3_TX_CACHE / 2)
		return;
	if (tx->fetched >= ring.length) /* the ring was made shorter under us */
		tx->fetched = 0;
	available = tg3_reg(nic, TG3_MBOX_SEND_PROD + TG3_MBOX_LOW) % ring.length + ring.length -
		    tx->fetched;
	available %= ring.length;
	if (!available)
		return;
	n = TG3_TX_CACHE - tx->posted_count;
	n = n < available ? n : available;
	n = n < ring.length - tx->fetched ? n : ring.length - tx->fetched;
	tx->fetching = (uint16_t)n;
	tx->fetch.iova = ring.base + (uint64_t)tx->fetched * TG3_TXD_BYTES;
	tx->fetch.bytes = n * TG3_TXD_BYTES;
	nic->stats.tx_descriptor_fetches++;
	bus_submit(&nic->port, &tx->fetch);
}

static void on_fetch(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;
	struct tg3_tx *tx = &nic->tx;
	const unsigned n = tx->fetching;

	(void)req;
	tx->fetching = 0;
	if (!tg3_dma_ok(nic, IOTOLL_READ, status)) {
		tx->fetch_refused = true;
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		const unsigned at = (tx->posted_first + tx->posted_count++) % TG3_TX_CACHE;

		tg3_txd_unpack(&tx->posted[at], tx->fetch_buffer + i * TG3_TXD_BYTES);
	}
	tx->fetched = (uint16_t)(tx->fetched + n); /* wraps in fetch(), with the ring's length */
	nic->stats.tx_descriptors += n;
	tg3_tx_pump(nic);
}

/* May another frame be gathered now? If not, the room event will ask again. */
static bool room(struct tg3 *nic)
{
	struct tg3_tx *tx = &nic->tx;

	if (tx->wire_free <= tg3_now(nic) + nic->tx_buffer_ps)
		return true;
	if (!event_pending(&tx->room))
		sim_schedule(nic->machine->sim, &tx->room, tx->wire_free - nic->tx_buffer_ps);
	return false;
}

static void on_room(void *ctx)
{
	tg3_tx_pump(ctx);
}

static void count_kind(struct tg3 *nic, const struct frame *frame)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (!(frame->data[0] & 1))
		nic->stats.tx_unicast++;
	else if (memcmp(frame->data, broadcast, sizeof(broadcast)))
		nic->stats.tx_multicast++;
	else
		nic->stats.tx_broadcast++;
}

/* The gathered frame goes out, or not. */
static void dispatch(struct tg3 *nic)
{
	struct tg3_tx *tx = &nic->tx;
	struct frame *frame = tx->frame;

	tx->frame = NULL;
	if (tx->lost || tx->bad || !frame || frame->bytes < FRAME_HEADER_BYTES) {
		*(tx->lost ? &nic->stats.tx_drop_dma : &nic->stats.tx_drop_bad) += 1;
	} else if (!nic->config.wire.send) {
		nic->stats.tx_drop_no_wire++;
	} else {
		nic->stats.tx_frames++;
		nic->stats.tx_bytes += frame->bytes;
		count_kind(nic, frame);
		tx->wire_free = nic->config.wire.send(nic->config.wire.ctx, frame);
		frame = NULL;
	}
	if (frame)
		frame_put(frame);
}

/* A descriptor is done with; the last one of a frame takes the frame along. */
static void fragment_over(struct tg3 *nic)
{
	const struct tg3_ring ring = tg3_ring_sram(nic, TG3_SRAM_SEND_RCB);
	struct tg3_tx *tx = &nic->tx;
	const bool now = tx->coalesce_now;

	if (!tx->end)
		return;
	dispatch(nic);
	tx->consumed = (uint16_t)((tx->consumed + tx->pending) %
				  (ring.usable ? ring.length : TG3_SEND_ENTRIES));
	tx->pending = 0;
	tx->bad = false;
	tx->lost = false;
	tx->coalesce_now = false;
	tg3_coalesce_tx(nic, now);
}

static void on_data(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;
	struct tg3_tx *tx = &nic->tx;

	tx->gathering = false;
	if (tg3_dma_ok(nic, IOTOLL_READ, status))
		tx->frame->bytes += req->bytes;
	else
		tx->lost = true;
	if (nic->dead)
		return;
	fragment_over(nic);
	tg3_tx_pump(nic);
}

/* Take the next descriptor; true if its fragment is now being read. */
static bool gather(struct tg3 *nic)
{
	struct tg3_tx *tx = &nic->tx;
	const struct tg3_txd *d = &tx->posted[tx->posted_first];

	tx->posted_first = (tx->posted_first + 1) % TG3_TX_CACHE;
	tx->posted_count--;
	tx->pending++;
	tx->end = d->flags & TG3_TXD_FLAG_END;
	tx->coalesce_now |= !!(d->flags & TG3_TXD_FLAG_COAL_NOW);
	if (!tx->frame)
		tx->frame = frame_get(nic->config.pool);
	if (d->flags & UNSUPPORTED || !tx->frame || tx->frame->bytes + d->bytes > FRAME_MAX_BYTES)
		tx->bad = true;
	if (tx->bad || tx->lost || !d->bytes)
		return false;
	tx->data.iova = d->addr;
	tx->data.buffer = tx->frame->data + tx->frame->bytes;
	tx->data.bytes = d->bytes;
	tx->gathering = true;
	bus_submit(&nic->port, &tx->data);
	return true;
}

void tg3_tx_pump(struct tg3 *nic)
{
	struct tg3_tx *tx = &nic->tx;

	fetch(nic);
	while (!tx->gathering && tx->posted_count && tg3_can_read(nic) &&
	       tg3_reg(nic, TG3_MAC_TX_MODE) & TG3_MODE_ENABLE) {
		if (!tx->pending && !room(nic))
			return;
		if (!gather(nic))
			fragment_over(nic);
		fetch(nic);
	}
}

void tg3_tx_init(struct tg3 *nic)
{
	struct tg3_tx *tx = &nic->tx;

	tx->fetch = (struct bus_request){
		.buffer = tx->fetch_buffer, .direction = IOTOLL_READ, .done = on_fetch, .ctx = nic};
	tx->data = (struct bus_request){.direction = IOTOLL_READ, .done = on_data, .ctx = nic};
	event_init(&tx->room, on_room, nic);
}

void tg3_tx_reset(struct tg3 *nic)
{
	struct tg3_tx *tx = &nic->tx;

	if (tx->frame)
		frame_put(tx->frame);
	tx->frame = NULL;
	sim_cancel(nic->machine->sim, &tx->room);
	tx->posted_first = 0;
	tx->posted_count = 0;
	tx->fetched = 0;
	tx->fetching = 0;
	tx->fetch_refused = false;
	tx->consumed = 0;
	tx->pending = 0;
	tx->gathering = false;
	tx->bad = false;
	tx->lost = false;
	tx->coalesce_now = false;
}

/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer for netback against a frontend that writes anything: slots, indexes and single words of
 * both ring pages, grants that come and go, packets that are kept for any time. The input is a
 * program of that, run on the hypervisor without virtual time. The judge: every frame handed up is
 * made of memory and of a legal length, no slot or mapping is lost, every grant can be revoked in
 * the end, and the hypervisor's tables add up.
 */
#include <string.h>

#include "guest/netback_internal.h"
#include "input.h"
#include "xen_side.h"

#define GRANTED 8u
#define KEPT    64u
#define STEPS   400u

struct world {
	struct xen_sides x;
	struct netback *nb;
	struct netback_vif *vif;
	uint8_t *ring[2]; /* tx, rx */
	grant_ref_t ring_ref[2], ref[GRANTED];
	uint8_t *page[GRANTED];
	int port;
	struct net_frame kept[KEPT];
	unsigned first, count;
};

/* ---- the world ---- */

/* What netback hands up is kept, for as long as the program likes. */
static void receive(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct world *w = ctx;
	uint32_t sum = 0;

	JUDGE(frame->pieces >= 1 && frame->pieces <= NET_PIECES);
	JUDGE(frame->bytes >= NET_ETH_BYTES && frame->bytes <= NET_FRAME_MAX);
	JUDGE(frame->piece[0].bytes >= NET_ETH_BYTES);
	for (unsigned i = 0; i < frame->pieces; i++) {
		const struct net_piece *p = &frame->piece[i];

		JUDGE(p->bytes && p->paddr % PAGE_BYTES + p->bytes <= PAGE_BYTES);
		JUDGE(memory_ptr(w->x.back.view, p->paddr, p->bytes));
		sum += p->bytes;
	}
	JUDGE(sum == frame->bytes);
	if (w->count == KEPT) {
		net_frame_done(frame, cpu);
		return;
	}
	w->kept[(w->first + w->count++) % KEPT] = *frame;
}

static void connect(struct world *w, unsigned how)
{
	const struct netif_frontend_keys keys = {
		.domid = 1,
		.tx_ring_ref = w->ring_ref[0],
		.rx_ring_ref = w->ring_ref[1],
		.event_channel =
			(evtchn_port_t)(w->port = pv_event_alloc(w->x.front.k->events, NULL, 0,
								 xen_side_ignore, NULL)),
		.request_rx_copy = how & 1,
		.feature_sg = how & 2,
		.feature_rx_notify = how & 4,
	};
	struct err err = {{0}};

	for (unsigned i = 0; i < 2; i++) {
		memset(w->ring[i], 0, PAGE_BYTES);
		w->ring[i][4] = w->ring[i][12] = 1; /* both events */
	}
	JUDGE(netback_vif_open(&w->vif, w->nb, &keys, &err) == 0);
	netback_vif_start(w->vif, NULL, (struct net_upper){.receive = receive, .ctx = w});
}

static void disconnect(struct world *w)
{
	netback_vif_close(w->vif, NULL);
	pv_event_close(w->x.front.k->events, NULL, (evtchn_port_t)w->port);
}

static void make(struct world *w, unsigned how)
{
	struct err err = {{0}};

	xen_sides_make(&w->x, 320);
	JUDGE(netback_create(&w->nb, w->x.back.k, &err) == 0);
	for (unsigned i = 0; i < 2; i++) {
		w->ring[i] = kmalloc_alloc(w->x.front.kmalloc, PAGE_BYTES);
		w->ring_ref[i] = xen_side_grant(&w->x.front, w->ring[i], false);
	}
	for (unsigned i = 0; i < GRANTED; i++) {
		w->page[i] = kmalloc_alloc(w->x.front.kmalloc, PAGE_BYTES);
		memset(w->page[i], (int)i, PAGE_BYTES);
		w->ref[i] = xen_side_grant(&w->x.front, w->page[i], i % 2);
	}
	connect(w, how);
}

/* ---- the program ---- */

static void release_one(struct world *w)
{
	if (!w->count)
		return;
	net_frame_done(&w->kept[w->first], NULL);
	w->first = (w->first + 1) % KEPT;
	w->count--;
}

/* A slot's words: mostly plausible, so that the program gets somewhere. */
static void put_slot(struct world *w, struct input *in)
{
	const unsigned ring = take(in, 1) & 1, at = (unsigned)take(in, 1);
	const uint64_t what = take(in, 1);
	const grant_ref_t ref = what & 0x80 ? (grant_ref_t)take(in, 4) : w->ref[what % GRANTED];

	if (ring) {
		const netif_rx_request_t req = {.id = (uint16_t)take(in, 2), .gref = ref};

		memcpy(w->ring[1] + 64 + at * sizeof(union netif_rx_sring_entry), &req,
		       sizeof(req));
	} else {
		const netif_tx_request_t req = {
			.gref = ref,
			.offset = (uint16_t)(what & 0x40 ? take(in, 2) : 0),
			.flags = (uint16_t)take(in, 1) & 0xf,
			.id = (uint16_t)at,
			.size = (uint16_t)take(in, 2),
		};

		memcpy(w->ring[0] + 64 + at * sizeof(union netif_tx_sring_entry), &req,
		       sizeof(req));
	}
}

static void put_word(struct world *w, struct input *in)
{
	const uint32_t at = (uint32_t)take(in, 2) % (PAGE_BYTES / 4) * 4,
		       value = (uint32_t)take(in, 4);

	memcpy(w->ring[take(in, 1) & 1] + at, &value, sizeof(value));
}

static void advance(struct world *w, struct input *in)
{
	const unsigned ring = take(in, 1) & 1;
	uint32_t prod;

	memcpy(&prod, w->ring[ring], sizeof(prod));
	prod += (uint32_t)take(in, 1);
	memcpy(w->ring[ring], &prod, sizeof(prod));
	w->vif->tx_kicked = w->vif->rx_kicked = true; /* as its event would */
}

static void free_object(void *ctx, struct cpu *cpu, void *owner)
{
	(void)cpu;
	kmalloc_free(ctx, owner);
}

/* A frame for the guest: from here, or one of its own back. */
static void send(struct world *w, struct input *in)
{
	const struct netdev dev = netback_vif_netdev(w->vif);
	const uint32_t bytes = NET_ETH_BYTES + (uint32_t)take(in, 2) % 1501;
	struct net_frame frame = {.pieces = 1, .bytes = bytes};

	if (w->count && bytes % 3 == 0) {
		frame = w->kept[w->first];
		w->first = (w->first + 1) % KEPT;
		w->count--;
	} else {
		frame.object = kmalloc_alloc(w->x.back.kmalloc, bytes % 2 ? PAGE_BYTES : 2048);
		JUDGE(frame.object);
		frame.piece[0] =
			(struct net_piece){kmalloc_phys(w->x.back.kmalloc, frame.object), bytes};
		frame.release = (struct net_release){free_object, w->x.back.kmalloc, frame.object};
	}
	if (dev.ops->xmit(dev.ctx, NULL, &frame))
		net_frame_done(&frame, NULL);
}

/* A grant ends, unless it is in use, and comes again as something else. */
static void regrant(struct world *w, struct input *in)
{
	const unsigned i = (unsigned)take(in, 1) % GRANTED;

	xen_side_regrant(&w->x.front, w->page[i], w->ref[i], (unsigned)take(in, 1));
}

static void step(struct world *w, struct input *in)
{
	switch (take(in, 1) % 10) {
	case 0:
	case 1:
		put_slot(w, in);
		break;
	case 2:
		put_word(w, in);
		break;
	case 3:
		advance(w, in);
		break;
	case 4:
	case 5:
		netback_tx_run(w->nb, NULL);
		break;
	case 6:
		send(w, in);
		netback_rx_run(w->nb, NULL);
		break;
	case 7:
		release_one(w);
		break;
	case 8:
		regrant(w, in);
		break;
	default:
		disconnect(w);
		connect(w, (unsigned)take(in, 1));
	}
}

/* ---- the judge ---- */

static void settle(struct world *w)
{
	struct netback_stats s;
	struct err err = {{0}};

	while (w->count)
		release_one(w);
	disconnect(w);
	for (unsigned i = 0; i < 8; i++)
		netback_tx_run(w->nb, NULL);
	netback_stats(w->nb, &s);
	JUDGE(s.pending == 0 && s.unmap_errors == 0 && s.tx_maps == s.tx_unmaps);
	for (unsigned i = 0; i < GRANTED; i++)
		JUDGE(pv_grant_end_access(w->x.front.k->grants, NULL, w->ref[i]) == 0);
	for (unsigned i = 0; i < 2; i++)
		JUDGE(pv_grant_end_access(w->x.front.k->grants, NULL, w->ring_ref[i]) == 0);
	JUDGE(xen_check(w->x.hv, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {.at = data, .left = bytes};
	struct world w = {0};

	make(&w, (unsigned)take(&in, 1));
	for (unsigned i = 0; i < STEPS && in.left; i++)
		step(&w, &in);
	settle(&w);
	netback_destroy(w.nb);
	xen_sides_drop(&w.x);
	return 0;
}

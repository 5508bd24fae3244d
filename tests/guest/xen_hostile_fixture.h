/* SPDX-License-Identifier: MIT */
/*
 * A frontend made by hand in guest 1, whose rings the test writes itself, and a well-behaved guest
 * beside it whose packets must go on arriving.
 */
#ifndef IOTOLL_TESTS_GUEST_XEN_HOSTILE_FIXTURE_H
#define IOTOLL_TESTS_GUEST_XEN_HOSTILE_FIXTURE_H

#include "xen_lab.h"

#include "base/rng.h"
#include "guest/netif.h"
#include "guest/xen_evtchn.h"

#define PAGES 24u

/* A frontend made by hand in guest 1. */
struct hostile {
	struct xen_lab *x;
	struct host *h;
	netif_tx_sring_t *tx;
	netif_rx_sring_t *rx;
	grant_ref_t tx_ref, rx_ref, ref[PAGES];
	uint8_t *page[PAGES];
	int port;
	RING_IDX req, rsp; /* of tx */
	RING_IDX rx_req, rx_rsp;
	struct host_guest *vif;
};

static inline void ignore(void *ctx, struct cpu *cpu)
{
	(void)ctx, (void)cpu;
}

static inline grant_ref_t grant(struct hostile *f, void *page, bool readonly)
{
	const grant_ref_t ref = pv_grant_take(f->h->pv->grants, NULL);

	assert_int_not_equal(ref, PV_GRANT_NONE);
	pv_grant_access(f->h->pv->grants, NULL, ref, 0,
			pv_mfn(f->h->pv, NULL, kmalloc_phys(f->h->kmalloc, page)), readonly);
	return ref;
}

static inline void connect(struct hostile *f)
{
	struct netif_frontend_keys keys = {
		.domid = 1, .request_rx_copy = true, .feature_rx_notify = true, .feature_sg = true};
	struct err err = {{0}};

	memset(f->tx, 0, PAGE_BYTES); /* slots never written say: a packet of no bytes */
	memset(f->rx, 0, PAGE_BYTES);
	SHARED_RING_INIT(f->tx);
	SHARED_RING_INIT(f->rx);
	f->req = f->rsp = f->rx_req = f->rx_rsp = 0;
	f->port = pv_event_alloc(f->h->pv->events, NULL, 0, ignore, NULL);
	assert_true(f->port > 0);
	keys.tx_ring_ref = f->tx_ref;
	keys.rx_ring_ref = f->rx_ref;
	keys.event_channel = (evtchn_port_t)f->port;
	if (host_add_guest(f->x->dom[0].host, &keys, &f->vif, &err))
		fail_msg("%s", err.text);
	xen_lab_run(f->x, SIM_MS);
}

static inline void disconnect(struct hostile *f)
{
	xen_lab_remove(f->x, f->vif);
	pv_event_close(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, 5 * SIM_MS);
}

static inline int setup(void **state)
{
	struct hostile *f = calloc(1, sizeof(*f));

	f->x = xen_lab_create(XEN_LAB_NO_FRONT);
	f->h = f->x->dom[1].host;
	f->tx = kmalloc_alloc(f->h->kmalloc, PAGE_BYTES);
	f->rx = kmalloc_alloc(f->h->kmalloc, PAGE_BYTES);
	f->tx_ref = grant(f, f->tx, false);
	f->rx_ref = grant(f, f->rx, false);
	for (unsigned i = 0; i < PAGES; i++) {
		f->page[i] = kmalloc_alloc(f->h->kmalloc, PAGE_BYTES);
		memset(f->page[i], 0x11, PAGE_BYTES);
		/* from guest 1 to the client at the other end */
		memcpy(f->page[i],
		       (const uint8_t[14]){2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0x88, 0xb5}, 14);
		f->ref[i] = grant(f, f->page[i], i != 1);
	}
	connect(f);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct hostile *f = *state;
	struct netback_stats s;

	disconnect(f);
	netback_stats(f->x->dom[0].host->netback, &s);
	assert_int_equal(s.pending, 0);
	assert_int_equal(s.unmap_errors, 0);
	assert_int_equal(s.tx_maps, s.tx_unmaps);
	/* Nobody holds a grant of ours any more. */
	assert_int_equal(pv_grant_end_access(f->h->pv->grants, NULL, f->tx_ref), 0);
	assert_int_equal(pv_grant_end_access(f->h->pv->grants, NULL, f->rx_ref), 0);
	pv_grant_give(f->h->pv->grants, NULL, f->tx_ref);
	pv_grant_give(f->h->pv->grants, NULL, f->rx_ref);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_int_equal(pv_grant_end_access(f->h->pv->grants, NULL, f->ref[i]), 0);
		pv_grant_give(f->h->pv->grants, NULL, f->ref[i]);
		kmalloc_free(f->h->kmalloc, f->page[i]);
	}
	kmalloc_free(f->h->kmalloc, f->tx);
	kmalloc_free(f->h->kmalloc, f->rx);
	xen_lab_destroy(f->x);
	free(f);
	return 0;
}

/* ---- the ring by hand ---- */

static inline void slot(struct hostile *f, grant_ref_t ref, unsigned offset, unsigned size,
			unsigned flags)
{
	f->tx->ring[f->req % NETIF_TX_RING].req = (netif_tx_request_t){
		.gref = ref,
		.offset = (uint16_t)offset,
		.flags = (uint16_t)flags,
		.id = (uint16_t)(f->req ^ 0x8000), /* any id is ours to choose */
		.size = (uint16_t)size,
	};
	f->req++;
}

static inline void extra(struct hostile *f, uint8_t type, uint8_t flags)
{
	struct netif_extra_info e = {.type = type, .flags = flags};

	memcpy(&f->tx->ring[f->req % NETIF_TX_RING].req, &e, sizeof(e));
	f->req++;
}

static inline void push(struct hostile *f)
{
	f->tx->req_prod = f->req;
	pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, 3 * SIM_MS);
	xen_lab_check(f->x);
}

/* Status of the next response, whose id must be what request @id had. */
static inline int response(struct hostile *f)
{
	const netif_tx_response_t rsp = f->tx->ring[f->rsp % NETIF_TX_RING].rsp;

	assert_int_not_equal(f->rsp, f->tx->rsp_prod);
	if (rsp.status != NETIF_RSP_NULL)
		assert_int_equal(rsp.id, (uint16_t)(f->rsp ^ 0x8000));
	f->rsp++;
	return rsp.status;
}

static inline struct netback_vif_stats stats(const struct hostile *f)
{
	struct netback_vif_stats s;

	netback_vif_stats(f->vif->vif, &s);
	return s;
}

/* The last thing pushed stopped the interface, and a new connection works. */
static inline void expect_disabled(struct hostile *f)
{
	const RING_IDX answered = f->tx->rsp_prod;

	assert_int_equal(stats(f).disabled, 1);
	slot(f, f->ref[0], 0, 100, 0);
	push(f);
	assert_int_equal(f->tx->rsp_prod, answered);
	disconnect(f);
	connect(f);
	slot(f, f->ref[0], 0, 100, 0);
	push(f);
	assert_int_equal(response(f), NETIF_RSP_OKAY);
}

/* The last packet's @slots were answered with errors, and the interface goes on. */
static inline void expect_refused(struct hostile *f, unsigned slots)
{
	const uint64_t frames = stats(f).tx_frames;

	for (unsigned i = 0; i < slots; i++)
		assert_int_equal(response(f), NETIF_RSP_ERROR);
	assert_int_equal(f->rsp, f->tx->rsp_prod);
	assert_int_equal(stats(f).disabled, 0);
	slot(f, f->ref[0], 0, 100, 0);
	push(f);
	assert_int_equal(response(f), NETIF_RSP_OKAY);
	assert_int_equal(stats(f).tx_frames, frames + 1);
}

/* ---- the other ring ---- */

static inline void post(struct hostile *f, grant_ref_t ref)
{
	f->rx->ring[f->rx_req % NETIF_RX_RING].req =
		(netif_rx_request_t){.id = (uint16_t)(f->rx_req * 3), .gref = ref};
	f->rx_req++;
}

static inline void push_rx(struct hostile *f)
{
	f->rx->req_prod = f->rx_req;
	pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, SIM_MS);
}

/* @count frames from the wire for guest 1. */
static inline void arrive(struct hostile *f, unsigned count)
{
	struct frame_sink wire = link_sink(f->x->lab->link, 0);

	while (count--) {
		struct frame *frame = frame_get(f->x->lab->pool);

		memset(frame->data, 0x77, 1000);
		memcpy(frame->data,
		       (const uint8_t[14]){2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0x88, 0xb5}, 14);
		frame->bytes = 1000;
		wire.send(wire.ctx, frame);
	}
	xen_lab_run(f->x, 5 * SIM_MS);
	xen_lab_check(f->x);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif

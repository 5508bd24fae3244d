/* SPDX-License-Identifier: MIT */
/*
 * Frontends that lie. The test writes a guest's rings itself, with a well-behaved guest beside it
 * whose packets must go on arriving: nothing a frontend writes may do more than lose its own
 * interface, leak a grant or a slot, or upset the hypervisor's tables.
 */
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

static void ignore(void *ctx, struct cpu *cpu)
{
	(void)ctx, (void)cpu;
}

static grant_ref_t grant(struct hostile *f, void *page, bool readonly)
{
	const grant_ref_t ref = pv_grant_take(f->h->pv->grants, NULL);

	assert_int_not_equal(ref, PV_GRANT_NONE);
	pv_grant_access(f->h->pv->grants, NULL, ref, 0,
			pv_mfn(f->h->pv, NULL, kmalloc_phys(f->h->kmalloc, page)), readonly);
	return ref;
}

static void connect(struct hostile *f)
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

static void disconnect(struct hostile *f)
{
	xen_lab_remove(f->x, f->vif);
	pv_event_close(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, 5 * SIM_MS);
}

static int setup(void **state)
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

static int teardown(void **state)
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

static void slot(struct hostile *f, grant_ref_t ref, unsigned offset, unsigned size, unsigned flags)
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

static void extra(struct hostile *f, uint8_t type, uint8_t flags)
{
	struct netif_extra_info e = {.type = type, .flags = flags};

	memcpy(&f->tx->ring[f->req % NETIF_TX_RING].req, &e, sizeof(e));
	f->req++;
}

static void push(struct hostile *f)
{
	f->tx->req_prod = f->req;
	pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, 3 * SIM_MS);
	xen_lab_check(f->x);
}

/* Status of the next response, whose id must be what request @id had. */
static int response(struct hostile *f)
{
	const netif_tx_response_t rsp = f->tx->ring[f->rsp % NETIF_TX_RING].rsp;

	assert_int_not_equal(f->rsp, f->tx->rsp_prod);
	if (rsp.status != NETIF_RSP_NULL)
		assert_int_equal(rsp.id, (uint16_t)(f->rsp ^ 0x8000));
	f->rsp++;
	return rsp.status;
}

static struct netback_vif_stats stats(const struct hostile *f)
{
	struct netback_vif_stats s;

	netback_vif_stats(f->vif->vif, &s);
	return s;
}

/* The last thing pushed stopped the interface, and a new connection works. */
static void expect_disabled(struct hostile *f)
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
static void expect_refused(struct hostile *f, unsigned slots)
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

/* ---- sending ---- */

static void honest_packets_pass(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 0, 60, 0);
	slot(f, f->ref[2], 4096 - 1514, 1514, 0);
	slot(f, f->ref[3], 100, 1000, NETTXF_more_data);
	slot(f, f->ref[4], 4095, 1, 0);
	push(f);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(response(f), NETIF_RSP_OKAY);
	assert_int_equal(stats(f).tx_frames, 3);
	assert_int_equal(stats(f).tx_bytes, 60 + 1514 + 1000);
}

static void nineteen_slots_pass(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 0, 1500, NETTXF_more_data);
	for (unsigned i = 1; i <= 18; i++)
		slot(f, f->ref[i], 0, 50, i < 18 ? NETTXF_more_data : 0);
	push(f);
	for (unsigned i = 0; i < 19; i++)
		assert_int_equal(response(f), NETIF_RSP_OKAY);
	assert_int_equal(stats(f).tx_bytes, 1500);
}

static void too_short_and_too_long_packets_are_refused(void **state)
{
	static const unsigned size[] = {0, 1, 13, 1515, 4096, 65535};
	struct hostile *f = *state;

	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		slot(f, f->ref[0], 0, size[i], 0);
		push(f);
		expect_refused(f, 1);
	}
}

static void fragments_beyond_the_total_are_refused(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 0, 100, NETTXF_more_data);
	slot(f, f->ref[1], 0, 101, 0);
	push(f);
	expect_refused(f, 2);
	slot(f, f->ref[0], 0, 100, NETTXF_more_data);
	slot(f, f->ref[1], 0, 90, 0); /* leaves no Ethernet header in the first */
	push(f);
	expect_refused(f, 2);
}

static void nineteen_and_twenty_slots_behind_the_first_are_refused(void **state)
{
	struct hostile *f = *state;

	for (unsigned more = 19; more <= 20; more++) {
		slot(f, f->ref[0], 0, 1500, NETTXF_more_data);
		for (unsigned i = 1; i <= more; i++)
			slot(f, f->ref[i], 0, 20, i < more ? NETTXF_more_data : 0);
		push(f);
		expect_refused(f, more + 1);
	}
}

static void twenty_one_slots_behind_the_first_end_it(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 0, 1500, NETTXF_more_data);
	for (unsigned i = 1; i <= 21; i++)
		slot(f, f->ref[i % PAGES], 0, 20, i < 21 ? NETTXF_more_data : 0);
	push(f);
	expect_disabled(f);
}

static void a_missing_last_slot_ends_it(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 0, 100, NETTXF_more_data);
	push(f);
	expect_disabled(f);
}

static void crossing_a_page_ends_it(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 4000, 100, 0);
	push(f);
	expect_disabled(f);
	slot(f, f->ref[0], 0, 100, NETTXF_more_data);
	slot(f, f->ref[1], 65535, 50, 0);
	push(f);
	expect_disabled(f);
}

static void a_producer_beyond_the_ring_ends_it(void **state)
{
	struct hostile *f = *state;
	static const RING_IDX ahead[] = {257, 1000, 0x80000000, 0xffffffff};

	for (unsigned i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		f->req += ahead[i];
		push(f);
		assert_int_equal(f->tx->rsp_prod, f->rsp);
		expect_disabled(f);
	}
}

/* Requests that are under way cannot be taken back: there would be no end to what was pushed. */
static void a_producer_that_goes_back_ends_it(void **state)
{
	struct hostile *f = *state;

	for (unsigned i = 0; i < 8; i++)
		slot(f, f->ref[0], 0, 1514, 0);
	f->tx->req_prod = f->req;
	pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	while (stats(f).tx_frames == 0)
		xen_lab_run(f->x, SIM_US);
	assert_true(f->tx->rsp_prod < f->req); /* on the wire, not answered */
	/* Whether read as a request or as an extra, each slot says that one more follows. */
	for (unsigned i = 0; i < NETIF_TX_RING; i++)
		f->tx->ring[i].req = (netif_tx_request_t){.gref = XEN_NETIF_EXTRA_TYPE_GSO |
								  XEN_NETIF_EXTRA_FLAG_MORE << 8,
							  .flags = NETTXF_extra_info};
	f->tx->req_prod = f->req - 1;
	pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, 3 * SIM_MS);
	xen_lab_check(f->x);
	assert_int_equal(stats(f).disabled, 1);
	f->req = f->rsp = f->tx->rsp_prod;
	expect_disabled(f);
}

static void a_full_ring_is_honest(void **state)
{
	struct hostile *f = *state;

	for (unsigned i = 0; i < NETIF_TX_RING; i++)
		slot(f, f->ref[i % PAGES], 0, 60, 0);
	push(f);
	xen_lab_run(f->x, 5 * SIM_MS);
	for (unsigned i = 0; i < NETIF_TX_RING; i++)
		response(f);
	assert_int_equal(stats(f).disabled, 0);
	assert_int_equal(stats(f).tx_frames, NETIF_TX_RING);
}

static void bad_grants_are_refused_with_all_of_their_packet(void **state)
{
	struct hostile *f = *state;
	const grant_ref_t bad[] = {0, 7, 100000, 0xffffffff, f->ref[5] + 200};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		slot(f, bad[i], 0, 100, 0);
		push(f);
		expect_refused(f, 1);
		slot(f, f->ref[0], 0, 300, NETTXF_more_data);
		slot(f, bad[i], 0, 100, NETTXF_more_data);
		slot(f, f->ref[2], 0, 100, 0);
		push(f);
		expect_refused(f, 3);
	}
}

static void extras_nobody_offered_are_refused(void **state)
{
	struct hostile *f = *state;

	for (uint8_t type = 1; type < XEN_NETIF_EXTRA_TYPE_MAX; type++) {
		slot(f, f->ref[0], 0, 100, NETTXF_extra_info);
		extra(f, type, 0);
		push(f);
		assert_int_equal(response(f), NETIF_RSP_ERROR);
		assert_int_equal(response(f), NETIF_RSP_NULL);
		expect_refused(f, 0);
	}
}

static void extras_that_do_not_exist_or_are_missing_end_it(void **state)
{
	struct hostile *f = *state;

	slot(f, f->ref[0], 0, 100, NETTXF_extra_info);
	extra(f, 0, 0);
	push(f);
	expect_disabled(f);
	slot(f, f->ref[0], 0, 100, NETTXF_extra_info);
	extra(f, XEN_NETIF_EXTRA_TYPE_MAX, 0);
	push(f);
	expect_disabled(f);
	slot(f, f->ref[0], 0, 100, NETTXF_extra_info);
	push(f);
	expect_disabled(f);
	slot(f, f->ref[0], 0, 100, NETTXF_extra_info);
	extra(f, XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_EXTRA_FLAG_MORE);
	push(f);
	expect_disabled(f);
}

/* ---- receiving ---- */

static void post(struct hostile *f, grant_ref_t ref)
{
	f->rx->ring[f->rx_req % NETIF_RX_RING].req =
		(netif_rx_request_t){.id = (uint16_t)(f->rx_req * 3), .gref = ref};
	f->rx_req++;
}

static void push_rx(struct hostile *f)
{
	f->rx->req_prod = f->rx_req;
	pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
	xen_lab_run(f->x, SIM_MS);
}

/* @count frames from the wire for guest 1. */
static void arrive(struct hostile *f, unsigned count)
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

/* Let the bridge know where guest 1 is. */
static void speak(struct hostile *f)
{
	slot(f, f->ref[0], 0, 60, 0);
	push(f);
	response(f);
}

static void buffers_that_cannot_be_written_cost_their_own_packets_only(void **state)
{
	struct hostile *f = *state;

	speak(f);
	for (unsigned i = 0; i < 40; i++)
		post(f, i % 4 == 1   ? f->ref[1] /* writable */
			: i % 4 == 2 ? 0xffffffff
				     : f->ref[2]);
	push_rx(f);
	arrive(f, 16);
	assert_int_equal(f->rx->rsp_prod, 16);
	for (unsigned i = 0; i < 16; i++) {
		const netif_rx_response_t rsp = f->rx->ring[i].rsp;

		assert_int_equal(rsp.id, i * 3);
		assert_int_equal(rsp.status, i % 4 == 1 ? 1000 : NETIF_RSP_ERROR);
	}
	assert_int_equal(stats(f).rx_errors, 12);
	assert_int_equal(f->page[1][500], 0x77);
	assert_int_equal(f->page[2][500], 0x11);
}

/* Without buffers 32 packets wait at most, and after half a second none. */
static void a_guest_that_posts_nothing_holds_back_32_packets(void **state)
{
	struct hostile *f = *state;
	struct tg3_driver_stats before, after;
	struct kmalloc_stats memory, later;

	speak(f);
	for (unsigned i = 0; i < 30; i++)
		post(f, f->ref[1]);
	push_rx(f);
	kmalloc_stats(f->x->dom[0].host->kmalloc, &memory);
	tg3_driver_stats(f->x->dom[0].host->driver, &before);
	arrive(f, 100);
	tg3_driver_stats(f->x->dom[0].host->driver, &after);
	assert_int_equal(after.rx_frames - before.rx_frames, 100);
	/* 11 found the 20 slots free that any packet may need; 32 wait; 57 are lost. */
	assert_int_equal(stats(f).rx_frames, 11);
	assert_int_equal(stats(f).rx_queued, NETBACK_QUEUE);
	assert_int_equal(stats(f).rx_dropped, 100 - 11 - NETBACK_QUEUE);
	kmalloc_stats(f->x->dom[0].host->kmalloc, &later);
	assert_int_equal(later.live_objects - memory.live_objects, NETBACK_QUEUE);
	xen_lab_run(f->x, NETBACK_DRAIN + SIM_MS);
	assert_int_equal(stats(f).rx_dropped, 100 - 11);
	kmalloc_stats(f->x->dom[0].host->kmalloc, &later);
	assert_int_equal(later.live_objects, memory.live_objects);
}

static void packets_that_waited_come_with_the_buffers(void **state)
{
	struct hostile *f = *state;

	speak(f);
	for (unsigned i = 0; i < 30; i++)
		post(f, f->ref[1]);
	push_rx(f);
	arrive(f, 21);
	assert_int_equal(stats(f).rx_frames, 11);
	for (unsigned i = 0; i < 11; i++)
		post(f, f->ref[1]);
	push_rx(f);
	assert_int_equal(stats(f).rx_frames, 21);
	assert_int_equal(stats(f).rx_dropped, 0);
}

static void an_impossible_rx_producer_ends_it(void **state)
{
	struct hostile *f = *state;

	speak(f);
	f->rx_req = 1000;
	push_rx(f);
	arrive(f, 1);
	assert_int_equal(stats(f).disabled, 1);
	assert_int_equal(stats(f).rx_frames, 0);
	disconnect(f);
	connect(f);
}

/* ---- anything at all ---- */

static void random_slot(struct hostile *f, struct rng *rng)
{
	static const unsigned sizes[] = {0, 13, 14, 60, 64, 65, 1514, 1515, 4096, 65535};
	const bool sane = rng_below(rng, 3) != 0;
	const unsigned size =
		rng_below(rng, 2) ? sizes[rng_below(rng, 10)] : (unsigned)rng_below(rng, 1500);
	const unsigned offset = sane ? 0 : (unsigned)rng_below(rng, 5000);
	const grant_ref_t ref = rng_below(rng, 8) ? f->ref[rng_below(rng, PAGES)]
						  : (grant_ref_t)rng_below(rng, 3000);
	const unsigned flags = rng_below(rng, 4)    ? 0
			       : rng_below(rng, 10) ? NETTXF_more_data
						    : (unsigned)rng_below(rng, 16);

	slot(f, ref, offset, size, flags);
}

/* Random words in every field of both rings, with reconnections; a bystander's transfer goes on. */
static void a_random_frontend_harms_nobody(void **state)
{
	struct hostile *f = *state;
	uint64_t disabled = 0, frames = 0, errors = 0;
	struct rng rng;

	rng_seed(&rng, lab_seed());
	for (unsigned round = 0; round < 400; round++) {
		for (unsigned n = (unsigned)rng_below(&rng, 30); n > 0; n--)
			random_slot(f, &rng);
		for (unsigned n = (unsigned)rng_below(&rng, 10); n > 0; n--)
			post(f, rng_below(&rng, 3) ? f->ref[1] : (grant_ref_t)rng_u64(&rng));
		if (!rng_below(&rng, 40))
			f->req = (RING_IDX)rng_u64(&rng);
		if (!rng_below(&rng, 40))
			f->req -= (RING_IDX)rng_below(&rng, 40);
		if (!rng_below(&rng, 40))
			f->rx_req = (RING_IDX)rng_u64(&rng);
		if (!rng_below(&rng, 10))
			f->tx->rsp_event = f->rx->rsp_event = (RING_IDX)rng_u64(&rng);
		f->tx->req_prod = f->req;
		f->rx->req_prod = f->rx_req;
		pv_event_notify(f->h->pv->events, NULL, (evtchn_port_t)f->port);
		arrive(f, (unsigned)rng_below(&rng, 4));
		if (stats(f).disabled || !rng_below(&rng, 30)) {
			disabled += stats(f).disabled;
			frames += stats(f).tx_frames;
			errors += stats(f).tx_errors;
			disconnect(f);
			connect(f);
		} else {
			f->rsp = f->tx->rsp_prod;
			f->req = f->req - f->rsp > 200 ? f->rsp + 256 : f->req;
		}
	}
	/* The program must have been somewhere. */
	assert_true(disabled > 20);
	assert_true(frames > 20);
	assert_true(errors > 20);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(honest_packets_pass),
		TEST(nineteen_slots_pass),
		TEST(too_short_and_too_long_packets_are_refused),
		TEST(fragments_beyond_the_total_are_refused),
		TEST(nineteen_and_twenty_slots_behind_the_first_are_refused),
		TEST(twenty_one_slots_behind_the_first_end_it),
		TEST(a_missing_last_slot_ends_it),
		TEST(crossing_a_page_ends_it),
		TEST(a_producer_beyond_the_ring_ends_it),
		TEST(a_producer_that_goes_back_ends_it),
		TEST(a_full_ring_is_honest),
		TEST(bad_grants_are_refused_with_all_of_their_packet),
		TEST(extras_nobody_offered_are_refused),
		TEST(extras_that_do_not_exist_or_are_missing_end_it),
		TEST(buffers_that_cannot_be_written_cost_their_own_packets_only),
		TEST(a_guest_that_posts_nothing_holds_back_32_packets),
		TEST(packets_that_waited_come_with_the_buffers),
		TEST(an_impossible_rx_producer_ends_it),
		TEST(a_random_frontend_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

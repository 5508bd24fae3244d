/* SPDX-License-Identifier: MIT */
/*
 * Frontends that lie about what they send: nothing they write may do more than lose their own
 * interface, leak a grant or a slot, or upset the hypervisor's tables.
 */
#include "xen_hostile_fixture.h"

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
		TEST(a_random_frontend_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

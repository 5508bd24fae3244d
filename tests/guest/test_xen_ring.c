/* SPDX-License-Identifier: MIT */
/*
 * The shared ring's arithmetic: when a peer is to be told, the macros of Xen's header against
 * xen_ring_notify(), and what no honest peer's index can be.
 */
#include "lab.h"

#include "base/rng.h"
#include "guest/netif.h"

struct vector {
	RING_IDX old, new, event;
	bool notify;
};

static const struct vector vectors[] = {
	{0, 1, 1, true},
	{0, 5, 1, true},
	{5, 8, 1, false},
	{5, 8, 5, false},
	{5, 8, 6, true},
	{5, 8, 8, true},
	{5, 8, 9, false},
	{7, 7, 8, false},
	{10, 20, 20, true},
	{10, 20, 21, false},
	{0xfffffffe, 2, 0xffffffff, true},
	{0xfffffffe, 2, 0, true},
	{0xfffffffe, 2, 0xfffffffe, false},
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* The header's own macro over a ring that stands as @v says. */
static bool macro_notifies(const struct vector *v)
{
	static _Alignas(4096) uint8_t page[PAGE_BYTES];
	netif_tx_sring_t *sring = (netif_tx_sring_t *)(void *)page;
	netif_tx_front_ring_t ring;
	int notify;

	XEN_FRONT_RING_INIT(&ring, sring, PAGE_BYTES);
	sring->req_prod = v->old;
	sring->req_event = v->event;
	ring.req_prod_pvt = v->new;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&ring, notify);
	assert_int_equal(sring->req_prod, v->new);
	return notify;
}

static void a_peer_is_told_if_its_event_lies_in_what_was_pushed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VECTORS; i++) {
		const struct vector *v = &vectors[i];

		assert_int_equal(xen_ring_notify(v->old, v->new, v->event), v->notify);
		assert_int_equal(macro_notifies(v), v->notify);
	}
}

static void any_indexes_are_judged_as_xens_macro_judges_them(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, lab_seed());
	for (int i = 0; i < 200000; i++) {
		struct vector v = {.old = (RING_IDX)rng_u64(&rng)};

		v.new = v.old + (RING_IDX)rng_below(&rng, 300);
		v.event = v.old + (RING_IDX)rng_below(&rng, 600) - 300;
		assert_int_equal(xen_ring_notify(v.old, v.new, v.event), macro_notifies(&v));
	}
}

static void rings_of_a_page_hold_256_slots_behind_64_bytes(void **state)
{
	(void)state;
	assert_int_equal(NETIF_TX_RING, 256);
	assert_int_equal(NETIF_RX_RING, 256);
	assert_int_equal(offsetof(netif_tx_sring_t, ring), 64);
	assert_int_equal(sizeof(netif_tx_request_t), 12);
	assert_int_equal(sizeof(netif_rx_response_t), 8);
}

static void a_new_ring_asks_to_be_told_of_the_first(void **state)
{
	static _Alignas(4096) uint8_t page[PAGE_BYTES];
	netif_rx_sring_t *sring = (netif_rx_sring_t *)(void *)page;

	(void)state;
	memset(page, 0xff, sizeof(page));
	SHARED_RING_INIT(sring);
	assert_int_equal(sring->req_prod | sring->rsp_prod, 0);
	assert_int_equal(sring->req_event, 1);
	assert_int_equal(sring->rsp_event, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_is_told_if_its_event_lies_in_what_was_pushed),
		cmocka_unit_test(any_indexes_are_judged_as_xens_macro_judges_them),
		cmocka_unit_test(rings_of_a_page_hold_256_slots_behind_64_bytes),
		cmocka_unit_test(a_new_ring_asks_to_be_told_of_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Frontends that lie about where packets for them may go: it costs their own interface alone.
 */
#include "xen_hostile_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(buffers_that_cannot_be_written_cost_their_own_packets_only),
		TEST(a_guest_that_posts_nothing_holds_back_32_packets),
		TEST(packets_that_waited_come_with_the_buffers),
		TEST(an_impossible_rx_producer_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The multi-queue NIC's driver: how many mappings frames cost, when pages are used again, what a
 * full ring does, and that nothing a device writes into its rings can lead it astray.
 */
#include "mqnic_lab.h"

#define HELD_MAX 4096u
#define RX_LOG   5u

struct world {
	struct mqnic_lab lab; /* first */
	unsigned frames, polled, rooms, done, failed, wrong;
	bool hold; /* pages go back at once, or with release() */
	struct mqnic_page *held[HELD_MAX];
	unsigned nheld;
	char order[256]; /* of maps and unmaps of receive pages */
	unsigned n;
};

static void note_map(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		     size_t bytes, enum iotoll_dma_dir dir)
{
	struct world *w = ctx;

	(void)iova, (void)pages, (void)paddr;
	if (dir == IOTOLL_DMA_FROM_DEVICE && bytes == 4096 && w->n + 1 < sizeof(w->order))
		w->order[w->n++] = 'M';
}

static void note_unmap(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct world *w = ctx;

	(void)iova, (void)pages;
	if (bytes == 4096 && w->n + 1 < sizeof(w->order))
		w->order[w->n++] = 'U';
}

static void on_receive(void *ctx, struct cpu *cpu, unsigned queue, const struct mqnic_frame *frame)
{
	struct world *w = ctx;
	uint32_t bytes = 0;

	(void)cpu, (void)queue;
	w->frames++;
	for (unsigned i = 0; i < frame->pieces; i++) {
		const uint8_t *at = memory_ptr(w->lab.machine->mem, frame->piece[i].paddr,
					       frame->piece[i].bytes);

		/* every byte after the first header is its frame's length's */
		w->wrong += at[frame->piece[i].bytes - 1] != (uint8_t)frame->bytes;
		bytes += frame->piece[i].bytes;
		if (w->hold && w->nheld < HELD_MAX)
			w->held[w->nheld++] = frame->piece[i].page;
		else
			mqnic_driver_put(w->lab.driver, frame->piece[i].page);
	}
	assert_int_equal(bytes, frame->bytes);
}

static void on_polled(void *ctx, struct cpu *cpu, unsigned queue)
{
	(void)cpu, (void)queue;
	((struct world *)ctx)->polled++;
}

static void on_room(void *ctx, struct cpu *cpu, unsigned queue)
{
	(void)cpu, (void)queue;
	((struct world *)ctx)->rooms++;
}

static struct world *make(bool lists, unsigned page_cache, uint32_t mtu)
{
	struct world *w = calloc(1, sizeof(*w));
	struct mqnic_driver_config config = {.queues = 2,
					     .mtu = mtu,
					     .log_rx = RX_LOG,
					     .log_tx = 5,
					     .page_cache = page_cache,
					     .rx_us = 5,
					     .rx_frames = 8,
					     .tx_us = 5,
					     .tx_frames = 8,
					     .batch = lists};
	const struct iotoll_dma_observer observer = {
		.ctx = w, .mapped = note_map, .unmapped = note_unmap};
	const struct mqnic_upper upper = {
		.ctx = w, .receive = on_receive, .polled = on_polled, .room = on_room};

	assert_non_null(w);
	assert_true(mqnic_lab_init(&w->lab, &config, &observer, &upper));
	return w;
}

static void unmake(struct world *w)
{
	mqnic_lab_fini(&w->lab);
	free(w);
}

static void two_buffers_share_a_page_that_is_mapped_once(void **state)
{
	struct world *w = make(*state != NULL, 0, 1500);

	(void)state;
	/* two queues of 32 buffers in 16 pages each */
	assert_int_equal(mqnic_lab_stats(&w->lab).rx_pages, 32);
	assert_int_equal(w->n, 32);
	memset(w->order, 0, sizeof(w->order));
	w->n = 0;
	for (unsigned i = 0; i < 16; i++) {
		mqnic_lab_arrive(&w->lab, 100 + i);
		mqnic_lab_run_us(&w->lab, 50);
	}
	assert_int_equal(w->frames, 16);
	assert_int_equal(w->wrong, 0);
	/* every second frame ends a page; four pages for eight entries when so many are missing */
	assert_string_equal(w->order, "UUUUMMMMUUUUMMMM");
	unmake(w);
}

static void pages_let_go_above_are_kept_mapped_and_used_again(void **state)
{
	struct world *w = make(*state != NULL, 64, 1500);

	(void)state;
	w->n = 0;
	for (unsigned i = 0; i < 100; i++) {
		mqnic_lab_arrive(&w->lab, 500);
		mqnic_lab_run_us(&w->lab, 50);
	}
	assert_int_equal(w->frames, 100);
	assert_int_equal(w->n, 0);
	assert_true(mqnic_lab_stats(&w->lab).rx_pages_cached > 40);
	unmake(w);
}

static void pages_still_held_above_are_not_used_again(void **state)
{
	struct world *w = make(*state != NULL, 64, 1500);

	(void)state;
	w->hold = true;
	w->n = 0;
	for (unsigned i = 0; i < 64; i++) {
		mqnic_lab_arrive(&w->lab, 500);
		mqnic_lab_run_us(&w->lab, 50);
	}
	assert_int_equal(w->frames, 64);
	assert_int_equal(mqnic_lab_stats(&w->lab).rx_pages_cached, 0);
	assert_true(mqnic_lab_stats(&w->lab).rx_pages_busy >= 24);
	/* nothing was written over: all frames are still whole */
	for (unsigned i = 0; i < w->nheld; i++) {
		const uint8_t *at = memory_ptr(w->lab.machine->mem, w->held[i]->paddr, 4096);

		assert_int_equal(at[499], (uint8_t)500);
	}
	while (w->nheld)
		mqnic_driver_put(w->lab.driver, w->held[--w->nheld]);
	unmake(w);
}

static void long_frames_come_in_pieces_of_whole_pages(void **state)
{
	struct world *w = make(*state != NULL, 0, 9000);

	(void)state;
	assert_int_equal(mqnic_lab_stats(&w->lab).rx_pages, 2 * 32 * 3);
	w->hold = true;
	mqnic_lab_arrive(&w->lab, 9014);
	mqnic_lab_run_us(&w->lab, 100);
	assert_int_equal(w->frames, 1);
	assert_int_equal(w->wrong, 0);
	assert_int_equal(w->nheld, 3);
	while (w->nheld)
		mqnic_driver_put(w->lab.driver, w->held[--w->nheld]);
	mqnic_lab_arrive(&w->lab, 100);
	mqnic_lab_run_us(&w->lab, 100);
	assert_int_equal(w->nheld, 1);
	mqnic_driver_put(w->lab.driver, w->held[0]);
	unmake(w);
}

static void on_done(void *ctx, struct cpu *cpu, void *owner, int status)
{
	struct world *w = ctx;

	(void)cpu, (void)owner;
	w->done++;
	w->failed += status != 0;
}

static void a_full_ring_refuses_says_when_there_is_room_and_is_done_once_each(void **state)
{
	struct world *w = make(*state != NULL, 0, 1500);
	struct mqnic_packet p = {.pieces = 3, .bytes = 300, .done = on_done, .ctx = w};
	unsigned taken = 0;
	phys_t page;

	(void)state;
	assert_int_equal(memory_alloc(w->lab.machine->mem, 1, 4096, 0, &page), 0);
	for (unsigned i = 0; i < 3; i++)
		p.piece[i] = (struct net_piece){.paddr = page + 1000 * i, .bytes = 100};
	while (!mqnic_driver_xmit(w->lab.driver, NULL, 1, &p, true))
		taken++;
	assert_int_equal(taken, 16); /* five segments each: two blocks of 32 */
	assert_int_equal(mqnic_lab_stats(&w->lab).tx_doorbells,
			 1); /* rung when the ring was full */
	mqnic_lab_run_us(&w->lab, 500);
	assert_int_equal(w->lab.sent, 16);
	assert_int_equal(w->done, 16);
	assert_int_equal(w->failed, 0);
	assert_int_equal(w->rooms, 1);
	assert_int_equal(mqnic_driver_xmit(w->lab.driver, NULL, 1, &p, false), 0);
	mqnic_lab_run_us(&w->lab, 500);
	assert_int_equal(w->done, 17);
	p.bytes = p.piece[0].bytes = 10; /* no frame: the NIC says so */
	p.pieces = 1;
	assert_int_equal(mqnic_driver_xmit(w->lab.driver, NULL, 0, &p, false), 0);
	mqnic_lab_run_us(&w->lab, 500);
	assert_int_equal(w->done, 18);
	assert_int_equal(w->failed, 1);
	memory_free(w->lab.machine->mem, page, 1);
	unmake(w);
}

/* Completions of all sorts, in every place, while frames come and go. */
static void whatever_the_device_writes_nothing_leaks_and_nothing_is_used_twice(void **state)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	unsigned long seed = text ? strtoul(text, NULL, 0) : 7;

	(void)state;
	print_message("IOTOLL_TEST_SEED=%lu\n", seed);
	srand((unsigned)seed);
	for (unsigned round = 0; round < 40; round++) {
		struct world *w = make(*state != NULL, round % 2 * 64, round % 3 ? 1500 : 9000);
		struct mqnic_packet p = {.pieces = 1, .bytes = 100, .done = on_done, .ctx = w};
		unsigned given = 0;
		phys_t page;

		assert_int_equal(memory_alloc(w->lab.machine->mem, 1, 4096, 0, &page), 0);
		p.piece[0] = (struct net_piece){.paddr = page, .bytes = 100};
		w->hold = round % 5 == 0;
		for (unsigned i = 0; i < 200; i++) {
			const struct driver_queue *q = &w->lab.driver->queue[rand() % 2];
			const struct shared *ring = rand() % 2 ? &q->rx.cq : &q->tx.cq;

			if (rand() % 3)
				mqnic_lab_arrive(&w->lab, 60 + (uint32_t)rand() % 1400);
			if (rand() % 3 == 0)
				given += !mqnic_driver_xmit(w->lab.driver, NULL,
							    (unsigned)rand() % 2, &p, false);
			for (unsigned k = 0; k < 4; k++)
				ring->ptr[(size_t)rand() % ring->bytes] = (uint8_t)rand();
			mqnic_lab_run_us(&w->lab, (unsigned)rand() % 30);
		}
		mqnic_lab_run_us(&w->lab, 500);
		assert_true(w->done <= given);
		while (w->nheld)
			mqnic_driver_put(w->lab.driver, w->held[--w->nheld]);
		memory_free(w->lab.machine->mem, page, 1);
		unmake(w);
	}
}

/* The same with a driver that maps in lists. */
static const bool lists = true;
#define LISTS(fn) cmocka_unit_test_prestate(fn, (void *)(uintptr_t)&lists)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_buffers_share_a_page_that_is_mapped_once),
		cmocka_unit_test(pages_let_go_above_are_kept_mapped_and_used_again),
		cmocka_unit_test(pages_still_held_above_are_not_used_again),
		cmocka_unit_test(long_frames_come_in_pieces_of_whole_pages),
		cmocka_unit_test(a_full_ring_refuses_says_when_there_is_room_and_is_done_once_each),
		LISTS(two_buffers_share_a_page_that_is_mapped_once),
		LISTS(pages_let_go_above_are_kept_mapped_and_used_again),
		LISTS(pages_still_held_above_are_not_used_again),
		LISTS(long_frames_come_in_pieces_of_whole_pages),
		LISTS(a_full_ring_refuses_says_when_there_is_room_and_is_done_once_each),
		cmocka_unit_test(
			whatever_the_device_writes_nothing_leaks_and_nothing_is_used_twice),
		LISTS(whatever_the_device_writes_nothing_leaks_and_nothing_is_used_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

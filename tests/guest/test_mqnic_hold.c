/* SPDX-License-Identifier: MIT */
/*
 * The multi-queue NIC's driver with chunks: no frame goes up while a live request lets the NIC
 * write where it lies, none is lost, and a chunk costs one mapping. Headers are sent without any.
 */
#include "mqnic_lab.h"

#include "base/rng.h"

#define HOLD (50 * SIM_US)
#define LIVE 64u

struct world {
	struct mqnic_lab lab; /* first */
	struct {
		uint64_t iova, at, bytes;
	} live[LIVE]; /* what the NIC may write */
	unsigned lives, maps, tx_maps;
	unsigned frames, done;
	struct mqnic_page *kept[8];
	unsigned keeping, keep;
};

static void note_map(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		     size_t bytes, enum iotoll_dma_dir dir)
{
	struct world *w = ctx;

	(void)pages;
	w->tx_maps += dir == IOTOLL_DMA_TO_DEVICE;
	if (dir != IOTOLL_DMA_FROM_DEVICE)
		return;
	assert_true(w->lives < LIVE);
	w->live[w->lives].iova = IOTOLL_IOVA_U64(iova);
	w->live[w->lives].at = IOTOLL_PHYS_U64(paddr);
	w->live[w->lives++].bytes = bytes;
	w->maps++;
}

static void note_unmap(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct world *w = ctx;

	(void)pages, (void)bytes;
	for (unsigned i = 0; i < w->lives; i++) {
		if (w->live[i].iova != IOTOLL_IOVA_U64(iova))
			continue;
		w->live[i] = w->live[--w->lives];
		return;
	}
}

static void on_receive(void *ctx, struct cpu *cpu, unsigned queue, const struct mqnic_frame *frame)
{
	struct world *w = ctx;

	(void)cpu, (void)queue;
	w->frames++;
	for (unsigned i = 0; i < frame->pieces; i++) {
		const phys_t paddr = frame->piece[i].paddr;
		const uint32_t bytes = frame->piece[i].bytes;
		const uint8_t *at = memory_ptr(w->lab.machine->mem, paddr, bytes);

		for (unsigned k = 0; k < w->lives; k++)
			assert_false(paddr < w->live[k].at + w->live[k].bytes &&
				     w->live[k].at < paddr + bytes);
		assert_int_equal(at[bytes - 1], (uint8_t)frame->bytes);
		if (w->keeping < w->keep)
			w->kept[w->keeping++] = frame->piece[i].page;
		else
			mqnic_driver_put(w->lab.driver, frame->piece[i].page);
	}
}

static void let_go(struct world *w)
{
	while (w->keeping)
		mqnic_driver_put(w->lab.driver, w->kept[--w->keeping]);
}

static void unmake(struct world *w)
{
	let_go(w);
	mqnic_lab_fini(&w->lab);
	free(w);
}

/* NULL: the driver refuses. */
static struct world *try_make(unsigned chunk_pages, uint32_t mtu, uint32_t tx_copy)
{
	const struct iotoll_dma_observer observer = {
		.mapped = note_map, .unmapped = note_unmap, .ctx = calloc(1, sizeof(struct world))};
	struct world *w = observer.ctx;
	const struct mqnic_upper upper = {.ctx = w, .receive = on_receive};
	struct mqnic_driver_config config = {.queues = 1,
					     .mtu = mtu,
					     .log_rx = 5,
					     .log_tx = 5,
					     .page_cache = 16,
					     .rx_chunk_pages = chunk_pages,
					     .rx_hold_ps = HOLD,
					     .tx_copy_bytes = tx_copy,
					     .rx_us = 5,
					     .rx_frames = 8,
					     .tx_us = 5,
					     .tx_frames = 8};

	assert_non_null(w);
	if (mqnic_lab_init(&w->lab, &config, &observer, &upper))
		return w;
	unmake(w);
	return NULL;
}

static struct world *make(unsigned chunk_pages, uint32_t mtu, uint32_t tx_copy)
{
	struct world *w = try_make(chunk_pages, mtu, tx_copy);

	assert_non_null(w);
	return w;
}

static unsigned copied(const struct world *w)
{
	return (unsigned)mqnic_lab_stats(&w->lab).rx_copied;
}

static unsigned still_mapped(const struct world *w)
{
	return (unsigned)mqnic_lab_stats(&w->lab).rx_still_mapped;
}

static void frames_go_up_when_all_of_their_chunk_is_unmapped(void **state)
{
	struct world *w = make(2, 1500, 0);

	(void)state;
	assert_int_equal(w->maps, 8); /* 32 entries, four a chunk */
	for (unsigned i = 0; i < 3; i++)
		mqnic_lab_arrive(&w->lab, 300 + i);
	mqnic_lab_run_us(&w->lab, 40);
	assert_int_equal(w->frames, 0);
	mqnic_lab_arrive(&w->lab, 1500);
	mqnic_lab_run_us(&w->lab, 40);
	assert_int_equal(w->frames, 4);
	assert_int_equal(copied(w), 0);
	assert_int_equal(still_mapped(w), 0);
	unmake(w);
}

static void when_the_line_falls_silent_what_waits_goes_up_as_copies(void **state)
{
	struct world *w = make(2, 1500, 0);

	(void)state;
	mqnic_lab_arrive(&w->lab, 1000);
	mqnic_lab_run_us(&w->lab, 30);
	mqnic_lab_arrive(&w->lab, 60);
	mqnic_lab_run_us(&w->lab, 45);
	assert_int_equal(w->frames, 0);
	mqnic_lab_run_us(&w->lab, 30);
	assert_int_equal(w->frames, 2);
	assert_int_equal(copied(w), 2);
	mqnic_lab_arrive(&w->lab, 1000);
	mqnic_lab_arrive(&w->lab, 1000);
	mqnic_lab_run_us(&w->lab, 30);
	assert_int_equal(w->frames, 4);
	assert_int_equal(copied(w), 2);
	unmake(w);
}

static void a_short_frame_goes_up_at_once_if_nothing_waits_before_it(void **state)
{
	struct world *w = make(2, 1500, 0);

	(void)state;
	mqnic_lab_arrive(&w->lab, 100);
	mqnic_lab_run_us(&w->lab, 20);
	assert_int_equal(w->frames, 1);
	assert_int_equal(still_mapped(w), 0);
	mqnic_lab_arrive(&w->lab, 1000);
	mqnic_lab_arrive(&w->lab, 100);
	mqnic_lab_run_us(&w->lab, 20);
	assert_int_equal(w->frames, 1);
	mqnic_lab_run_us(&w->lab, 100);
	assert_int_equal(w->frames, 3);
	unmake(w);
}

/* Three pages a frame: of eight the last two stay unused. */
static void no_frame_lies_in_two_chunks(void **state)
{
	struct world *w = make(8, 9000, 0);

	(void)state;
	assert_int_equal(w->maps, 16);
	mqnic_lab_arrive(&w->lab, 9014);
	mqnic_lab_run_us(&w->lab, 30);
	assert_int_equal(w->frames, 0);
	mqnic_lab_arrive(&w->lab, 5000);
	mqnic_lab_run_us(&w->lab, 40);
	assert_int_equal(w->frames, 2);
	assert_int_equal(copied(w), 0);
	unmake(w);
}

static void a_chunk_that_holds_no_frame_is_refused(void **state)
{
	(void)state;
	assert_null(try_make(2, 9000, 0));
	assert_null(try_make(MQNIC_CHUNK_PAGES_MAX + 1, 1500, 0));
	unmake(make(3, 9000, 0));
}

static void random_traffic_arrives_whole_and_out_of_reach(void **state)
{
	static const unsigned pages[] = {1, 2, 8};
	struct rng rng;

	(void)state;
	rng_seed(&rng, lab_seed());
	for (unsigned p = 0; p < 3; p++) {
		struct world *w = make(pages[p], 1500, 0);
		unsigned sent = 0;

		while (sent < 1500) {
			const unsigned burst = 1 + (unsigned)rng_below(&rng, 8);

			w->keep = (unsigned)rng_below(&rng, 8);
			for (unsigned i = 0; i < burst; i++, sent++)
				mqnic_lab_arrive(&w->lab, 60 + (uint32_t)rng_below(&rng, 1455));
			mqnic_lab_run_us(&w->lab, rng_below(&rng, 2) ? 30 : 200);
			if (rng_below(&rng, 4) == 0)
				let_go(w);
		}
		mqnic_lab_run_us(&w->lab, 500);
		assert_int_equal(w->frames, sent);
		assert_true(copied(w) < sent);
		unmake(w);
	}
}

static void on_done(void *ctx, struct cpu *cpu, void *owner, int status)
{
	struct world *w = ctx;

	(void)cpu, (void)owner;
	assert_int_equal(status, 0);
	w->done++;
}

static void a_short_first_piece_is_copied_and_all_others_are_mapped(void **state)
{
	struct world *w = make(2, 1500, 128);
	struct mqnic_packet p = {.pieces = 3, .bytes = 300, .done = on_done, .ctx = w};
	phys_t page;

	(void)state;
	assert_int_equal(memory_alloc(w->lab.machine->mem, 1, 4096, 0, &page), 0);
	for (unsigned i = 0; i < 3; i++)
		p.piece[i] = (struct net_piece){.paddr = page + 1000 * i, .bytes = 100};
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(mqnic_driver_xmit(w->lab.driver, NULL, 0, &p, false), 0);
		mqnic_lab_run_us(&w->lab, 100);
	}
	assert_int_equal(w->tx_maps, 200);
	assert_int_equal(w->done, 100);
	p.piece[0].bytes = 129;
	p.bytes = 329;
	assert_int_equal(mqnic_driver_xmit(w->lab.driver, NULL, 0, &p, false), 0);
	mqnic_lab_run_us(&w->lab, 100);
	assert_int_equal(w->tx_maps, 203);
	assert_int_equal(w->lab.sent, 101);
	memory_free(w->lab.machine->mem, page, 1);
	unmake(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_up_when_all_of_their_chunk_is_unmapped),
		cmocka_unit_test(when_the_line_falls_silent_what_waits_goes_up_as_copies),
		cmocka_unit_test(a_short_frame_goes_up_at_once_if_nothing_waits_before_it),
		cmocka_unit_test(no_frame_lies_in_two_chunks),
		cmocka_unit_test(a_chunk_that_holds_no_frame_is_refused),
		cmocka_unit_test(random_traffic_arrives_whole_and_out_of_reach),
		cmocka_unit_test(a_short_first_piece_is_copied_and_all_others_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

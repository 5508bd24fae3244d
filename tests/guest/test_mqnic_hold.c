/* SPDX-License-Identifier: MIT */
/*
 * The multi-queue NIC's driver with chunks: no frame goes up while a live request lets the NIC
 * write where it lies, none is lost, and a chunk costs one mapping. Headers are sent without any.
 */
#include "lab.h"

#include "base/rng.h"
#include "dev/mqnic.h"
#include "guest/mqnic_driver_internal.h"
#include "spec/segment.h"

#define HOLD (50 * SIM_US)
#define LIVE 64u

struct world {
	struct sim *sim;
	struct frame_pool *pool;
	struct machine *machine;
	struct bus *bus;
	struct mqnic *nic;
	struct mmio_window regs;
	struct irq irq;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dma;
	struct mqnic_driver *driver;
	uint64_t pages_before;
	struct {
		uint64_t iova, at, bytes;
	} live[LIVE]; /* what the NIC may write */
	unsigned lives, maps, tx_maps;
	unsigned frames, done, sent;
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
		const uint8_t *at = memory_ptr(w->machine->mem, paddr, bytes);

		for (unsigned k = 0; k < w->lives; k++)
			assert_false(paddr < w->live[k].at + w->live[k].bytes &&
				     w->live[k].at < paddr + bytes);
		assert_int_equal(at[bytes - 1], (uint8_t)frame->bytes);
		if (w->keeping < w->keep)
			w->kept[w->keeping++] = frame->piece[i].page;
		else
			mqnic_driver_put(w->driver, frame->piece[i].page);
	}
}

static sim_time on_wire(void *ctx, struct frame *frame)
{
	struct world *w = ctx;

	w->sent++;
	frame_put(frame);
	return sim_now(w->sim);
}

static void make_nic(struct world *w)
{
	struct mqnic_config config = {.bus = w->bus,
				      .devid = 8,
				      .queues = 1,
				      .mac = {2, 0, 0, 0, 0, 1},
				      .pool = w->pool,
				      .irq = &w->irq,
				      .mbps = 10000,
				      .wire = {.ctx = w, .send = on_wire}};

	assert_int_equal(mqnic_create(&w->nic, &config), 0);
	mmio_window_init(&w->regs, w->machine, &mqnic_mmio_ops, w->nic);
}

static void make_machine(struct world *w)
{
	struct profile profile = lab_profile(1);
	struct err err = {{0}};

	profile.has_pcie = true;
	profile.pcie_generation = 3;
	profile.pcie_lanes = 8;
	profile.pcie_mps = 256;
	profile.pcie_mrrs = 512;
	profile.pcie_packet_bytes = 24;
	profile.pcie_posted_headers = 64;
	profile.pcie_posted_data = 16384;
	assert_int_equal(machine_create(&w->machine, w->sim, &profile, &err), 0);
}

static void let_go(struct world *w)
{
	while (w->keeping)
		mqnic_driver_put(w->driver, w->kept[--w->keeping]);
}

/* Take everything down; nothing may be left mapped or allocated. */
static void unmake(struct world *w)
{
	struct iotoll_dma_stats s;

	let_go(w);
	mqnic_driver_close(w->driver);
	iotoll_dma_domain_stats(w->domain, &s);
	for (int i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(s.misuse[i], 0);
	assert_int_equal(s.maps, s.unmaps);
	iotoll_dma_detach(w->dma);
	iotoll_dma_domain_destroy(w->domain);
	assert_int_equal(memory_allocated_pages(w->machine->mem), w->pages_before);
	mqnic_destroy(w->nic);
	mmio_window_fini(&w->regs);
	bus_destroy(w->bus);
	machine_destroy(w->machine);
	frame_pool_destroy(w->pool);
	sim_destroy(w->sim);
	free(w);
}

/* NULL: the driver refuses. */
static struct world *try_make(unsigned chunk_pages, uint32_t mtu, uint32_t tx_copy)
{
	const struct iotoll_dma_config dma = {
		.driver = "none", .strategy = "off", .check_misuse = true};
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
	struct err err = {{0}};

	w->sim = sim_create();
	w->pool = frame_pool_create();
	make_machine(w);
	w->pages_before = memory_allocated_pages(w->machine->mem);
	w->bus = bus_create(w->machine, NULL, 0);
	make_nic(w);
	w->env = (struct dma_env){.machine = w->machine};
	assert_int_equal(iotoll_dma_domain_create(&w->domain, &w->env, &dma, NULL, 0), 0);
	iotoll_dma_domain_observe(w->domain, &observer);
	assert_int_equal(iotoll_dma_attach(&w->dma, w->domain, 8, UINT64_MAX), 0);
	config.machine = w->machine;
	config.regs = &w->regs;
	config.dma = w->dma;
	config.irq = &w->irq;
	if (mqnic_driver_open(&w->driver, &config, &err)) {
		assert_non_null(strstr(err.text, "expected"));
		unmake(w);
		return NULL;
	}
	mqnic_driver_attach(w->driver, &upper);
	return w;
}

static struct world *make(unsigned chunk_pages, uint32_t mtu, uint32_t tx_copy)
{
	struct world *w = try_make(chunk_pages, mtu, tx_copy);

	assert_non_null(w);
	return w;
}

static void arrive(struct world *w, uint32_t bytes)
{
	const struct segment_path path = {.to = {2, 0, 0, 0, 0, 1}};
	const struct segment s = {.payload = bytes - SEGMENT_HEADER_BYTES};
	struct frame *frame = frame_get(w->pool);

	memset(frame->data, (uint8_t)bytes, bytes);
	segment_pack(frame->data, &path, &s);
	frame->bytes = bytes;
	mqnic_receive(w->nic, frame);
}

static void run_us(struct world *w, uint64_t us)
{
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + us * SIM_US), 0);
}

static unsigned copied(const struct world *w)
{
	struct mqnic_driver_stats s;

	mqnic_driver_stats(w->driver, &s);
	return (unsigned)s.rx_copied;
}

static unsigned still_mapped(const struct world *w)
{
	struct mqnic_driver_stats s;

	mqnic_driver_stats(w->driver, &s);
	return (unsigned)s.rx_still_mapped;
}

static void frames_go_up_when_all_of_their_chunk_is_unmapped(void **state)
{
	struct world *w = make(2, 1500, 0);

	(void)state;
	assert_int_equal(w->maps, 8); /* 32 entries, four a chunk */
	for (unsigned i = 0; i < 3; i++)
		arrive(w, 300 + i);
	run_us(w, 40);
	assert_int_equal(w->frames, 0);
	arrive(w, 1500);
	run_us(w, 40);
	assert_int_equal(w->frames, 4);
	assert_int_equal(copied(w), 0);
	assert_int_equal(still_mapped(w), 0);
	unmake(w);
}

static void when_the_line_falls_silent_what_waits_goes_up_as_copies(void **state)
{
	struct world *w = make(2, 1500, 0);

	(void)state;
	arrive(w, 1000);
	run_us(w, 30);
	arrive(w, 60);
	run_us(w, 45);
	assert_int_equal(w->frames, 0);
	run_us(w, 30);
	assert_int_equal(w->frames, 2);
	assert_int_equal(copied(w), 2);
	arrive(w, 1000);
	arrive(w, 1000);
	run_us(w, 30);
	assert_int_equal(w->frames, 4);
	assert_int_equal(copied(w), 2);
	unmake(w);
}

static void a_short_frame_goes_up_at_once_if_nothing_waits_before_it(void **state)
{
	struct world *w = make(2, 1500, 0);

	(void)state;
	arrive(w, 100);
	run_us(w, 20);
	assert_int_equal(w->frames, 1);
	assert_int_equal(still_mapped(w), 0);
	arrive(w, 1000);
	arrive(w, 100);
	run_us(w, 20);
	assert_int_equal(w->frames, 1);
	run_us(w, 100);
	assert_int_equal(w->frames, 3);
	unmake(w);
}

/* Three pages a frame: of eight the last two stay unused. */
static void no_frame_lies_in_two_chunks(void **state)
{
	struct world *w = make(8, 9000, 0);

	(void)state;
	assert_int_equal(w->maps, 16);
	arrive(w, 9014);
	run_us(w, 30);
	assert_int_equal(w->frames, 0);
	arrive(w, 5000);
	run_us(w, 40);
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
				arrive(w, 60 + (uint32_t)rng_below(&rng, 1455));
			run_us(w, rng_below(&rng, 2) ? 30 : 200);
			if (rng_below(&rng, 4) == 0)
				let_go(w);
		}
		run_us(w, 500);
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
	assert_int_equal(memory_alloc(w->machine->mem, 1, 4096, 0, &page), 0);
	for (unsigned i = 0; i < 3; i++)
		p.piece[i] = (struct net_piece){.paddr = page + 1000 * i, .bytes = 100};
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(mqnic_driver_xmit(w->driver, NULL, 0, &p, false), 0);
		run_us(w, 100);
	}
	assert_int_equal(w->tx_maps, 200);
	assert_int_equal(w->done, 100);
	p.piece[0].bytes = 129;
	p.bytes = 329;
	assert_int_equal(mqnic_driver_xmit(w->driver, NULL, 0, &p, false), 0);
	run_us(w, 100);
	assert_int_equal(w->tx_maps, 203);
	assert_int_equal(w->sent, 101);
	memory_free(w->machine->mem, page, 1);
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

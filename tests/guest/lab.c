/* SPDX-License-Identifier: MIT */
/* Building and dismantling the two-host laboratory that tests share. */
#include "lab.h"

struct profile lab_profile(unsigned cpus)
{
	return (struct profile){
		.name = "lab",
		.clock_mhz = 1000,
		.cpus = cpus,
		.memory_bytes = 64 << 20,
		.l2_bytes = 1 << 20,
		.l2_ways = 8,
		.has_xen = true,
		.cost = {.dram_miss = 100000,
			 .line_transfer = 100000,
			 .cache_hit = 1000,
			 .copy_cold = 40000,
			 .copy_warm = 10000,
			 .clflush = 70000,
			 .locked_rmw = 40000,
			 .irq_flags = 40000,
			 .mmio_read = 700000,
			 .mmio_write = 100000,
			 .interrupt = 500000,
			 .syscall = 150000,
			 .context_switch = 1000000,
			 .ipi = 1000000,
			 .rx_segment = 800000,
			 .rx_ack = 500000,
			 .tx_segment = 800000,
			 .tx_ack = 450000,
			 .socket_send = 400000,
			 .socket_recv = 400000,
			 .driver_rx = 300000,
			 .driver_tx = 300000,
			 .driver_poll = 130000,
			 .irq_body = 200000,
			 .skb_alloc = 230000,
			 .app_call = 50000,
			 .bridge = 300000,
			 .netback_tx = 400000,
			 .netback_rx = 400000,
			 .disk_bio = 500000,
			 .disk_request = 2000000,
			 .disk_segment = 20000,
			 .disk_irq_body = 200000,
			 .disk_blkfront = 400000,
			 .disk_blkback = 700000,
			 .xen_hypercall = 300000,
			 .xen_multicall_entry = 50000,
			 .xen_syscall_bounce = 500000,
			 .xen_context_switch = 1200000,
			 .xen_irq = 500000,
			 .xen_upcall = 800000,
			 .xen_event_send = 500000,
			 .xen_vcpu_switch = 3000000,
			 .xen_grant_map = 800000,
			 .xen_grant_unmap = 1000000,
			 .xen_grant_copy = 500000,
			 .xen_grant_transfer = 2500000,
			 .xen_va_update = 200000,
			 .xen_tlb_flush = 500000,
			 .xen_iommu_op = 100000,
			 .xen_memory_op = 300000,
			 .dma_call = 30000,
			 .bitmap_word = 7000,
			 .tce_store = 7000,
			 .walk_read = 250000,
			 .iotlb_hit = 10000,
			 .bus_overhead = 45000,
			 .bus_byte = 1180,
			 .dma_read_latency = 500000,
			 .posted_write_latency = 150000},
	};
}

static sim_time on_send(void *ctx, struct frame *frame)
{
	struct lab_side *side = ctx;

	if (side->lab->filter && !side->lab->filter(side->lab->filter_ctx, side->number, frame)) {
		frame_put(frame);
		return sim_now(side->lab->sim);
	}
	return side->out.send(side->out.ctx, frame);
}

void lab_create_nic(struct lab_side *side, const uint8_t mac[6], struct machine *on)
{
	struct tg3_config nic;

	side->bus = bus_create(on, NULL, 0);
	assert_non_null(side->bus);
	tg3_config_default(&nic);
	nic.bus = side->bus;
	nic.devid = 0x0008;
	memcpy(nic.mac, mac, 6);
	nic.pool = side->lab->pool;
	nic.irq = &side->irq;
	nic.wire = (struct frame_sink){.send = on_send, .ctx = side};
	assert_int_equal(tg3_create(&side->nic, &nic), 0);
	mmio_window_init(&side->regs, side->machine, &tg3_mmio_ops, side->nic);
	link_attach(side->lab->link, side->number, tg3_receive_cb, side->nic);
	side->out = link_sink(side->lab->link, side->number);
}

void lab_create_side(struct lab *lab, unsigned n, unsigned cpus, bool bridge)
{
	const struct iotoll_dma_config dma = {
		.driver = "none", .strategy = "off", .allocator = "next-fit", .check_misuse = true};
	const uint8_t mac[6] = {0x02, 0, 0, 0, 0, (uint8_t)n};
	struct lab_side *side = &lab->side[n];
	const struct profile profile = lab_profile(cpus);
	struct host_config host = {.ip = LAB_IP(n),
				   .netmask = 0xffffff00,
				   .irq_cpu = 0,
				   .bridge = bridge,
				   .poison_memory = true,
				   .batch_dma = lab->lists,
				   .seed = LAB_SEED + n};
	struct err err = {{0}};
	char why[200] = "";

	if (n == 1) {
		host.rx_chunk_pages = lab->rx_chunk_pages;
		host.rx_hold_ps = LAB_HOLD;
		host.tx_copy_bytes = lab->tx_copy_bytes;
	}
	side->lab = lab;
	side->number = n;
	assert_int_equal(machine_create(&side->machine, lab->sim, &profile, &err), 0);
	lab_create_nic(side, mac, side->machine);
	side->env = (struct dma_env){.machine = side->machine};
	if (iotoll_dma_domain_create(&side->domain, &side->env, &dma, why, sizeof(why)))
		fail_msg("domain: %s", why);
	assert_int_equal(iotoll_dma_attach(&side->dma, side->domain, 8, UINT64_MAX), 0);
	host.machine = side->machine;
	host.nic_regs = &side->regs;
	host.nic_irq = &side->irq;
	host.dma = side->dma;
	memcpy(host.mac, mac, 6);
	if (host_create(&side->host, &host, &err))
		fail_msg("host: %s", err.text);
}

struct lab *lab_create_bare(void)
{
	const struct link_config link = {.mbps = 1000, .latency_ps = SIM_US};
	struct lab *lab = calloc(1, sizeof(*lab));

	lab->sim = sim_create();
	lab->pool = frame_pool_create();
	assert_int_equal(link_create(&lab->link, lab->sim, &link), 0);
	return lab;
}

static struct lab *create(unsigned cpus, bool bridge, bool lists)
{
	struct lab *lab = lab_create_bare();

	lab->lists = lists;
	lab_create_side(lab, 0, cpus, false);
	lab_create_side(lab, 1, cpus, bridge);
	return lab;
}

struct lab *lab_create(unsigned cpus)
{
	return create(cpus, false, false);
}

struct lab *lab_create_chunked(unsigned cpus, unsigned pages, uint32_t tx_copy_bytes)
{
	struct lab *lab = lab_create_bare();

	lab->rx_chunk_pages = pages;
	lab->tx_copy_bytes = tx_copy_bytes;
	lab_create_side(lab, 0, cpus, false);
	lab_create_side(lab, 1, cpus, false);
	return lab;
}

struct lab *lab_create_bridged(unsigned cpus)
{
	return create(cpus, true, false);
}

struct lab *lab_create_lists(unsigned cpus)
{
	return create(cpus, false, true);
}

static uint64_t busy_ps(const struct lab *lab)
{
	uint64_t sum = 0;

	for (unsigned n = 0; n < 2; n++) {
		struct machine *m = lab->side[n].machine;

		for (unsigned i = 0; i < m->ncpus; i++) {
			struct cpu_account account;

			cpu_account(machine_cpu(m, i), &account);
			sum += account.busy_ps;
		}
	}
	return sum;
}

/* Run on until no CPU does anything, a few milliseconds at most; false if they never rest. */
static bool settle(struct lab *lab)
{
	for (int i = 0; i < 50; i++) {
		const uint64_t before = busy_ps(lab);

		if (sim_run(lab->sim, sim_now(lab->sim) + 200 * SIM_US))
			return false;
		if (busy_ps(lab) == before)
			return true;
	}
	return false;
}

void lab_destroy_side(struct lab_side *side, bool rested)
{
	struct kmalloc_stats memory;
	struct iotoll_dma_stats dma;
	struct host *h = side->host;

	/* host_destroy() step by step, looking at what is left. */
	tg3_driver_close(h->driver);
	h->driver = NULL;
	iotoll_dma_domain_stats(side->domain, &dma);
	if (rested)
		assert_int_equal(dma.maps, dma.unmaps);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(dma.misuse[i], 0);
	if (rested) {
		netstack_destroy(h->stack);
		h->stack = NULL;
		kmalloc_stats(h->kmalloc, &memory);
		assert_int_equal(memory.live_objects, 0);
		assert_int_equal(memory.bad_frees, 0);
		assert_int_equal(memory.dirtied, 0);
	}
	host_destroy(h);
	iotoll_dma_detach(side->dma);
	iotoll_dma_domain_destroy(side->domain);
	tg3_destroy(side->nic);
	mmio_window_fini(&side->regs);
	bus_destroy(side->bus);
}

void lab_destroy(struct lab *lab)
{
	const bool rested = settle(lab);

	lab_destroy_side(&lab->side[0], rested);
	lab_destroy_side(&lab->side[1], rested);
	link_destroy(lab->link);
	frame_pool_destroy(lab->pool);
	machine_destroy(lab->side[0].machine);
	machine_destroy(lab->side[1].machine);
	sim_destroy(lab->sim);
	free(lab);
}

void lab_run(struct lab *lab, uint64_t ps)
{
	assert_int_equal(sim_run(lab->sim, sim_now(lab->sim) + ps), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_null(netstack_panic(lab->side[i].host->stack));
}

uint64_t lab_seed(void)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 0) : LAB_SEED;

	print_message("seed %llu (IOTOLL_TEST_SEED)\n", (unsigned long long)seed);
	return seed;
}

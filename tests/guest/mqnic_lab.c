/* SPDX-License-Identifier: MIT */
/* See mqnic_lab.h. */
#include "mqnic_lab.h"

#include "spec/segment.h"

static sim_time on_wire(void *ctx, struct frame *frame)
{
	struct mqnic_lab *lab = ctx;

	lab->sent++;
	frame_put(frame);
	return sim_now(lab->sim);
}

static void make_machine(struct mqnic_lab *lab, unsigned cpus)
{
	struct profile profile = lab_profile(cpus);
	struct err err = {{0}};

	profile.has_pcie = true;
	profile.pcie_generation = 3;
	profile.pcie_lanes = 8;
	profile.pcie_mps = 256;
	profile.pcie_mrrs = 512;
	profile.pcie_packet_bytes = 24;
	profile.pcie_posted_headers = 64;
	profile.pcie_posted_data = 16384;
	assert_int_equal(machine_create(&lab->machine, lab->sim, &profile, &err), 0);
}

static void make_nic(struct mqnic_lab *lab, unsigned queues)
{
	struct mqnic_config config = {.bus = lab->bus,
				      .devid = 8,
				      .queues = queues,
				      .mac = {2, 0, 0, 0, 0, 1},
				      .pool = lab->pool,
				      .irq = lab->irq,
				      .mbps = 10000,
				      .wire = {.ctx = lab, .send = on_wire}};

	assert_int_equal(mqnic_create(&lab->nic, &config), 0);
	mmio_window_init(&lab->regs, lab->machine, &mqnic_mmio_ops, lab->nic);
}

bool mqnic_lab_init(struct mqnic_lab *lab, struct mqnic_driver_config *config,
		    const struct iotoll_dma_observer *observer, const struct mqnic_upper *upper)
{
	const struct iotoll_dma_config dma = {
		.driver = "none", .strategy = "off", .check_misuse = true};
	struct err err = {{0}};

	lab->sim = sim_create();
	lab->pool = frame_pool_create();
	make_machine(lab, config->queues);
	lab->pages_before = memory_allocated_pages(lab->machine->mem);
	lab->bus = bus_create(lab->machine, NULL, 0);
	make_nic(lab, config->queues);
	lab->env = (struct dma_env){.machine = lab->machine};
	assert_int_equal(iotoll_dma_domain_create(&lab->domain, &lab->env, &dma, NULL, 0), 0);
	iotoll_dma_domain_observe(lab->domain, observer);
	assert_int_equal(iotoll_dma_attach(&lab->dma, lab->domain, 8, UINT64_MAX), 0);
	config->machine = lab->machine;
	config->regs = &lab->regs;
	config->dma = lab->dma;
	config->irq = lab->irq;
	if (mqnic_driver_open(&lab->driver, config, &err)) {
		assert_non_null(strstr(err.text, "expected"));
		return false;
	}
	mqnic_driver_attach(lab->driver, upper);
	return true;
}

void mqnic_lab_fini(struct mqnic_lab *lab)
{
	struct iotoll_dma_stats s;

	mqnic_driver_close(lab->driver);
	iotoll_dma_domain_stats(lab->domain, &s);
	for (int i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(s.misuse[i], 0);
	assert_int_equal(s.maps, s.unmaps);
	iotoll_dma_detach(lab->dma);
	iotoll_dma_domain_stats(lab->domain, &s);
	assert_int_equal(s.misuse[IOTOLL_MISUSE_LEAK], 0);
	iotoll_dma_domain_destroy(lab->domain);
	assert_int_equal(memory_allocated_pages(lab->machine->mem), lab->pages_before);
	mqnic_destroy(lab->nic);
	mmio_window_fini(&lab->regs);
	bus_destroy(lab->bus);
	machine_destroy(lab->machine);
	frame_pool_destroy(lab->pool);
	sim_destroy(lab->sim);
}

void mqnic_lab_arrive(struct mqnic_lab *lab, uint32_t bytes)
{
	const struct segment_path path = {.to = {2, 0, 0, 0, 0, 1}};
	const struct segment s = {.payload = bytes - SEGMENT_HEADER_BYTES};
	struct frame *frame = frame_get(lab->pool);

	memset(frame->data, (uint8_t)bytes, bytes);
	segment_pack(frame->data, &path, &s);
	frame->bytes = bytes;
	mqnic_receive(lab->nic, frame);
}

void mqnic_lab_run_us(struct mqnic_lab *lab, uint64_t us)
{
	assert_int_equal(sim_run(lab->sim, sim_now(lab->sim) + us * SIM_US), 0);
}

struct mqnic_driver_stats mqnic_lab_stats(const struct mqnic_lab *lab)
{
	struct mqnic_driver_stats s;

	mqnic_driver_stats(lab->driver, &s);
	return s;
}

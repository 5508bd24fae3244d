/* SPDX-License-Identifier: MIT */
/* The bench the bus and NIC tests stand on. */
#include "rig.h"

#include <errno.h>

static int fake_look(const struct fake_iommu *f, uint64_t iova, enum iotoll_access access,
		     struct iotoll_xlat *out)
{
	const uint64_t pfn = iova / BUS_PAGE_BYTES;

	*out = (struct iotoll_xlat){0};
	if (f->dead)
		return -ESHUTDOWN;
	if (pfn >= RIG_PAGES)
		return -EPERM;
	out->fetches = f->page[pfn].cached ? 0 : 1;
	if (!(f->page[pfn].rights & access))
		return -EPERM;
	out->hit = f->page[pfn].cached;
	out->stale = f->page[pfn].stale;
	out->paddr = f->page[pfn].paddr + iova % BUS_PAGE_BYTES;
	out->bytes = BUS_PAGE_BYTES - iova % BUS_PAGE_BYTES;
	return 0;
}

static int fake_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
			  enum iotoll_access access, struct iotoll_xlat *out)
{
	struct fake_iommu *f = (struct fake_iommu *)iommu;
	const int ret = fake_look(f, iova, access, out);

	assert_int_equal(source.bus, RIG_BUS);
	assert_int_equal(source.devid, RIG_DEVID);
	if (f->translated < RIG_LOG) {
		f->iova[f->translated] = iova;
		f->at[f->translated] = sim_now(f->sim);
	}
	f->translated++;
	if (ret) {
		f->faults++;
		if (iommu->observer.fault)
			iommu->observer.fault(iommu->observer.ctx, source, iova, access);
	} else {
		f->page[iova / BUS_PAGE_BYTES].cached = true;
	}
	return ret;
}

static int fake_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		      enum iotoll_access access, struct iotoll_xlat *out)
{
	(void)source;
	return fake_look((const struct fake_iommu *)iommu, iova, access, out);
}

static bool fake_may_start(const struct iommu *iommu, unsigned bus)
{
	const struct fake_iommu *f = (const struct fake_iommu *)iommu;

	return bus == RIG_BUS && f->open && !f->dead;
}

static void fake_begin(struct iommu *iommu, unsigned bus)
{
	struct fake_iommu *f = (struct fake_iommu *)iommu;

	(void)bus;
	f->begun++;
	f->outstanding++;
	if (f->outstanding > f->most_outstanding)
		f->most_outstanding = f->outstanding;
}

static void fake_end(struct iommu *iommu, unsigned bus)
{
	struct fake_iommu *f = (struct fake_iommu *)iommu;

	(void)bus;
	f->outstanding--;
	assert_true(f->outstanding >= 0);
}

static const struct iommu_ops fake_ops = {
	.name = "fake",
	.title = "an array of pages",
	.translate = fake_translate,
	.probe = fake_probe,
	.may_start = fake_may_start,
	.begin = fake_begin,
	.end = fake_end,
};

void rig_make(struct rig *rig, bool translated)
{
	static const struct profile profile = {
		.name = "rig",
		.clock_mhz = 1000,
		.cpus = 1,
		.memory_bytes = 16u << 20,
		.l2_bytes = 65536,
		.l2_ways = 4,
		.has_pcie = true,
		.pcie_generation = 1,
		.pcie_lanes = 4,
		.pcie_mps = RIG_MPS,
		.pcie_mrrs = RIG_MRRS,
		.pcie_packet_bytes = RIG_PACKET,
		.pcie_posted_headers = RIG_HEADERS,
		.pcie_posted_data = 8 * RIG_MPS,
		.has_disk = true,
		.disk_cache_bytes = 256u << 10,
		.disk_drive_bytes = (uint64_t)1 << 30,
		.disk_spindles = 2,
		.disk_stripe_bytes = 64u << 10,
		.cost = {.bus_overhead = RIG_OVERHEAD,
			 .bus_byte = RIG_BYTE,
			 .iotlb_hit = RIG_HIT,
			 .walk_read = RIG_WALK,
			 .dma_read_latency = RIG_LATENCY,
			 .pcie_credit = RIG_CREDIT,
			 .disk_adapter_command = 10 * SIM_US,
			 .disk_link_byte = 5 * SIM_NS,
			 .disk_link_latency = 1 * SIM_US,
			 .disk_array_command = 20 * SIM_US,
			 .disk_array_latency = 100 * SIM_US,
			 .disk_seek_track = 200 * SIM_US,
			 .disk_seek_average = 3200 * SIM_US,
			 .disk_rotation = 4 * SIM_MS,
			 .disk_media_byte = 10 * SIM_NS},
	};
	struct err err;

	memset(rig, 0, sizeof(*rig));
	rig->sim = sim_create();
	assert_non_null(rig->sim);
	assert_int_equal(machine_create(&rig->machine, rig->sim, &profile, &err), 0);
	rig->fake.iommu.ops = &fake_ops;
	rig->fake.open = true;
	rig->fake.sim = rig->sim;
	rig->bus = bus_create(rig->machine, translated ? &rig->fake.iommu : NULL, RIG_BUS);
	assert_non_null(rig->bus);
}

void rig_free(struct rig *rig)
{
	bus_destroy(rig->bus);
	assert_null(rig->fake.iommu.observer.arbitration);
	assert_int_equal(rig->fake.outstanding, 0);
	machine_destroy(rig->machine);
	sim_destroy(rig->sim);
}

void rig_map(struct rig *rig, uint64_t pfn, uint64_t paddr, unsigned rights)
{
	rig->fake.page[pfn].paddr = paddr;
	rig->fake.page[pfn].rights = rights;
}

void rig_arbitrate(struct rig *rig, bool on)
{
	const struct iotoll_iommu_observer *o = &rig->fake.iommu.observer;

	rig->fake.open = on;
	o->arbitration(o->ctx, RIG_BUS, on);
}

uint8_t *rig_at(struct rig *rig, uint64_t paddr)
{
	uint8_t *at = memory_ptr(rig->machine->mem, paddr, 1);

	assert_non_null(at);
	return at;
}

void rig_run_us(struct rig *rig, unsigned us)
{
	assert_int_equal(sim_run(rig->sim, sim_now(rig->sim) + us * SIM_US), 0);
}

static void rig_done(void *ctx, struct bus_request *req, int status)
{
	struct rig *rig = ctx;

	assert_true(rig->finished < RIG_LOG);
	rig->order[rig->finished] = req;
	rig->status[rig->finished] = status;
	rig->when[rig->finished++] = sim_now(rig->sim);
}

struct bus_request rig_request(struct rig *rig, uint64_t iova, void *buffer, uint32_t bytes,
			       enum iotoll_access direction)
{
	return (struct bus_request){.iova = iova,
				    .buffer = buffer,
				    .bytes = bytes,
				    .direction = direction,
				    .done = rig_done,
				    .ctx = rig};
}

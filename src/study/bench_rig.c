/* SPDX-License-Identifier: MIT */
/* A rig on a machine of its own, for experiments without a NIC. */
#include <errno.h>
#include <string.h>

#include "study/experiment.h"

int bench_rig_init(struct bench_rig *b, const struct profile *profile, const char *strategy,
		   uint64_t table_entries, unsigned iotlb_entries, unsigned ways, uint64_t frames,
		   struct err *err)
{
	int rc;

	memset(b, 0, sizeof(*b));
	b->sim = sim_create();
	if (!b->sim)
		return err_set(err, -ENOMEM, "no memory");
	rc = machine_create(&b->machine, b->sim, profile, err);
	if (!rc) {
		const struct rig_config config = {
			.machine = b->machine,
			.model = "calgary",
			.iotlb = {.entries = iotlb_entries,
				  .ways = ways,
				  .line_pages = 1,
				  .policy = "lru"},
			.strategy = strategy,
			.allocator = "next-fit",
			.table_entries = table_entries,
			.check_misuse = true,
			.track_stale = true,
		};

		rc = rig_init(&b->rig, &config, err);
	}
	if (!rc)
		rc = iotoll_dma_attach(&b->dev, b->rig.domain, BENCH_DEVID, UINT64_MAX);
	if (!rc)
		rc = memory_alloc(b->machine->mem, frames, PAGE_BYTES, 0, &b->frames);
	b->frame_count = frames;
	if (rc)
		bench_rig_fini(b);
	return rc;
}

void bench_rig_fini(struct bench_rig *b)
{
	iotoll_dma_detach(b->dev);
	if (b->machine)
		rig_fini(&b->rig);
	machine_destroy(b->machine);
	sim_destroy(b->sim);
	memset(b, 0, sizeof(*b));
}

uint64_t bench_map(struct bench_rig *b, uint64_t n)
{
	const phys_t frame = b->frames + n % b->frame_count * PAGE_BYTES;

	return IOTOLL_IOVA_U64(iotoll_dma_map_page(b->dev, IOTOLL_PHYS(frame), PAGE_BYTES,
						   IOTOLL_DMA_FROM_DEVICE));
}

void bench_unmap(struct bench_rig *b, uint64_t iova)
{
	iotoll_dma_unmap_page(b->dev, IOTOLL_IOVA(iova), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
}

int bench_dma_write(struct bench_rig *b, uint16_t devid, uint64_t iova, uint64_t value)
{
	return bus_dma_now(b->rig.bus, devid, iova, &value, sizeof(value), IOMMU_WRITE, NULL);
}

uint64_t bench_frame(struct bench_rig *b, uint64_t n)
{
	uint64_t value;

	memcpy(&value,
	       memory_ptr(b->machine->mem, b->frames + n % b->frame_count * PAGE_BYTES,
			  sizeof(value)),
	       sizeof(value));
	return value;
}

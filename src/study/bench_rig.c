/* SPDX-License-Identifier: MIT */
/* A rig on a machine of its own, for experiments without a NIC. */
#include <string.h>

#include "study/experiment.h"

int bench_rig_init(struct bench_rig *b, const struct profile *profile, const char *strategy,
		   uint64_t table_entries, unsigned iotlb_entries, unsigned ways, uint64_t frames,
		   struct err *err)
{
	const struct rig_config config = {
		.model = "calgary",
		.iotlb = {.entries = iotlb_entries, .ways = ways, .line_pages = 1, .policy = "lru"},
		.strategy = strategy,
		.allocator = "next-fit",
		.table_entries = table_entries,
		.check_misuse = true,
		.track_stale = true,
	};
	int rc;

	*b = (struct bench_rig){.frame_count = frames};
	rc = solo_init(&b->solo, profile, &config, BENCH_DEVID, err);
	if (rc)
		return rc;
	rc = memory_alloc(b->solo.machine->mem, frames, PAGE_BYTES, 0, &b->frames);
	if (rc)
		bench_rig_fini(b);
	return rc;
}

void bench_rig_fini(struct bench_rig *b)
{
	solo_fini(&b->solo);
}

uint64_t bench_map(struct bench_rig *b, uint64_t n)
{
	const phys_t frame = b->frames + n % b->frame_count * PAGE_BYTES;

	return IOTOLL_IOVA_U64(iotoll_dma_map_page(b->solo.device, IOTOLL_PHYS(frame), PAGE_BYTES,
						   IOTOLL_DMA_FROM_DEVICE));
}

void bench_unmap(struct bench_rig *b, uint64_t iova)
{
	iotoll_dma_unmap_page(b->solo.device, IOTOLL_IOVA(iova), PAGE_BYTES,
			      IOTOLL_DMA_FROM_DEVICE);
}

int bench_dma_write(struct bench_rig *b, uint16_t devid, uint64_t iova, uint64_t value)
{
	return bus_dma_now(b->solo.rig.bus, devid, iova, &value, sizeof(value), IOTOLL_WRITE, NULL);
}

uint64_t bench_frame(struct bench_rig *b, uint64_t n)
{
	uint64_t value;

	memcpy(&value,
	       memory_ptr(b->solo.machine->mem, b->frames + n % b->frame_count * PAGE_BYTES,
			  sizeof(value)),
	       sizeof(value));
	return value;
}

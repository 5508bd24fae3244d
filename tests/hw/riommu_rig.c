// SPDX-License-Identifier: MIT
/*
 * See riommu_rig.h.
 */
#include "riommu_rig.h"

#include <errno.h>

static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct rrig *rig = ctx;

	rig->reads++;
	if (paddr > RRIG_BYTES || bytes > RRIG_BYTES - paddr)
		return -EFAULT;
	memcpy(to, rig->bytes + paddr, bytes);
	return 0;
}

static int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	(void)ctx;
	(void)paddr;
	(void)from;
	(void)bytes;
	fail_msg("the hardware wrote memory");
	return -EFAULT;
}

static void heard_drop(void *ctx, struct iotoll_source source, uint64_t pfn)
{
	struct rrig *rig = ctx;

	assert_int_equal(source.bus, 0);
	assert_int_equal(source.devid, RRIG_DEVICE);
	if (rig->drops < RRIG_MAX_LOG)
		rig->dropped[rig->drops] = pfn;
	rig->drops++;
}

static void heard_fault(void *ctx, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access)
{
	struct rrig *rig = ctx;

	rig->faults++;
	rig->fault_source = source;
	rig->fault_iova = iova;
	rig->fault_access = access;
}

void rrig_make(struct rrig *rig, unsigned rings)
{
	const struct iommu_config config = {
		.model = "riommu",
		.iotlb = {.entries = rings, .line_pages = 1, .policy = "lru"},
		.memory = {.ctx = rig, .read = read_memory, .write = write_memory},
		.track_stale = true,
	};
	struct err err = {""};

	*rig = (struct rrig){.bytes = calloc(1, RRIG_BYTES)};
	assert_non_null(rig->bytes);
	if (iommu_create(&rig->iommu, &config, &err) != 0)
		fail_msg("%s", err.text);
	rig->iommu->observer = (struct iotoll_iommu_observer){
		.ctx = rig, .dropped = heard_drop, .fault = heard_fault};
	rrig_poke(rig, 0x1000 + 16 * RRIG_DEVICE, 0x4000, 4);
	rrig_poke(rig, 0x4000, RRIG_RING(0), 1);
	rrig_poke(rig, 0x4010, RRIG_RING(1), 4);
	rrig_poke(rig, 0x4020, RRIG_RING(2), 8);
	rrig_poke(rig, 0x4030, RRIG_RING(3), 0);
	rrig_write(rig, 0x10, 0x1000);
	rrig_write(rig, 0x18, 300);
	rrig_write(rig, 0x08, 1);
}

void rrig_free(struct rrig *rig)
{
	iommu_destroy(rig->iommu);
	free(rig->bytes);
}

void rrig_poke(struct rrig *rig, uint64_t paddr, uint64_t first, uint64_t second)
{
	for (unsigned i = 0; i < 8; i++) {
		rig->bytes[paddr + i] = (uint8_t)(first >> 8 * i);
		rig->bytes[paddr + 8 + i] = (uint8_t)(second >> 8 * i);
	}
}

void rrig_map(struct rrig *rig, unsigned ring, unsigned entry, uint64_t paddr, uint32_t bytes,
	      unsigned rights)
{
	rrig_poke(rig, RRIG_RING(ring) + 16 * entry, paddr, (uint64_t)rights << 30 | bytes);
}

uint64_t rrig_read(struct rrig *rig, uint64_t offset)
{
	return rig->iommu->ops->reg_read(rig->iommu, offset, 8);
}

void rrig_write(struct rrig *rig, uint64_t offset, uint64_t value)
{
	rig->iommu->ops->reg_write(rig->iommu, offset, value, 8);
}

int rrig_dma(struct rrig *rig, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out)
{
	struct iotoll_xlat unwanted;

	return iommu_translate(rig->iommu, (struct iotoll_source){.bus = 0, .devid = RRIG_DEVICE},
			       iova, access, out != NULL ? out : &unwanted);
}

static char way(const struct iotoll_xlat *x, uint64_t paddr)
{
	assert_int_equal(x->paddr, paddr);
	assert_false(x->bypass);
	return x->stale ? 's' : x->hit ? 'h' : 'w';
}

char rrig_way(struct rrig *rig, uint64_t iova, uint64_t paddr)
{
	struct iotoll_xlat x;

	assert_int_equal(rrig_dma(rig, iova, IOTOLL_READ, &x), 0);
	return way(&x, paddr);
}

char rrig_probe(struct rrig *rig, uint64_t iova, uint64_t paddr)
{
	struct iotoll_xlat x;

	assert_int_equal(iommu_probe(rig->iommu,
				     (struct iotoll_source){.bus = 0, .devid = RRIG_DEVICE}, iova,
				     IOTOLL_READ, &x),
			 0);
	return way(&x, paddr);
}

// SPDX-License-Identifier: MIT
/*
 * See dart_rig.h.
 */
#include "dart_rig.h"

#include <errno.h>

static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct drig *rig = ctx;

	rig->reads++;
	if (paddr > DRIG_BYTES || bytes > DRIG_BYTES - paddr)
		return -EFAULT;
	memcpy(to, rig->bytes + paddr, bytes);
	return 0;
}

/* DART writes nothing to memory. */
static int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	(void)ctx;
	(void)paddr;
	(void)from;
	(void)bytes;
	fail_msg("the chip wrote memory");
	return -EFAULT;
}

static void heard_drop(void *ctx, struct iotoll_source source, uint64_t pfn)
{
	struct drig *rig = ctx;

	if (rig->drops < DRIG_MAX_LOG) {
		rig->dropped[rig->drops] = pfn;
		rig->dropped_bus[rig->drops] = source.bus;
	}
	rig->drops++;
}

static void heard_fault(void *ctx, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access)
{
	struct drig *rig = ctx;

	rig->faults++;
	rig->fault_source = source;
	rig->fault_iova = iova;
	rig->fault_access = access;
}

void drig_make(struct drig *rig, const char *model, const struct iommu_dart_config *dart,
	       const struct iotlb_config *iotlb)
{
	struct iommu_config config = {
		.model = model,
		.iotlb = iotlb != NULL ? *iotlb : iommu_find(model)->geometry,
		.memory = {.ctx = rig, .read = read_memory, .write = write_memory},
		.track_stale = true,
	};
	struct err err = {""};

	if (dart != NULL)
		config.dart = *dart;
	if (iotlb == NULL)
		strcpy(config.iotlb.policy, "lru");
	*rig = (struct drig){.bytes = calloc(1, DRIG_BYTES)};
	assert_non_null(rig->bytes);
	if (iommu_create(&rig->iommu, &config, &err) != 0)
		fail_msg("%s", err.text);
	rig->iommu->observer = (struct iotoll_iommu_observer){
		.ctx = rig, .dropped = heard_drop, .fault = heard_fault};
}

void drig_free(struct drig *rig)
{
	iommu_destroy(rig->iommu);
	free(rig->bytes);
}

void drig_poke(struct drig *rig, uint64_t paddr, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
	const uint8_t b[4] = {b0, b1, b2, b3};

	memcpy(rig->bytes + paddr, b, sizeof(b));
}

uint32_t drig_read(struct drig *rig, uint64_t offset)
{
	return (uint32_t)rig->iommu->ops->reg_read(rig->iommu, offset, 4);
}

void drig_write(struct drig *rig, uint64_t offset, uint32_t value)
{
	rig->iommu->ops->reg_write(rig->iommu, offset, value, 4);
}

int drig_dma(struct drig *rig, uint16_t bus, uint64_t iova, enum iotoll_access access,
	     struct iotoll_xlat *out)
{
	struct iotoll_xlat unwanted;

	return iommu_translate(rig->iommu, (struct iotoll_source){.bus = bus, .devid = 1}, iova,
			       access, out != NULL ? out : &unwanted);
}

bool drig_hits(struct drig *rig, uint64_t iova, uint64_t paddr)
{
	struct iotoll_xlat x;

	assert_int_equal(drig_dma(rig, 0, iova, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, paddr);
	return x.hit;
}

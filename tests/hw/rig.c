// SPDX-License-Identifier: MIT
/*
 * See rig.h.
 */
#include <errno.h>

#include "rig.h"

const struct iotlb_config rig_iotlb = {
	.entries = 16,
	.ways = 4,
	.line_pages = 1,
	.policy = "lru",
};

static int rig_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct rig *rig = ctx;

	rig->reads++;
	if (paddr < rig->base || paddr - rig->base > RIG_BYTES ||
	    bytes > RIG_BYTES - (paddr - rig->base))
		return -EFAULT;
	memcpy(to, rig->bytes + (paddr - rig->base), bytes);
	return 0;
}

/* Calgary writes nothing to memory by itself. */
static int rig_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
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
	struct rig *rig = ctx;

	if (rig->drops < RIG_MAX_LOG)
		rig->dropped[rig->drops] = pfn;
	rig->drops++;
	rig->dropped_bus = source.bus;
}

static void heard_arbitration(void *ctx, unsigned bus, bool on)
{
	struct rig *rig = ctx;

	rig->arbitrations++;
	rig->arbitration_bus = bus;
	rig->arbitration_on = on;
}

static void heard_fault(void *ctx, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access)
{
	struct rig *rig = ctx;

	(void)access;
	rig->faults++;
	rig->fault_source = source;
	rig->fault_iova = iova;
}

void rig_make(struct rig *rig, uint64_t base, const struct iotlb_config *iotlb, bool track_stale)
{
	struct iommu_config config = {
		.model = "calgary",
		.iotlb = *iotlb,
		.memory = {.ctx = rig, .read = rig_read, .write = rig_write},
		.track_stale = track_stale,
	};
	struct err err;

	*rig = (struct rig){.base = base, .bytes = calloc(1, RIG_BYTES)};
	assert_non_null(rig->bytes);
	assert_int_equal(iommu_create(&rig->iommu, &config, &err), 0);
	rig->iommu->observer = (struct iotoll_iommu_observer){
		.ctx = rig,
		.dropped = heard_drop,
		.arbitration = heard_arbitration,
		.fault = heard_fault,
	};
}

void rig_free(struct rig *rig)
{
	iommu_destroy(rig->iommu);
	free(rig->bytes);
}

void rig_poke8(struct rig *rig, uint64_t paddr, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3,
	       uint8_t b4, uint8_t b5, uint8_t b6, uint8_t b7)
{
	const uint8_t b[8] = {b0, b1, b2, b3, b4, b5, b6, b7};

	memcpy(rig->bytes + (paddr - rig->base), b, sizeof(b));
}

void rig_poke_tce(struct rig *rig, uint64_t paddr, uint64_t tce)
{
	for (unsigned i = 0; i < 8; i++)
		rig->bytes[paddr - rig->base + i] = (uint8_t)(tce >> (56 - 8 * i));
}

uint32_t rig_readl(struct rig *rig, uint64_t offset)
{
	return (uint32_t)rig->iommu->ops->reg_read(rig->iommu, offset, 4);
}

void rig_writel(struct rig *rig, uint64_t offset, uint32_t value)
{
	rig->iommu->ops->reg_write(rig->iommu, offset, value, 4);
}

uint64_t rig_readq(struct rig *rig, uint64_t offset)
{
	return rig->iommu->ops->reg_read(rig->iommu, offset, 8);
}

void rig_writeq(struct rig *rig, uint64_t offset, uint64_t value)
{
	rig->iommu->ops->reg_write(rig->iommu, offset, value, 8);
}

void rig_enable(struct rig *rig, unsigned phb, uint64_t table, unsigned code)
{
	rig_writeq(rig, 0x580 + 8 * phb, __builtin_bswap64(table | code));
	/* logical 0x21100000 stored big-endian is 0x00001021 to a little-endian CPU */
	rig_writel(rig, 0x8160 + 0x1000 * phb, 0x00001021);
}

int rig_dma(struct rig *rig, uint16_t bus, uint64_t iova, enum iotoll_access access,
	    struct iotoll_xlat *out)
{
	struct iotoll_xlat unwanted;

	return iommu_translate(rig->iommu, (struct iotoll_source){.bus = bus, .devid = 1}, iova,
			       access, out != NULL ? out : &unwanted);
}

// SPDX-License-Identifier: MIT
/*
 * See vtd_rig.h.
 */
#include <errno.h>

#include "vtd_rig.h"

const struct iotlb_config vrig_iotlb = {
	.entries = 16,
	.ways = 4,
	.line_pages = 1,
	.policy = "lru",
};

static bool inside(uint64_t paddr, size_t bytes)
{
	return paddr <= VRIG_BYTES && bytes <= VRIG_BYTES - paddr;
}

static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct vrig *r = ctx;

	r->reads++;
	if (!inside(paddr, bytes))
		return -EFAULT;
	memcpy(to, r->bytes + paddr, bytes);
	return 0;
}

static int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct vrig *r = ctx;

	r->writes++;
	r->written = paddr;
	assert_int_equal(bytes, 4); /* a status is all that the unit ever writes */
	if (!inside(paddr, bytes))
		return -EFAULT;
	memcpy(r->bytes + paddr, from, bytes);
	return 0;
}

static void heard_drop(void *ctx, struct iotoll_source source, uint64_t pfn)
{
	struct vrig *r = ctx;

	assert_int_equal(source.bus, 0);
	r->drops++;
	r->dropped = pfn;
}

static void heard_fault(void *ctx, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access)
{
	struct vrig *r = ctx;

	(void)access;
	r->faults++;
	r->fault_iova = iova;
	r->fault_devid = source.devid;
}

static void heard_interrupt(void *ctx, uint64_t address, uint32_t data)
{
	struct vrig *r = ctx;

	r->interrupts++;
	r->message_address = address;
	r->message_data = data;
}

void vrig_make(struct vrig *r, const struct vtd_config *config, const struct iotlb_config *iotlb,
	       bool track_stale)
{
	const struct vtd_config *shape = config != NULL ? config : &vtd_xeon;
	struct iommu_config c = {
		.model = "vtd",
		.iotlb = iotlb != NULL ? *iotlb : vrig_iotlb,
		.memory = {.ctx = r, .read = read_memory, .write = write_memory},
		.track_stale = track_stale,
		.vtd = config,
	};
	struct err err;

	*r = (struct vrig){
		.bytes = calloc(1, VRIG_BYTES),
		.fault_at = shape->fault_offset,
		.iotlb_at = shape->iotlb_offset,
	};
	assert_non_null(r->bytes);
	assert_int_equal(iommu_create(&r->iommu, &c, &err), 0);
	r->iommu->observer = (struct iotoll_iommu_observer){
		.ctx = r,
		.dropped = heard_drop,
		.fault = heard_fault,
		.interrupt = heard_interrupt,
	};
}

void vrig_free(struct vrig *r)
{
	assert_true(vtd_check(r->iommu));
	iommu_destroy(r->iommu);
	free(r->bytes);
}

void vrig_poke(struct vrig *r, uint64_t paddr, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		r->bytes[paddr + i] = (uint8_t)(value >> (8 * i));
}

uint64_t vrig_peek(const struct vrig *r, uint64_t paddr)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)r->bytes[paddr + i] << (8 * i);
	return value;
}

uint32_t vrig_readl(struct vrig *r, uint32_t offset)
{
	return (uint32_t)r->iommu->ops->reg_read(r->iommu, offset, 4);
}

void vrig_writel(struct vrig *r, uint32_t offset, uint32_t value)
{
	r->iommu->ops->reg_write(r->iommu, offset, value, 4);
}

uint64_t vrig_readq(struct vrig *r, uint32_t offset)
{
	return r->iommu->ops->reg_read(r->iommu, offset, 8);
}

void vrig_writeq(struct vrig *r, uint32_t offset, uint64_t value)
{
	r->iommu->ops->reg_write(r->iommu, offset, value, 8);
}

void vrig_context(struct vrig *r, unsigned sid, uint64_t lo, uint64_t hi)
{
	vrig_poke(r, VRIG_CONTEXT + sid * 16, lo);
	vrig_poke(r, VRIG_CONTEXT + sid * 16 + 8, hi);
}

void vrig_tables(struct vrig *r)
{
	vrig_poke(r, VRIG_ROOT, VRIG_CONTEXT | 1);          /* P */
	vrig_context(r, VRIG_SID, VRIG_L4 | 1, 7 << 8 | 2); /* P; DID 7, AW 2: four levels */
	vrig_poke(r, VRIG_L4, VRIG_L3 | 3);                 /* R, W */
	vrig_poke(r, VRIG_L3, VRIG_L2 | 3);
	vrig_poke(r, VRIG_L2, VRIG_L1 | 3);
}

void vrig_map(struct vrig *r, unsigned index, uint64_t paddr, unsigned rights)
{
	vrig_poke(r, VRIG_L1 + 8 * index, paddr | rights);
}

void vrig_enable(struct vrig *r)
{
	vrig_writeq(r, 0x20, VRIG_ROOT);
	vrig_writel(r, 0x18, 0x40000000); /* SRTP */
	vrig_writel(r, 0x18, 0x80000000); /* TE */
	assert_int_equal(vrig_readl(r, 0x1C), 0xC0000000);
}

void vrig_standard(struct vrig *r)
{
	vrig_tables(r);
	vrig_enable(r);
}

void vrig_flush(struct vrig *r)
{
	vrig_writeq(r, 0x28, UINT64_C(0xA000000000000000));            /* ICC, CIRG 1 */
	vrig_writeq(r, r->iotlb_at + 8, UINT64_C(0x9000000000000000)); /* IVT, IIRG 1 */
}

int vrig_dma(struct vrig *r, uint16_t sid, uint64_t iova, enum iotoll_access access,
	     struct iotoll_xlat *out)
{
	struct iotoll_xlat unwanted;

	return iommu_translate(r->iommu, (struct iotoll_source){.devid = sid}, iova, access,
			       out != NULL ? out : &unwanted);
}

uint64_t vrig_reaches(struct vrig *r, uint64_t iova)
{
	struct iotoll_xlat x;

	return vrig_dma(r, VRIG_SID, iova, IOTOLL_READ, &x) == 0 ? x.paddr : UINT64_MAX;
}

unsigned vrig_take_fault(struct vrig *r, unsigned n)
{
	uint64_t hi = vrig_readq(r, r->fault_at + 16 * n + 8);

	if (hi >> 63 == 0)
		return 0;
	vrig_writel(r, r->fault_at + 16 * n + 12, 0x80000000);
	vrig_writel(r, 0x34, 1);
	return (unsigned)(hi >> 32) & 0xFF;
}

void vrig_queue(struct vrig *r)
{
	vrig_writeq(r, 0x88, 0);
	vrig_writeq(r, 0x90, VRIG_QUEUE);
	vrig_writel(r, 0x18, (vrig_readl(r, 0x1C) & 0x96FFFFFF) | 0x04000000); /* QIE */
	assert_int_equal(vrig_readl(r, 0x1C) & 0x04000000, 0x04000000);
}

void vrig_desc(struct vrig *r, unsigned slot, uint64_t lo, uint64_t hi)
{
	vrig_poke(r, VRIG_QUEUE + 16 * slot, lo);
	vrig_poke(r, VRIG_QUEUE + 16 * slot + 8, hi);
}

void vrig_ring(struct vrig *r, unsigned slot_after)
{
	vrig_writeq(r, 0x88, 16 * slot_after);
}

void vrig_hold_page_0(struct vrig *r)
{
	vrig_map(r, 0, 0x80000, 3);
	assert_int_equal(vrig_reaches(r, 0), 0x80000);
	vrig_map(r, 0, 0x90000, 3);
}

bool vrig_page_0_forgotten(struct vrig *r)
{
	return vrig_reaches(r, 0) == 0x90000;
}

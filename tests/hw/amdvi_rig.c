// SPDX-License-Identifier: MIT
/*
 * See amdvi_rig.h.
 */
#include "amdvi_rig.h"

#include <errno.h>

const struct iotlb_config amd_iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"};

static bool outside(uint64_t paddr, size_t bytes)
{
	return paddr > AMD_BYTES || bytes > AMD_BYTES - paddr;
}

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct amd *amd = ctx;

	amd->reads++;
	if (outside(paddr, bytes))
		return -EFAULT;
	memcpy(to, amd->bytes + paddr, bytes);
	return 0;
}

static int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct amd *amd = ctx;

	amd->writes++;
	if (outside(paddr, bytes))
		return -EFAULT;
	memcpy(amd->bytes + paddr, from, bytes);
	return 0;
}

static void heard_drop(void *ctx, struct iotoll_source source, uint64_t pfn)
{
	struct amd *amd = ctx;

	assert_int_equal(source.bus, 0);
	amd->drops++;
	amd->dropped = pfn;
}

static void heard_fault(void *ctx, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access)
{
	struct amd *amd = ctx;

	(void)iova;
	(void)access;
	amd->faults++;
	amd->fault_source = source;
}

void amd_make(struct amd *amd, const struct iotlb_config *iotlb, bool track_stale)
{
	struct iommu_config config = {
		.model = "amdvi",
		.iotlb = *iotlb,
		.memory = {.ctx = amd, .read = memory_read, .write = memory_write},
		.track_stale = track_stale,
	};
	struct err err;

	*amd = (struct amd){.bytes = calloc(1, AMD_BYTES)};
	assert_non_null(amd->bytes);
	assert_int_equal(iommu_create(&amd->iommu, &config, &err), 0);
	amd->iommu->observer = (struct iotoll_iommu_observer){
		.ctx = amd, .dropped = heard_drop, .fault = heard_fault};
}

void amd_free(struct amd *amd)
{
	iommu_destroy(amd->iommu);
	free(amd->bytes);
}

void amd_enable(struct amd *amd)
{
	amd_writeq(amd, AMD_R_DEVTAB, AMD_DEVTAB | 0x1FF);
	amd_writeq(amd, AMD_R_CMDBUF, AMD_CMDBUF | UINT64_C(8) << 56);
	amd_writeq(amd, AMD_R_EVTLOG, AMD_EVTLOG | UINT64_C(8) << 56);
	amd_writeq(amd, AMD_R_CONTROL, 0x1005);
}

void amd_poke(struct amd *amd, uint64_t paddr, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		amd->bytes[paddr + i] = (uint8_t)(value >> (8 * i));
}

uint64_t amd_peek(const struct amd *amd, uint64_t paddr)
{
	uint64_t value = 0;

	for (unsigned i = 8; i-- != 0;)
		value = value << 8 | amd->bytes[paddr + i];
	return value;
}

void amd_writeq(struct amd *amd, uint64_t offset, uint64_t value)
{
	amd->iommu->ops->reg_write(amd->iommu, offset, value, 8);
}

uint64_t amd_readq(struct amd *amd, uint64_t offset)
{
	return amd->iommu->ops->reg_read(amd->iommu, offset, 8);
}

void amd_dte(struct amd *amd, uint16_t devid, uint64_t q0, uint64_t q1)
{
	amd_poke(amd, AMD_DEVTAB + devid * 32, q0);
	amd_poke(amd, AMD_DEVTAB + devid * 32 + 8, q1);
	amd_poke(amd, AMD_DEVTAB + devid * 32 + 16, 0);
	amd_poke(amd, AMD_DEVTAB + devid * 32 + 24, 0);
}

void amd_command(struct amd *amd, uint64_t q0, uint64_t q1)
{
	const uint64_t tail = amd_readq(amd, AMD_R_CTAIL);

	amd_poke(amd, AMD_CMDBUF + tail, q0);
	amd_poke(amd, AMD_CMDBUF + tail + 8, q1);
	amd_writeq(amd, AMD_R_CTAIL, (tail + 16) % 4096);
}

void amd_invalidate_all(struct amd *amd)
{
	amd_command(amd, UINT64_C(8) << 60, 0);
}

unsigned amd_events(struct amd *amd)
{
	return (unsigned)(amd_readq(amd, AMD_R_ETAIL) / 16);
}

void amd_last_event(struct amd *amd, uint64_t *q0, uint64_t *q1)
{
	const uint64_t tail = amd_readq(amd, AMD_R_ETAIL);
	const uint64_t at = AMD_EVTLOG + (tail + 4096 - 16) % 4096;

	*q0 = amd_peek(amd, at);
	*q1 = amd_peek(amd, at + 8);
}

void amd_expect_event(struct amd *amd, unsigned before, uint64_t q0, uint64_t q1)
{
	uint64_t got0, got1;

	assert_int_equal(amd_events(amd), before + 1);
	amd_last_event(amd, &got0, &got1);
	assert_int_equal(got0, q0);
	assert_int_equal(got1, q1);
}

int amd_dma(struct amd *amd, uint16_t devid, uint64_t iova, enum iotoll_access access,
	    struct iotoll_xlat *out)
{
	struct iotoll_xlat unwanted;

	return iommu_translate(amd->iommu, (struct iotoll_source){.devid = devid}, iova, access,
			       out != NULL ? out : &unwanted);
}

uint64_t amd_read_goes(struct amd *amd, uint16_t devid, uint64_t iova)
{
	struct iotoll_xlat x;

	assert_int_equal(amd_dma(amd, devid, iova, IOTOLL_READ, &x), 0);
	return x.paddr;
}

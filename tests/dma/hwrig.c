/* SPDX-License-Identifier: MIT */
/*
 * See hwrig.h.
 */
#include "hwrig.h"

#include <errno.h>

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct hwrig *h = ctx;

	return h->iommu->ops->reg_read(h->iommu, offset, width);
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct hwrig *h = ctx;

	h->iommu->ops->reg_write(h->iommu, offset, value, width);
}

static void start(struct hwrig *h, const char *model, const struct vtd_config *vtd,
		  const char *strategy, unsigned iotlb_entries, uint64_t start_hint)
{
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = 8192,
						 .start_hint = start_hint,
						 .check_misuse = true};
	const struct iommu_config hw = {.model = model,
					.vtd = vtd,
					.iotlb = {.entries = iotlb_entries,
						  .ways = iotlb_entries,
						  .line_pages = 1,
						  .policy = "lru"}};

	hwrig_start_as(h, &hw, &config);
}

void hwrig_start_as(struct hwrig *h, const struct iommu_config *model,
		    const struct iotoll_dma_config *config)
{
	struct iotoll_env_config env = {.ctx = h, .reg_read = reg_read, .reg_write = reg_write};
	struct iommu_config hw = *model;
	struct err err = {""};
	char why[128] = "";

	memset(h, 0, sizeof(*h));
	h->memory = memory_create(64u << 20);
	assert_non_null(h->memory);
	hw.memory = (struct iotoll_memory){
		.ctx = h->memory, .read = memory_load, .write = memory_store};
	if (iommu_create(&h->iommu, &hw, &err))
		fail_msg("%s", err.text);
	env.memory = h->memory;
	assert_int_equal(iotoll_env_create(&h->env, &env), 0);
	if (iotoll_dma_domain_create(&h->domain, h->env, config, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(
		iotoll_dma_attach(&h->dev, h->domain, 8,
				  iotoll_dma_domain_bytewise(h->domain) ? UINT64_MAX : UINT32_MAX),
		0);
}

void hwrig_start(struct hwrig *h, const char *strategy, unsigned iotlb_entries, uint64_t start_hint)
{
	start(h, "calgary", NULL, strategy, iotlb_entries, start_hint);
}

void hwrig_start_vtd(struct hwrig *h, const struct vtd_config *vtd, const char *strategy,
		     unsigned iotlb_entries, uint64_t start_hint)
{
	start(h, "vtd", vtd, strategy, iotlb_entries, start_hint);
}

void hwrig_start_amdvi(struct hwrig *h, const char *strategy, unsigned iotlb_entries,
		       uint64_t start_hint)
{
	start(h, "amdvi", NULL, strategy, iotlb_entries, start_hint);
}

void hwrig_close(struct hwrig *h)
{
	iotoll_dma_detach(h->dev);
	iotoll_dma_domain_destroy(h->domain);
	assert_int_equal(memory_allocated_pages(h->memory), 0);
	iotoll_env_destroy(h->env);
	iommu_destroy(h->iommu);
	memory_destroy(h->memory);
}

int hwrig_access(struct hwrig *h, uint64_t iova, enum iotoll_access access, uint64_t *paddr)
{
	const struct iotoll_source source = {.bus = 0, .devid = 8};
	struct iotoll_xlat xlat;
	const int rc = iommu_translate(h->iommu, source, iova, access, &xlat);

	if (!rc)
		*paddr = xlat.paddr;
	return rc;
}

bool hwrig_reaches(struct hwrig *h, uint64_t iova, uint64_t paddr)
{
	uint64_t to;

	return hwrig_access(h, iova, IOTOLL_WRITE, &to) == 0 && to == paddr;
}

struct iotoll_dma_stats hwrig_stats(const struct hwrig *h)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(h->domain, &stats);
	return stats;
}

uint64_t hwrig_map(struct hwrig *h, uint64_t paddr)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(h->dev, IOTOLL_PHYS(paddr), 4096, IOTOLL_DMA_FROM_DEVICE);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

void hwrig_unmap(struct hwrig *h, uint64_t iova)
{
	iotoll_dma_unmap_page(h->dev, IOTOLL_IOVA(iova), 4096, IOTOLL_DMA_FROM_DEVICE);
}

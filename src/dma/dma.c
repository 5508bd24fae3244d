/* SPDX-License-Identifier: MIT */
/*
 * The streaming calls of the DMA API. A list is mapped element by element under one hold of the
 * lock and never merged, as calgary_map_sg() does it in Linux 2.6.21; on failure the elements
 * already mapped are taken down again before the lock is released.
 */
#include "dma/mapping.h"

iotoll_iova_t iotoll_dma_map_page(struct iotoll_dma_device *dev, iotoll_phys_t paddr, size_t bytes,
				  enum iotoll_dma_dir dir)
{
	struct mapping want = {.dev = dev, .bytes = bytes, .dir = dir, .kind = MAPPING_PAGE};
	const int token = domain_begin(dev->domain, DMA_PHASE_MAP);
	int rc = mapping_add(&want, paddr);

	if (!rc)
		rc = mapping_commit(&want, paddr);
	if (rc)
		mapping_count_failure(dev->domain);
	else
		mapping_count_map(dev->domain, dma_pages(IOTOLL_PHYS_U64(paddr), bytes));
	domain_end(dev->domain, token);
	return rc ? IOTOLL_DMA_MAPPING_ERROR : want.iova;
}

void iotoll_dma_unmap_page(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
			   enum iotoll_dma_dir dir)
{
	const struct mapping what = {
		.dev = dev, .iova = iova, .bytes = bytes, .dir = dir, .kind = MAPPING_PAGE};
	const int token = domain_begin(dev->domain, DMA_PHASE_UNMAP);
	const uint64_t pages = mapping_remove(&what);

	if (pages)
		mapping_count_unmap(dev->domain, pages);
	domain_end(dev->domain, token);
}

static struct mapping mapping_of(struct iotoll_dma_device *dev, const struct iotoll_sg *sg,
				 enum iotoll_dma_dir dir)
{
	return (struct mapping){.dev = dev,
				.iova = sg->dma_address,
				.bytes = sg->dma_bytes,
				.dir = dir,
				.kind = MAPPING_SG};
}

/* Take the first @n elements down again: they were mapped, but nobody was told. */
static void roll_back(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
		      enum iotoll_dma_dir dir)
{
	for (int i = 0; i < n; i++) {
		const struct mapping what = mapping_of(dev, &sg[i], dir);

		(void)mapping_remove(&what);
	}
}

int iotoll_dma_map_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
		      enum iotoll_dma_dir dir)
{
	int token, mapped, refused;

	if (n <= 0)
		return 0;
	token = domain_begin(dev->domain, DMA_PHASE_MAP);
	for (mapped = 0; mapped < n; mapped++) {
		struct mapping want = {
			.dev = dev, .bytes = sg[mapped].bytes, .dir = dir, .kind = MAPPING_SG};

		if (mapping_add(&want, sg[mapped].paddr))
			break;
		sg[mapped].dma_address = want.iova;
		sg[mapped].dma_bytes = want.bytes;
	}
	refused = domain_commit(dev->domain);
	for (int i = 0; i < mapped; i++) {
		const struct mapping made = mapping_of(dev, &sg[i], dir);

		mapping_announce(&made, sg[i].paddr);
	}
	if (mapped < n || refused) {
		roll_back(dev, sg, mapped, dir);
		for (int i = 0; i < n; i++) {
			sg[i].dma_address = IOTOLL_DMA_MAPPING_ERROR;
			sg[i].dma_bytes = 0;
		}
		mapping_count_failure(dev->domain);
		mapped = 0;
	}
	for (int i = 0; i < mapped; i++)
		mapping_count_map(dev->domain,
				  dma_pages(IOTOLL_PHYS_U64(sg[i].paddr), sg[i].bytes));
	domain_end(dev->domain, token);
	return mapped;
}

void iotoll_dma_unmap_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir)
{
	int token;

	if (n <= 0)
		return;
	token = domain_begin(dev->domain, DMA_PHASE_UNMAP);
	for (int i = 0; i < n && sg[i].dma_bytes != 0; i++) {
		const struct mapping what = mapping_of(dev, &sg[i], dir);
		const uint64_t pages = mapping_remove(&what);

		if (pages)
			mapping_count_unmap(dev->domain, pages);
	}
	domain_end(dev->domain, token);
}

/*
 * Every modelled machine keeps caches coherent with DMA, so handing a buffer over costs nothing;
 * what is left to do is to look whether it is mapped at all. No simulated lock is taken for it.
 */
static void sync_single(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
			enum iotoll_dma_dir dir)
{
	struct iotoll_dma_domain *domain = dev->domain;
	const struct mapping what = {.dev = dev, .iova = iova, .bytes = bytes, .dir = dir};

	if (!domain->misuse)
		return;
	env_quiet_lock(&domain->quiet);
	misuse_check_sync(domain->misuse, &what, domain->stats.misuse);
	env_quiet_unlock(&domain->quiet);
}

void iotoll_dma_sync_single_for_cpu(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
				    enum iotoll_dma_dir dir)
{
	sync_single(dev, iova, bytes, dir);
}

void iotoll_dma_sync_single_for_device(struct iotoll_dma_device *dev, iotoll_iova_t iova,
				       size_t bytes, enum iotoll_dma_dir dir)
{
	sync_single(dev, iova, bytes, dir);
}

// SPDX-License-Identifier: MIT
/*
 * See paged_hw.h.
 */
#include "paged_hw.h"

#include <errno.h>

#include "base/rng.h"

void paged_one_page_is_forgotten(struct hwrig *h)
{
	struct iotlb_stats before, after;
	uint64_t iova[8];

	for (unsigned i = 0; i < 8; i++) {
		iova[i] = hwrig_map(h, OLD + i * 4096);
		assert_true(hwrig_reaches(h, iova[i], OLD + i * 4096));
	}
	hwrig_unmap(h, iova[3]);
	h->iommu->ops->stats(h->iommu, &before);
	for (unsigned i = 0; i < 8; i++)
		if (i != 3)
			assert_true(hwrig_reaches(h, iova[i], OLD + i * 4096));
	h->iommu->ops->stats(h->iommu, &after);
	assert_int_equal(after.hits - before.hits, 7);
	assert_int_equal(after.misses - before.misses, 0);
}

void paged_domains_do_not_see_each_other(struct hwrig *h, const char *driver)
{
	struct iotoll_dma_config config = {.driver = driver,
					   .strategy = "strict",
					   .allocator = "next-fit",
					   .table_entries = 8192,
					   .check_misuse = true};
	const struct iotoll_source second = {.devid = 0x10};
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev, *none;
	struct iotoll_xlat xlat;
	iotoll_iova_t iova;
	uint64_t mine;

	assert_int_equal(iotoll_dma_domain_create(&domain, h->env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&none, domain, 8, UINT32_MAX), -EBUSY);
	assert_int_equal(iotoll_dma_attach(&dev, domain, 0x10, UINT32_MAX), 0);
	mine = hwrig_map(h, OLD);
	iova = iotoll_dma_map_page(dev, IOTOLL_PHYS(NEW), 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(IOTOLL_IOVA_U64(iova), mine); /* the same address in both */
	assert_true(hwrig_reaches(h, mine, OLD));
	assert_int_equal(iommu_translate(h->iommu, second, mine, IOTOLL_WRITE, &xlat), 0);
	assert_int_equal(xlat.paddr, NEW);
	/* Forgetting it in one leaves it cached in the other. */
	hwrig_unmap(h, mine);
	assert_int_equal(iommu_translate(h->iommu, second, mine, IOTOLL_WRITE, &xlat), 0);
	assert_int_equal(xlat.paddr, NEW);
	assert_true(xlat.hit);
	iotoll_dma_domain_destroy(domain);
	assert_int_equal(iommu_translate(h->iommu, second, mine, IOTOLL_WRITE, &xlat), -EPERM);
	mine = hwrig_map(h, OLD);
	assert_true(hwrig_reaches(h, mine, OLD));
}

void paged_random_program(struct hwrig *h, bool strict, uint64_t seed)
{
	struct {
		uint64_t iova, paddr, pages;
	} live[200];
	unsigned n = 0;
	struct rng rng;
	uint64_t paddr;

	rng_seed(&rng, seed);
	for (unsigned step = 0; step < 12000; step++) {
		if (rng_below(&rng, 200) == 0)
			(void)iotoll_dma_domain_tick(h->domain);
		if (n < COUNT(live) && (n == 0 || rng_below(&rng, 2))) {
			const uint64_t pages = 1 + rng_below(&rng, 7);

			live[n].pages = pages;
			live[n].paddr = (1 + rng_below(&rng, 16000)) << 12;
			live[n].iova = IOTOLL_IOVA_U64(
				iotoll_dma_map_page(h->dev, IOTOLL_PHYS(live[n].paddr), pages << 12,
						    IOTOLL_DMA_FROM_DEVICE));
			assert_true(live[n].iova != UINT64_MAX);
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			iotoll_dma_unmap_page(h->dev, IOTOLL_IOVA(live[i].iova),
					      live[i].pages << 12, IOTOLL_DMA_FROM_DEVICE);
			for (uint64_t p = 0; strict && p < live[i].pages; p++)
				assert_int_equal(hwrig_access(h, live[i].iova + (p << 12),
							      IOTOLL_WRITE, &paddr),
						 -EPERM);
			live[i] = live[--n];
		}
		if (n) {
			const unsigned i = (unsigned)rng_below(&rng, n);

			for (uint64_t p = 0; p < live[i].pages; p++)
				assert_true(hwrig_reaches(h, live[i].iova + (p << 12),
							  live[i].paddr + (p << 12)));
		}
	}
	assert_true(hwrig_stats(h).wraps > 1);
	assert_int_equal(hwrig_stats(h).flush_timeouts, 0);
}

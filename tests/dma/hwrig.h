/* SPDX-License-Identifier: MIT */
/*
 * The native DMA layer driving the hardware half, Calgary's if nothing else is said: the two meet
 * in memory and registers only, which is what the tests on top want to see.
 */
#ifndef IOTOLL_TESTS_DMA_HWRIG_H
#define IOTOLL_TESTS_DMA_HWRIG_H

#include "hw/iommu.h"
#include "rig.h"

/* Calgary's 8192 entries less the last, the 32 emergency pages and the 640 KiB - 1 MiB hole. */
#define USABLE (8192u - 1u - 32u - 96u)
/* A page that was mapped, and one that is mapped in its place. */
#define OLD UINT64_C(0x0A0A000)
#define NEW UINT64_C(0x0B0B000)

struct hwrig {
	struct memory *memory;
	struct dma_env *env;
	struct iommu *iommu;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
};

/*
 * A fully associative LRU IOTLB of @iotlb_entries in Calgary; PHB 0; 8192 entries under @strategy;
 * device 00:01.0.
 */
void hwrig_start(struct hwrig *h, const char *strategy, unsigned iotlb_entries,
		 uint64_t start_hint);
/* The same with a VT-d unit that can do what @vtd says (NULL: the model's default). */
void hwrig_start_vtd(struct hwrig *h, const struct vtd_config *vtd, const char *strategy,
		     unsigned iotlb_entries, uint64_t start_hint);
/* The same with an AMD-Vi unit. */
void hwrig_start_amdvi(struct hwrig *h, const char *strategy, unsigned iotlb_entries,
		       uint64_t start_hint);
/* The same with any model and driver; the model's memory is filled in here. */
void hwrig_start_as(struct hwrig *h, const struct iommu_config *model,
		    const struct iotoll_dma_config *config);
void hwrig_close(struct hwrig *h);
/* What the device reaches at @iova now: 0 and *@paddr, or the error of iommu_translate(). */
int hwrig_access(struct hwrig *h, uint64_t iova, enum iotoll_access access, uint64_t *paddr);
/* Does the device's write to @iova go to @paddr? */
bool hwrig_reaches(struct hwrig *h, uint64_t iova, uint64_t paddr);
struct iotoll_dma_stats hwrig_stats(const struct hwrig *h);
/* Map one page for writing by the device; must succeed. */
uint64_t hwrig_map(struct hwrig *h, uint64_t paddr);
void hwrig_unmap(struct hwrig *h, uint64_t iova);

#endif

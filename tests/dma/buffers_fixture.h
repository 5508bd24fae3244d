/* SPDX-License-Identifier: MIT */
/* Strategies that own the memory devices work in, on the hardware half of each IOMMU. */
#ifndef IOTOLL_TESTS_DMA_BUFFERS_FIXTURE_H
#define IOTOLL_TESTS_DMA_BUFFERS_FIXTURE_H

#include "copyrig.h"

#include <errno.h>
#include <stdio.h>

static struct hwrig h;

/* Those that have buffers for @dir; NULL past the last. */
static inline const char *owner(unsigned index, enum iotoll_dma_dir dir)
{
	static const char *const all[] = {"page-pool", "damn"};

	(void)dir;
	return index < sizeof(all) / sizeof(all[0]) ? all[index] : NULL;
}

static inline bool goes_both_ways(const char *strategy)
{
	return strcmp(strategy, "damn") == 0;
}

static inline uint64_t take(size_t bytes, enum iotoll_dma_dir dir)
{
	iotoll_phys_t paddr;
	void *ptr = iotoll_dma_buffer_alloc(h.dev, bytes, dir, NULL, &paddr);

	if (!ptr)
		return 0;
	assert_ptr_equal(ptr, memory_ptr(h.memory, IOTOLL_PHYS_U64(paddr), 1));
	return IOTOLL_PHYS_U64(paddr);
}

static inline void give(uint64_t paddr)
{
	iotoll_dma_buffer_free(h.dev, IOTOLL_PHYS(paddr));
}

static inline uint64_t misuse(enum iotoll_misuse what)
{
	return hwrig_stats(&h).misuse[what];
}

/* Run @body for each strategy on each IOMMU, with and without the book. */
static inline void everywhere(enum iotoll_dma_dir dir, uint64_t quota,
			      void (*body)(const char *model))
{
	for (unsigned s = 0; owner(s, dir); s++)
		for (unsigned m = 0; copyrig_model(m); m++)
			for (unsigned check = 0; check < 2; check++) {
				copyrig_start(&h, copyrig_model(m), owner(s, dir), quota, check);
				body(copyrig_model(m));
				hwrig_close(&h);
			}
}

#endif

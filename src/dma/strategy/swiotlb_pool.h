/* SPDX-License-Identifier: MIT */
/*
 * Memory to bounce requests in, as kernel/dma/swiotlb.c of Linux 6.10 keeps it: slots of 2 KiB in
 * segments of 128, which no request crosses, shared out among areas, as many as there are CPUs, a
 * lock each. Of each slot it is known how many free ones begin with it, up to the end of its
 * segment. A search begins in the area of its CPU, where the last one there left off, and takes the
 * first place that has room; when an area has none the next one is asked.
 *
 * Under an IOMMU what is taken are whole pages, so that no two requests share one; here a count of
 * pages is all that is asked for. Where Linux keeps in a slot what request it serves there is a
 * record of the entry that leads there (bounce.h); the slot has the room for it. Not modelled: the
 * counters of debugfs, which all CPUs share, and pools that grow (CONFIG_SWIOTLB_DYNAMIC, which is
 * off by default). Linux has one pool for all devices of the machine, here a domain has one.
 */
#ifndef IOTOLL_DMA_STRATEGY_SWIOTLB_POOL_H
#define IOTOLL_DMA_STRATEGY_SWIOTLB_POOL_H

#include "dma/locks.h"

#define SWIOTLB_SLOT_BYTES    2048u  /* IO_TLB_SIZE */
#define SWIOTLB_SEGMENT_SLOTS 128u   /* IO_TLB_SEGSIZE: of one request at the most */
#define SWIOTLB_DEFAULT_PAGES 16384u /* IO_TLB_DEFAULT_SIZE: 64 MiB */
#define SWIOTLB_LEAST_PAGES   256u   /* IO_TLB_MIN_SLABS: a smaller pool is not worth having */

struct swiotlb_pool {
	struct dma_env *env;
	struct locks *locks; /* of the areas */
	uint64_t slots;
	unsigned areas;
	uint64_t area_slots;
	/* The slots' memory; what is known of each slot, and of each area. */
	iotoll_phys_t memory, slot_list, area_list;
	uint64_t slot_list_frames, area_list_frames;
};

/*
 * A pool of @pages, rounded up to a power of two that leaves each CPU's area a segment, or as large
 * a half, quarter, ... of that as there is contiguous memory for below @below and 4 GiB, but no
 * less than 1 MiB. @locks, which must be zeroed and is the caller's to get rid of, becomes the
 * areas'. 0 or -ENOMEM.
 */
int swiotlb_pool_create(struct swiotlb_pool *pool, struct dma_env *env, struct locks *locks,
			uint64_t pages, uint64_t below) MUST_CHECK;
void swiotlb_pool_destroy(struct swiotlb_pool *pool);
/*
 * @pages of the pool, one behind the other; *@at is where. What is in them is what was left there.
 * 0; -ENOSPC: the pool is full, or no segment is as long.
 */
int swiotlb_pool_take(struct swiotlb_pool *pool, uint64_t pages, uint64_t *at) MUST_CHECK;
/* What swiotlb_pool_take() gave, as it gave it. */
void swiotlb_pool_give_back(struct swiotlb_pool *pool, uint64_t at, uint64_t pages);
/* Do all slots and areas say what they should? Free of charge, with nobody at the pool. Slow. */
bool swiotlb_pool_check(const struct swiotlb_pool *pool);
/* Slots that are taken; likewise. */
uint64_t swiotlb_pool_used(const struct swiotlb_pool *pool);

#endif

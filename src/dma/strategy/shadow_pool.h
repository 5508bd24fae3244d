/* SPDX-License-Identifier: MIT */
/*
 * The shadow buffers of one device (Markuze, Morrison and Tsafrir, "True IOMMU Protection from DMA
 * Attacks", ASPLOS 2016, section 5): permanently mapped pages, in a list for each CPU, each size of
 * 4 KiB and 64 KiB, and each of the three rights. A buffer is sticky: it goes back to the list it
 * was made for, so that its CPU finds it again with the rights it has. Lists are taken from at the
 * head, by their CPU alone and without a lock unless one buffer is left; who gives back, from
 * wherever, appends under the lock of the tail.
 *
 * Where the paper's I/O addresses have CPU, rights, size and a number in their 48 bits, so that an
 * unmap finds the record of its buffer by arithmetic, ours come from the domain's allocator, in
 * tables too small for that: the entry's number is the number of the record, and the record says
 * the rest.
 */
#ifndef IOTOLL_DMA_STRATEGY_SHADOW_POOL_H
#define IOTOLL_DMA_STRATEGY_SHADOW_POOL_H

#include "dma/strategy/bounce.h"

#define SHADOW_SLAB_PAGES 16u /* of a large buffer; small ones are made so many at a time */
#define SHADOW_LARGE      (SHADOW_SLAB_PAGES * DMA_PAGE_BYTES)

struct shadow_list {
	struct dma_own own;   /* around the head */
	struct dma_lock lock; /* around the tail, and both while there are fewer than two */
	uint32_t head, tail;  /* an entry's number + 1; 0: empty */
};

/* 16 pages, one behind the other in the table as in memory. */
struct shadow_slab {
	uint64_t first;
	iotoll_phys_t frames;
};

struct shadow_pool {
	struct iotoll_dma_device *dev;
	struct records *records;
	iotoll_phys_t lines; /* two cache lines for each list: its head's, its tail's */
	uint64_t line_pages;
	unsigned lists;
	struct shadow_list *list;
	struct shadow_slab *slab; /* under the domain's lock */
	size_t slabs;
};

/* What all pools of a domain share. */
struct shadow {
	struct records records;
	uint64_t pages, most; /* of all pools, under the domain's lock; 0: no limit */
};

/* An empty pool for @dev. 0 or -ENOMEM. */
int shadow_pool_create(struct shadow_pool **out, struct iotoll_dma_device *dev) MUST_CHECK;
/* Clear its entries and give its pages back, whoever may still have some. */
void shadow_pool_destroy(struct shadow_pool *pool);
/*
 * A buffer for @want, large or small: *@entry is its first, the state of its record RECORD_IDLE. 0;
 * -ENOSPC, -ENOMEM: none was left and none could be made.
 */
int shadow_pool_acquire(struct shadow_pool *pool, const struct mapping *want, bool large,
			uint64_t *entry) MUST_CHECK;
/* What shadow_pool_acquire() gave goes back to the list of the pool that it came from. */
void shadow_pool_release(struct record *rec, uint64_t entry);

#endif

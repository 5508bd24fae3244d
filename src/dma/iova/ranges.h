/* SPDX-License-Identifier: MIT */
/*
 * What allocators share that keep what they handed out as ranges in a tree. Private to
 * src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_RANGES_H
#define IOTOLL_DMA_IOVA_RANGES_H

#include "dma/iova/entry_set.h"
#include "dma/iova/iova.h"
#include "dma/iova/range_tree.h"

/* What 32 bits reach, in pages: requests are tried below it first. */
#define RANGES_32BIT (UINT64_C(1) << 20)

/* Embedded first in such an allocator's own struct. */
struct ranges {
	struct iova base;
	struct range_tree t;
	struct entry_set held; /* what somebody holds, entry by entry */
};

/* No ranges over @entries. 0 or -ENOMEM: then nothing is left. */
int ranges_init(struct ranges *r, struct dma_env *env, uint64_t entries) MUST_CHECK;
/* Allowed on a zeroed struct. */
void ranges_fini(struct ranges *r);

/* Somebody holds @count entries from node @i's first on, or gives back some of them. */
void ranges_hold(struct ranges *r, uint32_t i, uint64_t count);
void ranges_unhold(struct ranges *r, uint32_t i, uint64_t first, uint64_t count);
/*
 * iova_ops.free(), whose entries may be parts of several ranges: each range is looked for, charged
 * for if @look, and handed to @gone when nobody holds anything of it any more.
 */
void ranges_free(struct ranges *r, uint64_t first, uint64_t count, bool look,
		 void (*gone)(struct ranges *r, uint32_t i));

/* iova_ops.owns() and reserve(), of rows that begin with a struct ranges. */
bool ranges_own(const struct iova *a, uint64_t first, uint64_t count);
int ranges_reserve(struct iova *a, uint64_t first, uint64_t count);
/*
 * The part of check() that concerns tree, accounts and withheld entries; @anchor is not counted.
 * @held: by ranges_hold(), which is nothing for a row that keeps its own accounts.
 */
bool ranges_check(const struct ranges *r, uint32_t anchor, uint64_t held);
/* Is node @i in the tree? For checks. */
bool ranges_have(const struct ranges *r, uint32_t i);

#endif

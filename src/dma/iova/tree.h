/* SPDX-License-Identifier: MIT */
/*
 * The tree allocator of Linux 6.1, for itself and below `magazines`. Private to src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_TREE_H
#define IOTOLL_DMA_IOVA_TREE_H

#include "dma/iova/entry_set.h"
#include "dma/iova/iova.h"
#include "dma/iova/range_tree.h"

/* Entry 0 is never handed out: iommu_dma_init_domain() begins with 1 at the least. */
#define TREE_START UINT64_C(1)
/* What 32 bits reach, in pages: requests are tried below it first. */
#define TREE_32BIT (UINT64_C(1) << 20)

struct tree {
	struct iova base;
	struct range_tree t;
	struct entry_set held;
	uint32_t anchor; /* a node above everything */
	/* Where walks begin: the last allocation, or above what was freed higher up. */
	uint32_t cached32, cached;
	uint64_t max32; /* requests this long are known to fail below 4 GiB */
};

/* Set up @tree over @entries; the anchor is its only node. 0 or -ENOMEM. */
int tree_init(struct tree *tree, struct dma_env *env, uint64_t entries) MUST_CHECK;
void tree_fini(struct tree *tree);
/*
 * One try: @count entries aligned to the next power of two, all below @limit (at most entries).
 * 0 and the node in *@out; -ENOSPC; -ENOMEM. Nobody's accounts change.
 */
int tree_take(struct tree *tree, uint64_t count, uint64_t limit, uint32_t *out) MUST_CHECK;
/* Somebody holds @count entries from the node's first on, or gives back some of a node's. */
void tree_hold(struct tree *tree, uint32_t node, uint64_t count);
void tree_unhold(struct tree *tree, uint32_t node, uint64_t first, uint64_t count);
/* Remove a node that tree_take() made. */
void tree_drop(struct tree *tree, uint32_t node);

/* The row's functions, as far as another row may share them. */
int tree_reserve(struct iova *a, uint64_t first, uint64_t count);
bool tree_owns(const struct iova *a, uint64_t first, uint64_t count);
bool tree_usable_below(const struct iova *a, uint64_t limit);
bool tree_check(const struct iova *a);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The tree allocator of Linux 6.1, for itself and below `magazines`. Private to src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_TREE_H
#define IOTOLL_DMA_IOVA_TREE_H

#include "dma/iova/ranges.h"

struct tree {
	struct ranges r;
	uint32_t anchor; /* a node above everything */
	/* Where walks begin: the last allocation, or above what was freed higher up. */
	uint32_t cached32, cached;
	uint32_t before32, before; /* where the last search began, were it undone */
	uint64_t max32;            /* requests this long are known to fail below 4 GiB */
};

/* Set up @tree over @entries; the anchor is its only node. 0 or -ENOMEM. */
int tree_init(struct tree *tree, struct dma_env *env, uint64_t entries) MUST_CHECK;
/*
 * One try: @count entries aligned to the next power of two, all below @limit (at most entries).
 * 0 and the node in *@out; -ENOSPC; -ENOMEM. Nobody's accounts change.
 */
int tree_take(struct tree *tree, uint64_t count, uint64_t limit, uint32_t *out) MUST_CHECK;
/* Remove a node that tree_take() made. */
void tree_drop(struct tree *tree, uint32_t node);

/*
 * iova_ops.usable_below() and check(), also for a row that stands on the tree; @held: entries by
 * ranges_hold().
 */
bool tree_usable_below(const struct iova *a, uint64_t limit);
bool tree_check(const struct iova *a, uint64_t held);

#endif

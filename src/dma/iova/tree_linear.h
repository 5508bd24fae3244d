/* SPDX-License-Identifier: MIT */
/*
 * The tree allocator of Linux 3.x, for itself and below `eiovar`. Private to src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_TREE_LINEAR_H
#define IOTOLL_DMA_IOVA_TREE_LINEAR_H

#include "dma/iova/ranges.h"

struct tree_linear {
	struct ranges r;
	uint64_t top32;    /* the highest entry below 4 GiB */
	uint32_t cached32; /* walks from there down begin at its neighbour below; 0: at the top */
};

/* 0 or -ENOMEM. */
int tree_linear_init(struct tree_linear *tree, struct dma_env *env, uint64_t entries) MUST_CHECK;
/*
 * @count entries rounded up to a power of two and aligned to it, all of them below @limit. 0 and
 * the node in *@out; -ENOSPC; -ENOMEM. Nobody's accounts change.
 */
int tree_linear_take(struct tree_linear *tree, uint64_t count, uint64_t limit,
		     uint32_t *out) MUST_CHECK;
/* Remove a node that tree_linear_take() made. */
void tree_linear_drop(struct tree_linear *tree, uint32_t node);

/* iova_ops.usable_below() and check(), also for a row that stands on this one. */
bool tree_linear_usable_below(const struct iova *a, uint64_t limit);
bool tree_linear_check(const struct iova *a);

#endif

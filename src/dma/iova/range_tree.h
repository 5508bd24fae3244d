/* SPDX-License-Identifier: MIT */
/*
 * A red-black tree of ranges of entries, as Linux's I/O address allocators keep one (struct iova in
 * lib/rbtree.c's trees; drivers/iommu/iova.c): sorted, disjoint, each node a slab object in a cache
 * line of its own (SLAB_HWCACHE_ALIGN). Every node that a charged function looks at or writes is
 * charged for: a step's work and its line's.
 *
 * Nodes have addresses in page frames, 64 to a frame, for what CPUs are charged, where any
 * are; what they say is kept beside, where no errant DMA into a frame reaches it. They are named by
 * numbers; 0 is none.
 */
#ifndef IOTOLL_DMA_IOVA_RANGE_TREE_H
#define IOTOLL_DMA_IOVA_RANGE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dma_env.h"

struct range_node {
	uint64_t lo, hi; /* entries, both of them part of it */
	uint64_t held;   /* entries of it that somebody holds */
	uint32_t parent, child[2];
	uint32_t next; /* of a list, for nodes that are on one */
	bool red;
	bool withheld; /* for ever: handed out to nobody */
};

struct range_tree {
	struct dma_env *env;
	struct range_node *node; /* moves as it grows */
	iotoll_phys_t *frame;    /* only where something is charged for */
	uint32_t frames;
	uint32_t spare; /* list of nodes that are not in use */
	uint32_t root;
	uint32_t count; /* in the tree */
};

/* An empty tree; takes no memory yet. */
void range_tree_init(struct range_tree *t, struct dma_env *env);
/* Give back all nodes' memory. Allowed on a zeroed struct. */
void range_tree_fini(struct range_tree *t);

/* A node [lo, hi] that is in no tree, charged. 0 and its number in *@out, or -ENOMEM. */
int range_new(struct range_tree *t, uint64_t lo, uint64_t hi, uint32_t *out) MUST_CHECK;
/* The opposite, for a node that is in no tree (any more). */
void range_free(struct range_tree *t, uint32_t i);

/*
 * Put node @i, which overlaps no other, into the tree. The search for its place begins at @start,
 * below which it belongs, or at the root if that is 0. Charged.
 */
void range_insert(struct range_tree *t, uint32_t i, uint32_t start);
/* Take it out again. Charged. */
void range_erase(struct range_tree *t, uint32_t i);

/* The node that holds entry @at, or 0. Charged. */
uint32_t range_find(struct range_tree *t, uint64_t at);
/* The neighbours in order, or 0. Charged. */
uint32_t range_prev(struct range_tree *t, uint32_t i);
uint32_t range_next(struct range_tree *t, uint32_t i);
/* The last node, 0 if the tree is empty. Charged. */
uint32_t range_last(struct range_tree *t);

/* Charge for a look at node @i, or for a change of it. */
void range_look(struct range_tree *t, uint32_t i);
void range_write(struct range_tree *t, uint32_t i);

/* The same walks free of charge, changing nothing; range_lowest() is where an ascent begins. */
uint32_t range_peek(const struct range_tree *t, uint64_t at);
uint32_t range_lowest(const struct range_tree *t);
uint32_t range_above(const struct range_tree *t, uint32_t i);

/*
 * Withhold [first, end): what of it no withheld node covers gets nodes of its own. For boot:
 * nothing but withheld nodes meets it. 0 and how many entries that were in *@out, or -ENOMEM.
 */
int range_withhold(struct range_tree *t, uint64_t first, uint64_t end, uint64_t *out) MUST_CHECK;
/* Is an entry of [first, end) not withheld? Pure. */
bool range_usable(const struct range_tree *t, uint64_t first, uint64_t end);

/*
 * Recompute: order, disjointness, links, colours, equal numbers of black nodes on every way down.
 * False if anything is broken.
 */
bool range_check(const struct range_tree *t);

/* ---- range_balance.c: for range_tree.c alone ---- */

/* Node @i was just linked in as a leaf. */
void range_balance_insert(struct range_tree *t, uint32_t i);
/* Unlink @i and restore the colours. */
void range_balance_erase(struct range_tree *t, uint32_t i);

#endif

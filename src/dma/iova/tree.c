/* SPDX-License-Identifier: MIT */
/*
 * The red-black tree of Linux 6.1 (drivers/iommu/iova.c: __alloc_and_insert_iova_range() and what
 * it calls), without the caches that stand in front of it there (row `magazines`). Addresses fall:
 * a walk begins at the last allocation and goes down from node to node until the hole between two
 * of them has room. What was freed above is looked at when a freeing moves the beginning up, or
 * when the bottom has been reached. Ranges are aligned to the next power of two of their length.
 *
 * There are two beginnings, one for requests below 4 GiB; every request is first tried there, as
 * iommu_dma_alloc_iova() does for devices that could drive more.
 *
 * A table that ends below 4 GiB is to us what a narrower mask is to Linux: a lower limit.
 */
#include "dma/iova/tree.h"

#include <errno.h>

/* Entry 0 is never handed out: iommu_dma_init_domain() begins with 1 at the least. */
#define START UINT64_C(1)

/* All bits but those below the next power of two of @count. */
static uint64_t align_mask(uint64_t count)
{
	return count > 1 ? UINT64_MAX << (64 - __builtin_clzll(count - 1)) : UINT64_MAX;
}

/* ---- the walk ---- */

/* From @from down: where @count entries end up that lie in [low, high); false if nowhere. */
static bool walk(struct tree *tree, uint32_t from, uint64_t low, uint64_t high, uint64_t count,
		 uint64_t *out, uint32_t *above)
{
	const uint64_t mask = align_mask(count);
	uint32_t at = from;
	uint64_t first;

	do {
		if (tree->r.t.node[at].lo < high)
			high = tree->r.t.node[at].lo;
		first = (high - count) & mask;
		*above = at;
		at = range_prev(&tree->r.t, at);
		tree->r.base.words_searched++;
	} while (at && first <= tree->r.t.node[at].hi && first >= low);
	*out = first;
	return high >= count && first >= low;
}

/*
 * iova_find_limit(): a node above which nothing below @limit is to be found, for the second walk.
 * The anchor is the last resort of every turn to the right.
 */
static uint32_t find_limit(struct tree *tree, uint64_t limit)
{
	struct range_tree *t = &tree->r.t;
	uint32_t at = t->root, best = tree->anchor;

	if (limit > RANGES_32BIT)
		return tree->anchor;
	while (at) {
		range_look(t, at);
		if (t->node[at].lo >= limit) {
			best = at;
			at = t->node[at].child[0];
		} else {
			at = t->node[at].child[1];
		}
	}
	return best;
}

int tree_take(struct tree *tree, uint64_t count, uint64_t limit, uint32_t *out)
{
	const bool low32 = limit <= RANGES_32BIT;
	const uint32_t from = low32 ? tree->cached32 : tree->cached;
	uint64_t first, retry;
	uint32_t above, node;
	int rc;

	if (low32 && count >= tree->max32)
		return -ENOSPC;
	rc = range_new(&tree->r.t, 0, 0, &node);
	if (rc)
		return rc;
	range_look(&tree->r.t, from);
	retry = tree->r.t.node[from].hi;
	if (!walk(tree, from, START, limit, count, &first, &above) &&
	    (retry >= limit ||
	     !walk(tree, find_limit(tree, limit), retry + 1, limit, count, &first, &above))) {
		tree->max32 = count;
		range_free(&tree->r.t, node);
		return -ENOSPC;
	}
	tree->before32 = tree->cached32;
	tree->before = tree->cached;
	tree->r.t.node[node].lo = first;
	tree->r.t.node[node].hi = first + count - 1;
	range_insert(&tree->r.t, node, above);
	if (first + count - 1 < RANGES_32BIT)
		tree->cached32 = node;
	else
		tree->cached = node;
	*out = node;
	return 0;
}

/* __cached_rbnode_delete_update(), then the removal. */
void tree_drop(struct tree *tree, uint32_t node)
{
	const struct range_node *gone = &tree->r.t.node[node];

	range_look(&tree->r.t, tree->cached32);
	if (node == tree->cached32 ||
	    (gone->hi < RANGES_32BIT && gone->lo >= tree->r.t.node[tree->cached32].lo))
		tree->cached32 = range_next(&tree->r.t, node);
	if (gone->lo < RANGES_32BIT)
		tree->max32 = RANGES_32BIT;
	range_look(&tree->r.t, tree->cached);
	if (gone->lo >= tree->r.t.node[tree->cached].lo)
		tree->cached = range_next(&tree->r.t, node);
	range_erase(&tree->r.t, node);
	range_free(&tree->r.t, node);
}

/* ---- the row ---- */

static int tree_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct tree *tree = (struct tree *)a;
	int rc = -ENOSPC;
	uint32_t node;

	locks_take(&a->locks, 0);
	if (want->limit > RANGES_32BIT)
		rc = tree_take(tree, want->count, RANGES_32BIT, &node);
	if (rc == -ENOSPC)
		rc = tree_take(tree, want->count, want->limit, &node);
	if (!rc) {
		ranges_hold(&tree->r, node, want->count);
		*out = tree->r.t.node[node].lo;
	}
	locks_release(&a->locks, 0);
	return rc;
}

static void drop(struct ranges *r, uint32_t node)
{
	tree_drop((struct tree *)r, node);
}

/* free_iova() */
static void tree_free(struct iova *a, uint64_t first, uint64_t count)
{
	locks_take(&a->locks, 0);
	ranges_free((struct ranges *)a, first, count, true, drop);
	locks_release(&a->locks, 0);
}

bool tree_usable_below(const struct iova *a, uint64_t limit)
{
	return range_usable(&((const struct ranges *)a)->t, START,
			    limit < a->entries ? limit : a->entries);
}

bool tree_check(const struct iova *a, uint64_t held)
{
	const struct tree *tree = (const struct tree *)a;

	return ranges_check(&tree->r, tree->anchor, held) &&
	       ranges_have(&tree->r, tree->cached32) && ranges_have(&tree->r, tree->cached);
}

static bool check(const struct iova *a)
{
	return tree_check(a, a->live);
}

int tree_init(struct tree *tree, struct dma_env *env, uint64_t entries)
{
	int rc = ranges_init(&tree->r, env, entries);

	tree->max32 = RANGES_32BIT;
	if (!rc)
		rc = range_new(&tree->r.t, UINT64_MAX, UINT64_MAX, &tree->anchor);
	if (rc) {
		ranges_fini(&tree->r);
		return rc;
	}
	range_insert(&tree->r.t, tree->anchor, 0);
	tree->cached32 = tree->cached = tree->anchor;
	return 0;
}

static void tree_destroy(struct iova *a)
{
	locks_fini(&a->locks);
	ranges_fini((struct ranges *)a);
	free(a);
}

static int tree_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	int rc;

	if (!tree)
		return -ENOMEM;
	rc = tree_init(tree, env, config->entries);
	if (rc) {
		free(tree);
		return rc;
	}
	rc = locks_init(&tree->r.base.locks, env, config->locks ? 1 : 0, true);
	if (rc) {
		tree_destroy(&tree->r.base);
		return rc;
	}
	*out = &tree->r.base;
	return 0;
}

const struct iova_ops tree_ops = {
	.name = "tree",
	.title = "red-black tree of ranges from the top down, as Linux 6.1 without its caches",
	.whole_lists = true,
	.threads = true,
	.create = tree_create,
	.destroy = tree_destroy,
	.reserve = ranges_reserve,
	.alloc = tree_alloc,
	.owns = ranges_own,
	.free = tree_free,
	.usable_below = tree_usable_below,
	.check = check,
};

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

static struct tree *tree_of(struct iova *a)
{
	return (struct tree *)a;
}

static const struct tree *tree_of_const(const struct iova *a)
{
	return (const struct tree *)a;
}

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
		if (tree->t.node[at].lo < high)
			high = tree->t.node[at].lo;
		first = (high - count) & mask;
		*above = at;
		at = range_prev(&tree->t, at);
		tree->base.words_searched++;
	} while (at && first <= tree->t.node[at].hi && first >= low);
	*out = first;
	return high >= count && first >= low;
}

/*
 * iova_find_limit(): a node above which nothing below @limit is to be found, for the second walk.
 * The anchor is the last resort of every turn to the right.
 */
static uint32_t find_limit(struct tree *tree, uint64_t limit)
{
	struct range_tree *t = &tree->t;
	uint32_t at = t->root, best = tree->anchor;

	if (limit > TREE_32BIT)
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
	const bool low32 = limit <= TREE_32BIT;
	const uint32_t from = low32 ? tree->cached32 : tree->cached;
	uint64_t first, retry;
	uint32_t above, node;
	int rc;

	if (low32 && count >= tree->max32)
		return -ENOSPC;
	rc = range_new(&tree->t, 0, 0, &node);
	if (rc)
		return rc;
	range_look(&tree->t, from);
	retry = tree->t.node[from].hi;
	if (!walk(tree, from, TREE_START, limit, count, &first, &above) &&
	    (retry >= limit ||
	     !walk(tree, find_limit(tree, limit), retry + 1, limit, count, &first, &above))) {
		tree->max32 = count;
		range_free(&tree->t, node);
		return -ENOSPC;
	}
	tree->t.node[node].lo = first;
	tree->t.node[node].hi = first + count - 1;
	range_insert(&tree->t, node, above);
	if (first + count - 1 < TREE_32BIT)
		tree->cached32 = node;
	else
		tree->cached = node;
	*out = node;
	return 0;
}

/* __cached_rbnode_delete_update(), then the removal. */
void tree_drop(struct tree *tree, uint32_t node)
{
	const struct range_node *gone = &tree->t.node[node];

	range_look(&tree->t, tree->cached32);
	if (node == tree->cached32 ||
	    (gone->hi < TREE_32BIT && gone->lo >= tree->t.node[tree->cached32].lo))
		tree->cached32 = range_next(&tree->t, node);
	if (gone->lo < TREE_32BIT)
		tree->max32 = TREE_32BIT;
	range_look(&tree->t, tree->cached);
	if (gone->lo >= tree->t.node[tree->cached].lo)
		tree->cached = range_next(&tree->t, node);
	range_erase(&tree->t, node);
	range_free(&tree->t, node);
}

/* ---- the row ---- */

void tree_hold(struct tree *tree, uint32_t node, uint64_t count)
{
	tree->t.node[node].held = count;
	entry_set_put(&tree->held, tree->t.node[node].lo, count, true);
	tree->base.live += count;
}

void tree_unhold(struct tree *tree, uint32_t node, uint64_t first, uint64_t count)
{
	tree->t.node[node].held -= count;
	entry_set_put(&tree->held, first, count, false);
	tree->base.live -= count;
}

static int tree_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct tree *tree = tree_of(a);
	int rc = -ENOSPC;
	uint32_t node;

	if (want->limit > TREE_32BIT)
		rc = tree_take(tree, want->count, TREE_32BIT, &node);
	if (rc == -ENOSPC)
		rc = tree_take(tree, want->count, want->limit, &node);
	if (rc)
		return rc;
	tree_hold(tree, node, want->count);
	*out = tree->t.node[node].lo;
	return 0;
}

/* free_iova(), for each range that is given back; of a range in parts, with the last of them. */
static void tree_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct tree *tree = tree_of(a);

	while (count) {
		const uint32_t node = range_find(&tree->t, first);
		const uint64_t rest = tree->t.node[node].hi - first + 1;
		const uint64_t part = count < rest ? count : rest;

		tree_unhold(tree, node, first, part);
		if (!tree->t.node[node].held)
			tree_drop(tree, node);
		first += part;
		count -= part;
	}
}

bool tree_owns(const struct iova *a, uint64_t first, uint64_t count)
{
	return entry_set_has_all(&tree_of_const(a)->held, first, count);
}

int tree_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	struct tree *tree = tree_of(a);
	uint64_t withheld;
	int rc;

	if (first >= a->entries || count == 0)
		return 0;
	rc = range_withhold(&tree->t, first,
			    count > a->entries - first ? a->entries : first + count, &withheld);
	a->reserved += withheld;
	return rc ? -ENOSPC : 0;
}

bool tree_usable_below(const struct iova *a, uint64_t limit)
{
	return range_usable(&tree_of_const(a)->t, TREE_START,
			    limit < a->entries ? limit : a->entries);
}

bool tree_check(const struct iova *a)
{
	const struct tree *tree = tree_of_const(a);
	bool has_cached32 = false, has_cached = false, in_table = true;
	uint64_t live = 0, withheld = 0;

	for (uint32_t i = range_lowest(&tree->t); i; i = range_above(&tree->t, i)) {
		const struct range_node *n = &tree->t.node[i];

		has_cached32 |= i == tree->cached32;
		has_cached |= i == tree->cached;
		if (i == tree->anchor)
			continue;
		in_table &= n->hi < a->entries &&
			    n->held == entry_set_count(&tree->held, n->lo, n->hi - n->lo + 1) &&
			    !(n->withheld && n->held);
		live += n->held;
		withheld += n->withheld ? n->hi - n->lo + 1 : 0;
	}
	return range_check(&tree->t) && has_cached32 && has_cached && in_table && live == a->live &&
	       entry_set_count(&tree->held, 0, a->entries) == live && withheld == a->reserved;
}

int tree_init(struct tree *tree, struct dma_env *env, uint64_t entries)
{
	int rc;

	tree->base = (struct iova){.env = env, .entries = entries};
	tree->max32 = TREE_32BIT;
	range_tree_init(&tree->t, env);
	rc = entry_set_init(&tree->held, entries);
	if (!rc)
		rc = range_new(&tree->t, UINT64_MAX, UINT64_MAX, &tree->anchor);
	if (rc) {
		tree_fini(tree);
		return rc;
	}
	range_insert(&tree->t, tree->anchor, 0);
	tree->cached32 = tree->cached = tree->anchor;
	return 0;
}

void tree_fini(struct tree *tree)
{
	range_tree_fini(&tree->t);
	entry_set_fini(&tree->held);
}

static void tree_destroy(struct iova *a)
{
	tree_fini(tree_of(a));
	free(a);
}

static int tree_create(struct iova **out, struct dma_env *env, uint64_t entries,
		       uint64_t start_hint)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	int rc;

	(void)start_hint;
	if (!tree)
		return -ENOMEM;
	rc = tree_init(tree, env, entries);
	if (rc) {
		free(tree);
		return rc;
	}
	*out = &tree->base;
	return 0;
}

const struct iova_ops tree_ops = {
	.name = "tree",
	.title = "red-black tree of ranges from the top down, as Linux 6.1 without its caches",
	.create = tree_create,
	.destroy = tree_destroy,
	.reserve = tree_reserve,
	.alloc = tree_alloc,
	.owns = tree_owns,
	.free = tree_free,
	.usable_below = tree_usable_below,
	.check = tree_check,
};

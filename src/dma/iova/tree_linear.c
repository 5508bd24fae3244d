/* SPDX-License-Identifier: MIT */
/*
 * The red-black tree of Linux 3.x (drivers/iommu/iova.c up to 4.14), whose search Malka, Amit and
 * Tsafrir found to be linear ("Efficient Intra-Operating System Protection Against Harmful DMAs",
 * FAST 2015). Addresses fall from the top. One node is remembered, where the search for addresses
 * below 4 GiB begins: the last allocation, or, when something at or above it is freed, the node
 * above that. If what lives lies below the freed range, as where two rings of buffers of different
 * lifetimes share the domain, the next search passes node by node over all of it.
 *
 * Lengths are rounded up to powers of two, and ranges aligned to them. Requests with another limit
 * than 4 GiB begin at the highest node of all. A search that reaches the bottom fails; what
 * alignment left unused above is not looked for.
 *
 * Ours: a table that ends below 4 GiB counts as ending there, as ARM's had it; the kernel took a
 * range withheld at address 0 for one with room below it.
 */
#include "dma/iova/tree_linear.h"

#include <errno.h>

/* Entry 0 is never handed out: IOVA_START_PFN. */
#define START UINT64_C(1)

static uint64_t round_up(uint64_t count)
{
	return count > 1 ? UINT64_C(1) << (64 - __builtin_clzll(count - 1)) : 1;
}

/* __get_cached_rbnode(): the node to begin with, 0 if there is none; @limit: the highest entry. */
static uint32_t begin(struct tree_linear *tree, uint64_t *limit)
{
	if (*limit != tree->top32 || !tree->cached32)
		return range_last(&tree->r.t);
	range_look(&tree->r.t, tree->cached32);
	*limit = tree->r.t.node[tree->cached32].lo - 1;
	return range_prev(&tree->r.t, tree->cached32);
}

/*
 * The highest place at or below *@limit where @count entries end; *@limit becomes the last entry
 * of the hole they are put in, *@above a node above it, if one was seen.
 */
static bool walk(struct tree_linear *tree, uint64_t count, uint64_t *limit, uint32_t *above)
{
	uint32_t at = begin(tree, limit);

	*above = at;
	for (; at; at = range_prev(&tree->r.t, at)) {
		const uint64_t lo = tree->r.t.node[at].lo, hi = tree->r.t.node[at].hi;

		tree->r.base.words_searched++;
		if (*limit >= hi && hi + count + (*limit + 1) % count <= *limit)
			return true;
		if (*limit >= lo) {
			if (lo == 0)
				return false;
			*limit = lo - 1;
		}
		*above = at;
	}
	return START + count + (*limit + 1) % count <= *limit;
}

int tree_linear_take(struct tree_linear *tree, uint64_t count, uint64_t limit, uint32_t *out)
{
	const uint64_t size = round_up(count);
	uint64_t last = limit - 1;
	const bool cached = last == tree->top32;
	uint32_t above, node;
	int rc = range_new(&tree->r.t, 0, 0, &node);

	if (rc)
		return rc;
	if (!walk(tree, size, &last, &above)) {
		range_free(&tree->r.t, node);
		return -ENOSPC;
	}
	tree->r.t.node[node].lo = last + 1 - (last + 1) % size - size;
	tree->r.t.node[node].hi = tree->r.t.node[node].lo + size - 1;
	range_insert(&tree->r.t, node, above);
	if (cached)
		tree->cached32 = node;
	*out = node;
	return 0;
}

/* __cached_rbnode_delete_update(), then the removal. */
void tree_linear_drop(struct tree_linear *tree, uint32_t node)
{
	struct range_tree *t = &tree->r.t;

	if (tree->cached32) {
		range_look(t, tree->cached32);
		if (t->node[node].lo >= t->node[tree->cached32].lo) {
			const uint32_t above = range_next(t, node);

			tree->cached32 = above && t->node[above].lo < tree->top32 ? above : 0;
		}
	}
	range_erase(t, node);
	range_free(t, node);
}

/* ---- the row ---- */

static int linear_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct tree_linear *tree = (struct tree_linear *)a;
	int rc = -ENOSPC;
	uint32_t node;

	locks_take(&a->locks, 0);
	if (want->limit > RANGES_32BIT)
		rc = tree_linear_take(tree, want->count, RANGES_32BIT, &node);
	if (rc == -ENOSPC)
		rc = tree_linear_take(tree, want->count, want->limit, &node);
	if (!rc) {
		ranges_hold(&tree->r, node, want->count);
		*out = tree->r.t.node[node].lo;
	}
	locks_release(&a->locks, 0);
	return rc;
}

static void drop(struct ranges *r, uint32_t node)
{
	tree_linear_drop((struct tree_linear *)r, node);
}

/* free_iova() */
static void linear_free(struct iova *a, uint64_t first, uint64_t count)
{
	locks_take(&a->locks, 0);
	ranges_free((struct ranges *)a, first, count, true, drop);
	locks_release(&a->locks, 0);
}

/* Without a node below it even entry 1 is not handed out. */
bool tree_linear_usable_below(const struct iova *a, uint64_t limit)
{
	const struct ranges *r = (const struct ranges *)a;
	const bool floor = !range_usable(&r->t, 0, 1);

	return range_usable(&r->t, floor ? START : START + 1,
			    limit < a->entries ? limit : a->entries);
}

bool tree_linear_check(const struct iova *a)
{
	const struct tree_linear *tree = (const struct tree_linear *)a;

	return ranges_check(&tree->r, 0, tree->r.base.live) &&
	       (!tree->cached32 || ranges_have(&tree->r, tree->cached32));
}

int tree_linear_init(struct tree_linear *tree, struct dma_env *env, uint64_t entries)
{
	tree->top32 = (entries < RANGES_32BIT ? entries : RANGES_32BIT) - 1;
	tree->cached32 = 0;
	return ranges_init(&tree->r, env, entries);
}

static void linear_destroy(struct iova *a)
{
	locks_fini(&a->locks);
	ranges_fini((struct ranges *)a);
	free(a);
}

static int linear_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	struct tree_linear *tree = calloc(1, sizeof(*tree));
	int rc;

	if (!tree)
		return -ENOMEM;
	rc = tree_linear_init(tree, env, config->entries);
	if (!rc)
		rc = locks_init(&tree->r.base.locks, env, config->locks ? 1 : 0, true);
	if (rc) {
		linear_destroy(&tree->r.base);
		return rc;
	}
	*out = &tree->r.base;
	return 0;
}

const struct iova_ops tree_linear_ops = {
	.name = "tree-linear",
	.title = "red-black tree of ranges with the search of Linux 3.x, shown to become linear "
		 "(FAST 2015)",
	.whole_lists = true,
	.threads = true,
	.create = linear_create,
	.destroy = linear_destroy,
	.reserve = ranges_reserve,
	.alloc = linear_alloc,
	.owns = ranges_own,
	.free = linear_free,
	.usable_below = tree_linear_usable_below,
	.check = tree_linear_check,
};

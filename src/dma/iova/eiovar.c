/* SPDX-License-Identifier: MIT */
/*
 * EiovaR, "efficient IOVA allocation" (Malka, Amit and Tsafrir, FAST 2015): a cache in front of
 * Linux 3.x's tree. What is freed stays in the tree and goes onto a list of ranges of its length,
 * which are powers of two; a request takes the newest from there, and only when there is none
 * searches the tree. At most so many ranges are on lists as the configuration says; what comes
 * beyond goes back into the tree.
 *
 * Freed ranges are still looked for in the tree, as in the paper (its "find" remains), which leaves
 * allocation in constant time. One lock, the tree's.
 *
 * Ours: the newest range is passed over by a device that cannot drive it; a tree without room has
 * the lists emptied into it and is asked once more.
 */
#include <errno.h>

#include "dma/iova/tree_linear.h"

#define CLASSES     64u
#define FRAME_BYTES 4096u

struct eiovar {
	struct tree_linear tree;
	uint32_t list[CLASSES]; /* nodes, by log2 of their length; linked through next */
	iotoll_phys_t heads;    /* a page whose words stand for them */
	uint64_t cached, most;
};

static unsigned class_of(uint64_t count)
{
	return count > 1 ? 64u - (unsigned)__builtin_clzll(count - 1) : 0;
}

static void touch_head(struct eiovar *e, unsigned class, bool write)
{
	env_touch(e->tree.r.base.env,
		  IOTOLL_PHYS(IOTOLL_PHYS_U64(e->heads) + class * sizeof(uint64_t)),
		  sizeof(uint64_t), write);
}

static uint32_t pop(struct eiovar *e, unsigned class, uint64_t limit)
{
	struct range_tree *t = &e->tree.r.t;
	const uint32_t node = e->list[class];

	env_work(t->env, DMA_WORK_BITMAP_WORD, 1);
	touch_head(e, class, false);
	if (!node)
		return 0;
	range_look(t, node);
	if (t->node[node].hi >= limit)
		return 0;
	e->list[class] = t->node[node].next;
	e->cached--;
	touch_head(e, class, true);
	return node;
}

static void empty(struct eiovar *e)
{
	for (unsigned class = 0; class < CLASSES; class ++)
		while (e->list[class])
			tree_linear_drop(&e->tree, pop(e, class, UINT64_MAX));
	/* Nor is what alignment left unused above the last allocation passed over this time. */
	e->tree.cached32 = 0;
}

/* From a list, or else from the tree. */
static int take(struct eiovar *e, uint64_t count, uint64_t limit, uint32_t *out)
{
	int rc;

	*out = pop(e, class_of(count), limit);
	if (*out)
		return 0;
	rc = tree_linear_take(&e->tree, count, limit, out);
	e->tree.r.base.slow += rc == 0;
	return rc;
}

static int take_or_empty(struct eiovar *e, uint64_t count, uint64_t limit, uint32_t *out)
{
	int rc = -ENOSPC;

	if (limit > RANGES_32BIT)
		rc = take(e, count, RANGES_32BIT, out);
	if (rc == -ENOSPC)
		rc = take(e, count, limit, out);
	if (rc == -ENOSPC && e->cached) {
		empty(e);
		rc = take(e, count, limit, out);
	}
	return rc;
}

static int eiovar_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct eiovar *e = (struct eiovar *)a;
	uint32_t node;
	int rc;

	locks_take(&a->locks, 0);
	rc = take_or_empty(e, want->count, want->limit, &node);
	if (!rc) {
		ranges_hold(&e->tree.r, node, want->count);
		*out = e->tree.r.t.node[node].lo;
	}
	locks_release(&a->locks, 0);
	return rc;
}

static void gone(struct ranges *r, uint32_t node)
{
	struct eiovar *e = (struct eiovar *)r;
	const unsigned class = class_of(r->t.node[node].hi - r->t.node[node].lo + 1);

	if (e->most && e->cached >= e->most) {
		tree_linear_drop(&e->tree, node);
		return;
	}
	r->t.node[node].next = e->list[class];
	range_write(&r->t, node);
	e->list[class] = node;
	e->cached++;
	touch_head(e, class, true);
}

static void eiovar_free(struct iova *a, uint64_t first, uint64_t count)
{
	locks_take(&a->locks, 0);
	ranges_free((struct ranges *)a, first, count, true, gone);
	locks_release(&a->locks, 0);
}

static bool eiovar_check(const struct iova *a)
{
	const struct eiovar *e = (const struct eiovar *)a;
	const struct range_tree *t = &e->tree.r.t;
	uint64_t cached = 0, idle = 0;

	for (unsigned class = 0; class < CLASSES; class ++)
		for (uint32_t i = e->list[class]; i; i = t->node[i].next) {
			if (cached++ > e->cached || !ranges_have(&e->tree.r, i) ||
			    t->node[i].held || t->node[i].withheld ||
			    t->node[i].hi - t->node[i].lo + 1 != UINT64_C(1) << class)
				return false;
		}
	for (uint32_t i = range_lowest(t); i; i = range_above(t, i))
		idle += !t->node[i].held && !t->node[i].withheld;
	return idle == cached && cached == e->cached && (!e->most || cached <= e->most) &&
	       tree_linear_check(a);
}

static void eiovar_destroy(struct iova *a)
{
	struct eiovar *e = (struct eiovar *)a;

	locks_fini(&a->locks);
	if (IOTOLL_PHYS_U64(e->heads))
		env_free_pages(a->env, e->heads, 1);
	ranges_fini(&e->tree.r);
	free(e);
}

static int eiovar_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	struct eiovar *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return -ENOMEM;
	e->most = config->cached_ranges;
	rc = tree_linear_init(&e->tree, env, config->entries);
	if (!rc)
		rc = locks_init(&e->tree.r.base.locks, env, config->locks ? 1 : 0, true);
	if (!rc)
		rc = env_alloc_pages(env, 1, FRAME_BYTES, 0, &e->heads);
	if (rc) {
		eiovar_destroy(&e->tree.r.base);
		return rc;
	}
	*out = &e->tree.r.base;
	return 0;
}

const struct iova_ops eiovar_ops = {
	.name = "eiovar",
	.title = "lists of free ranges in front of tree-linear (EiovaR, FAST 2015)",
	.whole_lists = true,
	.threads = true,
	.create = eiovar_create,
	.destroy = eiovar_destroy,
	.reserve = ranges_reserve,
	.alloc = eiovar_alloc,
	.owns = ranges_own,
	.free = eiovar_free,
	.usable_below = tree_linear_usable_below,
	.check = eiovar_check,
};

/* SPDX-License-Identifier: MIT */
/*
 * The tree of Linux 6.1 with the caches in front of it (drivers/iommu/iova.c: alloc_iova_fast(),
 * free_iova_fast(); caches of magazines for each CPU were proposed by Peleg, Morrison, Serebrin and
 * Tsafrir, "Utilizing the IOMMU Scalably", USENIX ATC 2015, after Bonwick and Adams). Lengths are
 * rounded up to powers of two, so that a range can go where it came from; the tree below knows
 * nothing of what the caches hold, which to it is in use.
 *
 * A miss goes to the tree. If that has no room all caches are emptied into it, and it is asked once
 * more; not so by the first attempt below 4 GiB for a device that can drive more.
 */
#include <errno.h>

#include "dma/iova/rcache.h"

static struct magazines *magazines_of(struct iova *a)
{
	return (struct magazines *)a;
}

/* alloc_iova() */
static int take_from_tree(struct magazines *m, uint64_t count, uint64_t limit, uint32_t *out)
{
	int rc;

	locks_take(rcache_locks(m), RCACHE_LOCK_TREE);
	rc = tree_take(&m->tree, count, limit, out);
	locks_release(rcache_locks(m), RCACHE_LOCK_TREE);
	m->tree.r.base.slow += rc == 0;
	return rc;
}

/* alloc_iova_fast() */
static int take(struct magazines *m, uint64_t count, uint64_t limit, bool flush, uint32_t *out)
{
	const unsigned class = rcache_class(count);
	int rc;

	if (class < RCACHE_CLASSES) {
		uint64_t first = 0;

		count = UINT64_C(1) << class;
		if (limit >= count)
			first = rcache_get(m, iova_cpu(&m->tree.r.base), class, limit - count);
		if (first) {
			*out = range_peek(&m->tree.r.t, first);
			return 0;
		}
	}
	rc = take_from_tree(m, count, limit, out);
	if (rc == -ENOSPC && flush) {
		rcache_empty(m);
		rc = take_from_tree(m, count, limit, out);
	}
	return rc;
}

static int magazines_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct magazines *m = magazines_of(a);
	const uint64_t slow_before = a->slow;
	int rc = -ENOSPC;
	uint32_t node;

	if (want->limit > RANGES_32BIT)
		rc = take(m, want->count, RANGES_32BIT, false, &node);
	if (rc == -ENOSPC)
		rc = take(m, want->count, want->limit, true, &node);
	if (rc)
		return rc;
	m->last_slow = a->slow != slow_before;
	ranges_hold(&m->tree.r, node, want->count);
	*out = m->tree.r.t.node[node].lo;
	return 0;
}

/* free_iova_fast(): into the cache without a look at the tree, if there is one for its length. */
static void gone(struct ranges *r, uint32_t node)
{
	struct magazines *m = (struct magazines *)r;
	const uint64_t first = r->t.node[node].lo;
	const unsigned class = rcache_class(r->t.node[node].hi - first + 1);

	if (class < RCACHE_CLASSES && rcache_put(m, iova_cpu(&r->base), class, first))
		return;
	locks_take(&r->base.locks, RCACHE_LOCK_TREE);
	tree_drop(&m->tree, range_find(&r->t, first));
	locks_release(&r->base.locks, RCACHE_LOCK_TREE);
}

static void magazines_free(struct iova *a, uint64_t first, uint64_t count)
{
	ranges_free((struct ranges *)a, first, count, false, gone);
}

static bool magazines_check(const struct iova *a)
{
	return rcache_check((const struct magazines *)a) && tree_check(a);
}

static void magazines_destroy(struct iova *a)
{
	struct magazines *m = magazines_of(a);

	rcache_fini(m);
	ranges_fini(&m->tree.r);
	free(m);
}

static int magazines_create(struct iova **out, struct dma_env *env,
			    const struct iova_config *config)
{
	struct magazines *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	rc = tree_init(&m->tree, env, config->entries);
	if (rc) {
		free(m);
		return rc;
	}
	m->cpus = config->cpus ? config->cpus : env_cpus(env);
	rc = rcache_init(m, config->locks);
	if (rc) {
		magazines_destroy(&m->tree.r.base);
		return rc;
	}
	*out = &m->tree.r.base;
	return 0;
}

const struct iova_ops magazines_ops = {
	.name = "magazines",
	.title = "a cache of free ranges for each CPU in front of the tree, as Linux 6.1",
	.whole_lists = true,
	.create = magazines_create,
	.destroy = magazines_destroy,
	.reserve = ranges_reserve,
	.alloc = magazines_alloc,
	.owns = ranges_own,
	.free = magazines_free,
	.usable_below = tree_usable_below,
	.check = magazines_check,
	.history = &magazines_history,
};

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
static int take_from_tree(struct magazines *m, uint64_t count, uint64_t limit, uint64_t *out)
{
	uint32_t node;
	int rc;

	locks_take(rcache_locks(m), RCACHE_LOCK_TREE);
	rc = tree_take(&m->tree, count, limit, &node);
	if (!rc)
		*out = m->tree.r.t.node[node].lo;
	m->tree.r.base.slow += rc == 0;
	locks_release(rcache_locks(m), RCACHE_LOCK_TREE);
	return rc;
}

/* What was found is the caller's. */
static inline int hold(struct magazines *m, const struct iova_want *want, unsigned class, bool slow,
		       uint64_t first, uint64_t *out)
{
	if (!rcache_locks(m)->active) {
		m->tree.r.base.live += want->count;
		m->last_slow = slow;
	}
	*out = first;
	handed_out(&m->handed, first, want->count, class < m->classes ? class : RCACHE_LONG);
	return 0;
}

/* Out of the caller's own caches; 0: there is none below @limit. */
static inline uint64_t take_cached(struct magazines *m, unsigned class, uint64_t limit)
{
	const uint64_t count = UINT64_C(1) << class;

	if (class >= m->classes || limit < count)
		return 0;
	return rcache_get(m, iova_cpu(&m->tree.r.base), class, limit - count);
}

/* No cache had one below 4 GiB, or a lower limit. */
__attribute__((cold, noinline)) static int
alloc_slow(struct magazines *m, const struct iova_want *want, unsigned class, uint64_t *out)
{
	const uint64_t count = class < m->classes ? UINT64_C(1) << class : want->count;
	uint64_t first;
	int rc = -ENOSPC;

	if (want->limit > RANGES_32BIT) {
		rc = take_from_tree(m, count, RANGES_32BIT, &first);
		if (rc == -ENOSPC) {
			first = take_cached(m, class, want->limit);
			if (first)
				return hold(m, want, class, false, first, out);
		}
	}
	if (rc == -ENOSPC)
		rc = take_from_tree(m, count, want->limit, &first);
	if (rc == -ENOSPC) {
		rcache_empty(m);
		rc = take_from_tree(m, count, want->limit, &first);
	}
	return rc ? rc : hold(m, want, class, true, first, out);
}

/* Below 4 GiB first. */
static uint64_t low(uint64_t limit)
{
	return limit > RANGES_32BIT ? RANGES_32BIT : limit;
}

__attribute__((noinline)) static int alloc_any(struct magazines *m, const struct iova_want *want,
					       uint64_t *out)
{
	const unsigned class = rcache_class(want->count);
	const uint64_t first = take_cached(m, class, low(want->limit));

	if (__builtin_expect(first != 0, 1))
		return hold(m, want, class, false, first, out);
	return alloc_slow(m, want, class, out);
}

/* alloc_iova_fast() */
static int magazines_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct magazines *m = magazines_of(a);

	if (want->count == 1 && want->limit && a->locks.active) {
		const uint64_t first = rcache_get_free(m, low(want->limit) - 1);

		if (__builtin_expect(first != 0, 1)) {
			*out = first;
			handed_out(&m->handed, first, 1, 0);
			return 0;
		}
	}
	return alloc_any(m, want, out);
}

/* What no cache could note, or is too long for one. */
static void free_slow(struct magazines *m, uint64_t first)
{
	locks_take(rcache_locks(m), RCACHE_LOCK_TREE);
	tree_drop(&m->tree, range_find(&m->tree.r.t, first));
	locks_release(rcache_locks(m), RCACHE_LOCK_TREE);
}

/* Ranges too long for a cache, parts of ranges, or several of them. */
__attribute__((noinline)) static void free_parts(struct magazines *m, uint64_t first,
						 uint64_t count)
{
	while (count) {
		const struct handed_part part = handed_back_part(&m->handed, first, count);

		if (part.last &&
		    (part.class >= m->classes ||
		     !rcache_put(m, iova_cpu(&m->tree.r.base), part.class, part.range)))
			free_slow(m, part.range);
		first += part.count;
		count -= part.count;
	}
}

__attribute__((noinline)) static void free_any(struct magazines *m, uint64_t first, uint64_t count)
{
	const unsigned class = rcache_class(count);

	if (!rcache_locks(m)->active)
		m->tree.r.base.live -= count;
	if (class >= m->classes && handed_back_long(&m->handed, first, count, RCACHE_LONG))
		free_slow(m, first);
	else if (class >= m->classes || !handed_back(&m->handed, first, count, class))
		free_parts(m, first, count);
	else if (!rcache_put(m, iova_cpu(&m->tree.r.base), class, first))
		free_slow(m, first);
}

/* free_iova_fast(): into the cache without a look at the tree, if there is one for its length. */
static void magazines_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct magazines *m = magazines_of(a);

	if (count == 1 && a->locks.active && handed_back(&m->handed, first, 1, 0)) {
		if (__builtin_expect(rcache_put_free(m, first), 1))
			return;
		/* As it was, for whoever takes it from here. */
		handed_out(&m->handed, first, 1, 0);
	}
	free_any(m, first, count);
}

static bool magazines_own(const struct iova *a, uint64_t first, uint64_t count)
{
	return handed_owns(&((const struct magazines *)a)->handed, first, count);
}

static bool magazines_check(const struct iova *a)
{
	const struct magazines *m = (const struct magazines *)a;

	return rcache_check(m) && tree_check(a, 0) &&
	       (m->tree.r.base.locks.active || a->live == handed_count(&m->handed));
}

static void magazines_destroy(struct iova *a)
{
	struct magazines *m = magazines_of(a);

	rcache_fini(m);
	handed_fini(&m->handed);
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
	m->classes = rcache_classes(env, config->locks);
	m->cpus = config->cpus && !config->locks ? config->cpus : env_owners(env);
	rc = handed_init(&m->handed, env, config->entries);
	if (!rc)
		rc = rcache_init(m,
				 config->cpus && !config->locks ? m->cpus : env_owners_certain(env),
				 config->locks);
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
	.threads = true,
	.create = magazines_create,
	.destroy = magazines_destroy,
	.reserve = ranges_reserve,
	.alloc = magazines_alloc,
	.owns = magazines_own,
	.free = magazines_free,
	.usable_below = tree_usable_below,
	.check = magazines_check,
	.history = &magazines_history,
};

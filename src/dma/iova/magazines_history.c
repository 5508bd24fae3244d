/* SPDX-License-Identifier: MIT */
/*
 * The row `magazines` held against a recording (iova.h: struct iova_history_ops): answers undone,
 * ranges seized from wherever a cache keeps them. A recording knows more than a kernel's interface
 * tells, so none of this is in Linux.
 */
#include <errno.h>
#include <stdio.h>

#include "dma/iova/rcache.h"

static struct magazines *magazines_of(struct iova *a)
{
	return (struct magazines *)a;
}

/* How long the range is that serves a request for @count. */
static uint64_t rounded(const struct magazines *m, uint64_t count)
{
	const unsigned class = rcache_class(count);

	return class < m->classes ? UINT64_C(1) << class : count;
}

/* Out of the tree, and the next walk begins where it would have without it. */
static void erase(struct magazines *m, uint32_t node)
{
	if (node == m->tree.cached32)
		m->tree.cached32 = range_next(&m->tree.r.t, node);
	if (node == m->tree.cached)
		m->tree.cached = range_next(&m->tree.r.t, node);
	range_erase(&m->tree.r.t, node);
	range_free(&m->tree.r.t, node);
}

/* ---- undo ---- */

/* What a cache gave goes on top of it again; what the tree made was never there. */
static void undo(struct iova *a, uint64_t first, uint64_t count)
{
	struct magazines *m = magazines_of(a);
	const uint32_t node = range_peek(&m->tree.r.t, first);

	(void)handed_back_part(&m->handed, first, count);
	a->live -= count;
	if (!m->last_slow) {
		(void)!rcache_put(m, iova_cpu(a), rcache_class(count), first);
		return;
	}
	erase(m, node);
	m->tree.cached32 = m->tree.before32;
	m->tree.cached = m->tree.before;
	a->slow--;
}

/* ---- seize ---- */

static bool remove_at(struct magazine *m, uint64_t first)
{
	for (unsigned i = 0; i < m->size; i++) {
		if (m->first[i] != first)
			continue;
		m->size--;
		for (; i < m->size; i++)
			m->first[i] = m->first[i + 1];
		return true;
	}
	return false;
}

/*
 * Out of a CPU's two magazines. The order of the rest is kept, and the previous one full or empty:
 * what it lacks comes from below the loaded one.
 */
static bool remove_from_cpu(struct cpu_cache *c, uint64_t first)
{
	if (remove_at(c->loaded, first))
		return true;
	if (!remove_at(c->previous, first))
		return false;
	if (!c->loaded->size) {
		struct magazine *empty = c->loaded;

		c->loaded = c->previous;
		c->previous = empty;
		return true;
	}
	c->previous->first[c->previous->size++] = c->loaded->first[0];
	return remove_at(c->loaded, c->loaded->first[0]);
}

/* A magazine of the depot that lost one stays there, short. */
static bool uncache(struct magazines *m, unsigned class, uint64_t first)
{
	struct depot *d = &m->depot[class];

	for (unsigned cpu = 0; cpu < m->cpus; cpu++)
		if (remove_from_cpu(&m->cpu[cpu].of[class], first))
			return true;
	for (unsigned i = 0; i < d->size; i++)
		if (remove_at(d->magazine[i], first))
			return true;
	return false;
}

/* Nothing of [first, first + length) is in the tree. */
static bool vacant(const struct magazines *m, uint64_t first, uint64_t length)
{
	const struct range_tree *t = &m->tree.r.t;
	uint32_t at = t->root;

	while (at) {
		const struct range_node *n = &t->node[at];

		if (n->lo <= first + length - 1 && n->hi >= first)
			return false;
		at = n->child[n->hi < first];
	}
	return true;
}

static int seize_new(struct magazines *m, uint64_t first, uint64_t length, uint32_t *node)
{
	int rc;

	if (first == 0 || first >= m->tree.r.base.entries ||
	    length > m->tree.r.base.entries - first || !vacant(m, first, length))
		return -EEXIST;
	rc = range_new(&m->tree.r.t, first, first + length - 1, node);
	if (!rc)
		range_insert(&m->tree.r.t, *node, 0);
	return rc;
}

static int seize(struct iova *a, uint64_t first, uint64_t count, bool searched)
{
	struct magazines *m = magazines_of(a);
	const uint64_t length = rounded(m, count);
	uint32_t node = range_peek(&m->tree.r.t, first);
	int rc;

	if (node) {
		const struct range_node *n = &m->tree.r.t.node[node];

		if (entry_set_byte(&m->handed.set, n->lo) || n->withheld || n->lo != first ||
		    n->hi - n->lo + 1 != length || !uncache(m, rcache_class(length), first))
			return -EEXIST;
	} else {
		rc = seize_new(m, first, length, &node);
		if (rc)
			return rc;
	}
	handed_out(&m->handed, first, count,
		   rcache_class(count) < m->classes ? rcache_class(count) : RCACHE_LONG);
	a->live += count;
	if (searched)
		m->tree.cached32 = node;
	return 0;
}

/* ---- the rest ---- */

static void forget(struct iova *a, uint64_t first, uint64_t count)
{
	struct magazines *m = magazines_of(a);
	const uint32_t node = range_peek(&m->tree.r.t, first);

	(void)handed_back_part(&m->handed, first, count);
	a->live -= count;
	erase(m, node);
}

static void describe(const struct iova *a, const struct iova_want *want, char *to, size_t bytes)
{
	const struct magazines *m = (const struct magazines *)a;
	const unsigned class = rcache_class(want->count), cpu = iova_cpu(a);
	const uint64_t below = m->tree.r.t.node[m->tree.cached32].lo;

	if (class < m->classes) {
		const struct cpu_cache *c = &m->cpu[cpu].of[class];

		snprintf(to, bytes,
			 "CPU %u, ranges of %u: %u in the loaded magazine, %u in the previous one, "
			 "%u magazines in the depot; the tree goes on below %#llx",
			 cpu, 1u << class, c->loaded->size, c->previous->size, m->depot[class].size,
			 (unsigned long long)below);
	} else {
		snprintf(to, bytes, "CPU %u, too long for the caches: the tree, below %#llx", cpu,
			 (unsigned long long)below);
	}
}

const struct iova_history_ops magazines_history = {
	.undo = undo,
	.seize = seize,
	.forget = forget,
	.describe = describe,
};

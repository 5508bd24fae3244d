/* SPDX-License-Identifier: MIT */
/* See ranges.h. */
#include "dma/iova/ranges.h"

#include <errno.h>

int ranges_init(struct ranges *r, struct dma_env *env, uint64_t entries)
{
	r->base = (struct iova){.env = env, .entries = entries};
	range_tree_init(&r->t, env);
	return entry_set_init(&r->held, entries);
}

void ranges_fini(struct ranges *r)
{
	range_tree_fini(&r->t);
	entry_set_fini(&r->held);
}

void ranges_hold(struct ranges *r, uint32_t i, uint64_t count)
{
	r->t.node[i].held = count;
	entry_set_put(&r->held, r->t.node[i].lo, count, true);
	r->base.live += count;
}

void ranges_unhold(struct ranges *r, uint32_t i, uint64_t first, uint64_t count)
{
	r->t.node[i].held -= count;
	entry_set_put(&r->held, first, count, false);
	r->base.live -= count;
}

void ranges_free(struct ranges *r, uint64_t first, uint64_t count, bool look,
		 void (*gone)(struct ranges *r, uint32_t i))
{
	while (count) {
		const uint32_t i = look ? range_find(&r->t, first) : range_peek(&r->t, first);
		const uint64_t rest = r->t.node[i].hi - first + 1;
		const uint64_t part = count < rest ? count : rest;

		ranges_unhold(r, i, first, part);
		if (!r->t.node[i].held)
			gone(r, i);
		first += part;
		count -= part;
	}
}

bool ranges_own(const struct iova *a, uint64_t first, uint64_t count)
{
	return entry_set_has_all(&((const struct ranges *)a)->held, first, count);
}

int ranges_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	struct ranges *r = (struct ranges *)a;
	uint64_t withheld;
	int rc;

	if (first >= a->entries || count == 0)
		return 0;
	rc = range_withhold(&r->t, first, count > a->entries - first ? a->entries : first + count,
			    &withheld);
	a->reserved += withheld;
	return rc;
}

bool ranges_have(const struct ranges *r, uint32_t i)
{
	return i && range_peek(&r->t, r->t.node[i].lo) == i;
}

bool ranges_check(const struct ranges *r, uint32_t anchor, uint64_t held)
{
	uint64_t live = 0, withheld = 0, end = 0;

	if (!range_check(&r->t))
		return false;
	for (uint32_t i = range_lowest(&r->t); i; i = range_above(&r->t, i)) {
		const struct range_node *n = &r->t.node[i];
		const uint64_t count = n->hi - n->lo + 1;

		if (i == anchor)
			continue;
		if (n->hi >= r->base.entries || (n->withheld && n->held) ||
		    n->held != entry_set_count(&r->held, n->lo, count) ||
		    entry_set_next(&r->held, end, n->lo) != n->lo)
			return false;
		end = n->hi + 1;
		live += n->held;
		withheld += n->withheld ? count : 0;
	}
	return live == held && withheld == r->base.reserved &&
	       entry_set_next(&r->held, end, r->base.entries) == r->base.entries;
}

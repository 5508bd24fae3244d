/* SPDX-License-Identifier: MIT */
/*
 * Storage of the nodes of a tree of ranges, the walks over it, and what is withheld. See
 * range_tree.h; how it is kept balanced is in range_balance.c.
 */
#include "dma/iova/range_tree.h"

#include <errno.h>

#define FRAME_BYTES 4096u
#define NODE_BYTES  64u /* a cache line; struct iova has 40 of them */
#define USED_BYTES  40u
#define PER_FRAME   (FRAME_BYTES / NODE_BYTES)

/* ---- storage ---- */

void range_tree_init(struct range_tree *t, struct dma_env *env)
{
	*t = (struct range_tree){.env = env};
}

void range_tree_fini(struct range_tree *t)
{
	for (uint32_t i = 0; t->frame && i < t->frames; i++)
		env_free_pages(t->env, t->frame[i], 1);
	free(t->frame);
	free(t->node);
	*t = (struct range_tree){.env = t->env};
}

/* Where the next ones are for what CPUs are charged. */
static int grow_lines(struct range_tree *t)
{
	iotoll_phys_t *frame = realloc(t->frame, (t->frames + 1) * sizeof(*frame));

	if (!frame)
		return -ENOMEM;
	t->frame = frame;
	return env_alloc_pages(t->env, 1, FRAME_BYTES, 0, &frame[t->frames]);
}

/* One more frame of nodes. The slab allocator's own work is not modelled, nor charged. */
static int grow(struct range_tree *t)
{
	const uint32_t first = t->frames * PER_FRAME;
	struct range_node *node = realloc(t->node, (first + PER_FRAME) * sizeof(*node));

	if (!node)
		return -ENOMEM;
	t->node = node;
	if (env_charges(t->env) && grow_lines(t))
		return -ENOMEM;
	t->frames++;
	for (uint32_t i = first + PER_FRAME; i-- > first;) {
		node[i] = (struct range_node){.next = t->spare};
		if (i)
			t->spare = i;
	}
	return 0;
}

static void touch(struct range_tree *t, uint32_t i, bool write)
{
	uint64_t frame;

	if (!env_charges(t->env))
		return;
	frame = IOTOLL_PHYS_U64(t->frame[i / PER_FRAME]);
	env_touch(t->env, IOTOLL_PHYS(frame + i % PER_FRAME * NODE_BYTES), USED_BYTES, write);
}

void range_look(struct range_tree *t, uint32_t i)
{
	env_work(t->env, DMA_WORK_BITMAP_WORD, 1);
	touch(t, i, false);
}

void range_write(struct range_tree *t, uint32_t i)
{
	touch(t, i, true);
}

int range_new(struct range_tree *t, uint64_t lo, uint64_t hi, uint32_t *out)
{
	const uint32_t i = t->spare;

	if (!i) {
		const int rc = grow(t);

		return rc ? rc : range_new(t, lo, hi, out);
	}
	t->spare = t->node[i].next;
	t->node[i] = (struct range_node){.lo = lo, .hi = hi};
	range_write(t, i);
	*out = i;
	return 0;
}

void range_free(struct range_tree *t, uint32_t i)
{
	t->node[i] = (struct range_node){.next = t->spare};
	t->spare = i;
	range_write(t, i);
}

/* ---- walks ---- */

/* What a walk does at each node it comes to: charge for it, or, peeking, nothing. */
typedef void (*visit_fn)(struct range_tree *t, uint32_t i);

static uint32_t outermost(struct range_tree *t, uint32_t i, unsigned side, visit_fn visit)
{
	if (i && visit)
		visit(t, i);
	while (i && t->node[i].child[side]) {
		i = t->node[i].child[side];
		if (visit)
			visit(t, i);
	}
	return i;
}

/* The next node in the direction of @side. */
static uint32_t step(struct range_tree *t, uint32_t i, unsigned side, visit_fn visit)
{
	if (t->node[i].child[side])
		return outermost(t, t->node[i].child[side], !side, visit);
	for (;;) {
		const uint32_t parent = t->node[i].parent;

		if (parent && visit)
			visit(t, parent);
		if (!parent || t->node[parent].child[side] != i)
			return parent;
		i = parent;
	}
}

static uint32_t find(struct range_tree *t, uint64_t at, visit_fn visit)
{
	uint32_t i = t->root;

	while (i) {
		if (visit)
			visit(t, i);
		if (at < t->node[i].lo)
			i = t->node[i].child[0];
		else if (at > t->node[i].hi)
			i = t->node[i].child[1];
		else
			break;
	}
	return i;
}

uint32_t range_find(struct range_tree *t, uint64_t at)
{
	return find(t, at, range_look);
}

uint32_t range_prev(struct range_tree *t, uint32_t i)
{
	return step(t, i, 0, range_look);
}

uint32_t range_next(struct range_tree *t, uint32_t i)
{
	return step(t, i, 1, range_look);
}

uint32_t range_last(struct range_tree *t)
{
	return outermost(t, t->root, 1, range_look);
}

/* Without a visitor a walk changes nothing. */
static struct range_tree *unchanged(const struct range_tree *t)
{
	return (struct range_tree *)(uintptr_t)t;
}

uint32_t range_peek(const struct range_tree *t, uint64_t at)
{
	return find(unchanged(t), at, NULL);
}

uint32_t range_lowest(const struct range_tree *t)
{
	return outermost(unchanged(t), t->root, 0, NULL);
}

uint32_t range_above(const struct range_tree *t, uint32_t i)
{
	return step(unchanged(t), i, 1, NULL);
}

void range_insert(struct range_tree *t, uint32_t i, uint32_t start)
{
	uint32_t at = start ? start : t->root, parent = 0;
	unsigned side = 0;

	while (at) {
		range_look(t, at);
		parent = at;
		side = t->node[i].lo > t->node[at].lo;
		at = t->node[at].child[side];
	}
	t->node[i].parent = parent;
	t->node[i].child[0] = t->node[i].child[1] = 0;
	if (parent) {
		t->node[parent].child[side] = i;
		range_write(t, parent);
	} else {
		t->root = i;
	}
	t->count++;
	range_balance_insert(t, i);
}

void range_erase(struct range_tree *t, uint32_t i)
{
	t->count--;
	range_balance_erase(t, i);
}

/* ---- what is withheld ---- */

static int withhold_piece(struct range_tree *t, uint64_t first, uint64_t end)
{
	uint32_t i;
	const int rc = range_new(t, first, end - 1, &i);

	if (rc)
		return rc;
	t->node[i].withheld = true;
	range_insert(t, i, 0);
	return 0;
}

/* Where the withheld entries that begin at or after @at begin, or @end; where they end in *@to. */
static uint64_t next_withheld(const struct range_tree *t, uint64_t at, uint64_t end, uint64_t *to)
{
	for (uint32_t i = range_lowest(t); i; i = range_above(t, i)) {
		if (!t->node[i].withheld || t->node[i].hi < at)
			continue;
		if (t->node[i].lo >= end)
			break;
		*to = t->node[i].hi + 1;
		return t->node[i].lo > at ? t->node[i].lo : at;
	}
	*to = end;
	return end;
}

int range_withhold(struct range_tree *t, uint64_t first, uint64_t end, uint64_t *out)
{
	*out = 0;
	while (first < end) {
		uint64_t resume;
		const uint64_t stop = next_withheld(t, first, end, &resume);

		if (stop > first) {
			const int rc = withhold_piece(t, first, stop);

			if (rc)
				return rc;
			*out += stop - first;
		}
		first = resume;
	}
	return 0;
}

bool range_usable(const struct range_tree *t, uint64_t first, uint64_t end)
{
	while (first < end) {
		uint64_t resume;

		if (next_withheld(t, first, end, &resume) > first)
			return true;
		first = resume;
	}
	return false;
}

/* ---- check ---- */

/* Black nodes on the way down from @i, -1 if something is wrong below it. */
static int black_height(const struct range_tree *t, uint32_t i)
{
	const struct range_node *n = &t->node[i];
	int left, right;

	if (!i)
		return 0;
	for (unsigned side = 0; side < 2; side++) {
		const uint32_t child = n->child[side];

		if (child && (t->node[child].parent != i || (n->red && t->node[child].red)))
			return -1;
	}
	left = black_height(t, n->child[0]);
	right = black_height(t, n->child[1]);
	if (left < 0 || left != right)
		return -1;
	return left + !n->red;
}

bool range_check(const struct range_tree *t)
{
	uint32_t seen = 0, before = 0;

	if (!t->root)
		return t->count == 0;
	if (t->node[0].red || t->node[0].parent || t->node[t->root].parent ||
	    t->node[t->root].red || black_height(t, t->root) < 0)
		return false;
	for (uint32_t i = range_lowest(t); i; i = range_above(t, i)) {
		if (t->node[i].hi < t->node[i].lo || seen++ > t->count)
			return false;
		if (before && t->node[before].hi >= t->node[i].lo)
			return false;
		before = i;
	}
	return seen == t->count;
}

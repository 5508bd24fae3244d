/* SPDX-License-Identifier: MIT */
/*
 * What keeps a tree of ranges balanced: the red-black rules of Cormen, Leiserson, Rivest and
 * Stein, Introduction to Algorithms, chapter 13, which lib/rbtree.c of Linux follows too: so a
 * sequence of insertions and removals makes the same tree, and walks of the same length. Mirrored
 * cases are one: @side is 0 for left, 1 for right.
 *
 * Number 0, which is no node, serves as their sentinel: black, and with a parent while a removal
 * is repaired.
 */
#include "dma/iova/range_tree.h"

static unsigned side_of(const struct range_tree *t, uint32_t i)
{
	return t->node[t->node[i].parent].child[1] == i;
}

/* Whatever led to @old leads to @new. */
static void replace(struct range_tree *t, uint32_t old, uint32_t new)
{
	const uint32_t parent = t->node[old].parent;

	if (!parent) {
		t->root = new;
	} else {
		t->node[parent].child[side_of(t, old)] = new;
		range_write(t, parent);
	}
	t->node[new].parent = parent;
	if (new)
		range_write(t, new);
}

/* Node @i goes down on @side, its other child comes up in its place. */
static void rotate(struct range_tree *t, uint32_t i, unsigned side)
{
	const uint32_t up = t->node[i].child[!side];
	const uint32_t across = t->node[up].child[side];

	replace(t, i, up);
	t->node[i].child[!side] = across;
	if (across) {
		t->node[across].parent = i;
		range_write(t, across);
	}
	t->node[up].child[side] = i;
	t->node[i].parent = up;
	range_write(t, i);
}

static void colour(struct range_tree *t, uint32_t i, bool red)
{
	t->node[i].red = red;
	if (i)
		range_write(t, i);
}

/* A neighbour's colour, which has to be read. */
static bool is_red(struct range_tree *t, uint32_t i)
{
	if (i)
		range_look(t, i);
	return t->node[i].red;
}

void range_balance_insert(struct range_tree *t, uint32_t i)
{
	colour(t, i, true);
	while (t->node[t->node[i].parent].red) {
		uint32_t parent = t->node[i].parent;
		const uint32_t above = t->node[parent].parent;
		const unsigned side = side_of(t, parent);
		const uint32_t uncle = t->node[above].child[!side];

		if (is_red(t, uncle)) {
			colour(t, parent, false);
			colour(t, uncle, false);
			colour(t, above, true);
			i = above;
			continue;
		}
		if (side_of(t, i) != side) {
			rotate(t, parent, side);
			parent = i;
			i = t->node[i].child[side];
		}
		colour(t, parent, false);
		colour(t, above, true);
		rotate(t, above, !side);
	}
	if (t->node[t->root].red)
		colour(t, t->root, false);
}

/* Every way through @i, which may be 0, is one black node short. */
static void repair(struct range_tree *t, uint32_t i)
{
	while (i != t->root && !t->node[i].red) {
		const uint32_t parent = t->node[i].parent;
		const unsigned side = t->node[parent].child[1] == i;
		uint32_t sibling = t->node[parent].child[!side];

		if (is_red(t, sibling)) {
			colour(t, sibling, false);
			colour(t, parent, true);
			rotate(t, parent, side);
			sibling = t->node[parent].child[!side];
		}
		if (!is_red(t, t->node[sibling].child[0]) &&
		    !is_red(t, t->node[sibling].child[1])) {
			colour(t, sibling, true);
			i = parent;
			continue;
		}
		if (!t->node[t->node[sibling].child[!side]].red) {
			colour(t, t->node[sibling].child[side], false);
			colour(t, sibling, true);
			rotate(t, sibling, !side);
			sibling = t->node[parent].child[!side];
		}
		colour(t, sibling, t->node[parent].red);
		colour(t, parent, false);
		colour(t, t->node[sibling].child[!side], false);
		rotate(t, parent, side);
		return;
	}
	if (t->node[i].red)
		colour(t, i, false);
}

/* A node with two children: its successor takes its place and its colour. */
static uint32_t put_successor(struct range_tree *t, uint32_t i, bool *gone_red)
{
	uint32_t next = t->node[i].child[1], below;

	range_look(t, next);
	while (t->node[next].child[0]) {
		next = t->node[next].child[0];
		range_look(t, next);
	}
	*gone_red = t->node[next].red;
	below = t->node[next].child[1];
	if (t->node[next].parent == i) {
		t->node[below].parent = next;
	} else {
		replace(t, next, below);
		t->node[next].child[1] = t->node[i].child[1];
		t->node[t->node[next].child[1]].parent = next;
		range_write(t, t->node[next].child[1]);
	}
	replace(t, i, next);
	t->node[next].child[0] = t->node[i].child[0];
	t->node[t->node[next].child[0]].parent = next;
	range_write(t, t->node[next].child[0]);
	colour(t, next, t->node[i].red);
	return below;
}

void range_balance_erase(struct range_tree *t, uint32_t i)
{
	bool gone_red = t->node[i].red;
	uint32_t below;

	if (t->node[i].child[0] && t->node[i].child[1]) {
		below = put_successor(t, i, &gone_red);
	} else {
		below = t->node[i].child[t->node[i].child[0] == 0];
		replace(t, i, below);
	}
	if (!gone_red)
		repair(t, below);
	t->node[0].parent = 0;
}

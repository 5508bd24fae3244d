// SPDX-License-Identifier: MIT
/*
 * Stack distances in one pass. Every page on the LRU stack, and every hole that an invalidation
 * left there, is a mark at the time of its last use; the depth of a page is the number of marks
 * from its own on. Marks are a bitmap with a Fenwick tree over blocks of 512 bits; times are
 * renumbered when they run out, so all of it stays about as large as the stack.
 *
 * Holes: a fill takes the hole nearest to the top, for that is where the stack of every size that
 * has it gains nothing by losing its last entry. Where the page filled was itself on the stack
 * below that hole, its old place becomes a hole: sizes that reach it had a hit and keep theirs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mrc/mrc.h"

#define BLOCK_BITS   512u
#define BLOCK_WORDS  (BLOCK_BITS / 64)
#define WINDOW_FIRST 4096u
#define LEVELS       5 /* of the set of holes: 64^5 times, more than pages can need */

struct stack {
	const struct mrc_stream *s;
	size_t window, now, marks;
	uint64_t *mark;
	uint32_t *tree; /* Fenwick, by block, from 1 */
	uint32_t *at;   /* page at a time, MRC_NEVER: a hole or nothing */
	uint32_t *when; /* time of a page, MRC_NEVER: not on the stack */
	uint64_t *hole[LEVELS];
	uint64_t *count; /* by depth */
	size_t count_room, deepest;
};

static void tree_add(struct stack *k, size_t time, uint32_t delta)
{
	for (size_t i = time / BLOCK_BITS + 1; i <= k->window / BLOCK_BITS; i += i & -i)
		k->tree[i] += delta; /* modulo 2^32: delta may be -1 */
}

static void mark_set(struct stack *k, size_t time)
{
	k->mark[time / 64] |= (uint64_t)1 << (time % 64);
	tree_add(k, time, 1);
	k->marks++;
}

static void mark_clear(struct stack *k, size_t time)
{
	k->mark[time / 64] &= ~((uint64_t)1 << (time % 64));
	tree_add(k, time, (uint32_t)-1);
	k->marks--;
}

static size_t marks_in(const struct stack *k, size_t from, size_t to)
{
	size_t n = 0;

	if (from / 64 == to / 64)
		return (size_t)__builtin_popcountll(k->mark[from / 64] >> (from % 64) &
						    (((uint64_t)1 << (to - from)) - 1));
	n = (size_t)__builtin_popcountll(k->mark[from / 64] >> (from % 64));
	for (size_t w = from / 64 + 1; w < to / 64; w++)
		n += (size_t)__builtin_popcountll(k->mark[w]);
	if (to % 64)
		n += (size_t)__builtin_popcountll(k->mark[to / 64] << (64 - to % 64));
	return n;
}

/* Marks at @time and later. */
static size_t depth_of(const struct stack *k, size_t time)
{
	size_t before = 0;

	if (k->now - time <= 2 * BLOCK_BITS)
		return marks_in(k, time, k->now);
	for (size_t i = time / BLOCK_BITS; i > 0; i -= i & -i)
		before += k->tree[i];
	return k->marks - before - marks_in(k, time / BLOCK_BITS * BLOCK_BITS, time);
}

static void hole_add(struct stack *k, size_t time)
{
	for (unsigned level = 0; level < LEVELS; level++, time /= 64)
		k->hole[level][time / 64] |= (uint64_t)1 << (time % 64);
}

static void hole_remove(struct stack *k, size_t time)
{
	for (unsigned level = 0; level < LEVELS; level++, time /= 64) {
		k->hole[level][time / 64] &= ~((uint64_t)1 << (time % 64));
		if (k->hole[level][time / 64])
			return;
	}
}

/* The hole nearest to the top, or -1. */
static ptrdiff_t hole_latest(const struct stack *k)
{
	size_t at = 0;

	if (!k->hole[LEVELS - 1][0])
		return -1;
	for (unsigned level = LEVELS; level-- > 0;)
		at = at * 64 + 63 - (size_t)__builtin_clzll(k->hole[level][at]);
	return (ptrdiff_t)at;
}

static size_t level_words(size_t window, unsigned level)
{
	size_t words = window / 64;

	while (level-- > 0)
		words = (words + 63) / 64;
	return words;
}

static void free_window(struct stack *k)
{
	free(k->mark);
	free(k->tree);
	free(k->at);
	for (unsigned i = 0; i < LEVELS; i++)
		free(k->hole[i]);
}

static int make_window(struct stack *k, size_t window)
{
	bool short_of = false;

	k->window = window;
	k->now = k->marks = 0;
	k->mark = calloc(window / 64 + 1, sizeof(*k->mark));
	k->tree = calloc(window / BLOCK_BITS + 1, sizeof(*k->tree));
	k->at = malloc(window * sizeof(*k->at));
	for (unsigned i = 0; i < LEVELS; i++) {
		k->hole[i] = calloc(level_words(window, i), sizeof(*k->hole[i]));
		short_of |= !k->hole[i];
	}
	return !k->mark || !k->tree || !k->at || short_of ? -ENOMEM : 0;
}

static bool marked(const struct stack *k, size_t time)
{
	return k->mark[time / 64] >> (time % 64) & 1;
}

/* Times have run out: number the marks anew, with room for as many again. */
static int renumber(struct stack *k)
{
	struct stack old = *k;
	size_t window = WINDOW_FIRST;
	int rc;

	while (window < 2 * old.marks)
		window *= 2;
	rc = make_window(k, window);
	for (size_t i = 0; i < old.now && !rc; i++) {
		if (!marked(&old, i))
			continue;
		k->at[k->now] = old.at[i];
		mark_set(k, k->now);
		if (old.at[i] == MRC_NEVER)
			hole_add(k, k->now);
		else
			k->when[old.at[i]] = (uint32_t)k->now;
		k->now++;
	}
	free_window(&old);
	return rc;
}

static int count_depth(struct stack *k, size_t depth)
{
	if (depth >= k->count_room) {
		const size_t room = 2 * depth + 1024;
		uint64_t *grown = realloc(k->count, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		memset(grown + k->count_room, 0, (room - k->count_room) * sizeof(*grown));
		k->count = grown;
		k->count_room = room;
	}
	k->count[depth]++;
	k->deepest = depth > k->deepest ? depth : k->deepest;
	return 0;
}

static int stack_access(struct stack *k, uint32_t page)
{
	const size_t time = k->when[page];
	const ptrdiff_t hole = hole_latest(k);
	int rc = 0;

	if (time != MRC_NEVER) {
		rc = count_depth(k, depth_of(k, time));
		if (hole > (ptrdiff_t)time) {
			k->at[time] = MRC_NEVER;
			hole_add(k, time);
		} else {
			mark_clear(k, time);
		}
	}
	if (hole >= 0 && (time == MRC_NEVER || hole > (ptrdiff_t)time)) {
		hole_remove(k, (size_t)hole);
		mark_clear(k, (size_t)hole);
	}
	if (!rc && k->now == k->window)
		rc = renumber(k);
	if (rc)
		return rc;
	k->at[k->now] = page;
	k->when[page] = (uint32_t)k->now;
	mark_set(k, k->now++);
	return 0;
}

static void stack_drop(struct stack *k, uint32_t page)
{
	const size_t time = k->when[page];

	if (time == MRC_NEVER)
		return;
	k->when[page] = MRC_NEVER;
	k->at[time] = MRC_NEVER;
	hole_add(k, time);
}

static void stack_drop_tag(struct stack *k, uint32_t tag_index)
{
	for (size_t i = 0; i < k->now; i++)
		if (marked(k, i) && k->at[i] != MRC_NEVER &&
		    k->s->page[k->at[i]].tag_index == tag_index)
			stack_drop(k, k->at[i]);
}

/* Holes below the last page are no use to anybody: an emptied stack is empty. */
static void stack_clear(struct stack *k)
{
	for (size_t i = 0; i < k->now; i++)
		if (marked(k, i) && k->at[i] != MRC_NEVER)
			k->when[k->at[i]] = MRC_NEVER;
	memset(k->mark, 0, (k->now / 64 + 1) * sizeof(*k->mark));
	memset(k->tree, 0, (k->window / BLOCK_BITS + 1) * sizeof(*k->tree));
	for (unsigned i = 0; i < LEVELS; i++)
		memset(k->hole[i], 0, level_words(k->window, i) * sizeof(*k->hole[i]));
	k->now = k->marks = 0;
}

static int stack_pass(struct stack *k)
{
	const struct mrc_stream *s = k->s;
	int rc = 0;

	for (size_t i = 0; i < s->events && !rc; i++) {
		const uint32_t n = mrc_number(s->event[i]);

		switch (mrc_kind(s->event[i])) {
		case MRC_ACCESS:
			rc = stack_access(k, n);
			break;
		case MRC_DROP:
			stack_drop(k, n);
			break;
		case MRC_DROP_TAG:
			stack_drop_tag(k, n);
			break;
		case MRC_DROP_ALL:
			stack_clear(k);
			break;
		case MRC_MAP:
		case MRC_MAP_ON:
		case MRC_LASTING:
		case MRC_UNMAP:
			break;
		}
	}
	return rc;
}

int mrc_stack(const struct mrc_stream *s, uint64_t **out, size_t *depths)
{
	struct stack k = {.s = s};
	int rc = make_window(&k, WINDOW_FIRST);

	k.when = malloc((s->pages + 1) * sizeof(*k.when));
	k.count_room = 1024;
	k.count = calloc(k.count_room, sizeof(*k.count));
	if (!k.when || !k.count)
		rc = -ENOMEM;
	for (size_t i = 0; i < s->pages && !rc; i++)
		k.when[i] = MRC_NEVER;
	if (!rc)
		rc = stack_pass(&k);
	free_window(&k);
	free(k.when);
	if (rc) {
		free(k.count);
		return rc;
	}
	*out = k.count;
	*depths = k.deepest;
	return 0;
}

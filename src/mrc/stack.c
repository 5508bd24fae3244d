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
#define WAITING      32u
#define AHEAD        16u /* events between asking memory for a page's time and needing it */
#define LEVELS       5   /* of the set of holes: 64^5 times, more than pages can need */

struct mrc_stack {
	const struct mrc_stream *s; /* of which events are being taken */
	size_t window, now, marks;
	uint64_t *mark;
	uint32_t *tree; /* Fenwick, by block, from 1 */
	uint32_t *at;   /* page at a time, MRC_NEVER: a hole or nothing */
	uint32_t *when; /* time of a page, MRC_NEVER: not on the stack */
	size_t known, when_room;
	uint64_t *hole[LEVELS];
	uint64_t *count; /* by depth */
	size_t count_room, deepest;
	uint32_t wait[WAITING]; /* depths not yet counted */
	unsigned waiting;
};

static void tree_add(struct mrc_stack *k, size_t time, uint32_t delta)
{
	for (size_t i = time / BLOCK_BITS + 1; i <= k->window / BLOCK_BITS; i += i & -i)
		k->tree[i] += delta; /* modulo 2^32: delta may be -1 */
}

static void mark_set(struct mrc_stack *k, size_t time)
{
	k->mark[time / 64] |= (uint64_t)1 << (time % 64);
	tree_add(k, time, 1);
	k->marks++;
}

static void mark_clear(struct mrc_stack *k, size_t time)
{
	k->mark[time / 64] &= ~((uint64_t)1 << (time % 64));
	tree_add(k, time, (uint32_t)-1);
	k->marks--;
}

/* Bits set; for a processor of which nothing is known, this beats the compiler's own. */
static inline unsigned ones(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
	return (unsigned)(x * 0x0101010101010101u >> 56);
}

static inline size_t marks_in(const struct mrc_stack *k, size_t from, size_t to)
{
	size_t n = 0;

	if (from / 64 == to / 64)
		return ones(k->mark[from / 64] >> (from % 64) & (((uint64_t)1 << (to - from)) - 1));
	n = ones(k->mark[from / 64] >> (from % 64));
	for (size_t w = from / 64 + 1; w < to / 64; w++)
		n += ones(k->mark[w]);
	if (to % 64)
		n += ones(k->mark[to / 64] << (64 - to % 64));
	return n;
}

/* Marks at @time and later. */
static size_t depth_of(const struct mrc_stack *k, size_t time)
{
	size_t before = 0;

	if (k->now - time <= 2 * BLOCK_BITS)
		return marks_in(k, time, k->now);
	for (size_t i = time / BLOCK_BITS; i > 0; i -= i & -i)
		before += k->tree[i];
	return k->marks - before - marks_in(k, time / BLOCK_BITS * BLOCK_BITS, time);
}

static void hole_add(struct mrc_stack *k, size_t time)
{
	for (unsigned level = 0; level < LEVELS; level++, time /= 64)
		k->hole[level][time / 64] |= (uint64_t)1 << (time % 64);
}

static void hole_remove(struct mrc_stack *k, size_t time)
{
	for (unsigned level = 0; level < LEVELS; level++, time /= 64) {
		k->hole[level][time / 64] &= ~((uint64_t)1 << (time % 64));
		if (k->hole[level][time / 64])
			return;
	}
}

/* The hole nearest to the top, or -1. */
static ptrdiff_t hole_latest(const struct mrc_stack *k)
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

static void free_window(struct mrc_stack *k)
{
	free(k->mark);
	free(k->tree);
	free(k->at);
	for (unsigned i = 0; i < LEVELS; i++)
		free(k->hole[i]);
}

static int make_window(struct mrc_stack *k, size_t window)
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

static bool marked(const struct mrc_stack *k, size_t time)
{
	return k->mark[time / 64] >> (time % 64) & 1;
}

/* Times have run out: number the marks anew, with room for as many again. */
static int renumber(struct mrc_stack *k)
{
	struct mrc_stack old = *k;
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

/* Count the depths that wait: by now memory has brought their counters. 0 or -ENOMEM. */
static int count_waiting(struct mrc_stack *k)
{
	if (k->deepest >= k->count_room) {
		const size_t room = 2 * k->deepest + 1024;
		uint64_t *grown = realloc(k->count, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		memset(grown + k->count_room, 0, (room - k->count_room) * sizeof(*grown));
		k->count = grown;
		k->count_room = room;
	}
	for (unsigned i = 0; i < k->waiting; i++)
		k->count[k->wait[i]]++;
	k->waiting = 0;
	return 0;
}

static inline int count_depth(struct mrc_stack *k, size_t depth)
{
	k->wait[k->waiting++] = (uint32_t)depth;
	if (depth > k->deepest)
		k->deepest = depth;
	if (depth < k->count_room)
		__builtin_prefetch(&k->count[depth], 1);
	return k->waiting == WAITING ? count_waiting(k) : 0;
}

static int stack_access(struct mrc_stack *k, uint32_t page)
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

static void stack_drop(struct mrc_stack *k, uint32_t page)
{
	const size_t time = k->when[page];

	if (time == MRC_NEVER)
		return;
	k->when[page] = MRC_NEVER;
	k->at[time] = MRC_NEVER;
	hole_add(k, time);
}

static void stack_drop_tag(struct mrc_stack *k, uint32_t tag_index)
{
	for (size_t i = 0; i < k->now; i++)
		if (marked(k, i) && k->at[i] != MRC_NEVER && k->s->page_tag[k->at[i]] == tag_index)
			stack_drop(k, k->at[i]);
}

/* Holes below the last page are no use to anybody: an emptied stack is empty. */
static void stack_clear(struct mrc_stack *k)
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

static int stack_pass(struct mrc_stack *k)
{
	const struct mrc_stream *s = k->s;
	int rc = 0;

	for (size_t i = 0; i < s->events && !rc; i++) {
		const uint32_t n = mrc_number(s->event[i]);

		if (i + AHEAD < s->events && mrc_kind(s->event[i + AHEAD]) <= MRC_DROP)
			__builtin_prefetch(&k->when[mrc_number(s->event[i + AHEAD])], 1);
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
	return rc ? rc : count_waiting(k);
}

/* Room for pages not met before. */
static int learn(struct mrc_stack *k, const struct mrc_stream *s)
{
	if (s->pages > k->when_room) {
		uint32_t *grown = realloc(k->when, s->page_room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		k->when = grown;
		k->when_room = s->page_room;
	}
	for (; k->known < s->pages; k->known++)
		k->when[k->known] = MRC_NEVER;
	return 0;
}

int mrc_stack_create(struct mrc_stack **out)
{
	struct mrc_stack *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->count_room = 1024;
	k->count = calloc(k->count_room, sizeof(*k->count));
	if (!k->count || make_window(k, WINDOW_FIRST)) {
		mrc_stack_destroy(k);
		return -ENOMEM;
	}
	*out = k;
	return 0;
}

int mrc_stack_take(struct mrc_stack *k, const struct mrc_stream *s)
{
	const int rc = learn(k, s);

	k->s = s;
	return rc ? rc : stack_pass(k);
}

const uint64_t *mrc_stack_depths(const struct mrc_stack *k, size_t *depths)
{
	*depths = k->deepest;
	return k->count;
}

void mrc_stack_destroy(struct mrc_stack *k)
{
	if (!k)
		return;
	free_window(k);
	free(k->when);
	free(k->count);
	free(k);
}

int mrc_stack(const struct mrc_stream *s, uint64_t **out, size_t *depths)
{
	struct mrc_stack *k = NULL;
	int rc = mrc_stack_create(&k);

	if (!rc)
		rc = mrc_stack_take(k, s);
	if (!rc) {
		*out = k->count;
		*depths = k->deepest;
		k->count = NULL;
	}
	mrc_stack_destroy(k);
	return rc;
}

uint64_t mrc_hits_within(const uint64_t *depth, size_t depths, size_t entries)
{
	uint64_t hits = 0;

	for (size_t d = 1; d <= entries && d <= depths; d++)
		hits += depth[d];
	return hits;
}

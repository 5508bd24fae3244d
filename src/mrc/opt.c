// SPDX-License-Identifier: MIT
/*
 * Belady's optimum. The next use of every access is found in one pass backwards; the pass forwards
 * keeps the pages of a set in a heap by next use. A page moves in the heap by being put in again;
 * what it left behind is recognised by its old next use and thrown away when met, and when it is
 * more than what is valid.
 */
#include <errno.h>
#include <stdlib.h>

#include "mrc/mrc.h"

uint32_t *mrc_next_uses(const struct mrc_stream *s)
{
	uint32_t *next = malloc((s->events + 1) * sizeof(*next));
	uint32_t *coming = malloc((s->pages + 1) * sizeof(*coming)); /* of a page, from here on */
	uint32_t *tag_end = malloc((s->tags + 1) * sizeof(*tag_end));
	uint32_t all_end = MRC_NEVER; /* uses from here on are another life's */

	if (!next || !coming || !tag_end) {
		free(next);
		next = NULL;
		goto done;
	}
	for (size_t i = 0; i < s->pages; i++)
		coming[i] = MRC_NEVER;
	for (size_t i = 0; i < s->tags; i++)
		tag_end[i] = MRC_NEVER;
	for (size_t i = s->events; i-- > 0;) {
		const uint32_t n = mrc_number(s->event[i]);

		next[i] = MRC_NEVER;
		if (mrc_kind(s->event[i]) == MRC_DROP)
			coming[n] = MRC_NEVER;
		else if (mrc_kind(s->event[i]) == MRC_DROP_TAG)
			tag_end[n] = (uint32_t)i;
		else if (mrc_kind(s->event[i]) == MRC_DROP_ALL)
			all_end = (uint32_t)i;
		if (mrc_kind(s->event[i]) != MRC_ACCESS)
			continue;
		if (coming[n] < all_end && coming[n] < tag_end[s->page_tag[n]])
			next[i] = coming[n];
		coming[n] = (uint32_t)i;
	}
done:
	free(coming);
	free(tag_end);
	return next;
}

struct item {
	uint32_t next, page;
};

struct set {
	struct item *heap;
	size_t count, room;
	unsigned held;
};

struct opt {
	const struct mrc_stream *s;
	const uint32_t *set_of;
	struct set *set;
	size_t sets;
	unsigned ways;
	uint32_t *next; /* by page; valid where held */
	bool *held;
};

static bool valid(const struct opt *o, struct item i)
{
	return o->held[i.page] && o->next[i.page] == i.next;
}

static void sift_down(struct set *t, size_t at)
{
	const struct item moving = t->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < t->count && t->heap[child + 1].next > t->heap[child].next)
			child++;
		if (child >= t->count || t->heap[child].next <= moving.next)
			break;
		t->heap[at] = t->heap[child];
		at = child;
	}
	t->heap[at] = moving;
}

/* Throw away what is not valid any more. */
static void sweep(const struct opt *o, struct set *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++)
		if (valid(o, t->heap[i]))
			t->heap[kept++] = t->heap[i];
	t->count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(t, i);
}

static int put(const struct opt *o, struct set *t, struct item item)
{
	size_t at;

	if (t->count == t->room) {
		sweep(o, t);
		if (t->count >= t->room / 2) { /* also where there was no room at all */
			const size_t room = t->room ? 2 * t->room : 16;
			struct item *grown = realloc(t->heap, room * sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			t->heap = grown;
			t->room = room;
		}
	}
	for (at = t->count++; at > 0 && t->heap[(at - 1) / 2].next < item.next; at = (at - 1) / 2)
		t->heap[at] = t->heap[(at - 1) / 2];
	t->heap[at] = item;
	return 0;
}

static void evict(struct opt *o, struct set *t)
{
	for (;;) {
		const struct item top = t->heap[0];

		t->heap[0] = t->heap[--t->count];
		if (t->count)
			sift_down(t, 0);
		if (!valid(o, top))
			continue;
		o->held[top.page] = false;
		t->held--;
		return;
	}
}

static int opt_access(struct opt *o, uint32_t page, uint32_t next, struct mrc_count *out)
{
	struct set *t = &o->set[o->set_of[page]];

	if (o->held[page]) {
		out->hits++;
	} else {
		out->misses++;
		if (t->held == o->ways)
			evict(o, t);
		o->held[page] = true;
		t->held++;
	}
	o->next[page] = next;
	return put(o, t, (struct item){next, page});
}

static void opt_drop(struct opt *o, uint32_t page)
{
	if (!o->held[page])
		return;
	o->held[page] = false;
	o->set[o->set_of[page]].held--;
}

/* Every page, or those of one tag. Pages held are in the heaps and nowhere else. */
static void opt_drop_many(struct opt *o, bool all, uint32_t tag_index)
{
	for (size_t i = 0; i < o->sets; i++) {
		struct set *t = &o->set[i];

		for (size_t k = 0; k < t->count; k++)
			if (all || o->s->page_tag[t->heap[k].page] == tag_index)
				opt_drop(o, t->heap[k].page);
		if (all)
			t->count = 0;
	}
}

static int opt_pass(struct opt *o, const uint32_t *next, struct mrc_count *out)
{
	const struct mrc_stream *s = o->s;
	int rc = 0;

	for (size_t i = 0; i < s->events && !rc; i++) {
		const uint32_t n = mrc_number(s->event[i]);

		switch (mrc_kind(s->event[i])) {
		case MRC_ACCESS:
			rc = opt_access(o, n, next[i], out);
			break;
		case MRC_DROP:
			opt_drop(o, n);
			break;
		case MRC_DROP_TAG:
			opt_drop_many(o, false, n);
			break;
		case MRC_DROP_ALL:
			opt_drop_many(o, true, 0);
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

int mrc_opt(const struct mrc_stream *s, const uint32_t *next, const uint32_t *set, size_t sets,
	    unsigned ways, struct mrc_count *out)
{
	struct opt o = {.s = s, .set_of = set, .sets = sets, .ways = ways};
	int rc = -ENOMEM;

	*out = (struct mrc_count){0};
	o.set = calloc(sets, sizeof(*o.set));
	o.next = malloc((s->pages + 1) * sizeof(*o.next));
	o.held = calloc(s->pages + 1, sizeof(*o.held));
	if (o.set && o.next && o.held)
		rc = opt_pass(&o, next, out);
	for (size_t i = 0; o.set && i < sets; i++)
		free(o.set[i].heap);
	free(o.set);
	free(o.next);
	free(o.held);
	return rc;
}

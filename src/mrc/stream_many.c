// SPDX-License-Identifier: MIT
/*
 * Many accesses and invalidations at a time, into a stream: what each needs of memory is asked for
 * while those before it are worked on. Whatever is not plainly of a page that is known already goes
 * the way of stream.c, one by one.
 */
#include "mrc/stream_impl.h"

#define GROUP \
	32u /* accesses whose places are fetched at once: memory answers many as fast as one */

/* Some that come next, on their way. */
struct group {
	struct mrc_many from; /* the first of them */
	unsigned count;
	uint64_t mixed[GROUP];
	uint32_t slot[GROUP];
};

/* The next group of @many from @at on: ask memory for where their pages would be. */
static void group_begin(const struct mrc_stream *s, struct group *g, const struct mrc_many *many,
			size_t at)
{
	const size_t left = many->count - at;

	g->from = (struct mrc_many){many->tag + at, many->pfn + at, many->drop + at, left};
	g->count = left < GROUP ? (unsigned)left : GROUP;
	for (unsigned i = 0; i < g->count; i++) {
		g->mixed[i] = mix(g->from.tag[i], g->from.pfn[i]);
		__builtin_prefetch(&s->slot[g->mixed[i] & (s->slots - 1)]);
	}
}

/* That has come: ask for the pages. Mostly the right ones; who goes on does not rely on it. */
static void group_find(const struct mrc_stream *s, struct group *g)
{
	for (unsigned i = 0; i < g->count; i++) {
		g->slot[i] = s->slot[likely(s, g->mixed[i], (size_t)g->mixed[i])];
		if (g->slot[i])
			__builtin_prefetch(&s->page[slot_number(g->slot[i])], 1);
	}
}

/*
 * From number @i of the group on, as long as they are of pages that are where the group's slots
 * say; there is room for that many events. The number of the first that is not done.
 */
static unsigned group_known(struct mrc_stream *s, const struct group *g, unsigned i)
{
	uint32_t *event = s->event + s->events, clock = s->clock, drops = 0;
	struct mrc_page *page = s->page;
	uint64_t invalidated = 0;
	const unsigned first = i;

	for (; i < g->count && g->slot[i] && g->from.drop[i] <= 1; i++) {
		const uint32_t n = slot_number(g->slot[i]), drop = g->from.drop[i];

		if (page[n].pfn != g->from.pfn[i] || page[n].tag != g->from.tag[i])
			break;
		*event++ = n | drop * ((uint32_t)MRC_DROP << MRC_KIND_SHIFT);
		invalidated += !drop && was_dropped(s, n, page[n].used);
		drops += drop;
		clock++;
		page[n].used = drop ? MRC_NEVER : clock;
	}
	s->clock = clock;
	s->events += i - first;
	s->accesses += i - first - drops;
	s->drops += drops;
	s->invalidated += invalidated;
	return i;
}

static int group_take(struct mrc_stream *s, const struct group *g)
{
	int rc = 0;

	for (unsigned i = 0; i < g->count && !rc; i++) {
		if (s->event_room - s->events >= g->count && EVENTS_MAX - s->clock >= g->count)
			i = group_known(s, g, i);
		if (i < g->count && g->from.drop[i])
			rc = mrc_drop(s, g->from.tag[i], g->from.pfn[i], g->from.drop[i]);
		else if (i < g->count)
			rc = mrc_access(s, g->from.tag[i], g->from.pfn[i]);
	}
	return rc;
}

int mrc_take_many(struct mrc_stream *s, const struct mrc_many *many)
{
	struct group group[2]; /* the one at hand and the one after it take turns */
	int rc = 0;

	if (many->count)
		group_begin(s, &group[0], many, 0);
	for (size_t at = 0, n = 0; at < many->count && !rc; at += GROUP, n ^= 1) {
		group_find(s, &group[n]);
		if (many->count - at > GROUP)
			group_begin(s, &group[n ^ 1], many, at + GROUP);
		rc = group_take(s, &group[n]);
	}
	return rc;
}

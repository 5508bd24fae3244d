// SPDX-License-Identifier: MIT
/*
 * LRU of few ways: a set is a row of page numbers, the latest first; each access shifts it down to
 * where the page was. An emptied place moves to the row's end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iotlb.h"
#include "mrc/mrc.h"

#define ROW_WAYS_MAX 16u
#define AHEAD        16u /* events between asking memory for a page's set and needing it */

/* LRU of one geometry, over a stream that goes by. */
struct mrc_rows {
	struct iotlb *iotlb; /* knows which set a page is in */
	uint32_t *set;       /* by page, of those met so far */
	size_t known, set_room;
	uint32_t *rows;
	size_t sets;
	unsigned ways;
	bool any; /* page is held */
	uint64_t hits;
};

static void close_up(uint32_t *row, unsigned ways, unsigned at)
{
	memmove(row + at, row + at + 1, (ways - at - 1) * sizeof(*row));
	row[ways - 1] = MRC_NEVER;
}

typedef uint32_t four __attribute__((vector_size(16)));

/* touch() of four ways at once: each place takes what was before it, up to where the page was. */
static inline bool touch_four(uint32_t *row, uint32_t page)
{
	const four zero = {0};
	four was, moved, found;

	memcpy(&was, row, sizeof(was));
	moved = __builtin_shufflevector(was, (four){page}, 4, 0, 1, 2);
	found = (four)(was == page); /* all ones where the page was, ... */
	found |= __builtin_shufflevector(found, zero, 4, 0, 1, 2);
	found |= __builtin_shufflevector(found, zero, 4, 4, 0, 1); /* ... and behind it */
	moved = (moved & ~__builtin_shufflevector(found, zero, 4, 0, 1, 2)) |
		(was & __builtin_shufflevector(found, zero, 4, 0, 1, 2));
	memcpy(row, &moved, sizeof(moved));
	return found[3] != 0;
}

/*
 * True on a hit. Up to 8 ways without a branch: hits and misses come in no order that a processor
 * could predict. An empty place is at the end, where it is shifted out.
 */
static inline bool touch(uint32_t *row, unsigned ways, uint32_t page)
{
	if (ways == 4)
		return touch_four(row, page);
	uint32_t moved = page, found = 0; /* all ones once found */

#pragma GCC unroll 8
	for (unsigned i = 0; i < ways; i++) {
		const uint32_t here = row[i];

		row[i] = (here & found) | (moved & ~found);
		found |= 0u - (here == page);
		moved = here;
		if (ways > 8 && found)
			break;
	}
	return found != 0;
}

static void drop_one(uint32_t *row, unsigned ways, uint32_t page)
{
	for (unsigned i = 0; i < ways; i++)
		if (row[i] == page)
			close_up(row, ways, i);
}

static void drop_tag(const struct mrc_stream *s, uint32_t *rows, size_t sets, unsigned ways,
		     uint32_t tag_index)
{
	for (size_t i = 0; i < sets; i++) {
		uint32_t *row = rows + i * ways;

		for (unsigned k = ways; k-- > 0;)
			if (row[k] != MRC_NEVER && s->page_tag[row[k]] == tag_index)
				close_up(row, ways, k);
	}
}

static inline __attribute__((always_inline)) void pass(struct mrc_rows *r,
						       const struct mrc_stream *s, unsigned ways)
{
	const uint32_t *set = r->set, *event = s->event;
	const size_t events = s->events;
	uint32_t *rows = r->rows;
	bool any = r->any;
	uint64_t hits = 0;

	for (size_t i = 0; i < events; i++) {
		const uint32_t e = event[i], n = mrc_number(e);

		if (i + AHEAD < events && mrc_kind(event[i + AHEAD]) <= MRC_DROP)
			__builtin_prefetch(&set[mrc_number(event[i + AHEAD])]);
		if (__builtin_expect(mrc_kind(e) == MRC_ACCESS, 1)) {
			hits += touch(rows + (size_t)set[n] * ways, ways, n);
			any = true;
		} else if (mrc_kind(e) == MRC_DROP) {
			drop_one(rows + (size_t)set[n] * ways, ways, n);
		} else if (mrc_kind(e) == MRC_DROP_TAG) {
			drop_tag(s, rows, r->sets, ways, n);
		} else if (mrc_kind(e) == MRC_DROP_ALL && any) {
			memset(rows, 0xFF, r->sets * ways * sizeof(*rows));
			any = false;
		}
	}
	r->any = any;
	r->hits += hits;
}

bool mrc_rows_can(const struct iotlb_config *config)
{
	const unsigned ways = config->ways ? config->ways : config->entries;

	return !strcmp(config->policy, "lru") && config->prefetch == IOTLB_PREFETCH_NONE &&
	       ways <= ROW_WAYS_MAX;
}

int mrc_rows_create(struct mrc_rows **out, const struct iotlb_config *config, struct err *err)
{
	struct mrc_rows *r = calloc(1, sizeof(*r));
	size_t bytes;
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "no memory");
	rc = iotlb_create(&r->iotlb, config, err);
	if (rc) {
		free(r);
		return rc;
	}
	r->ways = config->ways ? config->ways : config->entries;
	r->sets = config->entries / r->ways;
	bytes = r->sets * r->ways * sizeof(*r->rows);
	r->rows = malloc(bytes);
	if (!r->rows) {
		mrc_rows_destroy(r);
		return err_set(err, -ENOMEM, "no memory");
	}
	memset(r->rows, 0xFF, bytes); /* MRC_NEVER */
	*out = r;
	return 0;
}

void mrc_rows_destroy(struct mrc_rows *r)
{
	if (!r)
		return;
	iotlb_destroy(r->iotlb);
	free(r->set);
	free(r->rows);
	free(r);
}

/* The sets of pages not met before. 0 or -ENOMEM. */
static int learn(struct mrc_rows *r, const struct mrc_stream *s)
{
	if (s->pages > r->set_room) {
		uint32_t *grown = realloc(r->set, s->page_room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		r->set = grown;
		r->set_room = s->page_room;
	}
	for (; r->known < s->pages; r->known++)
		r->set[r->known] = (uint32_t)iotlb_set_of(r->iotlb, s->page[r->known].tag,
							  s->page[r->known].pfn);
	return 0;
}

int mrc_rows_take(struct mrc_rows *r, const struct mrc_stream *s)
{
	const int rc = learn(r, s);

	if (rc)
		return rc;
	/* The usual numbers of ways get loops of their own. */
	switch (r->ways) {
	case 1:
		pass(r, s, 1);
		break;
	case 2:
		pass(r, s, 2);
		break;
	case 4:
		pass(r, s, 4);
		break;
	case 8:
		pass(r, s, 8);
		break;
	default:
		pass(r, s, r->ways);
	}
	return 0;
}

uint64_t mrc_rows_hits(const struct mrc_rows *r)
{
	return r->hits;
}

// SPDX-License-Identifier: MIT
/*
 * LRU of few ways: a set is a row of page numbers, the latest first; each access shifts it down to
 * where the page was. An emptied place moves to the row's end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mrc/mrc.h"

static void close_up(uint32_t *row, unsigned ways, unsigned at)
{
	memmove(row + at, row + at + 1, (ways - at - 1) * sizeof(*row));
	row[ways - 1] = MRC_NEVER;
}

/*
 * True on a hit. Up to 8 ways without a branch: hits and misses come in no order that a processor
 * could predict. An empty place is at the end, where it is shifted out.
 */
static inline bool touch(uint32_t *row, unsigned ways, uint32_t page)
{
	uint32_t moved = page, found = 0; /* all ones once found */

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
			if (row[k] != MRC_NEVER && s->page[row[k]].tag_index == tag_index)
				close_up(row, ways, k);
	}
}

static inline __attribute__((always_inline)) uint64_t
pass(const struct mrc_stream *s, const uint32_t *set, uint32_t *rows, size_t sets, unsigned ways)
{
	uint64_t hits = 0;
	bool any = false;

	for (size_t i = 0; i < s->events; i++) {
		const uint32_t e = s->event[i], n = mrc_number(e);

		if (__builtin_expect(mrc_kind(e) == MRC_ACCESS, 1)) {
			hits += touch(rows + (size_t)set[n] * ways, ways, n);
			any = true;
		} else if (mrc_kind(e) == MRC_DROP) {
			drop_one(rows + (size_t)set[n] * ways, ways, n);
		} else if (mrc_kind(e) == MRC_DROP_TAG) {
			drop_tag(s, rows, sets, ways, n);
		} else if (mrc_kind(e) == MRC_DROP_ALL && any) {
			memset(rows, 0xFF, sets * ways * sizeof(*rows));
			any = false;
		}
	}
	return hits;
}

int mrc_lru(const struct mrc_stream *s, const uint32_t *set, size_t sets, unsigned ways,
	    struct mrc_count *out)
{
	uint32_t *rows = malloc(sets * ways * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	memset(rows, 0xFF, sets * ways * sizeof(*rows)); /* MRC_NEVER */
	*out = (struct mrc_count){0};
	/* The usual numbers of ways get loops of their own. */
	switch (ways) {
	case 1:
		out->hits = pass(s, set, rows, sets, 1);
		break;
	case 2:
		out->hits = pass(s, set, rows, sets, 2);
		break;
	case 4:
		out->hits = pass(s, set, rows, sets, 4);
		break;
	case 8:
		out->hits = pass(s, set, rows, sets, 8);
		break;
	default:
		out->hits = pass(s, set, rows, sets, ways);
	}
	out->misses = s->accesses - out->hits;
	free(rows);
	return 0;
}

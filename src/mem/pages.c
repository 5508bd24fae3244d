/* SPDX-License-Identifier: MIT */
/*
 * The page frame allocator. Every frame is in exactly one of three places: handed out (bit in
 * used), in a free extent (bit in free), or on the short list of recently freed single frames.
 * Single frames come from that list, refilled in batches from the lowest free frames; larger
 * requests are first fit over the bitmap. Linux's per-CPU page lists (mm/page_alloc.c) are the
 * model for the list, its limit and its batch.
 */
#include "mem/pages.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool bit_get(const uint64_t *map, uint64_t i)
{
	return map[i / 64] >> (i % 64) & 1;
}

static void bit_set(uint64_t *map, uint64_t i)
{
	map[i / 64] |= (uint64_t)1 << (i % 64);
}

static void bit_clear(uint64_t *map, uint64_t i)
{
	map[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/* Bits [first, end), by the word where a whole one lies among them. */
static void bits_set(uint64_t *map, uint64_t first, uint64_t end)
{
	while (first < end) {
		const bool whole = first % 64 == 0 && end - first >= 64;

		map[first / 64] |= whole ? UINT64_MAX : (uint64_t)1 << (first % 64);
		first += whole ? 64 : 1;
	}
}

static uint64_t words(uint64_t count)
{
	return (count + 63) / 64;
}

/* The first frame at or after @from, below @limit, whose bit is @value; @limit if none. */
static uint64_t bit_next(const uint64_t *map, uint64_t from, uint64_t limit, bool value)
{
	const uint64_t flip = value ? 0 : UINT64_MAX;

	while (from < limit) {
		const uint64_t word = (map[from / 64] ^ flip) >> (from % 64);

		if (word) {
			from += (unsigned)__builtin_ctzll(word);
			return from < limit ? from : limit;
		}
		from = (from / 64 + 1) * 64;
	}
	return limit;
}

int pages_init(struct pages *p, uint64_t count)
{
	memset(p, 0, sizeof(*p));
	p->count = count;
	p->lowest = 1;
	p->free = calloc(words(count), sizeof(*p->free));
	p->used = calloc(words(count), sizeof(*p->used));
	if (!p->free || !p->used) {
		pages_fini(p);
		return -ENOMEM;
	}
	bits_set(p->free, 1, count);
	return 0;
}

void pages_fini(struct pages *p)
{
	free(p->free);
	free(p->used);
	p->free = p->used = NULL;
}

/* Put the @n oldest frames of the recent list back into the bitmap. */
static void recent_spill(struct pages *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bit_set(p->free, p->recent[i]);
		if (p->recent[i] < p->lowest)
			p->lowest = p->recent[i];
	}
	p->recent_count -= n;
	memmove(p->recent, p->recent + n, p->recent_count * sizeof(*p->recent));
}

/* Move a batch of the lowest free frames to the empty list, the lowest on top. */
static void recent_fill(struct pages *p)
{
	uint32_t batch[PAGES_RECENT_BATCH];
	unsigned n = 0;

	while (n < PAGES_RECENT_BATCH) {
		const uint64_t frame = bit_next(p->free, p->lowest, p->count, true);

		p->lowest = frame;
		if (frame == p->count)
			break;
		bit_clear(p->free, frame);
		batch[n++] = (uint32_t)frame;
	}
	for (unsigned i = 0; i < n; i++)
		p->recent[i] = batch[n - 1 - i];
	p->recent_count = n;
}

/* Take the newest recent frame if it suits. */
static bool recent_take(struct pages *p, uint64_t align, uint64_t limit, uint64_t *out)
{
	uint32_t frame;

	if (!p->recent_count)
		recent_fill(p);
	if (!p->recent_count)
		return false;
	frame = p->recent[p->recent_count - 1];
	if (frame >= limit || frame % align)
		return false;
	p->recent_count--;
	*out = frame;
	return true;
}

/* First fit over the bitmap's free extents. */
static bool extent_take(struct pages *p, uint64_t want, uint64_t align, uint64_t limit,
			uint64_t *out)
{
	uint64_t first, end;

	p->lowest = bit_next(p->free, p->lowest, p->count, true);
	for (uint64_t at = p->lowest;; at = end) {
		first = bit_next(p->free, at, limit, true);
		first = (first + align - 1) & ~(align - 1);
		if (first >= limit || limit - first < want)
			return false;
		/* Rounding up may have left the extent: then it ends where it would begin. */
		end = bit_next(p->free, first, first + want, false);
		if (end == first + want)
			break;
	}
	for (uint64_t i = first; i < end; i++)
		bit_clear(p->free, i);
	*out = first;
	return true;
}

int pages_alloc(struct pages *p, uint64_t want, uint64_t align, uint64_t limit, uint64_t *out)
{
	uint64_t first;

	assert(align && !(align & (align - 1)));
	if (limit > p->count)
		limit = p->count;
	if (!want || want > p->count)
		return -ENOMEM;
	if (!(want == 1 && recent_take(p, align, limit, &first)) &&
	    !extent_take(p, want, align, limit, &first)) {
		/* What is missing may lie on the recent list. */
		recent_spill(p, p->recent_count);
		if (!extent_take(p, want, align, limit, &first))
			return -ENOMEM;
	}
	bits_set(p->used, first, first + want);
	p->allocated += want;
	*out = first;
	return 0;
}

bool pages_are_used(const struct pages *p, uint64_t first, uint64_t count)
{
	if (count == 0 || first >= p->count || count > p->count - first)
		return false;
	for (uint64_t i = first; i < first + count; i++)
		if (!bit_get(p->used, i))
			return false;
	return true;
}

void pages_free(struct pages *p, uint64_t first, uint64_t count)
{
	assert(first < p->count && count <= p->count - first);
	for (uint64_t i = first; i < first + count; i++) {
		assert(bit_get(p->used, i));
		bit_clear(p->used, i);
	}
	p->allocated -= count;
	if (count == 1) {
		if (p->recent_count == PAGES_RECENT_MAX)
			recent_spill(p, PAGES_RECENT_BATCH);
		p->recent[p->recent_count++] = (uint32_t)first;
		return;
	}
	bits_set(p->free, first, first + count);
	if (first < p->lowest)
		p->lowest = first;
}

/* How often @frame is on the recent list. */
static unsigned recent_times(const struct pages *p, uint64_t frame)
{
	unsigned times = 0;

	for (unsigned i = 0; i < p->recent_count; i++)
		times += p->recent[i] == frame;
	return times;
}

bool pages_check(const struct pages *p)
{
	uint64_t used = 0, free_frames = 0;

	if (p->recent_count > PAGES_RECENT_MAX)
		return false;
	for (unsigned i = 0; i < p->recent_count; i++) {
		const uint64_t frame = p->recent[i];

		if (!frame || frame >= p->count || recent_times(p, frame) != 1 ||
		    bit_get(p->used, frame) || bit_get(p->free, frame))
			return false;
	}
	for (uint64_t i = 0; i < words(p->count) * 64; i++) {
		const bool is_free = bit_get(p->free, i), is_used = bit_get(p->used, i);

		if ((is_free && is_used) || ((is_free || is_used) && (!i || i >= p->count)) ||
		    (is_free && i < p->lowest))
			return false;
		used += is_used;
		free_frames += is_free;
	}
	return used == p->allocated && used + free_frames + p->recent_count + 1 == p->count;
}

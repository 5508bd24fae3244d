/* SPDX-License-Identifier: MIT */
/* How a stream finds its pages: shared by stream.c and stream_many.c and nobody else. */
#ifndef IOTOLL_MRC_STREAM_IMPL_H
#define IOTOLL_MRC_STREAM_IMPL_H

#include "mrc/stream.h"

#define EVENTS_MAX (UINT32_MAX - 1)
#define PAGES_MAX  (MRC_NUMBER - 1)

static inline uint64_t mix(uint32_t tag, uint64_t pfn)
{
	const uint64_t x = (pfn ^ (uint64_t)tag << 40) * 0x9E3779B97F4A7C15u;

	return x ^ x >> 32;
}

/*
 * A slot holds a page's number + 1 and, above it, three bits of its hash, so that seven of eight
 * others that are in the way are told apart without looking at them. 0 is free.
 */
static inline uint32_t slot_number(uint32_t slot)
{
	return (slot & MRC_NUMBER) - 1; /* 0 - 1 is MRC_NEVER */
}

static inline uint32_t slot_bits(uint64_t mixed)
{
	return (uint32_t)(mixed >> 61) << MRC_KIND_SHIFT;
}

/* Where the first page with the bits of @mixed is, from @i on, or one would be. */
static inline size_t likely(const struct mrc_stream *s, uint64_t mixed, size_t i)
{
	const uint32_t bits = slot_bits(mixed), *slot = s->slot;
	const size_t last = s->slots - 1;

	for (i &= last; slot[i] && (slot[i] ^ bits) > MRC_NUMBER; i = (i + 1) & last)
		;
	return i;
}

/* Page @number, last used at @used, is accessed: was it invalidated since? */
static inline bool was_dropped(const struct mrc_stream *s, uint32_t number, uint32_t used)
{
	if (__builtin_expect(used >= s->any_dropped, 1))
		return used == MRC_NEVER;
	return used < s->all_dropped || used < s->tag_dropped[s->page_tag[number]];
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Page frame allocator, private to src/mem. A bitmap holds the free extents; above it lies a
 * short last-in first-out list of single frames, so that the frame freed last is handed out
 * next, still warm in a cache, as Linux's per-CPU lists do.
 */
#ifndef IOTOLL_MEM_PAGES_H
#define IOTOLL_MEM_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Single frames kept aside at most, and how many move to or from the bitmap at once. */
#define PAGES_RECENT_MAX   192u
#define PAGES_RECENT_BATCH 32u

struct pages {
	uint64_t count;     /* frames in all */
	uint64_t allocated; /* handed out */
	uint64_t lowest;    /* no free bit lies below this frame */
	uint64_t *free;     /* bit set: in a free extent */
	uint64_t *used;     /* bit set: handed out */
	unsigned recent_count;
	uint32_t recent[PAGES_RECENT_MAX]; /* in neither bitmap; the last one is the newest */
};

/* Frames [0, @count) are free, except frame 0, which is never handed out. 0 or -ENOMEM. */
int pages_init(struct pages *p, uint64_t count) MUST_CHECK;
void pages_fini(struct pages *p);
/*
 * @want contiguous frames, the first a multiple of @align (in frames, a power of two), all below
 * frame @limit. 0 and the first in *@out, or -ENOMEM.
 */
int pages_alloc(struct pages *p, uint64_t want, uint64_t align, uint64_t limit,
		uint64_t *out) MUST_CHECK;
/* Are all of [first, first + count), which is not empty, handed out? */
bool pages_are_used(const struct pages *p, uint64_t first, uint64_t count);
/* The reverse. Frames that are not handed out are a bug of the caller: asserted. */
void pages_free(struct pages *p, uint64_t first, uint64_t count);
/* Recompute every invariant from scratch. */
bool pages_check(const struct pages *p);

#endif

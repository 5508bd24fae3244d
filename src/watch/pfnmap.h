/* SPDX-License-Identifier: MIT */
/*
 * A hash table from page numbers to two words, for those who follow pages one by one: open
 * addressing with linear probing, at most half full, nothing allocated unless it grows. Slots move
 * when another key is deleted or the table grows: keep no slot pointer across those. Slot order is
 * hash order: walk it only for what does not depend on order.
 */
#ifndef IOTOLL_WATCH_PFNMAP_H
#define IOTOLL_WATCH_PFNMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PFNMAP_EMPTY UINT64_MAX /* no page has this number: 2^64 pages of 4096 bytes */

struct pfnmap_slot {
	uint64_t key; /* PFNMAP_EMPTY where there is none */
	uint64_t value[2];
};

struct pfnmap {
	struct pfnmap_slot *slot;
	size_t slots; /* a power of two */
	unsigned shift;
	size_t count;
};

/* An empty table with room for @room keys before it grows. 0 or -ENOMEM. */
int pfnmap_init(struct pfnmap *m, size_t room) MUST_CHECK;
void pfnmap_fini(struct pfnmap *m);
/* The slot of @key, NULL if it is not there. Changes nothing. */
struct pfnmap_slot *pfnmap_get(const struct pfnmap *m, uint64_t key);
/* The slot of @key, made with both values zero if it was not there. NULL when memory is short. */
struct pfnmap_slot *pfnmap_put(struct pfnmap *m, uint64_t key);
/* Forget the key in @slot, which pfnmap_get() or pfnmap_put() gave. */
void pfnmap_delete(struct pfnmap *m, struct pfnmap_slot *slot);

#endif

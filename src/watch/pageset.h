/* SPDX-License-Identifier: MIT */
/*
 * A set of page numbers, for those who ask of each page whether it is one of them: neighbours
 * share a word, words are in a hash table.
 */
#ifndef IOTOLL_WATCH_PAGESET_H
#define IOTOLL_WATCH_PAGESET_H

#include <stdbool.h>

#include "watch/pfnmap.h"

struct pageset {
	struct pfnmap words; /* number / 64: value[0] = a bit for each of the 64 */
	uint64_t count;
};

/* An empty set. 0 or -ENOMEM. */
int pageset_init(struct pageset *s) MUST_CHECK;
void pageset_fini(struct pageset *s);
bool pageset_has(const struct pageset *s, uint64_t page);
/* 1: now it is one of them; 0: it was; -ENOMEM. */
int pageset_add(struct pageset *s, uint64_t page);
/* Was it one of them? It is not any more. */
bool pageset_remove(struct pageset *s, uint64_t page);
/* Call @fn for each, in no order that means anything. @fn must not change the set. */
void pageset_each(const struct pageset *s, void (*fn)(void *ctx, uint64_t page), void *ctx);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A set of table entries, a bit for each, for guards that no modelled kernel has: so that an unmap
 * of what is not mapped is refused instead of believed. Host memory, free of charge.
 */
#ifndef IOTOLL_DMA_IOVA_ENTRY_SET_H
#define IOTOLL_DMA_IOVA_ENTRY_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct entry_set {
	uint64_t *word;
	uint64_t entries;
};

/* Empty, of @entries. 0 or -ENOMEM. */
int entry_set_init(struct entry_set *s, uint64_t entries) MUST_CHECK;
/* Allowed on a zeroed struct. */
void entry_set_fini(struct entry_set *s);
/* Put [first, first + count), which must lie in the table, in or out. */
void entry_set_put(struct entry_set *s, uint64_t first, uint64_t count, bool in);
/* How many of [first, first + count) are in, those past the table being out. */
uint64_t entry_set_count(const struct entry_set *s, uint64_t first, uint64_t count);

/* Are all of [first, first + count) in, and is that any? */
static inline bool entry_set_has_all(const struct entry_set *s, uint64_t first, uint64_t count)
{
	return count && first < s->entries && count <= s->entries - first &&
	       entry_set_count(s, first, count) == count;
}

#endif

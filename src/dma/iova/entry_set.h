/* SPDX-License-Identifier: MIT */
/*
 * A set of table entries, for guards that no modelled kernel has: so that an unmap of what is not
 * mapped is refused instead of believed. Host memory, free of charge.
 *
 * A byte for each entry: threads that have neighbouring entries write no word in common, and need
 * neither a lock nor an atomic instruction. Who changes an entry must be the one who has it; asking
 * is anybody's.
 */
#ifndef IOTOLL_DMA_IOVA_ENTRY_SET_H
#define IOTOLL_DMA_IOVA_ENTRY_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct entry_set {
	uint8_t *byte;
	uint64_t entries;
};

/* Empty, of @entries. 0 or -ENOMEM. */
int entry_set_init(struct entry_set *s, uint64_t entries) MUST_CHECK;
/* Allowed on a zeroed struct. */
void entry_set_fini(struct entry_set *s);
/* The bytes of [first, first + count), which must lie in the table, are @value. */
void entry_set_fill(struct entry_set *s, uint64_t first, uint64_t count, uint8_t value);
/* Do all of [first, first + count), which must lie in the table, have every bit of @mask? */
bool entry_set_all(const struct entry_set *s, uint64_t first, uint64_t count, uint8_t mask);
/* Is one of [first, first + count) in? Those past the table are not. */
bool entry_set_any(const struct entry_set *s, uint64_t first, uint64_t count);
/* How many of [first, first + count) are in, those past the table being out. */
uint64_t entry_set_count(const struct entry_set *s, uint64_t first, uint64_t count);

/* The first of [from, end) that is in, or @end. For checks, while nobody changes anything. */
uint64_t entry_set_next(const struct entry_set *s, uint64_t from, uint64_t end);

static inline uint8_t entry_set_byte(const struct entry_set *s, uint64_t i)
{
	return __atomic_load_n(&s->byte[i], __ATOMIC_RELAXED);
}

static inline void entry_set_store(struct entry_set *s, uint64_t i, uint8_t value)
{
	__atomic_store_n(&s->byte[i], value, __ATOMIC_RELAXED);
}

/* Put [first, first + count), which must lie in the table, in or out. */
static inline void entry_set_put(struct entry_set *s, uint64_t first, uint64_t count, bool in)
{
	if (count == 1)
		entry_set_store(s, first, in);
	else
		entry_set_fill(s, first, count, in);
}

/* Is one of [first, first + count) in? Those past the table are not. */
static inline bool entry_set_has_any(const struct entry_set *s, uint64_t first, uint64_t count)
{
	if (count == 1 && first < s->entries)
		return entry_set_byte(s, first) != 0;
	return entry_set_any(s, first, count);
}

/* Are all of [first, first + count) in, and is that any? */
static inline bool entry_set_has_all(const struct entry_set *s, uint64_t first, uint64_t count)
{
	return count && first < s->entries && count <= s->entries - first &&
	       entry_set_all(s, first, count, 1);
}

#endif

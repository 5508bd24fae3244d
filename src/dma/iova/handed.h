/* SPDX-License-Identifier: MIT */
/*
 * What an allocator of whole ranges has handed out, so that giving one back needs no look for the
 * range: a byte for each entry says where a range begins, of which class it is, and what of it
 * somebody holds. Guards and bookkeeping that no modelled kernel has in this form; free of charge.
 * A range's bytes are written by who has the range. Private to src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_HANDED_H
#define IOTOLL_DMA_IOVA_HANDED_H

#include "dma/iova/entry_set.h"
#include "dma_env.h"

#define HANDED_HELD   0x80u
#define HANDED_INSIDE 0x40u /* of a range, behind its first */
#define HANDED_CLASS  0x0Fu /* of a first one: its class + 1 */

struct handed {
	struct entry_set set;
	struct dma_quiet quiet; /* of ranges that come back in parts */
};

/* A piece of a range: where that begins, how long it is, what of it was given back. */
struct handed_part {
	uint64_t range, length;
	unsigned class;
	uint64_t count;
	bool last; /* nobody holds anything of it any more */
};

/* Nothing of @entries. 0 or -ENOMEM. */
int handed_init(struct handed *h, struct dma_env *env, uint64_t entries) MUST_CHECK;
/* Allowed on a zeroed struct. */
void handed_fini(struct handed *h);
/* @count entries at @first, held by nobody, are a range of @class (at most 14) from now on. */
static inline void handed_out(struct handed *h, uint64_t first, uint64_t count, unsigned class)
{
	entry_set_store(&h->set, first, (uint8_t)(HANDED_HELD | (class + 1)));
	if (count > 1)
		entry_set_fill(&h->set, first + 1, count - 1, HANDED_HELD | HANDED_INSIDE);
}

/* Is [first, first + count) held, all of it, and is that any? */
static inline bool handed_owns(const struct handed *h, uint64_t first, uint64_t count)
{
	if (first >= h->set.entries)
		return false;
	if (count == 1)
		return entry_set_byte(&h->set, first) & HANDED_HELD;
	return count && count <= h->set.entries - first &&
	       entry_set_all(&h->set, first, count, HANDED_HELD);
}

/*
 * Give back all of a range of a class whose ranges are 2^class long, or begin with such a part of
 * it that no more was asked for. False, and nothing has happened, if it is none of these.
 */
static inline bool handed_back(struct handed *h, uint64_t first, uint64_t count, unsigned class)
{
	if (entry_set_byte(&h->set, first) != (HANDED_HELD | (class + 1)) ||
	    (count != UINT64_C(1) << class &&
	     (entry_set_byte(&h->set, first + count) & HANDED_INSIDE)))
		return false;
	entry_set_put(&h->set, first, count, false);
	return true;
}

/* The same of a class whose ranges are as long as was asked for; @count > 1. */
bool handed_back_long(struct handed *h, uint64_t first, uint64_t count, unsigned class);
/* Give back as much of [first, first + count), which is held, as lies in one range. */
struct handed_part handed_back_part(struct handed *h, uint64_t first, uint64_t count);
/* Entries that are held. */
uint64_t handed_count(const struct handed *h);

#endif

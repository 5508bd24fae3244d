/* SPDX-License-Identifier: MIT */
/*
 * What the files of the IOTLB share: how it is kept, and how a slot is found. Private to
 * src/hw/iotlb*.c and what iotlb_hit.h puts into the models.
 */
#ifndef IOTOLL_HW_IOTLB_IMPL_H
#define IOTOLL_HW_IOTLB_IMPL_H

#include "base/rng.h"
#include "hw/iotlb.h"

/* Page numbers are shorter than this, so this marks an empty way. */
#define LINE_EMPTY UINT64_MAX
#define PFN_BITS   52
/* A line number leaves this much room above it for an order; lines have order 0 there. */
#define ORDER_SHIFT 58
#define ORDER_MAX   (PFN_BITS - 1)

/* Steps of one tag, for the stride prefetcher. */
struct iotlb_steps {
	uint64_t page;   /* the last one */
	uint64_t stride; /* from the one before it, modulo 2^64 */
	uint32_t tag;
	bool known, twice;
};

#define STEPS_HELD 16

/* Hints for each entry, so that lines of one set seldom share one. */
#define HINTS_PER_ENTRY 4u

/* Sets of more ways than this are found through an index instead of a search. */
#define SEARCHED_WAYS 8u

struct iotlb {
	/* What a hit needs comes first: two cache lines. */
	uint64_t *line;  /* [sets * ways] line number (order above), or LINE_EMPTY */
	uint32_t *tag;   /* [sets * ways] */
	uint64_t *entry; /* [sets * ways][line_pages] raw table entries, 0 = not held */
	uint64_t *state; /* [sets][words] the policy's */
	uint64_t clock;
	unsigned entries, sets, ways;
	unsigned line_pages, line_shift;
	uint64_t set_mask, page_mask; /* sets - 1, line_pages - 1 */
	bool low_bits;                /* of a line number pick its set */
	bool attended; /* somebody is told, or something fetched ahead: the slow path */
	bool stamps;   /* policy->stamps */
	bool four_plain, four_ways, others; /* what iotlb_spot() may be asked with */
	uint32_t *hint; /* [hint_mask + 1] by line number: the slot to look in first; or NULL */
	uint64_t hint_mask;
	uint64_t inserts;         /* of the clock's steps: the others are accesses */
	struct iotlb_stats stats; /* but hits: iotlb_stats() */
	uint32_t *index;          /* where a line is, for sets too large to search; else NULL */
	size_t index_mask;
	const struct iotlb_policy *policy;
	size_t words;

	unsigned *unfilled;           /* [sets] no way below this one is empty */
	unsigned valid;               /* lines and large pages held */
	unsigned held[ORDER_MAX + 1]; /* of them large pages, by order */
	uint64_t orders;              /* bit n: held[n] != 0 */
	bool *ahead; /* [sets * ways] fetched ahead and not used yet; NULL without prefetching */
	unsigned set_bits;       /* of each partition */
	unsigned partition_mask; /* of the tag */
	enum iotlb_index set_choice;
	enum iotlb_prefetch prefetch;
	bool trigger; /* the last access missed or first used what was fetched ahead */
	const struct iotlb_observer *observer;
	struct iotlb_steps steps[STEPS_HELD];
	struct rng rng;
	void (*drop)(void *ctx, uint32_t tag, uint64_t pfn);
	void *drop_ctx;
	void (*drop_large)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order);
	void *drop_large_ctx;
};

/* Set of (@tag, @line) where it is not simply the line's low bits. */
size_t iotlb_set_elsewhere(const struct iotlb *t, uint32_t tag, uint64_t line);

static inline size_t set_of(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	if (t->low_bits)
		return (size_t)(line & t->set_mask);
	return iotlb_set_elsewhere(t, tag, line);
}

/* First slot of the set that (@tag, @line) belongs to. */
static inline size_t set_base(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	return set_of(t, tag, line) * t->ways;
}

/* What a large page of @order around @pfn is kept as. */
static inline uint64_t large_line(uint64_t pfn, unsigned order)
{
	return pfn >> order | (uint64_t)order << ORDER_SHIFT;
}

static inline unsigned line_order(uint64_t line)
{
	return (unsigned)(line >> ORDER_SHIFT);
}

/* iotlb_index.c: what find_in() does, out of the index. */
ptrdiff_t iotlb_index_find(const struct iotlb *t, uint32_t tag, uint64_t line);
/* The same by looking at every way of the set whose first slot is @base. */
ptrdiff_t iotlb_search(const struct iotlb *t, size_t base, uint32_t tag, uint64_t line);
/* 0 or -ENOMEM. */
int iotlb_index_create(struct iotlb *t);
/* @slot was filled with a line that was not held. */
void iotlb_index_add(struct iotlb *t, size_t slot);
/* @slot is about to be emptied. */
void iotlb_index_remove(struct iotlb *t, size_t slot);

/* The slot of @set that holds (@tag, @line), or -1. */
static inline ptrdiff_t find_in(const struct iotlb *t, size_t set, uint32_t tag, uint64_t line)
{
	const uint64_t *in = &t->line[set * t->ways];
	size_t way = 0;

	if (t->index != NULL)
		return iotlb_index_find(t, tag, line);
	/*
	 * Which way holds a line cannot be foretold, so it is picked without a branch, by line
	 * number alone; where the one picked is another tag's, all are looked at.
	 */
	for (size_t i = 1; i < t->ways; i++)
		way = in[i] == line ? i : way;
	if (in[way] != line)
		return -1;
	if (t->tag[set * t->ways + way] == tag)
		return (ptrdiff_t)(set * t->ways + way);
	return iotlb_search(t, set * t->ways, tag, line);
}

/* @slot, with @line, has been used: where it is likely to be looked for again. */
static inline void leave_hint(struct iotlb *t, uint64_t line, size_t slot)
{
	if (t->hint != NULL)
		t->hint[line & t->hint_mask] = (uint32_t)slot;
}

/* The slot that holds (@tag, @line), or -1. */
static inline ptrdiff_t find(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	return t->entries == 0 ? -1 : find_in(t, set_of(t, tag, line), tag, line);
}

static inline uint64_t *slot_entries(const struct iotlb *t, size_t slot)
{
	return &t->entry[slot << t->line_shift];
}

static inline uint64_t held_entry(const struct iotlb *t, size_t slot, uint64_t pfn)
{
	return slot_entries(t, slot)[pfn & t->page_mask];
}

/* Way of @slot, which is in @set, was used. */
static inline void touch_way(struct iotlb *t, size_t set, size_t slot)
{
	if (t->stamps)
		t->state[slot] = t->clock;
	else
		t->policy->touch(&t->state[set * t->words], t->ways,
				 (unsigned)(slot - set * t->ways), t->clock);
}

/* Train the prefetcher with an access to @slot (-1: a miss) and tell the observer. */
void iotlb_attend(struct iotlb *t, uint32_t tag, uint64_t pfn, ptrdiff_t slot);
/* The slot that holds a large page around @pfn, of the smallest order, or -1. */
ptrdiff_t iotlb_find_large(const struct iotlb *t, uint32_t tag, uint64_t pfn);
/* Empty @slot, then tell of what it held. */
void iotlb_drop_slot(struct iotlb *t, size_t slot);
/* Tell that the entry of the 2^@order pages from @first went. */
void iotlb_tell_large(const struct iotlb *t, uint32_t tag, uint64_t first, unsigned order);

static inline bool iotlb_all_zero(const uint64_t *entries, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (entries[i] != 0)
			return false;
	return true;
}

#endif

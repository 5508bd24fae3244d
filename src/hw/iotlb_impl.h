/* SPDX-License-Identifier: MIT */
/*
 * What the files of the IOTLB share: how it is kept, and how a slot is found. Private to
 * src/hw/iotlb*.c.
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

struct iotlb {
	const struct iotlb_policy *policy;
	unsigned entries, sets, ways;
	unsigned line_pages, line_shift;
	unsigned valid;               /* lines and large pages held */
	unsigned held[ORDER_MAX + 1]; /* of them large pages, by order */
	uint64_t orders;              /* bit n: held[n] != 0 */
	uint64_t clock;
	uint64_t *line;  /* [sets * ways] line number (order above), or LINE_EMPTY */
	uint32_t *tag;   /* [sets * ways] */
	uint64_t *state; /* [sets][words] the policy's */
	size_t words;
	uint64_t *entry; /* [sets * ways][line_pages] raw table entries, 0 = not held */
	bool *ahead; /* [sets * ways] fetched ahead and not used yet; NULL without prefetching */
	unsigned set_bits;       /* of each partition */
	unsigned partition_mask; /* of the tag */
	enum iotlb_index index;
	enum iotlb_prefetch prefetch;
	bool low_bits; /* of a line number pick its set */
	bool attended; /* somebody is told, or something fetched ahead: the slow path */
	bool trigger;  /* the last access missed or first used what was fetched ahead */
	const struct iotlb_observer *observer;
	struct iotlb_steps steps[STEPS_HELD];
	struct rng rng;
	void (*drop)(void *ctx, uint32_t tag, uint64_t pfn);
	void *drop_ctx;
	void (*drop_large)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order);
	void *drop_large_ctx;
	struct iotlb_stats stats;
};

/* Set of (@tag, @line) where it is not simply the line's low bits. */
size_t iotlb_set_elsewhere(const struct iotlb *t, uint32_t tag, uint64_t line);

static inline size_t set_of(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	if (__builtin_expect(t->low_bits, 1))
		return (size_t)(line & (t->sets - 1));
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

/* The slot of @set that holds (@tag, @line), or -1. */
static inline ptrdiff_t find_in(const struct iotlb *t, size_t set, uint32_t tag, uint64_t line)
{
	const size_t base = set * t->ways;

	for (size_t i = base; i < base + t->ways; i++)
		if (t->line[i] == line && t->tag[i] == tag)
			return (ptrdiff_t)i;
	return -1;
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
	return slot_entries(t, slot)[pfn & (t->line_pages - 1)];
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

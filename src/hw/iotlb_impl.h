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
	uint64_t *stamp; /* [sets * ways] the policy's */
	uint64_t *entry; /* [sets * ways][line_pages] raw table entries, 0 = not held */
	struct rng rng;
	void (*drop)(void *ctx, uint32_t tag, uint64_t pfn);
	void *drop_ctx;
	void (*drop_large)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order);
	void *drop_large_ctx;
	struct iotlb_stats stats;
};

/* First slot of the set that @line belongs to. */
static inline size_t set_base(const struct iotlb *t, uint64_t line)
{
	return (size_t)(line & (t->sets - 1)) * t->ways;
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

/* The slot that holds (@tag, @line), or -1. */
static inline ptrdiff_t find(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	size_t base;

	if (t->entries == 0)
		return -1;
	base = set_base(t, line);
	for (size_t i = base; i < base + t->ways; i++)
		if (t->line[i] == line && t->tag[i] == tag)
			return (ptrdiff_t)i;
	return -1;
}

static inline uint64_t *slot_entries(const struct iotlb *t, size_t slot)
{
	return &t->entry[slot << t->line_shift];
}

static inline uint64_t held_entry(const struct iotlb *t, size_t slot, uint64_t pfn)
{
	return slot_entries(t, slot)[pfn & (t->line_pages - 1)];
}

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

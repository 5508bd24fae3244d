/* SPDX-License-Identifier: MIT */
/*
 * An access that hits a page of a line, taken apart so that a model's translation is one function
 * down to the answer. For src/hw alone.
 *
 * A model asks iotlb_spot() first, which changes nothing, looks whether what it finds grants the
 * access, and then says iotlb_spotted(). Where either says no, it takes the general way from the
 * start, as if it had not asked: the two together are one iotlb_access() that hits.
 */
#ifndef IOTOLL_HW_IOTLB_HIT_H
#define IOTOLL_HW_IOTLB_HIT_H

#include "hw/iotlb_impl.h"

#define IOTLB_LIKELY(x) __builtin_expect(x, 1)

/* iotlb.c: iotlb_spot() for other geometries, and iotlb_spotted() under other policies. */
ptrdiff_t iotlb_spot_elsewhere(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry);
void iotlb_touch_slot(struct iotlb *t, size_t slot);

/*
 * The slot whose line answers for page @pfn of @tag with *@entry (not 0), or -1: not held as a page
 * of a line, or somebody is to be told of the access. In line are four ways in sets by low bits.
 * Which of them holds a line cannot be foretold, so it is picked without a branch, by line number
 * alone; where the one picked is another tag's, that is a "no".
 */
static inline ptrdiff_t iotlb_spot(const struct iotlb *t, uint32_t tag, uint64_t pfn,
				   uint64_t *entry)
{
	const uint64_t line = pfn >> t->line_shift;
	size_t slot = (size_t)(line & t->set_mask) * 4;
	const uint64_t *in;
	bool third;

	if (!IOTLB_LIKELY(t->straight))
		return t->spots ? iotlb_spot_elsewhere(t, tag, pfn, entry) : -1;
	in = &t->line[slot];
	third = in[3] == line;
	slot |= (size_t)((in[1] == line) | third) | (size_t)((in[2] == line) | third) << 1;
	if (!IOTLB_LIKELY(t->line[slot] == line && t->tag[slot] == tag))
		return -1;
	*entry = held_entry(t, slot, pfn);
	return IOTLB_LIKELY(*entry != 0) ? (ptrdiff_t)slot : -1;
}

/* The access that iotlb_spot() answered with @slot takes place. */
static inline void iotlb_spotted(struct iotlb *t, ptrdiff_t slot)
{
	t->clock++;
	t->stats.hits++;
	if (IOTLB_LIKELY(t->stamps))
		t->state[slot] = t->clock;
	else
		iotlb_touch_slot(t, (size_t)slot);
}

#endif

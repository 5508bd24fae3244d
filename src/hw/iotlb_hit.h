/* SPDX-License-Identifier: MIT */
/*
 * An access that hits a page of a line, taken apart so that a model's translation is one function
 * down to the answer. For src/hw alone.
 *
 * A model asks iotlb_spot() first, which changes nothing, looks whether what it finds grants the
 * access, and then says iotlb_spotted(). Where either says no, it takes the general way from the
 * start, as if it had not asked: the two together are one iotlb_access() that hits.
 *
 * It does so twice, in two functions: one for sets of four ways, in line and with no call, so that
 * no registers are saved; and out of line, where that says no, for all other geometries.
 */
#ifndef IOTOLL_HW_IOTLB_HIT_H
#define IOTOLL_HW_IOTLB_HIT_H

#include "hw/iotlb_impl.h"

#define IOTLB_ALWAYS_INLINE inline __attribute__((always_inline))
#define IOTLB_LIKELY(x)     __builtin_expect(x, 1)

enum iotlb_sets {
	IOTLB_FOUR_PLAIN, /* in sets by low bits, lines of one page, a policy that stamps */
	IOTLB_FOUR_WAYS,  /* in sets by low bits */
	IOTLB_OTHERS,
};

/* iotlb.c: iotlb_spot() for IOTLB_OTHERS, and iotlb_spotted() under other policies. */
ptrdiff_t iotlb_spot_other(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry);
void iotlb_touch_slot(struct iotlb *t, size_t slot);

/* May iotlb_spot() be asked with @sets? Not where somebody is to be told of each access. */
static inline bool iotlb_has(const struct iotlb *t, enum iotlb_sets sets)
{
	return sets == IOTLB_FOUR_PLAIN  ? t->four_plain
	       : sets == IOTLB_FOUR_WAYS ? t->four_ways
					 : t->others;
}

/*
 * Looks in one slot only: the one in which a line with these low bits was last seen. Where that has
 * another line's or tag's, it is a "no", and who then looks in all ways leaves a better hint.
 */
static IOTLB_ALWAYS_INLINE ptrdiff_t iotlb_spot_four(const struct iotlb *t, enum iotlb_sets sets,
						     uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	const uint64_t line = sets == IOTLB_FOUR_PLAIN ? pfn : pfn >> t->line_shift;
	const size_t slot = t->hint[line & t->hint_mask];

	if (!IOTLB_LIKELY(t->line[slot] == line && t->tag[slot] == tag))
		return -1;
	*entry = sets == IOTLB_FOUR_PLAIN ? t->entry[slot] : held_entry(t, slot, pfn);
	return (ptrdiff_t)slot;
}

/*
 * Only where iotlb_has(@t, @sets). The slot whose line answers for page @pfn of @tag, with *@entry,
 * 0 if it does not hold that page; or -1: not held as a page of a line.
 */
static IOTLB_ALWAYS_INLINE ptrdiff_t iotlb_spot(const struct iotlb *t, enum iotlb_sets sets,
						uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	return sets != IOTLB_OTHERS ? iotlb_spot_four(t, sets, tag, pfn, entry)
				    : iotlb_spot_other(t, tag, pfn, entry);
}

/* The access that iotlb_spot() answered with @slot takes place. */
static inline void iotlb_spotted(struct iotlb *t, enum iotlb_sets sets, ptrdiff_t slot)
{
	t->clock++;
	if (sets == IOTLB_OTHERS)
		leave_hint(t, t->line[slot], (size_t)slot);
	if (sets == IOTLB_FOUR_PLAIN || IOTLB_LIKELY(t->stamps))
		t->state[slot] = t->clock;
	else
		iotlb_touch_slot(t, (size_t)slot);
}

#endif

// SPDX-License-Identifier: MIT
/*
 * Where a line is, when sets are too large to be searched: an open-addressed table of slot numbers
 * by (tag, line), twice as large as the IOTLB at the least, probed linearly. What is removed is
 * closed up behind (D. E. Knuth, The Art of Computer Programming 3, section 6.4, algorithm R), so
 * nothing has to be rebuilt, and what the table finds depends on what is held, never on the order
 * in which it came. It says where to look; what stands there is compared all the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/iotlb_impl.h"

/* Cells hold slot + 1; 0 is an empty one. */
#define NO_SLOT 0u

static size_t home_of(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	const uint64_t mixed =
		(line ^ (uint64_t)tag << 29) * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / phi */

	return (size_t)(mixed >> 32) & t->index_mask;
}

int iotlb_index_create(struct iotlb *t)
{
	size_t cells = 1;

	while (cells < (size_t)t->entries * 2)
		cells *= 2;
	t->index_mask = cells - 1;
	t->index = calloc(cells, sizeof(*t->index));
	return t->index != NULL ? 0 : -ENOMEM;
}

ptrdiff_t iotlb_index_find(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	for (size_t at = home_of(t, tag, line); t->index[at] != NO_SLOT;
	     at = (at + 1) & t->index_mask) {
		const size_t slot = t->index[at] - 1;

		if (t->line[slot] == line && t->tag[slot] == tag)
			return (ptrdiff_t)slot;
	}
	return -1;
}

ptrdiff_t iotlb_search(const struct iotlb *t, size_t base, uint32_t tag, uint64_t line)
{
	for (size_t slot = base; slot < base + t->ways; slot++)
		if (t->line[slot] == line && t->tag[slot] == tag)
			return (ptrdiff_t)slot;
	return -1;
}

void iotlb_index_add(struct iotlb *t, size_t slot)
{
	size_t at = home_of(t, t->tag[slot], t->line[slot]);

	while (t->index[at] != NO_SLOT)
		at = (at + 1) & t->index_mask;
	t->index[at] = (uint32_t)slot + 1;
}

void iotlb_index_remove(struct iotlb *t, size_t slot)
{
	const size_t mask = t->index_mask;
	size_t hole = home_of(t, t->tag[slot], t->line[slot]);

	while (t->index[hole] != (uint32_t)slot + 1)
		hole = (hole + 1) & mask;
	for (size_t at = (hole + 1) & mask; t->index[at] != NO_SLOT; at = (at + 1) & mask) {
		const size_t held = t->index[at] - 1;
		const size_t home = home_of(t, t->tag[held], t->line[held]);

		/* It may move to the hole unless its home lies behind that. */
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		t->index[hole] = t->index[at];
		hole = at;
	}
	t->index[hole] = NO_SLOT;
}

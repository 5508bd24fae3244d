// SPDX-License-Identifier: MIT
/*
 * What leaves the IOTLB: one slot and who is told, and the invalidations that IOMMUs know (a page,
 * a range, a tag, everything).
 */
#include "hw/iotlb_impl.h"

ptrdiff_t iotlb_find_large(const struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	for (uint64_t left = t->orders; left != 0; left &= left - 1) {
		ptrdiff_t slot = find(t, tag, large_line(pfn, (unsigned)__builtin_ctzll(left)));

		if (slot >= 0)
			return slot;
	}
	return -1;
}

void iotlb_tell_large(const struct iotlb *t, uint32_t tag, uint64_t first, unsigned order)
{
	if (t->drop_large != NULL) {
		t->drop_large(t->drop_large_ctx, tag, first, order);
		return;
	}
	for (uint64_t i = 0; t->drop != NULL && i < (uint64_t)1 << order; i++)
		t->drop(t->drop_ctx, tag, first + i);
}

/* Nothing is held there from now on; the entries stay to be told of. */
static void empty_slot(struct iotlb *t, size_t slot)
{
	const size_t set = slot / t->ways;
	const unsigned way = (unsigned)(slot - set * t->ways);

	if (t->index != NULL)
		iotlb_index_remove(t, slot);
	t->line[slot] = LINE_EMPTY;
	t->valid--;
	if (way < t->unfilled[set])
		t->unfilled[set] = way;
}

static void drop_large(struct iotlb *t, size_t slot)
{
	unsigned order = line_order(t->line[slot]);
	uint64_t first = (t->line[slot] & (((uint64_t)1 << PFN_BITS) - 1)) << order;

	empty_slot(t, slot);
	if (--t->held[order] == 0)
		t->orders &= ~((uint64_t)1 << order);
	iotlb_tell_large(t, t->tag[slot], first, order);
}

void iotlb_drop_slot(struct iotlb *t, size_t slot)
{
	uint64_t first = t->line[slot] << t->line_shift;
	const uint64_t *entry = slot_entries(t, slot);

	if (line_order(t->line[slot]) != 0) {
		drop_large(t, slot);
		return;
	}
	empty_slot(t, slot);
	if (t->drop == NULL)
		return;
	for (unsigned i = 0; i < t->line_pages; i++)
		if (entry[i] != 0)
			t->drop(t->drop_ctx, t->tag[slot], first + i);
}

bool iotlb_invalidate(struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	ptrdiff_t slot = find(t, tag, pfn >> t->line_shift);
	unsigned n = 0;

	if (t->observer != NULL && t->observer->invalidated != NULL)
		t->observer->invalidated(t->observer->ctx, t, tag, pfn, 1);
	if (slot < 0)
		slot = iotlb_find_large(t, tag, pfn);
	for (; slot >= 0; slot = iotlb_find_large(t, tag, pfn)) {
		iotlb_drop_slot(t, (size_t)slot);
		n++;
	}
	t->stats.invalidated += n;
	return n != 0;
}

bool iotlb_invalidate_page(struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	const ptrdiff_t slot = find(t, tag, pfn >> t->line_shift);
	uint64_t *entries, entry;

	if (t->observer != NULL && t->observer->invalidated != NULL)
		t->observer->invalidated(t->observer->ctx, t, tag, pfn, 1);
	if (slot < 0)
		return false;
	entries = slot_entries(t, (size_t)slot);
	entry = entries[pfn & t->page_mask];
	if (entry == 0)
		return false;
	entries[pfn & t->page_mask] = 0;
	if (iotlb_all_zero(entries, t->line_pages)) {
		entries[pfn & t->page_mask] = entry; /* told of with the line */
		iotlb_drop_slot(t, (size_t)slot);
		t->stats.invalidated++;
	} else if (t->drop != NULL) {
		t->drop(t->drop_ctx, tag, pfn);
	}
	return true;
}

/* Drop what is kept under the numbers of [@first, @last], taken @shift bits down, at @order. */
static unsigned drop_numbers(struct iotlb *t, uint32_t tag, uint64_t first, uint64_t last,
			     unsigned shift, unsigned order)
{
	unsigned n = 0;

	for (uint64_t number = first >> shift; number <= last >> shift; number++) {
		ptrdiff_t slot = find(t, tag, number | (uint64_t)order << ORDER_SHIFT);

		if (slot < 0)
			continue;
		iotlb_drop_slot(t, (size_t)slot);
		n++;
	}
	return n;
}

/* The same by looking at every slot. */
static unsigned drop_overlapping(struct iotlb *t, uint32_t tag, uint64_t first, uint64_t last)
{
	unsigned n = 0;

	for (size_t slot = 0; slot < t->entries; slot++) {
		uint64_t line = t->line[slot], number = line & (((uint64_t)1 << PFN_BITS) - 1);
		unsigned shift = line_order(line) != 0 ? line_order(line) : t->line_shift;

		if (line == LINE_EMPTY || t->tag[slot] != tag || number < first >> shift ||
		    number > last >> shift)
			continue;
		iotlb_drop_slot(t, slot);
		n++;
	}
	return n;
}

unsigned iotlb_invalidate_range(struct iotlb *t, uint32_t tag, uint64_t first, uint64_t pages)
{
	const uint64_t top = ((uint64_t)1 << PFN_BITS) - 1;
	uint64_t last;
	unsigned n;

	if (t->observer != NULL && t->observer->invalidated != NULL)
		t->observer->invalidated(t->observer->ctx, t, tag, first, pages);
	if (pages == 0 || first > top || t->entries == 0)
		return 0;
	last = pages - 1 > top - first ? top : first + pages - 1;
	if ((last >> t->line_shift) - (first >> t->line_shift) >= t->sets) {
		n = drop_overlapping(t, tag, first, last);
	} else {
		n = drop_numbers(t, tag, first, last, t->line_shift, 0);
		for (uint64_t left = t->orders; left != 0; left &= left - 1) {
			unsigned order = (unsigned)__builtin_ctzll(left);

			n += drop_numbers(t, tag, first, last, order, order);
		}
	}
	t->stats.invalidated += n;
	return n;
}

unsigned iotlb_invalidate_alike(struct iotlb *t, uint32_t tag, uint64_t first, uint64_t pages,
				uint64_t bits)
{
	unsigned n = 0;

	if (t->observer != NULL && t->observer->invalidated != NULL)
		t->observer->invalidated(t->observer->ctx, t, tag, first, pages);
	for (size_t slot = 0; slot < t->entries; slot++) {
		uint64_t line = t->line[slot], number = line & (((uint64_t)1 << PFN_BITS) - 1);
		unsigned shift = line_order(line) != 0 ? line_order(line) : t->line_shift;
		uint64_t same = bits & ~(pages - 1) & ~(((uint64_t)1 << shift) - 1);

		if (line == LINE_EMPTY || t->tag[slot] != tag ||
		    ((number << shift ^ first) & same) != 0)
			continue;
		iotlb_drop_slot(t, slot);
		n++;
	}
	t->stats.invalidated += n;
	return n;
}

unsigned iotlb_invalidate_tag(struct iotlb *t, uint32_t tag)
{
	unsigned n = 0;

	if (t->observer != NULL && t->observer->invalidated_tag != NULL)
		t->observer->invalidated_tag(t->observer->ctx, t, tag);
	for (size_t slot = 0; slot < t->entries; slot++) {
		if (t->line[slot] == LINE_EMPTY || t->tag[slot] != tag)
			continue;
		iotlb_drop_slot(t, slot);
		n++;
	}
	t->stats.invalidated += n;
	return n;
}

void iotlb_invalidate_all(struct iotlb *t)
{
	if (t->observer != NULL && t->observer->invalidated_all != NULL)
		t->observer->invalidated_all(t->observer->ctx, t);
	t->stats.flushes++;
	t->stats.invalidated += t->valid;
	for (size_t slot = 0; t->valid != 0; slot++)
		if (t->line[slot] != LINE_EMPTY)
			iotlb_drop_slot(t, slot);
}

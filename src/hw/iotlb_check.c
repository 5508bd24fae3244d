// SPDX-License-Identifier: MIT
/* The invariants of the IOTLB, recomputed from scratch. */
#include "hw/iotlb_impl.h"

/* Is the slot's content what may stand there? */
static bool check_slot(const struct iotlb *t, size_t slot)
{
	size_t base = slot / t->ways * t->ways;

	if (set_base(t, t->tag[slot], t->line[slot]) != base)
		return false;
	if (iotlb_all_zero(slot_entries(t, slot), t->line_pages))
		return false;
	for (size_t other = slot + 1; other < base + t->ways; other++)
		if (t->line[other] == t->line[slot] && t->tag[other] == t->tag[slot])
			return false;
	return true;
}

/* Does the index lead to every slot that holds something, and nowhere else? */
static bool check_index(const struct iotlb *t)
{
	size_t cells = 0;

	if (t->index == NULL)
		return t->ways <= SEARCHED_WAYS;
	for (size_t at = 0; at <= t->index_mask; at++)
		cells += t->index[at] != 0;
	for (size_t slot = 0; slot < t->entries; slot++)
		if (t->line[slot] != LINE_EMPTY &&
		    iotlb_index_find(t, t->tag[slot], t->line[slot]) != (ptrdiff_t)slot)
			return false;
	return cells == t->valid;
}

/* Is no way empty below the one from which empty ones are looked for? */
static bool check_unfilled(const struct iotlb *t)
{
	for (size_t set = 0; set < t->sets; set++)
		for (size_t way = 0; way < t->unfilled[set]; way++)
			if (t->line[set * t->ways + way] == LINE_EMPTY)
				return false;
	return true;
}

bool iotlb_check(const struct iotlb *t)
{
	unsigned valid = 0, held[ORDER_MAX + 1] = {0};

	for (size_t slot = 0; slot < t->entries; slot++) {
		if (t->line[slot] == LINE_EMPTY)
			continue;
		valid++;
		if (line_order(t->line[slot]) != 0)
			held[line_order(t->line[slot])]++;
		if (!check_slot(t, slot))
			return false;
	}
	for (unsigned order = 0; order <= ORDER_MAX; order++)
		if (held[order] != t->held[order] || (held[order] != 0) != (t->orders >> order & 1))
			return false;
	for (size_t set = 0; set < t->sets; set++)
		if (!t->policy->check(&t->state[set * t->words], t->ways, t->clock))
			return false;
	return check_index(t) && check_unfilled(t) && valid == t->valid && valid <= t->entries &&
	       t->stats.invalidated + t->stats.evictions <= t->clock;
}

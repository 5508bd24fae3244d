/* SPDX-License-Identifier: MIT */
/* See handed.h. */
#include "dma/iova/handed.h"

int handed_init(struct handed *h, struct dma_env *env, uint64_t entries)
{
	(void)env;
	env_quiet_init(&h->quiet);
	return entry_set_init(&h->set, entries);
}

void handed_fini(struct handed *h)
{
	if (!h->set.entries)
		return;
	env_quiet_fini(&h->quiet);
	entry_set_fini(&h->set);
}

static bool is_inside(const struct handed *h, uint64_t i)
{
	return i < h->set.entries && (entry_set_byte(&h->set, i) & HANDED_INSIDE);
}

bool handed_back_long(struct handed *h, uint64_t first, uint64_t count, unsigned class)
{
	if (entry_set_byte(&h->set, first) != (HANDED_HELD | (class + 1)) ||
	    is_inside(h, first + count) ||
	    !entry_set_all(&h->set, first + 1, count - 1, HANDED_HELD | HANDED_INSIDE))
		return false;
	entry_set_fill(&h->set, first, count, 0);
	return true;
}

static bool any_held(const struct handed *h, uint64_t first, uint64_t end)
{
	while (first < end && !(entry_set_byte(&h->set, first) & HANDED_HELD))
		first++;
	return first < end;
}

/* Two parts of one range may come back at once. */
struct handed_part handed_back_part(struct handed *h, uint64_t first, uint64_t count)
{
	struct handed_part part = {.range = first};
	uint64_t end = first + 1;

	env_quiet_lock(&h->quiet);
	while (is_inside(h, part.range))
		part.range--;
	while (is_inside(h, end))
		end++;
	part.length = end - part.range;
	part.class = (entry_set_byte(&h->set, part.range) & HANDED_CLASS) - 1;
	part.count = count < end - first ? count : end - first;
	for (uint64_t i = first; i < first + part.count; i++)
		entry_set_store(&h->set, i, entry_set_byte(&h->set, i) & (uint8_t)~HANDED_HELD);
	part.last = !any_held(h, part.range, end);
	if (part.last)
		entry_set_fill(&h->set, part.range, part.length, 0);
	env_quiet_unlock(&h->quiet);
	return part;
}

uint64_t handed_count(const struct handed *h)
{
	const uint64_t end = h->set.entries;
	uint64_t sum = 0;

	for (uint64_t i = entry_set_next(&h->set, 0, end); i < end;
	     i = entry_set_next(&h->set, i + 1, end))
		sum += (entry_set_byte(&h->set, i) & HANDED_HELD) != 0;
	return sum;
}

/* SPDX-License-Identifier: MIT */
/* The set of pageset.h. A word that has become zero stays: its pages are likely to come back. */
#include "watch/pageset.h"

#include <errno.h>

static uint64_t bit_of(uint64_t page)
{
	return UINT64_C(1) << (page & 63);
}

int pageset_init(struct pageset *s)
{
	s->count = 0;
	return pfnmap_init(&s->words, 256);
}

void pageset_fini(struct pageset *s)
{
	pfnmap_fini(&s->words);
}

bool pageset_has(const struct pageset *s, uint64_t page)
{
	const struct pfnmap_slot *w = pfnmap_get(&s->words, page >> 6);

	return w && w->value[0] & bit_of(page);
}

int pageset_add(struct pageset *s, uint64_t page)
{
	struct pfnmap_slot *w = pfnmap_put(&s->words, page >> 6);

	if (!w)
		return -ENOMEM;
	if (w->value[0] & bit_of(page))
		return 0;
	w->value[0] |= bit_of(page);
	s->count++;
	return 1;
}

bool pageset_remove(struct pageset *s, uint64_t page)
{
	struct pfnmap_slot *w = pfnmap_get(&s->words, page >> 6);

	if (!w || !(w->value[0] & bit_of(page)))
		return false;
	w->value[0] &= ~bit_of(page);
	s->count--;
	return true;
}

void pageset_each(const struct pageset *s, void (*fn)(void *ctx, uint64_t page), void *ctx)
{
	for (size_t i = 0; i < s->words.slots; i++) {
		const struct pfnmap_slot *w = &s->words.slot[i];

		if (w->key == PFNMAP_EMPTY)
			continue;
		for (uint64_t left = w->value[0]; left; left &= left - 1)
			fn(ctx, w->key << 6 | (uint64_t)__builtin_ctzll(left));
	}
}

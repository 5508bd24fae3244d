// SPDX-License-Identifier: MIT
/*
 * The page-number table of pfnmap.h. Multiplicative hashing by the golden ratio (Knuth, The Art of
 * Computer Programming 3, 6.4) spreads the consecutive numbers an I/O address allocator gives out;
 * deletion shifts the run back (his algorithm 6.4R), so there are no tombstones to collect.
 */
#include "watch/pfnmap.h"

#include <errno.h>
#include <stdlib.h>

static size_t pfnmap_home(const struct pfnmap *m, uint64_t key)
{
	return (size_t)((key * 0x9E3779B97F4A7C15ull) >> m->shift);
}

static int pfnmap_make(struct pfnmap *m, unsigned bits)
{
	const size_t slots = (size_t)1 << bits;
	struct pfnmap_slot *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < slots; i++)
		slot[i].key = PFNMAP_EMPTY;
	*m = (struct pfnmap){.slot = slot, .slots = slots, .shift = 64 - bits};
	return 0;
}

int pfnmap_init(struct pfnmap *m, size_t room)
{
	unsigned bits = 4;

	while (bits < 40 && ((size_t)1 << bits) < 2 * room)
		bits++;
	return pfnmap_make(m, bits);
}

void pfnmap_fini(struct pfnmap *m)
{
	free(m->slot);
	*m = (struct pfnmap){0};
}

/* The slot that holds @key, or the empty one where it would go. */
static struct pfnmap_slot *pfnmap_find(const struct pfnmap *m, uint64_t key)
{
	size_t i = pfnmap_home(m, key);

	while (m->slot[i].key != key && m->slot[i].key != PFNMAP_EMPTY)
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

struct pfnmap_slot *pfnmap_get(const struct pfnmap *m, uint64_t key)
{
	struct pfnmap_slot *s;

	if (m->count == 0)
		return NULL;
	s = pfnmap_find(m, key);
	return s->key == PFNMAP_EMPTY ? NULL : s;
}

static int pfnmap_grow(struct pfnmap *m)
{
	struct pfnmap bigger;
	const int rc = pfnmap_make(&bigger, 64 - m->shift + 1);

	if (rc)
		return rc;
	for (size_t i = 0; i < m->slots; i++)
		if (m->slot[i].key != PFNMAP_EMPTY)
			*pfnmap_find(&bigger, m->slot[i].key) = m->slot[i];
	bigger.count = m->count;
	free(m->slot);
	*m = bigger;
	return 0;
}

struct pfnmap_slot *pfnmap_put(struct pfnmap *m, uint64_t key)
{
	struct pfnmap_slot *s;

	if (key == PFNMAP_EMPTY)
		return NULL;
	s = pfnmap_find(m, key);
	if (s->key == key)
		return s;
	if (2 * (m->count + 1) > m->slots) {
		if (pfnmap_grow(m))
			return NULL;
		s = pfnmap_find(m, key);
	}
	*s = (struct pfnmap_slot){.key = key};
	m->count++;
	return s;
}

void pfnmap_delete(struct pfnmap *m, struct pfnmap_slot *slot)
{
	const size_t mask = m->slots - 1;
	size_t hole = (size_t)(slot - m->slot);
	size_t i = hole;

	for (;;) {
		size_t home;

		i = (i + 1) & mask;
		if (m->slot[i].key == PFNMAP_EMPTY)
			break;
		home = pfnmap_home(m, m->slot[i].key);
		/* It may move into the hole only if its own run reaches back that far. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slot[hole] = m->slot[i];
			hole = i;
		}
	}
	m->slot[hole].key = PFNMAP_EMPTY;
	m->count--;
}

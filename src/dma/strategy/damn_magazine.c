/* SPDX-License-Identifier: MIT */
/* See damn_magazine.h. */
#include "dma/strategy/damn_magazine.h"

#define LINE_BYTES 64u
#define PAGE_LINES (4096u / LINE_BYTES)

_Static_assert((DAMN_MAGAZINE + 1) * sizeof(uint32_t) == LINE_BYTES, "a magazine is a line");

struct damn_block {
	struct damn_block *next;
	iotoll_phys_t lines;
	struct damn_magazine magazine[PAGE_LINES];
};

void damn_store_init(struct damn_store *s, struct dma_env *env)
{
	*s = (struct damn_store){.env = env};
	env_quiet_init(&s->quiet);
}

void damn_store_fini(struct damn_store *s)
{
	while (s->blocks) {
		struct damn_block *b = s->blocks;

		s->blocks = b->next;
		env_free_pages(s->env, b->lines, 1);
		free(b);
	}
	env_quiet_fini(&s->quiet);
}

static void more(struct damn_store *s)
{
	struct damn_block *b = calloc(1, sizeof(*b));

	if (!b || env_alloc_pages(s->env, 1, 4096, 0, &b->lines)) {
		free(b);
		return;
	}
	b->next = s->blocks;
	s->blocks = b;
	for (unsigned i = PAGE_LINES; i-- > 0;) {
		b->magazine[i].line = IOTOLL_PHYS_U64(b->lines) + (uint64_t)i * LINE_BYTES;
		b->magazine[i].next = s->spare;
		s->spare = &b->magazine[i];
	}
}

static struct damn_magazine *new_magazine(struct damn_store *s)
{
	struct damn_magazine *m;

	env_quiet_lock(&s->quiet);
	if (!s->spare)
		more(s);
	m = s->spare;
	if (m)
		s->spare = m->next;
	env_quiet_unlock(&s->quiet);
	return m;
}

static void touch(const struct damn_depot *depot, const struct damn_magazine *m)
{
	env_touch(depot->store->env, IOTOLL_PHYS(m->line), LINE_BYTES, true);
}

static void swap(struct damn_pair *p)
{
	struct damn_magazine *m = p->loaded;

	p->loaded = p->previous;
	p->previous = m;
}

/* A full one from the depot for an empty one, which @p has loaded from then on. */
static bool take_full(struct damn_pair *p, struct damn_depot *depot)
{
	struct damn_magazine *full;

	env_lock(depot->store->env, &depot->lock);
	full = depot->full;
	if (full) {
		touch(depot, full);
		depot->full = full->next;
		if (p->previous) {
			p->previous->next = depot->empty;
			depot->empty = p->previous;
		}
		p->previous = p->loaded;
		p->loaded = full;
	}
	env_unlock(depot->store->env, &depot->lock);
	return full != NULL;
}

/* And the other way round. */
static bool take_empty(struct damn_pair *p, struct damn_depot *depot)
{
	struct damn_magazine *empty;

	env_lock(depot->store->env, &depot->lock);
	empty = depot->empty;
	if (empty)
		depot->empty = empty->next;
	else
		empty = new_magazine(depot->store);
	if (empty) {
		touch(depot, empty);
		if (p->previous) {
			touch(depot, p->previous);
			p->previous->next = depot->full;
			depot->full = p->previous;
		}
		p->previous = p->loaded;
		p->loaded = empty;
	}
	env_unlock(depot->store->env, &depot->lock);
	return empty != NULL;
}

bool damn_get(struct damn_pair *p, struct damn_depot *depot, uint64_t *chunk)
{
	if (!p->loaded || !p->loaded->count) {
		if (p->previous && p->previous->count)
			swap(p);
		else if (!take_full(p, depot))
			return false;
	}
	touch(depot, p->loaded);
	*chunk = p->loaded->chunk[--p->loaded->count];
	return true;
}

bool damn_put(struct damn_pair *p, struct damn_depot *depot, uint64_t chunk)
{
	if (!p->loaded || p->loaded->count == DAMN_MAGAZINE) {
		if (p->previous && p->previous->count < DAMN_MAGAZINE)
			swap(p);
		else if (!take_empty(p, depot))
			return false;
	}
	touch(depot, p->loaded);
	p->loaded->chunk[p->loaded->count++] = (uint32_t)chunk;
	return true;
}

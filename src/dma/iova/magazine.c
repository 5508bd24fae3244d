/* SPDX-License-Identifier: MIT */
/* See magazine.h. */
#include "dma/iova/magazine.h"

#define FRAME_BYTES    4096u
#define MAGAZINE_BYTES 1024u
#define PER_FRAME      (FRAME_BYTES / MAGAZINE_BYTES)

struct magazine_batch {
	struct magazine_batch *next;
	iotoll_phys_t frame;
	struct magazine magazine[PER_FRAME];
};

void magazine_store_init(struct magazine_store *s, struct dma_env *env)
{
	*s = (struct magazine_store){.env = env};
}

void magazine_store_fini(struct magazine_store *s)
{
	while (s->batches) {
		struct magazine_batch *batch = s->batches;

		s->batches = batch->next;
		env_free_pages(s->env, batch->frame, 1);
		free(batch);
	}
	s->spare = NULL;
}

/* The slab allocator's own work is not modelled, nor charged. */
static void grow(struct magazine_store *s)
{
	struct magazine_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return;
	if (env_alloc_pages(s->env, 1, FRAME_BYTES, 0, &batch->frame)) {
		free(batch);
		return;
	}
	batch->next = s->batches;
	s->batches = batch;
	for (unsigned i = PER_FRAME; i-- > 0;) {
		batch->magazine[i].paddr =
			IOTOLL_PHYS(IOTOLL_PHYS_U64(batch->frame) + i * MAGAZINE_BYTES);
		magazine_free(s, &batch->magazine[i]);
	}
}

struct magazine *magazine_new(struct magazine_store *s)
{
	struct magazine *m;

	if (!s->spare)
		grow(s);
	m = s->spare;
	if (!m)
		return NULL;
	s->spare = m->next;
	m->size = 0;
	/* kzalloc(): all of it */
	env_touch(s->env, m->paddr, MAGAZINE_BYTES, true);
	return m;
}

void magazine_free(struct magazine_store *s, struct magazine *m)
{
	m->next = s->spare;
	s->spare = m;
}

static iotoll_phys_t place(const struct magazine *m, unsigned i)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(m->paddr) + (1 + i) * sizeof(uint64_t));
}

static void touch_size(struct magazine_store *s, const struct magazine *m, bool write)
{
	env_touch(s->env, m->paddr, sizeof(uint64_t), write);
}

void magazine_look(struct magazine_store *s, const struct magazine *m)
{
	env_work(s->env, DMA_WORK_BITMAP_WORD, 1);
	touch_size(s, m, false);
}

uint64_t magazine_read(struct magazine_store *s, const struct magazine *m, unsigned i)
{
	env_work(s->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(s->env, place(m, i), sizeof(uint64_t), false);
	return m->first[i];
}

void magazine_push(struct magazine_store *s, struct magazine *m, uint64_t first)
{
	env_touch(s->env, place(m, m->size), sizeof(uint64_t), true);
	m->first[m->size++] = first;
	touch_size(s, m, true);
}

uint64_t magazine_pop(struct magazine_store *s, struct magazine *m, uint64_t bound)
{
	unsigned i = m->size - 1;
	uint64_t found;

	while (magazine_read(s, m, i) > bound) {
		if (i == 0)
			return 0;
		i--;
	}
	found = m->first[i];
	m->size--;
	if (i != m->size) {
		m->first[i] = magazine_read(s, m, m->size);
		env_touch(s->env, place(m, i), sizeof(uint64_t), true);
	}
	touch_size(s, m, true);
	return found;
}

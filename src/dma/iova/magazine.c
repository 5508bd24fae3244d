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
	env_quiet_init(&s->quiet);
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
	if (s->env)
		env_quiet_fini(&s->quiet);
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
		batch->magazine[i].next = s->spare;
		s->spare = &batch->magazine[i];
	}
}

struct magazine *magazine_new(struct magazine_store *s)
{
	struct magazine *m;

	env_quiet_lock(&s->quiet);
	if (!s->spare)
		grow(s);
	m = s->spare;
	if (m)
		s->spare = m->next;
	env_quiet_unlock(&s->quiet);
	if (!m)
		return NULL;
	m->size = 0;
	/* kzalloc(): all of it */
	env_touch(s->env, m->paddr, MAGAZINE_BYTES, true);
	return m;
}

void magazine_free(struct magazine_store *s, struct magazine *m)
{
	env_quiet_lock(&s->quiet);
	m->next = s->spare;
	s->spare = m;
	env_quiet_unlock(&s->quiet);
}

uint64_t magazine_pop_below(struct magazine_store *s, struct magazine *m, uint64_t bound)
{
	unsigned i = m->size - 1;
	uint64_t found;

	do {
		if (i == 0)
			return 0;
		found = magazine_read(s, m, --i);
	} while (found > bound);
	m->size--;
	m->first[i] = magazine_read(s, m, m->size);
	env_touch(s->env, magazine_place(m, i), sizeof(uint64_t), true);
	magazine_touch_size(s, m, true);
	return found;
}

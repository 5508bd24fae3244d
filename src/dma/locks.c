/* SPDX-License-Identifier: MIT */
/* See locks.h. */
#include "dma/locks.h"

#include <errno.h>

#define FRAME_BYTES 4096u
#define LINE_BYTES  64u

static iotoll_phys_t line(const struct locks *l, unsigned i)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(l->lines) + i * LINE_BYTES);
}

int locks_init(struct locks *l, struct dma_env *env, unsigned count, bool active)
{
	*l = (struct locks){.env = env};
	if (!count)
		return 0;
	l->frames = (count * LINE_BYTES + FRAME_BYTES - 1) / FRAME_BYTES;
	l->lock = calloc(count, sizeof(*l->lock));
	if (!l->lock)
		return -ENOMEM;
	if (env_alloc_pages(env, l->frames, FRAME_BYTES, 0, &l->lines)) {
		free(l->lock);
		*l = (struct locks){.env = env};
		return -ENOMEM;
	}
	l->count = count;
	l->active = active;
	for (unsigned i = 0; i < count; i++)
		env_lock_init(env, &l->lock[i], line(l, i));
	return 0;
}

void locks_fini(struct locks *l)
{
	for (unsigned i = 0; i < l->count; i++)
		env_lock_fini(&l->lock[i]);
	if (l->count)
		env_free_pages(l->env, l->lines, l->frames);
	free(l->lock);
	*l = (struct locks){.env = l->env};
}

void locks_take(struct locks *l, unsigned i)
{
	if (l->active)
		env_lock(l->env, &l->lock[i]);
}

void locks_release(struct locks *l, unsigned i)
{
	if (l->active)
		env_unlock(l->env, &l->lock[i]);
}

void locks_touch(struct locks *l, unsigned i)
{
	env_touch(l->env, line(l, i), LINE_BYTES, true);
}

void locks_stats(const struct locks *l, uint64_t *acquisitions, uint64_t *contended,
		 uint64_t *wait_ps)
{
	for (unsigned i = 0; i < l->count; i++) {
		uint64_t a, c, w;

		env_lock_stats(&l->lock[i], &a, &c, &w);
		*acquisitions += a;
		*contended += c;
		*wait_ps += w;
	}
}

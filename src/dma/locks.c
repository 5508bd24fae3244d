/* SPDX-License-Identifier: MIT */
/* See locks.h. */
#include "dma/locks.h"

#include <errno.h>

#define FRAME_BYTES 4096u

static iotoll_phys_t line(const struct locks *l, unsigned i)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(l->lines) + i * l->stride);
}

int locks_init_at(struct locks *l, struct dma_env *env, unsigned count, iotoll_phys_t lines,
		  uint64_t stride)
{
	*l = (struct locks){.env = env, .lines = lines, .stride = stride, .active = true};
	l->lock = calloc(count, sizeof(*l->lock));
	if (!l->lock)
		return -ENOMEM;
	l->count = count;
	for (unsigned i = 0; i < count; i++)
		env_lock_init(env, &l->lock[i], line(l, i));
	return 0;
}

int locks_init(struct locks *l, struct dma_env *env, unsigned count, bool active)
{
	const uint64_t frames = (count * LOCKS_LINE_BYTES + FRAME_BYTES - 1) / FRAME_BYTES;
	iotoll_phys_t lines;
	int rc;

	*l = (struct locks){.env = env};
	if (!count)
		return 0;
	if (env_alloc_pages(env, frames, FRAME_BYTES, 0, &lines))
		return -ENOMEM;
	rc = locks_init_at(l, env, count, lines, LOCKS_LINE_BYTES);
	if (rc) {
		env_free_pages(env, lines, frames);
		return rc;
	}
	l->active = active;
	l->frames = frames;
	return 0;
}

void locks_fini(struct locks *l)
{
	for (unsigned i = 0; i < l->count; i++)
		env_lock_fini(&l->lock[i]);
	if (l->frames)
		env_free_pages(l->env, l->lines, l->frames);
	free(l->lock);
	*l = (struct locks){.env = l->env};
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

/* SPDX-License-Identifier: MIT */
/*
 * Locks of one part of a domain, each in a cache line of its own. A part that works under a lock
 * which somebody else takes has none: then taking one is nothing at all.
 */
#ifndef IOTOLL_DMA_LOCKS_H
#define IOTOLL_DMA_LOCKS_H

#include <stdbool.h>

#include "base/err.h"
#include "dma_env.h"

#define LOCKS_LINE_BYTES 64u

struct locks {
	struct dma_env *env;
	struct dma_lock *lock;
	unsigned count;
	bool active;
	iotoll_phys_t lines;
	uint64_t stride; /* bytes from one's line to the next one's */
	uint64_t frames; /* of lines that are its own */
};

/*
 * @count of them, 0 is allowed; if not @active only their lines, for what else lies there. 0 or
 * -ENOMEM: then there is nothing.
 */
int locks_init(struct locks *l, struct dma_env *env, unsigned count, bool active) MUST_CHECK;
/* The same, active, in lines that the caller has: the first at @lines, each @stride bytes further.
 */
int locks_init_at(struct locks *l, struct dma_env *env, unsigned count, iotoll_phys_t lines,
		  uint64_t stride) MUST_CHECK;
/* Nobody may hold any. Allowed on a zeroed struct. */
void locks_fini(struct locks *l);

/* Number @i. Interrupts are off while it is held. Nothing happens if they are not active. */
static inline void locks_take(struct locks *l, unsigned i)
{
	if (l->active)
		env_lock(l->env, &l->lock[i]);
}

static inline void locks_release(struct locks *l, unsigned i)
{
	if (l->active)
		env_unlock(l->env, &l->lock[i]);
}

/*
 * The same of a lock for what belongs to one CPU, @owner: free of charge on real threads where that
 * is the caller's, as env_owner() has just said (@mine). One of them at a time, and none of
 * locks_take() before. What it answers is told to locks_release_own().
 */
static inline bool locks_take_own(struct locks *l, unsigned i, unsigned owner, bool mine)
{
	return l->active && env_lock_own(l->env, &l->lock[i], owner, mine);
}

static inline void locks_release_own(struct locks *l, unsigned i, unsigned owner, bool token)
{
	if (l->active)
		env_unlock_own(l->env, &l->lock[i], owner, token);
}

/* Charge for a change of what lies in the line of number @i, less than the count. */
static inline void locks_touch(struct locks *l, unsigned i)
{
	env_touch(l->env, IOTOLL_PHYS(IOTOLL_PHYS_U64(l->lines) + i * l->stride), LOCKS_LINE_BYTES,
		  true);
}

/* Add what all of them have counted. */
void locks_stats(const struct locks *l, uint64_t *acquisitions, uint64_t *contended,
		 uint64_t *wait_ps);

#endif

/* SPDX-License-Identifier: MIT */
/* Of the laboratory's dma_env.h, which includes it: locks, and what stands for them where nobody
 * waits. */
#ifndef IOTOLL_DMA_ENV_LOCKS_H
#define IOTOLL_DMA_ENV_LOCKS_H

#include "dma_env.h"

/* @line: address of the lock word, in a cache line of its own. */
static inline void env_lock_init(struct dma_env *env, struct dma_lock *lock, iotoll_phys_t line)
{
	vlock_init(&lock->v, env->machine, IOTOLL_PHYS_U64(line));
}

static inline void env_lock_fini(struct dma_lock *lock)
{
	(void)lock;
}

/* Spin lock with interrupts off. */
static inline void env_lock(struct dma_env *env, struct dma_lock *lock)
{
	vlock_acquire_irq(&lock->v, env_cpu_(env));
}

static inline void env_unlock(struct dma_env *env, struct dma_lock *lock)
{
	vlock_release_irq(&lock->v, env_cpu_(env));
}

static inline void env_lock_stats(const struct dma_lock *lock, uint64_t *acquisitions,
				  uint64_t *contended, uint64_t *wait_ps)
{
	*acquisitions = lock->v.acquisitions;
	*contended = lock->v.contended;
	*wait_ps = lock->v.wait_ps;
}

/* Is whatever overlaps done by real threads, wherever they are, instead of where one waits? */
static inline bool env_threads(const struct dma_env *env)
{
	(void)env;
	return false;
}

/* The chip's lock: its word is in memory, and costs time, only where somebody needs it. */
static inline int env_chip_init(struct dma_env *env)
{
	const int rc = env_alloc_pages(env, 1, PAGE_BYTES, 0, &env->chip.line);

	if (!rc)
		env_lock_init(env, &env->chip.lock, env->chip.line);
	return rc;
}

static inline void env_chip_fini(struct dma_env *env)
{
	env_lock_fini(&env->chip.lock);
	env_free_pages(env, env->chip.line, 1);
}

static inline bool env_chip_has_lock(const struct dma_env *env)
{
	return env->chip.users != 0;
}

/*
 * A lock for the layer's own bookkeeping, which no modelled kernel has and which therefore costs
 * no virtual time. One host thread runs the laboratory and nothing is waited for while it is
 * held, so here it is nothing at all.
 */
struct dma_quiet {
	char nothing;
};

static inline void env_quiet_init(struct dma_quiet *q)
{
	(void)q;
}

static inline void env_quiet_fini(struct dma_quiet *q)
{
	(void)q;
}

static inline void env_quiet_lock(struct dma_quiet *q)
{
	(void)q;
}

static inline void env_quiet_unlock(struct dma_quiet *q)
{
	(void)q;
}

/*
 * What belongs to one CPU, which no other touches: interrupts are off between the two. On real
 * threads, which share the CPUs of env_cpu(), a lock.
 */
struct dma_own {
	char nothing;
};

static inline void env_own_init(struct dma_own *o)
{
	(void)o;
}

static inline void env_own_fini(struct dma_own *o)
{
	(void)o;
}

static inline void env_own_begin(struct dma_env *env, struct dma_own *o)
{
	(void)o;
	cpu_irq_disable(env_cpu_(env));
}

static inline void env_own_end(struct dma_env *env, struct dma_own *o)
{
	(void)o;
	cpu_irq_enable(env_cpu_(env));
}

/* @mine: @i is what env_owner() has just said. What it answers is told to env_unlock_own(). */
static inline bool env_lock_own(struct dma_env *env, struct dma_lock *lock, unsigned i, bool mine)
{
	(void)i;
	(void)mine;
	env_lock(env, lock);
	return true;
}

static inline void env_unlock_own(struct dma_env *env, struct dma_lock *lock, unsigned i,
				  bool token)
{
	(void)i;
	(void)token;
	env_unlock(env, lock);
}

#endif

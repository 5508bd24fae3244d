/* SPDX-License-Identifier: MIT */
/*
 * The DMA layer's environment on real threads: locks are pthread mutexes, memory is a struct
 * memory, registers are the embedder's callbacks. Charging, touching and flushing describe a
 * simulated machine; here they are empty and vanish. Twin of env/sim/dma_env.h: same functions,
 * same meaning. The public side is include/iotoll/env.h.
 */
#ifndef IOTOLL_DMA_ENV_H
#define IOTOLL_DMA_ENV_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dma/env/native/owners.h"
#include "iotoll/env.h"
#include "mem/memory.h"

struct dma_lock {
	pthread_mutex_t mutex;
	/* Written under the mutex. */
	uint64_t acquisitions, contended, wait_ps;
};

/* What all domains of the environment share: see dma/chip.h. The lock lives as long as the rest. */
struct dma_chip {
	struct dma_lock lock;
	unsigned users;
	uint64_t buses; /* a bit for each that has a domain */
	void *unit;     /* the driver's own: see driver/vtd_unit.c */
};

struct dma_env {
	struct iotoll_env_config config;
	struct memory *memory;
	bool owns_memory;
	pthread_mutex_t pages_lock; /* struct memory leaves serialising to its owner */
	struct dma_chip chip;
	struct owners owners;
};

enum dma_work { DMA_WORK_CALL, DMA_WORK_BITMAP_WORD, DMA_WORK_ENTRY_STORE };
enum dma_phase { DMA_PHASE_MAP, DMA_PHASE_UNMAP, DMA_PHASE_FLUSH };

/* Is anything charged for? No, and what is only there to be charged for can be left out. */
static inline bool env_charges(const struct dma_env *env)
{
	(void)env;
	return false;
}

static inline int env_enter(struct dma_env *env, enum dma_phase phase)
{
	(void)env;
	(void)phase;
	return 0;
}

static inline void env_leave(struct dma_env *env, int token)
{
	(void)env;
	(void)token;
}

static inline void env_work(struct dma_env *env, enum dma_work work, uint64_t times)
{
	(void)env;
	(void)work;
	(void)times;
}

static inline void env_touch(struct dma_env *env, iotoll_phys_t paddr, size_t bytes, bool write)
{
	(void)env;
	(void)paddr;
	(void)bytes;
	(void)write;
}

static inline void env_atomic(struct dma_env *env, uint64_t paddr)
{
	(void)env;
	(void)paddr;
}

static inline void env_clflush(struct dma_env *env, iotoll_phys_t paddr)
{
	(void)env;
	(void)paddr;
}

static inline void env_store_uncached(struct dma_env *env)
{
	(void)env;
}

static inline void env_load_uncached(struct dma_env *env)
{
	(void)env;
}

static inline void *env_ptr(struct dma_env *env, iotoll_phys_t paddr, size_t bytes)
{
	return memory_ptr(env->memory, IOTOLL_PHYS_U64(paddr), bytes);
}

static inline bool env_has_memory(struct dma_env *env, uint64_t paddr, size_t bytes, bool write)
{
	(void)write;
	return memory_ptr(env->memory, paddr, bytes) != NULL;
}

static inline void env_copy(struct dma_env *env, uint64_t to, uint64_t from, size_t bytes)
{
	memcpy(memory_ptr(env->memory, to, bytes), memory_ptr(env->memory, from, bytes), bytes);
}

static inline void env_clear(struct dma_env *env, uint64_t paddr, size_t bytes)
{
	memset(memory_ptr(env->memory, paddr, bytes), 0, bytes);
}

static inline int env_alloc_pages(struct dma_env *env, uint64_t pages, uint64_t align_bytes,
				  uint64_t below, iotoll_phys_t *out)
{
	return iotoll_env_alloc_pages(env, pages, align_bytes, below, out);
}

static inline void env_free_pages(struct dma_env *env, iotoll_phys_t paddr, uint64_t pages)
{
	(void)iotoll_env_free_pages(env, paddr, pages);
}

static inline uint64_t env_memory_bytes(struct dma_env *env)
{
	return memory_bytes(env->memory);
}

static inline uint64_t env_now_ps(const struct dma_env *env)
{
	return env->config.now_ps ? env->config.now_ps(env->config.ctx) : 0;
}

static inline void env_lock_init(struct dma_env *env, struct dma_lock *lock, iotoll_phys_t line)
{
	(void)env;
	(void)line;
	*lock = (struct dma_lock){.acquisitions = 0};
	/* Fails only for attributes; there are none. */
	(void)pthread_mutex_init(&lock->mutex, NULL);
}

static inline void env_lock_fini(struct dma_lock *lock)
{
	(void)pthread_mutex_destroy(&lock->mutex);
}

static inline void env_lock(struct dma_env *env, struct dma_lock *lock)
{
	if (pthread_mutex_trylock(&lock->mutex) != 0) {
		const uint64_t from = env_now_ps(env);

		(void)pthread_mutex_lock(&lock->mutex);
		lock->contended++;
		lock->wait_ps += env_now_ps(env) - from;
	}
	lock->acquisitions++;
}

static inline void env_unlock(struct dma_env *env, struct dma_lock *lock)
{
	(void)env;
	(void)pthread_mutex_unlock(&lock->mutex);
}

static inline void env_lock_stats(const struct dma_lock *lock, uint64_t *acquisitions,
				  uint64_t *contended, uint64_t *wait_ps)
{
	*acquisitions = lock->acquisitions;
	*contended = lock->contended;
	*wait_ps = lock->wait_ps;
}

/* Is whatever overlaps done by real threads, wherever they are, instead of where one waits? */
static inline bool env_threads(const struct dma_env *env)
{
	(void)env;
	return true;
}

/* The chip's lock: always there, so that no thread has to ask whether it is. */
static inline int env_chip_init(struct dma_env *env)
{
	(void)env;
	return 0;
}

static inline void env_chip_fini(struct dma_env *env)
{
	(void)env;
}

static inline bool env_chip_has_lock(const struct dma_env *env)
{
	(void)env;
	return true;
}

struct dma_quiet {
	pthread_mutex_t mutex;
};

static inline void env_quiet_init(struct dma_quiet *q)
{
	(void)pthread_mutex_init(&q->mutex, NULL);
}

static inline void env_quiet_fini(struct dma_quiet *q)
{
	(void)pthread_mutex_destroy(&q->mutex);
}

static inline void env_quiet_lock(struct dma_quiet *q)
{
	(void)pthread_mutex_lock(&q->mutex);
}

static inline void env_quiet_unlock(struct dma_quiet *q)
{
	(void)pthread_mutex_unlock(&q->mutex);
}

struct dma_own {
	pthread_mutex_t mutex;
};

static inline void env_own_init(struct dma_own *o)
{
	(void)pthread_mutex_init(&o->mutex, NULL);
}

static inline void env_own_fini(struct dma_own *o)
{
	(void)pthread_mutex_destroy(&o->mutex);
}

static inline void env_own_begin(struct dma_env *env, struct dma_own *o)
{
	(void)env;
	(void)pthread_mutex_lock(&o->mutex);
}

static inline void env_own_end(struct dma_env *env, struct dma_own *o)
{
	(void)env;
	(void)pthread_mutex_unlock(&o->mutex);
}

/* Where devices find [paddr, paddr + bytes), if that is one piece. */
#define ENV_NO_BUS_ADDRESS UINT64_MAX

static inline uint64_t env_bus_address(const struct dma_env *env, uint64_t paddr, size_t bytes)
{
	(void)env;
	(void)bytes;
	return paddr;
}

/* No hypervisor below: the rest of this section is never asked. */
struct env_withheld {
	uint64_t first, pages;
};

static inline uint64_t env_bus_pages(const struct dma_env *env)
{
	return memory_bytes(env->memory) / PAGE_BYTES;
}

static inline bool env_has_hypervisor(const struct dma_env *env)
{
	(void)env;
	return false;
}

static inline uint64_t env_lent_from(const struct dma_env *env)
{
	(void)env;
	return ENV_NO_BUS_ADDRESS;
}

static inline uint64_t env_p2m_word(struct dma_env *env, uint64_t paddr)
{
	(void)env;
	(void)paddr;
	return UINT64_MAX;
}

static inline bool env_table_kept(const struct dma_env *env)
{
	(void)env;
	return false;
}

static inline const struct env_withheld *env_withheld(const struct dma_env *env, unsigned *count)
{
	(void)env;
	*count = 0;
	return NULL;
}

static inline long env_hypercall(struct dma_env *env, unsigned long op, const unsigned long args[6])
{
	(void)env;
	(void)op;
	(void)args;
	return -ENOSYS;
}

/* Threads are told apart by their handle, spread by a multiplicative hash; speed only. */
static inline unsigned env_shard(struct dma_env *env, unsigned shards)
{
	const uint64_t self = (uint64_t)pthread_self();

	(void)env;
	return (unsigned)((self * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % shards;
}

/*
 * CPUs are not to be had portably; threads are spread over this many instead. One thread always
 * counts as the same.
 */
#define NATIVE_CPUS 16u

static inline unsigned env_cpus(const struct dma_env *env)
{
	(void)env;
	return NATIVE_CPUS;
}

static inline unsigned env_cpu(struct dma_env *env)
{
	return env_shard(env, NATIVE_CPUS);
}

/*
 * Places for what is one CPU's alone: see owners.h. As there a thread's is its own, but for number
 * 0; all of them can be there at once.
 */
static inline unsigned env_owners(const struct dma_env *env)
{
	(void)env;
	return OWNERS;
}

/* How many of them are certain to be used: memory for the others can wait until they are. */
static inline unsigned env_owners_certain(const struct dma_env *env)
{
	(void)env;
	return 1;
}

/*
 * Powers of two of pages that `magazines` caches ranges of at most: up to 512, or 2 MiB. Our
 * choice; no kernel's results are compared with these.
 */
#define ENV_RANGE_CLASSES 10u

static inline unsigned env_owner(struct dma_env *env)
{
	return owners_mine(&env->owners);
}

/*
 * Be inside the caller's own place, *@i, if that can be had for nothing; then env_leave_free() is
 * due.
 */
static inline bool env_enter_free(struct dma_env *env, unsigned *i)
{
	*i = owners_self.place;
	return owners_enter_free(&env->owners.owner[*i]);
}

static inline void env_leave_free(struct dma_env *env, unsigned i)
{
	owners_leave_free(&env->owners.owner[i]);
}

/*
 * Be inside place @i, which is what @lock is for; not inside two at once. @mine: @i is what
 * env_owner() has just said. What it answers is told to env_unlock_own().
 */
static inline bool env_lock_own(struct dma_env *env, struct dma_lock *lock, unsigned i, bool mine)
{
	(void)lock;
	return owners_enter(&env->owners.owner[i], mine && i);
}

static inline void env_unlock_own(struct dma_env *env, struct dma_lock *lock, unsigned i,
				  bool token)
{
	(void)lock;
	owners_leave(&env->owners.owner[i], token);
}

/* Threads are interrupted by nobody. */
static inline bool env_in_interrupt(struct dma_env *env)
{
	(void)env;
	return false;
}

/* A timer that goes off when somebody asks: iotoll_dma_domain_tick(). */
struct env_timer {
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t due_ps;
	bool armed; /* atomic: arming and asking are different threads' */
};

static inline void env_timer_init(struct dma_env *env, struct env_timer *t, void (*fn)(void *ctx),
				  void *ctx)
{
	(void)env;
	*t = (struct env_timer){.fn = fn, .ctx = ctx};
}

static inline void env_timer_fini(struct dma_env *env, struct env_timer *t)
{
	(void)env;
	__atomic_store_n(&t->armed, false, __ATOMIC_RELEASE);
}

static inline void env_timer_arm(struct dma_env *env, struct env_timer *t, uint64_t delay_ps)
{
	__atomic_store_n(&t->due_ps, env_now_ps(env) + delay_ps, __ATOMIC_RELAXED);
	__atomic_store_n(&t->armed, true, __ATOMIC_RELEASE);
}

static inline int env_timer_poll(struct dma_env *env, struct env_timer *t)
{
	if (!__atomic_load_n(&t->armed, __ATOMIC_ACQUIRE))
		return 0;
	if (env->config.now_ps && env_now_ps(env) < __atomic_load_n(&t->due_ps, __ATOMIC_RELAXED))
		return 0;
	if (!__atomic_exchange_n(&t->armed, false, __ATOMIC_ACQ_REL))
		return 0;
	t->fn(t->ctx);
	return 1;
}

static inline bool env_has_regs(const struct dma_env *env)
{
	return env->config.reg_read != NULL;
}

static inline uint64_t env_reg_read(struct dma_env *env, uint64_t offset, unsigned width)
{
	return env->config.reg_read(env->config.ctx, offset, width);
}

static inline void env_reg_write(struct dma_env *env, uint64_t offset, uint64_t value,
				 unsigned width)
{
	env->config.reg_write(env->config.ctx, offset, value, width);
}

/* Wait a little for hardware: here, let other threads go on. */
static inline void env_spin(struct dma_env *env, uint64_t ps)
{
	(void)env;
	(void)ps;
	(void)sched_yield();
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The caches of free ranges in front of Linux 6.1's tree: for each power of two up to 32 entries
 * (512 on real threads without a lock around) every CPU has two magazines, and all CPUs a depot of
 * full ones. Private to src/dma/iova.
 *
 * With locks of its own it has those of Linux: one for each CPU and size, one for each depot, one
 * for the tree, taken in this order. On real threads a CPU is a place of env_owner(): who allocates
 * and frees out of magazines of his own pays for no lock and no atomic instruction, and 127 ranges
 * that one thread frees and another allocates pay together for two.
 */
#ifndef IOTOLL_DMA_IOVA_RCACHE_H
#define IOTOLL_DMA_IOVA_RCACHE_H

#include "dma/iova/handed.h"
#include "dma/iova/magazine.h"
#include "dma/iova/tree.h"

#define RCACHE_LINUX     6u                /* IOVA_RANGE_CACHE_MAX_SIZE: 1, 2, 4, ... 32 entries */
#define RCACHE_CLASSES   ENV_RANGE_CLASSES /* at most */
#define RCACHE_DEPOT_MAX 32u               /* MAX_GLOBAL_MAGS */
#define RCACHE_LONG      RCACHE_CLASSES    /* in struct handed: the tree's own, of any length */

/*
 * Locks: the tree's, the depots', then those of every CPU; a depot's size and the pointers to a
 * CPU's magazines lie in their lock's line (struct iova_rcache, struct iova_cpu_rcache).
 */
#define RCACHE_LOCK_TREE  0u
#define RCACHE_LOCK_DEPOT 1u
#define RCACHE_LOCK_CPU   (RCACHE_LOCK_DEPOT + RCACHE_CLASSES)

struct depot {
	struct magazine *magazine[RCACHE_DEPOT_MAX];
	unsigned size;
};

/* What one CPU has of one class. */
struct cpu_cache {
	struct magazine *loaded, *previous; /* NULL: this CPU has not been here yet */
};

/* What one CPU has of all classes; nothing else is in these cache lines. */
struct cpu_caches {
	struct cpu_cache of[RCACHE_CLASSES];
} __attribute__((aligned(128)));

struct magazines {
	struct tree tree;
	struct handed handed; /* in place of what the tree's struct ranges would keep */
	struct magazine_store store;
	struct cpu_caches *cpu;
	unsigned cpus;
	unsigned classes;
	bool last_slow; /* without locks: the last allocation came from the tree */
	struct depot depot[RCACHE_CLASSES];
};

extern const struct iova_history_ops magazines_history;

/* How many classes are cached: more than Linux only where threads would wait for the tree's lock.
 */
static inline unsigned rcache_classes(const struct dma_env *env, bool locks)
{
	return locks && env_threads(env) ? RCACHE_CLASSES : RCACHE_LINUX;
}

/* Which class serves @count entries: m->classes and above, none does. */
static inline unsigned rcache_class(uint64_t count)
{
	return count > 1 ? 64u - (unsigned)__builtin_clzll(count - 1) : 0;
}

static inline struct locks *rcache_locks(struct magazines *m)
{
	return &m->tree.r.base.locks;
}

/*
 * Locks for m->cpus CPUs, and empty magazines for the first @certain of them; others get theirs
 * when they come by. 0 or -ENOMEM: rcache_fini() is the caller's.
 */
int rcache_init(struct magazines *m, unsigned certain, bool locks) MUST_CHECK;
void rcache_fini(struct magazines *m);
/* The slow halves of the two below. */
__attribute__((cold)) bool rcache_furnish(struct magazines *m, struct cpu_cache *c);
__attribute__((cold)) bool rcache_reload(struct magazines *m, struct cpu_cache *c, unsigned class);
__attribute__((cold)) bool rcache_make_room(struct magazines *m, struct cpu_cache *c,
					    unsigned class, struct magazine **surplus);
__attribute__((cold)) void rcache_give_up(struct magazines *m, struct magazine *surplus);

/* A CPU's cache of one class, with its lock: its line is needed first. */
struct rcache_entered {
	struct cpu_cache *cache;
	bool token;
};

static inline struct rcache_entered rcache_enter(struct magazines *m, unsigned cpu, unsigned class,
						 bool mine)
{
	const unsigned lock = RCACHE_LOCK_CPU + cpu * RCACHE_CLASSES + class;
	const bool token = locks_take_own(rcache_locks(m), lock, cpu, mine);

	locks_touch(rcache_locks(m), lock);
	return (struct rcache_entered){&m->cpu[cpu].of[class], token};
}

static inline void rcache_leave(struct magazines *m, unsigned cpu, unsigned class, bool token)
{
	locks_release_own(rcache_locks(m), RCACHE_LOCK_CPU + cpu * RCACHE_CLASSES + class, cpu,
			  token);
}

/*
 * __iova_rcache_get(): the first entry of a free range of @class, at most @bound; 0 if none is at
 * hand. @cpu is the caller's.
 */
static inline uint64_t rcache_get(struct magazines *m, unsigned cpu, unsigned class, uint64_t bound)
{
	const struct rcache_entered e = rcache_enter(m, cpu, class, true);
	struct cpu_cache *c = e.cache;
	uint64_t first = 0;

	if (__builtin_expect(c->loaded != NULL, 1) || rcache_furnish(m, c)) {
		magazine_look(&m->store, c->loaded);
		if (__builtin_expect(c->loaded->size != 0, 1) || rcache_reload(m, c, class))
			first = magazine_pop(&m->store, c->loaded, bound);
	}
	rcache_leave(m, cpu, class, e.token);
	return first;
}

/*
 * __iova_rcache_insert(): the range of @class at @first is free. False if that was not noted. @cpu
 * is the caller's.
 */
static inline bool rcache_put(struct magazines *m, unsigned cpu, unsigned class, uint64_t first)
{
	const struct rcache_entered e = rcache_enter(m, cpu, class, true);
	struct cpu_cache *c = e.cache;
	struct magazine *surplus = NULL;
	bool room = __builtin_expect(c->loaded != NULL, 1) || rcache_furnish(m, c);

	if (__builtin_expect(room, 1)) {
		magazine_look(&m->store, c->loaded);
		if (__builtin_expect(c->loaded->size == MAGAZINE_SIZE, 0))
			room = rcache_make_room(m, c, class, &surplus);
		if (room)
			magazine_push(&m->store, c->loaded, first);
	}
	rcache_leave(m, cpu, class, e.token);
	if (__builtin_expect(surplus != NULL, 0))
		rcache_give_up(m, surplus);
	return room;
}

/*
 * The two for what they come to nearly always, where that costs nothing: one entry, out of or into
 * the loaded magazine of the caller's. 0, false: nothing has happened, ask the two themselves. Only
 * with locks.
 */
static inline uint64_t rcache_get_free(struct magazines *m, uint64_t bound)
{
	struct magazine *loaded;
	uint64_t first = 0;
	unsigned cpu;

	if (!env_enter_free(m->store.env, &cpu))
		return 0;
	loaded = m->cpu[cpu].of[0].loaded;
	if (loaded && loaded->size && loaded->first[loaded->size - 1] <= bound)
		first = loaded->first[--loaded->size];
	env_leave_free(m->store.env, cpu);
	return first;
}

static inline bool rcache_put_free(struct magazines *m, uint64_t first)
{
	struct magazine *loaded;
	bool room;
	unsigned cpu;

	if (!env_enter_free(m->store.env, &cpu))
		return false;
	loaded = m->cpu[cpu].of[0].loaded;
	room = loaded && loaded->size < MAGAZINE_SIZE;
	if (room)
		loaded->first[loaded->size++] = first;
	env_leave_free(m->store.env, cpu);
	return room;
}

/* Give everything that is cached back to the tree. */
void rcache_empty(struct magazines *m);
/* Recompute every invariant of the caches; false if one is broken. */
bool rcache_check(const struct magazines *m);

#endif

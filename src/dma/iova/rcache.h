/* SPDX-License-Identifier: MIT */
/*
 * The caches of free ranges in front of Linux 6.1's tree: for each power of two up to 32 entries
 * every CPU has two magazines, and all CPUs a depot of full ones. Private to src/dma/iova.
 *
 * With locks of its own it has those of Linux: one for each CPU and size, one for each depot, one
 * for the tree, taken in this order.
 */
#ifndef IOTOLL_DMA_IOVA_RCACHE_H
#define IOTOLL_DMA_IOVA_RCACHE_H

#include "dma/iova/magazine.h"
#include "dma/iova/tree.h"

#define RCACHE_CLASSES   6u  /* IOVA_RANGE_CACHE_MAX_SIZE: 1, 2, 4, ... 32 entries */
#define RCACHE_DEPOT_MAX 32u /* MAX_GLOBAL_MAGS */

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
	struct magazine *loaded, *previous;
};

struct magazines {
	struct tree tree;
	struct magazine_store store;
	struct depot depot[RCACHE_CLASSES];
	struct cpu_cache *cpu; /* by CPU, then class */
	unsigned cpus;
	bool last_slow; /* the last allocation came from the tree */
};

extern const struct iova_history_ops magazines_history;

/* Which class serves @count entries: RCACHE_CLASSES and above, none does. */
static inline unsigned rcache_class(uint64_t count)
{
	return count > 1 ? 64u - (unsigned)__builtin_clzll(count - 1) : 0;
}

static inline struct locks *rcache_locks(struct magazines *m)
{
	return &m->tree.r.base.locks;
}

/* Locks and empty magazines for m->cpus CPUs. 0 or -ENOMEM: rcache_fini() is the caller's. */
int rcache_init(struct magazines *m, bool locks) MUST_CHECK;
void rcache_fini(struct magazines *m);
/* The first entry of a free range of @class, at most @bound; 0 if none is at hand. */
uint64_t rcache_get(struct magazines *m, unsigned cpu, unsigned class, uint64_t bound);
/* The range of @class at @first is free. False if that could not be noted. */
bool rcache_put(struct magazines *m, unsigned cpu, unsigned class, uint64_t first);
/* Give everything that is cached back to the tree. */
void rcache_empty(struct magazines *m);
/* Recompute every invariant of the caches; false if one is broken. */
bool rcache_check(const struct magazines *m);

#endif

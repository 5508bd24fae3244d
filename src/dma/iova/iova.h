/* SPDX-License-Identifier: MIT */
/*
 * Which I/O pages a mapping gets. An allocator hands out runs of entries of one table, numbered
 * from 0; it knows neither what the entries hold nor when an IOTLB is flushed. Before it goes
 * back to entries it has handed out in this lap it says so through wrapped(), which is where the
 * strategy decides.
 *
 * Calls are made under the domain's lock, boot excepted, or, with config.locks, under none. Costs
 * are charged by the allocator itself as it examines its structures.
 */
#ifndef IOTOLL_DMA_IOVA_H
#define IOTOLL_DMA_IOVA_H

#include <stdbool.h>

#include "base/err.h"
#include "dma/locks.h"
#include "dma_env.h"

struct iova_ops;

/* What is asked of an allocator. */
struct iova_want {
	uint64_t count; /* > 0 consecutive entries ... */
	uint64_t limit; /* ... all below this one (at most entries) */
	unsigned ring;  /* for which of the device's rings, 0: not said. A hint */
	bool lasting;   /* for as long as the device is in use, to be accessed at any time */
	/* pools: */
	uint64_t driven; /* entries the device could drive in a table of any size; 0: not said */
	unsigned align_log2; /* the first is a multiple of 2 to this, at least */
	uint64_t *handle;    /* of a list: 0 at first, then where its last element ended; or NULL */
};

/* How it is to be. */
struct iova_config {
	uint64_t entries;       /* of the table */
	uint64_t start_hint;    /* where the first search begins, < entries; 0 where none wraps */
	uint64_t cached_ranges; /* eiovar: free ranges it keeps at the most; 0: all there are */
	unsigned cpus;          /* magazines without locks: 0: as many as the environment has */
	bool locks;             /* calls of several CPUs overlap: it takes locks of its own */
};

/*
 * An allocator by itself, on real threads: iova_find(), create() with locks, then fill in ops and
 * wrapped; alloc(), owns() and free() of rows with @threads are any thread's from there on, all at
 * once, of any domain or none. `magazines` is the fastest: 127 ranges of a length up to 512 entries
 * cost two locks, whoever frees them.
 */

/* Embedded first in every allocator's own struct. */
struct iova {
	const struct iova_ops *ops;
	struct dma_env *env;
	uint64_t entries;
	/* Called when the search goes back to the bottom, before anything is handed out there. */
	void (*wrapped)(void *ctx);
	void *ctx;
	uint64_t live;     /* entries handed out; magazines: not counted with locks */
	uint64_t reserved; /* entries withheld for ever */
	/* Bitmap words or tree nodes that searches for room looked at, since creation. */
	uint64_t words_searched;
	uint64_t wraps;
	uint64_t slow; /* allocations that a cache in front of the tree did not serve */
	struct locks locks;
	const struct iova *below; /* the one it stands on, with locks of its own; or NULL */
	const unsigned
		*cpu; /* whose call it is, less than config.cpus; NULL: the CPU it is made on */
};

/*
 * Holding an allocator against a recording of the one that it models: for src/predict, and for
 * nobody whose entries are in use.
 */
struct iova_history_ops {
	/*
	 * What the last alloc() handed out is not: it is as though nobody had asked, but for
	 * statistics, and for caches whose halves it made swap.
	 */
	void (*undo)(struct iova *a, uint64_t first, uint64_t count);
	/*
	 * As though alloc() had answered a request for @count with @first: exactly these entries
	 * are held, wherever they were kept. @searched: it had looked for them, and goes on from
	 * there; else a cache had them, or it was long ago. 0; -EEXIST if somebody holds any, none
	 * may, or they are kept as a part of something; -ENOMEM.
	 */
	int (*seize)(struct iova *a, uint64_t first, uint64_t count, bool searched);
	/* Entries seized or handed out in one piece: they are held no more, and kept nowhere. */
	void (*forget)(struct iova *a, uint64_t first, uint64_t count);
	/* In words, what its next answer to @want rests on. */
	void (*describe)(const struct iova *a, const struct iova_want *want, char *to,
			 size_t bytes);
};

struct iova_ops {
	const char *name;
	const char *title;
	/*
	 * Its search goes round: what was handed out comes back only behind a call of wrapped().
	 * Where it does not, wrapped() is never called and a start hint means nothing.
	 */
	bool wraps;
	/* What was handed out in one run can be used again as soon as any part of it comes back. */
	bool divides;
	/* Kernels that have it give a list one run, pieces one behind the other, and free that. */
	bool whole_lists;
	/* With iova_config.locks it serves several real threads at once. */
	bool threads;
	/* 0 or -ENOMEM. The caller then fills in ops, wrapped and ctx. */
	int (*create)(struct iova **out, struct dma_env *env, const struct iova_config *config);
	void (*destroy)(struct iova *a);
	/*
	 * Never hand out [first, first + count); what lies past the table is ignored. For boot:
	 * nothing is live yet. 0; -ENOSPC if the allocator cannot remember another range; -ENOMEM.
	 */
	int (*reserve)(struct iova *a, uint64_t first, uint64_t count);
	/* 0 and the first entry in *@out, -ENOSPC, or -ENOMEM. */
	int (*alloc)(struct iova *a, const struct iova_want *want, uint64_t *out);
	/* Are these entries handed out, all of them? Pure, and free of charge. */
	bool (*owns)(const struct iova *a, uint64_t first, uint64_t count);
	/*
	 * Take back entries that owns() holds true for, in any portions. An allocator that keeps
	 * ranges as they were asked for can use one again when all of it is back.
	 */
	void (*free)(struct iova *a, uint64_t first, uint64_t count);
	/* Is there an entry below @limit that reservations leave to hand out? Pure. */
	bool (*usable_below)(const struct iova *a, uint64_t limit);
	/* Recompute every invariant from scratch; false if one is broken. For tests. */
	bool (*check)(const struct iova *a);
	const struct iova_history_ops *history; /* NULL: it models none of which there are any */
};

/* The CPU that a call is made for. */
static inline unsigned iova_cpu(const struct iova *a)
{
	return a->cpu ? *a->cpu : env_owner(a->env);
}

/* The registry: an explicit array, NULL-terminated, in display order. */
extern const struct iova_ops *const iova_allocators[];

/* The row named @name, or NULL. */
const struct iova_ops *iova_find(const char *name);

#endif

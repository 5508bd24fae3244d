/* SPDX-License-Identifier: MIT */
/*
 * Chunks of damn's that nobody uses, kept for whoever needs one next: magazines, two in front of
 * each CPU's allocator, full and empty ones behind them in a depot with a lock (Bonwick and Adams,
 * "Magazines and Vmem", USENIX ATC 2001, section 3). A magazine is a cache line, a count and 15
 * chunks: our choice.
 */
#ifndef IOTOLL_DMA_STRATEGY_DAMN_MAGAZINE_H
#define IOTOLL_DMA_STRATEGY_DAMN_MAGAZINE_H

#include "dma_env.h"

#define DAMN_MAGAZINE 15u

struct damn_magazine {
	struct damn_magazine *next;
	uint64_t line;
	unsigned count;
	uint32_t chunk[DAMN_MAGAZINE]; /* first frames */
};

struct damn_block;

/* Where magazines come from; they go with it. Starts as zeros but for @env. */
struct damn_store {
	struct dma_env *env;
	struct dma_quiet quiet;
	struct damn_block *blocks;
	struct damn_magazine *spare;
};

struct damn_depot {
	struct damn_store *store;
	struct dma_lock lock;
	struct damn_magazine *full, *empty;
};

/* Of one CPU; the caller sees to it that nobody else is in it. */
struct damn_pair {
	struct damn_magazine *loaded, *previous;
};

void damn_store_init(struct damn_store *s, struct dma_env *env);
void damn_store_fini(struct damn_store *s);

/* True and a chunk, if magazines or depot have one. */
bool damn_get(struct damn_pair *p, struct damn_depot *depot, uint64_t *chunk);
/* False: no memory for another magazine. */
bool damn_put(struct damn_pair *p, struct damn_depot *depot, uint64_t chunk);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * An array of cache lines in memory, as large as a table or as memory itself and used here and
 * there: a line for each entry, or for each page frame (Linux's mem_map). It is taken to be
 * contiguous for CPUs, as kernels' vmalloc space is, with a page frame behind those parts that are
 * used.
 */
#ifndef IOTOLL_DMA_STRATEGY_LINES_H
#define IOTOLL_DMA_STRATEGY_LINES_H

#include "dma/domain.h"

struct lines {
	struct dma_env *env;
	uint64_t count;
	iotoll_phys_t *leaf; /* UINT64_MAX: none */
};

/* @count lines, none of them there yet. 0 or -ENOMEM. */
int lines_init(struct lines *l, struct dma_env *env, uint64_t count) MUST_CHECK;
/* Allowed on a zeroed struct. */
void lines_fini(struct lines *l);
/*
 * Memory for these lines, zeros unless it was there before. 0 or -ENOMEM. One caller at a time; who
 * looks for other lines may go on meanwhile.
 */
int lines_prepare(struct lines *l, uint64_t first, uint64_t count) MUST_CHECK;
/* Line @i; NULL if it has no memory. Free of charge. */
void *lines_peek(const struct lines *l, uint64_t i);
/* The same, charged. */
void *lines_touch(const struct lines *l, uint64_t i, bool write);
/* The same, charged as an atomic change of one of its words. It must be there. */
void *lines_atomic(const struct lines *l, uint64_t i);

#endif

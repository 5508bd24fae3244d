/* SPDX-License-Identifier: MIT */
/*
 * A bit for each table entry, in page frames, so that its words have addresses whose cache lines
 * the layer can be charged for. On the host a word is examined with one count of trailing zeros.
 * Private to src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_BITMAP_H
#define IOTOLL_DMA_IOVA_BITMAP_H

#include <stdbool.h>

#include "base/err.h"
#include "dma_env.h"

struct bitmap {
	struct dma_env *env;
	iotoll_phys_t paddr;
	uint64_t frames;
	uint64_t *words;
	/* Neighbouring bits may be several threads' to change; looking at any is everybody's. */
	bool shared;
};

/* All clear, for @entries. 0 or -ENOMEM. */
int bitmap_init(struct bitmap *b, struct dma_env *env, uint64_t entries) MUST_CHECK;
void bitmap_fini(struct bitmap *b);

/* The first bit in [from, end) that equals @value, or @end. Pure, free of charge. */
uint64_t bitmap_next(const struct bitmap *b, uint64_t from, uint64_t end, bool value);
/* Set or clear the bits of [first, end); free of charge. */
void bitmap_put(struct bitmap *b, uint64_t first, uint64_t end, bool value);
/* The same, its words written. */
void bitmap_write(struct bitmap *b, uint64_t first, uint64_t count, bool value);
/*
 * A run of @count clear bits in [from, end) that begins at a multiple of 2^@align_log2: true and
 * its first in *@out. Words looked at are charged for and added to *@searched.
 */
bool bitmap_search(struct bitmap *b, uint64_t from, uint64_t end, uint64_t count,
		   unsigned align_log2, uint64_t *out, uint64_t *searched);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A word for each page number, zero unless said otherwise: a top level and leaves of 512 words,
 * each leaf a page frame made when its first word is written, as kernels' radix trees have it. Lies
 * in memory, so that what CPUs read and write of it can be charged. Under the domain's lock.
 */
#ifndef IOTOLL_DMA_PAGEMAP_H
#define IOTOLL_DMA_PAGEMAP_H

#include "base/err.h"
#include "dma_env.h"

struct pagemap {
	struct dma_env *env;
	uint64_t keys;
	iotoll_phys_t top; /* where leaves lie */
	uint64_t top_frames;
};

/* For page numbers below @keys > 0. 0 or -ENOMEM. */
int pagemap_init(struct pagemap *m, struct dma_env *env, uint64_t keys) MUST_CHECK;
void pagemap_fini(struct pagemap *m);
/* The word of @key, any number: 0 beyond the last. */
uint64_t pagemap_get(const struct pagemap *m, uint64_t key);
/* The same, free of charge. */
uint64_t pagemap_peek(const struct pagemap *m, uint64_t key);
/* Have what putting these words will need. -ENOMEM (nothing has changed), else 0. */
int pagemap_prepare(struct pagemap *m, uint64_t key, uint64_t count) MUST_CHECK;
/* Have the words of [key, key + count) say @value. -ENOMEM (nothing has changed), else 0;
 * always 0 when they are prepared. */
int pagemap_put(struct pagemap *m, uint64_t key, uint64_t count, uint64_t value) MUST_CHECK;
/* The same for words that were put before: cannot fail. */
void pagemap_drop(struct pagemap *m, uint64_t key, uint64_t count);

#endif

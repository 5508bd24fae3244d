/* SPDX-License-Identifier: MIT */
/*
 * Magazines of first entries of free ranges (struct iova_magazine of Linux 6.1's
 * drivers/iommu/iova.c): 127 of them and a size, 1 KiB in all. Each has an address in a page frame,
 * for what CPUs are charged; its contents are kept beside, as the tree's are. Private to
 * src/dma/iova.
 */
#ifndef IOTOLL_DMA_IOVA_MAGAZINE_H
#define IOTOLL_DMA_IOVA_MAGAZINE_H

#include <stdbool.h>

#include "base/err.h"
#include "dma_env.h"

#define MAGAZINE_SIZE 127u /* IOVA_MAG_SIZE */

struct magazine {
	iotoll_phys_t paddr;
	struct magazine *next; /* of those that are not in use */
	unsigned size;
	uint64_t first[MAGAZINE_SIZE];
};

struct magazine_batch;

struct magazine_store {
	struct dma_env *env;
	struct magazine_batch *batches;
	struct magazine *spare;
};

void magazine_store_init(struct magazine_store *s, struct dma_env *env);
/* Frees every magazine, wherever it is. Allowed on a zeroed struct. */
void magazine_store_fini(struct magazine_store *s);

/* An empty one, cleared and charged for that, or NULL. */
struct magazine *magazine_new(struct magazine_store *s);
void magazine_free(struct magazine_store *s, struct magazine *m);

/* Charge for a look at its size. */
void magazine_look(struct magazine_store *s, const struct magazine *m);
/* Onto the top; it must not be full. Charged. */
void magazine_push(struct magazine_store *s, struct magazine *m, uint64_t first);
/*
 * iova_magazine_pop(): the topmost that is at most @bound, in whose place the last one goes; 0 if
 * there is none. It must not be empty. Charged.
 */
uint64_t magazine_pop(struct magazine_store *s, struct magazine *m, uint64_t bound);
/* The one in place @i, charged. */
uint64_t magazine_read(struct magazine_store *s, const struct magazine *m, unsigned i);

#endif

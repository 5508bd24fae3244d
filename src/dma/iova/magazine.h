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

/* Any CPU's calls, at once. What is in a magazine is its owner's to order. */
struct magazine_store {
	struct dma_env *env;
	struct dma_quiet quiet;
	struct magazine_batch *batches;
	struct magazine *spare;
};

void magazine_store_init(struct magazine_store *s, struct dma_env *env);
/* Frees every magazine, wherever it is. Allowed on a zeroed struct. */
void magazine_store_fini(struct magazine_store *s);

/* An empty one, cleared and charged for that, or NULL. */
struct magazine *magazine_new(struct magazine_store *s);
void magazine_free(struct magazine_store *s, struct magazine *m);

static inline iotoll_phys_t magazine_place(const struct magazine *m, unsigned i)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(m->paddr) + (1 + i) * sizeof(uint64_t));
}

static inline void magazine_touch_size(struct magazine_store *s, const struct magazine *m,
				       bool write)
{
	env_touch(s->env, m->paddr, sizeof(uint64_t), write);
}

/* Charge for a look at its size. */
static inline void magazine_look(struct magazine_store *s, const struct magazine *m)
{
	env_work(s->env, DMA_WORK_BITMAP_WORD, 1);
	magazine_touch_size(s, m, false);
}

/* The one in place @i, charged. */
static inline uint64_t magazine_read(struct magazine_store *s, const struct magazine *m, unsigned i)
{
	env_work(s->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(s->env, magazine_place(m, i), sizeof(uint64_t), false);
	return m->first[i];
}

/* Onto the top; it must not be full. Charged. */
static inline void magazine_push(struct magazine_store *s, struct magazine *m, uint64_t first)
{
	env_touch(s->env, magazine_place(m, m->size), sizeof(uint64_t), true);
	m->first[m->size++] = first;
	magazine_touch_size(s, m, true);
}

/* The slow half of the next: its topmost, which was looked at, is higher than @bound. */
__attribute__((cold)) uint64_t magazine_pop_below(struct magazine_store *s, struct magazine *m,
						  uint64_t bound);

/*
 * iova_magazine_pop(): the topmost that is at most @bound, in whose place the last one goes; 0 if
 * there is none. It must not be empty. Charged.
 */
static inline uint64_t magazine_pop(struct magazine_store *s, struct magazine *m, uint64_t bound)
{
	const uint64_t top = magazine_read(s, m, m->size - 1);

	if (__builtin_expect(top > bound, 0))
		return magazine_pop_below(s, m, bound);
	m->size--;
	magazine_touch_size(s, m, true);
	return top;
}

#endif

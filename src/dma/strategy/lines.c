/* SPDX-License-Identifier: MIT */
/* See lines.h. */
#include "dma/strategy/lines.h"

#include <errno.h>

#define LEAF_LINES (DMA_PAGE_BYTES / DMA_LINE_BYTES)
#define NO_LEAF    IOTOLL_PHYS(UINT64_MAX)

static uint64_t leaves(const struct lines *l)
{
	return (l->count + LEAF_LINES - 1) / LEAF_LINES;
}

int lines_init(struct lines *l, struct dma_env *env, uint64_t count)
{
	*l = (struct lines){.env = env, .count = count};
	l->leaf = calloc(leaves(l), sizeof(*l->leaf));
	if (!l->leaf)
		return -ENOMEM;
	for (uint64_t i = 0; i < leaves(l); i++)
		l->leaf[i] = NO_LEAF;
	return 0;
}

void lines_fini(struct lines *l)
{
	for (uint64_t i = 0; l->leaf && i < leaves(l); i++)
		if (l->leaf[i] != NO_LEAF)
			env_free_pages(l->env, l->leaf[i], 1);
	free(l->leaf);
}

static int make_leaf(struct lines *l, uint64_t i)
{
	iotoll_phys_t leaf;
	const int rc = env_alloc_pages(l->env, 1, DMA_PAGE_BYTES, 0, &leaf);

	if (rc)
		return rc;
	env_clear(l->env, IOTOLL_PHYS_U64(leaf), DMA_PAGE_BYTES);
	/* Others may look for lines of theirs meanwhile, without a lock. */
	__atomic_store_n(&l->leaf[i], leaf, __ATOMIC_RELEASE);
	return 0;
}

int lines_prepare(struct lines *l, uint64_t first, uint64_t count)
{
	for (uint64_t i = first / LEAF_LINES; i <= (first + count - 1) / LEAF_LINES; i++) {
		const int rc = l->leaf[i] == NO_LEAF ? make_leaf(l, i) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

static bool find(const struct lines *l, uint64_t i, iotoll_phys_t *at)
{
	iotoll_phys_t leaf;

	if (i >= l->count)
		return false;
	leaf = __atomic_load_n(&l->leaf[i / LEAF_LINES], __ATOMIC_ACQUIRE);
	*at = IOTOLL_PHYS(IOTOLL_PHYS_U64(leaf) + i % LEAF_LINES * DMA_LINE_BYTES);
	return leaf != NO_LEAF;
}

void *lines_peek(const struct lines *l, uint64_t i)
{
	iotoll_phys_t at;

	return find(l, i, &at) ? env_ptr(l->env, at, DMA_LINE_BYTES) : NULL;
}

void *lines_touch(const struct lines *l, uint64_t i, bool write)
{
	iotoll_phys_t at;

	if (!find(l, i, &at))
		return NULL;
	env_touch(l->env, at, DMA_LINE_BYTES, write);
	return env_ptr(l->env, at, DMA_LINE_BYTES);
}

void *lines_atomic(const struct lines *l, uint64_t i)
{
	iotoll_phys_t at;

	if (!find(l, i, &at))
		return NULL;
	env_atomic(l->env, IOTOLL_PHYS_U64(at));
	return env_ptr(l->env, at, DMA_LINE_BYTES);
}

/* SPDX-License-Identifier: MIT */
/* See pagemap.h. */
#include "dma/pagemap.h"

#include <string.h>

#define FRAME_BYTES 4096u
#define LEAF_WORDS  512u
#define WORD_BYTES  sizeof(uint64_t)

static iotoll_phys_t top_word(const struct pagemap *m, uint64_t key)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(m->top) + key / LEAF_WORDS * WORD_BYTES);
}

static uint64_t *at(const struct pagemap *m, iotoll_phys_t paddr)
{
	return env_ptr(m->env, paddr, WORD_BYTES);
}

/* Of a word of the top level: there is a leaf, at the rest of it. */
#define PRESENT UINT64_C(1)

static iotoll_phys_t leaf_of(const struct pagemap *m, uint64_t key)
{
	return IOTOLL_PHYS(*at(m, top_word(m, key)) & ~PRESENT);
}

/* Where the word of @key lies; there must be a leaf. */
static iotoll_phys_t word(const struct pagemap *m, uint64_t key)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(leaf_of(m, key)) + key % LEAF_WORDS * WORD_BYTES);
}

static bool has_leaf(const struct pagemap *m, uint64_t key)
{
	return key < m->keys && *at(m, top_word(m, key)) != 0;
}

int pagemap_init(struct pagemap *m, struct dma_env *env, uint64_t keys)
{
	const uint64_t leaves = (keys + LEAF_WORDS - 1) / LEAF_WORDS;
	int rc;

	*m = (struct pagemap){.env = env, .keys = keys};
	m->top_frames = (leaves * WORD_BYTES + FRAME_BYTES - 1) / FRAME_BYTES;
	rc = env_alloc_pages(env, m->top_frames, FRAME_BYTES, 0, &m->top);
	if (!rc)
		memset(env_ptr(env, m->top, m->top_frames * FRAME_BYTES), 0,
		       m->top_frames * FRAME_BYTES);
	return rc;
}

void pagemap_fini(struct pagemap *m)
{
	for (uint64_t key = 0; key < m->keys; key += LEAF_WORDS)
		if (has_leaf(m, key))
			env_free_pages(m->env, leaf_of(m, key), 1);
	env_free_pages(m->env, m->top, m->top_frames);
}

uint64_t pagemap_peek(const struct pagemap *m, uint64_t key)
{
	return has_leaf(m, key) ? *at(m, word(m, key)) : 0;
}

uint64_t pagemap_get(const struct pagemap *m, uint64_t key)
{
	if (key >= m->keys)
		return 0;
	env_work(m->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(m->env, top_word(m, key), WORD_BYTES, false);
	if (!has_leaf(m, key))
		return 0;
	env_work(m->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(m->env, word(m, key), WORD_BYTES, false);
	return *at(m, word(m, key));
}

static int make_leaf(struct pagemap *m, uint64_t key)
{
	iotoll_phys_t leaf;
	const int rc = env_alloc_pages(m->env, 1, FRAME_BYTES, 0, &leaf);

	if (rc)
		return rc;
	memset(env_ptr(m->env, leaf, FRAME_BYTES), 0, FRAME_BYTES);
	env_touch(m->env, leaf, FRAME_BYTES, true);
	*at(m, top_word(m, key)) = IOTOLL_PHYS_U64(leaf) | PRESENT;
	env_touch(m->env, top_word(m, key), WORD_BYTES, true);
	return 0;
}

int pagemap_prepare(struct pagemap *m, uint64_t key, uint64_t count)
{
	for (uint64_t k = key; k < key + count; k++) {
		const int rc = has_leaf(m, k) ? 0 : make_leaf(m, k);

		if (rc)
			return rc;
	}
	return 0;
}

/* Leaves first, so that there is nothing to undo: one too many does no harm. */
int pagemap_put(struct pagemap *m, uint64_t key, uint64_t count, uint64_t value)
{
	const int rc = pagemap_prepare(m, key, count);

	if (rc)
		return rc;
	for (uint64_t k = key; k < key + count; k++) {
		*at(m, word(m, k)) = value;
		env_work(m->env, DMA_WORK_BITMAP_WORD, 1);
		env_touch(m->env, word(m, k), WORD_BYTES, true);
	}
	return 0;
}

void pagemap_drop(struct pagemap *m, uint64_t key, uint64_t count)
{
	(void)!pagemap_put(m, key, count, 0);
}

/* SPDX-License-Identifier: MIT */
/* The frame pool: blocks of frames and a last-in first-out free list, which keeps them warm. */
#include "dev/frame.h"

#include <stdlib.h>

#define BLOCK_FRAMES 32u

struct block {
	struct block *next;
	struct frame frames[BLOCK_FRAMES];
};

struct frame_pool {
	struct block *blocks;
	struct frame *free;
	size_t used;
};

struct frame_pool *frame_pool_create(void)
{
	return calloc(1, sizeof(struct frame_pool));
}

void frame_pool_destroy(struct frame_pool *pool)
{
	if (!pool)
		return;
	while (pool->blocks) {
		struct block *block = pool->blocks;

		pool->blocks = block->next;
		free(block);
	}
	free(pool);
}

static void grow(struct frame_pool *pool)
{
	struct block *block = malloc(sizeof(*block));

	if (!block)
		return;
	block->next = pool->blocks;
	pool->blocks = block;
	for (unsigned i = BLOCK_FRAMES; i-- > 0;) {
		block->frames[i].pool = pool;
		block->frames[i].next = pool->free;
		pool->free = &block->frames[i];
	}
}

struct frame *frame_get(struct frame_pool *pool)
{
	struct frame *frame;

	if (!pool->free)
		grow(pool);
	frame = pool->free;
	if (!frame)
		return NULL;
	pool->free = frame->next;
	pool->used++;
	frame->next = NULL;
	frame->bytes = 0;
	return frame;
}

void frame_put(struct frame *frame)
{
	struct frame_pool *pool = frame->pool;

	frame->next = pool->free;
	pool->free = frame;
	pool->used--;
}

size_t frame_pool_used(const struct frame_pool *pool)
{
	return pool->used;
}

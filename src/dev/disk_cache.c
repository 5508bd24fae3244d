/* SPDX-License-Identifier: MIT */
/* A hash table over lines; the clean ones also hang on a list in order of use. */
#include "dev/disk_cache.h"

#include <errno.h>
#include <stdlib.h>

#define NONE DISK_CACHE_NONE

int disk_cache_init(struct disk_cache *c, uint64_t bytes)
{
	*c = (struct disk_cache){.newest = NONE, .oldest = NONE, .buckets = 1};
	c->lines = (uint32_t)(bytes / DISK_BLOCK_BYTES);
	while (c->buckets < c->lines)
		c->buckets *= 2;
	c->line = calloc(c->lines ? c->lines : 1, sizeof(*c->line));
	c->bucket = malloc(c->buckets * sizeof(*c->bucket));
	if (!c->line || !c->bucket) {
		disk_cache_fini(c);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->buckets; i++)
		c->bucket[i] = NONE;
	return 0;
}

void disk_cache_fini(struct disk_cache *c)
{
	free(c->line);
	free(c->bucket);
	*c = (struct disk_cache){0};
}

static uint32_t *bucket_of(const struct disk_cache *c, uint64_t block)
{
	/* Fibonacci hashing: blocks come in runs. */
	const uint64_t h = block * UINT64_C(0x9e3779b97f4a7c15);

	return &c->bucket[(h >> 32) & (c->buckets - 1)];
}

static uint32_t find(const struct disk_cache *c, uint64_t block)
{
	uint32_t at = c->lines ? *bucket_of(c, block) : NONE;

	while (at != NONE && c->line[at].block != block)
		at = c->line[at].chain;
	return at;
}

static void list_remove(struct disk_cache *c, uint32_t at)
{
	const struct disk_cache_line *l = &c->line[at];

	*(l->newer == NONE ? &c->newest : &c->line[l->newer].older) = l->older;
	*(l->older == NONE ? &c->oldest : &c->line[l->older].newer) = l->newer;
}

static void list_push(struct disk_cache *c, uint32_t at)
{
	struct disk_cache_line *l = &c->line[at];

	l->newer = NONE;
	l->older = c->newest;
	*(c->newest == NONE ? &c->oldest : &c->line[c->newest].newer) = at;
	c->newest = at;
}

static void unhash(struct disk_cache *c, uint32_t at)
{
	uint32_t *link = bucket_of(c, c->line[at].block);

	while (*link != at)
		link = &c->line[*link].chain;
	*link = c->line[at].chain;
}

/* A line to put another block in: a fresh one, or the clean one used least recently. */
static uint32_t take(struct disk_cache *c)
{
	const uint32_t at = c->oldest;

	if (c->used < c->lines)
		return c->used++;
	if (at == NONE)
		return NONE;
	list_remove(c, at);
	unhash(c, at);
	return at;
}

bool disk_cache_use(struct disk_cache *c, uint64_t block)
{
	const uint32_t at = find(c, block);

	if (at == NONE)
		return false;
	if (!c->line[at].dirty) {
		list_remove(c, at);
		list_push(c, at);
	}
	return true;
}

bool disk_cache_is_dirty(const struct disk_cache *c, uint64_t block)
{
	const uint32_t at = find(c, block);

	return at != NONE && c->line[at].dirty;
}

bool disk_cache_add(struct disk_cache *c, uint64_t block, bool dirty)
{
	uint32_t at = find(c, block);

	if (at != NONE && !c->line[at].dirty) {
		list_remove(c, at);
	} else if (at == NONE) {
		at = take(c);
		if (at == NONE)
			return false;
		c->line[at] = (struct disk_cache_line){.block = block};
		c->line[at].chain = *bucket_of(c, block);
		*bucket_of(c, block) = at;
	}
	c->dirty += dirty && !c->line[at].dirty;
	c->line[at].dirty |= dirty;
	if (!c->line[at].dirty)
		list_push(c, at);
	return true;
}

void disk_cache_clean(struct disk_cache *c, uint64_t block)
{
	const uint32_t at = find(c, block);

	if (at == NONE || !c->line[at].dirty)
		return;
	c->line[at].dirty = false;
	c->dirty--;
	list_push(c, at);
}

bool disk_cache_check(const struct disk_cache *c)
{
	uint32_t listed = 0, dirty = 0, newer = NONE;

	for (uint32_t at = c->newest; at != NONE; at = c->line[at].older) {
		if (++listed > c->used || c->line[at].newer != newer || c->line[at].dirty)
			return false;
		newer = at;
	}
	for (uint32_t at = 0; at < c->used; at++) {
		if (find(c, c->line[at].block) != at)
			return false;
		dirty += c->line[at].dirty;
	}
	return c->oldest == newer && dirty == c->dirty && listed + dirty == c->used &&
	       c->used <= c->lines;
}

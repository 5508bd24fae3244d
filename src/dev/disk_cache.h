/* SPDX-License-Identifier: MIT */
/*
 * What an array's cache holds: blocks of 4 KiB, least recently used first to go, dirty ones never.
 * Only which blocks, not their data: time depends on it, contents do not.
 */
#ifndef IOTOLL_DEV_DISK_CACHE_H
#define IOTOLL_DEV_DISK_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DISK_BLOCK_BYTES 4096u

struct disk_cache_line {
	uint64_t block;
	uint32_t newer, older; /* neighbours in order of use; also the list of free lines */
	uint32_t chain;        /* next with the same hash */
	bool dirty;
};

struct disk_cache {
	uint32_t lines, buckets; /* buckets: a power of two */
	uint32_t used, dirty;
	uint32_t newest, oldest; /* DISK_CACHE_NONE: empty */
	struct disk_cache_line *line;
	uint32_t *bucket;
};

#define DISK_CACHE_NONE UINT32_MAX

/* @bytes / 4096 lines, 0 allowed. 0 or -ENOMEM. */
int disk_cache_init(struct disk_cache *c, uint64_t bytes) MUST_CHECK;
void disk_cache_fini(struct disk_cache *c);
/* Is @block there? A use. */
bool disk_cache_use(struct disk_cache *c, uint64_t block);
bool disk_cache_is_dirty(const struct disk_cache *c, uint64_t block);
/* Keep @block, or mark it dirty. Not kept (false) if every line is dirty. */
bool disk_cache_add(struct disk_cache *c, uint64_t block, bool dirty);
/* @block has been written out. */
void disk_cache_clean(struct disk_cache *c, uint64_t block);
/* Recompute counts and lists; false if one is broken. Slow. */
bool disk_cache_check(const struct disk_cache *c);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A small coherent cache model: one set-associative last-level cache per CPU with LRU, kept
 * coherent line by line through a directory. It answers one question, where a line is when a CPU
 * touches it, and charges nothing itself.
 */
#ifndef IOTOLL_SIM_CACHE_H
#define IOTOLL_SIM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE_BYTES 64u
#define CACHE_MAX_CPUS   16u

enum cache_where {
	CACHE_OWN,    /* hit */
	CACHE_REMOTE, /* modified in, or (for a write) shared with, another CPU's cache */
	CACHE_DRAM,
};

struct cache;

/* @cpus at most CACHE_MAX_CPUS; @l2_bytes / 64 / @ways must be a power of two. NULL on failure. */
struct cache *cache_create(unsigned cpus, uint32_t l2_bytes, unsigned ways, uint64_t memory_bytes);
void cache_destroy(struct cache *c);

/* CPU @cpu loads or stores within the one line that holds @paddr. Changes state. */
enum cache_where cache_access(struct cache *c, unsigned cpu, uint64_t paddr, bool write);
/* Where the lines of a range, or of a copy, were found. */
struct cache_found {
	unsigned own, remote, dram;
};

/* cache_access() for each line of [paddr, paddr + bytes); adds to @found. */
void cache_access_range(struct cache *c, unsigned cpu, uint64_t paddr, size_t bytes, bool write,
			struct cache_found *found);
/*
 * The accesses of a copy in pieces of a line's length. A piece counts as dram if either side
 * was there, else as own; remote counts, besides, the pieces that took a line from another CPU.
 */
void cache_copy(struct cache *c, unsigned cpu, uint64_t to, uint64_t from, size_t bytes,
		struct cache_found *found);
/* Write the line back and drop it from every cache (clflush). True if any cache held it. */
bool cache_flush_line(struct cache *c, uint64_t paddr);
/* A device wrote [paddr, paddr + bytes): every touched line leaves every cache. */
void cache_dma_write(struct cache *c, uint64_t paddr, size_t bytes);
/* A device read the range: modified lines become clean and stay. */
void cache_dma_read(struct cache *c, uint64_t paddr, size_t bytes);
/* Where an access by @cpu would find the line. Changes nothing. */
enum cache_where cache_probe(const struct cache *c, unsigned cpu, uint64_t paddr, bool write);

#endif

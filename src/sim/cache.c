/* SPDX-License-Identifier: MIT */
/*
 * The coherent cache model. A directory entry per line of memory (host memory that stays
 * untouched, hence unallocated, for lines never used) says which CPUs hold the line and whether
 * one of them has it modified; per-CPU tag arrays, most recent line first and empty ways last, say
 * which line a fill evicts. Write-back,
 * write-allocate, true LRU, states M and S of MESI: the states that decide what an access costs.
 */
#include "sim/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE_SHIFT 6
#define NO_LINE    UINT32_MAX

struct dir { /* four bytes a line */
	uint16_t holders;
	uint8_t modified; /* exactly one holder, whose copy is newer than memory */
	uint8_t unused;
};

struct cache {
	unsigned cpus, ways;
	uint32_t set_mask;
	uint64_t lines;
	struct dir *dir;
	uint32_t *tags; /* [cpu][set][way], most recent first; NO_LINE = empty */
};

struct cache *cache_create(unsigned cpus, uint32_t l2_bytes, unsigned ways, uint64_t memory_bytes)
{
	const uint32_t sets = ways ? l2_bytes / CACHE_LINE_BYTES / ways : 0;
	const size_t tags = (size_t)cpus * sets * ways;
	struct cache *c;

	if (!cpus || cpus > CACHE_MAX_CPUS || !sets || (sets & (sets - 1)) ||
	    (memory_bytes >> LINE_SHIFT) >= NO_LINE)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->cpus = cpus;
	c->ways = ways;
	c->set_mask = sets - 1;
	c->lines = memory_bytes >> LINE_SHIFT;
	c->tags = malloc(tags * sizeof(*c->tags));
	c->dir = mmap(NULL, c->lines * sizeof(*c->dir), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->dir == MAP_FAILED)
		c->dir = NULL;
	if (!c->tags || !c->dir) {
		cache_destroy(c);
		return NULL;
	}
	memset(c->tags, 0xff, tags * sizeof(*c->tags));
	return c;
}

void cache_destroy(struct cache *c)
{
	if (!c)
		return;
	if (c->dir)
		munmap(c->dir, c->lines * sizeof(*c->dir));
	free(c->tags);
	free(c);
}

static inline uint32_t *set_of(const struct cache *c, unsigned cpu, uint32_t line)
{
	const size_t set = line & c->set_mask;

	return c->tags + ((size_t)cpu * (c->set_mask + 1) + set) * c->ways;
}

/* The line at @way becomes the most recent of its set. */
static inline void promote(uint32_t *set, unsigned way)
{
	const uint32_t line = set[way];

	/* A call of memmove() costs more than these few words. */
	for (; way; way--)
		set[way] = set[way - 1];
	set[0] = line;
}

static unsigned find(const struct cache *c, const uint32_t *set, uint32_t line)
{
	unsigned way = 0;

	while (way < c->ways && set[way] != line)
		way++;
	return way;
}

static void touch_hit(struct cache *c, unsigned cpu, uint32_t line)
{
	uint32_t *set = set_of(c, cpu, line);

	if (set[0] != line)
		promote(set, find(c, set, line));
}

/* Bring @line in as most recent, in place of an empty way or the oldest line. */
static void fill(struct cache *c, unsigned cpu, uint32_t line)
{
	uint32_t *set = set_of(c, cpu, line);
	const unsigned victim = c->ways - 1;

	if (set[victim] != NO_LINE) {
		struct dir *d = &c->dir[set[victim]];

		d->holders &= (uint16_t) ~(1u << cpu);
		d->modified = 0; /* a lone holder wrote it back, or it was clean anyway */
	}
	set[victim] = line;
	promote(set, victim);
}

/* Take @line out of the caches of @holders; empty ways stay behind all others. */
static void drop(struct cache *c, uint32_t line, uint16_t holders)
{
	while (holders) {
		const unsigned cpu = (unsigned)__builtin_ctz(holders);
		uint32_t *set = set_of(c, cpu, line);
		const unsigned way = find(c, set, line);

		memmove(set + way, set + way + 1, (c->ways - way - 1) * sizeof(*set));
		set[c->ways - 1] = NO_LINE;
		holders &= (uint16_t)(holders - 1);
	}
}

static inline enum cache_where where(const struct dir *d, unsigned cpu, bool write)
{
	const uint16_t me = (uint16_t)(1u << cpu);

	if (d->holders & me)
		return write && d->holders != me ? CACHE_REMOTE : CACHE_OWN;
	/* A clean copy elsewhere comes from memory on a bus of this kind, as if nobody had it. */
	if (d->modified || (write && d->holders))
		return CACHE_REMOTE;
	return CACHE_DRAM;
}

static inline enum cache_where access_line(struct cache *c, unsigned cpu, uint64_t paddr,
					   bool write)
{
	const uint32_t line = (uint32_t)(paddr >> LINE_SHIFT);
	const uint16_t me = (uint16_t)(1u << cpu);
	struct dir *d;
	uint16_t others;
	enum cache_where w;

	if (line >= c->lines)
		return CACHE_DRAM;
	d = &c->dir[line];
	w = where(d, cpu, write);
	others = d->holders & (uint16_t)~me;
	if (d->holders & me) {
		touch_hit(c, cpu, line);
		if (!write)
			return w;
	} else {
		fill(c, cpu, line);
		if (!write) {
			d->modified = 0; /* the owner supplied it and wrote it back */
			d->holders |= me;
			return w;
		}
	}
	if (others)
		drop(c, line, others);
	d->holders = me;
	d->modified = 1;
	return w;
}

/* Out of line, so that what is mostly found needs no stack. */
static __attribute__((noinline)) enum cache_where access_other(struct cache *c, unsigned cpu,
							       uint64_t paddr, bool write)
{
	return access_line(c, cpu, paddr, write);
}

enum cache_where cache_access(struct cache *c, unsigned cpu, uint64_t paddr, bool write)
{
	const uint32_t line = (uint32_t)(paddr >> LINE_SHIFT);
	const uint16_t me = (uint16_t)(1u << cpu);
	struct dir *d;

	if (line >= c->lines)
		return CACHE_DRAM;
	d = &c->dir[line];
	/* Ours, alone if we write, and the most recent of its set: nothing moves. */
	if ((write ? d->holders == me : (d->holders & me) != 0) && *set_of(c, cpu, line) == line) {
		d->modified |= write;
		return CACHE_OWN;
	}
	return access_other(c, cpu, paddr, write);
}

void cache_access_range(struct cache *c, unsigned cpu, uint64_t paddr, size_t bytes, bool write,
			struct cache_found *found)
{
	const uint64_t end = paddr + bytes;
	unsigned own = 0, remote = 0, lines = 0;

	for (uint64_t at = paddr & ~(uint64_t)(CACHE_LINE_BYTES - 1); at < end;
	     at += CACHE_LINE_BYTES) {
		const enum cache_where w = access_line(c, cpu, at, write);

		own += w == CACHE_OWN;
		remote += w == CACHE_REMOTE;
		lines++;
	}
	found->own += own;
	found->remote += remote;
	found->dram += lines - own - remote;
}

void cache_copy(struct cache *c, unsigned cpu, uint64_t to, uint64_t from, size_t bytes,
		struct cache_found *found)
{
	for (size_t done = 0; done < bytes; done += CACHE_LINE_BYTES) {
		const enum cache_where src = access_line(c, cpu, from + done, false);
		const enum cache_where dst = access_line(c, cpu, to + done, true);

		if (src == CACHE_DRAM || dst == CACHE_DRAM)
			found->dram++;
		else
			found->own++;
		found->remote += src == CACHE_REMOTE || dst == CACHE_REMOTE;
	}
}

enum cache_where cache_probe(const struct cache *c, unsigned cpu, uint64_t paddr, bool write)
{
	const uint64_t line = paddr >> LINE_SHIFT;

	return line < c->lines ? where(&c->dir[line], cpu, write) : CACHE_DRAM;
}

bool cache_flush_line(struct cache *c, uint64_t paddr)
{
	const uint64_t line = paddr >> LINE_SHIFT;
	bool held;

	if (line >= c->lines)
		return false;
	held = c->dir[line].holders != 0;
	drop(c, (uint32_t)line, c->dir[line].holders);
	c->dir[line] = (struct dir){0};
	return held;
}

void cache_dma_write(struct cache *c, uint64_t paddr, size_t bytes)
{
	const uint64_t last = (paddr + bytes - 1) >> LINE_SHIFT;

	if (!bytes)
		return;
	for (uint64_t line = paddr >> LINE_SHIFT; line <= last && line < c->lines; line++) {
		if (c->dir[line].holders)
			drop(c, (uint32_t)line, c->dir[line].holders);
		c->dir[line] = (struct dir){0};
	}
}

void cache_dma_read(struct cache *c, uint64_t paddr, size_t bytes)
{
	const uint64_t last = (paddr + bytes - 1) >> LINE_SHIFT;

	if (!bytes)
		return;
	for (uint64_t line = paddr >> LINE_SHIFT; line <= last && line < c->lines; line++)
		c->dir[line].modified = 0;
}

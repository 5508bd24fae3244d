/* SPDX-License-Identifier: MIT */
/*
 * The page cache: pages of the machine's memory that hold blocks of a device, found by mapping and
 * index, read ahead, written back later, and given up least recently used first. A mapping is
 * what a file is to the cache: it says where on the device each of its pages lies.
 *
 * A page is locked while it is being filled; whoever adds one finds it locked, so that nobody
 * sees it half made. A pin keeps a page where it is. Write-back takes no lock: a page may be stored
 * to while it is on its way to the device and is then written again (Linux 2.6 does the same).
 *
 * A page whose write failed stays dirty and in memory; the failure is told to the next one who
 * asks whether everything was written (pagecache_write_back()). Follows mm/filemap.c,
 * mm/page-writeback.c and mm/readahead.c of Linux 2.6.23 in what it decides.
 */
#ifndef IOTOLL_GUEST_PAGECACHE_H
#define IOTOLL_GUEST_PAGECACHE_H

#include "base/err.h"
#include "guest/blockdev.h"
#include "sim/task.h"

#define BLOCK_BYTES   PAGE_BYTES
#define BLOCK_SECTORS (BLOCK_BYTES / BLOCK_SECTOR_BYTES)

struct pagecache;
struct mapping;

struct page {
	struct mapping *mapping; /* NULL: free */
	uint64_t index;
	phys_t paddr;
	uint8_t *data; /* the host's view of it */
	bool uptodate, locked, dirty, writeback;
	bool mark; /* getting here starts the next read-ahead */
	int error; /* of the read that should have filled it */
	unsigned pins;
	uint64_t dirty_seq;
	sim_time dirtied;
	struct page *hash_next;
	struct page *lru_older, *lru_newer;
	struct page *map_before, *map_after;     /* of its mapping */
	struct page *dirty_before, *dirty_after; /* the same, dirty ones, oldest first */
	struct waitq wait;
};

struct mapping_ops {
	/*
	 * The device's block of page @index, or 0: a hole, which reads as zeros. *@run: this many
	 * blocks from there on belong to the pages from @index on (at least 1; of a hole, too).
	 * Must not sleep.
	 */
	uint64_t (*block)(struct mapping *m, uint64_t index, uint64_t *run);
};

/* Embedded by its owner. */
struct mapping {
	struct pagecache *cache;
	const struct mapping_ops *ops;
	uint64_t id;
	struct page *pages;
	struct page *dirty_first, *dirty_last;
	uint64_t dirty, writeback; /* pages */
	int error;                 /* the first failed write nobody was told of yet */
	struct mapping *next_dirty, *prev_dirty;
	bool listed; /* among those with dirty pages */
	struct waitq wait;
};

/* What an open file remembers of how it is read. Zero-initialised. */
struct readahead {
	uint64_t next; /* index behind the last one read */
	uint64_t start, size, async;
};

struct pagecache_config {
	struct machine *machine;
	struct blockdev *dev;
	uint64_t pages;              /* at most; at least PAGECACHE_MIN_PAGES */
	unsigned background_percent; /* dirty: write-back begins (Linux 2.6.23: 5) */
	unsigned limit_percent;      /* dirty and in flight: writers wait (10) */
	unsigned readahead_pages;    /* the largest window, 32 as in Linux; 0: none */
	unsigned cpu;                /* of the task that writes back */
};

#define PAGECACHE_MIN_PAGES 256u

struct pagecache_stats {
	uint64_t hits, misses;            /* pages asked for by readers */
	uint64_t read_pages, ahead_pages; /* read from the device; of those, ahead of need */
	uint64_t written_pages;
	uint64_t reclaimed;
	uint64_t throttled;     /* times a writer waited at the limit */
	uint64_t errors;        /* bios that failed */
	uint64_t reads, writes; /* bios */
	uint64_t pages, dirty;  /* now */
};

/* 0; -EINVAL with @err; -ENOMEM. The task that writes back starts here. */
int pagecache_create(struct pagecache **out, const struct pagecache_config *config,
		     struct err *err) MUST_CHECK;
/* No CPU of the machine may run afterwards, and nothing may be in flight. NULL is allowed. */
void pagecache_destroy(struct pagecache *pc);
void pagecache_stats(const struct pagecache *pc, struct pagecache_stats *out);
/* Recompute every invariant; false if one is broken. Slow. */
bool pagecache_check(const struct pagecache *pc);

void mapping_init(struct mapping *m, struct pagecache *pc, const struct mapping_ops *ops);
/*
 * Drop the pages from @first on, dirty or not, waiting for what is in flight. Nobody else may use
 * the mapping's pages from there on.
 */
void mapping_drop(struct mapping *m, uint64_t first, struct cpu *cpu);
/*
 * Write what is dirty, then drop the pages of [@first, @first + @count). @alone: as mapping_drop(),
 * so that none is left; else a page somebody holds, or has dirtied since, stays. 0 or the write's
 * error.
 */
int mapping_write_and_drop(struct mapping *m, uint64_t first, uint64_t count, bool alone,
			   struct cpu *cpu) MUST_CHECK;

/*
 * Page @index, pinned and locked, made if it was not there (then not uptodate, its contents
 * undefined). Sleeps. 0 or -ENOMEM: all pages are pinned.
 */
int page_get(struct mapping *m, uint64_t index, struct cpu *cpu, struct page **out) MUST_CHECK;
/* Fill a locked page that is not uptodate from the device, or with zeros if it is in a hole. */
int page_fill(struct page *page, struct cpu *cpu) MUST_CHECK;
/* The locked page holds what it should, and the device does not: it will be written. */
void page_dirty(struct page *page, struct cpu *cpu);
void page_unlock(struct page *page, struct cpu *cpu);
void page_pin(struct page *page);
void page_put(struct page *page, struct cpu *cpu);

/*
 * Page @index for reading, pinned, uptodate, not locked. @want: pages the caller is about to
 * read from there on; @end: pages of the file. @ra NULL: no read-ahead. 0; -EIO and the like;
 * -ENOMEM.
 */
int pagecache_read(struct mapping *m, uint64_t index, uint64_t want, uint64_t end,
		   struct readahead *ra, struct cpu *cpu, struct page **out) MUST_CHECK;

/*
 * Write what is dirty now and wait until it, and what was in flight, is done. 0 or the first
 * error since somebody was last told.
 */
int pagecache_write_back(struct mapping *m, struct cpu *cpu) MUST_CHECK;
/* The same without waiting. */
void pagecache_begin_write_back(struct mapping *m, struct cpu *cpu);
/* After dirtying pages of @m: wait while too much is dirty. 0 or the error that stops progress. */
int pagecache_balance(struct mapping *m, struct cpu *cpu) MUST_CHECK;
/* End the task that writes back, at the next chance. Dirty pages stay. */
void pagecache_stop(struct pagecache *pc, struct cpu *cpu);
/* The task has ended and nothing is in flight. */
bool pagecache_idle(const struct pagecache *pc);

#endif

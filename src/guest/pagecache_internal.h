/* SPDX-License-Identifier: MIT */
/* What pages, their I/O and write-back share. */
#ifndef IOTOLL_GUEST_PAGECACHE_INTERNAL_H
#define IOTOLL_GUEST_PAGECACHE_INTERNAL_H

#include "guest/pagecache.h"

#define PAGE_IO_PAGES 32u /* 128 KiB a bio */
#define PAGE_IOS      256u

/* A bio and the pages it carries. */
struct page_io {
	struct bio bio;
	struct bio_vec vec[PAGE_IO_PAGES];
	struct page *page[PAGE_IO_PAGES];
	unsigned pages;
	struct pagecache *pc;
	struct page_io *next;
};

struct pagecache {
	struct machine *machine;
	struct blockdev *dev;
	struct pagecache_config config;
	struct page *page; /* all of them */
	uint64_t made;     /* of those, with a frame */
	uint64_t in_use, dirty, writeback, in_flight;
	struct page *free; /* by hash_next */
	struct page **hash;
	uint64_t hash_mask, next_id, sequence;
	struct page *oldest, *newest;
	struct mapping *dirty_mappings; /* circular, the one to write next first */
	struct waitq freed;             /* a page may have become free to take */
	struct page_io *io, *io_free;
	struct waitq io_wait;
	struct waitq flusher_wait;
	struct event alarm;
	bool stopping, stopped;
	struct pagecache_stats stats;
};

/* pagecache_page.c */
/* NULL if it is not there. Changes nothing. */
struct page *page_find(const struct mapping *m, uint64_t index);
/* Made, locked, pinned; NULL: there already, or @may_sleep is false and no page is to be had. */
struct page *page_add(struct mapping *m, uint64_t index, struct cpu *cpu, bool may_sleep, int *rc);
void page_used(struct page *page); /* the newest */
void page_lock(struct page *page, struct cpu *cpu);
void page_forget_dirty(struct page *page);
void page_charge(const struct pagecache *pc, struct cpu *cpu, uint64_t pages);

/* pagecache_io.c */
/*
 * Read [@first, @first + @count) as far as it is not there; the page with index @mark gets the
 * mark. What the caller needs (@need pages) is waited for a place for, the rest is not.
 */
int pagecache_start_reads(struct mapping *m, uint64_t first, uint64_t count, uint64_t need,
			  uint64_t mark, struct cpu *cpu) MUST_CHECK;
/* Start writing up to @max dirty pages of @m that were dirtied up to @seq. How many. */
uint64_t pagecache_start_writes(struct mapping *m, uint64_t seq, uint64_t max, struct cpu *cpu);

/* pagecache_writeback.c */
void pagecache_flusher(void *ctx);
void pagecache_wake_flusher(struct pagecache *pc, struct cpu *cpu);

static inline uint64_t pagecache_background(const struct pagecache *pc)
{
	return pc->config.pages * pc->config.background_percent / 100;
}

#endif

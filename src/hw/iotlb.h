/* SPDX-License-Identifier: MIT */
/*
 * The one IOTLB that serves every IOMMU: set-associative, tagged, with a replacement policy that
 * is a row of a table. An entry (a line) covers line_pages consecutive pages that are fetched
 * together; a page whose raw table entry is 0 is not held even if its line is. Beside lines it
 * holds large pages: one entry for 2^order aligned pages, in the same sets and ways, the set
 * picked by the large page's number. access(), lookup() and insert() change state; probe() and
 * peek() never do. After create nothing allocates. Page numbers have at most 52 bits. Not thread
 * safe.
 */
#ifndef IOTOLL_HW_IOTLB_H
#define IOTOLL_HW_IOTLB_H

#include "hw/iommu.h"

/*
 * A replacement policy. What it remembers of one set is @state, words() 64-bit words that start
 * as 0. It is not told of invalidations: an emptied way is filled again before a victim is asked
 * for, so whatever is remembered of it is overwritten by fill().
 */
struct iotlb_policy {
	const char *name;
	const char *title;
	size_t (*words)(unsigned ways);
	/*
	 * @state has a word a way and touch() does no more than write @clock into that of @way:
	 * the IOTLB then does it by itself.
	 */
	bool stamps;
	/* Way @way of the set was hit. @clock rises by at least one per access. */
	void (*touch)(uint64_t *state, unsigned ways, unsigned way, uint64_t clock);
	/*
	 * Way @way was filled with another line, the one called @key (the same whenever the line
	 * comes; another line may share it). A refill of the line it holds is a touch.
	 */
	void (*fill)(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key);
	/* The way to replace; all are valid. @random is a fresh 64-bit draw. */
	unsigned (*victim)(uint64_t *state, unsigned ways, uint64_t random);
	/* Is the state one that can come about? For tests. */
	bool (*check)(const uint64_t *state, unsigned ways, uint64_t clock);
};

/* NULL-terminated, in display order. */
extern const struct iotlb_policy *const iotlb_policies[];

/* Upper limit of iotlb_config.entries: far beyond any hardware, bounds what a typo can cost. */
#define IOTLB_MAX_ENTRIES    (1u << 20)
#define IOTLB_MAX_LINE_PAGES 16u

/*
 * 0, -ENOMEM, or -EINVAL with @err naming the field and what was expected. With entries == 0 the
 * other fields are not looked at: nothing is ever held, every access is a miss, a line is 1 page.
 */
int iotlb_create(struct iotlb **out, const struct iotlb_config *config, struct err *err) MUST_CHECK;
/* What iotlb_create() says of @config; if -EINVAL, *@field is the name of the member to blame. */
int iotlb_config_check(const struct iotlb_config *config, const char **field,
		       struct err *err) MUST_CHECK;
void iotlb_destroy(struct iotlb *t);

/*
 * Called with tag and page number for each held page that leaves: evicted, invalidated, or
 * refilled with a different table entry. By then a probe no longer finds what left. The callback
 * must not change the IOTLB. @fn may be NULL.
 */
void iotlb_on_drop(struct iotlb *t, void (*fn)(void *ctx, uint32_t tag, uint64_t pfn), void *ctx);

/*
 * The same for large pages: told once for the 2^@order pages from @pfn. Without it the function of
 * iotlb_on_drop() is told of each page, which for one of 1 GiB is 262144 calls.
 */
void iotlb_on_drop_large(struct iotlb *t,
			 void (*fn)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order),
			 void *ctx);

/* Look up page @pfn under @tag: true and the raw table entry in *@entry on a hit. */
bool iotlb_access(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry);
/* The same without any change of state or statistics. */
bool iotlb_probe(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry);
/*
 * iotlb_access() for models with large pages: *@order says how many pages *@entry covers (2^order;
 * 0 for a page of a line). Small pages are looked for first, then each order that is held at all,
 * smallest first. One access and one hit or miss, however many orders there are.
 */
bool iotlb_lookup(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry, unsigned *order);
/* The same without any change of state or statistics. */
bool iotlb_peek(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry,
		unsigned *order);
/* Number of the set that page @pfn of @tag belongs to. */
size_t iotlb_set_of(const struct iotlb *t, uint32_t tag, uint64_t pfn);
/* First page of the line that holds @pfn, and how many pages a line has. */
uint64_t iotlb_line_first(const struct iotlb *t, uint64_t pfn);
unsigned iotlb_line_pages(const struct iotlb *t);
/*
 * Hold @entries (line_pages of them, 0 = not held) for the line that holds @pfn, replacing if
 * needed; a line that is already there is refilled in place. All 0: nothing is held, and a line
 * that was there is dropped.
 */
void iotlb_insert(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries);
/*
 * Hold @entry (not 0) for the 2^@order pages around @pfn: 9 is 2 MiB, 18 is 1 GiB of 4 KiB pages.
 * @order is at most 51 and either 0 with lines of one page or above log2(line_pages). Smaller or
 * larger entries for the same pages stay: whoever replaces a table by a large page invalidates.
 */
void iotlb_insert_large(struct iotlb *t, uint32_t tag, uint64_t pfn, unsigned order,
			uint64_t entry);
/*
 * Drop the line that holds @pfn (with its other pages) and every large page around it; true if
 * there was any.
 */
bool iotlb_invalidate(struct iotlb *t, uint32_t tag, uint64_t pfn);
/*
 * Drop page @pfn out of its line, whose other pages stay; true if it was held. For hardware with a
 * valid bit for each page of a line. Large pages are not looked at.
 */
bool iotlb_invalidate_page(struct iotlb *t, uint32_t tag, uint64_t pfn);
/*
 * Drop every line and large page that has a page in [@first, @first + @pages); how many went. What
 * lies beyond 2^52 is nobody's. Costs no more than looking at every entry, however long the range.
 */
unsigned iotlb_invalidate_range(struct iotlb *t, uint32_t tag, uint64_t first, uint64_t pages);
/*
 * The same for hardware that compares @bits of page numbers only: what agrees in them with a page
 * of [@first, @first + @pages) goes. @pages is a power of two, @first a multiple of it.
 */
unsigned iotlb_invalidate_alike(struct iotlb *t, uint32_t tag, uint64_t first, uint64_t pages,
				uint64_t bits);
/* Drop every line under @tag; returns how many lines went. */
unsigned iotlb_invalidate_tag(struct iotlb *t, uint32_t tag);
/* Drop everything; counts as one flush. */
void iotlb_invalidate_all(struct iotlb *t);
/*
 * What to fetch ahead, to be asked once after each access (and after the insert that followed a
 * miss): true and *@want if the prefetcher wants a page under @tag that is not held. Whoever walks
 * the tables does so for it and, if it is mapped, calls iotlb_insert_ahead(), which is
 * iotlb_insert() but for the statistics.
 */
bool iotlb_wants(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *want);
void iotlb_insert_ahead(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries);
/* Names of the enums' values, NULL past the last. */
const char *iotlb_index_name(unsigned index, const char **title);
const char *iotlb_prefetch_name(unsigned prefetch, const char **title);
/* hits, misses: accesses. evictions, invalidated: lines. flushes: calls of invalidate_all. */
void iotlb_stats(const struct iotlb *t, struct iotlb_stats *out);
/* Recompute every invariant from scratch; false if one is broken. For tests. */
bool iotlb_check(const struct iotlb *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The IOTLB by itself: the translation cache that every model of iotoll/iommu.h has inside, for who
 * has tables of his own. Set-associative, tagged (a domain, a bus), with the library's replacement
 * policies. A line is line_pages neighbouring pages that are fetched and held together; a large
 * page is one entry for 2^order pages in the same sets. An entry is 64 bits of yours, 0 meaning
 * that a page is not held.
 *
 * Page numbers have at most 52 bits. Nothing allocates after creation. Not thread safe.
 */
#ifndef IOTOLL_IOTLB_H
#define IOTOLL_IOTLB_H

#include <stdbool.h>

#include "iotoll/types.h"

IOTOLL_DECLS_BEGIN

struct iotoll_iotlb;

struct iotoll_iotlb_config {
	unsigned entries;    /* lines and large pages: 1 to 2^20; 0: never holds anything */
	unsigned ways;       /* divides entries, in a power of two of sets; 0: fully associative */
	unsigned line_pages; /* 1, 2, 4, 8 or 16 */
	const char *policy;  /* as iotoll_iommu_policy_name() lists them; NULL: "lru" */
	uint64_t seed;       /* for policies that draw */
	/*
	 * May be NULL. Told of each held page or large page (2^@order pages from @pfn) that leaves:
	 * evicted, invalidated, or refilled with another entry. Must not call back.
	 */
	void (*dropped)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order);
	void *dropped_ctx;
};

struct iotoll_iotlb_stats {
	uint64_t hits, misses; /* of lookups */
	uint64_t evictions;    /* lines and large pages that made room */
	uint64_t invalidated;  /* ... that were told to go */
};

/* 0 and *@out; -EINVAL with one line in @why (may be NULL) of what was expected; -ENOMEM. */
int iotoll_iotlb_create(struct iotoll_iotlb **out, const struct iotoll_iotlb_config *config,
			char *why, size_t why_bytes);
/* NULL is allowed. */
void iotoll_iotlb_destroy(struct iotoll_iotlb *t);

/*
 * An access of page @pfn: true and *@entry if it is held, with *@order (may be NULL): how many
 * pages, 2^order, the entry covers. The page in a line is looked for first, then large pages, the
 * smaller before the larger. Counts, and counts for replacement.
 */
bool iotoll_iotlb_lookup(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry,
			 unsigned *order);
/* What it would find. Changes nothing. */
bool iotoll_iotlb_probe(const struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry,
			unsigned *order);
/*
 * Hold @entries, line_pages of them, for the line around @pfn, in place of what is held of it; if
 * all are 0 it leaves. 0; -EINVAL for a page number that is none.
 */
int iotoll_iotlb_fill(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries);
/*
 * Hold @entry for the 2^@order pages around @pfn (9: 2 MiB of 4 KiB pages). What is held of them in
 * other sizes stays. 0; -EINVAL for an entry of 0, a page number that is none, or an order above 51
 * or that is not more than a line.
 */
int iotoll_iotlb_fill_large(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, unsigned order,
			    uint64_t entry);
/* Drop the lines and large pages that have one of @pages pages from @first; how many went. */
unsigned iotoll_iotlb_invalidate(struct iotoll_iotlb *t, uint32_t tag, uint64_t first,
				 uint64_t pages);
/* Drop page @pfn out of its line and leave the others of it; was it held? */
bool iotoll_iotlb_invalidate_page(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn);
/* Drop what is held under @tag, and what is held at all. */
unsigned iotoll_iotlb_invalidate_tag(struct iotoll_iotlb *t, uint32_t tag);
void iotoll_iotlb_invalidate_all(struct iotoll_iotlb *t);
/* Since creation. */
void iotoll_iotlb_stats(const struct iotoll_iotlb *t, struct iotoll_iotlb_stats *out);

IOTOLL_DECLS_END

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What strategies whose devices work on copies have in common: a record for each entry of the
 * table, found by the entry's number alone, that says what request the entry serves and where the
 * device's copy lies; and the copying itself.
 *
 * A record belongs to whoever holds the entry; its home, a cache line in memory, is charged when
 * it is read or written.
 */
#ifndef IOTOLL_DMA_STRATEGY_BOUNCE_H
#define IOTOLL_DMA_STRATEGY_BOUNCE_H

#include "dma/strategy/lines.h"

enum record_state {
	RECORD_NONE,   /* the entry is free, or an ordinary one */
	RECORD_IDLE,   /* of the strategy's own, without a request */
	RECORD_LIVE,   /* a request begins here, all of it copied */
	RECORD_HYBRID, /* a request begins here, its ends copied */
	RECORD_PLAIN,  /* a request begins here, nothing of it copied */
	RECORD_PART,   /* goes on what began at entry next - 1 */
};

struct record {
	uint64_t paddr; /* the request's memory */
	uint64_t copy;  /* the page that the entry leads to, if it is one of the strategy's; or 0 */
	uint64_t bytes; /* of the request */
	void *owner;    /* the pool it belongs to, if the strategy has some */
	uint32_t list;  /* which list of that */
	uint32_t next;  /* on a list, an entry's number + 1; 0: the last */
	enum record_state state;
	enum iotoll_dma_dir dir;
	uint64_t unused[2]; /* two CPUs' buffers share no line */
};

/* A line for each entry of the table. */
struct records {
	struct lines line;
};

/* Pages of a request, 0 being that in which it begins, and their copies, one behind the other. */
struct bounce_window {
	uint64_t page, pages, copy;
};

/* Records for a table of @entries. 0 or -ENOMEM. */
int records_init(struct records *r, struct dma_env *env, uint64_t entries) MUST_CHECK;
void records_fini(struct records *r);
/* Memory for the records of these entries, all of them RECORD_NONE unless they were used before. 0
 * or -ENOMEM. Between domain_open_table() and domain_close_table(). */
int records_prepare(struct records *r, uint64_t first, uint64_t count) MUST_CHECK;
/* The record of @entry; NULL if it has none, which says the same as RECORD_NONE. Free of charge. */
struct record *record_peek(const struct records *r, uint64_t entry);
/* The same, charged. */
struct record *record_touch(const struct records *r, uint64_t entry, bool write);

/*
 * Entries for the request @live, which lead to the pages from @leads_to's on, and its record: all
 * of its entries are told from those of others unless it is RECORD_PLAIN, of which only the first
 * is. want->iova is set. 0; -ENOSPC, -ENOMEM, or why the table's keeper refused: nothing is left.
 * Takes the table.
 */
int bounce_map(struct iotoll_dma_domain *domain, struct records *records, struct mapping *want,
	       const struct record *live, uint64_t leads_to) MUST_CHECK;
/* Clear the entries of such a request, and its record. Takes the table. */
void bounce_unmap(struct iotoll_dma_domain *domain, struct records *records, uint64_t first,
		  uint64_t pages);
/* Say in the records of @pages entries that the request @live has them, a part each. */
void records_hold(struct records *records, uint64_t first, uint64_t pages,
		  const struct record *live);
/* See strategy_ops.owns(). */
bool bounce_owns(const struct records *records, const struct mapping *what);
/*
 * The live request that @what begins in and that has copies; charged. NULL: there is none, which
 * the caller has other ways to know, and pays for. *@first: its entry.
 * *@at, *@bytes: the part of @what that it covers, counted from its own first byte.
 */
const struct record *bounce_find(const struct records *records, const struct mapping *what,
				 uint64_t *first, uint64_t *at, uint64_t *bytes);
/* The window of a request that is copied whole. */
struct bounce_window bounce_whole(const struct record *live);
/* An address that no page the driver can name is at or beyond; 0: there is none in memory. */
uint64_t bounce_below(const struct iotoll_dma_domain *domain);

/* Copy, and count what it was and how long it took. */
void bounce_copy(struct iotoll_dma_domain *domain, uint64_t to, uint64_t from, size_t bytes);

/*
 * Of the @bytes from byte @at of the request @live on, all of them its own, copy what lies in the
 * window: to the device's memory, or to the driver's.
 */
void bounce_part(struct iotoll_dma_domain *domain, const struct record *live,
		 const struct bounce_window *w, uint64_t at, uint64_t bytes, bool to_device);

#endif

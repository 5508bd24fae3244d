/* SPDX-License-Identifier: MIT */
/*
 * Which recorded map an unmap belongs to. Recordings name neither device nor domain, so I/O
 * addresses are all there is: an unmap ends whatever is mapped in its range, however many maps made
 * it (a scatter-gather list is unmapped in one event), and a map ends when all its pages are gone.
 * Where two devices used the same I/O page at once (each has its own address space) the page has
 * two owners and the older goes first.
 */
#ifndef IOTOLL_TRACE_MATCH_H
#define IOTOLL_TRACE_MATCH_H

#include <stdbool.h>

#include "iotoll/types.h"
#include "watch/pfnmap.h"

#define MATCH_ANYBODY (-1)

enum match_state { MATCH_PENDING, MATCH_READY, MATCH_FAILED };

/* One recorded map that lives. */
struct match_map {
	struct match_map *older, *newer; /* of those that live; newer also links free ones */
	uint64_t first, pages;           /* recorded I/O pages */
	uint64_t left;                   /* of them: not unmapped yet */
	uint64_t touched;                /* number of the last unmap that took a page of it */
	iotoll_iova_t iova;              /* where the replay mapped it */
	size_t bytes;
	int owner;   /* whose it is, if whoever added it says; MATCH_ANYBODY: not known */
	uint8_t dir; /* what the replay mapped it for: enum iotoll_dma_dir */
	size_t tag;  /* for the caller */
	enum match_state state;
	uint64_t number, since; /* whatever the user likes */
	bool taken; /* all its pages are unmapped: it is in the hands of whoever unmaps */
};

struct match_owner;

struct match {
	struct pfnmap pages; /* recorded I/O page: oldest owner, list of later ones */
	struct match_map *oldest, *newest;
	struct match_map *free_maps;
	struct match_owner *free_owners;
	uint64_t *range; /* scratch for unmaps of more pages than there are */
	size_t range_room;
	uint64_t unmaps; /* asked so far */
	int owner;       /* whose the unmap is that is being asked */
	uint64_t live_maps, live_pages;
};

/* What an unmap ended. Embed, zero-initialise, keep for the next one. */
struct match_list {
	struct match_map **map;
	size_t count, room;
	uint64_t pages;   /* that had an owner */
	uint64_t partial; /* maps that lost some of their pages but not all */
};

/* 0 or -ENOMEM. */
int match_init(struct match *m) MUST_CHECK;
void match_fini(struct match *m);
void match_list_fini(struct match_list *list);
/*
 * Pages [@first, @first + @pages), @pages > 0, were mapped. 0 and *@out, which is MATCH_PENDING
 * and owned by @m; @shared says whether any of the pages had an owner already. -ENOMEM.
 */
int match_add(struct match *m, uint64_t first, uint64_t pages, struct match_map **out,
	      bool *shared) MUST_CHECK;
/*
 * The same range was unmapped. Fills *@ended with the maps that are wholly gone thereby, oldest
 * owner first, page by page: they are the caller's until match_release(). 0 or -ENOMEM. Takes time
 * in proportion to the pages that live, however large the range.
 */
int match_take(struct match *m, uint64_t first, uint64_t pages,
	       struct match_list *ended) MUST_CHECK;
/*
 * The same for an unmap that is known to be @owner's: of each page the oldest map that is its or
 * might be (MATCH_ANYBODY), one that is surely its before one that might be; others are left alone.
 */
int match_take_of(struct match *m, int owner, uint64_t first, uint64_t pages,
		  struct match_list *ended) MUST_CHECK;
/* The oldest map that has this page; NULL: none has. */
struct match_map *match_at(const struct match *m, uint64_t page);
/* @map never came to be: its pages have no owner any more. Then release it. */
void match_forget(struct match *m, struct match_map *map);
/* Give back a map that was taken or forgotten. */
void match_release(struct match *m, struct match_map *map);
/* Recompute the live counts from scratch; false if they differ. For tests. */
bool match_check(const struct match *m);

#endif

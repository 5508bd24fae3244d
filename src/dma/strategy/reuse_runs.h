/* SPDX-License-Identifier: MIT */
/*
 * Runs of pages that reuse.c keeps mapped. They lie in memory, one cache line each, and are found
 * by the frame they lead to and by their entries, through one pagemap each. Both ways, and the list
 * of those at rest, are charged.
 */
#ifndef IOTOLL_DMA_STRATEGY_REUSE_RUNS_H
#define IOTOLL_DMA_STRATEGY_REUSE_RUNS_H

#include "dma/pagemap.h"
#include "dma/strategy/reuse.h"

#define SLAB_RUNS 64u /* in one page frame */
#define NOBODY    0u  /* the number of no run */

struct run {
	uint64_t paddr, frame; /* of its first page: for the kernel, for devices */
	uint64_t first;        /* entry */
	uint64_t since_ps;     /* at rest */
	uint32_t pages, users; /* live requests */
	uint32_t before, behind;
	uint32_t reads, writes; /* what entries allow: 0 or 1 */
	uint32_t line_end[2];
};

struct reuse {
	struct reuse_policy policy;
	struct pagemap by_frame, by_entry; /* numbers of runs */
	iotoll_phys_t *slab;
	uint32_t slabs;
	uint32_t free; /* runs, linked by behind */
	uint32_t oldest, newest;
	uint64_t idle_pages, mapped_pages;
	bool timer_on;
	bool batching; /* cleared() collects: */
	uint32_t pending;
	uint64_t first[SLAB_RUNS], count[SLAB_RUNS];
};

_Static_assert(sizeof(struct run) == DMA_LINE_BYTES, "a run is a cache line");

/* Run @number, which must be one; free of charge. */
struct run *run_peek(const struct reuse *r, uint32_t number);
/* The same, charged. */
struct run *run_touch(const struct reuse *r, uint32_t number, bool write);
/* More runs, on the list of free ones. 0, -ENOMEM. */
int runs_grow(struct reuse *r) MUST_CHECK;
/* Give back what they lie in. */
void runs_free(struct reuse *r);
/* The run has no user any more: to the end of the list of those at rest, which begins with the
 * oldest.
 */
void run_rest(struct iotoll_dma_domain *domain, uint32_t number);
/* And off that list. */
void run_wake(struct reuse *r, uint32_t number);

#endif

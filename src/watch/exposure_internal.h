/* SPDX-License-Identifier: MIT */
/* What the files of the watcher share: what it keeps, and questions to the hardware. */
#ifndef IOTOLL_WATCH_EXPOSURE_INTERNAL_H
#define IOTOLL_WATCH_EXPOSURE_INTERNAL_H

#include "watch/exposure.h"
#include "watch/pageset.h"
#include "watch/pfnmap.h"
#include "watch/requests.h"

#define EXPOSURE_PAGE_SHIFT 12
#define EXPOSURE_PAGE_BYTES 4096u

typedef unsigned __int128 wide; /* 2^20 pages for an hour, in ps, is beyond 64 bits */

/* What is integrated over time. */
enum exposure_level {
	LEVEL_LIVE,    /* pages of live requests */
	LEVEL_REACHED, /* bytes in their I/O pages that lead to their own memory ... */
	LEVEL_EXCESS,  /* ... of which none of them asked for */
	LEVEL_ENTRIES, /* pages with a table entry, or stale without one */
	LEVEL_IDLE,    /* of those: pages without a live request */
	LEVELS,
};

struct exposure {
	struct exposure_config config;
	struct requests requests;
	struct pageset granted; /* I/O pages that have a table entry */
	/* I/O page: value[0] = when it became stale, value[1] = stale_place() */
	struct pfnmap stale;
	struct pfnmap frames; /* frame: value[0] = how many stale I/O pages lead to it */
	uint64_t *ever;       /* a bit for each frame of memory: requests had it in the interval, */
	uint64_t *given;      /* or at any time before */
	uint64_t ever_frames;

	uint64_t start_ps; /* of the interval */
	uint64_t last_ps;  /* integrals are complete up to here */
	uint64_t level[LEVELS];
	uint64_t live_io_pages;                 /* I/O pages with at least one live request */
	uint64_t bare_stale;                    /* stale I/O pages without a table entry */
	wide integral[LEVELS], closed_integral; /* page-ps, byte-ps; page-ps */
	struct hist windows;
	struct exposure_stats sum; /* the counts; the derived fields stay 0 until asked for */
};

/*
 * Where a stale page is asked for again, and what memory that was: a physical address (below 2^52),
 * and above it the offset of the byte in its I/O page.
 */
static inline uint64_t stale_place(uint64_t iova, uint64_t paddr)
{
	return paddr | (iova % EXPOSURE_PAGE_BYTES) << 52;
}

static inline uint64_t stale_paddr(uint64_t place)
{
	return place & ((UINT64_C(1) << 52) - 1);
}

static inline uint64_t stale_iova(uint64_t pfn, uint64_t place)
{
	return pfn << EXPOSURE_PAGE_SHIFT | place >> 52;
}

/* ---- exposure.c ---- */

/* Integrate what was so since the last event; the present. */
uint64_t exposure_advance(struct exposure *e);
/* After any change of entries, stale pages or I/O pages in use. */
void exposure_weigh(struct exposure *e);
/* What an access by the device would come to now: as iommu_probe(). Only with an IOMMU. */
int exposure_ask(const struct exposure *e, uint64_t iova, enum iotoll_access access,
		 struct iotoll_xlat *x) MUST_CHECK;
/* Do table or caches still lead from the stale page @s to its memory? */
bool exposure_still(const struct exposure *e, const struct pfnmap_slot *s);
/* Could the device access @iova now? Also tells what memory it would reach. */
bool exposure_reaches(struct exposure *e, uint64_t iova, enum iotoll_access access,
		      uint64_t *paddr);
/* @iova still leads to @paddr although its request is over: the window begins. And it ends. */
void exposure_open(struct exposure *e, uint64_t iova, uint64_t paddr, uint64_t now);
void exposure_close(struct exposure *e, struct pfnmap_slot *s, uint64_t now);

/* ---- exposure_live.c: for the observer ---- */

void exposure_on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
			size_t bytes, enum iotoll_dma_dir dir);
void exposure_on_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes);

/* ---- exposure_stats.c ---- */

/* How long a window that began at @since has lasted within the interval. */
uint64_t exposure_age(const struct exposure *e, uint64_t since, uint64_t now);

static inline bool exposure_bit(const uint64_t *bits, uint64_t frame)
{
	return bits[frame / 64] >> (frame % 64) & 1;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * For strategies that map memory at its own addresses: which I/O pages the hardware does not
 * translate. No request that lies there can be served, so that what a driver could be given of the
 * first megabyte, around a PC's legacy hole, is taken out of circulation.
 */
#ifndef IOTOLL_DMA_STRATEGY_WITHHELD_H
#define IOTOLL_DMA_STRATEGY_WITHHELD_H

#include "dma/domain.h"

#define WITHHELD_RANGES 8u
#define WITHHELD_LOW    512u /* 2 MiB, which one entry may cover */

struct withheld_range {
	uint64_t first, pages;
};

struct withheld {
	struct withheld_range range[WITHHELD_RANGES];
	unsigned ranges;
	iotoll_phys_t low[WITHHELD_LOW]; /* kept away from drivers */
	unsigned lows;
};

/* Has the table an entry for every page of memory, by its number? 0, or -EINVAL with @err. */
int withheld_fits(const struct iotoll_dma_domain *domain, const char *strategy,
		  struct err *err) MUST_CHECK;
/* Fill the ranges of @w, a zeroed one, with what the driver withholds. 0; -ENOSPC: too many. */
int withheld_list(struct withheld *w, const struct iotoll_dma_domain *domain) MUST_CHECK;
/* The range that holds @page, or else the next one above it; NULL if there is none. */
const struct withheld_range *withheld_next(const struct withheld *w, uint64_t page);
/*
 * Keep whatever is still free below the last withheld page of the first megabyte; with large
 * entries, of the first of them, which it keeps from being one.
 */
void withheld_keep_low(struct withheld *w, const struct iotoll_dma_domain *domain);
/* Give that back. */
void withheld_release(struct withheld *w, const struct iotoll_dma_domain *domain);

#endif

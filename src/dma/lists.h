/* SPDX-License-Identifier: MIT */
/*
 * A list of buffers in one call of the DMA API: element by element (lists.c), or, for buffers that
 * have nothing to do with each other, together (multi.c). Called between domain_begin() and
 * domain_end().
 */
#ifndef IOTOLL_DMA_LISTS_H
#define IOTOLL_DMA_LISTS_H

#include "dma/mapping.h"

/* What all elements of a list have in common. */
struct list_call {
	struct iotoll_dma_device *dev;
	struct iotoll_sg *sg;
	int n;
	enum iotoll_dma_dir dir;
	enum mapping_kind kind;
	struct iotoll_dma_attrs attrs;
};

/* Element @i as it is mapped. Elements of a list follow each other at once. */
struct mapping list_element(const struct list_call *c, int i);

/* Is it to have one run, and to go as a whole? See iotoll_dma_config.whole_lists. */
bool multi_is_whole(const struct list_call *c);
/* Can all of @c share one run of entries? Then multi_map(). */
bool multi_fits_a_run(const struct list_call *c);
/*
 * Map all elements of @c into one run, one behind the other, each in entries of its own: one search
 * of the allocator's, entries stored and then pushed out together, what the hardware wants for new
 * entries done for all at once. 0; -EINVAL, -ENOSPC, -ENOMEM: nothing has changed but what was
 * flushed. Not committed and not announced yet.
 */
int multi_map(const struct list_call *c) MUST_CHECK;
/* Do unmaps of @domain go together, or does the strategy answer each request by itself? */
bool multi_unmaps(const struct iotoll_dma_domain *domain);
/*
 * Take down every element of @c up to the first without bytes: all entries are cleared, pushed out
 * and forgotten together, neighbours as one range, before any of them is free, and before the
 * observer is told. Successes are counted.
 */
void multi_unmap(const struct list_call *c);

#endif

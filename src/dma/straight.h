/* SPDX-License-Identifier: MIT */
/*
 * One page, mapped or unmapped where nothing stands in between: locks are split over real threads,
 * nobody keeps a book or observes, the strategy makes and takes down entries at each request, the
 * driver writes the table itself. It is the same as mapping.h's way, step for step, without the
 * questions whose answer is known beforehand; whatever is not plain goes that way.
 */
#ifndef IOTOLL_DMA_STRAIGHT_H
#define IOTOLL_DMA_STRAIGHT_H

#include "dma/domain.h"

/* Say whether there is a straight way, now that everything is known of @domain. */
void straight_decide(struct iotoll_dma_domain *domain);
/* True: mapped at *@out, and counted. False: nothing has happened; ask mapping_add(). */
bool straight_map(struct iotoll_dma_device *dev, uint64_t paddr, size_t bytes,
		  enum iotoll_dma_dir dir, unsigned ring, iotoll_iova_t *out) MUST_CHECK;
/* True: unmapped, and counted. False: nothing has happened; ask mapping_remove(). */
bool straight_unmap(struct iotoll_dma_device *dev, uint64_t iova, size_t bytes) MUST_CHECK;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a device that is detached, or mistaken, leaves of coherent memory. The calls themselves are
 * public.
 */
#ifndef IOTOLL_DMA_COHERENT_H
#define IOTOLL_DMA_COHERENT_H

#include "dma/domain.h"

/* Unmap and free all coherent memory of @dev, newest first, each counted as a leak. */
void coherent_release_all(struct iotoll_dma_device *dev);
/* The book gave up @mapping, a coherent one, to an unmap of another type. Under the lock. */
void coherent_unmapped(struct iotoll_dma_domain *domain, const struct mapping *mapping);

#endif

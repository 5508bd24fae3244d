/* SPDX-License-Identifier: MIT */
/*
 * Memory for what a device is to read: the DMA API's for that device, where it has some, or else
 * the kernel's.
 */
#ifndef IOTOLL_GUEST_DMA_BUFFER_H
#define IOTOLL_GUEST_DMA_BUFFER_H

#include "guest/kmalloc.h"
#include "iotoll/dma.h"

/* @dma NULL: which device is not known. NULL: no memory. */
static inline void *dma_buffer_get(struct kmalloc *k, struct iotoll_dma_device *dma, size_t bytes)
{
	iotoll_phys_t paddr;
	void *ptr = NULL;

	if (dma)
		ptr = iotoll_dma_buffer_alloc(dma, bytes, IOTOLL_DMA_TO_DEVICE, NULL, &paddr);
	return ptr ? ptr : kmalloc_alloc(k, bytes);
}

/* What dma_buffer_get() gave for the same @dma. NULL is allowed. */
static inline void dma_buffer_put(struct kmalloc *k, struct iotoll_dma_device *dma, void *ptr)
{
	if (ptr && dma && !kmalloc_size(k, ptr))
		iotoll_dma_buffer_free(dma, IOTOLL_PHYS(kmalloc_phys(k, ptr)));
	else
		kmalloc_free(k, ptr);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Buffers that a NIC's driver collects for one map_multi() or unmap_multi() of the DMA API ("The
 * Price of Safety", section 4.3.3). The list lies in the kernel's memory, and writing and reading
 * it is charged like any other access: it is what batching costs.
 */
#ifndef IOTOLL_GUEST_DMA_LIST_H
#define IOTOLL_GUEST_DMA_LIST_H

#include "iotoll/dma.h"
#include "mem/memory.h"
#include "sim/cpu.h"

#define DMA_LIST_MAX   64u /* buffers: a poll's worth of frames; our choice */
#define DMA_LIST_BYTES (DMA_LIST_MAX * sizeof(struct iotoll_sg))

struct dma_list {
	struct iotoll_sg *sg; /* DMA_LIST_BYTES at @paddr */
	phys_t paddr;
	unsigned count;
};

static inline void dma_list_touch_(const struct dma_list *l, struct cpu *cpu, unsigned i,
				   bool write)
{
	cpu_touch(cpu, l->paddr + i * sizeof(l->sg[0]), sizeof(l->sg[0]), write);
}

static inline bool dma_list_full(const struct dma_list *l)
{
	return l->count == DMA_LIST_MAX;
}

/* One more to be mapped; not if it is full. */
static inline void dma_list_want(struct dma_list *l, struct cpu *cpu, phys_t paddr, size_t bytes)
{
	l->sg[l->count] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(paddr), .bytes = bytes};
	dma_list_touch_(l, cpu, l->count++, true);
}

/* One more to be unmapped; not if it is full. */
static inline void dma_list_leave(struct dma_list *l, struct cpu *cpu, iotoll_iova_t iova,
				  size_t bytes)
{
	l->sg[l->count] = (struct iotoll_sg){.dma_address = iova, .dma_bytes = bytes};
	dma_list_touch_(l, cpu, l->count++, true);
}

/* Map all of them. False: none could be. Read the addresses, then clear the list. */
static inline bool dma_list_map(const struct dma_list *l, struct iotoll_dma_device *dev,
				enum iotoll_dma_dir dir, unsigned ring)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring};

	return iotoll_dma_map_multi(dev, l->sg, (int)l->count, dir, &attrs) == (int)l->count;
}

static inline iotoll_iova_t dma_list_iova(const struct dma_list *l, struct cpu *cpu, unsigned i)
{
	dma_list_touch_(l, cpu, i, false);
	return l->sg[i].dma_address;
}

/* Unmap all of them; the list is empty then. */
static inline void dma_list_unmap(struct dma_list *l, struct iotoll_dma_device *dev,
				  enum iotoll_dma_dir dir, unsigned ring)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring};

	iotoll_dma_unmap_multi(dev, l->sg, (int)l->count, dir, &attrs);
	l->count = 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of the DART driver share. Private to src/dma/driver/dart*.c.
 */
#ifndef IOTOLL_DMA_DRIVER_DART_IMPL_H
#define IOTOLL_DMA_DRIVER_DART_IMPL_H

#include "dma/driver/driver.h"
#include "spec/dart.h"

struct dart {
	struct dma_driver base;
	bool u4;
	bool cached; /* the table lies in cached memory, and lines are pushed out */
	bool translating;
	uint32_t invalidate_all; /* bits of the control register, which both have at one place */
	uint32_t unused;         /* what an entry without a mapping holds */
	uint32_t *entries;
};

static inline struct dart *dart_of(struct dma_driver *driver)
{
	return (struct dart *)driver;
}

/* dart_table.c */

/* The dummy page if strays are to be redirected, then the table with every entry unused. */
int dart_get_memory(struct dart *d, bool redirect) MUST_CHECK;
/* Also what a failed dart_get_memory() has got. */
void dart_free_memory(struct dart *d);
/* As driver_ops says. */
void dart_set(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
	      enum iotoll_dma_dir dir);
void dart_clear(struct dma_driver *driver, uint64_t first, uint64_t count);
void dart_store(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		enum iotoll_dma_dir dir);
void dart_erase(struct dma_driver *driver, uint64_t first, uint64_t count);
void dart_push(struct dma_driver *driver, uint64_t first, uint64_t count, bool set);
int dart_read_entry(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out);

#endif

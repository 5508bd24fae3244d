/* SPDX-License-Identifier: MIT */
/* What the two files of the Calgary driver share: its struct and its table. */
#ifndef IOTOLL_DMA_DRIVER_CALGARY_IMPL_H
#define IOTOLL_DMA_DRIVER_CALGARY_IMPL_H

#include "dma/driver/driver.h"
#include "spec/calgary.h"

struct calgary {
	struct dma_driver base;
	unsigned phb;
	unsigned size_code;
	bool translating;
	bool quiesce_system;
	bool lean;
	uint32_t arbitration; /* lean: the mask, as the register has it; only we write it */
	bool shut;            /* the watchdog has shut the bus off */
	uint64_t tar_raw;     /* what flushes write to the TAR, in CPU order */
	uint64_t *tces;
};

static inline struct calgary *calgary_of(struct dma_driver *driver)
{
	return (struct calgary *)driver;
}

/* calgary_table.c: see struct driver_ops */
void calgary_set(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		 enum iotoll_dma_dir dir);
void calgary_clear(struct dma_driver *driver, uint64_t first, uint64_t count);
void calgary_store(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		   enum iotoll_dma_dir dir);
void calgary_erase(struct dma_driver *driver, uint64_t first, uint64_t count);
void calgary_push(struct dma_driver *driver, uint64_t first, uint64_t count, bool set);
int calgary_entry(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out);
/* Memory for base.entries of them, all clear. 0, -ENOMEM. */
int calgary_get_table(struct calgary *c) MUST_CHECK;

#endif

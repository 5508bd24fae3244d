/* SPDX-License-Identifier: MIT */
/*
 * One allocator, reached through its row of the registry, with its invariants recomputed after
 * every step.
 */
#ifndef IOTOLL_TESTS_DMA_IOVARIG_H
#define IOTOLL_TESTS_DMA_IOVARIG_H

#include "rig.h"

#include "dma/iova/iova.h"

struct iovarig {
	struct dma_env *env;
	struct iova *a;
	unsigned wraps; /* calls of wrapped() */
};

/* @name over @entries, in a native environment with 16 MiB of memory. */
void iovarig_open(struct iovarig *f, const char *name, uint64_t entries, uint64_t hint);
/* The same with whatever settings. */
void iovarig_open_with(struct iovarig *f, const char *name, const struct iova_config *settings);
/* Asserts that no page frame is left allocated. */
void iovarig_close(struct iovarig *f);
/* The first of @count entries below @limit, or the error. */
int64_t iovarig_take(struct iovarig *f, uint64_t count, uint64_t limit);
/* They must be owned, and are not afterwards. */
void iovarig_give(struct iovarig *f, uint64_t first, uint64_t count);

#endif

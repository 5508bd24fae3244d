/* SPDX-License-Identifier: MIT */
/*
 * For strategies whose devices work on copies: a device that reads and writes bytes through each
 * IOMMU's hardware half, and a driver whose memory can be looked into.
 */
#ifndef IOTOLL_TESTS_DMA_COPYRIG_H
#define IOTOLL_TESTS_DMA_COPYRIG_H

#include "base/rng.h"
#include "hwrig.h"

/* The driver's memory: what no test but the driver's requests may change. */
#define ARENA       UINT64_C(0x2000000)
#define ARENA_BYTES (UINT64_C(160) * 4096)

/* The IOMMUs there are, as models and as drivers; NULL past the last. */
const char *copyrig_model(unsigned index);
/* @model under @strategy, 8192 entries, the arena filled with what copyrig_mine() says. */
void copyrig_start(struct hwrig *h, const char *model, const char *strategy, uint64_t quota,
		   bool check_misuse);
/* The driver's memory. */
uint8_t *copyrig_memory(struct hwrig *h, uint64_t paddr);
/* What a byte of the arena holds until somebody writes it. */
uint8_t copyrig_mine(uint64_t paddr);
/* Has nothing in [paddr, paddr + bytes) changed? */
bool copyrig_untouched(struct hwrig *h, uint64_t paddr, size_t bytes);
/* The device moves @bytes; 0, or the error of the first page that was refused. */
int copyrig_write(struct hwrig *h, uint64_t iova, const void *from, size_t bytes);
int copyrig_read(struct hwrig *h, uint64_t iova, void *to, size_t bytes);
/* Map; must succeed. */
uint64_t copyrig_map(struct hwrig *h, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir);
void copyrig_unmap(struct hwrig *h, uint64_t iova, size_t bytes, enum iotoll_dma_dir dir);
/*
 * Random requests against a naive model of the driver's memory: live ones are served, a device
 * changes nothing but what it was given, and nothing once that was given back. @longest: bytes of
 * the longest request.
 */
void copyrig_random_program(struct hwrig *h, struct rng *rng, size_t longest);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a program that embeds the library has: memory, an IOMMU's hardware half over it, and the
 * DMA layer, whose registers are that half's. Both through the public headers.
 */
#ifndef IOTOLL_BENCH_MACHINE_H
#define IOTOLL_BENCH_MACHINE_H

#include "bench/bench.h"
#include "iotoll/dma.h"
#include "iotoll/env.h"
#include "iotoll/iommu.h"
#include "iotoll/translator.h"

#define MACHINE_DEVICE 8u /* requester of the first thread's device; the others' follow */

struct machine {
	uint8_t *memory;
	uint64_t bytes;
	struct iotoll_iommu *iommu; /* NULL: driver "none" */
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device **device; /* one a thread */
	unsigned devices;
	/* Told of each register access of the DMA layer before it is made; NULL: nobody. */
	void (*listener)(void *ctx, bool write, uint64_t offset, uint64_t value, unsigned width);
	void *listener_ctx;
};

/*
 * @setup says which IOMMU, strategy and allocator, how many devices and what IOTLB (0 entries: the
 * model's own; with several threads they share it); @buffers: page frames that there is to be room
 * for besides; @mask: the devices', 0: an ordinary one. 0; -EINVAL with @err; -ENOMEM. On failure
 * nothing is left.
 */
int machine_open(struct machine *m, const struct bench_setup *setup, uint64_t buffers,
		 uint64_t mask, struct err *err) MUST_CHECK;
/* Nothing may be mapped. */
void machine_close(struct machine *m);
/* Page frames for buffers. */
int machine_frames(struct machine *m, uint64_t pages, uint64_t *paddr, struct err *err) MUST_CHECK;
/* A register access as the DMA layer makes them, @ctx the machine; by any thread. */
uint64_t machine_reg_read(void *ctx, uint64_t offset, unsigned width);
void machine_reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width);
/* What device @device's thread translates by; of a machine with several threads. */
int machine_translator(struct machine *m, unsigned device, unsigned entries,
		       struct iotoll_translator **out, struct err *err) MUST_CHECK;

#endif

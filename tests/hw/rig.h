/* SPDX-License-Identifier: MIT */
/*
 * A Calgary over a plain byte array, for tests: memory begins at rig.base, everything outside it
 * faults. Registers are reached as a little-endian CPU reaches them.
 */
#ifndef IOTOLL_TESTS_HW_RIG_H
#define IOTOLL_TESTS_HW_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/calgary.h"
#include "hw/iotlb.h"

#define RIG_BYTES   (UINT64_C(16) << 20)
#define RIG_MAX_LOG 64u

struct rig {
	struct iommu *iommu;
	uint64_t base;
	uint8_t *bytes; /* RIG_BYTES of them */
	unsigned reads; /* of memory, by the chip */
	/* what the observer heard */
	unsigned drops, faults, arbitrations;
	uint64_t dropped[RIG_MAX_LOG];
	uint16_t dropped_bus;
	uint64_t fault_iova;
	struct iotoll_source fault_source;
	unsigned arbitration_bus;
	bool arbitration_on;
};

/* 16 lines of one entry, 4 ways, LRU: what a test takes when geometry does not matter. */
extern const struct iotlb_config rig_iotlb;

/* Everything after the geometry is fresh; memory at @base is zero. Fails the test on error. */
void rig_make(struct rig *rig, uint64_t base, const struct iotlb_config *iotlb, bool track_stale);
void rig_free(struct rig *rig);
/* Eight bytes at physical @paddr, first byte first. */
void rig_poke8(struct rig *rig, uint64_t paddr, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3,
	       uint8_t b4, uint8_t b5, uint8_t b6, uint8_t b7);
/* A TCE by value: the low half of @tce in memory order. */
void rig_poke_tce(struct rig *rig, uint64_t paddr, uint64_t tce);
uint32_t rig_readl(struct rig *rig, uint64_t offset);
void rig_writel(struct rig *rig, uint64_t offset, uint32_t value);
uint64_t rig_readq(struct rig *rig, uint64_t offset);
void rig_writeq(struct rig *rig, uint64_t offset, uint64_t value);
/* Table at @table of size code @code for @phb, translation on with DAC refused. */
void rig_enable(struct rig *rig, unsigned phb, uint64_t table, unsigned code);
/* Translate for device 1 of @bus; @out may be NULL. */
int rig_dma(struct rig *rig, uint16_t bus, uint64_t iova, enum iotoll_access access,
	    struct iotoll_xlat *out);

#endif

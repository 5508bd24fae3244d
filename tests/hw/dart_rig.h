/* SPDX-License-Identifier: MIT */
/*
 * A DART over a plain byte array, for tests: memory begins at 0, everything outside it faults.
 * Registers carry the values a PowerPC loads and stores; offsets count from 0xF8030000 and are
 * written out in the tests, so that a mistake in the shared header shows.
 *
 * No other implementation of DART is to be had that these tests could be held against: every
 * expected byte is worked out by hand from the published layouts and the drivers' constants.
 */
#ifndef IOTOLL_TESTS_HW_DART_RIG_H
#define IOTOLL_TESTS_HW_DART_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/dart.h"

#define DRIG_BYTES   (UINT64_C(8) << 20)
#define DRIG_MAX_LOG 64u

struct drig {
	struct iommu *iommu;
	uint8_t *bytes;
	unsigned reads; /* of memory, by the chip */
	/* what the observer heard */
	unsigned drops, faults;
	uint64_t dropped[DRIG_MAX_LOG];
	uint16_t dropped_bus[DRIG_MAX_LOG];
	uint64_t fault_iova;
	struct iotoll_source fault_source;
	enum iotoll_access fault_access;
};

/*
 * A "dart-u3" or "dart-u4" with its own TLB (32 sets, 4 ways, lines of 4), stale hits reported;
 * @config may be NULL, as may @iotlb.
 */
void drig_make(struct drig *rig, const char *model, const struct iommu_dart_config *config,
	       const struct iotlb_config *iotlb);
void drig_free(struct drig *rig);
/* Four bytes at physical @paddr, first byte first. */
void drig_poke(struct drig *rig, uint64_t paddr, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3);
uint32_t drig_read(struct drig *rig, uint64_t offset);
void drig_write(struct drig *rig, uint64_t offset, uint32_t value);
/* Translate for device 1 of @bus; @out may be NULL. */
int drig_dma(struct drig *rig, uint16_t bus, uint64_t iova, enum iotoll_access access,
	     struct iotoll_xlat *out);
/* Does a write at @iova reach @paddr, and was it a hit? */
bool drig_hits(struct drig *rig, uint64_t iova, uint64_t paddr);

#endif

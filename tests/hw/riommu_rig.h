/* SPDX-License-Identifier: MIT */
/*
 * An rIOMMU over a plain byte array, for tests: memory begins at 0, everything outside it faults.
 * No chip and no other model exists that these tests could be held against: offsets and expected
 * bytes are worked out by hand from the fields of the paper and from the order chosen for them, and
 * written out, so that a mistake in the shared header shows.
 *
 * The tables of a rig: the table of devices at 0x1000, its 300 entries leave out no device of the
 * tests; device 0x28 has 4 rings, described from 0x4000 on: ring 0 has 1 entry, at 0x5000; ring 1
 * has 4, at 0x6000; ring 2 has 8, at 0x7000; ring 3 has none.
 */
#ifndef IOTOLL_TESTS_HW_RIOMMU_RIG_H
#define IOTOLL_TESTS_HW_RIOMMU_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/riommu.h"

#define RRIG_BYTES   (UINT64_C(1) << 20)
#define RRIG_MAX_LOG 64u
#define RRIG_DEVICE  0x28
#define RRIG_RING(n) (UINT64_C(0x5000) + 0x1000 * (n))

/* rIOVA: the ring's number from bit 48 on, the entry's from bit 30 on. */
#define RRIG_IOVA(ring, entry, offset) \
	((uint64_t)(ring) << 48 | (uint64_t)(entry) << 30 | (uint64_t)(offset))

struct rrig {
	struct iommu *iommu;
	uint8_t *bytes;
	unsigned reads; /* of memory, by the hardware */
	/* what the observer heard */
	unsigned drops, faults;
	uint64_t dropped[RRIG_MAX_LOG];
	uint64_t fault_iova;
	struct iotoll_source fault_source;
	enum iotoll_access fault_access;
};

/* With the tables above and translation on; room for @rings, 0: none, least recently used first. */
void rrig_make(struct rrig *rig, unsigned rings);
void rrig_free(struct rrig *rig);
/* Two 64-bit words at physical @paddr, each with its least significant byte first. */
void rrig_poke(struct rrig *rig, uint64_t paddr, uint64_t first, uint64_t second);
/*
 * Entry @entry of ring @ring: @bytes at @paddr; @rights: bit 0 the device may read, bit 1 write,
 * bit 2 it is valid.
 */
void rrig_map(struct rrig *rig, unsigned ring, unsigned entry, uint64_t paddr, uint32_t bytes,
	      unsigned rights);
uint64_t rrig_read(struct rrig *rig, uint64_t offset);
void rrig_write(struct rrig *rig, uint64_t offset, uint64_t value);
/* Translate for the device; @out may be NULL. */
int rrig_dma(struct rrig *rig, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out);
/* A read at @iova must reach @paddr. How: 'h' by a hit, 's' by a stale one, 'w' by a walk. */
char rrig_way(struct rrig *rig, uint64_t iova, uint64_t paddr);
/* The same, asked with probe. */
char rrig_probe(struct rrig *rig, uint64_t iova, uint64_t paddr);

#endif

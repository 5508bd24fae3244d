/* SPDX-License-Identifier: MIT */
/*
 * An AMD-Vi unit over a plain byte array, for tests. Offsets and bits are written out in the tests
 * instead of taken from spec/amdvi.h, so that a mistake in the shared header shows.
 */
#ifndef IOTOLL_TESTS_HW_AMDVI_RIG_H
#define IOTOLL_TESTS_HW_AMDVI_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/amdvi.h"

#define AMD_BYTES  UINT64_C(0x1000000) /* 16 MiB from address 0; nothing answers above */
#define AMD_DEVTAB UINT64_C(0x200000)  /* 2 MiB: an entry for every DeviceID */
#define AMD_CMDBUF UINT64_C(0x400000)  /* 256 commands */
#define AMD_EVTLOG UINT64_C(0x402000)  /* 256 events */
#define AMD_SEM    UINT64_C(0x404000)  /* where COMPLETION_WAITs store */
#define AMD_TABLES UINT64_C(0x800000)  /* page tables, as the tests lay them out */

/* Bits of entries. */
#define AMD_PR UINT64_C(0x0000000000000001)
#define AMD_IR UINT64_C(0x2000000000000000)
#define AMD_IW UINT64_C(0x4000000000000000)
#define AMD_RW (AMD_IR | AMD_IW)
/* Next level or Mode in 11:9. */
#define AMD_NEXT(level) ((uint64_t)(level) << 9)
/* V and TV with both rights. */
#define AMD_DTE(mode, root)  (UINT64_C(3) | AMD_NEXT(mode) | (root) | AMD_RW)
#define AMD_PDE(next, table) (AMD_PR | AMD_NEXT(next) | (table) | AMD_RW)
#define AMD_PTE(page)        (AMD_PR | (page) | AMD_RW)

/* Registers. */
#define AMD_R_DEVTAB  0x0000
#define AMD_R_CMDBUF  0x0008
#define AMD_R_EVTLOG  0x0010
#define AMD_R_CONTROL 0x0018
#define AMD_R_EXCL    0x0020
#define AMD_R_LIMIT   0x0028
#define AMD_R_CHEAD   0x2000
#define AMD_R_CTAIL   0x2008
#define AMD_R_EHEAD   0x2010
#define AMD_R_ETAIL   0x2018
#define AMD_R_STATUS  0x2020

struct amd {
	struct iommu *iommu;
	uint8_t *bytes;
	unsigned reads, writes; /* of memory, by the unit */
	unsigned drops, faults;
	uint64_t dropped;
	struct iotoll_source fault_source;
};

/* 64 entries, 4 ways, LRU. */
extern const struct iotlb_config amd_iotlb;

void amd_make(struct amd *amd, const struct iotlb_config *iotlb, bool track_stale);
void amd_free(struct amd *amd);
/* Device table of all ids, buffers as above, everything enabled: control 0x1005. */
void amd_enable(struct amd *amd);
void amd_poke(struct amd *amd, uint64_t paddr, uint64_t value);
uint64_t amd_peek(const struct amd *amd, uint64_t paddr);
void amd_writeq(struct amd *amd, uint64_t offset, uint64_t value);
uint64_t amd_readq(struct amd *amd, uint64_t offset);
/* The device's table entry: quadwords 0 and 1, the others 0. */
void amd_dte(struct amd *amd, uint16_t devid, uint64_t q0, uint64_t q1);
/* Put a command at the tail and move the tail past it. */
void amd_command(struct amd *amd, uint64_t q0, uint64_t q1);
/* INVALIDATE_IOMMU_ALL. */
void amd_invalidate_all(struct amd *amd);
/* Events logged so far, and the last one's quadwords. */
unsigned amd_events(struct amd *amd);
void amd_last_event(struct amd *amd, uint64_t *q0, uint64_t *q1);
/* Asserts that exactly one event came since @before, and that it is this one. */
void amd_expect_event(struct amd *amd, unsigned before, uint64_t q0, uint64_t q1);
/* Translate for @devid; @out may be NULL. */
int amd_dma(struct amd *amd, uint16_t devid, uint64_t iova, enum iotoll_access access,
	    struct iotoll_xlat *out);
/* Where @devid's read of @iova goes; fails the test if it is refused. */
uint64_t amd_read_goes(struct amd *amd, uint16_t devid, uint64_t iova);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A VT-d register file for the driver's tests: it records every access and answers commands as the
 * specification says, but keeps no cache and translates nothing. Offsets and bits are written out
 * here instead of taken from spec/vtd.h, so that a mistake in the shared header shows.
 */
#ifndef IOTOLL_TESTS_DMA_VTDRIG_H
#define IOTOLL_TESTS_DMA_VTDRIG_H

#include "rig.h"

/* Registers */
#define CAP    0x008
#define ECAP   0x010
#define GCMD   0x018
#define GSTS   0x01C
#define RTADDR 0x020
#define CCMD   0x028
#define FSTS   0x034
#define IQH    0x080
#define IQT    0x088
#define IQA    0x090
#define IVA    0x500 /* IRO 50h */
#define IOTLB  0x508
#define FRCD   0x400 /* FRO 40h */

/*
 * ND 6 (2 + 4), SAGAW 48 bits (bit 10), MGAW 48 (2Fh << 16), FRO 40h << 24, PSI (bit 39), NFR 8
 * (7 << 40), MAMV 18 (12h << 48), DWD and DRD (bits 54, 55).
 */
#define CAP_VALUE UINT64_C(0x00D20780402F0406)
#define CAP_CM    UINT64_C(0x80)
#define CAP_RWBF  UINT64_C(0x10)
#define CAP_PSI   (UINT64_C(1) << 39)
/* QI, PT, IRO 50h; walks do not snoop. */
#define ECAP_VALUE UINT64_C(0x5042)
#define ECAP_C     UINT64_C(1)
#define ECAP_QI    UINT64_C(2)
#define ECAP_PT    UINT64_C(0x40)

struct vtdrig {
	struct memory *memory;
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	uint64_t reg[0x1000 / 8];
	bool dead;                     /* commands and the queue are not carried out */
	unsigned slow;                 /* reads of FSTS or a command before it is done */
	unsigned pending;              /* of them, still to come */
	bool refuse;                   /* the next descriptor is an error (IQE) */
	bool reject;                   /* page-selective register commands are rejected (IAIG 0) */
	uint64_t head;                 /* the queue's, in bytes */
	uint64_t desc[RIG_LOG_MAX][2]; /* carried out, wait descriptors included */
	size_t descs;                  /* also beyond RIG_LOG_MAX */
	struct rig_access log[RIG_LOG_MAX];
	size_t logged;
};

/* A unit with these capabilities, 64 MiB of memory; no domain yet. */
void vtdrig_open(struct vtdrig *rig, uint64_t cap, uint64_t ecap);
/* vtdrig_open(), a domain of 2^20 entries under @strategy, device 00:01.0 with a 32-bit mask. */
void vtdrig_start(struct vtdrig *rig, uint64_t cap, uint64_t ecap, const char *strategy);
struct iotoll_dma_config vtdrig_config(const char *strategy);
/* Undo either; asserts that no page frame is left allocated. */
void vtdrig_close(struct vtdrig *rig);
/* Forget accesses and descriptors. */
void vtdrig_forget(struct vtdrig *rig);
/* The recorded accesses are exactly these @n. */
void vtdrig_expect(const struct vtdrig *rig, const struct rig_access *want, size_t n);
/* The descriptors are exactly these @n; of wait descriptors only word 0 is compared. */
void vtdrig_expect_descs(const struct vtdrig *rig, const uint64_t (*want)[2], size_t n);

/* Map @bytes at @paddr; must succeed. And back. */
uint64_t vtdrig_map(struct vtdrig *rig, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir);
void vtdrig_unmap(struct vtdrig *rig, uint64_t iova, size_t bytes, enum iotoll_dma_dir dir);
/* The little-endian quadword at @paddr. */
uint64_t vtdrig_word(const struct vtdrig *rig, uint64_t paddr);
/* The leaf entry that the tables in memory hold for @iova, walked from RTADDR; 0: none. */
uint64_t vtdrig_entry(const struct vtdrig *rig, unsigned sid, uint64_t iova);
struct iotoll_dma_stats vtdrig_stats(const struct vtdrig *rig);

#endif

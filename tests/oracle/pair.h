/* SPDX-License-Identifier: MIT */
/*
 * The two sides of a comparison: QEMU with one of its IOMMU models and edu devices, and our
 * hardware half over a copy of the same memory. Whatever is written to memory or registers is
 * written to both. DMA goes through QEMU's devices on one side; on the other this file asks our
 * model page by page and moves the bytes. QEMU sends devices no invalidations; those that ours
 * sends are completed at once, whoever they are for.
 */
#ifndef IOTOLL_TESTS_ORACLE_PAIR_H
#define IOTOLL_TESTS_ORACLE_PAIR_H

#include <stdbool.h>

#include "edu.h"
#include "hw/ats.h"
#include "hw/vtd.h"

#define PAIR_DEVICES   3u
#define PAIR_RAM_MIB   64u
#define PAIR_RAM_BYTES ((uint64_t)PAIR_RAM_MIB << 20)
#define PAIR_PARTS     2u /* a transfer touches two pages at the most */

struct pair_config {
	const char *binary;       /* of QEMU */
	const char *device;       /* its IOMMU: the word after -device */
	uint64_t reg_base;        /* of the registers in QEMU's memory */
	bool qemu_only;           /* no model of ours: only memory is kept */
	struct iommu_config ours; /* ours, without its memory */
	struct vtd_config vtd;    /* where ours.vtd may point */
};

struct pair {
	struct qtest *qemu;
	struct iommu *ours;                             /* NULL with qemu_only */
	uint8_t *ram;                                   /* ours */
	uint8_t buffer[PAIR_DEVICES][EDU_BUFFER_BYTES]; /* of our devices */
	uint64_t reg_base;
	struct ats_fabric fabric; /* of ours */
};

/* What became of the part of a transfer that lies in one page. */
struct pair_part {
	uint64_t iova;
	uint32_t bytes;
	uint32_t at; /* in the device's buffer */
	int ret;     /* of our model */
	struct iotoll_xlat xlat;
};

/* Both sides fresh, devices configured, their buffers full of distinct bytes. 0 or -errno. */
int pair_create(struct pair **out, const struct pair_config *config, struct err *err) MUST_CHECK;
void pair_destroy(struct pair *p);

/* Queue for QEMU and do to ours: 8 little-endian bytes in memory; a register. */
void pair_poke(struct pair *p, uint64_t addr, uint64_t value);
void pair_reg_write(struct pair *p, uint64_t offset, uint64_t value, unsigned width);
/* Queue the reading of QEMU's register; ours at once (0 with qemu_only). */
void pair_reg_read(struct pair *p, uint64_t offset, unsigned width, uint64_t *theirs,
		   uint64_t *ours);
/* The eight bytes at @addr of our memory, 0 outside. */
uint64_t pair_peek(const struct pair *p, uint64_t addr);
/* Transfer on our side. Returns the number of parts, which say what happened to each. */
unsigned pair_dma_ours(struct pair *p, unsigned device, enum edu_direction direction, uint64_t iova,
		       uint32_t at, uint32_t bytes, struct pair_part parts[PAIR_PARTS]);

#endif

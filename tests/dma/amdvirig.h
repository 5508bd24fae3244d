/* SPDX-License-Identifier: MIT */
/*
 * An AMD-Vi register file for the driver's tests: it records every access, takes commands and
 * carries out COMPLETION_WAITs, but keeps no cache and translates nothing. Offsets and bits are
 * written out here instead of taken from spec/amdvi.h, so that a mistake in the shared header
 * shows.
 */
#ifndef IOTOLL_TESTS_DMA_AMDVIRIG_H
#define IOTOLL_TESTS_DMA_AMDVIRIG_H

#include "rig.h"

/* Registers. */
#define DEVTAB  0x0000
#define CMDBUF  0x0008
#define EVTLOG  0x0010
#define CONTROL 0x0018
#define EXCL    0x0020
#define EFR     0x0030
#define CHEAD   0x2000
#define CTAIL   0x2008
#define EHEAD   0x2010
#define ETAIL   0x2018
#define STATUS  0x2020

#define WAIT_OP UINT64_C(0x1)

struct amdrig {
	struct memory *memory;
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	uint64_t reg[0x2028 / 8];
	bool dead;  /* takes no command */
	bool stuck; /* takes them, and never completes */
	uint64_t command[RIG_LOG_MAX][2];
	size_t commands;
	struct rig_access log[RIG_LOG_MAX];
	size_t logged;
};

/* A quadword of memory. */
uint64_t amdrig_load(const struct amdrig *r, uint64_t paddr);
/* A unit with six levels and INVALIDATE_IOMMU_ALL over @bytes of memory; no domain yet. */
void amdrig_open(struct amdrig *r, uint64_t bytes);
/* 2^20 entries under @strategy, misuse watched for. */
struct iotoll_dma_config amdrig_config(const char *strategy);
/* amdrig_open() with 64 MiB, that domain and device 01:01.0 with a 32-bit mask. */
void amdrig_start(struct amdrig *r, const char *strategy);
/* Undo either; asserts that no page frame is left allocated. */
void amdrig_close(struct amdrig *r);
/* Forget accesses and commands. */
void amdrig_forget(struct amdrig *r);
/* Map; must succeed. */
uint64_t amdrig_map(struct amdrig *r, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir);
struct iotoll_dma_stats amdrig_stats(const struct amdrig *r);

#endif

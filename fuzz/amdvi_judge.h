/* SPDX-License-Identifier: MIT */
/*
 * What the AMD-Vi fuzzer and its judge share: the world, and what the published rules say of it.
 */
#ifndef IOTOLL_FUZZ_AMDVI_JUDGE_H
#define IOTOLL_FUZZ_AMDVI_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "hw/amdvi.h"
#include "input.h"

#define MEMORY_BYTES 0x40000u
#define MAX_STORES   4096u
#define TABLES       0x10000u
#define DEVICES      4u
/* Entries looked at for one stale answer; beyond, it is believed. */
#define BUDGET 2000u
#define BIT(n) (UINT64_C(1) << (n))
#define FRAME  UINT64_C(0x000FFFFFFFFFF000)

struct store {
	uint64_t paddr, old;
};

struct world {
	struct iommu *iommu;
	uint8_t memory[MEMORY_BYTES];
	struct store stores[MAX_STORES];
	unsigned nstores, since; /* the first store after the unit forgot everything */
	bool blurred;            /* more has changed since than the stores tell */
	int only;                /* the device that asked since; -1: none, -2: several */
	unsigned reads;          /* of memory, since a register was last written */
	unsigned budget;
	struct input input;
	struct ats_fabric fabric;
	uint16_t owner[32]; /* who was sent the invalidation of that tag last */
};

struct answer {
	int error;
	bool bypass;
	uint64_t paddr, end;  /* end: what follows the page's last byte, 0 for 2^64 */
	unsigned code, flags; /* of the event of a refusal */
};

/* A quadword of memory, which must lie inside. */
uint64_t load(const struct world *w, uint64_t paddr);
/* A register of 64 bits. */
uint64_t reg(struct world *w, uint64_t offset);
/* What the tables say now of an access (@rw is an iotoll_access). */
struct answer judge_now(struct world *w, uint16_t devid, uint64_t iova, unsigned rw);
/* Could an access have been led to @paddr by what the tables held since the unit last forgot? */
bool ever_granted(struct world *w, uint64_t iova, unsigned rw, uint64_t paddr);

#endif

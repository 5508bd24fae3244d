/* SPDX-License-Identifier: MIT */
/*
 * What the rIOMMU fuzzer and its judge share. The judge is a naive second model: rings in a list,
 * the one used last in front, each with copies of two mappings; every answer, every latched fault
 * and every page that has to be told of is known before the hardware half is asked. Written from
 * the paper's fields and the order chosen for them, without spec/riommu.h and without the model's
 * code.
 */
#ifndef IOTOLL_FUZZ_RIOMMU_JUDGE_H
#define IOTOLL_FUZZ_RIOMMU_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/riommu.h"
#include "input.h"

/* The last entry of a table that ends here is only half in memory. */
#define MEMORY_BYTES 0x10008u
#define MAX_RINGS    64u

struct words {
	uint64_t first, second;
};

/* Of one ring: what is held of it. */
struct held {
	uint16_t device, rid;
	uint32_t entry; /* the number of @now */
	struct words now, next;
	uint64_t ring; /* where it is */
	uint32_t entries;
};

struct world {
	struct iommu *iommu;
	uint8_t memory[MEMORY_BYTES];
	uint64_t window; /* as much of it is read in place, unseen */
	unsigned room;   /* rings that can be held */
	uint64_t control, devices, count, fault, fault_iova, commands;
	struct held held[MAX_RINGS]; /* the one used last comes first */
	unsigned nheld;
	uint64_t hits, misses, prefetched, useful;
	/* Pages that have to be told of, and were told of, in this step: number and checksum. */
	uint64_t due, due_sum, told, told_sum;
	unsigned faults; /* told to the observer, in this step */
	struct input input;
};

struct answer {
	int error;
	unsigned reason; /* of an error */
	bool bypass, hit, stale;
	unsigned fetches, ahead;
	uint64_t paddr, bytes;
};

/* Two words at @paddr, least significant byte first. False if they do not lie in memory. */
bool load(const struct world *w, uint64_t paddr, struct words *to);
/* What an access has to come to; and that it has. */
struct answer judge_access(struct world *w, uint16_t device, uint64_t iova, bool write);
/* Software wrote @value to the register at @offset, 8 bytes wide. False: there is none. */
bool judge_written(struct world *w, uint64_t offset, uint64_t value);
/* What the register at @offset reads. False: there is none. */
bool judge_register(const struct world *w, uint64_t offset, uint64_t *value);
/* The hardware was reset. */
void judge_reset(struct world *w);
/* The hardware says that it no longer holds @page of @device. */
void judge_told(struct world *w, uint16_t device, uint64_t page);
/* The step is over: was everything told? */
void judge_step(struct world *w);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the VT-d fuzzer runs in: a unit over a small memory, the judge beside it, the input, and the
 * rules by which an access is judged.
 */
#ifndef IOTOLL_FUZZ_VTD_WORLD_H
#define IOTOLL_FUZZ_VTD_WORLD_H

#include "hw/iotlb.h"
#include "hw/vtd.h"
#include "input.h"
#include "vtd_judge.h"

#define PAGES        32u
#define MEMORY_BYTES (PAGES * 4096u)
#define QUEUE        (31u * 4096u)
#define STATUS       (30u * 4096u)
#define TABLE_PAGES  30u /* root, contexts and page tables lie in the pages below */
#define RECORDS      3u

struct world {
	struct iommu *iommu;
	struct vtd_config config;
	uint8_t memory[MEMORY_BYTES];
	struct judge judge;
	unsigned next_record, tail, accesses_of_memory;
	struct input input;
	struct ats_fabric fabric;
	bool hostile;       /* devices, too: see vtd_ats.c */
	uint32_t open;      /* invalidations that a device has not completed */
	uint16_t owner[32]; /* whose */
	unsigned seen[32];  /* and how many of several messages have come */
};

/* The iotoll_memory of a world. */
int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes);
int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes);
/* Registers as software reaches them. */
uint64_t readq(struct world *w, uint32_t offset);
uint32_t readl(struct world *w, uint32_t offset);
void writeq(struct world *w, uint32_t offset, uint64_t value);
void writel(struct world *w, uint32_t offset, uint32_t value);
/* Eight bytes of memory, least significant first. */
void store(struct world *w, uint64_t paddr, uint64_t value);

/* The record registers at one moment. */
struct records {
	bool overflow, valid[RECORDS];
	uint16_t sid[RECORDS];
	unsigned recorded;
};

struct records look_at_records(struct world *w);
/* An access was granted with @x, refused with @ret: is that one of the judge's outcomes? */
void judge_grant(struct world *w, uint16_t sid, uint64_t iova, bool write,
		 const struct iotoll_xlat *x);
void judge_record(struct world *w, const struct records *before, uint16_t sid, uint64_t iova,
		  bool write, int ret);

/* ---- vtd_ats.c ---- */

/* Put devices with translation caches on the fabric. */
void ats_join(struct world *w);
void ats_request(struct world *w, uint16_t sid, uint64_t iova, bool no_write);
void ats_translated(struct world *w, uint16_t sid, uint64_t paddr, bool write);
void ats_message(struct world *w);

#endif

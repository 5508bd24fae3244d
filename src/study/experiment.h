/* SPDX-License-Identifier: MIT */
/*
 * Small experiments on a rig alone, without NIC or TCP: each sets up one situation the paper
 * argues about and lets the driver half, the hardware half and the bus settle it. Data decides:
 * bytes are written by DMA and looked for in memory.
 */
#ifndef IOTOLL_STUDY_EXPERIMENT_H
#define IOTOLL_STUDY_EXPERIMENT_H

#include "rig/solo.h"
#include "sim/profile.h"

#define BENCH_DEVID     0x08 /* device 1, function 0: owns the mappings */
#define BENCH_NEIGHBOUR 0x10 /* device 2, function 0: owns none */

struct bench_rig {
	struct solo solo;
	phys_t frames; /* contiguous page frames to map */
	uint64_t frame_count;
};

/*
 * @strategy on Calgary with @table_entries and an IOTLB of @iotlb_entries (fully associative when
 * @ways is 0) on a machine of @profile; one device attached, @frames page frames to play with.
 */
int bench_rig_init(struct bench_rig *b, const struct profile *profile, const char *strategy,
		   uint64_t table_entries, unsigned iotlb_entries, unsigned ways, uint64_t frames,
		   struct err *err) MUST_CHECK;
void bench_rig_fini(struct bench_rig *b);
/* Map frame @n; UINT64_MAX on failure. */
uint64_t bench_map(struct bench_rig *b, uint64_t n);
void bench_unmap(struct bench_rig *b, uint64_t iova);
/* DMA-write @value to @iova as requester @devid. 0 or what the bus said. */
int bench_dma_write(struct bench_rig *b, uint16_t devid, uint64_t iova, uint64_t value);
/* First eight bytes of frame @n. */
uint64_t bench_frame(struct bench_rig *b, uint64_t n);

/* ---- reuse of I/O addresses (section 4.1 of the paper) ---- */

struct reuse_result {
	uint64_t mappings, wraps, flushes;
	uint64_t misplaced; /* DMA writes that reached another frame than the mapped one */
};

/*
 * @mappings mappings, each used once by the device and undone long before the allocator comes
 * round; the IOTLB holds more than a lap, so nothing is evicted by chance.
 */
int experiment_short_lived(const struct profile *p, const char *strategy, uint64_t mappings,
			   uint64_t seed, struct reuse_result *out, struct err *err) MUST_CHECK;
/*
 * One mapping survives a wrap above the hint, is used after the flush, then undone, and its entry
 * is handed out again in the same lap: does the new owner's DMA reach the new owner's frame?
 */
int experiment_survivor(const struct profile *p, const char *strategy, struct reuse_result *out,
			struct err *err) MUST_CHECK;

/* ---- use after unmap ---- */

#define STALE_DELAYS 6

struct stale_result {
	uint64_t attempts;
	uint64_t disagreed; /* success without residency, or the reverse: must be 0 */
	/* success of a DMA after this many other mappings were used in between */
	uint64_t delay[STALE_DELAYS], tried[STALE_DELAYS], succeeded[STALE_DELAYS];
};

/* Random use-after-unmap on an IOTLB of @iotlb_entries. */
int experiment_use_after_unmap(const struct profile *p, const char *strategy,
			       unsigned iotlb_entries, uint64_t attempts, uint64_t seed,
			       struct stale_result *out, struct err *err) MUST_CHECK;

/* ---- what one flush takes with it, and who shares a table ---- */

struct scope_result {
	uint64_t cached_before; /* live translations in the IOTLB */
	uint64_t cached_after;  /* of them after one other mapping was undone strictly */
	bool neighbour_reaches; /* another device of the bus got through the first one's mapping */
	uint64_t table_entries, usable_entries;
};

int experiment_scope(const struct profile *p, struct scope_result *out, struct err *err) MUST_CHECK;

/* ---- what an entry looks like and means ---- */

/* Of one IOMMU. Rights: bit n of a mask is the answer for what the entry's rights bits hold. */
struct entries_result {
	uint64_t table_bytes; /* for 2 GiB of DMA space */
	unsigned entry_bytes;
	unsigned frame_bits; /* of the highest address that an entry reaches, less 12 */
	bool as_published;   /* the driver half's bytes are those of the paper's table */
	unsigned readable,
		writable; /* bit (W << 1 | R): with the rights bits W and R as they are */
	bool needs_valid; /* the same entry without its valid bit is refused */
};

/* @model: "calgary" or "dart-u4". */
int experiment_entries(const struct profile *p, const char *model, struct entries_result *out,
		       struct err *err) MUST_CHECK;

#endif

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

/* ---- what a table made once lets devices reach (section 4.3.1) ---- */

/* Pages of each owner, and those at which what a device wrote arrived. */
struct reach_result {
	uint64_t own, own_reached; /* of the device's own domain, which may write to them itself;
				      on bare metal: of memory */
	uint64_t guarded,
		guarded_reached;       /* of that domain, but not its to write to: page tables */
	uint64_t other, other_reached; /* of the other domain */
	uint64_t rest, rest_reached;   /* of nobody or the hypervisor's */
	uint64_t attempts;             /* all pages of the device's address space */
};

/*
 * A device that was given nothing writes to each page of its address space, under a hypervisor
 * with two domains or (@metal) on a machine alone, with the table of @strategy; each time all of
 * the page's bytes that it wrote are looked for in memory, and put back.
 */
int experiment_reach(const struct profile *p, const char *strategy, bool metal,
		     struct reach_result *out, struct err *err) MUST_CHECK;

/* ---- pages that get another frame (section 4.3.1) ---- */

enum flip_table {
	FLIP_FOLLOWED,  /* the entry is changed, and the IOTLB told */
	FLIP_UNFLUSHED, /* the entry is changed */
	FLIP_FROZEN,    /* neither */
};

/* Where the DMA of a device landed that goes on using a page which has got another frame. */
struct flip_result {
	uint64_t flips;
	uint64_t in_new, in_old; /* frame */
};

int experiment_flip(const struct profile *p, enum flip_table how, struct flip_result *out,
		    struct err *err) MUST_CHECK;

struct flip_cost {
	uint64_t mappings, flips;
	uint64_t follows, flushes; /* entries changed for it, flushes by the hypervisor */
	uint64_t misplaced;        /* DMAs that landed elsewhere than in the page mapped */
	double cycles;             /* CPU cycles of all that, a mapping */
};

/*
 * What map, use and unmap of @mappings single pages cost a domain's CPU if, meanwhile, pages get
 * other frames: @per_thousand of them for 1000 mappings, @batch (at most 32) in one call.
 */
int experiment_flip_cost(const struct profile *p, const char *strategy, uint64_t mappings,
			 unsigned per_thousand, unsigned batch, struct flip_cost *out,
			 struct err *err) MUST_CHECK;

/* ---- what a map and an unmap cost by themselves (sections 4.3.3 and 4.3.4) ---- */

struct pair_cost {
	uint64_t buffers;  /* of a page each */
	uint64_t wraps;    /* of the allocator, as they were mapped */
	double map, unmap; /* CPU cycles for each buffer, crossings and hypervisor included */
};

/*
 * Map and unmap single pages on bare metal (@metal) or in a domain, in steady state: from the
 * second lap of a table of 8192 entries on. @list buffers in one call of either (0: a call for
 * each).
 */
int experiment_pair_cost(const struct profile *p, const char *strategy, bool metal, unsigned list,
			 struct pair_cost *out, struct err *err) MUST_CHECK;

/* ---- old addresses used again (section 4.3.4) ---- */

struct replay_result_late {
	uint64_t attempts;
	uint64_t succeeded; /* the device wrote into the page that the address once led to */
};

/*
 * A device writes to addresses whose mappings are over, before the flush at the last wrap, and
 * which no mapping has now. Each was used once while it was mapped.
 */
int experiment_replay_late(const struct profile *p, const char *strategy,
			   struct replay_result_late *out, struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of the rogue device share: what it knows, and one attempt. */
#ifndef IOTOLL_RIG_ROGUE_INTERNAL_H
#define IOTOLL_RIG_ROGUE_INTERNAL_H

#include "base/rng.h"
#include "rig/rogue.h"
#include "watch/requests.h"

#define ROGUE_KINDS   16u
#define ROGUE_HISTORY 4096u /* mappings remembered; a power of two */
#define ROGUE_RINGS   16u
#define ROGUE_PENDING 2048u /* attacks that wait for their delay to pass */
#define ROGUE_WORD    8u    /* bytes of an access that needs no more: a pointer's */

/* A buffer that the device was given, as it knows it; @paddr is for the judge alone. */
struct rogue_buffer {
	uint64_t iova, paddr, bytes;
	enum iotoll_dma_dir dir;
};

struct rogue_row {
	const char *name, *title;
	/* Either: something to do whenever it likes; */
	void (*strike)(struct rogue *r, unsigned kind);
	/* or: something to do so long after the unmap of a buffer. False: it must be tried again,
	 * as the bus is stopped just now. */
	bool (*late)(struct rogue *r, unsigned kind, const struct rogue_buffer *victim);
	uint64_t delay_ps;
	bool received_only; /* buffers that the device wrote to */
};

extern const struct rogue_row rogue_rows[];

struct rogue_pending {
	struct event event;
	struct rogue *rogue;
	struct rogue_pending *next; /* free */
	struct rogue_buffer victim;
	unsigned kind;
};

struct rogue {
	struct rogue_config config;
	struct rig *rig;
	struct rng rng;
	bool does[ROGUE_KINDS];
	bool running, armed;
	bool write; /* the next victim is written to, the one after it read */
	unsigned turn;
	uint64_t next_page; /* of the scan in order */
	struct event tick;
	struct rogue_buffer history[ROGUE_HISTORY];
	uint64_t seen; /* mappings so far */
	struct rogue_buffer ring[ROGUE_RINGS];
	unsigned rings;
	struct rogue_pending pending[ROGUE_PENDING], *free;
	struct rogue_stats stats[ROGUE_KINDS];
};

/* A mapping that the device remembers, out of the last @among; NULL: none yet. */
const struct rogue_buffer *rogue_recall(struct rogue *r, uint64_t among);
/*
 * One attempt on [iova, iova + bytes), at most 64 bytes within a page: made, judged and counted.
 * False, with nothing counted, if the bus is stopped.
 */
bool rogue_try(struct rogue *r, unsigned kind, uint64_t iova, uint32_t bytes,
	       enum iotoll_access access);
/* The same by a translated request, for memory at @paddr. */
void rogue_lie(struct rogue *r, unsigned kind, uint64_t paddr, uint32_t bytes,
	       enum iotoll_access access);
/* An access that is the device's right: 0, or what the bus answered. */
int rogue_access(struct rogue *r, uint64_t iova, void *bytes, uint32_t n,
		 enum iotoll_access access);

#endif

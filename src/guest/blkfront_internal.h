/* SPDX-License-Identifier: MIT */
/* What the files of blkfront share. */
#ifndef IOTOLL_GUEST_BLKFRONT_INTERNAL_H
#define IOTOLL_GUEST_BLKFRONT_INTERNAL_H

#include "guest/blkfront.h"
#include "guest/xen_evtchn.h"
#include "guest/xen_share.h"
#include "sim/lock.h"

/* A request on the ring, by its id: what the backend's answer is held against. */
struct front_request {
	struct blk_request *rq; /* NULL: the id is free */
	uint8_t operation;
	grant_ref_t ref[BLKIF_SEGMENTS]; /* for good */
};

struct blkfront {
	struct pv_kernel *k;
	struct blkif_backend_keys backend;
	struct blk_queue *queue;
	bool connected, broken;
	bool flush, barrier; /* what is left of what the backend offered */
	int port;
	struct vlock lock; /* blkif_io_lock */
	void *line;
	struct pv_shared page;
	blkif_front_ring_t ring;
	struct front_request request[BLKIF_RING];
	uint8_t free[BLKIF_RING]; /* stack of ids */
	unsigned nfree;
	struct blkfront_stats stats;
};

/* blkfront_io.c */
extern const struct blk_driver_ops blkfront_blk;
/* The event channel's handler. */
void blkfront_interrupt(void *ctx, struct cpu *cpu);

#endif

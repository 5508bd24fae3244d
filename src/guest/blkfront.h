/* SPDX-License-Identifier: MIT */
/*
 * The disk of a guest (Linux 2.6.18: drivers/xen/blkfront, with the checks and the flush that later
 * versions added): a block queue whose requests go through a ring to the backend's domain, each
 * page granted to it for as long as the request lasts, read-only for what is written. What the
 * backend says is checked; one that breaks the protocol loses its disk, not more.
 *
 * Ranges of bios lie on whole sectors. A flush is BLKIF_OP_FLUSH_DISKCACHE where that is offered,
 * an empty barrier where only that is, and done at once where neither is: then, as in Linux, the
 * backend's disk is taken to have nothing to flush.
 */
#ifndef IOTOLL_GUEST_BLKFRONT_H
#define IOTOLL_GUEST_BLKFRONT_H

#include "guest/blk.h"
#include "guest/blkif.h"
#include "guest/xen_kernel.h"

struct blkfront;

struct blkfront_config {
	struct pv_kernel *kernel;
	struct blkif_backend_keys backend;
	struct cpu *timer_cpu; /* see struct blk_config */
};

struct blkfront_stats {
	uint64_t interrupts, notified;
	uint64_t requests, responses, segments;
	uint64_t errors;    /* requests answered with an error */
	uint64_t ring_full; /* requests put off for want of a slot */
	uint64_t flushes;   /* sent */
	uint64_t withdrawn; /* 1: the backend does not flush after all */
	uint64_t broken;    /* 1: the backend broke the protocol, the disk is off */
	uint64_t held;      /* then: requests that never end, as it still has their pages mapped */
	uint64_t lock_acquisitions, lock_contended, lock_wait_ps;
};

/*
 * Make ring, grants and a port. Everything in @config outlives the disk; requests wait for
 * blkfront_connect(). 0; -ENOMEM; -ENOSPC (grants, ports); -EINVAL for a disk of an impossible
 * size.
 */
int blkfront_open(struct blkfront **out, const struct blkfront_config *config,
		  struct err *err) MUST_CHECK;
/* What to tell the backend. */
void blkfront_keys(const struct blkfront *f, struct blkif_frontend_keys *out);
/* The backend has connected. */
void blkfront_connect(struct blkfront *f, struct cpu *cpu);
/*
 * Take it down; what is in flight is forgotten. The backend must have let go of its grants, or be
 * dead; what it still holds is counted in the return value and leaked rather than reused. No CPU
 * may run its code afterwards. NULL is allowed.
 */
unsigned blkfront_close(struct blkfront *f);
/* The disk. */
struct blockdev *blkfront_disk(struct blkfront *f);
struct blk_queue *blkfront_queue(struct blkfront *f);
void blkfront_stats(const struct blkfront *f, struct blkfront_stats *out);

#endif

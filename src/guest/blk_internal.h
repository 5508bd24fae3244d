/* SPDX-License-Identifier: MIT */
/* What the files of the block layer share: blk_queue.c, blk_merge.c, blk_done.c. */
#ifndef IOTOLL_GUEST_BLK_INTERNAL_H
#define IOTOLL_GUEST_BLK_INTERNAL_H

#include "guest/blk.h"

/* What a request takes of kernel memory: struct request of 2.6.2x, rounded up. */
#define BLK_REQUEST_BYTES 256u
/* Of it, what is touched when it is made and when it is done. */
#define BLK_REQUEST_TOUCHED 192u

/* Completed requests of one CPU (blk_cpu_done). */
struct blk_cpu {
	struct blk_queue *q;
	struct softirq softirq;
	struct blk_request *first, *last;
	bool restart; /* the driver has room again */
};

struct blk_queue {
	struct blockdev dev; /* first */
	struct blk_config config;
	struct machine *machine;
	struct vlock lock;
	uint8_t *memory; /* the lock's line, then the requests' */

	struct blk_request *first, *last; /* not yet at the driver */
	unsigned queued;
	struct blk_request *pool; /* all of them */
	struct blk_request *free;
	unsigned nfree;
	struct bio *first_bio, *last_bio; /* waiting for a request */
	unsigned in_flight;
	bool plugged, blocked; /* blocked: the driver said -EBUSY */
	struct event unplug_timer;
	struct irq timer_irq;
	struct softirq timer_softirq;
	struct blk_cpu *cpu; /* one for each of the machine's */
	struct blk_stats stats;
};

/* blk_queue.c */
/* Hand requests to the driver while it may have more. Without the lock. */
void blk_run(struct blk_queue *q, struct cpu *cpu);
/* True if the queue was plugged. */
bool blk_unplug(struct blk_queue *q);
struct blk_request *blk_take(struct blk_queue *q);
void blk_give(struct blk_queue *q, struct blk_request *rq);

/* blk_merge.c: with the lock held. */
/* Join @bio to a queued request, at either end. */
bool blk_merge(struct blk_queue *q, struct bio *bio);
/* Can whole sectors be made of @bio's ranges, however it is cut? */
bool blk_cuttable(const struct blk_queue *q, const struct bio *bio);
/* Make requests of what is left of @bio. False: there were not enough, the rest is for later. */
bool blk_cut(struct blk_queue *q, struct bio *bio);

/* blk_done.c */
void blk_done_init(struct blk_queue *q);
/* A part of @bio is over. */
void blk_bio_part(struct blk_queue *q, struct cpu *cpu, struct bio *bio, int status);

#endif

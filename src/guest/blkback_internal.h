/* SPDX-License-Identifier: MIT */
/* What the files of blkback share. */
#ifndef IOTOLL_GUEST_BLKBACK_INTERNAL_H
#define IOTOLL_GUEST_BLKBACK_INTERNAL_H

#include "guest/blkback.h"
#include "guest/xen_evtchn.h"
#include "guest/xen_share.h"
#include "sim/lock.h"
#include "sim/task.h"

/* What is left of a request to be done below. */
enum blkback_step {
	STEP_FLUSH_BEFORE, /* a barrier: what was written before it */
	STEP_DATA,
	STEP_FLUSH_AFTER, /* a barrier: its own data; all of a flush */
	STEP_OVER,
};

/* A request between ring and answer. */
struct blkback_pending {
	struct blkback *bb;
	struct blkback_vbd *vbd; /* NULL: unused */
	struct blkback_pending *next;
	blkif_request_t req;         /* our copy */
	phys_t page[BLKIF_SEGMENTS]; /* where they are mapped: empty pages of ours */
	grant_handle_t handle[BLKIF_SEGMENTS];
	uint64_t bus[BLKIF_SEGMENTS]; /* where devices reach them, if that came with the mapping */
	unsigned mapped;              /* of them, the first so many */
	unsigned step;                /* enum blkback_step */
	int16_t status;
	struct bio bio;
	struct bio_vec vec[BLKIF_SEGMENTS];
	/* Arguments of map and unmap, BLKIF_SEGMENTS of them in guest memory. */
	union blkback_op {
		struct gnttab_map_grant_ref map;
		struct gnttab_unmap_grant_ref unmap;
	} * op;
};

struct blkback {
	struct pv_kernel *k;
	struct vlock lock; /* of the unused requests, and of who waits for one */
	void *line;
	struct blkback_pending pending[BLKBACK_PENDING];
	struct blkback_pending *free;
	unsigned nfree;
	struct blkback_vbd *hungry, *last_hungry; /* disks waiting for a request, in turn */
	struct blkback_vbd *vbds;
	struct blkback_stats stats;
};

struct blkback_vbd {
	struct blkback *bb;
	struct blkback_vbd *next; /* of all */
	domid_t domid;
	struct cpu *cpu; /* of its task */
	struct blkback_extent extent;
	int port;
	bool closed, disabled;
	bool kicked; /* the task is to look */
	bool waits;  /* in line for a request */
	struct blkback_vbd *next_hungry;
	unsigned refs; /* requests on their way, the task, the owner */
	struct waitq wq;
	struct pv_foreign page;
	struct vlock lock; /* of the answers: blk_ring_lock */
	void *line;        /* its cache line */
	blkif_back_ring_t ring;
	unsigned in_flight;             /* requests below */
	struct blkback_pending *parked; /* a barrier that waits for those before it */
	bool ordered;                   /* a barrier is below: nothing passes it */
	struct blkback_vbd_stats stats;
};

/* blkback.c */
/* An unused request, or NULL: then @v is in line and will be kicked. */
struct blkback_pending *blkback_take(struct blkback_vbd *v, struct cpu *cpu);
/* It needs none after all. */
void blkback_leave_line(struct blkback_vbd *v, struct cpu *cpu);
/* Back, with nothing mapped. The last of a closed disk's requests takes the disk with it. */
void blkback_give(struct blkback_pending *p, struct cpu *cpu);
/* The last that a closed disk's task does. */
void blkback_quit(struct blkback_vbd *v, struct cpu *cpu);
void blkback_kick(struct blkback_vbd *v, struct cpu *cpu);

/* blkback_ring.c: the task's part */
/*
 * Requests off the ring and on their way, until there is no more to do now. False: the last one
 * made no sense.
 */
bool blkback_serve(struct blkback_vbd *v, struct cpu *cpu);
/* Answer @id. */
void blkback_respond(struct blkback_vbd *v, struct cpu *cpu, uint64_t id, uint8_t operation,
		     int16_t status);

/* blkback_io.c */
/* Carry out @p, which has been checked. It answers and comes back by itself. */
void blkback_start(struct blkback_pending *p, struct cpu *cpu);

/* blkback_map.c */
/* All pages of @p. False: one cannot be had, and none is mapped. */
bool blkback_map(struct blkback_pending *p, struct cpu *cpu) MUST_CHECK;
void blkback_unmap(struct blkback_pending *p, struct cpu *cpu);

#endif

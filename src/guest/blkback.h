/* SPDX-License-Identifier: MIT */
/*
 * The backend of paravirtual disks in a driver domain (Linux 2.6.18: drivers/xen/blkback, with the
 * checks that later versions added). Each disk has a task that takes requests off its ring, looks
 * at a copy of each, maps its pages with one hypercall and hands the block device below a bio that
 * lies in them: the device reads and writes the guest's own memory. When that bio is done the pages
 * are unmapped, in one hypercall again, and only then is the guest answered.
 *
 * A frontend is not trusted. Requests that make no sense are answered with an error, and the disk's
 * task sleeps for a millisecond; a ring that breaks the protocol is not looked at again. At most
 * BLKBACK_PENDING requests are on their way, of all disks together; disks that wait for one take
 * turns.
 */
#ifndef IOTOLL_GUEST_BLKBACK_H
#define IOTOLL_GUEST_BLKBACK_H

#include "guest/blkif.h"
#include "guest/xen_kernel.h"

#define BLKBACK_PENDING 64u    /* blkif_reqs */
#define BLKBACK_BACKOFF SIM_MS /* after a request that made no sense */

struct blkback;     /* the driver: one in a kernel */
struct blkback_vbd; /* one guest's disk */

/* What a guest's disk is: sectors of a block device of this kernel's. */
struct blkback_extent {
	struct blockdev
		*dev; /* takes ranges of whole sectors, wherever they lie; outlives the disk */
	uint64_t first, sectors;
	bool readonly;
};

struct blkback_stats {
	uint64_t maps, unmaps; /* grants */
	uint64_t map_calls, unmap_calls;
	uint64_t unmap_errors; /* a page of ours is lost with each */
	uint64_t waited;       /* times a disk found BLKBACK_PENDING requests on their way */
	unsigned pending;      /* now */
};

struct blkback_vbd_stats {
	uint64_t interrupts, notified;
	uint64_t reads, writes, flushes,
		barriers; /* requests that were carried out, or failed below */
	uint64_t read_sectors, written_sectors;
	uint64_t io_errors;    /* of those: failed below */
	uint64_t bad_requests; /* made no sense: answered with an error */
	uint64_t bad_grants;   /* a page could not be mapped: the same */
	uint64_t unsupported;  /* operations nobody offered */
	uint64_t disabled;     /* 1: its frontend broke the protocol */
};

/* 0; -ENOMEM; -ENOSPC: no page numbers to map BLKBACK_PENDING * BLKIF_SEGMENTS pages at. */
int blkback_create(struct blkback **out, struct pv_kernel *k, struct err *err) MUST_CHECK;
/*
 * Take everything down, disks and what is in flight: block devices no longer call back. No CPU may
 * run its code. NULL is allowed.
 */
void blkback_destroy(struct blkback *bb);
void blkback_stats(const struct blkback *bb, struct blkback_stats *out);

/* What a frontend is told of @extent. */
void blkback_keys(const struct blkback *bb, const struct blkback_extent *extent,
		  struct blkif_backend_keys *out);
/*
 * Connect to a frontend: map its ring, bind its port, start its task on @cpu. 0; -EINVAL for a ref
 * that cannot be mapped, a port that cannot be bound or an extent that is not on the device;
 * -ENOMEM; -ENOSPC.
 */
int blkback_vbd_open(struct blkback_vbd **out, struct blkback *bb,
		     const struct blkif_frontend_keys *keys, const struct blkback_extent *extent,
		     struct cpu *cpu, struct err *err) MUST_CHECK;
/*
 * Disconnect, the guest being alive or dead: nothing more is taken off the ring. What is on its way
 * is unmapped as it comes back; then ring and disk go. From a task, or from outside while no CPU
 * runs the disk's code.
 */
void blkback_vbd_close(struct blkback_vbd *v, struct cpu *cpu);
void blkback_vbd_stats(const struct blkback_vbd *v, struct blkback_vbd_stats *out);

#endif

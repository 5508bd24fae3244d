/* SPDX-License-Identifier: MIT */
/*
 * A block device as the kernel above it sees one: what file systems, page cache and back ends hand
 * their I/O to, whatever lies below (the queue of a host bus adapter's disk, a paravirtual front
 * end, memory). An I/O is a bio: an operation, a first sector, and a list of memory ranges.
 *
 * A bio and its list belong to the caller and must stay where they are until done() is called; a
 * device links them and never copies them. Devices complete bios in any order; overlapping bios in
 * flight at the same time are not ordered against each other. Memory addresses are those of the
 * machine the device works for (on a guest machine: of the guest).
 *
 * Plugging: a device may hold bios back for a moment in the hope of neighbours to merge them with.
 * Who is about to sleep until a bio is done calls blockdev_unplug() first.
 */
#ifndef IOTOLL_GUEST_BLOCKDEV_H
#define IOTOLL_GUEST_BLOCKDEV_H

#include "base/err.h"
#include "sim/task.h"

#define BLOCK_SECTOR_BYTES 512u
#define BLOCK_SECTOR_SHIFT 9

enum bio_op {
	BIO_READ,  /* sectors to memory */
	BIO_WRITE, /* memory to sectors; done when the device has it, perhaps in a cache */
	BIO_FLUSH, /* no data: every write done before this was submitted is on stable storage */
};

/* A physically contiguous range of memory. */
struct bio_vec {
	phys_t paddr;
	uint32_t bytes;
};

struct bio {
	enum bio_op op;
	bool sync;       /* somebody waits: the device unplugs by itself */
	uint64_t sector; /* first one, in units of BLOCK_SECTOR_BYTES */
	struct bio_vec *vec;
	unsigned nvec; /* 0 for BIO_FLUSH only */
	/*
	 * It is over: @status 0 or a negative errno value (-EIO: the device, the transport or a
	 * refused DMA, then the contents of memory or sectors are undefined within the bio's range;
	 * -EINVAL: see blockdev_submit()). Called once, on @cpu (NULL: from a device event), mostly
	 * in a softirq, so it must not sleep; the bio may be reused or freed in it. It may submit.
	 */
	void (*done)(struct bio *bio, struct cpu *cpu, int status);
	void *ctx; /* the caller's */

	/* The device's own, from submission to done(). */
	struct bio *next;
	uint32_t pending;      /* requests that carry a part of it */
	uint64_t cut;          /* bytes that have a request */
	int status;            /* the first error */
	sim_time submitted_at; /* for the latency */
};

struct blockdev;

struct blockdev_ops {
	/* Take @bio, which blockdev_submit() has checked. Any context that may take locks. */
	void (*submit)(struct blockdev *dev, struct cpu *cpu, struct bio *bio);
	/* Start what was held back. NULL: nothing ever is. */
	void (*unplug)(struct blockdev *dev, struct cpu *cpu);
};

/* Embedded in its implementation, which fills in everything. */
struct blockdev {
	const struct blockdev_ops *ops;
	uint64_t sectors;
	/*
	 * What goes to the device as one request at most: a hint for who builds bios (read-ahead,
	 * write-back). Larger bios are legal and are cut by the device.
	 */
	uint32_t max_bytes;
	unsigned max_segments;
	/* Addresses and lengths of ranges are multiples of this (a power of two); 0: whatever. */
	uint32_t alignment;
	/* More is waiting than the device wants; tasks that produce should wait for room. */
	bool congested;
	struct waitq room; /* woken when it no longer is */
};

/* Bytes of @bio's list. */
uint64_t bio_bytes(const struct bio *bio);

/*
 * Hand in @bio. A bio that makes no sense (no range, an empty one, a length that is not whole
 * sectors, ranges that the device cannot reach as they lie, a flush with ranges, sectors beyond the
 * end) is done at once with -EINVAL; done() may thus be called from in here. Never sleeps. @cpu:
 * the current one, NULL at boot.
 */
void blockdev_submit(struct blockdev *dev, struct cpu *cpu, struct bio *bio);
/* Start what is held back for merging. */
void blockdev_unplug(struct blockdev *dev, struct cpu *cpu);
/* Sleep while the device is congested, as Linux does for a free request. Tasks only. */
void blockdev_throttle(struct blockdev *dev, struct cpu *cpu);
/*
 * Submit @op of one range (no range for BIO_FLUSH: @bytes 0), unplug and sleep until it is done.
 * Tasks only. Its status.
 */
int blockdev_wait(struct blockdev *dev, struct cpu *cpu, enum bio_op op, uint64_t sector,
		  phys_t paddr, uint32_t bytes) MUST_CHECK;

#endif

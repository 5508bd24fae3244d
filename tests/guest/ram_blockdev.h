/* SPDX-License-Identifier: MIT */
/*
 * A block device for tests of what stands above one: its sectors are an array, each bio takes a
 * settable time, at most so many are served at once, and single bios can be made to fail.
 */
#ifndef IOTOLL_TESTS_GUEST_RAM_BLOCKDEV_H
#define IOTOLL_TESTS_GUEST_RAM_BLOCKDEV_H

#include "guest/blockdev.h"

#define RAM_BLOCKDEV_SLOTS 32u

struct ram_blockdev;

struct ram_blockdev_slot {
	struct ram_blockdev *dev;
	struct bio *bio; /* NULL: free */
	struct event done;
};

struct ram_blockdev {
	struct blockdev dev; /* what users are given */
	struct machine *machine;
	uint8_t *data;      /* sectors * 512 bytes */
	uint64_t ps_per_io; /* how long each takes; may be changed at any time */
	/* Fail the bio that is served when this counts down to 0 (1: the next); 0: none. */
	unsigned fail_in;
	bool hold; /* serve nothing before ram_blockdev_release() */
	struct ram_blockdev_slot slot[RAM_BLOCKDEV_SLOTS];
	struct bio *first, *last; /* waiting for a slot */
	uint64_t reads, writes, flushes, read_bytes, write_bytes, failed, unplugs;
};

/* @sectors of zeros on @machine; @ps_per_io each. Aborts without memory. */
void ram_blockdev_init(struct ram_blockdev *r, struct machine *machine, uint64_t sectors,
		       uint64_t ps_per_io);
/* Bios in flight are forgotten. */
void ram_blockdev_fini(struct ram_blockdev *r);
/* Serve what was held. */
void ram_blockdev_release(struct ram_blockdev *r);

#endif

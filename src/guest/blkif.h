/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of a paravirtual disk agree on (io/blkif.h): the ring, its limits, and what
 * each would read of the other in the store. There is no store here: whoever connects the two hands
 * these structs over, in the store's order: the frontend's rings first, then what the backend says
 * of the disk. Discarding, indirect descriptors and grants that stay mapped are not offered.
 */
#ifndef IOTOLL_GUEST_BLKIF_H
#define IOTOLL_GUEST_BLKIF_H

#include "guest/blockdev.h"
#include "guest/xen_ring.h"

#include <xen/io/blkif.h>

#define BLKIF_RING         ((unsigned)__CONST_RING_SIZE(blkif, PAGE_BYTES)) /* 32 */
#define BLKIF_SEGMENTS     ((unsigned)BLKIF_MAX_SEGMENTS_PER_REQUEST)       /* 11 */
#define BLKIF_PAGE_SECTORS ((unsigned)(PAGE_BYTES / BLOCK_SECTOR_BYTES))    /* 8 */

/* Keys that the frontend writes. */
struct blkif_frontend_keys {
	domid_t domid; /* not written by the frontend: the store knows whose directory it is */
	grant_ref_t ring_ref;
	evtchn_port_t event_channel;
};

/* Keys that the backend writes. */
struct blkif_backend_keys {
	domid_t domid;            /* whose backend this is */
	uint64_t sectors;         /* of BLOCK_SECTOR_BYTES */
	bool readonly;            /* VDISK_READONLY */
	bool feature_barrier;     /* takes BLKIF_OP_WRITE_BARRIER */
	bool feature_flush_cache; /* takes BLKIF_OP_FLUSH_DISKCACHE */
};

#endif

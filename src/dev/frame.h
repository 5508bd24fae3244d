/* SPDX-License-Identifier: MIT */
/*
 * Ethernet frames between devices: buffers of a pool, handed from NIC to link to NIC without
 * copying. Whoever holds a frame either passes it on or releases it. The pool grows by blocks
 * when it runs dry, so nothing is allocated per frame.
 */
#ifndef IOTOLL_DEV_FRAME_H
#define IOTOLL_DEV_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "sim/time.h"

/* IEEE 802.3: what surrounds a frame on the wire, and the smallest one, without its FCS. */
#define FRAME_PREAMBLE_BYTES 8u
#define FRAME_FCS_BYTES      4u
#define FRAME_GAP_BYTES      12u
#define FRAME_MIN_BYTES      60u
#define FRAME_HEADER_BYTES   14u
/* Room for the largest frame any device here sends, without its FCS, which has room behind. */
#define FRAME_MAX_BYTES 9216u

struct frame_pool;

struct frame {
	struct frame *next;      /* in whatever list its holder keeps */
	struct frame_pool *pool; /* where it goes back to */
	sim_time arrives;        /* the link's */
	uint32_t bytes;          /* from destination address to payload, without FCS */
	uint8_t data[FRAME_MAX_BYTES + FRAME_FCS_BYTES];
};

/* Somebody frames can be sent to. */
struct frame_sink {
	void *ctx;
	/*
	 * Takes @frame. Returns the instant from which the next one would go out without waiting;
	 * the sender paces itself by it.
	 */
	sim_time (*send)(void *ctx, struct frame *frame);
};

/* NULL when memory is short. */
struct frame_pool *frame_pool_create(void);
/* Frames still out become invalid. NULL is allowed. */
void frame_pool_destroy(struct frame_pool *pool);
/* A frame of 0 bytes with undefined contents, NULL when memory is short. */
struct frame *frame_get(struct frame_pool *pool);
/* Give @frame back to its pool. */
void frame_put(struct frame *frame);
/* Frames that are out. */
size_t frame_pool_used(const struct frame_pool *pool);

#endif

/* SPDX-License-Identifier: MIT */
/* The queue that a kernel keeps above an interface whose ring is full (Linux: pfifo). */
#ifndef IOTOLL_GUEST_NET_QUEUE_H
#define IOTOLL_GUEST_NET_QUEUE_H

#include <errno.h>
#include <stdlib.h>

#include "guest/netdev.h"

struct net_queue {
	struct net_frame *frame;
	unsigned capacity, first, count;
};

/* Room for @capacity frames (txqueuelen). 0 or -ENOMEM. */
static inline int net_queue_init(struct net_queue *q, unsigned capacity)
{
	*q = (struct net_queue){.frame = calloc(capacity, sizeof(struct net_frame))};
	q->capacity = q->frame ? capacity : 0;
	return q->frame ? 0 : -ENOMEM;
}

/* 0, or -ENOBUFS: full, the frame stays the caller's. */
static inline int net_queue_push(struct net_queue *q, const struct net_frame *frame)
{
	if (q->count == q->capacity)
		return -ENOBUFS;
	q->frame[(q->first + q->count++) % q->capacity] = *frame;
	return 0;
}

/* The oldest frame, which stays queued; NULL if there is none. */
static inline const struct net_frame *net_queue_peek(const struct net_queue *q)
{
	return q->count ? &q->frame[q->first] : NULL;
}

/* Take it out. There is one. */
static inline struct net_frame net_queue_pop(struct net_queue *q)
{
	const struct net_frame frame = q->frame[q->first];

	q->first = (q->first + 1) % q->capacity;
	q->count--;
	return frame;
}

/* Give every frame back to its owner, and the queue's memory. Allowed on a zeroed queue. */
static inline void net_queue_fini(struct net_queue *q)
{
	while (q->count) {
		const struct net_frame frame = net_queue_pop(q);

		net_frame_done(&frame, NULL);
	}
	free(q->frame);
	*q = (struct net_queue){0};
}

#endif

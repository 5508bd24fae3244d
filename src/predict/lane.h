/* SPDX-License-Identifier: MIT */
/*
 * One recorded domain and ours beside it: the DMA layer with the strategy and the driver that the
 * recorded kernel had, on a VT-d unit of its own. Its maps get the addresses that were recorded,
 * after the allocator has been asked what it would have given; its unmaps run the driver, and what
 * that writes into the invalidation queue is the prediction of what the kernel wrote. Private to
 * src/predict.
 */
#ifndef IOTOLL_PREDICT_LANE_H
#define IOTOLL_PREDICT_LANE_H

#include "predict/mirror.h"
#include "rig/solo.h"

#define LANE_DESCRIPTORS 8u

struct lane_descriptor {
	uint64_t word[2];
};

enum lane_asks { LANE_PREDICT, LANE_ADOPT };

/* The allocator that the DMA layer sees: in front of the mirror. */
struct lane_front {
	struct iova base;
	struct lane *lane;
};

struct lane {
	struct solo solo;
	struct lane_front front;
	struct mirror mirror;
	unsigned cpu; /* whose call it is */

	/* Of the map that is being made. */
	enum lane_asks asks;
	enum mirror_slow slow;
	uint64_t recorded;
	struct mirror_answer answer;
	bool forgetting;

	/* What the driver wrote since lane_listen(), without waits. */
	unsigned tail;
	struct lane_descriptor desc[LANE_DESCRIPTORS];
	unsigned descs; /* may be more than there is room for */
};

/* @strategy: "strict" or "flush-queue". 0; -EINVAL with @err; -ENOMEM: nothing is left. */
int lane_init(struct lane *l, const struct profile *profile, const char *strategy,
	      struct err *err) MUST_CHECK;
/* Allowed on a zeroed struct. */
void lane_fini(struct lane *l);

/*
 * CPU @cpu mapped @pages and got @first. 0 and l->answer; -EEXIST if they are somebody's (then
 * nothing has changed); -ENOMEM.
 */
int lane_map(struct lane *l, unsigned cpu, uint64_t first, uint64_t pages,
	     enum mirror_slow slow) MUST_CHECK;
/* They have been mapped since before the recording. 0, -EEXIST, -ENOMEM. */
int lane_adopt(struct lane *l, uint64_t first, uint64_t pages) MUST_CHECK;
/* CPU @cpu unmapped them: what the driver said is in l->desc. */
void lane_unmap(struct lane *l, unsigned cpu, uint64_t first, uint64_t pages);
/* They were another domain's all the time. */
void lane_forget(struct lane *l, uint64_t first, uint64_t pages);
/* The flush queue's timer went off on @cpu: what the driver said is in l->desc. */
void lane_timer(struct lane *l, unsigned cpu);
bool lane_owns(const struct lane *l, uint64_t first, uint64_t pages);
/* Has the flush queue got them? */
bool lane_waits(const struct lane *l, uint64_t first, uint64_t pages);

#endif

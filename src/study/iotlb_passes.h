/* SPDX-License-Identifier: MIT */
/*
 * Points of the laboratory that are answered while the stream goes by, so that a stream of any
 * length needs no memory: LRU, of few ways or of every size at once. The others look ahead or are
 * many, and want to have it whole.
 */
#ifndef IOTOLL_STUDY_IOTLB_PASSES_H
#define IOTOLL_STUDY_IOTLB_PASSES_H

#include "study/iotlb_impl.h"

struct iotlb_passes {
	struct iotlb_plan *plan;
	struct mrc_stack *stack; /* NULL: no point wants it */
	struct mrc_rows **rows;  /* by point; NULL for those of the stack */
};

/* Are all points of @plan of that kind? */
bool iotlb_passes_can(const struct iotlb_plan *plan);
/* Have @s, without events yet, go through them. 0; -EINVAL or -ENOMEM with @err. */
int iotlb_passes_begin(struct iotlb_passes *p, struct iotlb_plan *plan, struct mrc_stream *s,
		       struct err *err) MUST_CHECK;
/* The stream is over: fill in the points' counts. 0 or -ENOMEM with @err. */
int iotlb_passes_end(struct iotlb_passes *p, struct mrc_stream *s, struct err *err) MUST_CHECK;
/* Allowed on a zeroed one. */
void iotlb_passes_fini(struct iotlb_passes *p);

#endif

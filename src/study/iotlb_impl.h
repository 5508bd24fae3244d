/* SPDX-License-Identifier: MIT */
/* What the files of the IOTLB laboratory share: its plan. Private to src/study/iotlb_*.c. */
#ifndef IOTOLL_STUDY_IOTLB_IMPL_H
#define IOTOLL_STUDY_IOTLB_IMPL_H

#include "mrc/hints.h"
#include "study/iotlb_lab.h"

/* One point of a curve. */
struct iotlb_point {
	struct iotlb_config config;
	enum mrc_hints hints;
	bool opt;     /* Belady's, not config.policy */
	bool stacked; /* answered by the stack distances of all sizes */
	struct mrc_count count;
	double spread; /* of a sampled one: standard error of its miss ratio */
};

struct iotlb_plan {
	struct iotlb_point *point;
	size_t points, room;
};

/* The combinations of @r's lists, sizes ascending. Errors as iotlb_lab_run(). */
int iotlb_plan_make(struct iotlb_plan *plan, const struct iotlb_lab_request *r,
		    struct err *err) MUST_CHECK;
void iotlb_plan_fini(struct iotlb_plan *plan);

#endif

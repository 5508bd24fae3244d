/* SPDX-License-Identifier: MIT */
/* The IOTLB laboratory: sizes, ways, policies and prefetchers over one stream, as JSON. */
#ifndef IOTOLL_STUDY_IOTLB_LAB_H
#define IOTOLL_STUDY_IOTLB_LAB_H

#include <jansson.h>

#include "study/run.h"

struct iotlb_lab_request {
	const char *trace;         /* a path, or NULL: run ... */
	const char *format;        /* of the trace; NULL: recognise it */
	bool allow_loss;           /* also one of which much is missing (trace/loss.h) */
	struct scenario *scenario; /* ... this, finished by scenario_finish() */
	/* Lists, separated by commas. */
	const char *entries;  /* "16,64,256" */
	const char *ways;     /* "4,full" */
	const char *policies; /* rows of the registry, "opt", or "all" for every one of them */
	const char *prefetch; /* "none,next" */
	const char *index;    /* "modulo,hashed" */
	const char *hints;    /* "none,eviction,mapping,both" */
	double sample;        /* rate at which pages are taken (mrc/sample.h); 0: all of them */
	uint64_t partitions;
	unsigned workers; /* threads; 0: one a processor */
	struct run_options options;
};

void iotlb_lab_defaults(struct iotlb_lab_request *r);
/*
 * Every combination of the lists ("opt" only without prefetching, hints only with "lru" and
 * without prefetching), described in docs/iotlb.md. 0;
 * -EINVAL with @err for a name that does not exist, a geometry that cannot be, a source without
 * what is needed; -EINTR after a stop; -ENOMEM. The same request gives the same result.
 */
int iotlb_lab_run(const struct iotlb_lab_request *r, json_t **result, struct err *err) MUST_CHECK;

#endif

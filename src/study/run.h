/* SPDX-License-Identifier: MIT */
/* Running one scenario: build the machines, let virtual time pass, collect what was measured. */
#ifndef IOTOLL_STUDY_RUN_H
#define IOTOLL_STUDY_RUN_H

#include <jansson.h>
#include <stdbool.h>

#include "hw/iommu.h"
#include "iotoll/dma.h"
#include "study/scenario.h"

struct timeline;

struct run_options {
	const char *pcap; /* capture the wire into this file; NULL: no capture */
	/* If not NULL: a copy of the translation table as it lies in memory at the end, to be
	 * freed. */
	void **table;
	size_t *table_bytes;
	/* Told what is asked of the IOTLB, and of maps and unmaps; NULL: nobody. */
	const struct iotlb_observer *iotlb_observer;
	const struct iotoll_dma_observer *dma_observer;
	/*
	 * Shown all of the run (watch/timeline.h), from which nothing changes; NULL: none. It takes
	 * the place of both observers. To be finished after the run.
	 */
	struct timeline *timeline;
	void *ctx;
	bool (*should_stop)(void *ctx);               /* asked every millisecond of virtual time */
	void (*progress)(void *ctx, double fraction); /* the same; 0..1. Either may be NULL */
};

/*
 * Run @s (finished by scenario_finish()) and give the result as a new JSON object: the fields
 * are described in docs/results.md. 0; -EINVAL for what cannot be built; -EINTR after a stop;
 * -EIO and the like for the files of @options. On failure nothing is left behind.
 */
int run_scenario(const struct scenario *s, const struct run_options *options, json_t **result,
		 struct err *err) MUST_CHECK;

#endif

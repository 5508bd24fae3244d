/* SPDX-License-Identifier: MIT */
/* Exposure as it stands in the results of runs and replays alike. */
#ifndef IOTOLL_STUDY_RESULT_EXPOSURE_H
#define IOTOLL_STUDY_RESULT_EXPOSURE_H

#include <jansson.h>

#include "watch/exposure.h"

/* A new object with the fields of docs/results.md; NULL when memory is short. */
json_t *result_exposure(const struct exposure_stats *s);
/* Add "reachable_after_10us" and the like: @fraction of pages, @delay_ns a whole number of us. */
void result_reachable_after(json_t *exposure, uint64_t delay_ns, double fraction);

#endif

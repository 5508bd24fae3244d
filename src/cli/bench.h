/* SPDX-License-Identifier: MIT */
/* iotoll bench: results as JSON, for report/bench_text.h; the machine's floors; the laboratory. */
#ifndef IOTOLL_CLI_BENCH_H
#define IOTOLL_CLI_BENCH_H

#include <jansson.h>

#include "bench/bench.h"

/* The document of a run with @options: nothing measured yet. New reference. */
json_t *bench_document(const struct bench_options *options);
/* Add a row, or one that was left out. */
void bench_add(json_t *document, const struct bench_result *result);
void bench_add_left_out(json_t *document, const char *row, const char *why);
/* Linux's benchmark. */
void bench_add_kernel(json_t *document, const struct bench_map_params *params,
		      const struct bench_map_result *result);
/*
 * Measure this machine's floors and add them, with each row's distance to the one that bounds it.
 * 0 or -EINTR: what was measured is there.
 */
int bench_add_floors(json_t *document, bool quick, bool (*stop)(void *ctx)) MUST_CHECK;

#define BENCH_SIM_MAX 32u
/* The laboratory's rows, into @rows, which has room for BENCH_SIM_MAX. How many there are. */
unsigned bench_sim_rows(struct bench_outside *rows);

#endif

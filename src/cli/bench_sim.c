/* SPDX-License-Identifier: MIT */
/*
 * iotoll bench sim: the laboratory's runs (study/sim_speed.h) and its way from a recording to miss
 * ratios (study/trace_speed.h) as rows of the benchmark.
 */
#include "cli/bench.h"
#include "study/sim_speed.h"
#include "study/trace_speed.h"

static int open_run(void **data, const struct bench_outside *row, uint64_t *each, struct err *err)
{
	struct sim_speed *s = NULL;
	const int rc = sim_speed_open(&s, row->variant, each, err);

	*data = s;
	return rc;
}

static bool run(void *data)
{
	return sim_speed_run(data);
}

static void close_run(void *data)
{
	sim_speed_close(data);
}

static int open_trace(void **data, const struct bench_outside *row, uint64_t *each, struct err *err)
{
	struct trace_speed *s = NULL;
	const int rc = trace_speed_open(&s, row->variant != NULL, each, err);

	*data = s;
	return rc;
}

static bool run_trace(void *data)
{
	return trace_speed_run(data);
}

static void close_trace(void *data)
{
	trace_speed_close(data);
}

static const struct bench_outside from_file = {
	.name = "sim.file",
	.what = "native trace to the miss ratio of an IOTLB of 64 sets of 4, accesses",
	.open = open_trace,
	.work = run_trace,
	.close = close_trace,
	.target = 60};

unsigned bench_sim_rows(struct bench_outside *rows)
{
	unsigned n = 0;

	for (; n < BENCH_SIM_MAX - 2 && sim_speed_rows[n].name; n++)
		rows[n] = (struct bench_outside){.name = sim_speed_rows[n].name,
						 .what = sim_speed_rows[n].what,
						 .open = open_run,
						 .work = run,
						 .close = close_run,
						 .variant = &sim_speed_rows[n]};
	rows[n++] = from_file;
	rows[n] = from_file;
	rows[n].name = "sim.file.all-sizes";
	rows[n].what = "the same to the exact LRU curve of all sizes, accesses";
	rows[n].target = 0;
	rows[n].variant = &from_file; /* every size */
	return n + 1;
}

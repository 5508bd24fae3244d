/* SPDX-License-Identifier: MIT */
/* iotoll bench sim: the laboratory's runs (study/sim_speed.h) as rows of the benchmark. */
#include "cli/bench.h"
#include "study/sim_speed.h"

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

unsigned bench_sim_rows(struct bench_outside *rows)
{
	unsigned n = 0;

	for (; n < BENCH_SIM_MAX && sim_speed_rows[n].name; n++)
		rows[n] = (struct bench_outside){.name = sim_speed_rows[n].name,
						 .what = sim_speed_rows[n].what,
						 .open = open_run,
						 .work = run,
						 .close = close_run,
						 .variant = &sim_speed_rows[n]};
	return n;
}

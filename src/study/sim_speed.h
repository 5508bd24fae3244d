/* SPDX-License-Identifier: MIT */
/*
 * How fast the laboratory is on this host: whole runs of scenarios, with the events, or the frames,
 * of their measured interval over the time of the whole run, so on the safe side. What is timed and
 * how is the caller's; here are the runs.
 */
#ifndef IOTOLL_STUDY_SIM_SPEED_H
#define IOTOLL_STUDY_SIM_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sim_speed_row {
	const char *name, *what, *scenario;
	const char *sets[4]; /* settings, NULL after the last */
	bool frames;         /* counted instead of events */
};

/* The rows, ended by one without a name. */
extern const struct sim_speed_row sim_speed_rows[];

struct sim_speed;

/*
 * Read the scenario and run it once; *@each: its events or frames. 0; -ENOENT or -EINVAL with @err
 * if it is not there or does not run; -ENOMEM.
 */
int sim_speed_open(struct sim_speed **out, const struct sim_speed_row *row, uint64_t *each,
		   struct err *err) MUST_CHECK;
/* Run it again; false if that failed. */
bool sim_speed_run(struct sim_speed *s);
void sim_speed_close(struct sim_speed *s);

#endif

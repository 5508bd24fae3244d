/* SPDX-License-Identifier: MIT */
/*
 * One run on a terminal, in the columns netperf's users know (netperf 2.4's TCP_STREAM table with
 * -c -C), with one difference: utilisation is busy time summed over CPUs, and its heading states
 * the maximum, since a percentage of an unnamed maximum has misled before.
 *
 * Read from the result: "scenario", "seed", "version", "throughput_mbps", "elapsed_s",
 * "cpu_utilization_percent", "cpu_max_percent", "service_demand_us_per_kb", "client" (the last
 * three of the other end), "cpu_cycles", "warnings"; socket and message sizes from "load" or
 * "settings" ("recv_socket_bytes", "send_socket_bytes", "message_bytes", in "settings" with
 * "load." in front). Everything else, known or not, follows as "key value" in sections, real
 * numbers to six digits (the CSV and JSON forms are exact).
 */
#ifndef IOTOLL_REPORT_RUN_TEXT_H
#define IOTOLL_REPORT_RUN_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

enum run_text_detail {
	RUN_TEXT_BRIEF,  /* heading, warnings, netperf's table */
	RUN_TEXT_CYCLES, /* and where the cycles went */
	RUN_TEXT_FULL,   /* and every other value of the result */
};

/*
 * @width: columns of the terminal, 0 if unknown. 0, -EINVAL with @err if @run is no object,
 * -ENOMEM, -EIO if @out has failed. Fields that are missing print as "-".
 */
int run_text(FILE *out, const json_t *run, enum run_text_detail detail, unsigned width,
	     struct err *err) MUST_CHECK;

/* A report_writer: run_text() in full, for a terminal of unknown width. */
int report_run_text(FILE *out, const json_t *run, struct err *err) MUST_CHECK;

/*
 * The shell command that repeats @run: its "command" (a string, or an array of arguments) if it
 * has one, else "iotoll run SCENARIO --set KEY=VALUE ..." from "scenario" and "settings" (the
 * seed is one of them). Arguments are quoted for a POSIX shell. To be freed; NULL when memory is
 * short.
 */
char *run_command(const json_t *run);

#endif

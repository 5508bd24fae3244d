/* SPDX-License-Identifier: MIT */
/* --timeline and what belongs to it, for subcommands that run something in virtual time. */
#ifndef IOTOLL_CLI_TIMELINE_H
#define IOTOLL_CLI_TIMELINE_H

#include "cli/cli.h"
#include "watch/timeline.h"

enum { CLI_TIMELINE = 1024, CLI_TIMELINE_FROM, CLI_TIMELINE_EVENTS };

struct cli_timeline {
	const char *file; /* NULL: none is wanted */
	uint64_t from_ps, most;
	bool details; /* one of the last two was given */
};

/* Rows of an option table. */
#define CLI_TIMELINE_OPTIONS                                                          \
	{"timeline",                                                                  \
	 CLI_TIMELINE,                                                                \
	 "FILE",                                                                      \
	 0,                                                                           \
	 "write what happens as a timeline for ui.perfetto.dev or chrome://tracing",  \
	 0},                                                                          \
		{"timeline-from",                                                     \
		 CLI_TIMELINE_FROM,                                                   \
		 "TIME",                                                              \
		 0,                                                                   \
		 "the timeline begins so late ('20 ms' of virtual time; default: 0)", \
		 0},                                                                  \
	{                                                                             \
		"timeline-events", CLI_TIMELINE_EVENTS, "N", 0,                       \
			"the timeline holds so many at most (1000000)", 0             \
	}

void cli_timeline_defaults(struct cli_timeline *c);
/* As an argp parser: ARGP_ERR_UNKNOWN for other keys; EINVAL with @err. */
error_t cli_timeline_take(struct cli_timeline *c, int key, const char *arg, struct err *err);
/* Are the options fit to go together? 0 or -EINVAL with @err. */
int cli_timeline_check(const struct cli_timeline *c, struct err *err) MUST_CHECK;
/*
 * @run(@ctx, timeline, @err), with the timeline that @c asks for, or NULL. The file appears whole,
 * or not at all if @run fails. What was left out of it is said on standard error.
 */
int cli_timeline_run(const struct cli_timeline *c,
		     int (*run)(void *ctx, struct timeline *t, struct err *err), void *ctx,
		     struct err *err) MUST_CHECK;

#endif

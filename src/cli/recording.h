/* SPDX-License-Identifier: MIT */
/* What belongs to a recorded trace, for subcommands that take one. */
#ifndef IOTOLL_CLI_RECORDING_H
#define IOTOLL_CLI_RECORDING_H

#include "cli/cli.h"

enum {
	CLI_TRACE_FORMAT = 1280,
	CLI_ALLOW_LOSS,
	CLI_REPLAY_ACCESS,
	CLI_REPLAY_BESIDE,
	CLI_REPLAY_PACE,
	CLI_REPLAY_DEVICE
};

/* Where a subcommand keeps them; the last four only if it replays the trace. */
struct cli_recording {
	const char **path, **format;
	bool *allow_loss;
	const char **access, **beside, **pace, **device;
};

/* Rows of an option table. */
/* clang-format off */
#define CLI_RECORDING_OPTIONS                                                                      \
	{"trace-format", CLI_TRACE_FORMAT, "NAME", 0, "instead of recognising it", 0},             \
	{"allow-loss", CLI_ALLOW_LOSS, 0, 0, "use a trace of which much is missing", 0}

#define CLI_REPLAY_OPTIONS                                                                         \
	{"access", CLI_REPLAY_ACCESS, "RULE", 0,                                                   \
	 "when the device touches a mapping: auto (default: recorded if there are accesses, else "   \
	 "at-unmap), at-map, first-page, none", 0},    \
	{"accesses", CLI_REPLAY_BESIDE, "FILE", 0,                                                 \
	 "what the emulated IOMMU said of devices' accesses in the same run", 0},                  \
	{"pace", CLI_REPLAY_PACE, "MODE", 0,                                                       \
	 "open: events at their recorded times (default); closed: as fast as the work goes", 0}
/* clang-format on */

/*
 * As an argp parser, of these options and of the one argument: ARGP_ERR_UNKNOWN for other keys;
 * EINVAL with @err.
 */
error_t cli_recording_take(const struct cli_recording *r, int key, const char *arg,
			   struct err *err);
/* A line of progress: @what is done to @events, @bytes of @total (0: not known) read so far. */
void cli_recording_progress(const char *what, uint64_t events, uint64_t bytes, uint64_t total);

#endif

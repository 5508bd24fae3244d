/* SPDX-License-Identifier: MIT */
/* See recording.h. */
#include "cli/recording.h"

error_t cli_recording_take(const struct cli_recording *r, int key, const char *arg, struct err *err)
{
	switch (key) {
	case CLI_TRACE_FORMAT:
		*r->format = arg;
		return 0;
	case CLI_ALLOW_LOSS:
		*r->allow_loss = true;
		return 0;
	case CLI_REPLAY_ACCESS:
		*r->access = arg;
		return 0;
	case CLI_REPLAY_BESIDE:
		*r->beside = arg;
		return 0;
	case CLI_REPLAY_PACE:
		*r->pace = arg;
		return 0;
	case CLI_REPLAY_DEVICE:
		*r->device = arg;
		return 0;
	case ARGP_KEY_ARG:
		return cli_take_argument(r->path, "trace", arg, err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(r->path, "trace ('-' is standard input)", NULL, err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void cli_recording_progress(const char *what, uint64_t events, uint64_t bytes, uint64_t total)
{
	if (total)
		cli_progress("%s: %llu events, %3.0f %%", what, (unsigned long long)events,
			     100.0 * (double)bytes / (double)total);
	else
		cli_progress("%s: %llu events", what, (unsigned long long)events);
}

/* SPDX-License-Identifier: MIT */
/* iotoll replay: a recorded trace through one IOMMU and strategy. */
#include <stdio.h>

#include "cli/recording.h"
#include "cli/timeline.h"
#include "report/csv.h"
#include "study/replay_run.h"

enum {
	OPT_IOMMU = 256,
	OPT_STRATEGY,
	OPT_ALLOCATOR,
	OPT_PROFILE,
	OPT_ENTRIES,
	OPT_WAYS,
	OPT_TABLE
};

struct args {
	struct replay_request request;
	struct cli_format format;
	struct cli_timeline timeline;
	json_t *result;
	struct err err;
};

static const struct argp_option options[] = {
	{"iommu", OPT_IOMMU, "MODEL", 0, "calgary (default), another model, or none", 0},
	{"strategy", OPT_STRATEGY, "NAME", 0, "deferred (default), strict, ...", 0},
	{"allocator", OPT_ALLOCATOR, "NAME", 0, "next-fit (default)", 0},
	{"profile", OPT_PROFILE, "NAME", 0, "machine that pays (x460-2007)", 0},
	{"entries", OPT_ENTRIES, "N", 0, "IOTLB lines (the model's; calgary: 64)", 0},
	{"ways", OPT_WAYS, "N", 0, "IOTLB associativity (the model's; calgary: 4); 0: full", 0},
	{"table", OPT_TABLE, "N", 0, "table entries (the model's; calgary: 1048576)", 0},
	CLI_REPLAY_OPTIONS,
	{"device", CLI_REPLAY_DEVICE, "NAME", 0,
	 "this one's maps and unmaps, after what it had mapped before", 0},
	CLI_RECORDING_OPTIONS,
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	CLI_TIMELINE_OPTIONS,
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct replay_request *r = &a->request;
	const struct cli_recording of = {.path = &r->path,
					 .format = &r->format,
					 .allow_loss = &r->allow_loss,
					 .access = &r->access,
					 .beside = &r->beside,
					 .pace = &r->pace,
					 .device = &r->device};
	error_t rc;

	switch (key) {
	case OPT_IOMMU:
		r->iommu = arg;
		return 0;
	case OPT_STRATEGY:
		r->strategy = arg;
		return 0;
	case OPT_ALLOCATOR:
		r->allocator = arg;
		return 0;
	case OPT_PROFILE:
		r->profile = arg;
		return 0;
	case OPT_ENTRIES:
		return cli_take_number(&r->iotlb_entries, "entries", arg, 0, 1u << 30, &a->err);
	case OPT_WAYS:
		return cli_take_number(&r->iotlb_ways, "ways", arg, 0, 1u << 30, &a->err);
	case OPT_TABLE:
		return cli_take_number(&r->table_entries, "table", arg, 0, 1u << 30, &a->err);
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	default:
		rc = cli_timeline_take(&a->timeline, key, arg, &a->err);
		return rc == ARGP_ERR_UNKNOWN ? cli_recording_take(&of, key, arg, &a->err) : rc;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "TRACE",
	.doc = "Drive the DMA layer and the IOMMU's hardware half with a trace recorded on a real "
	       "kernel: ftrace text with iommu:map and iommu:unmap, as 'cat trace_pipe' or "
	       "'trace-cmd report' print it."
	       "\vExamples:\n"
	       "  iotoll replay traces/vtd-strict-rx-4096.trace.txt --iommu calgary --strategy "
	       "strict\n"
	       "  xzcat big.txt.xz | iotoll replay - --strategy deferred --entries 512 -f json",
};

static void progress(void *ctx, uint64_t events, uint64_t bytes, uint64_t total)
{
	(void)ctx;
	cli_recording_progress("replay", events, bytes, total);
}

static int run_request(void *ctx, struct timeline *timeline, struct err *err)
{
	struct args *a = ctx;

	a->request.timeline = timeline;
	return replay_request_run(&a->request, &a->result, err);
}

int cli_replay(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	int rc;

	cli_timeline_defaults(&a.timeline);

	replay_request_defaults(&a.request);
	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	cli_catch_signals();
	a.request.should_stop = cli_stopped;
	a.request.progress = progress;
	rc = cli_output_possible(&a.format, &a.err);
	if (!rc)
		rc = cli_timeline_check(&a.timeline, &a.err);
	if (!rc)
		rc = cli_timeline_run(&a.timeline, run_request, &a, &a.err);
	if (!rc)
		rc = cli_output(&a.format, a.result, cli_run_text, report_run_csv, &a.err);
	json_decref(a.result);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

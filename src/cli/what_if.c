/* SPDX-License-Identifier: MIT */
/* iotoll what-if: a recorded load under every strategy, price and safety side by side. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/recording.h"
#include "report/csv.h"
#include "report/study_text.h"
#include "report/study_write.h"
#include "study/what_if.h"

enum { OPT_IOMMU = 256, OPT_STRATEGIES, OPT_PROFILE, OPT_OUT };

struct args {
	struct what_if_request request;
	struct cli_format format;
	const char *out;
	struct err err;
};

static const struct argp_option options[] = {
	{"profile", OPT_PROFILE, "NAME", 0, "machine that pays (e3-1220-2015)", 0},
	{"iommu", OPT_IOMMU, "LIST", 0, "models with commas (default: the machine's own)", 0},
	{"strategies", OPT_STRATEGIES, "LIST", 0,
	 "all (default), or with commas names and kernel parameters: iommu.strict=1, "
	 "iommu.strict=0, iommu.passthrough=1",
	 0},
	{"device", CLI_REPLAY_DEVICE, "NAME", 0, "this one alone", 0},
	CLI_REPLAY_OPTIONS,
	{"out", OPT_OUT, "DIR", 0, "write the page, its figures and tables there", 0},
	CLI_RECORDING_OPTIONS,
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct what_if_request *q = &a->request;
	const struct cli_recording of = {.path = &q->path,
					 .format = &q->format,
					 .allow_loss = &q->allow_loss,
					 .access = &q->access,
					 .beside = &q->beside,
					 .pace = &q->pace,
					 .device = &q->device};

	switch (key) {
	case OPT_PROFILE:
		q->profile = arg;
		return 0;
	case OPT_IOMMU:
		q->iommus = arg;
		return 0;
	case OPT_STRATEGIES:
		q->strategies = arg;
		return 0;
	case OPT_OUT:
		a->out = arg;
		return 0;
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	default:
		return cli_recording_take(&of, key, arg, &a->err);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "TRACE",
	.doc = "What a recorded load would have cost under each strategy of the DMA layer, and "
	       "what it would have left in the device's reach: each device of TRACE replayed on "
	       "one machine, strategy by strategy. --out writes a page of it."
	       "\vExamples:\n"
	       "  iotoll what-if traces/vtd-lazy-rx.probes.txt\n"
	       "  iotoll what-if trace.dat --strategies iommu.strict=1,iommu.strict=0\n"
	       "  iotoll what-if load.iot --profile epyc-7742-2019 --pace closed --format csv\n"
	       "  iotoll what-if load.iot --iommu vtd,amdvi --out out/what-if",
};

static void progress(void *ctx, unsigned done, unsigned all)
{
	(void)ctx;
	cli_progress("what-if: %u of %u replays", done, all);
}

/* ---- output ---- */

/* The arguments that make it; new reference. */
static json_t *command(const struct what_if_request *q)
{
	json_t *list = json_pack("[s, s, s, s, s, s, s, s, s, s, s]", "iotoll", "what-if", q->path,
				 "--profile", q->profile, "--strategies", q->strategies, "--access",
				 q->access, "--pace", q->pace);

	if (q->iommus) {
		json_array_append_new(list, json_string("--iommu"));
		json_array_append_new(list, json_string(q->iommus));
	}
	if (q->beside) {
		json_array_append_new(list, json_string("--accesses"));
		json_array_append_new(list, json_string(q->beside));
	}
	if (q->device) {
		json_array_append_new(list, json_string("--device"));
		json_array_append_new(list, json_string(q->device));
	}
	return list;
}

/* Without figures, which say what the tables do. */
static int print_text(FILE *out, const json_t *document, struct err *err)
{
	json_t *shown = json_deep_copy(document), *section;
	const char *page = json_string_value(json_object_get(document, "page"));
	size_t i;
	int rc;

	json_array_foreach(json_object_get(shown, "sections"), i, section)
		json_object_del(section, "figures");
	rc = study_text(out, shown, page, cli_width(), err);
	json_decref(shown);
	return rc;
}

static int print_json(FILE *out, const json_t *document, struct err *err)
{
	return report_json(out, json_object_get(document, "what_if"), err);
}

static int print_csv(FILE *out, const json_t *document, struct err *err)
{
	const json_t *devices = json_object_get(json_object_get(document, "what_if"), "devices");
	json_t *rows = json_array(), *device;
	size_t i;
	int rc;

	json_array_foreach(devices, i, device)
		json_array_extend(rows, json_object_get(device, "rows"));
	rc = report_rows_csv(out, rows, err);
	json_decref(rows);
	return rc;
}

static int finish(struct args *a, const json_t *result)
{
	static const report_writer writers[] = {print_text, print_json, print_csv};
	const struct cli_format plain = {.kind = FORMAT_TEXT, .file = a->format.file};
	json_t *arguments = command(&a->request);
	json_t *document = what_if_document(result, arguments);
	char page[PATH_MAX + 16];
	int rc = 0;

	if (a->out) {
		rc = report_study_write(a->out, document, &a->err);
		snprintf(page, sizeof(page), "%s/index.html", a->out);
		json_object_set_new(document, "page", json_string(page));
	}
	if (!rc)
		rc = cli_output(&plain, document, writers[a->format.kind], writers[a->format.kind],
				&a->err);
	json_decref(document);
	json_decref(arguments);
	return rc;
}

int cli_what_if(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	json_t *result = NULL;
	int rc;

	what_if_defaults(&a.request);
	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	cli_catch_signals();
	a.request.should_stop = cli_stopped;
	a.request.progress = progress;
	rc = cli_output_possible(&a.format, &a.err);
	if (!rc)
		rc = what_if_run(&a.request, &result, &a.err);
	cli_progress(NULL);
	if (!rc)
		rc = finish(&a, result);
	json_decref(result);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

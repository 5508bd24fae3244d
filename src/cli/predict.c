/* SPDX-License-Identifier: MIT */
/* iotoll predict: our models against what a recorded kernel or IOMMU really did. */
#include <errno.h>
#include <stdio.h>

#include "cli/recording.h"
#include "report/csv.h"
#include "report/table.h"
#include "study/predict_run.h"

struct args {
	struct predict_request request;
	struct cli_format format;
	struct err err;
};

static const struct argp_option options[] = {
	CLI_RECORDING_OPTIONS,
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	const struct cli_recording of = {.path = &a->request.path,
					 .format = &a->request.format,
					 .allow_loss = &a->request.allow_loss};

	if (key == 'f')
		return cli_take_format(&a->format, arg, &a->err);
	return cli_recording_take(&of, key, arg, &a->err);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "TRACE",
	.doc = "Predict, event by event, what a recorded kernel or IOMMU did next, and say how "
	       "often that was right. Of a kernel's maps: which addresses its allocator gave; of "
	       "its unmaps: what it told the IOMMU to forget, and when; of an IOMMU: what each "
	       "access of a device found in the IOTLB. Each answer is looked at after ours is "
	       "given. What rests on a time before the recording is not predicted, and counted."
	       "\vExamples:\n"
	       "  iotoll predict traces/vtd-strict-rx-4096.trace.txt\n"
	       "  iotoll predict traces/vtd-lazy-rx.iotlb.txt --format json\n"
	       "  xzcat big.txt.xz | iotoll predict -",
};

static void progress(void *ctx, uint64_t events, uint64_t bytes, uint64_t total)
{
	(void)ctx;
	cli_recording_progress("predict", events, bytes, total);
}

static json_int_t count(const json_t *part, const char *key)
{
	return json_integer_value(json_object_get(part, key));
}

static int print_scores(FILE *out, const json_t *parts)
{
	struct table *t = table_create();
	const char *name;
	json_t *part;
	int rc;

	table_column(t, "Predicted", TABLE_LEFT);
	table_column(t, "exact", TABLE_RIGHT);
	table_column(t, "right", TABLE_RIGHT);
	table_column(t, "wrong", TABLE_RIGHT);
	table_column(t, "unobservable", TABLE_RIGHT);
	json_object_foreach((json_t *)(uintptr_t)parts, name, part)
	{
		const json_t *fraction = json_object_get(part, "predicted_exact_fraction");

		table_cell(t, "%s", name);
		if (json_is_real(fraction))
			table_cell(t, "%.3f %%", 100 * json_real_value(fraction));
		else
			table_cell(t, "-");
		table_cell(t, "%" JSON_INTEGER_FORMAT, count(part, "exact"));
		table_cell(t, "%" JSON_INTEGER_FORMAT, count(part, "wrong"));
		table_cell(t, "%" JSON_INTEGER_FORMAT, count(part, "unobservable"));
	}
	rc = table_print(t, out, cli_width());
	table_destroy(t);
	return rc;
}

static void print_divergences(FILE *out, const json_t *parts)
{
	const char *name;
	json_t *part;

	json_object_foreach((json_t *)(uintptr_t)parts, name, part)
	{
		const json_t *d = json_object_get(part, "first_divergence");

		if (json_is_object(d))
			fprintf(out,
				"\nThe first of %s that was wrong, in line %" JSON_INTEGER_FORMAT
				":\n  expected  %s\n  recorded  %s\n  in state  %s\n",
				name, count(d, "line"),
				json_string_value(json_object_get(d, "expected")),
				json_string_value(json_object_get(d, "recorded")),
				json_string_value(json_object_get(d, "state")));
	}
}

static int print_text(FILE *out, const json_t *result, struct err *err)
{
	const json_t *parts = json_object_get(result, "predicted");
	const json_t *notes = json_object_get(result, "notes");

	fprintf(out, "%s (%s), held against %s\n\n",
		json_string_value(json_object_get(result, "trace")),
		json_string_value(json_object_get(result, "trace_format")),
		json_string_value(json_object_get(result, "model")));
	if (print_scores(out, parts))
		return err_set(err, -EIO, "cannot print the scores");
	print_divergences(out, parts);
	for (size_t i = 0; i < json_array_size(notes); i++)
		fprintf(out, "%snote: %s\n", i ? "" : "\n",
			json_string_value(json_array_get(notes, i)));
	return ferror(out) ? err_set(err, -EIO, "cannot be written") : 0;
}

int cli_predict(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	json_t *result = NULL;
	int rc;

	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	cli_catch_signals();
	a.request.should_stop = cli_stopped;
	a.request.progress = progress;
	rc = cli_output_possible(&a.format, &a.err);
	if (!rc)
		rc = predict_request_run(&a.request, &result, &a.err);
	if (!rc)
		rc = cli_output(&a.format, result, print_text, report_run_csv, &a.err);
	json_decref(result);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

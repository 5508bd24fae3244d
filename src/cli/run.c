/* SPDX-License-Identifier: MIT */
/* iotoll run: one scenario. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/timeline.h"
#include "report/csv.h"
#include "study/run.h"

enum { OPT_PCAP = 256, OPT_DUMP, OPT_SCENARIO };

struct args {
	struct scenario scenario;
	const char *name;
	struct cli_sets sets;
	struct cli_format format;
	struct run_options options;
	struct cli_timeline timeline;
	const char *dump;
	bool show;
	struct err err;
};

static const struct argp_option options[] = {
	{"set", 's', "SECTION.KEY=VALUE", 0, "change one setting (may be repeated)", 0},
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{"pcap", OPT_PCAP, "FILE", 0, "capture the wire", 0},
	{"dump-table", OPT_DUMP, "FILE", 0,
	 "write the translation table's bytes as they are in memory at the end", 0},
	{"show-scenario", OPT_SCENARIO, NULL, 0, "print the effective scenario and stop", 0},
	CLI_TIMELINE_OPTIONS,
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 's':
		return cli_take_set(&a->sets, arg, &a->err);
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case OPT_PCAP:
		a->options.pcap = arg;
		return 0;
	case OPT_DUMP:
		a->dump = arg;
		return 0;
	case OPT_SCENARIO:
		a->show = true;
		return 0;
	case ARGP_KEY_ARG:
		return cli_take_argument(&a->name, "scenario", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->name, "scenario", NULL, &a->err);
	default:
		return cli_timeline_take(&a->timeline, key, arg, &a->err);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "SCENARIO",
	.doc = "Run SCENARIO (a ready one, or the path of an INI file) and print what it measured."
	       "\vExamples:\n"
	       "  iotoll run bare-metal --set iommu.model=calgary\n"
	       "  iotoll run bare-metal -s iommu.model=dart-u4 -s sut.profile=js21-2007\n"
	       "  iotoll run bare-metal -s iommu.model=amdvi -s sut.profile=epyc-7742-2019\n"
	       "  iotoll run bare-metal -s iommu.model=calgary -s dma.strategy=strict -f json\n"
	       "  iotoll run bare-metal -s sut.memory.dram_miss='150 ns' --pcap wire.pcap\n"
	       "  iotoll run bare-metal -s iommu.model=vtd --timeline run.json --timeline-from "
	       "'100 ms'\n"
	       "  iotoll run ./my.ini --format csv:my.csv",
};

static void show_progress(void *ctx, double fraction)
{
	const struct args *a = ctx;

	cli_progress("%s: %3.0f %%", a->scenario.name, 100 * fraction);
}

static int write_bytes(FILE *out, const json_t *bytes, struct err *err)
{
	const size_t n = json_string_length(bytes);

	(void)err;
	return fwrite(json_string_value(bytes), 1, n, out) == n ? 0 : -EIO;
}

/* The file appears whole or not at all; a JSON string is as good a byte array as any. */
static int write_table(struct args *a, const void *table, size_t bytes)
{
	json_t *text = json_stringn_nocheck(table, bytes);
	int rc = text ? report_write_file(a->dump, write_bytes, text, &a->err)
		      : err_set(&a->err, -ENOMEM, "no memory for %s", a->dump);

	json_decref(text);
	return rc;
}

/* What run_scenario() is asked for, and what it gives. */
struct order {
	struct args *a;
	json_t *result;
};

static int run_order(void *ctx, struct timeline *timeline, struct err *err)
{
	struct order *o = ctx;

	o->a->options.timeline = timeline;
	return run_scenario(&o->a->scenario, &o->a->options, &o->result, err);
}

static int execute(struct args *a)
{
	struct order order = {.a = a};
	void *table = NULL;
	size_t bytes = 0;
	int rc = cli_output_possible(&a->format, &a->err);

	if (!rc && a->dump && !scenario_has_table(&a->scenario))
		rc = err_set(&a->err, -EINVAL, "--dump-table: this run has no translation table");
	if (!rc)
		rc = cli_timeline_check(&a->timeline, &a->err);
	if (rc)
		return rc;
	a->options.ctx = a;
	a->options.should_stop = cli_stopped;
	a->options.progress = show_progress;
	if (a->dump) {
		a->options.table = &table;
		a->options.table_bytes = &bytes;
	}
	rc = cli_timeline_run(&a->timeline, run_order, &order, &a->err);
	if (!rc && a->dump)
		rc = write_table(a, table, bytes);
	if (!rc)
		rc = cli_output(&a->format, order.result, cli_run_text, report_run_csv, &a->err);
	json_decref(order.result);
	free(table);
	return rc;
}

static int show(struct args *a)
{
	char *text = scenario_text(&a->scenario);

	if (!text)
		return err_set(&a->err, -ENOMEM, "no memory");
	fputs(text, stdout);
	free(text);
	return 0;
}

int cli_run(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	int rc;

	cli_timeline_defaults(&a.timeline);
	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	cli_catch_signals();
	rc = cli_load_scenario(&a.scenario, a.name, &a.sets, &a.err);
	if (!rc)
		rc = a.show ? show(&a) : execute(&a);
	scenario_fini(&a.scenario);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

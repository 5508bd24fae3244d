// SPDX-License-Identifier: MIT
/* iotoll compare: the strategies of the DMA layer side by side on one machine. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "report/csv.h"
#include "report/study_text.h"
#include "report/study_write.h"
#include "study/compare.h"

struct args {
	const char *name, *strategies, *attacks, *out;
	struct cli_sets sets;
	struct cli_format format;
	enum compare_order order;
	uint64_t workers;
	bool fresh;
	struct err err;
};

enum { OPT_STRATEGIES = 256, OPT_ATTACKS, OPT_OUT, OPT_FRESH, OPT_SORT };

static const struct argp_option options[] = {
	{"strategies", OPT_STRATEGIES, "LIST", 0,
	 "all (default), or names with commas: strict,deferred", 0},
	{"attacks", OPT_ATTACKS, "KIND", 0,
	 "what a rogue device tries in runs of its own: all (default), a kind, or none", 0},
	{"set", 's', "SECTION.KEY=VALUE", 0, "change one setting (may be repeated)", 0},
	{"sort", OPT_SORT, "ORDER", 0, "show rows in the order of the registry (default) or price",
	 0},
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{"out", OPT_OUT, "DIR", 0, "where page and store go (out/compare/SCENARIO-IOMMU)", 0},
	{"jobs", 'j', "N", 0, "processes at a time (default: one a processor)", 0},
	{"fresh", OPT_FRESH, NULL, 0, "run again what the store already holds", 0},
	{0},
};

static int take_order(struct args *a, const char *text)
{
	static const char *const orders[] = {"registry", "price"};

	for (int i = 0; i < 2; i++) {
		if (!strcmp(text, orders[i])) {
			a->order = (enum compare_order)i;
			return 0;
		}
	}
	err_set(&a->err, -EINVAL, "--sort %s: expected registry or price", text);
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_STRATEGIES:
		a->strategies = arg;
		return 0;
	case OPT_ATTACKS:
		a->attacks = arg;
		return 0;
	case 's':
		return cli_take_set(&a->sets, arg, &a->err);
	case OPT_SORT:
		return take_order(a, arg);
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case OPT_OUT:
		a->out = arg;
		return 0;
	case 'j':
		return cli_take_number(&a->workers, "jobs", arg, 0, 256, &a->err);
	case OPT_FRESH:
		a->fresh = true;
		return 0;
	case ARGP_KEY_ARG:
		return cli_take_argument(&a->name, "scenario", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->name, "scenario", NULL, &a->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "SCENARIO",
	.doc = "Run SCENARIO without an IOMMU, then with one under every strategy: what each costs "
	       "in "
	       "processor time, and what it leaves in a device's reach. The IOMMU is the "
	       "scenario's, or "
	       "the machine's own. Finished runs are kept in DIR/results.db: an interrupted "
	       "comparison "
	       "goes on where it stopped. DIR/index.html shows it all."
	       "\vExamples:\n"
	       "  iotoll compare bare-metal\n"
	       "  iotoll compare bare-metal --strategies strict,deferred,never-free --sort price\n"
	       "  iotoll compare dom0 --set iommu.model=vtd --format json\n"
	       "  iotoll compare bare-metal -s sut.profile=epyc-7742-2019 --format csv:epyc.csv",
};

/* ---- output ---- */

/* The arguments that make this comparison; new reference. */
static json_t *command(const struct args *a)
{
	json_t *list = json_pack("[s, s, s, s, s, s, s]", "iotoll", "compare", a->name,
				 "--strategies", a->strategies, "--attacks", a->attacks);

	for (size_t i = 0; i < a->sets.count; i++) {
		json_array_append_new(list, json_string("--set"));
		json_array_append_new(list, json_string(a->sets.set[i]));
	}
	return list;
}

static int print_text(FILE *out, const json_t *document, struct err *err)
{
	return study_text(out, document, json_string_value(json_object_get(document, "page")),
			  cli_width(), err);
}

static int print_json(FILE *out, const json_t *document, struct err *err)
{
	return report_json(out, json_object_get(document, "comparison"), err);
}

static int print_csv(FILE *out, const json_t *document, struct err *err)
{
	return report_rows_csv(
		out, json_object_get(json_object_get(document, "comparison"), "strategies"), err);
}

/* All but that of attacks, which has a column for each kind. */
static json_t *narrow_tables(const json_t *document)
{
	json_t *list = json_array(), *table;
	size_t i;

	json_array_foreach(json_object_get(document, "tables"), i, table)
	{
		if (strcmp(json_string_value(json_object_get(table, "id")), "attacks") != 0)
			json_array_append(list, table);
	}
	return list;
}

static int print(struct args *a, const char *out, const json_t *document)
{
	static const report_writer writers[] = {print_text, print_json, print_csv};
	json_t *shown = json_copy((json_t *)(uintptr_t)document);
	const report_writer writer = writers[a->format.kind];
	/* A table says what the figure does; that and what is too wide are on the page. */
	const struct cli_format plain = {.kind = FORMAT_TEXT, .file = a->format.file};
	char page[PATH_MAX + 16];
	int rc;

	snprintf(page, sizeof(page), "%s/index.html", out);
	json_object_set_new(shown, "page", json_string(page));
	json_object_del(shown, "figures");
	json_object_set_new(shown, "tables", narrow_tables(document));
	rc = cli_output(&plain, shown, writer, writer, &a->err);
	json_decref(shown);
	return rc;
}

/* ---- the comparison ---- */

static int finish(struct args *a, const struct compare *c, const char *out)
{
	json_t *arguments, *document, *comparison = compare_result(c, &a->err);
	int rc;

	if (!comparison)
		return -EINVAL;
	arguments = command(a);
	document = compare_document(c, comparison, a->order, arguments);
	rc = report_study_write(out, document, &a->err);
	if (!rc)
		rc = print(a, out, document);
	json_decref(document);
	json_decref(arguments);
	json_decref(comparison);
	return rc;
}

static int execute(struct args *a, const struct scenario *base)
{
	struct compare c;
	char out[PATH_MAX];
	int rc = compare_init(&c, base, a->strategies, a->attacks, &a->err);

	if (!rc)
		rc = cli_output_possible(&a->format, &a->err);
	if (a->out)
		snprintf(out, sizeof(out), "%s", a->out);
	else
		snprintf(out, sizeof(out), "out/compare/%s-%s", c.scenario, c.iommu);
	if (!rc)
		rc = cli_execute(c.study, out, a->fresh, (unsigned)a->workers, &a->err);
	if (!rc && cli_stopped(NULL))
		rc = -EINTR;
	if (!rc)
		rc = finish(a, &c, out);
	compare_fini(&c);
	return rc;
}

int cli_compare(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}, .strategies = "all", .attacks = "all"};
	struct scenario base = {0};
	int rc;

	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	cli_catch_signals();
	rc = cli_read_scenario(&base, a.name, &a.sets, &a.err);
	if (!rc)
		rc = execute(&a, &base);
	scenario_fini(&base);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

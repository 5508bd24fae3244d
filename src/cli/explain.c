/* SPDX-License-Identifier: MIT */
/* iotoll explain: a strategy in words. */
#include <errno.h>
#include <stdio.h>

#include "base/nearest.h"
#include "cli/applies.h"
#include "cli/cli.h"
#include "iotoll/dma.h"
#include "report/table.h"

struct args {
	const char *name;
	struct cli_format format;
	struct err err;
};

static const struct argp_option options[] = {
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case ARGP_KEY_ARG:
		return cli_take_argument(&a->name, "strategy", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->name, "strategy", NULL, &a->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "STRATEGY",
	.doc = "Say what STRATEGY does, what it protects, what it gives up and where it comes "
	       "from. "
	       "'iotoll list strategies' names them all; 'iotoll compare' measures them."
	       "\vExamples:\n"
	       "  iotoll explain deferred\n"
	       "  iotoll explain optimistic --format json",
};

static int unknown(struct args *a)
{
	struct nearest near;
	const char *name;

	nearest_init(&near, a->name);
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++)
		nearest_offer(&near, name);
	return err_set(&a->err, -EINVAL,
		       "explain: '%s' is not a strategy%s%s%s; 'iotoll list strategies' names them",
		       a->name, near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

static const struct {
	const char *key, *heading;
} part[] = {
	{"name", "Strategy"},
	{"title", "In short"},
	{"does", "What it does"},
	{"protects", "What it protects"},
	{"gives_up", "What it gives up"},
	{"drivers", "Goes with"},
	{"source", "Source"},
};

static int print_text(FILE *out, const json_t *rows, struct err *err)
{
	const json_t *words = json_array_get(rows, 0);
	struct table *t = table_create();
	int rc;

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		table_cell(t, "%s", part[i].heading);
		table_cell(t, "%s", json_string_value(json_object_get(words, part[i].key)));
	}
	rc = table_print(t, out, cli_width());
	table_destroy(t);
	return rc ? err_set(err, rc, "cannot print the strategy") : 0;
}

int cli_explain(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	struct iotoll_dma_strategy_words words;
	json_t *rows = json_array();
	char where[160];
	int rc = cli_parse(&argp, argc, argv, &a, &a.err);

	if (!rc && iotoll_dma_strategy_words(a.name, &words))
		rc = cli_fail(unknown(&a), &a.err);
	if (rc) {
		json_decref(rows);
		return rc;
	}
	applies_to(a.name, where, sizeof(where));
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", a.name,
					      "title", words.title, "does", words.does, "protects",
					      words.protects, "gives_up", words.gives_up, "drivers",
					      where, "source", words.source));
	rc = cli_output(&a.format, rows, print_text, cli_rows_csv, &a.err);
	json_decref(rows);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

/* SPDX-License-Identifier: MIT */
/* What iotoll calibrate found, for people and for spreadsheets. */
#include <string.h>

#include "cli/calibrate.h"
#include "cli/cli.h"
#include "report/table.h"

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* Three digits that count. */
static void cell(struct table *t, double v)
{
	table_cell(t, "%.*f", v < 10 ? 2 : v < 100 ? 1 : 0, v);
}

static int print_measured(FILE *out, const json_t *measured)
{
	struct table *t = table_create();
	const json_t *row;
	size_t i;
	int rc;

	fprintf(out, "%s, %d CPU%s%s\n\n", text(measured, "cpu"), (int)number(measured, "cpus"),
		number(measured, "cpus") == 1 ? "" : "s",
		json_is_true(json_object_get(measured, "virtual")) ? ", virtual" : "");
	table_column(t, "Measured", TABLE_LEFT);
	table_column(t, "Median", TABLE_RIGHT);
	table_column(t, "10 %", TABLE_RIGHT);
	table_column(t, "90 %", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	table_column(t, "Becomes", TABLE_LEFT);
	json_array_foreach(json_object_get(measured, "rows"), i, row)
	{
		const char *why = text(row, "not_measured");

		table_cell(t, "%s", text(row, "title"));
		if (why[0]) {
			table_cell(t, "-");
			table_cell(t, "-");
			table_cell(t, "-");
			table_cell(t, "%s", text(row, "unit"));
			table_cell(t, "not measured: %s", why);
			continue;
		}
		cell(t, number(row, "median"));
		cell(t, number(row, "p10"));
		cell(t, number(row, "p90"));
		table_cell(t, "%s", text(row, "unit"));
		table_cell(t, "%s", text(row, "parameter"));
	}
	rc = table_print(t, out, cli_width());
	table_destroy(t);
	return rc;
}

static void print_verdict(struct table *t, const json_t *row)
{
	const double ratio = number(row, "ratio");

	if (!json_is_true(json_object_get(row, "judged"))) {
		table_cell(t, "-");
		table_cell(t, "-");
		table_cell(t, "%s", text(row, "note"));
		return;
	}
	cell(t, number(row, "model_ns"));
	table_cell(t, "%.2f", ratio);
	if (json_is_true(json_object_get(row, "met")))
		table_cell(t, "met");
	else
		table_cell(t, "missed by a factor of %.2f",
			   (ratio > 1 ? ratio : 1 / ratio) / CALIBRATE_WITHIN);
}

/*
 * What the laboratory's runs had instead of the profile's, with the reason: the same for all of an
 * IOMMU's.
 */
static int print_overrides(FILE *out, const json_t *rows)
{
	struct table *t = table_create();
	const char *last = "";
	const json_t *row, *o;
	size_t i, j;
	int rc;

	table_column(t, "IOMMU", TABLE_LEFT);
	table_column(t, "In the laboratory's run", TABLE_LEFT);
	table_column(t, "because", TABLE_LEFT);
	json_array_foreach(rows, i, row)
	{
		if (!strcmp(last, text(row, "iommu")))
			continue;
		last = text(row, "iommu");
		json_array_foreach(json_object_get(row, "overrides"), j, o)
		{
			table_cell(t, "%s", j ? "" : last);
			table_cell(t, "%s", text(o, "set"));
			table_cell(t, "%s", text(o, "why"));
		}
	}
	fputc('\n', out);
	rc = table_print(t, out, cli_width());
	table_destroy(t);
	return rc;
}

static int print_check(FILE *out, const json_t *check)
{
	struct table *t = table_create();
	const json_t *row;
	size_t i;
	int rc;

	fprintf(out,
		"Model against measurement: %s of %d,\n%d entries; within a factor of %.0f is "
		"asked "
		"for. ns for both calls.\n\n",
		text(check, "loop"), (int)number(check, "ring"),
		(int)number(check, "table_entries"), number(check, "within"));
	table_column(t, "IOMMU", TABLE_LEFT);
	table_column(t, "Strategy", TABLE_LEFT);
	table_column(t, "Measured", TABLE_RIGHT);
	table_column(t, "10 %", TABLE_RIGHT);
	table_column(t, "90 %", TABLE_RIGHT);
	table_column(t, "Model", TABLE_RIGHT);
	table_column(t, "Ratio", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	json_array_foreach(json_object_get(check, "rows"), i, row)
	{
		const json_t *m = json_object_get(row, "measured_ns");

		table_cell(t, "%s", text(row, "iommu"));
		table_cell(t, "%s", text(row, "strategy"));
		cell(t, number(m, "median"));
		cell(t, number(m, "p10"));
		cell(t, number(m, "p90"));
		print_verdict(t, row);
	}
	rc = table_print(t, out, cli_width());
	table_destroy(t);
	return rc ? rc : print_overrides(out, json_object_get(check, "rows"));
}

int calibrate_text(FILE *out, const json_t *document, struct err *err)
{
	const json_t *measured = json_object_get(document, "measured");
	const json_t *check = json_object_get(document, "check");
	int rc = 0;

	if (json_is_object(measured))
		rc = print_measured(out, measured);
	if (!rc && json_is_object(measured) && json_is_object(check))
		fputc('\n', out);
	if (!rc && json_is_object(check))
		rc = print_check(out, check);
	if (text(document, "based_on")[0])
		fprintf(out, "\n%s is written; what was not measured is taken from %s.\n",
			text(document, "profile"), text(document, "based_on"));
	return rc ? err_set(err, rc, "cannot print what was measured") : 0;
}

static void add_csv(json_t *rows, const char *name, const char *unit, const json_t *sample,
		    const json_t *model)
{
	char figure[4][40] = {{0}};
	const double v[4] = {number(sample, "median"), number(sample, "p10"), number(sample, "p90"),
			     json_number_value(model)};

	for (unsigned i = 0; i < 4; i++)
		if (v[i] > 0)
			snprintf(figure[i], sizeof(figure[i]), "%.3f", v[i]);
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", name,
					      "unit", unit, "median", figure[0], "p10", figure[1],
					      "p90", figure[2], "model", figure[3], "not_measured",
					      text(sample, "not_measured")));
}

int calibrate_csv(FILE *out, const json_t *document, struct err *err)
{
	json_t *rows = json_array();
	const json_t *row;
	char name[96];
	size_t i;
	int rc;

	json_array_foreach(json_object_get(json_object_get(document, "measured"), "rows"), i, row)
		add_csv(rows, text(row, "name"), text(row, "unit"), row, NULL);
	json_array_foreach(json_object_get(json_object_get(document, "check"), "rows"), i, row)
	{
		snprintf(name, sizeof(name), "pair %s %s", text(row, "iommu"),
			 text(row, "strategy"));
		add_csv(rows, name, "ns", json_object_get(row, "measured_ns"),
			json_object_get(row, "model_ns"));
	}
	rc = cli_rows_csv(out, rows, err);
	json_decref(rows);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/* The benchmark's JSON as text and CSV: see bench_text.h. */
#include "report/bench_text.h"

#include <errno.h>

#include <stdio.h>
#include <string.h>

#include "report/csv.h"
#include "report/number.h"
#include "report/table.h"

#define BAR 40 /* blocks of the longest */

static double number(const json_t *object, const char *key)
{
	double value = 0;

	(void)number_member(object, key, &value);
	return value;
}

static void host(FILE *out, const json_t *document)
{
	const json_t *h = json_object_get(document, "host"), *floor;
	size_t i;

	if (h)
		fprintf(out, "%s, %.0f processors%s; load average before: %.1f\n\n",
			text_member(h, "cpu"), number(h, "cpus"),
			json_is_true(json_object_get(h, "virtual")) ? ", virtual" : "",
			number(document, "load_average"));
	json_array_foreach(json_object_get(document, "floors"), i, floor)
	{
		if (number(floor, "ns") > 0)
			fprintf(out, "%-36s %-10s %10s ns\n", text_member(floor, "what"),
				text_member(floor, "name"), number_human(number(floor, "ns")).text);
		else
			fprintf(out, "%-36s %-10s not measured: %s\n", text_member(floor, "what"),
				text_member(floor, "name"), text_member(floor, "why_not"));
	}
	if (i)
		fputs("\n", out);
}

static void verdict(struct table *t, const json_t *row)
{
	const json_t *met = json_object_get(row, "met");

	if (!json_is_boolean(met))
		table_cell(t, "-");
	else if (json_is_true(met))
		table_cell(t, json_is_false(json_object_get(row, "interval_met")) ? "met, uncertain"
										  : "met");
	else
		table_cell(t, "missed by x%s", number_human(number(row, "missed_by")).text);
}

/* What it is, and what stands beside it: as much as there is. */
static void beside(struct table *t, const json_t *row)
{
	const json_t *rival;
	char text[512];
	size_t i, n;

	n = (size_t)snprintf(text, sizeof(text), "%s", text_member(row, "what"));
	json_array_foreach(json_object_get(row, "baselines"), i, rival) n += (size_t)snprintf(
		text + n, sizeof(text) - n, "; %s: x%s", text_member(rival, "name"),
		number_human(number(rival, "ratio")).text);
	if (number(row, "over_floor") > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "; %s times %s",
				      number_human(number(row, "over_floor")).text,
				      text_member(row, "floor"));
	if (json_is_true(json_object_get(row, "disturbed")))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "; disturbed by other programs");
	if (json_is_false(json_object_get(row, "interval_met")))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "; interval not met");
	if (!strcmp(text_member(row, "clock"), "processor"))
		(void)snprintf(text + n, sizeof(text) - n, "; processor time");
	table_cell(t, "%s", text);
}

static int results(FILE *out, const json_t *document, struct err *err)
{
	struct table *t = table_create();
	const json_t *row;
	double target;
	size_t i;
	int rc;

	table_column(t, "Row", TABLE_LEFT);
	table_column(t, "Median", TABLE_RIGHT);
	table_column(t, "p10", TABLE_RIGHT);
	table_column(t, "p99", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	table_column(t, "Target", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	table_column(t, "What, and what stands beside it", TABLE_LEFT);
	json_array_foreach(json_object_get(document, "results"), i, row)
	{
		table_cell(t, "%s", text_member(row, "name"));
		table_cell(t, "%s", number_human(number(row, "median")).text);
		table_cell(t, "%s", number_human(number(row, "p10")).text);
		table_cell(t, "%s", number_human(number(row, "p99")).text);
		table_cell(t, "%s", text_member(row, "unit"));
		if (number_member(row, "target", &target))
			table_cell(t, "%s", number_human(target).text);
		else
			table_cell(t, "-");
		verdict(t, row);
		beside(t, row);
	}
	rc = i ? table_print(t, out, 140) : 0;
	table_destroy(t);
	return rc ? err_set(err, rc, "cannot print the table") : 0;
}

static void footnotes(FILE *out, const json_t *document)
{
	const json_t *row;
	size_t i;

	fprintf(out,
		"\nEach median is known to within %s %% with 95 %% confidence, unless it says "
		"otherwise.\nx: the baseline's time to the row's, round by round (rates: the "
		"other way round).\n",
		number_human(number(document, "interval_percent")).text);
	json_array_foreach(json_object_get(document, "left_out"), i, row) fprintf(
		out, "Left out: %s: %s\n", text_member(row, "name"), text_member(row, "why"));
	if (json_is_true(json_object_get(document, "interrupted")))
		fputs("Interrupted: what was finished is above.\n", out);
}

/* In the words of tools/testing/selftests/dma/dma_map_benchmark.c. */
static void kernel(FILE *out, const json_t *k)
{
	if (!k)
		return;
	fprintf(out,
		"\ndma mapping benchmark: threads:%.0f seconds:%.0f node:%.0f dir:%s granule: "
		"%.0f\n",
		number(k, "threads"), number(k, "seconds"), number(k, "node"),
		text_member(k, "direction"), number(k, "granule"));
	fprintf(out, "average map latency(us):%.1f standard deviation:%.1f\n",
		number(k, "map_100ns") / 10, number(k, "map_deviation_100ns") / 10);
	fprintf(out, "average unmap latency(us):%.1f standard deviation:%.1f\n",
		number(k, "unmap_100ns") / 10, number(k, "unmap_deviation_100ns") / 10);
	fprintf(out,
		"(The kernel cuts each call to whole units of 100 ns. Not cut: map %s ns, standard "
		"deviation %s; unmap %s ns, %s;\n%s ns of each are the reading of the clock. %.0f "
		"calls of each.)\n",
		number_human(number(k, "map_ns")).text,
		number_human(number(k, "map_deviation_ns")).text,
		number_human(number(k, "unmap_ns")).text,
		number_human(number(k, "unmap_deviation_ns")).text,
		number_human(number(k, "clock_ns")).text, number(k, "loops"));
}

int report_bench_text(FILE *out, const json_t *document, struct err *err)
{
	int rc;

	host(out, document);
	rc = results(out, document, err);
	if (rc)
		return rc;
	footnotes(out, document);
	kernel(out, json_object_get(document, "dma_map_benchmark"));
	return 0;
}

static void bars(FILE *out, const json_t *row)
{
	const json_t *bins = json_object_get(row, "histogram"), *bin;
	double most = 0;
	size_t i;

	json_array_foreach(bins, i, bin) if (number(bin, "count") > most) most =
		number(bin, "count");
	if (most <= 0)
		return;
	fprintf(out, "\n%s (%s)\n", text_member(row, "name"), text_member(row, "unit"));
	json_array_foreach(bins, i, bin)
	{
		const int length = (int)(number(bin, "count") * BAR / most + 0.5);

		fprintf(out, "%10s %6.0f  %.*s\n", number_human(number(bin, "from")).text,
			number(bin, "count"), length, "########################################");
	}
}

int report_bench_bars(FILE *out, const json_t *document, struct err *err)
{
	const int rc = report_bench_text(out, document, err);
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(document, "results"), i, row) bars(out, row);
	return rc;
}

int report_bench_csv(FILE *out, const json_t *document, struct err *err)
{
	static const char *const fields[] = {
		"name",      "group",  "unit",     "median",     "p10",
		"p99",       "low",    "high",     "target",     "met",
		"missed_by", "rounds", "dropped",  "disturbed",  "interval_met",
		"clock",     "floor",  "floor_ns", "over_floor",
	};
	const size_t count = sizeof(fields) / sizeof(fields[0]);
	const json_t *row;
	size_t i;

	csv_row(out, fields, count);
	json_array_foreach(json_object_get(document, "results"), i, row)
	{
		struct number_text numbers[sizeof(fields) / sizeof(fields[0])];
		const char *text[sizeof(fields) / sizeof(fields[0])];

		for (size_t k = 0; k < count; k++) {
			const json_t *value = json_object_get(row, fields[k]);

			text[k] = text_member(row, fields[k]);
			if (json_is_boolean(value))
				text[k] = json_is_true(value) ? "true" : "false";
			else if (json_is_number(value)) {
				numbers[k] = number_exact(json_number_value(value));
				text[k] = numbers[k].text;
			}
		}
		csv_row(out, text, count);
	}
	return ferror(out) ? err_set(err, -EIO, "cannot write the rows") : 0;
}

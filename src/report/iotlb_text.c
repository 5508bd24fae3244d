// SPDX-License-Identifier: MIT
/* The laboratory's JSON as text, CSV and SVG: see iotlb_text.h. */
#include "report/iotlb_text.h"

#include <errno.h>
#include <string.h>

#include "report/csv.h"
#include "report/number.h"
#include "report/svg.h"
#include "report/table.h"

static const char *const fields[] = {
	"policy",       "entries",          "ways",
	"index",        "prefetch",         "hints",
	"misses",       "miss_ratio",       "miss_ratio_error",
	"reuse_misses", "reuse_miss_ratio", "misses_over_opt",
	"prefetched",   "prefetch_useful",
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static long long whole(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* @decimals of a number, "-" for null. */
static void cell(struct table *t, const json_t *row, const char *key, double scale, int decimals)
{
	double value;

	if (number_member(row, key, &value))
		table_cell(t, "%.*f", decimals, scale * value);
	else
		table_cell(t, "-");
}

static void head(FILE *out, const json_t *s)
{
	fprintf(out, "IOTLB of %s\n", text_member(s, "source"));
	fprintf(out, "Accesses: %s.\n", text_member(s, "rule"));
	if (json_object_get(s, "samples")) {
		fprintf(out,
			"%lld accesses; taken: %lld, to %lld pages, in %lld samples of different "
			"pages, each %g of all.\nMisses are estimates.\n\n",
			whole(s, "accesses"), whole(s, "sampled_accesses"),
			whole(s, "sampled_pages"), whole(s, "samples"),
			json_number_value(json_object_get(s, "sample_rate")));
		return;
	}
	fprintf(out,
		"%lld accesses to %lld pages; %lld first uses and %lld after an invalidation miss "
		"always,\n%lld reuses hit if the page is still held. "
		"Invalidated: %lld ranges, %lld domains, %lld times all.\n\n",
		whole(s, "accesses"), whole(s, "pages"), whole(s, "cold_misses"),
		whole(s, "invalidation_misses"), whole(s, "reuses"), whole(s, "invalidated_ranges"),
		whole(s, "invalidated_tags"), whole(s, "flushes"));
}

int report_iotlb_text(FILE *out, const json_t *result, struct err *err)
{
	const bool sampled = json_object_get(json_object_get(result, "stream"), "samples");
	struct table *t = table_create();
	const json_t *row;
	size_t i;
	int rc;

	head(out, json_object_get(result, "stream"));
	table_column(t, "Policy", TABLE_LEFT);
	table_column(t, "Index", TABLE_LEFT);
	table_column(t, "Prefetch", TABLE_LEFT);
	table_column(t, "Hints", TABLE_LEFT);
	table_column(t, "Ways", TABLE_RIGHT);
	table_column(t, "Entries", TABLE_RIGHT);
	table_column(t, "Misses", TABLE_RIGHT);
	table_column(t, "of all\n%", TABLE_RIGHT);
	if (sampled)
		table_column(t, "give or\ntake", TABLE_RIGHT);
	table_column(t, "of reuses\n%", TABLE_RIGHT);
	table_column(t, "times\noptimum", TABLE_RIGHT);
	table_column(t, "Fetched\nahead", TABLE_RIGHT);
	table_column(t, "of it\nused", TABLE_RIGHT);
	json_array_foreach(json_object_get(result, "rows"), i, row)
	{
		table_cell(t, "%s", text_member(row, "policy"));
		table_cell(t, "%s", text_member(row, "index"));
		table_cell(t, "%s", text_member(row, "prefetch"));
		table_cell(t, "%s", text_member(row, "hints"));
		cell(t, row, "ways", 1, 0);
		cell(t, row, "entries", 1, 0);
		cell(t, row, "misses", 1, 0);
		cell(t, row, "miss_ratio", 100, 2);
		if (sampled)
			cell(t, row, "miss_ratio_error", 100, 2);
		cell(t, row, "reuse_miss_ratio", 100, 2);
		cell(t, row, "misses_over_opt", 1, 3);
		cell(t, row, "prefetched", 1, 0);
		cell(t, row, "prefetch_useful", 1, 0);
	}
	rc = table_print(t, out, 0);
	table_destroy(t);
	return rc ? err_set(err, rc, "cannot print the table") : 0;
}

int report_iotlb_csv(FILE *out, const json_t *result, struct err *err)
{
	const json_t *row;
	size_t i;

	csv_row(out, fields, FIELDS);
	json_array_foreach(json_object_get(result, "rows"), i, row)
	{
		struct number_text number[FIELDS];
		const char *text[FIELDS];

		for (size_t k = 0; k < FIELDS; k++) {
			double value;

			text[k] = text_member(row, fields[k]);
			if (number_member(row, fields[k], &value)) {
				number[k] = number_exact(value);
				text[k] = number[k].text;
			}
		}
		csv_row(out, text, FIELDS);
	}
	return ferror(out) ? err_set(err, -EIO, "cannot write the rows") : 0;
}

int report_iotlb_svg(FILE *out, const json_t *result, struct err *err)
{
	return report_figure_svg(out, json_object_get(result, "figure"), err);
}

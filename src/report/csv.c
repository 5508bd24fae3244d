// SPDX-License-Identifier: MIT
/*
 * RFC 4180 writers of runs, figures, tables and claims.
 */
#include "report/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/chart.h"
#include "report/flat.h"
#include "report/sections.h"

void csv_field(FILE *out, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void csv_row(FILE *out, const char *const *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			fputc(',', out);
		csv_field(out, fields[i]);
	}
	fputs("\r\n", out);
}

static int done(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

static int run_leaf(void *ctx, const char *key, const json_t *leaf)
{
	FILE *out = ctx;
	char *text = flat_text(leaf);

	if (!text)
		return -ENOMEM;
	csv_row(out, (const char *const[]){key, text}, 2);
	free(text);
	return 0;
}

int report_run_csv(FILE *out, const json_t *run, struct err *err)
{
	int ret;

	if (!json_is_object(run))
		return err_set(err, -EINVAL, "a run's result is not a JSON object");
	csv_row(out, (const char *const[]){"key", "value"}, 2);
	ret = flat_each(run, "", run_leaf, out);
	if (ret == -E2BIG)
		return err_set(err, -EINVAL, "a run's result nests too deeply");
	return ret ? ret : done(out);
}

static void figure_point(FILE *out, const struct chart_series *s, const struct chart_point *p)
{
	struct number_text x = number_exact(p->x), y = number_exact(p->y),
			   low = number_exact(p->low), high = number_exact(p->high);
	const char *const fields[] = {s->name,
				      s->bar,
				      x.text,
				      p->has_y ? y.text : "",
				      p->has_range ? low.text : "",
				      p->has_range ? high.text : "",
				      p->run};

	csv_row(out, fields, 7);
}

/* Every point of @c, with the figure's id in front if @named. */
static void figure_points(FILE *out, const struct chart *c, bool named)
{
	for (size_t i = 0; i < c->nseries; i++) {
		for (size_t j = 0; j < c->series[i].npoints; j++) {
			if (named) {
				csv_field(out, c->id);
				fputc(',', out);
			}
			figure_point(out, &c->series[i], &c->series[i].points[j]);
		}
	}
}

int report_figure_csv(FILE *out, const json_t *figure, struct err *err)
{
	struct chart *c;
	int ret = chart_read(&c, figure, err);

	if (ret)
		return ret;
	csv_row(out,
		(const char *const[]){"series", "bar", *c->x_label ? c->x_label : "x",
				      *c->y_label ? c->y_label : "y", "low", "high", "run"},
		7);
	figure_points(out, c, false);
	chart_free(c);
	return done(out);
}

int report_study_csv(FILE *out, const json_t *study, struct err *err)
{
	static const char *const heading[] = {"figure", "series", "bar",  "x",
					      "y",      "low",    "high", "run"};
	json_t *figures = sections_all(study, "figures");
	int ret = figures ? 0 : -ENOMEM;

	if (!json_is_object(study))
		ret = err_set(err, -EINVAL, "a study is not a JSON object");
	if (!ret)
		csv_row(out, heading, 8);
	for (size_t i = 0; i < json_array_size(figures) && !ret; i++) {
		struct chart *c;

		ret = chart_read(&c, json_array_get(figures, i), err);
		if (ret)
			break;
		figure_points(out, c, true);
		chart_free(c);
	}
	json_decref(figures);
	return ret ? ret : done(out);
}

static int table_row(FILE *out, const json_t *cells, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		char *text = flat_text(json_array_get(cells, i));

		if (!text)
			return -ENOMEM;
		if (i)
			fputc(',', out);
		csv_field(out, json_is_null(json_array_get(cells, i)) || i >= json_array_size(cells)
				       ? ""
				       : text);
		free(text);
	}
	fputs("\r\n", out);
	return 0;
}

int report_table_csv(FILE *out, const json_t *table, struct err *err)
{
	const json_t *columns = json_object_get(table, "columns");
	const json_t *rows = json_object_get(table, "rows");
	size_t n = json_array_size(columns);

	if (n == 0)
		return err_set(err, -EINVAL, "table %s has no columns", text_member(table, "id"));
	for (size_t i = 0; i < n; i++) {
		const json_t *column = json_array_get(columns, i);
		const char *unit = column_unit(column);
		char *heading = NULL;

		if (asprintf(&heading, "%s%s%s%s", text_member(column, "name"), *unit ? " (" : "",
			     unit, *unit ? ")" : "") < 0)
			return -ENOMEM;
		if (i)
			fputc(',', out);
		csv_field(out, heading);
		free(heading);
	}
	fputs("\r\n", out);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (json_array_size(row) > n)
			return err_set(err, -EINVAL,
				       "table %s: row %zu has %zu cells for %zu columns",
				       text_member(table, "id"), i + 1, json_array_size(row), n);
		if (table_row(out, row, n))
			return -ENOMEM;
	}
	return done(out);
}

int report_claims_csv(FILE *out, const json_t *study, struct err *err)
{
	static const char *const keys[] = {"id",       "text",    "source", "rule",
					   "measured", "verdict", "note"};
	static const char *const heading[] = {"id",       "claim",   "source", "rule",
					      "measured", "verdict", "note"};
	const json_t *claims = json_object_get(study, "claims");

	(void)err;
	csv_row(out, heading, 7);
	for (size_t i = 0; i < json_array_size(claims); i++) {
		const char *fields[7];

		for (size_t k = 0; k < 7; k++)
			fields[k] = text_member(json_array_get(claims, i), keys[k]);
		csv_row(out, fields, 7);
	}
	return done(out);
}

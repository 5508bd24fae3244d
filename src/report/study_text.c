// SPDX-License-Identifier: MIT
/*
 * A study document as terminal text.
 */
#include "report/study_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/claims.h"
#include "report/flat.h"
#include "report/grid.h"
#include "report/number.h"
#include "report/table.h"
#include "report/utf8.h"

#define DEPTH 4u /* of sections, as report/sections.c goes */

/* A paragraph wrapped to @width; nothing for an empty text. */
static int paragraph(FILE *out, const char *text, unsigned width)
{
	struct table *t;
	int ret;

	if (!*text)
		return 0;
	t = table_create();
	table_column(t, "", TABLE_LEFT);
	table_cell(t, "%s", text);
	ret = table_print(t, out, width);
	table_destroy(t);
	return ret;
}

static int heading(FILE *out, const char *kind, const char *id, const char *title, unsigned width)
{
	char *text = NULL;
	int ret;

	if (asprintf(&text, "%s %s%s%s", kind, id, *title ? ": " : "", title) < 0)
		return -ENOMEM;
	fputc('\n', out);
	ret = paragraph(out, text, width);
	free(text);
	return ret;
}

/* ---- figures ---- */

/* "tcp_stack" -> two lines: headings must not be wider than their numbers. */
static char *stacked_title(const char *text)
{
	char *title = strdup(text);

	for (char *s = title; title && *s; s++)
		if (*s == ' ' || *s == '_')
			*s = '\n';
	return title;
}

static unsigned column_width(const struct grid *g, size_t column)
{
	unsigned widest = 0;

	for (const char *s = g->titles[column]; *s;) {
		size_t n = strcspn(s, " _");

		if (n > widest)
			widest = (unsigned)n;
		s += n + (s[n] != 0);
	}
	for (size_t row = 0; row < g->nrows; row++) {
		unsigned w = utf8_columns(g->cells[row * g->ncolumns + column].text);

		if (w > widest)
			widest = w;
	}
	return widest + 2;
}

static int grid_part(FILE *out, const struct grid *g, size_t first, size_t end)
{
	struct table *t = table_create();
	int ret;

	for (size_t i = 0; i < end; i++) {
		char *title = i < g->left || i >= first ? stacked_title(g->titles[i]) : NULL;

		if (i < g->left || i >= first)
			table_column(t, title, i && i < g->left ? TABLE_LEFT : TABLE_RIGHT);
		free(title);
	}
	for (size_t row = 0; row < g->nrows; row++)
		for (size_t i = 0; i < end; i++)
			if (i < g->left || i >= first)
				table_cell(t, "%s", g->cells[row * g->ncolumns + i].text);
	ret = table_print(t, out, 0);
	table_destroy(t);
	return ret;
}

/* As many tables beside the leading columns as the terminal's width asks for. */
static int grid_text(FILE *out, const struct grid *g, unsigned width)
{
	size_t first = g->left, end;
	unsigned lead = 0;
	int ret = 0;

	for (size_t i = 0; i < g->left; i++)
		lead += column_width(g, i);
	for (; first < g->ncolumns && !ret; first = end) {
		unsigned used = lead;

		end = first;
		do {
			used += column_width(g, end++);
		} while (end < g->ncolumns && used + column_width(g, end) <= width + 2);
		if (first > g->left)
			fputc('\n', out);
		ret = grid_part(out, g, first, end);
	}
	return ret;
}

static int figure_text(FILE *out, const json_t *figure, unsigned width, struct err *err)
{
	struct grid *g = NULL;
	struct chart *c;
	int ret = chart_read(&c, figure, err);

	if (ret)
		return ret;
	ret = heading(out, "Figure", c->id, c->title, width);
	if (*c->y_label)
		fprintf(out, "values: ");
	if (!ret)
		ret = paragraph(out, c->y_label, width);
	if (!ret)
		ret = grid_of_chart(&g, c);
	if (!ret)
		ret = grid_text(out, g, width ? width : TABLE_WIDTH);
	if (!ret)
		ret = paragraph(out, c->note, width);
	grid_free(g);
	chart_free(c);
	return ret;
}

/* ---- tables ---- */

static void table_columns(struct table *t, const json_t *columns)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const json_t *column = json_array_get(columns, i);
		const char *unit = column_unit(column);
		char *title = NULL;

		if (asprintf(&title, "%s%s%s", text_member(column, "name"), *unit ? "\n" : "",
			     unit) < 0)
			title = NULL;
		table_column(t, title,
			     strcmp(text_member(column, "align"), "right") == 0 ? TABLE_RIGHT
										: TABLE_LEFT);
		free(title);
	}
}

static int table_text(FILE *out, const json_t *json, unsigned width)
{
	const json_t *columns = json_object_get(json, "columns");
	const json_t *rows = json_object_get(json, "rows");
	struct table *t = table_create();
	int ret = heading(out, "Table", text_member(json, "id"), text_member(json, "title"), width);

	table_columns(t, columns);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		for (size_t k = 0; k < json_array_size(columns); k++) {
			const json_t *value = json_array_get(json_array_get(rows, i), k);

			if (value && !json_is_null(value))
				table_take(t, flat_text(value));
			else
				table_cell(t, "-");
		}
	}
	if (!ret)
		ret = table_print(t, out, width);
	table_destroy(t);
	return ret ? ret : paragraph(out, text_member(json, "note"), width);
}

/* ---- the whole ---- */

/* What to take from it: a paragraph each. */
static int words_text(FILE *out, const json_t *study, unsigned width)
{
	const json_t *words = json_object_get(study, "words");
	int ret = 0;

	if (json_array_size(words))
		fputc('\n', out);
	for (size_t i = 0; i < json_array_size(words) && !ret; i++)
		if (json_is_string(json_array_get(words, i)))
			ret = paragraph(out, json_string_value(json_array_get(words, i)), width);
	return ret;
}

/* A table says what its figure does: that is on the page. */
static int sections_text(FILE *out, const json_t *list, unsigned width, unsigned depth)
{
	int ret = 0;

	for (size_t i = 0; i < json_array_size(list) && depth < DEPTH && !ret; i++) {
		const json_t *section = json_array_get(list, i);
		const json_t *tables = json_object_get(section, "tables");

		fputc('\n', out);
		ret = paragraph(out, text_member(section, "title"), width);
		if (!ret)
			ret = words_text(out, section, width);
		for (size_t k = 0; k < json_array_size(tables) && !ret; k++)
			ret = table_text(out, json_array_get(tables, k), width);
		if (!ret)
			ret = sections_text(out, json_object_get(section, "parts"), width,
					    depth + 1);
	}
	return ret;
}

int study_text(FILE *out, const json_t *study, const char *page, unsigned width, struct err *err)
{
	const json_t *figures = json_object_get(study, "figures");
	const json_t *tables = json_object_get(study, "tables");
	int ret;

	if (!json_is_object(study))
		return err_set(err, -EINVAL, "a study is not a JSON object");
	ret = paragraph(out, text_member(study, "title"), width);
	if (!ret)
		ret = paragraph(out, text_member(study, "summary"), width);
	for (size_t i = 0; i < json_array_size(figures) && !ret; i++)
		ret = figure_text(out, json_array_get(figures, i), width, err);
	for (size_t i = 0; i < json_array_size(tables) && !ret; i++)
		ret = table_text(out, json_array_get(tables, i), width);
	if (!ret)
		ret = words_text(out, study, width);
	if (!ret)
		ret = sections_text(out, json_object_get(study, "sections"), width, 0);
	if (!ret)
		ret = claims_text(out, study, width);
	if (!ret && page)
		fprintf(out, "\n%s\n", page);
	if (ret)
		return ret;
	return ferror(out) ? -EIO : 0;
}

int report_study_text(FILE *out, const json_t *study, struct err *err)
{
	return study_text(out, study, NULL, 0, err);
}

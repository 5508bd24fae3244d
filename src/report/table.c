// SPDX-License-Identifier: MIT
/*
 * Column-aligned text tables. Cells are kept as cleaned text in one array, row after row; widths
 * are computed at print time.
 */
#include "report/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/utf8.h"

#define GAP        2u
#define LAST_LEAST 20u
#define MAX_LINES  8u /* of a heading */

struct column {
	char *title;
	enum table_align align;
};

struct table {
	struct column *columns;
	size_t ncolumns;
	char **cells;
	size_t ncells, cells_room;
	size_t *rules; /* a rule stands before the row of this number */
	size_t nrules;
	bool failed;
};

struct table *table_create(void)
{
	return calloc(1, sizeof(struct table));
}

void table_destroy(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->ncolumns; i++)
		free(t->columns[i].title);
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	free(t->columns);
	free(t->cells);
	free(t->rules);
	free(t);
}

void table_column(struct table *t, const char *title, enum table_align align)
{
	struct column *grown;

	if (!t || t->failed)
		return;
	grown = realloc(t->columns, (t->ncolumns + 1) * sizeof(*grown));
	if (grown) {
		t->columns = grown;
		grown[t->ncolumns].title = title ? utf8_clean_lines(title) : NULL;
		grown[t->ncolumns].align = align;
		t->failed = !grown[t->ncolumns].title;
		t->ncolumns++;
	} else {
		t->failed = true;
	}
}

static void add_cell(struct table *t, const char *text)
{
	if (t->ncells == t->cells_room) {
		size_t room = t->cells_room ? 2 * t->cells_room : 64;
		char **grown = realloc(t->cells, room * sizeof(*grown));

		if (!grown) {
			t->failed = true;
			return;
		}
		t->cells = grown;
		t->cells_room = room;
	}
	t->cells[t->ncells] = utf8_clean(text);
	if (t->cells[t->ncells])
		t->ncells++;
	else
		t->failed = true;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	if (!t || t->failed || t->ncolumns == 0)
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	table_take(t, text);
}

void table_take(struct table *t, char *text)
{
	if (t && !t->failed && t->ncolumns) {
		if (text)
			add_cell(t, text);
		else
			t->failed = true;
	}
	free(text);
}

void table_end_row(struct table *t)
{
	while (t && !t->failed && t->ncolumns && t->ncells % t->ncolumns)
		add_cell(t, "");
}

void table_rule(struct table *t)
{
	size_t *grown;

	if (!t || t->failed || t->ncolumns == 0)
		return;
	table_end_row(t);
	grown = realloc(t->rules, (t->nrules + 1) * sizeof(*grown));
	if (grown) {
		t->rules = grown;
		t->rules[t->nrules++] = t->ncells / t->ncolumns;
	} else {
		t->failed = true;
	}
}

/* ---- printing ---- */

struct layout {
	unsigned *widths; /* per column */
	unsigned total;
	unsigned heading_lines; /* 0: no heading */
};

/* Line @wanted of @title, counted from the bottom; its length, 0 if there is no such line. */
static const char *title_line(const char *title, unsigned wanted, size_t *bytes)
{
	const char *lines[MAX_LINES];
	unsigned n = 0;

	for (const char *s = title; s && n < MAX_LINES; n++) {
		lines[n] = s;
		s = strchr(s, '\n');
		if (s)
			s++;
	}
	*bytes = 0;
	if (wanted >= n)
		return "";
	*bytes = strcspn(lines[n - 1 - wanted], "\n");
	return lines[n - 1 - wanted];
}

static unsigned columns_of(const char *s, size_t bytes)
{
	unsigned columns = 0;
	uint32_t cp;

	for (size_t at = 0; at < bytes; at += utf8_next(s + at, &cp)) {
		utf8_next(s + at, &cp);
		columns += utf8_width(cp);
	}
	return columns;
}

static void measure_title(const struct table *t, size_t column, struct layout *l)
{
	for (unsigned line = 0; line < MAX_LINES; line++) {
		size_t bytes;
		const char *s = title_line(t->columns[column].title, line, &bytes);
		unsigned w = columns_of(s, bytes);

		if (w > l->widths[column])
			l->widths[column] = w;
		if (w && line + 1 > l->heading_lines)
			l->heading_lines = line + 1;
	}
}

static void measure(const struct table *t, unsigned width, struct layout *l)
{
	size_t last = t->ncolumns - 1;
	unsigned before = 0;

	for (size_t c = 0; c < t->ncolumns; c++)
		measure_title(t, c, l);
	for (size_t i = 0; i < t->ncells; i++) {
		unsigned w = utf8_columns(t->cells[i]);

		if (w > l->widths[i % t->ncolumns])
			l->widths[i % t->ncolumns] = w;
	}
	for (size_t c = 0; c < last; c++)
		before += l->widths[c] + GAP;
	if (t->columns[last].align == TABLE_LEFT && before + l->widths[last] > width) {
		unsigned left = before + LAST_LEAST < width ? width - before : LAST_LEAST;

		if (left < l->widths[last])
			l->widths[last] = left;
	}
	l->total = before + l->widths[last];
}

/* @pending blanks are owed: they are printed only if text follows, so no line ends in blanks. */
static void put(FILE *out, const char *s, size_t bytes, unsigned columns, unsigned width,
		enum table_align align, unsigned *pending)
{
	unsigned fill = columns < width ? width - columns : 0;

	if (align == TABLE_RIGHT)
		*pending += fill;
	if (bytes) {
		fprintf(out, "%*s", (int)*pending, "");
		fwrite(s, 1, bytes, out);
		*pending = 0;
	} else {
		*pending += align == TABLE_RIGHT ? 0 : width;
		return;
	}
	if (align == TABLE_LEFT)
		*pending += fill;
}

static void print_heading(const struct table *t, FILE *out, const struct layout *l)
{
	for (unsigned line = l->heading_lines; line-- > 0;) {
		unsigned pending = 0;

		for (size_t c = 0; c < t->ncolumns; c++) {
			size_t bytes;
			const char *s = title_line(t->columns[c].title, line, &bytes);

			put(out, s, bytes, columns_of(s, bytes), l->widths[c], t->columns[c].align,
			    &pending);
			pending += GAP;
		}
		fputc('\n', out);
	}
}

static void print_rule(FILE *out, const struct layout *l)
{
	for (unsigned i = 0; i < l->total; i++)
		fputc('-', out);
	fputc('\n', out);
}

/*
 * How many bytes of @s fit in @width columns, broken at a blank if there is one and inside a
 * word if not; *@columns is what they take.
 */
static size_t fit(const char *s, unsigned width, unsigned *columns)
{
	size_t at = 0, blank = 0, n;
	unsigned used = 0, blank_used = 0;
	uint32_t cp;

	while ((n = utf8_next(s + at, &cp)) != 0) {
		if (cp == ' ' && at) {
			blank = at;
			blank_used = used;
		}
		if (used + utf8_width(cp) > width && at)
			break;
		used += utf8_width(cp);
		at += n;
	}
	if (n && blank) {
		*columns = blank_used;
		return blank;
	}
	*columns = used;
	return at;
}

static void print_row(const struct table *t, FILE *out, const struct layout *l, char *const *cells)
{
	size_t last = t->ncolumns - 1;
	const char *rest = cells[last];
	unsigned pending = 0, before = 0, columns;
	size_t bytes;

	for (size_t c = 0; c < last; c++) {
		put(out, cells[c], strlen(cells[c]), utf8_columns(cells[c]), l->widths[c],
		    t->columns[c].align, &pending);
		pending += GAP;
		before += l->widths[c] + GAP;
	}
	bytes = fit(rest, l->widths[last], &columns);
	put(out, rest, bytes, columns, l->widths[last], t->columns[last].align, &pending);
	fputc('\n', out);
	for (rest += bytes; *rest; rest += bytes) {
		rest += strspn(rest, " ");
		bytes = fit(rest, l->widths[last], &columns);
		if (bytes)
			fprintf(out, "%*s%.*s\n", (int)before, "", (int)bytes, rest);
	}
}

int table_print(const struct table *t, FILE *out, unsigned width)
{
	struct layout l = {0};
	size_t rows, rule = 0;

	if (!t || t->failed)
		return -ENOMEM;
	if (t->ncolumns == 0)
		return 0;
	l.widths = calloc(t->ncolumns, sizeof(*l.widths));
	if (!l.widths)
		return -ENOMEM;
	measure(t, width ? width : TABLE_WIDTH, &l);
	if (l.heading_lines) {
		print_heading(t, out, &l);
		print_rule(out, &l);
	}
	rows = t->ncells / t->ncolumns; /* a row without its last cells is not printed */
	for (size_t row = 0; row <= rows; row++) {
		for (; rule < t->nrules && t->rules[rule] == row; rule++)
			print_rule(out, &l);
		if (row < rows)
			print_row(t, out, &l, t->cells + row * t->ncolumns);
	}
	free(l.widths);
	return ferror(out) ? -EIO : 0;
}

// SPDX-License-Identifier: MIT
/*
 * Figures as tables. Decimals are chosen per column from its largest value, so that a column's
 * numbers line up and show four significant digits.
 */
#include "report/grid.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct grid *grid_create(size_t columns, size_t rows)
{
	struct grid *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->ncolumns = columns;
	g->nrows = rows;
	g->titles = calloc(columns + 1, sizeof(*g->titles));
	g->cells = calloc(columns * rows + 1, sizeof(*g->cells));
	if (!g->titles || !g->cells) {
		grid_free(g);
		return NULL;
	}
	for (size_t i = 0; i < columns * rows; i++) {
		g->cells[i].run = "";
		strcpy(g->cells[i].text, "-");
	}
	return g;
}

void grid_free(struct grid *g)
{
	if (!g)
		return;
	for (size_t i = 0; g->titles && i < g->ncolumns; i++)
		free(g->titles[i]);
	free(g->titles);
	free(g->cells);
	free(g);
}

static struct grid_cell *cell(struct grid *g, size_t row, size_t column)
{
	return &g->cells[row * g->ncolumns + column];
}

static int title(struct grid *g, size_t column, const char *text, const char *suffix)
{
	if (asprintf(&g->titles[column], "%s%s", text, suffix) >= 0)
		return 0;
	g->titles[column] = NULL;
	return -ENOMEM;
}

static int series_decimals(const struct chart_series *s)
{
	double largest = 0;

	for (size_t i = 0; i < s->npoints; i++)
		if (s->points[i].has_y && fabs(s->points[i].y) > largest)
			largest = fabs(s->points[i].y);
	return number_decimals(largest);
}

static void value_cell(struct grid_cell *to, const struct chart_point *p, int decimals)
{
	if (!p)
		return;
	to->run = p->run;
	if (p->has_range)
		snprintf(to->text, sizeof(to->text), "%.34s (%.34s..%.34s)",
			 number_fixed(p->y, decimals).text, number_fixed(p->low, decimals).text,
			 number_fixed(p->high, decimals).text);
	else
		snprintf(to->text, sizeof(to->text), "%s", number_fixed(p->y, decimals).text);
}

/* ---- lines ---- */

static size_t count_partners(const struct chart *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nseries; i++)
		n += chart_partner(c, i) >= 0;
	return n;
}

/* Rows that @x needs: one, or more if a series measured twice at it. */
static size_t rows_at(const struct chart *c, double x)
{
	size_t most = 1;

	for (size_t i = 0; i < c->nseries; i++) {
		size_t n = chart_count_at(&c->series[i], x);

		most = n > most ? n : most;
	}
	return most;
}

static size_t count_rows(const struct chart *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nxs; i++)
		n += rows_at(c, c->xs[i]);
	return n;
}

static void change_cell(struct grid_cell *to, const struct chart_point *off,
			const struct chart_point *on)
{
	if (off && on && off->y != 0)
		snprintf(to->text, sizeof(to->text), "%s",
			 number_percent_change((on->y - off->y) / fabs(off->y) * 100).text);
}

/* The row of the @nth points at @x. */
static void line_row(struct grid *g, const struct chart *c, size_t row, double x, size_t nth)
{
	size_t column = 1 + c->nseries;

	snprintf(cell(g, row, 0)->text, sizeof(cell(g, 0, 0)->text), "%s", chart_x_text(c, x).text);
	for (size_t i = 0; i < c->nseries; i++) {
		const struct chart_point *p = chart_at_nth(&c->series[i], x, nth);
		int on = chart_partner(c, i);

		value_cell(cell(g, row, 1 + i), p, series_decimals(&c->series[i]));
		if (on >= 0)
			change_cell(cell(g, row, column++), p,
				    chart_at_nth(&c->series[on], x, nth));
	}
}

static int fill_lines(struct grid *g, const struct chart *c)
{
	size_t column = 1 + c->nseries, row = 0;
	bool one_pair = count_partners(c) == 1;
	int ret = title(g, 0, *c->x_label ? c->x_label : "x", "");

	for (size_t i = 0; i < c->nseries && !ret; i++) {
		int on = chart_partner(c, i);

		ret = title(g, 1 + i, c->series[i].name, "");
		if (!ret && on >= 0)
			ret = one_pair ? title(g, column++, "change", "")
				       : title(g, column++, c->series[on].name, ", change");
	}
	for (size_t i = 0; i < c->nxs && !ret; i++)
		for (size_t nth = 0; nth < rows_at(c, c->xs[i]); nth++)
			line_row(g, c, row++, c->xs[i], nth);
	return ret;
}

/* ---- stacked bars ---- */

#define MOST 64u

static bool used(const struct chart *c, const char *name)
{
	for (size_t i = 0; i < c->nseries; i++)
		for (size_t j = 0; !strcmp(c->series[i].name, name) && j < c->series[i].npoints;
		     j++)
			if (c->series[i].points[j].has_y && c->series[i].points[j].y != 0)
				return true;
	return false;
}

struct bars {
	const char *names[MOST], *bars[MOST];
	size_t nnames, nbars;
	int decimals; /* of every value: a stack adds up only at one precision */
};

static void find_bars(struct bars *b, const struct chart *c)
{
	size_t kept = 0;

	b->nnames = chart_names(c, b->names, MOST);
	b->nbars = chart_bars(c, b->bars, MOST);
	for (size_t i = 0; i < b->nnames; i++)
		if (used(c, b->names[i]))
			b->names[kept++] = b->names[i];
	b->nnames = kept;
	b->decimals = number_decimals(c->y_high) < 1 ? 1 : number_decimals(c->y_high);
}

static void bar_row(struct grid *g, const struct chart *c, const struct bars *b, size_t row)
{
	double x = c->xs[row / b->nbars], total = 0;
	const char *bar = b->bars[row % b->nbars];
	bool any = false;

	snprintf(cell(g, row, 0)->text, sizeof(cell(g, 0, 0)->text), "%s", chart_x_text(c, x).text);
	snprintf(cell(g, row, 1)->text, sizeof(cell(g, 0, 0)->text), "%s", bar);
	for (size_t i = 0; i < b->nnames; i++) {
		const struct chart_series *s = chart_series(c, b->names[i], bar);
		const struct chart_point *p = s ? chart_at(s, x) : NULL;

		value_cell(cell(g, row, 3 + i), p, b->decimals);
		total += p ? p->y : 0;
		any |= p != NULL;
		if (p && *p->run)
			cell(g, row, 2)->run = p->run;
	}
	if (any)
		snprintf(cell(g, row, 2)->text, sizeof(cell(g, 0, 0)->text), "%s",
			 number_fixed(total, b->decimals).text);
}

static int fill_bars(struct grid *g, const struct chart *c, const struct bars *b)
{
	int ret = title(g, 0, *c->x_label ? c->x_label : "x", "");

	if (!ret)
		ret = title(g, 1, "bar", "");
	if (!ret)
		ret = title(g, 2, "total", "");
	for (size_t i = 0; i < b->nnames && !ret; i++)
		ret = title(g, 3 + i, b->names[i], "");
	for (size_t row = 0; row < g->nrows; row++)
		bar_row(g, c, b, row);
	return ret;
}

/* ---- scatter plots ---- */

static int fill_scatter(struct grid *g, const struct chart *c)
{
	size_t row = 0;
	int ret = title(g, 0, *c->x_label ? c->x_label : "x", "");

	if (!ret)
		ret = title(g, 1, "point", "");
	if (!ret)
		ret = title(g, 2, *c->y_label ? c->y_label : "y", "");
	for (size_t i = 0; i < c->nxs; i++) {
		for (size_t k = 0; k < c->nseries; k++) {
			const struct chart_series *s = &c->series[k];

			for (size_t n = 0; n < chart_count_at(s, c->xs[i]); n++, row++) {
				const struct chart_point *p = chart_at_nth(s, c->xs[i], n);

				snprintf(cell(g, row, 0)->text, sizeof(g->cells->text), "%s",
					 chart_x_text(c, c->xs[i]).text);
				snprintf(cell(g, row, 1)->text, sizeof(g->cells->text), "%.100s%s",
					 s->name, s->front ? " *" : "");
				value_cell(cell(g, row, 2), p, series_decimals(s));
			}
		}
	}
	return ret;
}

static size_t count_points(const struct chart *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nseries; i++)
		n += c->series[i].npoints;
	return n;
}

static struct grid *create_for(const struct chart *c, struct bars *b)
{
	if (c->scatter)
		return grid_create(3, count_points(c));
	if (!c->bars)
		return grid_create(1 + c->nseries + count_partners(c), count_rows(c));
	find_bars(b, c);
	return grid_create(3 + b->nnames, c->nxs * b->nbars);
}

int grid_of_chart(struct grid **out, const struct chart *c)
{
	struct bars b;
	int ret;

	*out = create_for(c, &b);
	if (!*out)
		return -ENOMEM;
	(*out)->left = c->bars || c->scatter ? 2 : 1;
	ret = c->bars      ? fill_bars(*out, c, &b)
	      : c->scatter ? fill_scatter(*out, c)
			   : fill_lines(*out, c);
	if (ret) {
		grid_free(*out);
		*out = NULL;
	}
	return ret;
}

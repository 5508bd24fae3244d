// SPDX-License-Identifier: MIT
/*
 * Reading and checking a figure's JSON.
 */
#include "report/chart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_point(struct chart *c, struct chart_series *s, size_t n, const json_t *json,
		      struct err *err)
{
	struct chart_point *p = &s->points[s->npoints];
	bool low, high;

	if (!number_member(json, "x", &p->x))
		return err_set(err, -EINVAL, "figure %s: series '%s': point %zu: x is not a number",
			       c->id, s->name, n + 1);
	if (c->log2_x && p->x <= 0)
		return err_set(
			err, -EINVAL,
			"figure %s: series '%s': point %zu: x must be above 0 on a log2 axis",
			c->id, s->name, n + 1);
	p->has_y = number_member(json, "y", &p->y);
	if (c->bars && p->has_y && p->y < 0)
		return err_set(
			err, -EINVAL,
			"figure %s: series '%s': point %zu: a stacked value must not be negative",
			c->id, s->name, n + 1);
	if (c->log2_y && p->has_y && p->y < 0)
		return err_set(
			err, -EINVAL,
			"figure %s: series '%s': point %zu: y must not be negative on a log2 axis",
			c->id, s->name, n + 1);
	p->low = p->high = p->y;
	low = number_member(json, "low", &p->low);
	high = number_member(json, "high", &p->high);
	p->has_range = p->has_y && (low || high);
	p->run = text_member(json, "run");
	s->npoints++;
	return 0;
}

static int by_x(const void *a, const void *b)
{
	const struct chart_point *p = a, *q = b;

	if (p->x != q->x)
		return p->x > q->x ? 1 : -1;
	return (p->y > q->y) - (p->y < q->y);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int read_series(struct chart *c, const json_t *json, struct err *err)
{
	struct chart_series *s = &c->series[c->nseries++];
	const json_t *points = json_object_get(json, "points");
	size_t n = json_array_size(points);
	int ret = 0;

	s->name = text_member(json, "name");
	s->bar = text_member(json, "bar");
	s->front = json_is_true(json_object_get(json, "front"));
	s->points = calloc(n + 1, sizeof(*s->points));
	if (!s->points)
		return -ENOMEM;
	for (size_t i = 0; i < n && !ret; i++)
		ret = read_point(c, s, i, json_array_get(points, i), err);
	if (ret)
		return ret;
	qsort(s->points, s->npoints, sizeof(*s->points), by_x);
	for (size_t i = 1; c->bars && i < s->npoints; i++)
		if (s->points[i].x == s->points[i - 1].x)
			return err_set(err, -EINVAL, "figure %s: series '%s' has x = %s twice",
				       c->id, s->name, number_exact(s->points[i].x).text);
	return 0;
}

static int collect_xs(struct chart *c)
{
	size_t total = 0, kept = 0;

	for (size_t i = 0; i < c->nseries; i++)
		total += c->series[i].npoints;
	c->xs = calloc(total + 1, sizeof(*c->xs));
	if (!c->xs)
		return -ENOMEM;
	for (size_t i = 0; i < c->nseries; i++)
		for (size_t j = 0; j < c->series[i].npoints; j++)
			c->xs[c->nxs++] = c->series[i].points[j].x;
	qsort(c->xs, c->nxs, sizeof(*c->xs), by_value);
	for (size_t i = 0; i < c->nxs; i++)
		if (kept == 0 || c->xs[i] != c->xs[kept - 1])
			c->xs[kept++] = c->xs[i];
	c->nxs = kept;
	return 0;
}

static void widen(struct chart *c, double y, bool *first)
{
	if (*first || y < c->y_low)
		c->y_low = y;
	if (*first || y > c->y_high)
		c->y_high = y;
	*first = false;
}

/* The height of one bar at @x, and the highest end of a range along it. */
static double stack_top(const struct chart *c, const char *bar, double x)
{
	double sum = 0, top = 0;

	for (size_t i = 0; i < c->nseries; i++) {
		const struct chart_point *p = chart_at(&c->series[i], x);

		if (!p || strcmp(c->series[i].bar, bar) != 0)
			continue;
		if (p->has_range && sum + p->high > top)
			top = sum + p->high;
		sum += p->y;
	}
	return sum > top ? sum : top;
}

static void find_range(struct chart *c, const json_t *figure)
{
	bool first = true;
	double bound;

	for (size_t i = 0; i < c->nseries; i++) {
		for (size_t j = 0; j < c->series[i].npoints; j++) {
			const struct chart_point *p = &c->series[i].points[j];

			c->has_range |= p->has_range;
			if (c->bars)
				widen(c, stack_top(c, c->series[i].bar, p->x), &first);
			if (c->bars || !p->has_y)
				continue;
			c->zero_y |= c->log2_y && p->y == 0;
			if (c->log2_y && p->y == 0)
				continue;
			widen(c, p->y, &first);
			widen(c, p->low, &first);
			widen(c, p->high, &first);
		}
	}
	if (c->log2_y)
		return;
	/* An axis starts at zero unless the study says otherwise. */
	if (c->bars || !number_member(figure, "y_min", &bound))
		bound = 0;
	widen(c, bound, &first);
	if (number_member(figure, "y_max", &bound))
		widen(c, bound, &first);
}

static bool is_scale(const char *scale)
{
	return !*scale || strcmp(scale, "log2") == 0 || strcmp(scale, "linear") == 0;
}

static int read_kind(struct chart *c, const json_t *figure, struct err *err)
{
	const char *kind = text_member(figure, "kind"), *x = text_member(figure, "x_scale"),
		   *y = text_member(figure, "y_scale");

	if (!json_is_object(figure))
		return err_set(err, -EINVAL, "a figure is not a JSON object");
	c->bars = strcmp(kind, "stacked-bars") == 0;
	c->scatter = strcmp(kind, "scatter") == 0;
	if (!c->bars && !c->scatter && strcmp(kind, "line") != 0)
		return err_set(err, -EINVAL,
			       "figure %s: kind is '%s', expected line, stacked-bars or scatter",
			       c->id, kind);
	if (!is_scale(x))
		return err_set(err, -EINVAL, "figure %s: x_scale is '%s', expected log2 or linear",
			       c->id, x);
	if (!is_scale(y) || (!c->scatter && strcmp(y, "log2") == 0))
		return err_set(err, -EINVAL, "figure %s: y_scale is '%s', expected linear%s", c->id,
			       y, c->scatter ? " or log2" : "");
	c->log2_x = strcmp(x, "log2") == 0;
	c->log2_y = strcmp(y, "log2") == 0;
	c->bytes_x = strcasestr(c->x_label, "byte") != NULL;
	c->bytes_y = strcasestr(c->y_label, "byte") != NULL;
	return 0;
}

int chart_read(struct chart **out, const json_t *figure, struct err *err)
{
	const json_t *series = json_object_get(figure, "series");
	struct chart *c = calloc(1, sizeof(*c));
	int ret;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->id = text_member(figure, "id");
	c->title = text_member(figure, "title");
	c->x_label = text_member(figure, "x_label");
	c->y_label = text_member(figure, "y_label");
	c->note = text_member(figure, "note");
	ret = read_kind(c, figure, err);
	if (ret)
		goto free_chart;
	c->series = calloc(json_array_size(series) + 1, sizeof(*c->series));
	if (!c->series)
		ret = -ENOMEM;
	for (size_t i = 0; i < json_array_size(series) && !ret; i++)
		ret = read_series(c, json_array_get(series, i), err);
	if (!ret)
		ret = collect_xs(c);
	if (ret)
		goto free_chart;
	find_range(c, figure);
	*out = c;
	return 0;
free_chart:
	chart_free(c);
	return ret;
}

void chart_free(struct chart *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->series && i < c->nseries; i++)
		free(c->series[i].points);
	free(c->series);
	free(c->xs);
	free(c);
}

const struct chart_point *chart_at(const struct chart_series *s, double x)
{
	return chart_at_nth(s, x, 0);
}

const struct chart_point *chart_at_nth(const struct chart_series *s, double x, size_t nth)
{
	for (size_t i = 0; i < s->npoints; i++)
		if (s->points[i].x == x && nth-- == 0)
			return s->points[i].has_y ? &s->points[i] : NULL;
	return NULL;
}

size_t chart_count_at(const struct chart_series *s, double x)
{
	size_t n = 0;

	for (size_t i = 0; i < s->npoints; i++)
		n += s->points[i].x == x;
	return n;
}

struct number_text chart_x_text(const struct chart *c, double x)
{
	return c->bytes_x && x >= 0 ? number_bytes(x) : number_human(x);
}

struct number_text chart_y_text(const struct chart *c, double y)
{
	return c->log2_y && c->bytes_y && y >= 0 ? number_bytes(y) : number_human(y);
}

/* Is @on the text @off with its last word "off" replaced by "on"? */
static bool is_switched(const char *off, const char *on)
{
	size_t n = strlen(off), stem = n - 3;

	if (n < 3 || strcmp(off + stem, "off") != 0 || (stem && off[stem - 1] != ' '))
		return false;
	return strncmp(off, on, stem) == 0 && strcmp(on + stem, "on") == 0;
}

int chart_partner(const struct chart *c, size_t off)
{
	const struct chart_series *a = &c->series[off];

	for (size_t i = 0; i < c->nseries; i++) {
		const struct chart_series *b = &c->series[i];
		bool same_name = strcmp(a->name, b->name) == 0, same_bar = !strcmp(a->bar, b->bar);

		if (c->bars ? same_name && is_switched(a->bar, b->bar)
			    : same_bar && is_switched(a->name, b->name))
			return (int)i;
	}
	return -1;
}

static size_t distinct(const struct chart *c, bool bars, const char **texts, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nseries; i++) {
		const char *text = bars ? c->series[i].bar : c->series[i].name;
		size_t j = 0;

		while (j < n && strcmp(texts[j], text) != 0)
			j++;
		if (j == n && n < room)
			texts[n++] = text;
	}
	return n;
}

size_t chart_names(const struct chart *c, const char **names, size_t room)
{
	return distinct(c, false, names, room);
}

size_t chart_bars(const struct chart *c, const char **bars, size_t room)
{
	return distinct(c, true, bars, room);
}

const struct chart_series *chart_series(const struct chart *c, const char *name, const char *bar)
{
	for (size_t i = 0; i < c->nseries; i++)
		if (!strcmp(c->series[i].name, name) && !strcmp(c->series[i].bar, bar))
			return &c->series[i];
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * A figure of a study, read out of its JSON once and checked, so that the SVG, CSV, terminal and
 * page writers all draw the same thing:
 *
 *	{"id", "title", "kind": "line" | "stacked-bars" | "scatter", "x_label",
 *	 "x_scale": "log2" | "linear", "y_label", "y_scale": "log2" | "linear", "y_min", "y_max",
 *	 "note", "command",
 *	 "series": [{"name", "bar", "front", "points": [{"x", "y", "low", "high", "run"}]}]}
 *
 * In stacked bars a series is one category ("name") of one of the bars ("bar") that stand side by
 * side at each x. In a scatter plot each point carries the name of its series, and those that are
 * on its "front" are joined; only there may y_scale be log2, on which 0 has a band of its own at
 * the bottom. "low" and "high" are the ends of a range around y. "command" is the array of
 * arguments that makes the figure.
 */
#ifndef IOTOLL_REPORT_CHART_H
#define IOTOLL_REPORT_CHART_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/number.h"

struct chart_point {
	double x, y, low, high;
	bool has_y;      /* false: measured nothing here, a gap in a line */
	bool has_range;  /* low and high are given */
	const char *run; /* id of the run behind it, "" if none */
};

struct chart_series {
	const char *name;
	const char *bar;            /* "" in line figures */
	bool front;                 /* in scatter plots: among those that are joined */
	struct chart_point *points; /* ascending x, then y; in bars no x twice */
	size_t npoints;
};

/* Texts belong to the JSON, which must outlive the chart; absent texts are "". */
struct chart {
	const char *id, *title, *x_label, *y_label, *note;
	bool bars;    /* stacked bars */
	bool scatter; /* neither: lines */
	bool log2_x, log2_y;
	bool bytes_x, bytes_y; /* counts bytes: the label says so */
	bool zero_y;           /* some point of a log2 axis lies at 0 */
	bool has_range;        /* some point has */
	double y_low, y_high;  /* what the axis must show: data, ranges, y_min and y_max */
	struct chart_series *series;
	size_t nseries;
	double *xs; /* every x of every series, ascending */
	size_t nxs;
};

/*
 * 0 and *@out; -EINVAL with @err naming the figure, series and point that cannot be drawn
 * (unknown kind or scale, x that is no number, x <= 0 or y < 0 on a log2 axis; in stacked bars
 * the same x twice in a series or a negative value); -ENOMEM.
 */
int chart_read(struct chart **out, const json_t *figure, struct err *err) MUST_CHECK;
void chart_free(struct chart *c);

/* The first point of @s at @x, NULL if it has none or no value there. */
const struct chart_point *chart_at(const struct chart_series *s, double x);
/* The @nth (from 0) of several at one measured @x. */
const struct chart_point *chart_at_nth(const struct chart_series *s, double x, size_t nth);
/* How many points of @s are at @x. */
size_t chart_count_at(const struct chart_series *s, double x);
/* @x as the axis writes it: "4 KiB" if x counts bytes, a plain number else. */
struct number_text chart_x_text(const struct chart *c, double x);
/* The same of @y, on a log2 axis only. */
struct number_text chart_y_text(const struct chart *c, double y);
/*
 * The series that is @off with protection switched on: the same name with its last word "off"
 * turned to "on" and, in stacked bars, the same name with the bar likewise. -1 if there is none.
 */
int chart_partner(const struct chart *c, size_t off);
/* Categories of stacked bars (distinct names) and bars, in order of appearance. */
size_t chart_names(const struct chart *c, const char **names, size_t room);
size_t chart_bars(const struct chart *c, const char **bars, size_t room);
/* The series @name of @bar, NULL if there is none. */
const struct chart_series *chart_series(const struct chart *c, const char *name, const char *bar);

#endif

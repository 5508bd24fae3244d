/* SPDX-License-Identifier: MIT */
/*
 * Private to the SVG writers: one figure being drawn, its plot area and scales, and the
 * primitives. Coordinates are user units from the top left, printed with one decimal.
 */
#ifndef IOTOLL_REPORT_SVG_FRAME_H
#define IOTOLL_REPORT_SVG_FRAME_H

#include "report/svg.h"

#define SVG_FONT      12.0 /* of all text but the title */
#define SVG_SMALL     9.5
#define SVG_ZERO_BAND 30.0 /* below a log2 axis, for what is 0 */
#define SVG_MAX_NAMES 64u  /* categories and bars of one figure */

struct svg_frame {
	FILE *out;
	const struct chart *c;
	const struct svg_options *o;
	double left, top, right, bottom; /* the plot area */
	double y_low, y_high, y_step;    /* in doublings on a log2 axis */
	bool direct; /* lines are labelled at their right end instead of in a legend */
	double slot_width, bar_width; /* stacked bars: room of one x, width of one bar */
	bool bar_names;               /* written under each bar */
	const char *names[SVG_MAX_NAMES], *bars[SVG_MAX_NAMES];
	size_t nnames, nbars;
};

/* What @s will take at font size @size: an estimate for layout, on the generous side. */
double svg_text_width(const char *s, double size);
/* <text> at a baseline; @anchor "start", "middle" or "end"; @colour_class "v-ink" or "v-mut". */
void svg_text(const struct svg_frame *f, double x, double y, const char *anchor, double size,
	      const char *colour_class, const char *text);
/* The shape that marks points of line @n, centred, with its size in step with the others. */
void svg_marker(const struct svg_frame *f, size_t n, double x, double y);

/* Choose y_low, y_high and y_step from the chart's range; ticks at multiples of 1, 2 or 5. */
void svg_scale_y(struct svg_frame *f);
double svg_y(const struct svg_frame *f, double y);
/* What a scale of y_low to y_high, in steps of y_step, says at @value: thousands are set off. */
struct number_text svg_tick_text(const struct svg_frame *f, double value);
/* Grid lines, y labels, y title, base line. */
void svg_axis_y(const struct svg_frame *f);
/* Where @x lies, and the ticks and labels of a chart that has an x. */
double svg_x(const struct svg_frame *f, double x);
void svg_axis_x(const struct svg_frame *f);
/* The x title, centred under the plot. */
void svg_axis_x_title(const struct svg_frame *f);
/* The next round number at or above @raw: 1, 2 or 5 times a power of ten. */
double svg_nice_step(double raw);

/* The legend at the height @y (its top); returns the height it takes. @draw false: only measure. */
double svg_legend(const struct svg_frame *f, double y, bool draw);

void svg_line_draw(const struct svg_frame *f);
/* 0 or -ENOMEM. */
int svg_scatter_draw(const struct svg_frame *f) MUST_CHECK;
/* As svg_legend(). */
double svg_scatter_legend(const struct svg_frame *f, double y, bool draw);
void svg_bars_layout(struct svg_frame *f);
void svg_bars_draw(const struct svg_frame *f);
/* Is category @name above zero anywhere? Categories that are not need no place in a legend. */
bool svg_bars_used(const struct svg_frame *f, const char *name);

/* Open and close the link of a point to its run; nothing in a file of its own. */
void svg_link_open(const struct svg_frame *f, const char *run);
void svg_link_close(const struct svg_frame *f, const char *run);
/* <title>: what a pointer shows, "IOMMU on, 1 KiB: 57.1 Mb/s (50 to 60)". */
void svg_tooltip(const struct svg_frame *f, const struct chart_series *s,
		 const struct chart_point *p);

#endif

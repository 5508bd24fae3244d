// SPDX-License-Identifier: MIT
/*
 * The x axis of lines and scatter plots: where a value lies, ticks and their labels.
 */
#include <math.h>

#include "report/palette.h"
#include "report/svg_frame.h"

#define MARGIN 12.0 /* points keep clear of the plot's edges */

/* What the axis must show: the data, and in scatter plots 0 as well, which is what is compared to.
 */
static void range(const struct svg_frame *f, double *low, double *high)
{
	const struct chart *c = f->c;

	*low = c->xs[0];
	*high = c->xs[c->nxs - 1];
	if (!c->scatter || c->log2_x)
		return;
	*low = *low < 0 ? *low : 0;
	*high = *high > 0 ? *high : 0;
}

double svg_x(const struct svg_frame *f, double x)
{
	double low, high;

	range(f, &low, &high);
	if (f->c->log2_x) {
		x = log2(x);
		low = log2(low);
		high = log2(high);
	}
	if (!(high > low))
		return (f->left + f->right) / 2;
	return f->left + MARGIN + (x - low) / (high - low) * (f->right - f->left - 2 * MARGIN);
}

static void tick(const struct svg_frame *f, double x, bool labelled)
{
	double at = svg_x(f, x);

	fprintf(f->out,
		"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"v-axis\" "
		"stroke=\"%s\"/>\n",
		at, f->bottom, at, f->bottom + (labelled ? 5 : 3), PALETTE_AXIS);
	if (labelled)
		svg_text(f, at, f->bottom + 18, "middle", SVG_FONT, "v-mut",
			 chart_x_text(f->c, x).text);
}

/* Would the labels of every @stride-th x touch? */
static bool labels_touch(const struct svg_frame *f, size_t stride)
{
	double taken_to = -1e9;

	for (size_t i = 0; i < f->c->nxs; i += stride) {
		double at = svg_x(f, f->c->xs[i]);
		double half = svg_text_width(chart_x_text(f->c, f->c->xs[i]).text, SVG_FONT) / 2;

		if (at - half < taken_to + 5)
			return true;
		taken_to = at + half;
	}
	return false;
}

/* On a log2 axis each measured x has a tick; labels are left out where they would touch. */
static void log2_ticks(const struct svg_frame *f)
{
	size_t stride = 1;

	while (stride < f->c->nxs && labels_touch(f, stride))
		stride++;
	for (size_t i = 0; i < f->c->nxs; i++)
		tick(f, f->c->xs[i], i % stride == 0);
}

static void linear_ticks(const struct svg_frame *f)
{
	double low, high, step, first;
	int count;

	range(f, &low, &high);
	step = svg_nice_step((high > low ? high - low : 1) / (f->o->width < 480 ? 4 : 7));
	count = (int)floor((high - low) / step + 1e-9) + 1;
	first = ceil(low / step - 1e-9) * step;
	for (int i = 0; i <= count; i++)
		if (first + i * step <= high + step * 1e-9)
			tick(f, first + i * step, true);
}

void svg_axis_x(const struct svg_frame *f)
{
	if (f->c->log2_x)
		log2_ticks(f);
	else
		linear_ticks(f);
}

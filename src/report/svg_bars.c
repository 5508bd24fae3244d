// SPDX-License-Identifier: MIT
/*
 * Stacked bars in groups: one group an x, one bar a configuration, one segment a category.
 */
#include <string.h>

#include "report/palette.h"
#include "report/svg_frame.h"
#include "report/xml.h"

void svg_bars_layout(struct svg_frame *f)
{
	double widest = 0, gap;

	if (!f->c->bars || f->c->nxs == 0 || f->nbars == 0)
		return;
	f->slot_width = (f->right - f->left) / (double)f->c->nxs;
	gap = f->slot_width * 0.26;
	f->bar_width = (f->slot_width - gap) / (double)f->nbars;
	if (f->bar_width > 44)
		f->bar_width = 44;
	for (size_t i = 0; i < f->nbars; i++) {
		double w = svg_text_width(f->bars[i], SVG_SMALL);

		if (w > widest)
			widest = w;
	}
	f->bar_names = f->nbars > 1 && widest > 0 && widest <= f->bar_width + 2;
}

bool svg_bars_used(const struct svg_frame *f, const char *name)
{
	for (size_t i = 0; i < f->c->nseries; i++) {
		const struct chart_series *s = &f->c->series[i];

		for (size_t j = 0; strcmp(s->name, name) == 0 && j < s->npoints; j++)
			if (s->points[j].has_y && s->points[j].y > 0)
				return true;
	}
	return false;
}

static void whisker(const struct svg_frame *f, double x, double base, const struct chart_point *p)
{
	double low = svg_y(f, base + p->low), high = svg_y(f, base + p->high);

	fprintf(f->out,
		"<path d=\"M%.1f %.1fV%.1fM%.1f %.1fh6M%.1f %.1fh6\" class=\"v-axis\" "
		"fill=\"none\" "
		"stroke=\"%s\"/>\n",
		x, low, high, x - 3, low, x - 3, high, PALETTE_INK);
}

static double segment(const struct svg_frame *f, const struct chart_series *s, size_t category,
		      const struct chart_point *p, double x, double base)
{
	unsigned colour = palette_category(s->name, category);
	double top = svg_y(f, base + p->y), bottom = svg_y(f, base);

	if (p->y <= 0)
		return base;
	svg_link_open(f, p->run);
	/* The outline in the colour of the ground keeps neighbours apart. */
	fprintf(f->out,
		"<rect x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\" class=\"v-f%u v-halo\" "
		"fill=\"%s\" stroke=\"%s\" stroke-width=\"0.6\">",
		x, top, f->bar_width - 2, bottom - top, colour, palette_light(colour),
		PALETTE_PAPER);
	svg_tooltip(f, s, p);
	fputs("</rect>", f->out);
	svg_link_close(f, p->run);
	fputc('\n', f->out);
	return base + p->y;
}

static void draw_bar(const struct svg_frame *f, const char *bar, double value, double x)
{
	double base = 0;

	for (size_t i = 0; i < f->nnames; i++) {
		const struct chart_series *s = chart_series(f->c, f->names[i], bar);
		const struct chart_point *p = s ? chart_at(s, value) : NULL;
		double top;

		if (!p)
			continue;
		top = segment(f, s, i, p, x, base);
		if (p->has_range)
			whisker(f, x + f->bar_width / 2 - 1, base, p);
		base = top;
	}
	if (f->bar_names)
		svg_text(f, x + f->bar_width / 2 - 1, f->bottom + 12, "middle", SVG_SMALL, "v-mut",
			 bar);
}

void svg_bars_draw(const struct svg_frame *f)
{
	double bars = f->bar_width * (double)f->nbars, free_from = -1e9;

	for (size_t i = 0; i < f->c->nxs; i++) {
		double centre = f->left + ((double)i + 0.5) * f->slot_width;
		struct number_text label = chart_x_text(f->c, f->c->xs[i]);
		double half = svg_text_width(label.text, SVG_FONT) / 2 + 1;

		for (size_t b = 0; b < f->nbars; b++)
			draw_bar(f, f->bars[b], f->c->xs[i],
				 centre - bars / 2 + (double)b * f->bar_width);
		if (centre - half < free_from)
			continue;
		free_from = centre + half;
		svg_text(f, centre, f->bottom + (f->bar_names ? 28 : 16), "middle", SVG_FONT,
			 "v-mut", label.text);
	}
}

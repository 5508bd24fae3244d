// SPDX-License-Identifier: MIT
/*
 * Line figures: bands, lines, markers and the names at the lines' ends.
 */
#include <string.h>

#include "report/palette.h"
#include "report/svg_frame.h"

#define LABEL_GAP  15.0
#define MAX_DIRECT 6

void svg_marker(const struct svg_frame *f, size_t n, double x, double y)
{
	/*
	 * Every second shape is open: where two lines coincide, as throughput with protection on
	 * and off should, both stay visible. Outlines for a centre of 0,0.
	 */
	static const char *const shapes[] = {
		"M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0Z", /* circle */
		"M-2.3-2.3h4.6v4.6h-4.6Z",                          /* square */
		"M0-5L4.8 3.6H-4.8Z",                               /* triangle */
		"M0-4.6L4.6 0L0 4.6L-4.6 0Z",                       /* diamond */
		"M0 5L4.8-3.6H-4.8Z",                               /* triangle down */
		"M-4.2 0L-2.1-3.7H2.1L4.2 0L2.1 3.7H-2.1Z",         /* hexagon */
		"M-4-4L4 4M-4 4L4-4",                               /* cross */
		"M-4.6 0H4.6M0-4.6V4.6",                            /* plus */
	};
	unsigned colour = palette_line(n);
	bool open = n % 2 == 0;
	char fill_class[16];

	snprintf(fill_class, sizeof(fill_class), "v-f%u", colour);
	fprintf(f->out,
		"<path d=\"%s\" transform=\"translate(%.1f %.1f)\" stroke-width=\"1.6\" "
		"class=\"v-s%u %s\" stroke=\"%s\" fill=\"%s\"/>\n",
		shapes[n % (sizeof(shapes) / sizeof(shapes[0]))], x, y, colour,
		open ? "v-paper" : fill_class, palette_light(colour),
		open ? PALETTE_PAPER : palette_light(colour));
}

/* Points [*first, *end) are the next run without a gap; false at the end of the series. */
static bool next_stretch(const struct chart_series *s, bool ranges, size_t *first, size_t *end)
{
	size_t i = *end;

	while (i < s->npoints && !(ranges ? s->points[i].has_range : s->points[i].has_y))
		i++;
	*first = i;
	while (i < s->npoints && (ranges ? s->points[i].has_range : s->points[i].has_y))
		i++;
	*end = i;
	return *first < *end;
}

static void draw_band(const struct svg_frame *f, size_t n)
{
	const struct chart_series *s = &f->c->series[n];
	unsigned colour = palette_line(n);
	size_t first, end = 0;

	while (next_stretch(s, true, &first, &end)) {
		fprintf(f->out,
			"<path class=\"v-f%u v-s%u\" fill=\"%s\" fill-opacity=\"0.14\" "
			"stroke=\"%s\" "
			"stroke-opacity=\"0.25\" d=\"M",
			colour, colour, palette_light(colour), palette_light(colour));
		for (size_t i = first; i < end; i++)
			fprintf(f->out, "%.1f %.1f ", svg_x(f, s->points[i].x),
				svg_y(f, s->points[i].high));
		for (size_t i = end; i-- > first;)
			fprintf(f->out, "%.1f %.1f ", svg_x(f, s->points[i].x),
				svg_y(f, s->points[i].low));
		fputs("Z\"/>\n", f->out);
	}
}

static void draw_line(const struct svg_frame *f, size_t n)
{
	const struct chart_series *s = &f->c->series[n];
	unsigned colour = palette_line(n);
	size_t first, end = 0;

	while (next_stretch(s, false, &first, &end)) {
		if (end - first < 2)
			continue;
		fprintf(f->out,
			"<polyline class=\"v-s%u\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
			"stroke-linejoin=\"round\"%s points=\"",
			colour, palette_light(colour), n >= 8 ? " stroke-dasharray=\"6 3\"" : "");
		for (size_t i = first; i < end; i++)
			fprintf(f->out, "%s%.1f,%.1f", i > first ? " " : "",
				svg_x(f, s->points[i].x), svg_y(f, s->points[i].y));
		fputs("\"/>\n", f->out);
	}
}

static void draw_points(const struct svg_frame *f, size_t n)
{
	const struct chart_series *s = &f->c->series[n];

	for (size_t i = 0; i < s->npoints; i++)
		if (s->points[i].has_y)
			svg_marker(f, n, svg_x(f, s->points[i].x), svg_y(f, s->points[i].y));
}

/* Invisible targets a little larger than the markers, above everything else. */
static void draw_targets(const struct svg_frame *f, size_t n)
{
	const struct chart_series *s = &f->c->series[n];

	for (size_t i = 0; i < s->npoints; i++) {
		const struct chart_point *p = &s->points[i];

		if (!p->has_y)
			continue;
		svg_link_open(f, p->run);
		fprintf(f->out,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"8\" fill=\"none\" "
			"pointer-events=\"all\">",
			svg_x(f, p->x), svg_y(f, p->y));
		svg_tooltip(f, s, p);
		fputs("</circle>", f->out);
		svg_link_close(f, p->run);
		fputc('\n', f->out);
	}
}

/* ---- names at the ends ---- */

struct end {
	size_t series;
	double wanted, y;
};

/* The end of each line, from the top down. */
static size_t collect_ends(const struct svg_frame *f, struct end *ends)
{
	size_t n = 0;

	for (size_t i = 0; i < f->c->nseries && n < MAX_DIRECT; i++) {
		const struct chart_series *s = &f->c->series[i];
		size_t last = s->npoints, at = n;
		double y;

		while (last && !s->points[last - 1].has_y)
			last--;
		if (!last)
			continue;
		y = svg_y(f, s->points[last - 1].y);
		for (; at && ends[at - 1].wanted > y; at--)
			ends[at] = ends[at - 1];
		ends[at] = (struct end){.series = i, .wanted = y, .y = y};
		n++;
	}
	return n;
}

/* Push labels apart, down first, then up from the bottom of the plot. */
static void spread(const struct svg_frame *f, struct end *ends, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (ends[i].y < ends[i - 1].y + LABEL_GAP)
			ends[i].y = ends[i - 1].y + LABEL_GAP;
	for (size_t i = n; i-- > 0;) {
		double most = i + 1 < n ? ends[i + 1].y - LABEL_GAP : f->bottom - 2;

		if (ends[i].y > most)
			ends[i].y = most;
	}
}

static void draw_names(const struct svg_frame *f)
{
	struct end ends[MAX_DIRECT];
	size_t n = collect_ends(f, ends);

	spread(f, ends, n);
	for (size_t i = 0; i < n; i++) {
		/* The marker tells whose name it is: ink reads better than the line's colour. */
		svg_marker(f, ends[i].series, f->right + 6, ends[i].y);
		svg_text(f, f->right + 15, ends[i].y + 4, "start", SVG_FONT, "v-ink",
			 f->c->series[ends[i].series].name);
	}
}

void svg_line_draw(const struct svg_frame *f)
{
	if (f->c->nxs == 0)
		return;
	svg_axis_x(f);
	for (size_t i = 0; i < f->c->nseries; i++)
		draw_band(f, i);
	for (size_t i = 0; i < f->c->nseries; i++)
		draw_line(f, i);
	for (size_t i = 0; i < f->c->nseries; i++)
		draw_points(f, i);
	if (f->direct)
		draw_names(f);
	for (size_t i = 0; i < f->c->nseries; i++)
		draw_targets(f, i);
}

// SPDX-License-Identifier: MIT
/*
 * Scatter plots: points with their names, and the front that joins those no other one beats.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "report/labels.h"
#include "report/palette.h"
#include "report/svg_frame.h"
#include "report/xml.h"

#define RADIUS 5.0
#define FRONT  0u /* colours of the palette */
#define OTHER  7u
#define LINE   1.1 /* of a label, in sizes of its text */

#define CLOSE (1.6 * RADIUS) /* dots that cover each other have one label */

/* A point with the series it is of. */
struct dot {
	const struct chart_series *series;
	const struct chart_point *point;
	double x, y;
	size_t label; /* shared with others in the same place: a line of it for each, in order */
};

static size_t count_dots(const struct chart *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nseries; i++)
		for (size_t k = 0; k < c->series[i].npoints; k++)
			n += c->series[i].points[k].has_y;
	return n;
}

/* From the left, and there from the top; of equals the earlier series first. */
static bool comes_before(struct dot a, struct dot b)
{
	if (a.point->x != b.point->x)
		return a.point->x < b.point->x;
	return a.point->y > b.point->y;
}

static void collect(const struct chart *c, struct dot *dots)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nseries; i++) {
		for (size_t k = 0; k < c->series[i].npoints; k++) {
			struct dot d = {.series = &c->series[i], .point = &c->series[i].points[k]};
			size_t at = n;

			if (!d.point->has_y)
				continue;
			for (; at && comes_before(d, dots[at - 1]); at--)
				dots[at] = dots[at - 1];
			dots[at] = d;
			n++;
		}
	}
}

/* Steps, not a slope: what lies between two of them can not be had. */
static void draw_front(const struct svg_frame *f, const struct dot *dots, size_t n)
{
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		const double x = svg_x(f, dots[i].point->x), y = svg_y(f, dots[i].point->y);

		if (!dots[i].series->front)
			continue;
		if (begun)
			fprintf(f->out, "H%.1fV%.1f", x, y);
		else
			fprintf(f->out,
				"<path class=\"v-s%u\" fill=\"none\" stroke=\"%s\" "
				"stroke-width=\"1.6\" stroke-opacity=\"0.6\" d=\"M%.1f %.1f",
				FRONT, palette_light(FRONT), x, y);
		begun = true;
	}
	if (begun)
		fputs("\"/>\n", f->out);
}

/* Told apart by being filled as well as by colour. */
static void draw_dot(const struct svg_frame *f, bool front, double x, double y)
{
	const unsigned colour = front ? FRONT : OTHER;
	char filled[16];

	snprintf(filled, sizeof(filled), "v-f%u", colour);
	fprintf(f->out,
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" stroke-width=\"1.6\" class=\"v-s%u "
		"%s\" "
		"stroke=\"%s\" fill=\"%s\"/>\n",
		x, y, RADIUS - 0.8, colour, front ? filled : "v-paper", palette_light(colour),
		front ? palette_light(colour) : PALETTE_PAPER);
}

static void draw_leader(const struct svg_frame *f, const struct label *l)
{
	double x, y;

	if (!l->apart)
		return;
	labels_end(l, &x, &y);
	fprintf(f->out,
		"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"v-axis\" "
		"stroke=\"%s\" stroke-width=\"0.8\"/>\n",
		l->x, l->y, x, y, PALETTE_AXIS);
}

/* The next free line of a label from @bottom on. */
static void draw_name(const struct svg_frame *f, const struct dot *d, const struct label *l,
		      double bottom, double size)
{
	svg_link_open(f, d->point->run);
	svg_text(f, (l->box.left + l->box.right) / 2, bottom - size * 0.25, "middle", size,
		 d->series->front ? "v-ink" : "v-mut", d->series->name);
	svg_link_close(f, d->point->run);
}

static void draw_labels(const struct svg_frame *f, const struct dot *dots, size_t n,
			const struct label *labels, double size)
{
	for (size_t i = 0; i < n; i++) {
		const struct label *l = &labels[dots[i].label];
		size_t line = 1;

		for (size_t k = 0; k < i; k++)
			line += dots[k].label == dots[i].label;
		if (line == 1)
			draw_leader(f, l);
		draw_name(f, &dots[i], l, l->box.top + (double)line * size * LINE, size);
	}
}

static void draw_target(const struct svg_frame *f, const struct dot *d)
{
	svg_link_open(f, d->point->run);
	fprintf(f->out,
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"8\" fill=\"none\" "
		"pointer-events=\"all\"><title>",
		d->x, d->y);
	xml_text(f->out, d->series->name);
	fprintf(f->out, ": %s, %s%s</title></circle>", chart_x_text(f->c, d->point->x).text,
		chart_y_text(f->c, d->point->y).text,
		d->series->front ? " (on the Pareto front)" : "");
	svg_link_close(f, d->point->run);
	fputc('\n', f->out);
}

/* What labels keep off besides the points that they are of: other points, the front's steps. */
static size_t obstacles(const struct dot *dots, size_t n, struct label_box *boxes)
{
	const struct dot *last = NULL;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		const struct dot *d = &dots[i];

		boxes[used++] = (struct label_box){d->x - RADIUS, d->y - RADIUS, d->x + RADIUS,
						   d->y + RADIUS};
		if (!d->series->front)
			continue;
		if (last) {
			boxes[used++] = (struct label_box){last->x, last->y, d->x, last->y};
			boxes[used++] = (struct label_box){d->x, last->y, d->x, d->y};
		}
		last = d;
	}
	return used;
}

/* Labels of the dots, one for all that lie in one place; how many. */
static size_t gather(const struct svg_frame *f, struct dot *dots, size_t n, double size,
		     struct label *labels)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct dot *d = &dots[i];
		const double width = svg_text_width(d->series->name, size);
		size_t at = 0;

		d->x = svg_x(f, d->point->x);
		d->y = svg_y(f, d->point->y);
		while (at < used &&
		       (fabs(labels[at].x - d->x) > CLOSE || fabs(labels[at].y - d->y) > CLOSE))
			at++;
		if (at == used)
			labels[used++] = (struct label){.x = d->x, .y = d->y};
		d->label = at;
		labels[at].width = fmax(labels[at].width, width);
		labels[at].height += size * LINE;
	}
	return used;
}

static int place(const struct svg_frame *f, struct dot *dots, size_t n, double size,
		 struct label *labels)
{
	struct label_box *boxes = calloc(3 * n + 1, sizeof(*boxes));
	struct label_ground ground = {.plot = {f->left + 2, f->top, f->right, f->bottom - 2},
				      .radius = RADIUS,
				      .thing = boxes};
	size_t used;

	if (!boxes)
		return -ENOMEM;
	used = gather(f, dots, n, size, labels);
	ground.things = obstacles(dots, n, boxes);
	/* One that finds no place overlaps; its tooltip and the table still say what it is. */
	if (!labels_place(labels, used, &ground)) {
		ground.things = 0;
		(void)labels_place(labels, used, &ground);
	}
	free(boxes);
	return 0;
}

int svg_scatter_draw(const struct svg_frame *f)
{
	const size_t n = count_dots(f->c);
	const double size = f->o->width < 480 ? SVG_SMALL : SVG_FONT;
	struct dot *dots = calloc(n + 1, sizeof(*dots));
	struct label *labels = calloc(n + 1, sizeof(*labels));
	int ret = dots && labels ? 0 : -ENOMEM;

	if (!ret)
		collect(f->c, dots);
	if (!ret)
		ret = place(f, dots, n, size, labels);
	if (!ret && n) {
		svg_axis_x(f);
		draw_front(f, dots, n);
		draw_labels(f, dots, n, labels, size);
		for (size_t i = 0; i < 2 * n; i++) /* the front before the others */
			if (dots[i % n].series->front == (i >= n))
				draw_dot(f, i >= n, dots[i % n].x, dots[i % n].y);
		for (size_t i = 0; i < n; i++)
			draw_target(f, &dots[i]);
	}
	free(labels);
	free(dots);
	return ret;
}

double svg_scatter_legend(const struct svg_frame *f, double y, bool draw)
{
	static const char *const words[] = {"on the Pareto front", "others"};
	double x = 16;

	for (int i = 0; i < 2 && draw; i++) {
		draw_dot(f, i == 0, x, y + 10);
		svg_text(f, x + 12, y + 14, "start", SVG_FONT, "v-ink", words[i]);
		x += svg_text_width(words[i], SVG_FONT) + 32;
	}
	return 24;
}

// SPDX-License-Identifier: MIT
/*
 * Scatter plots: points with their names, and the front that joins those no other one beats.
 */
#include <errno.h>
#include <stdlib.h>

#include "report/labels.h"
#include "report/palette.h"
#include "report/svg_frame.h"
#include "report/xml.h"

#define RADIUS 5.0
#define FRONT  0u /* colours of the palette */
#define OTHER  7u

/* A point with the series it is of. */
struct dot {
	const struct chart_series *series;
	const struct chart_point *point;
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
			struct dot d = {&c->series[i], &c->series[i].points[k]};
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

static void draw_label(const struct svg_frame *f, const struct dot *d, const struct label *l,
		       double size)
{
	double x, y;

	if (l->apart) {
		labels_end(l, &x, &y);
		fprintf(f->out,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"v-axis\" "
			"stroke=\"%s\" stroke-width=\"0.8\"/>\n",
			l->x, l->y, x, y, PALETTE_AXIS);
	}
	svg_link_open(f, d->point->run);
	svg_text(f, (l->box.left + l->box.right) / 2, l->box.bottom - size * 0.25, "middle", size,
		 d->series->front ? "v-ink" : "v-mut", d->series->name);
	svg_link_close(f, d->point->run);
}

static void draw_target(const struct svg_frame *f, const struct dot *d, const struct label *l)
{
	svg_link_open(f, d->point->run);
	fprintf(f->out,
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"8\" fill=\"none\" "
		"pointer-events=\"all\"><title>",
		l->x, l->y);
	xml_text(f->out, d->series->name);
	fprintf(f->out, ": %s, %s%s</title></circle>", chart_x_text(f->c, d->point->x).text,
		chart_y_text(f->c, d->point->y).text,
		d->series->front ? " (on the Pareto front)" : "");
	svg_link_close(f, d->point->run);
	fputc('\n', f->out);
}

/* The steps of the front as thin boxes, for labels to keep off. */
static size_t front_boxes(const struct dot *dots, size_t n, const struct label *at,
			  struct label_box *boxes)
{
	const struct label *last = NULL;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		const struct label *next = &at[i];

		if (!dots[i].series->front)
			continue;
		if (last) {
			boxes[used++] = (struct label_box){last->x, last->y, next->x, last->y};
			boxes[used++] = (struct label_box){next->x, last->y, next->x, next->y};
		}
		last = next;
	}
	return used;
}

static int place(const struct svg_frame *f, const struct dot *dots, size_t n, double size,
		 struct label *labels)
{
	struct label_box *steps = calloc(2 * n + 1, sizeof(*steps));
	struct label_ground ground = {.plot = {f->left + 2, f->top, f->right, f->bottom - 2},
				      .radius = RADIUS,
				      .thing = steps};

	if (!steps)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		labels[i] = (struct label){.x = svg_x(f, dots[i].point->x),
					   .y = svg_y(f, dots[i].point->y),
					   .width = svg_text_width(dots[i].series->name, size),
					   .height = size * 1.1};
	ground.things = front_boxes(dots, n, labels, steps);
	/* One that finds no place overlaps; its tooltip and the table still say what it is. */
	if (!labels_place(labels, n, &ground)) {
		ground.things = 0;
		(void)labels_place(labels, n, &ground);
	}
	free(steps);
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
		for (size_t i = 0; i < n; i++)
			draw_label(f, &dots[i], &labels[i], size);
		for (size_t i = 0; i < 2 * n; i++) /* the front before the others */
			if (dots[i % n].series->front == (i >= n))
				draw_dot(f, i >= n, labels[i % n].x, labels[i % n].y);
		for (size_t i = 0; i < n; i++)
			draw_target(f, &dots[i], &labels[i]);
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

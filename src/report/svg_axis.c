// SPDX-License-Identifier: MIT
/*
 * Axes of figures: round tick steps, grid lines, labels, and the legend above the plot.
 */
#include <math.h>
#include <string.h>

#include "report/palette.h"
#include "report/svg_frame.h"

#define THIN_SPACE "\xe2\x80\x89"
#define LEGEND_ROW 20.0

double svg_nice_step(double raw)
{
	double power = pow(10, floor(log10(raw))), m = raw / power;

	return (m <= 1.0001 ? 1 : m <= 2.0001 ? 2 : m <= 5.0001 ? 5 : 10) * power;
}

/* Of 2, 16 or 256 from tick to tick: powers that byte counts have round names for. */
static void scale_log2(struct svg_frame *f, double low, double high)
{
	static const double steps[] = {1, 4, 8};
	const double most = f->o->height < 340 ? 5 : 7;
	size_t i = 0;

	low = low > 0 ? log2(low) : 0;
	high = high > 0 ? log2(high) : low + 1;
	while (i < 2 && (high - low) / steps[i] > most)
		i++;
	f->y_step = steps[i];
	/* Room below the lowest point, for its name. */
	f->y_low = floor(low / f->y_step - 0.25) * f->y_step;
	f->y_high = ceil(high / f->y_step) * f->y_step;
	if (!(f->y_high > f->y_low))
		f->y_high = f->y_low + f->y_step;
}

void svg_scale_y(struct svg_frame *f)
{
	double low = f->c->y_low, high = f->c->y_high;

	if (f->c->log2_y) {
		scale_log2(f, low, high);
		return;
	}
	if (!(high > low))
		high = low + (low == 0 ? 1 : fabs(low));
	f->y_step = svg_nice_step((high - low) / (f->o->height < 340 ? 5 : 6));
	f->y_low = floor(low / f->y_step + 1e-9) * f->y_step;
	f->y_high = ceil(high / f->y_step - 1e-9) * f->y_step;
}

/* Where the scale has @value. */
static double on_scale(const struct svg_frame *f, double value)
{
	const double bottom = f->bottom - (f->c->zero_y ? SVG_ZERO_BAND : 0);

	return bottom - (value - f->y_low) / (f->y_high - f->y_low) * (bottom - f->top);
}

double svg_y(const struct svg_frame *f, double y)
{
	if (!f->c->log2_y)
		return on_scale(f, y);
	return y > 0 ? on_scale(f, log2(y)) : f->bottom - SVG_ZERO_BAND / 2;
}

struct number_text svg_tick_text(const struct svg_frame *f, double value)
{
	double step = log10(f->y_step);
	int decimals = step < 0 ? (int)ceil(-step - 1e-9) : 0;
	struct number_text plain = number_fixed(value, decimals), n = {""};
	size_t digits = strspn(plain.text, "-0123456789"), to = 0;

	if (f->c->log2_y)
		return chart_y_text(f->c, exp2(value));
	/* Four digits read well unbroken; from five on they are grouped. */
	if (fabs(value) < 9999.5 || decimals || digits > 16)
		return plain;
	for (size_t i = 0; i < digits; i++) {
		if (i && plain.text[i - 1] != '-' && (digits - i) % 3 == 0) {
			memcpy(n.text + to, THIN_SPACE, 3);
			to += 3;
		}
		n.text[to++] = plain.text[i];
	}
	n.text[to] = 0;
	return n;
}

static void level_line(const struct svg_frame *f, double y, const char *class_name,
		       const char *colour)
{
	fprintf(f->out,
		"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\" "
		"stroke=\"%s\"/>\n",
		f->left, y, f->right, y, class_name, colour);
}

void svg_axis_y(const struct svg_frame *f)
{
	int steps = (int)lround((f->y_high - f->y_low) / f->y_step);

	for (int i = 0; i <= steps; i++) {
		double value = f->y_low + i * f->y_step, y = on_scale(f, value);

		level_line(f, y, "v-grid", PALETTE_GRID);
		svg_text(f, f->left - 7, y + 4, "end", SVG_FONT, "v-mut",
			 svg_tick_text(f, value).text);
	}
	if (f->c->log2_y)
		level_line(f, f->bottom, "v-axis", PALETTE_AXIS);
	else
		level_line(f, svg_y(f, f->y_low > 0 ? f->y_low : 0), "v-axis", PALETTE_AXIS);
	if (f->c->zero_y)
		svg_text(f, f->left - 7, svg_y(f, 0) + 4, "end", SVG_FONT, "v-mut", "0");
	if (*f->c->y_label)
		svg_text(f,
			 f->left - 7 - svg_text_width(svg_tick_text(f, f->y_high).text, SVG_FONT),
			 f->top - 14, "start", SVG_FONT, "v-ink", f->c->y_label);
}

void svg_axis_x_title(const struct svg_frame *f)
{
	if (*f->c->x_label)
		svg_text(f, (f->left + f->right) / 2, f->o->height - 7.0, "middle", SVG_FONT,
			 "v-ink", f->c->x_label);
}

/* ---- legend ---- */

static void swatch(const struct svg_frame *f, size_t n, double x, double y)
{
	unsigned colour = f->c->bars ? palette_category(f->names[n], n) : palette_line(n);

	if (f->c->bars) {
		fprintf(f->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"11\" height=\"11\" rx=\"1.5\" "
			"class=\"v-f%u\" fill=\"%s\"/>\n",
			x + 3, y - 10, colour, palette_light(colour));
		return;
	}
	fprintf(f->out,
		"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke-width=\"2\" "
		"class=\"v-s%u\" stroke=\"%s\"/>\n",
		x, y - 4, x + 22, y - 4, colour, palette_light(colour));
	svg_marker(f, n, x + 11, y - 4);
}

/* "left bar: off, right bar: on", where the bars are too thin to carry their names. */
static void bar_key(const struct svg_frame *f, char *text, size_t room)
{
	size_t used = (size_t)snprintf(text, room, "bars, left to right:");

	for (size_t i = 0; i < f->nbars && used < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s %s", i ? "," : "",
					 f->bars[i]);
}

double svg_legend(const struct svg_frame *f, double y, bool draw)
{
	size_t n = f->c->bars ? f->nnames : f->c->nseries;
	double x = 8, lead = f->c->bars ? 20 : 28, rows = 0;

	if (f->direct)
		return 0;
	if (f->c->scatter)
		return svg_scatter_legend(f, y, draw);
	for (size_t i = 0; i < n; i++) {
		const char *name = f->c->bars ? f->names[i] : f->c->series[i].name;
		double w = lead + svg_text_width(name, SVG_FONT) + 12;

		if (f->c->bars && !svg_bars_used(f, name))
			continue;
		if (rows == 0 || x + w > f->o->width) {
			rows++;
			x = 8;
		}
		if (draw) {
			swatch(f, i, x, y + rows * LEGEND_ROW - 6);
			svg_text(f, x + lead, y + rows * LEGEND_ROW - 6, "start", SVG_FONT, "v-ink",
				 name);
		}
		x += w;
	}
	if (f->c->bars && f->nbars > 1 && !f->bar_names) {
		char text[256];

		rows++;
		bar_key(f, text, sizeof(text));
		if (draw)
			svg_text(f, 11, y + rows * LEGEND_ROW - 6, "start", SVG_FONT, "v-mut",
				 text);
	}
	return rows * LEGEND_ROW + (rows > 0 ? 4 : 0);
}

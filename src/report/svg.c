// SPDX-License-Identifier: MIT
/*
 * A figure's frame: root element, accessible name and description, title, legend and layout.
 */
#include "report/svg.h"

#include <errno.h>
#include <string.h>

#include "report/palette.h"
#include "report/svg_frame.h"
#include "report/utf8.h"
#include "report/xml.h"

#define FONTS "'Helvetica Neue',Arial,'Liberation Sans',system-ui,sans-serif"

double svg_text_width(const char *s, double size)
{
	/* Advance widths of Arial by kind of letter, in em, rounded up. */
	static const char thin[] = " iljtfrI.,:;'|!()[]-", thick[] = "mwMW%@";
	double em = 0;
	uint32_t cp;
	size_t n;

	for (; (n = utf8_next(s, &cp)) != 0; s += n) {
		if (cp < 0x80 && strchr(thin, (int)cp))
			em += 0.34;
		else if (cp < 0x80 && strchr(thick, (int)cp))
			em += 0.9;
		else if (cp >= 'A' && cp <= 'Z')
			em += 0.73;
		else
			em += 0.58 * utf8_width(cp);
	}
	return em * size;
}

void svg_text(const struct svg_frame *f, double x, double y, const char *anchor, double size,
	      const char *colour_class, const char *text)
{
	fprintf(f->out,
		"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%.4g\" class=\"%s\" "
		"fill=\"%s\">",
		x, y, anchor, size, colour_class,
		strcmp(colour_class, "v-ink") == 0 ? PALETTE_INK : PALETTE_MUTED);
	xml_text(f->out, text);
	fputs("</text>\n", f->out);
}

void svg_link_open(const struct svg_frame *f, const char *run)
{
	if (f->o->standalone || !*run)
		return;
	/* Reached by pointer only: the page's data table has the same links for the keyboard. */
	fputs("<a tabindex=\"-1\" href=\"#run-", f->out);
	xml_id(f->out, run);
	fputs("\">", f->out);
}

void svg_link_close(const struct svg_frame *f, const char *run)
{
	if (!f->o->standalone && *run)
		fputs("</a>", f->out);
}

void svg_tooltip(const struct svg_frame *f, const struct chart_series *s,
		 const struct chart_point *p)
{
	fputs("<title>", f->out);
	if (*s->bar) {
		xml_text(f->out, s->bar);
		fputs(", ", f->out);
	}
	xml_text(f->out, s->name);
	fprintf(f->out, ", %s: %s ", chart_x_text(f->c, p->x).text, number_human(p->y).text);
	xml_text(f->out, f->c->y_label);
	if (p->has_range)
		fprintf(f->out, " (%s to %s)", number_human(p->low).text,
			number_human(p->high).text);
	fputs("</title>", f->out);
}

/* Direct labels need room at the right and few enough lines that they can be kept apart. */
static void layout_right(struct svg_frame *f)
{
	double widest = 0;

	for (size_t i = 0; i < f->c->nseries; i++) {
		double w = svg_text_width(f->c->series[i].name, SVG_FONT);

		if (w > widest)
			widest = w;
	}
	f->direct = !f->c->bars && !f->c->scatter && f->o->width >= 520 && f->c->nseries <= 6 &&
		    widest <= f->o->width * 0.25;
	f->right = f->o->width - (f->direct ? widest + 24 : 16);
}

static void layout(struct svg_frame *f)
{
	double widest = 0;

	svg_scale_y(f);
	for (double y = f->y_low; y <= f->y_high + f->y_step / 2; y += f->y_step) {
		double w = svg_text_width(svg_tick_text(f, y).text, SVG_FONT);

		if (w > widest)
			widest = w;
	}
	f->left = widest + 12;
	layout_right(f);
	svg_bars_layout(f);
	f->top = f->o->standalone && *f->c->title ? 40 : 6;
	f->top += svg_legend(f, 0, false);
	f->top += *f->c->y_label ? 26 : 10;
	f->bottom = f->o->height - 24 - (*f->c->x_label ? 20 : 0) - (f->bar_names ? 13 : 0);
}

static void describe(const struct svg_frame *f)
{
	fputs("<title id=\"", f->out);
	xml_id(f->out, f->o->id_prefix);
	fputs("t\">", f->out);
	xml_text(f->out, *f->c->title ? f->c->title : "Figure");
	fputs("</title>\n<desc id=\"", f->out);
	xml_id(f->out, f->o->id_prefix);
	fputs("d\">", f->out);
	xml_text(f->out, f->c->y_label);
	fputs(" against ", f->out);
	xml_text(f->out, f->c->x_label);
	fprintf(f->out, ", %zu series. ", f->c->nseries);
	xml_text(f->out, f->c->note);
	fputs("</desc>\n", f->out);
}

static void open_root(const struct svg_frame *f)
{
	const struct svg_options *o = f->o;

	if (o->standalone)
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", f->out);
	fprintf(f->out, "<svg%s viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" role=\"img\" ",
		o->standalone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "", o->width, o->height,
		o->width, o->height);
	fputs("aria-labelledby=\"", f->out);
	xml_id(f->out, o->id_prefix);
	fputs("t\" aria-describedby=\"", f->out);
	xml_id(f->out, o->id_prefix);
	fputs("d\" font-family=\"" FONTS "\">\n", f->out);
	describe(f);
	if (!o->standalone)
		return;
	fputs("<style>", f->out);
	palette_dark_css(f->out);
	fprintf(f->out,
		"</style>\n<rect class=\"v-paper\" width=\"%u\" height=\"%u\" fill=\"%s\"/>\n",
		o->width, o->height, PALETTE_PAPER);
	if (*f->c->title) {
		fprintf(f->out,
			"<text x=\"8\" y=\"24\" font-size=\"15\" font-weight=\"600\" "
			"class=\"v-ink\" fill=\"%s\">",
			PALETTE_INK);
		xml_text(f->out, f->c->title);
		fputs("</text>\n", f->out);
	}
}

int svg_chart(FILE *out, const struct chart *c, const struct svg_options *options, struct err *err)
{
	struct svg_frame f = {.out = out, .c = c, .o = options};
	int ret = 0;

	if (options->width < 320 || options->width > 4000 || options->height < 200 ||
	    options->height > 4000)
		return err_set(err, -EINVAL, "figure %s: %u x %u is no size for a figure", c->id,
			       options->width, options->height);
	f.nnames = chart_names(c, f.names, SVG_MAX_NAMES);
	f.nbars = chart_bars(c, f.bars, SVG_MAX_NAMES);
	if (c->bars && (f.nnames == SVG_MAX_NAMES || f.nbars == SVG_MAX_NAMES))
		return err_set(err, -EINVAL, "figure %s: %u categories or bars or more", c->id,
			       SVG_MAX_NAMES);
	layout(&f);
	open_root(&f);
	svg_legend(&f, options->standalone && *c->title ? 40 : 6, true);
	svg_axis_y(&f);
	if (c->bars)
		svg_bars_draw(&f);
	else if (c->scatter)
		ret = svg_scatter_draw(&f);
	else
		svg_line_draw(&f);
	svg_axis_x_title(&f);
	fputs("</svg>\n", out);
	return ret ? ret : ferror(out) ? -EIO : 0;
}

struct svg_options svg_size(const struct chart *c, bool wide)
{
	const bool full = c->bars || c->scatter;
	struct svg_options o = {.width = 360, .height = full ? 400 : 300, .id_prefix = ""};

	if (wide) {
		o.width = full ? 960 : 640;
		o.height = full ? 440 : 380;
	}
	return o;
}

int report_figure_svg(FILE *out, const json_t *figure, struct err *err)
{
	struct svg_options o;
	struct chart *c;
	int ret = chart_read(&c, figure, err);

	if (ret)
		return ret;
	o = svg_size(c, true);
	o.standalone = true;
	o.height += *c->title ? 34 : 0;
	ret = svg_chart(out, c, &o, err);
	chart_free(c);
	return ret;
}

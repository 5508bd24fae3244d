// SPDX-License-Identifier: MIT
/*
 * The figures of the page: each as a drawing for wide and one for narrow screens (the style
 * sheet shows one), a caption, and its data as a table whose numbers link to their runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/grid.h"
#include "report/page_parts.h"
#include "report/run_text.h"
#include "report/study_write.h"
#include "report/svg.h"
#include "report/xml.h"

static int drawing(FILE *out, const struct chart *c, bool wide, struct err *err)
{
	struct svg_options o = svg_size(c, wide);
	char *prefix = NULL;
	int ret;

	if (asprintf(&prefix, "fig-%s-%c", c->id, wide ? 'w' : 'n') < 0)
		return -ENOMEM;
	o.id_prefix = prefix;
	fprintf(out, "<div class=\"%s\">", wide ? "wide" : "narrow");
	ret = svg_chart(out, c, &o, err);
	fputs("</div>\n", out);
	free(prefix);
	return ret;
}

static void data_cell(FILE *out, const struct grid *g, size_t i)
{
	const struct grid_cell *cell = &g->cells[i];
	bool left = i % g->ncolumns && i % g->ncolumns < g->left;

	fprintf(out, left ? "<td>" : "<td class=\"n\">");
	if (*cell->run) {
		fputs("<a href=\"#run-", out);
		xml_id(out, cell->run);
		fputs("\">", out);
	}
	xml_text(out, cell->text);
	fputs(*cell->run ? "</a></td>" : "</td>", out);
}

static int data_table(FILE *out, const struct chart *c)
{
	struct grid *g;
	int ret = grid_of_chart(&g, c);

	if (ret)
		return ret;
	fputs("<div class=\"scroll\"><table><thead><tr>", out);
	for (size_t i = 0; i < g->ncolumns; i++) {
		fprintf(out,
			i && i < g->left ? "<th scope=\"col\">" : "<th scope=\"col\" class=\"n\">");
		xml_text(out, g->titles[i]);
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < g->nrows * g->ncolumns; i++) {
		fputs(i % g->ncolumns ? "" : "<tr>", out);
		data_cell(out, g, i);
		fputs((i + 1) % g->ncolumns ? "" : "</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
	grid_free(g);
	return 0;
}

static int data(FILE *out, const struct chart *c)
{
	char *name = study_file_name("figure", c->id, "");
	int ret;

	if (!name)
		return -ENOMEM;
	fputs("<details class=\"data\"><summary>Data</summary>\n<p class=\"note\">", out);
	xml_text(out, c->y_label);
	fputs(*c->y_label ? ". As files: " : "As files: ", out);
	fprintf(out, "<a href=\"%s.csv\">%s.csv</a>, <a href=\"%s.svg\">%s.svg</a></p>\n", name,
		name, name, name);
	ret = data_table(out, c);
	fputs("</details>\n", out);
	free(name);
	return ret;
}

static void caption(FILE *out, const struct chart *c)
{
	fputs("<figcaption><h3>", out);
	if (*c->id >= '0' && *c->id <= '9') {
		fputs("Figure ", out);
		xml_text(out, c->id);
		fputs(*c->title ? ". " : "", out);
	}
	xml_text(out, c->title);
	fputs("</h3></figcaption>\n", out);
}

/* What makes the figure, if it says so. */
static int command(FILE *out, const json_t *figure)
{
	char *text;

	if (!json_array_size(json_object_get(figure, "command")))
		return 0;
	text = run_command(figure);
	if (!text)
		return -ENOMEM;
	fputs("<pre class=\"command\">", out);
	xml_text(out, text);
	fputs("</pre>\n", out);
	free(text);
	return 0;
}

int page_figure(FILE *out, const json_t *json, struct err *err)
{
	struct chart *c;
	int ret = chart_read(&c, json, err);

	if (ret)
		return ret;
	fprintf(out, "<figure%s>\n", c->bars || c->scatter ? " class=\"full\"" : "");
	caption(out, c);
	ret = drawing(out, c, true, err);
	if (!ret)
		ret = drawing(out, c, false, err);
	page_paragraph(out, "note", c->note);
	if (!ret)
		ret = command(out, json);
	if (!ret)
		ret = data(out, c);
	fputs("</figure>\n", out);
	chart_free(c);
	return ret;
}

int page_figures(FILE *out, const json_t *study, struct err *err)
{
	const json_t *figures = json_object_get(study, "figures");
	int ret = 0;

	if (json_array_size(figures) == 0)
		return 0;
	fputs("<section id=\"figures\">\n<h2>Figures</h2>\n<div class=\"figures\">\n", out);
	for (size_t i = 0; i < json_array_size(figures) && !ret; i++)
		ret = page_figure(out, json_array_get(figures, i), err);
	fputs("</div>\n</section>\n", out);
	return ret;
}

// SPDX-License-Identifier: MIT
/*
 * The sections of the page that a study has of its own: a heading, what to take from it, tables,
 * figures each with its table below, and parts made likewise.
 */
#include "report/number.h"
#include "report/page_parts.h"
#include "report/xml.h"

#define DEPTH 4u /* as report/sections.c goes */

static void heading(FILE *out, const json_t *section, unsigned depth)
{
	fprintf(out, "<section id=\"");
	xml_id(out, text_member(section, "id"));
	fprintf(out, "\">\n<h%u>", depth + 2);
	xml_text(out, text_member(section, "title"));
	fprintf(out, "</h%u>\n", depth + 2);
}

static int content(FILE *out, const json_t *section, struct err *err)
{
	const json_t *figures = json_object_get(section, "figures");
	const json_t *tables = json_object_get(section, "tables");
	const json_t *words = json_object_get(section, "words");
	int ret = 0;

	for (size_t i = 0; i < json_array_size(words); i++)
		if (json_is_string(json_array_get(words, i)))
			page_paragraph(out, "text", json_string_value(json_array_get(words, i)));
	for (size_t i = 0; i < json_array_size(figures) && !ret; i++)
		ret = page_figure(out, json_array_get(figures, i), err);
	for (size_t i = 0; i < json_array_size(tables) && !ret; i++)
		ret = page_table(out, json_array_get(tables, i));
	return ret;
}

static int one(FILE *out, const json_t *section, unsigned depth, struct err *err)
{
	const json_t *parts = json_object_get(section, "parts");
	int ret;

	heading(out, section, depth);
	ret = content(out, section, err);
	for (size_t i = 0; depth + 1 < DEPTH && i < json_array_size(parts) && !ret; i++)
		ret = one(out, json_array_get(parts, i), depth + 1, err);
	fputs("</section>\n", out);
	return ret;
}

int page_sections(FILE *out, const json_t *study, struct err *err)
{
	const json_t *sections = json_object_get(study, "sections");
	int ret = 0;

	for (size_t i = 0; i < json_array_size(sections) && !ret; i++)
		ret = one(out, json_array_get(sections, i), 0, err);
	return ret;
}

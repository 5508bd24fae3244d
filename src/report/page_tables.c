// SPDX-License-Identifier: MIT
/*
 * The claims and the tables of the page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/flat.h"
#include "report/number.h"
#include "report/page_parts.h"
#include "report/study_write.h"
#include "report/xml.h"

const char *page_verdict_class(const char *verdict)
{
	if (strcmp(verdict, "holds") == 0)
		return "good";
	if (strcmp(verdict, "does not hold") == 0)
		return "bad";
	return strcmp(verdict, "reported") == 0 ? "info" : "open";
}

static void small(FILE *out, const char *text)
{
	if (!*text)
		return;
	fputs("<small>", out);
	xml_text(out, text);
	fputs("</small>", out);
}

static void cell(FILE *out, const char *heading, const char *text)
{
	fprintf(out, "<td data-h=\"%s\">", heading);
	xml_text(out, text);
	fputs("</td>", out);
}

static void claim(FILE *out, const json_t *json)
{
	const char *verdict = text_member(json, "verdict");
	const char *measured = text_member(json, "measured");

	fputs("<tr id=\"claim-", out);
	xml_id(out, text_member(json, "id"));
	fputs("\"><td><strong>", out);
	xml_text(out, text_member(json, "id"));
	fputs("</strong></td><td>", out);
	xml_text(out, text_member(json, "text"));
	small(out, text_member(json, "source"));
	if (*text_member(json, "published"))
		fputs("<small>Published: </small>", out);
	small(out, text_member(json, "published"));
	fputs("</td>", out);
	cell(out, "Rule", text_member(json, "rule"));
	fputs(*measured ? "<td data-h=\"Measured\">" : "<td>", out);
	xml_text(out, measured);
	small(out, text_member(json, "why"));
	small(out, text_member(json, "note"));
	fprintf(out, "</td><td><span class=\"badge %s\">", page_verdict_class(verdict));
	xml_text(out, *verdict ? verdict : "no verdict");
	fputs("</span></td></tr>\n", out);
}

int page_claims(FILE *out, const json_t *study, struct err *err)
{
	const json_t *claims = json_object_get(study, "claims");

	(void)err;
	if (json_array_size(claims) == 0)
		return 0;
	fputs("<section id=\"claims\">\n<h2>Claims</h2>\n<table class=\"claims\"><thead><tr>"
	      "<th scope=\"col\">Id</th><th scope=\"col\">Claim</th><th scope=\"col\">Rule</th>"
	      "<th scope=\"col\">Measured</th><th "
	      "scope=\"col\">Verdict</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = 0; i < json_array_size(claims); i++)
		claim(out, json_array_get(claims, i));
	fputs("</tbody></table>\n<p class=\"note\">As a file: <a href=\"claims.csv\">claims.csv</a>"
	      "</p>\n</section>\n",
	      out);
	return 0;
}

/* ---- tables ---- */

static bool is_right(const json_t *columns, size_t i)
{
	return strcmp(text_member(json_array_get(columns, i), "align"), "right") == 0;
}

static void table_head(FILE *out, const json_t *columns)
{
	fputs("<thead><tr>", out);
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const json_t *column = json_array_get(columns, i);

		fprintf(out, "<th scope=\"col\"%s>", is_right(columns, i) ? " class=\"n\"" : "");
		xml_text(out, text_member(column, "name"));
		small(out, column_unit(column));
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n", out);
}

static int table_rows(FILE *out, const json_t *columns, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		fputs("<tr>", out);
		for (size_t k = 0; k < json_array_size(columns); k++) {
			const json_t *value = json_array_get(json_array_get(rows, i), k);
			char *text = value && !json_is_null(value) ? flat_text(value) : strdup("");

			if (!text)
				return -ENOMEM;
			fprintf(out, "<td%s>", is_right(columns, k) ? " class=\"n\"" : "");
			xml_text(out, text);
			fputs("</td>", out);
			free(text);
		}
		fputs("</tr>\n", out);
	}
	return 0;
}

int page_table(FILE *out, const json_t *json)
{
	const json_t *columns = json_object_get(json, "columns");
	char *name = study_file_name("table", text_member(json, "id"), ".csv");
	int ret;

	if (!name)
		return -ENOMEM;
	fputs("<h3>", out);
	xml_text(out, text_member(json, "title"));
	fputs("</h3>\n<div class=\"scroll\"><table>", out);
	table_head(out, columns);
	fputs("<tbody>\n", out);
	ret = table_rows(out, columns, json_object_get(json, "rows"));
	fputs("</tbody></table></div>\n", out);
	page_paragraph(out, "note", text_member(json, "note"));
	fprintf(out, "<p class=\"note\">As a file: <a href=\"%s\">%s</a></p>\n", name, name);
	free(name);
	return ret;
}

int page_tables(FILE *out, const json_t *study, struct err *err)
{
	const json_t *tables = json_object_get(study, "tables");
	int ret = 0;

	(void)err;
	if (json_array_size(tables) == 0)
		return 0;
	fputs("<section id=\"tables\">\n<h2>Tables</h2>\n", out);
	for (size_t i = 0; i < json_array_size(tables) && !ret; i++)
		ret = page_table(out, json_array_get(tables, i));
	fputs("</section>\n", out);
	return ret;
}

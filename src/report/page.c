// SPDX-License-Identifier: MIT
/*
 * The page's frame: head, heading, facts of the study, tally of verdicts, contents, footer.
 */
#include "report/page.h"

#include <errno.h>
#include <string.h>

#include "report/claims.h"
#include "report/number.h"
#include "report/page_parts.h"
#include "report/study_text.h"
#include "report/xml.h"

void page_paragraph(FILE *out, const char *class_name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "<p class=\"%s\">", class_name);
	xml_text(out, text);
	fputs("</p>\n", out);
}

static const char *title_of(const json_t *study)
{
	const char *title = text_member(study, "title");

	return *title ? title : text_member(study, "study");
}

static void head(FILE *out, const json_t *study)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<meta name=\"generator\" content=\"iotoll ",
	      out);
	xml_text(out, text_member(study, "version"));
	fputs("\">\n<title>", out);
	xml_text(out, title_of(study));
	fputs("</title>\n", out);
	page_css(out);
	fputs("</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the results</a>\n",
	      out);
}

/* What to take from it. */
static void words(FILE *out, const json_t *study)
{
	const json_t *list = json_object_get(study, "words");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)))
			page_paragraph(out, "lead", json_string_value(json_array_get(list, i)));
}

static void fact(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "<div><dt>%s</dt><dd>", name);
	xml_text(out, text);
	fputs("</dd></div>", out);
}

static void facts(FILE *out, const json_t *study)
{
	const json_t *seed = json_object_get(study, "seed");

	fputs("<dl class=\"facts\">", out);
	fact(out, "System under test", text_member(study, "sut"));
	fact(out, "Client", text_member(study, "client"));
	if (json_is_integer(seed))
		fprintf(out, "<div><dt>Seed</dt><dd>%" JSON_INTEGER_FORMAT "</dd></div>",
			json_integer_value(seed));
	fact(out, "iotoll", text_member(study, "version"));
	fputs("</dl>\n", out);
}

static void tally(FILE *out, const json_t *study)
{
	static const char *const verdicts[][2] = {
		{"holds", "hold"},
		{"does not hold", "do not hold"},
		{"reported", "reported"},
		{"not tested", "not tested"},
	};

	if (json_array_size(json_object_get(study, "claims")) == 0)
		return;
	fputs("<ul class=\"tally\" aria-label=\"Verdicts\">", out);
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		size_t n = study_count_verdicts(study, verdicts[i][0]);

		if (n)
			fprintf(out, "<li class=\"badge %s\">%zu %s</li>",
				page_verdict_class(verdicts[i][0]), n, verdicts[i][n == 1 ? 0 : 1]);
	}
	fputs("</ul>\n", out);
}

static void link_to(FILE *out, const json_t *section)
{
	fputs("<a href=\"#", out);
	xml_id(out, text_member(section, "id"));
	fputs("\">", out);
	xml_text(out, text_member(section, "title"));
	fputs("</a>", out);
}

static void contents(FILE *out, const json_t *study)
{
	static const char *const sections[][2] = {
		{"figures", "Figures"}, {"claims", "Claims"},
		{"sections", NULL}, /* under their own names */
		{"tables", "Tables"},   {"runs", "Runs"},
	};

	fputs("<nav aria-label=\"Contents\">", out);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const json_t *list = json_object_get(study, sections[i][0]);

		if (json_array_size(list) && sections[i][1])
			fprintf(out, "<a href=\"#%s\">%s</a>", sections[i][0], sections[i][1]);
		for (size_t k = 0; k < json_array_size(list) && !sections[i][1]; k++)
			link_to(out, json_array_get(list, k));
	}
	fputs("</nav>\n", out);
}

static void masthead(FILE *out, const json_t *study)
{
	const char *name = text_member(study, "study");

	/* What made it: "iotoll compare" is no study. */
	fputs("<header>\n<p class=\"kicker\">iotoll ", out);
	if (!json_object_get(study, "comparison"))
		fputs(*name ? "study: " : "study", out);
	xml_text(out, name);
	fputs("</p>\n<h1>", out);
	xml_text(out, title_of(study));
	fputs("</h1>\n", out);
	page_paragraph(out, "lead", text_member(study, "summary"));
	words(out, study);
	facts(out, study);
	tally(out, study);
	contents(out, study);
	fputs("</header>\n<main id=\"content\">\n", out);
}

int report_page(FILE *out, const json_t *study, struct err *err)
{
	int ret;

	if (!json_is_object(study))
		return err_set(err, -EINVAL, "a study is not a JSON object");
	head(out, study);
	masthead(out, study);
	ret = page_figures(out, study, err);
	if (!ret)
		ret = page_claims(out, study, err);
	if (!ret)
		ret = page_sections(out, study, err);
	if (!ret)
		ret = page_tables(out, study, err);
	if (!ret)
		ret = page_runs(out, study, err);
	if (ret)
		return ret;
	fputs("</main>\n<footer><p>Times are virtual: one seed and one set of profiles give this "
	      "page again, to the byte. Everything on it, and every run, is in <a "
	      "href=\"study.json\">study.json</a>."
	      "</p></footer>\n</body>\n</html>\n",
	      out);
	return ferror(out) ? -EIO : 0;
}

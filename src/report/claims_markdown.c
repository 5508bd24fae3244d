/* SPDX-License-Identifier: MIT */
/* Claims as a Markdown document. See claims.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/claims.h"
#include "report/number.h"
#include "report/run_text.h"

/* Text in a table or a paragraph: what Markdown would take for markup is escaped. */
static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|*_<>`", *text))
			fputc('\\', out);
		fputc(*text == '\n' ? ' ' : *text, out);
	}
}

static void paragraph(FILE *out, const char *heading, const char *text)
{
	if (!*text)
		return;
	fputs(heading, out);
	put(out, text);
	fputs("\n\n", out);
}

static void number(FILE *out, const json_t *figure, const char *key)
{
	double value;

	if (number_member(figure, key, &value))
		fputs(number_human(value).text, out);
}

/* A command in a table's cell: its bars would end the cell. */
static int put_command(FILE *out, const json_t *holder)
{
	char *text = run_command(holder);

	if (!text)
		return -ENOMEM;
	fputc('`', out);
	for (const char *s = text; *s; s++)
		fprintf(out, *s == '|' ? "\\|" : "%c", *s);
	fputc('`', out);
	free(text);
	return 0;
}

static int figure_row(FILE *out, const json_t *figure)
{
	json_t *by = json_object_get(figure, "by"), *other;
	int ret;

	fputs("| ", out);
	put(out, text_member(figure, "what"));
	fputs(json_is_false(json_object_get(figure, "judged")) ? " (aside) | " : " | ", out);
	number(out, figure, "published");
	fputs(" | ", out);
	number(out, figure, "value");
	fputc(' ', out);
	put(out, text_member(figure, "unit"));
	fputs(" | `", out);
	fputs(text_member(figure, "field"), out);
	fputs("` | ", out);
	ret = put_command(out, figure);
	if (by && !ret) {
		other = json_pack("{s:O}", "command", by);
		fputs("<br>divided by ", out);
		ret = other ? put_command(out, other) : -ENOMEM;
		json_decref(other);
	}
	fputs(" |\n", out);
	return ret;
}

static int claim(FILE *out, const json_t *json)
{
	const json_t *figures = json_object_get(json, "figures");
	const json_t *ends = json_object_get(json, "ends");
	int ret = 0;

	fprintf(out, "### %s ", text_member(json, "id"));
	put(out, text_member(json, "text"));
	fprintf(out, "\n\n**%s**", text_member(json, "verdict"));
	if (ends)
		fprintf(out,
			"; estimates at their low ends: %s, at their high ends: %s; two other "
			"seeds: %s, %s",
			text_member(ends, "low"), text_member(ends, "high"),
			text_member(ends, "seed2"), text_member(ends, "seed3"));
	fputs("\n\n", out);
	paragraph(out, "Source: ", text_member(json, "source"));
	paragraph(out, "Published: ", text_member(json, "published"));
	paragraph(out, "Rule: ", text_member(json, "rule"));
	paragraph(out, "Why: ", text_member(json, "why"));
	paragraph(out, "", text_member(json, "note"));
	if (!json_array_size(figures))
		return 0;
	fputs("| figure | published | measured | made of | command |\n|---|---:|---:|---|---|\n",
	      out);
	for (size_t i = 0; i < json_array_size(figures) && !ret; i++)
		ret = figure_row(out, json_array_get(figures, i));
	fputc('\n', out);
	return ret;
}

/* What did not come out, before anything else. */
static void failures(FILE *out, const json_t *claims, const char *verdict, const char *heading)
{
	bool begun = false;

	for (size_t i = 0; i < json_array_size(claims); i++) {
		const json_t *json = json_array_get(claims, i);
		const char *why = text_member(json, "why");

		if (strcmp(text_member(json, "verdict"), verdict) != 0)
			continue;
		if (!begun)
			fprintf(out, "## %s\n\n", heading);
		begun = true;
		fprintf(out, "- **%s** ", text_member(json, "id"));
		put(out, text_member(json, "text"));
		fputs(". ", out);
		paragraph(out, "", *why ? why : "No reason is given.");
	}
}

/* Does it hold with estimates at both ends and with other seeds, as far as that was tried? */
static bool everywhere(const json_t *json)
{
	json_t *ends = json_object_get(json, "ends"), *verdict;
	const char *name;

	if (strcmp(text_member(json, "verdict"), "holds") != 0)
		return false;
	json_object_foreach(ends, name,
			    verdict) if (strcmp(json_string_value(verdict), "holds")) return false;
	return true;
}

/* How many of those that hold do so everywhere; nothing where no ends were tried. */
static void steadiness(FILE *out, const json_t *claims)
{
	size_t held = 0, tried = 0;

	for (size_t i = 0; i < json_array_size(claims); i++) {
		held += everywhere(json_array_get(claims, i));
		tried += json_object_get(json_array_get(claims, i), "ends") != NULL;
	}
	if (tried)
		fprintf(out,
			"%zu of those that hold do so with estimates at both ends and with the "
			"other seeds as well; the others have a * below.\n\n",
			held);
}

static void overview(FILE *out, const json_t *claims)
{
	fputs("## All of them\n\n| | claim | published | measured | verdict |\n"
	      "|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < json_array_size(claims); i++) {
		static const char *const keys[] = {"text", "published", "measured"};
		const json_t *json = json_array_get(claims, i);

		fprintf(out, "| %s", text_member(json, "id"));
		for (size_t k = 0; k < 3; k++) {
			fputs(" | ", out);
			put(out, text_member(json, keys[k]));
		}
		fprintf(out, " | %s%s |\n", text_member(json, "verdict"),
			!strcmp(text_member(json, "verdict"), "holds") && !everywhere(json) ? " \\*"
											    : "");
	}
	fputc('\n', out);
}

int report_claims_markdown(FILE *out, const json_t *study, struct err *err)
{
	const json_t *claims = json_object_get(study, "claims");
	const char *group = "";
	int ret = 0;

	fprintf(out, "# %s\n\n", text_member(study, "title"));
	paragraph(out, "", text_member(study, "summary"));
	fprintf(out,
		"%zu claims: %zu hold, %zu do not hold, %zu were not tested, %zu are reported "
		"without a verdict.\n\n",
		json_array_size(claims), study_count_verdicts(study, "holds"),
		study_count_verdicts(study, "does not hold"),
		study_count_verdicts(study, "not tested"), study_count_verdicts(study, "reported"));
	steadiness(out, claims);
	failures(out, claims, "does not hold", "What does not hold");
	failures(out, claims, "not tested", "What was not tested");
	overview(out, claims);
	for (size_t i = 0; i < json_array_size(claims) && !ret; i++) {
		const json_t *json = json_array_get(claims, i);

		if (strcmp(group, text_member(json, "group")) != 0) {
			group = text_member(json, "group");
			fprintf(out, "## %s\n\n", group);
		}
		ret = claim(out, json);
	}
	if (ret)
		return err_set(err, ret, "no memory");
	return ferror(out) ? err_set(err, -EIO, "cannot write") : 0;
}

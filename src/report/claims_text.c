/* SPDX-License-Identifier: MIT */
/* Claims as terminal text, and their figures as CSV. See claims.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/claims.h"
#include "report/csv.h"
#include "report/number.h"
#include "report/run_text.h"
#include "report/table.h"

size_t study_count_verdicts(const json_t *study, const char *verdict)
{
	const json_t *claims = json_object_get(study, "claims");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(claims); i++)
		n += strcmp(text_member(json_array_get(claims, i), "verdict"), verdict) == 0;
	return n;
}

static void line(struct table *t, const char *what, const char *text)
{
	if (!*text)
		return;
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	table_cell(t, "%s%s", what, text);
}

static struct number_text readable(const json_t *figure, const char *key)
{
	struct number_text none = {"-"};
	double value;

	return number_member(figure, key, &value) ? number_human(value) : none;
}

/* "strict: 1494 cycles (published 4618): iotoll run ..." */
static void figure_lines(struct table *t, const json_t *figure)
{
	char *command = run_command(figure), *text = NULL;
	double value;

	if (asprintf(&text, "%s %s%s%s%s: %s", readable(figure, "value").text,
		     text_member(figure, "unit"),
		     number_member(figure, "published", &value) ? ", published " : "",
		     number_member(figure, "published", &value) ? readable(figure, "published").text
								: "",
		     json_object_get(figure, "by") ? ", first by second" : "",
		     command ? command : "") < 0)
		text = NULL;
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	if (text)
		table_cell(t, "%s: %s", text_member(figure, "what"), text);
	else
		table_take(t, NULL);
	free(text);
	free(command);
	if (json_object_get(figure, "by")) {
		json_t *by = json_pack("{s:O}", "command", json_object_get(figure, "by"));

		command = run_command(by);
		line(t, "by ", command ? command : "");
		free(command);
		json_decref(by);
	}
}

static void ends_line(struct table *t, const json_t *claim)
{
	const json_t *ends = json_object_get(claim, "ends");

	if (!ends)
		return;
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	table_cell(t,
		   "estimates at their low ends: %s; at their high ends: %s; two other seeds: %s, "
		   "%s",
		   text_member(ends, "low"), text_member(ends, "high"), text_member(ends, "seed2"),
		   text_member(ends, "seed3"));
}

static void claim_lines(struct table *t, const json_t *claim)
{
	const json_t *figures = json_object_get(claim, "figures");
	const char *source = text_member(claim, "source");

	table_cell(t, "%s", text_member(claim, "id"));
	table_cell(t, "%s", text_member(claim, "verdict"));
	table_cell(t, "%s%s%s%s", text_member(claim, "text"), *source ? " (" : "", source,
		   *source ? ")" : "");
	line(t, "rule: ", text_member(claim, "rule"));
	line(t, "published: ", text_member(claim, "published"));
	line(t, "measured: ", text_member(claim, "measured"));
	line(t, "why: ", text_member(claim, "why"));
	ends_line(t, claim);
	line(t, "note: ", text_member(claim, "note"));
	for (size_t i = 0; i < json_array_size(figures); i++)
		figure_lines(t, json_array_get(figures, i));
}

int claims_text(FILE *out, const json_t *study, unsigned width)
{
	const json_t *claims = json_object_get(study, "claims");
	struct table *t;
	int ret;

	if (json_array_size(claims) == 0)
		return 0;
	t = table_create();
	table_column(t, "Claim", TABLE_LEFT);
	table_column(t, "Verdict", TABLE_LEFT);
	table_column(t, "What the paper says, and what was measured", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(claims); i++)
		claim_lines(t, json_array_get(claims, i));
	fputc('\n', out);
	ret = table_print(t, out, width);
	table_destroy(t);
	fprintf(out, "\nclaims: holds %zu, does not hold %zu, not tested %zu, reported %zu\n",
		study_count_verdicts(study, "holds"), study_count_verdicts(study, "does not hold"),
		study_count_verdicts(study, "not tested"), study_count_verdicts(study, "reported"));
	return ret;
}

/* ---- CSV ---- */

static struct number_text exact(const json_t *figure, const char *key)
{
	struct number_text none = {""};
	double value;

	return number_member(figure, key, &value) ? number_exact(value) : none;
}

static int figure_row(FILE *out, const json_t *claim, const json_t *figure)
{
	const struct number_text value = exact(figure, "value"),
				 published = exact(figure, "published");
	json_t *by = json_object_get(figure, "by"), *other;
	char *command = figure ? run_command(figure) : strdup(""), *second = strdup("");

	if (by) {
		free(second);
		other = json_pack("{s:O}", "command", by);
		second = run_command(other);
		json_decref(other);
	}
	if (command && second) {
		const char *const row[] = {text_member(claim, "id"),
					   text_member(claim, "verdict"),
					   text_member(figure, "what"),
					   value.text,
					   text_member(figure, "unit"),
					   published.text,
					   text_member(figure, "field"),
					   command,
					   second};

		csv_row(out, row, sizeof(row) / sizeof(row[0]));
	}
	free(command);
	free(second);
	return command && second ? 0 : -ENOMEM;
}

int report_claim_figures_csv(FILE *out, const json_t *study, struct err *err)
{
	static const char *const heading[] = {"id",        "verdict", "figure",  "value", "unit",
					      "published", "field",   "command", "by"};
	const json_t *claims = json_object_get(study, "claims");
	int ret = 0;

	csv_row(out, heading, sizeof(heading) / sizeof(heading[0]));
	for (size_t i = 0; i < json_array_size(claims) && !ret; i++) {
		const json_t *claim = json_array_get(claims, i);
		const json_t *figures = json_object_get(claim, "figures");

		if (!json_array_size(figures))
			ret = figure_row(out, claim, NULL);
		for (size_t k = 0; k < json_array_size(figures) && !ret; k++)
			ret = figure_row(out, claim, json_array_get(figures, k));
	}
	if (ret)
		return err_set(err, ret, "no memory");
	return ferror(out) ? err_set(err, -EIO, "cannot write") : 0;
}

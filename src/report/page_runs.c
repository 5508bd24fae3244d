// SPDX-License-Identifier: MIT
/*
 * The runs of the page: one line each, opening to the command that repeats it and to everything
 * it measured, as the terminal shows it. They are those that the figures' numbers link to; the
 * others, of which a study may have ten times as many, are left to study.json; the page says so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/number.h"
#include "report/page_parts.h"
#include "report/run_text.h"
#include "report/sections.h"
#include "report/xml.h"

static void key_figures(FILE *out, const json_t *run)
{
	double value, max;

	if (number_member(run, "throughput_mbps", &value))
		fprintf(out, "<span>%s Mb/s</span>", number_fixed(value, 1).text);
	if (number_member(run, "cpu_utilization_percent", &value)) {
		fprintf(out, "<span>CPU %s", number_fixed(value, 1).text);
		if (number_member(run, "cpu_max_percent", &max))
			fprintf(out, " of %s", number_human(max).text);
		fputs(" %</span>", out);
	}
	if (number_member(run, "service_demand_us_per_kb", &value))
		fprintf(out, "<span>%s us/KB</span>", number_fixed(value, 3).text);
}

static int details(FILE *out, const json_t *run, struct err *err)
{
	char *command = run_command(run), *text = NULL;
	size_t bytes;
	FILE *memory;
	int ret;

	if (!command)
		return -ENOMEM;
	fputs("<p class=\"note\">Run it again:</p>\n<pre class=\"command\">", out);
	xml_text(out, command);
	fputs("</pre>\n", out);
	free(command);
	memory = open_memstream(&text, &bytes);
	if (!memory)
		return -ENOMEM;
	ret = run_text(memory, run, RUN_TEXT_FULL, 110, err);
	if (fclose(memory) != 0 && !ret)
		ret = -ENOMEM;
	if (!ret) {
		fputs("<pre tabindex=\"0\">", out);
		xml_text(out, text);
		fputs("</pre>\n", out);
	}
	free(text);
	return ret;
}

static int one_run(FILE *out, const json_t *run, struct err *err)
{
	const char *id = text_member(run, "id");
	int ret;

	fputs("<details class=\"run\"><summary><code>", out);
	xml_text(out, *id ? id : text_member(run, "scenario"));
	fputs("</code>", out);
	key_figures(out, run);
	fputs("</summary>\n<div", out);
	if (*id) {
		/* Inside the details, so that following a link opens them. */
		fputs(" id=\"run-", out);
		xml_id(out, id);
		fputs("\"", out);
	}
	fputs(">\n", out);
	ret = details(out, run, err);
	fputs("</div></details>\n", out);
	return ret;
}

/* Runs are named "group/...": a heading wherever the group changes. */
static int group_heading(FILE *out, const char **group, const char *id)
{
	size_t n = strcspn(id, "/");
	char *name;

	if (!id[n] || (*group && strcspn(*group, "/") == n && strncmp(*group, id, n) == 0))
		return 0;
	*group = id;
	name = strndup(id, n);
	if (!name)
		return -ENOMEM;
	fputs("<h3 class=\"group\">", out);
	xml_text(out, name);
	fputs("</h3>\n", out);
	free(name);
	return 0;
}

static int add_names(json_t *names, const json_t *series)
{
	const json_t *points = json_object_get(series, "points");

	for (size_t i = 0; i < json_array_size(points); i++) {
		const char *name = text_member(json_array_get(points, i), "run");

		if (*name && json_object_set_new(names, name, json_true()) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* The names that the points of @study's figures link to, as the keys of an object; or NULL. */
static json_t *linked_names(const json_t *study)
{
	json_t *figures = sections_all(study, "figures"), *names = json_object();
	int ret = figures && names ? 0 : -ENOMEM;

	for (size_t i = 0; i < json_array_size(figures) && !ret; i++) {
		const json_t *series = json_object_get(json_array_get(figures, i), "series");

		for (size_t k = 0; k < json_array_size(series) && !ret; k++)
			ret = add_names(names, json_array_get(series, k));
	}
	json_decref(figures);
	if (ret) {
		json_decref(names);
		return NULL;
	}
	return names;
}

static bool is_linked(const json_t *names, const json_t *run)
{
	return json_object_get(names, text_member(run, "id")) != NULL;
}

/* How many there are, and where those are that are not here. */
static void introduce(FILE *out, const json_t *runs, const json_t *names)
{
	const size_t all = json_array_size(runs);
	size_t shown = 0;

	for (size_t i = 0; i < all; i++)
		shown += is_linked(names, json_array_get(runs, i));
	fputs("<section id=\"runs\">\n<h2>Runs</h2>\n", out);
	if (shown)
		fprintf(out,
			"<p>%zu of %zu, those that the figures' numbers link to, in the order of "
			"the study. Each opens to everything that was set and measured.</p>\n",
			shown, all);
	if (shown < all)
		fprintf(out,
			"<p class=\"note\">%zu more, from which ranges, tables and claims are made "
			"as well, are not on this page: <a href=\"study.json\">study.json</a> has "
			"every run under its name, with all that was set and measured.</p>\n",
			all - shown);
}

int page_runs(FILE *out, const json_t *study, struct err *err)
{
	const json_t *runs = json_object_get(study, "runs");
	const char *group = NULL;
	json_t *names;
	int ret = 0;

	if (json_array_size(runs) == 0)
		return 0;
	names = linked_names(study);
	if (!names)
		return -ENOMEM;
	introduce(out, runs, names);
	for (size_t i = 0; i < json_array_size(runs) && !ret; i++) {
		const json_t *run = json_array_get(runs, i);

		if (!is_linked(names, run))
			continue;
		ret = group_heading(out, &group, text_member(run, "id"));
		if (!ret)
			ret = one_run(out, run, err);
	}
	fputs("</section>\n", out);
	json_decref(names);
	return ret;
}

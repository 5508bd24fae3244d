// SPDX-License-Identifier: MIT
/*
 * The runs of the page: one line each, opening to the command that repeats it and to everything
 * it measured, as the terminal shows it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/number.h"
#include "report/page_parts.h"
#include "report/run_text.h"
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

int page_runs(FILE *out, const json_t *study, struct err *err)
{
	const json_t *runs = json_object_get(study, "runs");
	const char *group = NULL;
	int ret = 0;

	if (json_array_size(runs) == 0)
		return 0;
	fprintf(out,
		"<section id=\"runs\">\n<h2>Runs</h2>\n<p>All %zu, in the order of the study. Each "
		"opens to everything that was set and measured.</p>\n",
		json_array_size(runs));
	for (size_t i = 0; i < json_array_size(runs) && !ret; i++) {
		const json_t *run = json_array_get(runs, i);

		ret = group_heading(out, &group, text_member(run, "id"));
		if (!ret)
			ret = one_run(out, run, err);
	}
	fputs("</section>\n", out);
	return ret;
}

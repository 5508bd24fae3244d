/* SPDX-License-Identifier: MIT */
/* iotoll list: what can be named in a scenario, and every number of a profile with its source. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/applies.h"
#include "cli/cli.h"
#include "hw/iommu.h"
#include "hw/iotlb.h"
#include "iotoll/dma.h"
#include "load/load.h"
#include "rig/rogue.h"
#include "sim/profile.h"
#include "study/paths.h"
#include "study/scenario.h"
#include "trace/trace.h"

/* Rows are objects with the same string fields; the first row's keys are the headings. */
static void add(json_t *rows, const char *name, const char *title)
{
	json_array_append_new(rows, json_pack("{s:s, s:s}", "name", name, "title", title));
}

/* @options: what of section iommu it has beyond the others. */
static void add_iommu(json_t *rows, const char *name, const char *options, const char *title)
{
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "name", name, "options", options,
					      "title", title));
}

static int list_iommus(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	add_iommu(rows, "none", "", "no IOMMU: device addresses are physical addresses");
	for (size_t i = 0; iommu_models[i]; i++)
		add_iommu(rows, iommu_models[i]->name, iommu_models[i]->ats ? "ats" : "",
			  iommu_models[i]->title);
	return 0;
}

static int list_policies(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	for (size_t i = 0; iotlb_policies[i]; i++)
		add(rows, iotlb_policies[i]->name, iotlb_policies[i]->title);
	return 0;
}

static void add_registry(json_t *rows, const char *(*name)(unsigned index, const char **title))
{
	const char *title;

	for (unsigned i = 0; name(i, &title); i++) {
		const char *n = name(i, &title);

		add(rows, n, title);
	}
}

static int list_strategies(json_t *rows, const char *arg, struct err *err)
{
	const char *name, *title;
	char where[160];

	(void)arg;
	(void)err;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, &title)) != NULL; i++) {
		applies_to(name, where, sizeof(where));
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "name", name, "drivers",
						      where, "title", title));
	}
	return 0;
}

static int list_formats(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	add_registry(rows, trace_format_row);
	return 0;
}

static int list_allocators(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	add_registry(rows, iotoll_dma_allocator_name);
	return 0;
}

static int list_loads(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	for (size_t i = 0; load_kinds[i]; i++)
		add(rows, load_kinds[i]->name, load_kinds[i]->title);
	return 0;
}

static int list_attacks(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	add_registry(rows, rogue_kind);
	return 0;
}

static void add_scenario(void *rows, const char *name)
{
	json_array_append_new(rows, json_pack("{s:s}", "name", name));
}

static int list_scenarios(json_t *rows, const char *arg, struct err *err)
{
	(void)arg;
	return paths_each("scenarios", ".ini", add_scenario, rows, err);
}

static int list_settings(json_t *rows, const char *arg, struct err *err)
{
	const struct param *p;
	char key[128];

	(void)arg;
	(void)err;
	for (size_t i = 0; (p = scenario_param(i)); i++) {
		snprintf(key, sizeof(key), "%s.%s", p->section, p->key);
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "setting", key,
						      "kind", p->kind, "default", p->fallback,
						      "meaning", p->help));
	}
	return 0;
}

static int add_profile_row(void *rows, const struct profile_row *row)
{
	static const char *const grades[] = {"measured", "published", "estimated"};

	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "key", row->key, "value",
					      row->text, "grade", grades[row->grade], "range",
					      row->range, "source", row->source));
	return 0;
}

struct profiles {
	json_t *rows;
	struct err *err;
	int rc;
};

static void add_profile(void *ctx, const char *name)
{
	struct profiles *x = ctx;
	struct profile p;
	char path[PATH_MAX];

	if (x->rc)
		return;
	x->rc = paths_find("profiles", name, ".ini", path, sizeof(path), x->err);
	if (!x->rc)
		x->rc = profile_load(&p, path, ESTIMATE_DEFAULT, NULL, x->err);
	if (!x->rc)
		add(x->rows, name, p.title);
}

static int list_profiles(json_t *rows, const char *arg, struct err *err)
{
	struct profiles x = {.rows = rows, .err = err};
	char path[PATH_MAX];
	int rc;

	if (arg) {
		rc = paths_find("profiles", arg, ".ini", path, sizeof(path), err);
		return rc ? rc : profile_rows(path, add_profile_row, rows, err);
	}
	rc = paths_each("profiles", ".ini", add_profile, &x, err);
	return rc ? rc : x.rc;
}

static const struct kind {
	const char *name;
	int (*fill)(json_t *rows, const char *arg, struct err *err);
} kinds[] = {
	{"iommus", list_iommus},         {"strategies", list_strategies},
	{"allocators", list_allocators}, {"policies", list_policies},
	{"profiles", list_profiles},     {"loads", list_loads},
	{"scenarios", list_scenarios},   {"settings", list_settings},
	{"attacks", list_attacks},       {"formats", list_formats},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- arguments ---- */

struct args {
	const char *what, *arg;
	struct cli_format format;
	struct err err;
};

static const struct argp_option options[] = {
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case ARGP_KEY_ARG:
		return cli_take_argument(a->what ? &a->arg : &a->what, "name", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->what, "kind of thing to list", NULL, &a->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "WHAT [NAME]",
	.doc = "List what there is: iommus, strategies, allocators, policies, profiles, loads, "
	       "scenarios, settings, attacks or trace formats.\vExamples:\n"
	       "  iotoll list strategies\n"
	       "  iotoll list profiles x460-2007\n"
	       "  iotoll list settings --format json",
};

static int fill(struct args *a, json_t *rows)
{
	struct nearest near;

	nearest_init(&near, a->what);
	for (size_t i = 0; i < KINDS; i++) {
		if (!strcmp(kinds[i].name, a->what)) {
			if (a->arg && kinds[i].fill != list_profiles)
				return err_set(&a->err, -EINVAL, "list %s takes no name", a->what);
			return kinds[i].fill(rows, a->arg, &a->err);
		}
		nearest_offer(&near, kinds[i].name);
	}
	return err_set(&a->err, -EINVAL,
		       "list: '%s' is not one of iommus, strategies, allocators, policies, "
		       "profiles, loads, scenarios, settings, attacks, formats%s%s%s",
		       a->what, near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

int cli_list(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	json_t *rows = json_array();
	int rc;

	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc) {
		json_decref(rows);
		return rc;
	}
	rc = fill(&a, rows);
	if (!rc)
		rc = cli_output(&a.format, rows, cli_rows_text, cli_rows_csv, &a.err);
	json_decref(rows);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}

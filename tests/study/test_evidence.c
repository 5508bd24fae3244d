/* SPDX-License-Identifier: MIT */
/* The study "evidence": that its table is whole, its rules can fail, and a part of it really runs.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/evidence_impl.h"
#include "study/run.h"

static void each(void (*fn)(const struct prediction *p, const char *group))
{
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++)
			fn(p, g->title);
}

/* ---- the table ---- */

static bool is_text(const char *text)
{
	return text && strlen(text) > 3;
}

static void check_row(const struct prediction *p, const char *group)
{
	bool published = p->published != NULL, aside = false;

	if (!is_text(p->text) || !is_text(p->paper) || !is_text(p->rule) || !p->holds ||
	    !is_text(group))
		fail_msg("%s lacks a text or a rule", p->id);
	if (!evidence_judged(p) && !p->pending)
		fail_msg("%s has nothing to judge", p->id);
	for (size_t i = 0; i < evidence_figures(p); i++) {
		const struct evidence_figure *f = &p->figure[i];

		published = published || f->published >= 0;
		if (!evidence_metric_find(f->metric))
			fail_msg("%s: there is no metric %s", p->id, f->metric);
		if (!evidence_run_find(f->run) || (f->by && !evidence_run_find(f->by)))
			fail_msg("%s: there is no run %s or %s", p->id, f->run, f->by);
		if (aside && !f->aside)
			fail_msg("%s: what is judged comes first", p->id);
		aside = f->aside;
	}
	if (!published)
		fail_msg("%s says nothing of what was published", p->id);
	if (p->explained && !p->because)
		fail_msg("%s checks a reason that it does not have", p->id);
}

static void every_row_has_its_source_its_rule_and_figures_that_exist(void **state)
{
	(void)state;
	each(check_row);
}

static void no_two_rows_and_no_two_runs_have_one_name(void **state)
{
	const char *id[256];
	size_t n = 0;

	(void)state;
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++) {
			for (size_t i = 0; i < n; i++)
				assert_string_not_equal(id[i], p->id);
			id[n++] = p->id;
			assert_true(n < 256);
		}
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct evidence_run *r = g->run; r->id; r++)
			assert_ptr_equal(evidence_run_find(r->id), r);
}

static bool is_named(const char *run)
{
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++)
			for (size_t i = 0; i < evidence_figures(p); i++)
				if (!strcmp(p->figure[i].run, run) ||
				    (p->figure[i].by && !strcmp(p->figure[i].by, run)))
					return true;
	return false;
}

static void every_run_is_some_figures(void **state)
{
	(void)state;
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct evidence_run *r = g->run; r->id; r++)
			if (!is_named(r->id))
				fail_msg("no figure names the run %s", r->id);
}

/* Only rows that say so may name what cannot be built; the others' runs are declared for each. */
static void every_run_can_be_built_with_estimates_at_all_ends(void **state)
{
	struct evidence e;
	struct err err = {""};

	(void)state;
	if (evidence_init(&e, NULL, 1, &err))
		fail_msg("%s", err.text);
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++)
			for (size_t i = 0; i < evidence_figures(p) && !p->pending; i++)
				for (const struct evidence_end *end = evidence_ends; end->tail;
				     end++) {
					char id[96];
					size_t k = 0;

					snprintf(id, sizeof(id), "%s%s", p->figure[i].run,
						 end->tail);
					while (k < e.study.count &&
					       strcmp(e.study.point[k].id, id) != 0)
						k++;
					assert_true(k < e.study.count);
				}
	evidence_fini(&e);
}

/* ---- rules ---- */

static void check_published(const struct prediction *p, const char *group)
{
	double value[EVIDENCE_FIGURES];

	(void)group;
	for (size_t i = 0; i < evidence_judged(p); i++) {
		value[i] = p->figure[i].published;
		if (value[i] < 0)
			return;
	}
	if (evidence_judged(p) && !p->holds(p, value))
		fail_msg("%s does not hold for what was published", p->id);
}

static void each_rule_holds_for_what_was_published(void **state)
{
	(void)state;
	each(check_published);
}

static void fill(double *value, int shape)
{
	for (int i = 0; i < EVIDENCE_FIGURES; i++)
		value[i] = shape == 0 ? 0 : shape == 1 ? 1e9 : shape == 2 ? i + 1 : 1e6 / (1 << i);
}

/* Nothing, far too much, rising and falling: no rule is content with all of these. */
static bool can_refuse(evidence_rule rule, const struct prediction *p)
{
	double value[EVIDENCE_FIGURES];

	for (int shape = 0; shape < 4; shape++) {
		fill(value, shape);
		if (!rule(p, value))
			return true;
	}
	return false;
}

static void check_refusal(const struct prediction *p, const char *group)
{
	(void)group;
	if (!can_refuse(p->holds, p))
		fail_msg("%s holds whatever is measured", p->id);
	if (p->explained && !can_refuse(p->explained, p))
		fail_msg("%s: its reason goes with whatever is measured", p->id);
}

static void no_rule_holds_whatever_is_measured(void **state)
{
	(void)state;
	each(check_refusal);
}

static const struct prediction *row(const char *id)
{
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++)
			if (!strcmp(p->id, id))
				return p;
	fail_msg("there is no row %s", id);
	return NULL;
}

/* The opposite of what each says, or just beside it. */
static void figures_that_must_fail_do(void **state)
{
	static const struct {
		const char *id;
		double figure[6];
	} wrong[] = {
		{"1.1", {727, 2251, 4618}},
		{"1.2", {727, 800}},
		{"1.3", {727, 950}},
		{"1.5", {2999, 3067, 1137, 1600}},
		{"1.7", {49.9}},
		{"1.8", {10, 5.5, 5.4, 3.3, 1}},
		{"1.11", {1.6, 1.5, 1}},
		{"2.1", {13, 2}},
		{"2.1", {13, 1.4}},
		{"2.2", {30, 6, 2293, 433}},
		{"2.3", {1.01}},
		{"2.4", {7656, 88, 76}},
		{"2.5", {3, 1.4, 0.1}},
		{"2.5", {3, 2, 0.7}},
		{"2.6", {7.6, 13.1}},
		{"3.1", {0.86, 0.44}},
		{"3.2", {0.94, 0.8}},
		{"3.3", {0.34}},
		{"3.4", {8, 5, 0}},
		{"3.6", {20, 6}},
		{"4.3", {0.18, 0.13}},
		{"4.6", {0.8, 1.5}},
		{"4.6", {1, 1.1}},
		{"4.7", {1.05, 1.0}},
		{"4.7", {1.9, 1.2}},
		{"5.4", {1300}},
		{"5.5", {0.94, 0.5}},
		{"5.5", {1, 0.99}},
		{"5.6", {0.9}},
		{"5.6", {0.3}},
		{"5.7", {1.5, 1.4}},
		{"5.11", {98, 95, 70}},
		{"5.11", {98, 70, 95}},
		{"6.1", {0, 1}},
		{"6.2", {32, 34}},
		{"6.3", {290, 100}},
		{"6.7", {9000, 10001}},
		{"7.1", {9, 4, 4.5, 2}},
		{"7.3", {0.9, 0.1, 121}},
		{"7.3", {0.9, 0, 300}},
		{"8.4", {1.02, 1.2}},
		{"8.7", {0.61, 0.1}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct prediction *p = row(wrong[i].id);

		if (p->holds(p, wrong[i].figure))
			fail_msg("%s (number %zu) holds", wrong[i].id, i);
	}
}

static void a_metric_is_what_its_text_says(void **state)
{
	json_t *result = json_pack("{s:{s:i, s:i}, s:{s:i, s:i}}", "cpu_cycles", "unmap", 300,
				   "flush", 700, "dma", "unmaps", 10, "maps", 4);
	const struct evidence_metric *m = evidence_metric_find("unmap");
	char *text = evidence_metric_text(m);

	(void)state;
	assert_string_equal(text, "(cpu_cycles.unmap + cpu_cycles.flush) / dma.unmaps");
	assert_true(evidence_metric_of(m, result) == 100);
	free(text);
	m = evidence_metric_find("invalidation's share");
	text = evidence_metric_text(m);
	assert_string_equal(text, "100 * cpu_cycles.flush / (cpu_cycles.unmap + cpu_cycles.flush)");
	assert_true(evidence_metric_of(m, result) == 70);
	free(text);
	assert_true(isnan(evidence_metric_of(evidence_metric_find("segment"), result)));
	json_decref(result);
}

/* ---- a part of it ---- */

/* What the arguments of @command give for @metric. */
static double repeat(const json_t *command, const char *metric)
{
	static const struct run_options none = {0};
	struct scenario s;
	struct err err = {""};
	json_t *result = NULL;
	double value;
	size_t i = 3;

	assert_string_equal(json_string_value(json_array_get(command, 1)), "run");
	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, json_string_value(json_array_get(command, 2)), &err), 0);
	for (; !strcmp(json_string_value(json_array_get(command, i)), "--set"); i += 2)
		assert_int_equal(
			scenario_set(&s, json_string_value(json_array_get(command, i + 1)), &err),
			0);
	assert_string_equal(json_string_value(json_array_get(command, i)), "--format");
	assert_int_equal(scenario_finish(&s, &err), 0);
	assert_int_equal(run_scenario(&s, &none, &result, &err), 0);
	value = evidence_metric_of(evidence_metric_find(metric), result);
	json_decref(result);
	scenario_fini(&s);
	return value;
}

static void a_part_really_runs_and_its_commands_repeat_it(void **state)
{
	const struct prediction *p = row("2.1");
	json_t *document, *claim, *figures;
	struct evidence e;
	struct err err = {""};

	(void)state;
	assert_int_equal(evidence_init(&e, "2.1", 7, &err), 0);
	assert_int_equal(e.study.count, 2 * 5);
	if (study_execute(&e.study, NULL, 1, NULL, &err))
		fail_msg("%s", err.text);
	document = evidence_document(&e);
	assert_non_null(document);
	assert_int_equal(json_array_size(json_object_get(document, "claims")), 1);
	claim = json_array_get(json_object_get(document, "claims"), 0);
	figures = json_object_get(claim, "figures");
	assert_int_equal(json_array_size(figures), 2);
	assert_string_not_equal(json_string_value(json_object_get(claim, "verdict")), "not tested");
	for (size_t i = 0; i < 2; i++) {
		const json_t *f = json_array_get(figures, i);

		assert_true(json_real_value(json_object_get(f, "value")) ==
			    repeat(json_object_get(f, "command"), p->figure[i].metric));
	}
	json_decref(document);
	evidence_fini(&e);
}

static void a_prediction_that_does_not_exist_is_refused(void **state)
{
	struct evidence e;
	struct err err = {""};

	(void)state;
	assert_int_equal(evidence_init(&e, "2.1,2.", 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "there is no prediction '2.'"));
}

/* ---- its document ---- */

static char *read_document(void)
{
	const char *root = getenv("IOTOLL_DATA");
	char path[4096], *text = calloc(1, 1 << 20);
	FILE *in;

	assert_non_null(root);
	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/docs/evidence.md", root);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 20) - 1, in) > 1000);
	fclose(in);
	return text;
}

/* Whether its figures are today's is for make evidence, and for a part of them tests/house. */
static void the_document_has_every_row_and_no_other(void **state)
{
	char *text = read_document(), heading[512];
	size_t rows = 0, headings = 0;

	(void)state;
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++, rows++) {
			snprintf(heading, sizeof(heading), "\n### %s ", p->id);
			if (!strstr(text, heading))
				fail_msg("docs/evidence.md lacks %s: make evidence", p->id);
		}
	for (const char *at = text; (at = strstr(at, "\n### ")); at++)
		headings++;
	assert_int_equal(headings, rows);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_source_its_rule_and_figures_that_exist),
		cmocka_unit_test(no_two_rows_and_no_two_runs_have_one_name),
		cmocka_unit_test(every_run_is_some_figures),
		cmocka_unit_test(every_run_can_be_built_with_estimates_at_all_ends),
		cmocka_unit_test(each_rule_holds_for_what_was_published),
		cmocka_unit_test(no_rule_holds_whatever_is_measured),
		cmocka_unit_test(figures_that_must_fail_do),
		cmocka_unit_test(a_metric_is_what_its_text_says),
		cmocka_unit_test(a_part_really_runs_and_its_commands_repeat_it),
		cmocka_unit_test(a_prediction_that_does_not_exist_is_refused),
		cmocka_unit_test(the_document_has_every_row_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

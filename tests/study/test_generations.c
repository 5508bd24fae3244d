/* SPDX-License-Identifier: MIT */
/*
 * The strategies on three generations of machines: which runs they are, and what the study's
 * section makes of results, held against made-up ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "study/paper_generations.h"

static struct paper paper;

static struct study_point *point_of(const char *id)
{
	for (size_t i = 0; i < paper.study.count; i++)
		if (!strcmp(paper.study.point[i].id, id))
			return &paper.study.point[i];
	fail_msg("the study has no point %s", id);
	return NULL;
}

/* Of CPU time a KiB @cost and throughput @mbps; every byte is exposed a little. */
static void give(const char *id, double cost, double mbps)
{
	struct study_point *p = point_of(id);

	json_decref(p->result);
	p->result =
		json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:{s:b, s:f, s:f, s:f, s:f}}", "id", id,
			  "throughput_mbps", mbps, "elapsed_s", 0.02, "cpu_utilization_percent",
			  100.0, "cpu_max_percent", 800.0, "service_demand_us_per_kb", cost,
			  "exposure", "untranslated", 0, "stale_pages_mean", 1.0,
			  "excess_bytes_mean", 1.0, "stale_pages", 1.0, "window_us_max", 1.0);
}

/* A generation whose machine needs 10 a KiB; no strategy but these two, and the second seed's. */
static void generation(const char *id, double strict, double deferred, double again)
{
	static const char *const seeds[] = {"", "seed2/"};
	char name[96];

	for (int k = 0; k < 2; k++) {
		give(paper_id(name, "%s/%sbaseline", id, seeds[k]), 10, 1000);
		give(paper_id(name, "%s/%sstrict", id, seeds[k]), k ? again : strict, 900);
		give(paper_id(name, "%s/%sdeferred", id, seeds[k]), deferred, 1000);
	}
}

static int set_up(void **state)
{
	struct err err = {{0}};

	(void)state;
	return paper_init(&paper, 5, &err);
}

static int take_down(void **state)
{
	(void)state;
	paper_fini(&paper);
	return 0;
}

static json_t *section(void)
{
	struct err err = {{0}};
	json_t *s = paper_generations_section(&paper, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static const char *cell(const json_t *section, const char *strategy, size_t column)
{
	const json_t *table = json_array_get(json_object_get(section, "tables"), 0), *row;
	size_t i;

	json_array_foreach(json_object_get(table, "rows"), i, row)
	{
		if (!strcmp(json_string_value(json_array_get(row, 0)), strategy))
			return json_string_value(json_array_get(row, column));
	}
	fail_msg("no row %s", strategy);
	return "";
}

static const json_t *part(const json_t *section, size_t i)
{
	return json_array_get(json_object_get(section, "parts"), i);
}

static bool says(const json_t *words, const char *text)
{
	const json_t *word;
	size_t i;

	json_array_foreach(words, i, word) if (strstr(json_string_value(word), text)) return true;
	return false;
}

/* ---- what runs ---- */

static void each_generation_is_its_machine_and_its_link(void **state)
{
	(void)state;
	assert_string_equal(point_of("gigabit/strict")->scenario.iommu_model, "calgary");
	assert_string_equal(point_of("gigabit/strict")->scenario.sut.profile, "x460-2007");
	assert_true(point_of("gigabit/baseline")->scenario.link_bps == 1000000000);
	assert_string_equal(point_of("40-gigabit/strict")->scenario.iommu_model, "vtd");
	assert_string_equal(point_of("40-gigabit/strict")->scenario.sut.profile, "haswell-2016");
	assert_true(point_of("40-gigabit/strict")->scenario.link_bps == UINT64_C(40000000000));
	assert_string_equal(point_of("100-gigabit/strict")->scenario.sut.profile, "icelake-2021");
	assert_true(point_of("100-gigabit/strict")->scenario.link_bps == UINT64_C(100000000000));
	assert_string_equal(point_of("100-gigabit/baseline")->scenario.iommu_model, "none");
	assert_string_equal(point_of("100-gigabit/strict/rogue")->scenario.rogue_attacks, "all");
}

static void another_seed_is_one_more_and_nobody_attacks(void **state)
{
	(void)state;
	assert_int_equal(point_of("gigabit/strict")->scenario.seed, 5);
	assert_int_equal(point_of("gigabit/seed2/strict")->scenario.seed, 6);
	for (size_t i = 0; i < paper.study.count; i++)
		if (strstr(paper.study.point[i].id, "seed2/"))
			assert_null(strstr(paper.study.point[i].id, "/rogue"));
}

/* ---- what is shown ---- */

static void ranks_show_who_was_overtaken_and_what_a_seed_decides(void **state)
{
	json_t *s;

	(void)state;
	generation("gigabit", 30, 13, 30);
	generation("40-gigabit", 12, 15, 12);
	generation("100-gigabit", 14, 15, 16); /* another seed: the other way round */
	s = section();
	assert_string_equal(cell(s, "strict", 1), "2");
	assert_string_equal(cell(s, "strict", 2), "+200.0");
	assert_string_equal(cell(s, "strict", 3), "-10.0");
	assert_string_equal(cell(s, "deferred", 1), "1 *");
	assert_string_equal(cell(s, "strict", 4), "1 *");
	assert_string_equal(cell(s, "deferred", 4), "2");
	assert_string_equal(cell(s, "strict", 7), "1~ *");
	assert_string_equal(cell(s, "deferred", 7), "2~");
	assert_true(says(json_object_get(s, "words"),
			 "From 2007 to 2016 2 of 2 strategies change their rank"));
	assert_true(says(json_object_get(s, "words"),
			 "From 2016 to 2021 0 of 2 strategies change their rank"));
	json_decref(s);
}

static void what_another_seed_moves_is_told(void **state)
{
	json_t *s;

	(void)state;
	generation("gigabit", 30, 13, 31);
	generation("40-gigabit", 12, 15, 12);
	generation("100-gigabit", 14, 15, 14);
	s = section();
	assert_true(says(json_object_get(part(s, 0), "words"),
			 "by 0.0 points (median of the strategies) and by 10.0 at the most "
			 "(strict)"));
	assert_true(says(json_object_get(part(s, 1), "words"), "the interval is 20 ms"));
	json_decref(s);
}

static void each_figure_has_the_command_that_makes_it_alone(void **state)
{
	json_t *s, *command, *points;

	(void)state;
	generation("gigabit", 30, 13, 30);
	generation("40-gigabit", 12, 15, 12);
	generation("100-gigabit", 14, 15, 14);
	s = section();
	for (size_t i = 0; i < PAPER_GENERATIONS; i++) {
		const json_t *figure = json_array_get(json_object_get(part(s, i), "figures"), 0);

		command = json_object_get(figure, "command");
		assert_string_equal(json_string_value(json_array_get(command, 1)), "compare");
		assert_string_equal(json_string_value(json_array_get(command, 2)),
				    paper_generations[i].scenario);
		assert_string_equal(
			json_string_value(json_array_get(command, json_array_size(command) - 1)),
			"run.seed=5");
		points = json_object_get(json_array_get(json_object_get(figure, "series"), 0),
					 "points");
		assert_non_null(point_of(
			json_string_value(json_object_get(json_array_get(points, 0), "run"))));
	}
	json_decref(s);
}

/* The last, as what joined stays in the study. */
static void who_joins_moves_nobody(void **state)
{
	json_t *s;

	(void)state;
	generation("gigabit", 12, 13, 12);
	generation("40-gigabit", 12, 13, 12);
	generation("100-gigabit", 12, 13, 12);
	give("40-gigabit/shared", 11, 1000);
	give("40-gigabit/seed2/shared", 11, 1000);
	s = section();
	assert_string_equal(cell(s, "strict", 1), "1 *");
	assert_string_equal(cell(s, "strict", 4), "2");
	assert_true(says(json_object_get(s, "words"),
			 "From 2007 to 2016 0 of 2 strategies change their rank"));
	json_decref(s);
}

static void without_a_baseline_there_is_no_section(void **state)
{
	struct err err = {{0}};

	(void)state;
	assert_null(paper_generations_section(&paper, &err));
	assert_non_null(strstr(err.text, "without an IOMMU"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* Before the others have given results. */
		cmocka_unit_test(without_a_baseline_there_is_no_section),
		cmocka_unit_test(each_generation_is_its_machine_and_its_link),
		cmocka_unit_test(another_seed_is_one_more_and_nobody_attacks),
		cmocka_unit_test(ranks_show_who_was_overtaken_and_what_a_seed_decides),
		cmocka_unit_test(what_another_seed_moves_is_told),
		cmocka_unit_test(each_figure_has_the_command_that_makes_it_alone),
		cmocka_unit_test(who_joins_moves_nobody),
	};

	return cmocka_run_group_tests(tests, set_up, take_down);
}

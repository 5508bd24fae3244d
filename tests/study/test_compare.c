/* SPDX-License-Identifier: MIT */
/*
 * Comparisons of strategies: which runs are declared, what is refused and why, and what is made of
 * results, held against made-up ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hw/iommu.h"
#include "sim/profile.h"
#include "study/compare.h"
#include "study/paths.h"

static struct scenario base;
static struct compare compared;
static struct err why;
static const char *attacks;

static int set_up(void **state)
{
	(void)state;
	why.text[0] = '\0';
	attacks = "none";
	assert_int_equal(scenario_init(&base), 0);
	assert_int_equal(scenario_read(&base, "bare-metal", &why), 0);
	return 0;
}

static int take_down(void **state)
{
	(void)state;
	compare_fini(&compared);
	scenario_fini(&base);
	return 0;
}

static int compare(const char *strategies, const char *set)
{
	if (set)
		assert_int_equal(scenario_set(&base, set, &why), 0);
	return compare_init(&compared, &base, strategies, attacks, &why);
}

static const struct compare_row *row_of(const char *name)
{
	for (size_t i = 0; i < compared.rows; i++)
		if (!strcmp(compared.row[i].name, name))
			return &compared.row[i];
	fail_msg("there is no row %s", name);
	return NULL;
}

static struct study_point *point_of(const char *id)
{
	for (size_t i = 0; i < compared.study->count; i++)
		if (!strcmp(compared.study->point[i].id, id))
			return &compared.study->point[i];
	return NULL;
}

/* ---- what is declared ---- */

static void the_machines_own_iommu_is_taken_where_the_scenario_names_none(void **state)
{
	(void)state;
	assert_int_equal(compare("all", NULL), 0);
	assert_string_equal(compared.iommu, "calgary");
	assert_true(compared.own);
	assert_string_equal(point_of("strict")->scenario.iommu_model, "calgary");
	assert_string_equal(point_of("strict")->scenario.strategy, "strict");
	assert_string_equal(point_of(COMPARE_BASELINE)->scenario.iommu_model, "none");
	assert_string_equal(point_of(COMPARE_BASELINE)->scenario.strategy, "off");
}

static void the_scenarios_iommu_goes_before_the_machines(void **state)
{
	(void)state;
	assert_int_equal(compare("strict", "iommu.model=vtd"), 0);
	assert_string_equal(compared.iommu, "vtd");
	assert_false(compared.own);
	assert_string_equal(point_of("strict")->scenario.iommu_model, "vtd");
}

static void a_machine_without_an_iommu_has_nothing_to_compare(void **state)
{
	(void)state;
	assert_int_equal(compare("all", "sut.profile=e326"), -EINVAL);
	assert_non_null(strstr(why.text, "iommu.model: there is nothing to compare"));
	assert_non_null(strstr(why.text, "e326"));
}

static void an_iommu_that_a_profile_misspells_is_refused(void **state)
{
	(void)state;
	assert_int_equal(compare("all", "sut.machine.iommu=calgray"), -EINVAL);
	assert_non_null(strstr(why.text, "machine.iommu: 'calgray' is not an IOMMU"));
	assert_non_null(strstr(why.text, "did you mean calgary?"));
}

static void check_profile(void *ctx, const char *name)
{
	char path[4096];
	struct profile p;

	(void)ctx;
	assert_int_equal(paths_find("profiles", name, ".ini", path, sizeof(path), &why), 0);
	assert_int_equal(profile_load(&p, path, ESTIMATE_DEFAULT, NULL, &why), 0);
	if (p.iommu[0] && !iommu_find(p.iommu))
		fail_msg("%s was sold with '%s', which is not an IOMMU", name, p.iommu);
}

static void the_iommus_of_all_profiles_are_known(void **state)
{
	(void)state;
	assert_int_equal(paths_each("profiles", ".ini", check_profile, NULL, &why), 0);
}

static void rows_are_the_registrys_in_its_order_each_once(void **state)
{
	(void)state;
	assert_int_equal(compare("deferred,strict,deferred", NULL), 0);
	assert_int_equal(compared.rows, 2);
	assert_string_equal(compared.row[0].name, "strict");
	assert_string_equal(compared.row[1].name, "deferred");
	assert_int_equal(compared.study->count, 3);
}

static void unknown_strategies_are_refused_with_the_nearest_name(void **state)
{
	static const char *const bad[] = {"strickt", "strict,strickt", "strict,", "", ",strict"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(compare(bad[i], NULL), -EINVAL);
		assert_non_null(strstr(why.text, "is not a strategy"));
		if (strstr(bad[i], "strickt"))
			assert_non_null(strstr(why.text, "did you mean strict?"));
		compare_fini(&compared);
	}
}

static void a_scenario_with_a_strategy_of_its_own_is_refused(void **state)
{
	(void)state;
	assert_int_equal(compare("all", "dma.strategy=strict"), -EINVAL);
	assert_non_null(strstr(why.text, "--set dma.strategy: a comparison sets it"));
}

static void a_baseline_that_cannot_be_built_is_refused(void **state)
{
	(void)state;
	assert_int_equal(compare("all", "inject.corrupt_tce=60 ms"), -EINVAL);
	assert_non_null(strstr(why.text, "inject.corrupt_tce"));
}

/* Deferred frees nothing before a lap is over, which a tree does not have. */
static void another_allocator_serves_where_the_scenarios_does_not(void **state)
{
	(void)state;
	assert_int_equal(compare("strict,deferred", "dma.allocator=tree"), 0);
	assert_string_equal(row_of("strict")->allocator, "tree");
	assert_string_equal(row_of("deferred")->allocator, "next-fit");
	assert_string_equal(point_of("deferred")->scenario.allocator, "next-fit");
}

static void a_strategy_that_is_asked_for_nothing_says_so(void **state)
{
	(void)state;
	assert_int_equal(scenario_set(&base, "platform.domu_memory=64 MiB", &why), 0);
	assert_int_equal(compare("off,strict", "platform.kind=direct"), 0);
	assert_true(row_of("off")->declared);
	assert_false(row_of("strict")->declared);
	assert_null(point_of("strict"));
	assert_non_null(strstr(row_of("strict")->reason.text, "makes no entries"));
}

static void what_finishing_refuses_is_the_reason(void **state)
{
	(void)state;
	assert_int_equal(scenario_set(&base, "iommu.model=dart-u4", &why), 0);
	assert_int_equal(compare("off,strict", "platform.kind=dom0"), 0);
	assert_false(row_of("strict")->declared);
	assert_non_null(strstr(row_of("strict")->reason.text,
			       "iommu.model: there is no hypervisor for dart-u4"));
}

/* ---- made-up results ---- */

static void give(const char *id, double price, double stale_page_seconds, double excess)
{
	struct study_point *p = point_of(id);

	assert_non_null(p);
	json_decref(p->result);
	p->result = json_pack(
		"{s:s, s:f, s:f, s:f, s:f, s:f, s:{s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f}}", "id",
		id, "throughput_mbps", 900.0, "elapsed_s", 2.0, "cpu_utilization_percent",
		10 * price, "cpu_max_percent", 800.0, "service_demand_us_per_kb", price, "exposure",
		"untranslated", !strcmp(id, "off"), "stale_page_seconds", stale_page_seconds,
		"shared_pages", !strcmp(id, "shared") ? 7.0 : 0.0, "stale_pages_mean",
		stale_page_seconds / 2, "stale_pages", stale_page_seconds, "excess_bytes_mean",
		excess, "reachable_bytes", 1e9, "window_us_max", 0.0, "window_us_p99", 0.0);
}

static json_t *result(void)
{
	json_t *r = compare_result(&compared, &why);

	assert_non_null(r);
	return r;
}

static json_t *found(const json_t *comparison, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(comparison, "strategies"), i, row)
	{
		if (!strcmp(json_string_value(json_object_get(row, "name")), name))
			return row;
	}
	fail_msg("no row %s", name);
	return NULL;
}

static bool on_front(const json_t *comparison, const char *name)
{
	return json_is_true(json_object_get(found(comparison, name), "pareto"));
}

static void a_comparison_within_a_study_has_names_of_its_own(void **state)
{
	struct study whole;
	json_t *r;

	(void)state;
	study_init(&whole, "whole");
	study_add(&whole, "strict", "bare-metal", (const char *const[]){NULL});
	assert_int_equal(compare_join(&compared, &whole, "2007/", &base, "strict", "all", &why), 0);
	assert_int_equal(whole.count, 4);
	assert_non_null(point_of("2007/baseline"));
	assert_non_null(point_of("2007/strict/rogue"));
	/* What cannot be built is told, in a study whose own points must be. */
	assert_true(point_of("2007/strict")->tolerant);
	assert_false(point_of("strict")->tolerant);
	give("2007/baseline", 2, 0, 0);
	give("2007/strict", 8, 0, 0);
	r = compare_result(&compared, &why);
	assert_non_null(r);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(r, "strategies"), 0), "run")),
			    "2007/strict");
	json_decref(r);
	study_fini(&whole);
}

static void the_front_has_what_nothing_beats_in_both(void **state)
{
	json_t *r;

	(void)state;
	assert_int_equal(compare("off,strict,deferred,shared,flush-queue", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("off", 2, 0, 0);           /* cheapest; everything is open */
	give("strict", 8, 0, 100);      /* the safest */
	give("deferred", 3, 1, 100);    /* between them */
	give("flush-queue", 3, 2, 100); /* as dear as deferred, and less safe */
	give("shared", 9, 0, 100);      /* as safe as strict, and dearer */
	r = result();
	assert_true(on_front(r, "off"));
	assert_true(on_front(r, "strict"));
	assert_true(on_front(r, "deferred"));
	assert_false(on_front(r, "flush-queue"));
	assert_false(on_front(r, "shared"));
	assert_string_equal(json_string_value(json_object_get(r, "cheapest_without_stale")),
			    "strict");
	assert_string_equal(json_string_value(json_object_get(r, "cheapest_on_front")), "deferred");
	json_decref(r);
}

static void a_page_that_stays_for_another_request_is_in_reach(void **state)
{
	json_t *r;

	(void)state;
	assert_int_equal(compare("strict,shared", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("strict", 8, 0, 100);
	give("shared", 4, 0, 50);
	r = result();
	assert_string_equal(json_string_value(json_object_get(r, "cheapest_without_stale")),
			    "strict");
	assert_string_equal(json_string_value(json_object_get(r, "cheapest_on_front")), "shared");
	json_decref(r);
}

static void equals_are_both_on_the_front(void **state)
{
	json_t *r;

	(void)state;
	assert_int_equal(compare("strict,deferred", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("strict", 3, 1, 1);
	give("deferred", 3, 1, 1);
	r = result();
	assert_true(on_front(r, "strict"));
	assert_true(on_front(r, "deferred"));
	assert_true(json_is_null(json_object_get(r, "cheapest_without_stale")));
	json_decref(r);
}

static void prices_are_changes_against_the_baseline(void **state)
{
	const json_t *row;
	json_t *r;

	(void)state;
	assert_int_equal(compare("strict,deferred", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("strict", 5, 0, 100);
	give("deferred", 3, 1, 100);
	r = result();
	row = found(r, "strict");
	assert_true(result_number(row, "cpu_per_kb_increase_percent") == 150);
	assert_true(result_number(row, "cpu_increase_percent") == 150);
	assert_true(result_number(row, "throughput_change_percent") == 0);
	row = found(r, "deferred");
	/* One page-second in two seconds: half a page at any time. */
	assert_true(result_number(row, "exposure.stale_bytes_mean") == 2048);
	assert_true(result_number(row, "exposure.unasked_bytes_mean") == 2148);
	/* Pages went stale and no window ended: of no length is known. */
	assert_true(
		json_is_null(json_object_get(json_object_get(row, "exposure"), "stale_us_p99")));
	json_decref(r);
}

static void what_was_refused_has_its_reason_and_no_price(void **state)
{
	const json_t *row;
	json_t *r, *table;

	(void)state;
	assert_int_equal(compare("strict,deferred", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("strict", 5, 0, 100);
	point_of("deferred")->refused = strdup("it is raining");
	r = result();
	row = found(r, "deferred");
	assert_true(json_is_false(json_object_get(row, "applies")));
	assert_string_equal(json_string_value(json_object_get(row, "reason")), "it is raining");
	assert_null(json_object_get(row, "throughput_mbps"));
	assert_false(on_front(r, "deferred"));
	table = compare_refused_table(r);
	assert_int_equal(json_array_size(json_object_get(table, "rows")), 1);
	json_decref(table);
	json_decref(r);
}

static void demonstrations_take_no_part_in_the_front(void **state)
{
	json_t *r;

	(void)state;
	assert_int_equal(compare("deferred,unflushed", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("deferred", 3, 1, 100);
	give("unflushed", 2.5, 1, 50);
	r = result();
	assert_true(on_front(r, "deferred"));
	assert_false(on_front(r, "unflushed"));
	assert_string_equal(json_string_value(json_object_get(r, "cheapest_on_front")), "deferred");
	json_decref(r);
}

static void attacks_have_runs_of_their_own(void **state)
{
	const json_t *row;
	json_t *r, *table;

	(void)state;
	attacks = "replay";
	assert_int_equal(compare("strict", NULL), 0);
	assert_string_equal(point_of("strict")->scenario.rogue_attacks, "none");
	assert_string_equal(point_of("strict/rogue")->scenario.rogue_attacks, "replay");
	assert_string_equal(point_of(COMPARE_BASELINE)->scenario.rogue_attacks, "none");
	give(COMPARE_BASELINE, 2, 0, 0);
	give("strict", 5, 0, 100);
	give("strict/rogue", 50, 10, 100);
	json_object_set_new(point_of("strict/rogue")->result, "attacks",
			    json_pack("{s:{s:i, s:i}, s:{s:i, s:i}}", "replay", "attempted", 30,
				      "succeeded", 3, "ring", "attempted", 10, "succeeded", 1));
	r = result();
	row = found(r, "strict");
	assert_true(result_number(row, "cpu_per_kb_increase_percent") == 150);
	assert_true(result_number(row, "attacks_succeeded_fraction") == 0.1);
	assert_true(result_number(row, "attacks.replay.succeeded") == 3);
	table = compare_attacks_table(r);
	assert_int_equal(json_array_size(json_object_get(table, "columns")), 3);
	json_decref(table);
	json_decref(r);
}

static void attacks_that_are_none_or_set_twice_are_refused(void **state)
{
	(void)state;
	attacks = "replya";
	assert_int_equal(compare("strict", NULL), -EINVAL);
	assert_non_null(strstr(why.text, "--attacks: rogue.attacks: "));
	assert_non_null(strstr(why.text, "did you mean replay?"));
	attacks = "all";
	assert_int_equal(compare("strict", "rogue.attacks=ring"), -EINVAL);
	assert_non_null(strstr(why.text, "rogue.attacks: a comparison sets it"));
}

static void without_a_baseline_there_is_no_result(void **state)
{
	(void)state;
	assert_int_equal(compare("strict", NULL), 0);
	point_of(COMPARE_BASELINE)->refused = strdup("it is raining");
	assert_null(compare_result(&compared, &why));
	assert_string_equal(why.text, "without an IOMMU: it is raining");
}

static const char *first_cell(const json_t *table, size_t row)
{
	return json_string_value(
		json_array_get(json_array_get(json_object_get(table, "rows"), row), 0));
}

static void the_table_is_in_the_order_asked_for(void **state)
{
	json_t *r, *table;

	(void)state;
	assert_int_equal(compare("strict,deferred,flush-queue", NULL), 0);
	give(COMPARE_BASELINE, 2, 0, 0);
	give("strict", 5, 0, 100);
	give("deferred", 3, 1, 100);
	give("flush-queue", 3, 2, 100);
	r = result();
	table = compare_table(r, COMPARE_REGISTRY);
	assert_string_equal(first_cell(table, 0), "no IOMMU");
	assert_string_equal(first_cell(table, 1), "strict *");
	assert_string_equal(first_cell(table, 2), "deferred *");
	json_decref(table);
	table = compare_table(r, COMPARE_PRICE);
	assert_string_equal(first_cell(table, 1), "deferred *");
	assert_string_equal(first_cell(table, 2), "flush-queue");
	assert_string_equal(first_cell(table, 3), "strict *");
	json_decref(table);
	json_decref(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, take_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_machines_own_iommu_is_taken_where_the_scenario_names_none),
		TEST(the_scenarios_iommu_goes_before_the_machines),
		TEST(a_machine_without_an_iommu_has_nothing_to_compare),
		TEST(an_iommu_that_a_profile_misspells_is_refused),
		TEST(the_iommus_of_all_profiles_are_known),
		TEST(rows_are_the_registrys_in_its_order_each_once),
		TEST(unknown_strategies_are_refused_with_the_nearest_name),
		TEST(a_scenario_with_a_strategy_of_its_own_is_refused),
		TEST(a_baseline_that_cannot_be_built_is_refused),
		TEST(another_allocator_serves_where_the_scenarios_does_not),
		TEST(a_strategy_that_is_asked_for_nothing_says_so),
		TEST(what_finishing_refuses_is_the_reason),
		TEST(a_comparison_within_a_study_has_names_of_its_own),
		TEST(the_front_has_what_nothing_beats_in_both),
		TEST(a_page_that_stays_for_another_request_is_in_reach),
		TEST(equals_are_both_on_the_front),
		TEST(prices_are_changes_against_the_baseline),
		TEST(what_was_refused_has_its_reason_and_no_price),
		TEST(demonstrations_take_no_part_in_the_front),
		TEST(attacks_have_runs_of_their_own),
		TEST(attacks_that_are_none_or_set_twice_are_refused),
		TEST(without_a_baseline_there_is_no_result),
		TEST(the_table_is_in_the_order_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Whole runs with a NIC that translates for itself: data arrives intact under every strategy, what
 * was unmapped strictly is unreachable, and a lie is refused where the hardware would refuse it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "study/run.h"
#include "study/scenario.h"

static json_t *run(const char *model, const char *ats, const char *strategy, const char *lie)
{
	const struct run_options options = {.pcap = NULL};
	struct scenario s;
	struct err err;
	json_t *result = NULL;

	assert_int_equal(scenario_init(&s), 0);
	if (scenario_read(&s, "bare-metal", &err) || scenario_set(&s, "run.duration=20 ms", &err) ||
	    scenario_setf(&s, &err, "iommu.model=%s", model) ||
	    scenario_setf(&s, &err, "iommu.ats=%s", ats) ||
	    scenario_setf(&s, &err, "dma.strategy=%s", strategy) ||
	    scenario_setf(&s, &err, "inject.translated_write=%s", lie) ||
	    scenario_finish(&s, &err) || run_scenario(&s, &options, &result, &err))
		fail_msg("%s", err.text);
	scenario_fini(&s);
	return result;
}

static json_int_t number(const json_t *result, const char *part, const char *field)
{
	const json_t *value = json_object_get(json_object_get(result, part), field);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *const models[] = {"vtd", "amdvi"};

static void strict_runs_use_the_cache_and_leave_nothing_reachable(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		json_t *r = run(models[m], "on", "strict", "0 s");

		assert_true(json_is_true(json_object_get(json_object_get(r, "ats"), "enabled")));
		assert_true(number(r, "ats", "atc_hits") > 1000);
		assert_true(number(r, "ats", "translated") > 1000);
		assert_int_equal(number(r, "ats", "untranslated"), 0);
		assert_true(number(r, "ats", "device_invalidations") > 1000);
		assert_int_equal(number(r, "ats", "device_invalidations"),
				 number(r, "iommu", "invalidations"));
		assert_int_equal(number(r, "ats", "invalidation_time_outs"), 0);
		assert_int_equal(number(r, "ats", "stray_completions"), 0);
		assert_int_equal(number(r, "load", "mismatches"), 0);
		assert_int_equal(number(r, "exposure", "stale_pages"), 0);
		assert_int_equal(json_array_size(json_object_get(r, "warnings")), 0);
		json_decref(r);
	}
}

static void lazy_runs_leave_pages_in_the_devices_own_cache(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		json_t *r = run(models[m], "on", "flush-queue", "0 s");

		assert_int_equal(number(r, "ats", "device_invalidations"),
				 number(r, "iommu", "flushes"));
		assert_true(number(r, "exposure", "stale_pages") > 0);
		assert_int_equal(number(r, "load", "mismatches"), 0);
		json_decref(r);
	}
}

static void without_translation_nobody_switches_it_on(void **state)
{
	json_t *r = run("vtd", "on", "off", "0 s");

	(void)state;
	assert_true(json_is_false(json_object_get(json_object_get(r, "ats"), "enabled")));
	assert_int_equal(number(r, "ats", "requests"), 0);
	assert_int_equal(number(r, "load", "mismatches"), 0);
	json_decref(r);
}

static void a_lie_lands_only_where_devices_are_trusted(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++)
		for (unsigned on = 0; on < 2; on++) {
			json_t *r = run(models[m], on ? "on" : "off", "strict", "55 ms");
			const json_t *lie = json_object_get(json_object_get(r, "ats"), "lie");

			assert_string_equal(json_string_value(json_object_get(lie, "outcome")),
					    on ? "landed" : "refused");
			assert_int_equal(number(r, "ats", "translated_refused"), !on);
			assert_int_equal(json_array_size(json_object_get(
						 json_object_get(r, "iommu"), "faults")),
					 !on);
			json_decref(r);
		}
}

static void what_does_not_fit_is_refused_with_its_reason(void **state)
{
	static const char *const cases[][3] = {
		{"iommu.model=calgary", "iommu.ats=on",
		 "--set iommu.ats: iommu.model=calgary serves no ATS; expected vtd or amdvi, or "
		 "iommu.ats=off"},
		{"iommu.model=dart-u4", "inject.translated_write=55 ms",
		 "--set inject.translated_write: iommu.model=dart-u4 knows no translated requests; "
		 "expected vtd or amdvi"},
		{"iommu.ats=on", "iommu.model=none",
		 "--set iommu.ats: iommu.model=none serves no ATS; expected vtd or amdvi, or "
		 "iommu.ats=off"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scenario s;
		struct err err;

		assert_int_equal(scenario_init(&s), 0);
		assert_int_equal(scenario_read(&s, "bare-metal", &err), 0);
		assert_int_equal(scenario_set(&s, cases[i][0], &err), 0);
		assert_int_equal(scenario_set(&s, cases[i][1], &err), 0);
		assert_int_not_equal(scenario_finish(&s, &err), 0);
		assert_string_equal(err.text, cases[i][2]);
		scenario_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_runs_use_the_cache_and_leave_nothing_reachable),
		cmocka_unit_test(lazy_runs_leave_pages_in_the_devices_own_cache),
		cmocka_unit_test(without_translation_nobody_switches_it_on),
		cmocka_unit_test(a_lie_lands_only_where_devices_are_trusted),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_reason),
	};

	return cmocka_run_group_tests_name("study/ats", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Whole runs of FFSB, on bare metal and in dom0: what must be true of them, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/run.h"
#include "study/study.h"

static int try(const char *const *sets, json_t **result, struct err *err)
{
	static const struct run_options none = {0};
	struct scenario s;
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, "ffsb", err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=200 ms", err), 0);
	for (; *sets; sets++)
		assert_int_equal(scenario_set(&s, *sets, err), 0);
	rc = scenario_finish(&s, err);
	if (!rc)
		rc = run_scenario(&s, &none, result, err);
	scenario_fini(&s);
	return rc;
}

static json_t *run_with(const char *const *sets)
{
	json_t *result = NULL;
	struct err err = {{0}};

	if (try(sets, &result, &err))
		fail_msg("%s", err.text);
	return result;
}

#define RUN(...) run_with((const char *const[]){__VA_ARGS__, NULL})

static double get(const json_t *result, const char *path)
{
	const double value = result_number(result, path);

	if (value != value)
		fail_msg("no field %s", path);
	return value;
}

static void a_load_of_direct_reads_maps_once_for_each_and_damages_nothing(void **state)
{
	static const char *const where[] = {"platform.kind=bare-metal", "platform.kind=dom0"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		json_t *r = RUN(where[i], "iommu.model=calgary", "ffsb.profile=ffsb-random-direct");
		const double reads = get(r, "ffsb.bytes_read") / 4096;

		assert_true(reads > 1000);
		assert_true(get(r, "ffsb.mismatches") == 0);
		assert_true(get(r, "ffsb.bytes_checked") > 1e6);
		/* An operation begun before the interval counts whole. */
		assert_true(get(r, "dma.maps") > reads * 0.9 && get(r, "dma.maps") < reads * 1.1);
		assert_true(get(r, "iommu.refused") == 0);
		assert_true(get(r, "disk.failed") == 0);
		if (i)
			assert_true(get(r, "xen.hypercalls.iommu_op") > 1.9 * reads);
		json_decref(r);
	}
}

static void scatter_lists_are_where_requests_have_more_than_one_entry(void **state)
{
	json_t *r = RUN("iommu.model=calgary", "ffsb.profile=ffsb-sequential");

	(void)state;
	assert_true(get(r, "ffsb.mismatches") == 0);
	assert_true(get(r, "disk.segments_per_request") > 4);
	json_decref(r);
}

static void the_same_seed_gives_the_same_result(void **state)
{
	json_t *a = RUN("iommu.model=calgary"), *b = RUN("iommu.model=calgary"),
	       *c = RUN("iommu.model=calgary", "run.seed=2");

	(void)state;
	assert_true(json_equal(a, b));
	assert_true(get(a, "ffsb.ops") != get(c, "ffsb.ops") ||
		    get(a, "events") != get(c, "events"));
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

static void refused(const char *set, const char *also, int rc, const char *says)
{
	const char *const sets[] = {set, also, NULL};
	struct err err = {{0}};
	json_t *result = NULL;

	assert_int_equal(try(sets, &result, &err), rc);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static void what_cannot_be_built_is_refused_with_the_setting_named(void **state)
{
	(void)state;
	refused("platform.kind=direct", NULL, -EINVAL, "load.name: ffsb runs on bare metal or");
	refused("sut.profile=js21-2007", NULL, -EINVAL, "js21-2007 has no [disk] section");
	refused("ffsb.profile=no-such", NULL, -ENOENT, "no-such");
	refused("ffsb.cache=5000000 B", NULL, -EINVAL, "ffsb.cache: expected whole pages");
	refused("inject.corrupt_tce=1 ms", "iommu.model=calgary", -EINVAL, "inject.corrupt_tce");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_load_of_direct_reads_maps_once_for_each_and_damages_nothing),
		cmocka_unit_test(scatter_lists_are_where_requests_have_more_than_one_entry),
		cmocka_unit_test(the_same_seed_gives_the_same_result),
		cmocka_unit_test(what_cannot_be_built_is_refused_with_the_setting_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

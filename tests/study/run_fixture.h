/* SPDX-License-Identifier: MIT */
/* Short runs of bare-metal, and numbers of their results. */
#ifndef IOTOLL_TESTS_STUDY_RUN_FIXTURE_H
#define IOTOLL_TESTS_STUDY_RUN_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "spec/calgary.h"
#include "study/run.h"
#include "study/study.h"

/* Run bare-metal for a short while with @sets (NULL-terminated). */
static inline json_t *run_with(const char *const *sets, const struct run_options *options)
{
	static const struct run_options none = {0};
	json_t *result = NULL;
	struct scenario s;
	struct err err = {{0}};
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, "bare-metal", &err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=30 ms", &err), 0);
	assert_int_equal(scenario_set(&s, "run.warmup=10 ms", &err), 0);
	for (; *sets; sets++)
		assert_int_equal(scenario_set(&s, *sets, &err), 0);
	rc = scenario_finish(&s, &err);
	if (!rc)
		rc = run_scenario(&s, options ? options : &none, &result, &err);
	if (rc)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	scenario_fini(&s);
	return result;
}

#define RUN(...) run_with((const char *const[]){__VA_ARGS__, NULL}, NULL)
#define ON       "iommu.model=calgary"

static inline double get(const json_t *result, const char *path)
{
	const double value = result_number(result, path);

	assert_true(value == value); /* not NaN: the field is there */
	return value;
}

#endif

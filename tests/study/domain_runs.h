/* SPDX-License-Identifier: MIT */
/* Whole runs under a hypervisor, for tests of what must be true of them and of what is refused. */
#ifndef IOTOLL_TESTS_STUDY_DOMAIN_RUNS_H
#define IOTOLL_TESTS_STUDY_DOMAIN_RUNS_H

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

/* What becomes of @name with @sets (NULL-terminated): 0 and *@result, or the error in @err. */
static inline int try(const char *name, const char *const *sets, json_t **result, struct err *err)
{
	static const struct run_options none = {0};
	struct scenario s;
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, name, err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=30 ms", err), 0);
	assert_int_equal(scenario_set(&s, "run.warmup=10 ms", err), 0);
	for (; *sets; sets++)
		assert_int_equal(scenario_set(&s, *sets, err), 0);
	rc = scenario_finish(&s, err);
	if (!rc)
		rc = run_scenario(&s, &none, result, err);
	scenario_fini(&s);
	return rc;
}

static inline json_t *run_with(const char *name, const char *const *sets)
{
	json_t *result = NULL;
	struct err err = {{0}};

	if (try(name, sets, &result, &err))
		fail_msg("%s: %s", name, err.text);
	return result;
}

#define RUN(name, ...) run_with(name, (const char *const[]){__VA_ARGS__, NULL})

/* A number of the result. */
static inline double get(const json_t *result, const char *path)
{
	const double value = result_number(result, path);

	if (value != value)
		fail_msg("no field %s", path);
	return value;
}

static const char *const models[][2] = {
	{"iommu.model=calgary", "sut.profile=x460-2007"},
	{"iommu.model=vtd", "sut.profile=e3-1220-2015"},
	{"iommu.model=amdvi", "sut.profile=epyc-7742-2019"},
};

#define MODELS (sizeof(models) / sizeof(models[0]))

/* @name with @set and @second is refused, in words that have @says in them. */
static inline void both_refused(const char *name, const char *set, const char *second,
				const char *says)
{
	const char *const sets[] = {set, second, NULL};
	struct err err = {{0}};
	json_t *result = NULL;
	int rc;

	rc = try(name, sets, &result, &err);
	assert_true(rc == -EINVAL || rc == -ENOENT);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static inline void refused(const char *name, const char *set, const char *says)
{
	both_refused(name, set, NULL, says);
}

#endif

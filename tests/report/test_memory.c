// SPDX-License-Identifier: MIT
/*
 * Every writer, with its first, second, third ... allocation failing: it must say -ENOMEM and
 * leak nothing (the address sanitizer sees to that), and the first try without a failure must
 * give what it always gives.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "report/csv.h"
#include "report/page.h"
#include "report/run_text.h"
#include "report/study_text.h"
#include "report/svg.h"
#include "sample.h"

/* The linker sends the room's allocations here; this many succeed, then one fails. */
static long allowed = -1;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t bytes);

static int refuse(void)
{
	return allowed >= 0 && allowed-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
	return refuse() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return refuse() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
	return refuse() ? NULL : __real_realloc(p, bytes);
}

char *__wrap_strdup(const char *s)
{
	return refuse() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t bytes)
{
	return refuse() ? NULL : __real_strndup(s, bytes);
}

typedef int (*writer)(FILE *out, const json_t *json, struct err *err);

static int try_with(writer fn, const json_t *json, long successes, struct capture *c)
{
	struct err err = {""};
	int ret;

	capture_open(c);
	allowed = successes;
	ret = fn(c->out, json, &err);
	/* Not consumed: nothing failed. */
	successes = allowed;
	allowed = -1;
	capture_close(c);
	if (successes >= 0)
		assert_int_equal(ret, 0);
	else
		assert_int_equal(ret, -ENOMEM);
	return ret;
}

static void every_failure_is_reported(writer fn, const char *text)
{
	json_t *json = json_of(text);
	struct capture wanted, got;
	long n = 0;
	int ret;

	assert_int_equal(try_with(fn, json, 1000000, &wanted), 0);
	do {
		ret = try_with(fn, json, n++, &got);
		if (!ret)
			assert_string_equal(got.text, wanted.text);
		capture_free(&got);
	} while (ret);
	assert_true(n > 1);
	capture_free(&wanted);
	json_decref(json);
}

static void page_survives_any_failing_allocation(void **state)
{
	(void)state;
	every_failure_is_reported(report_page, SAMPLE_STUDY);
}

static void study_text_survives_any_failing_allocation(void **state)
{
	(void)state;
	every_failure_is_reported(report_study_text, SAMPLE_STUDY);
}

static void run_text_survives_any_failing_allocation(void **state)
{
	(void)state;
	every_failure_is_reported(report_run_text, SAMPLE_RUN);
}

static void figures_survive_any_failing_allocation(void **state)
{
	(void)state;
	every_failure_is_reported(report_figure_svg, SAMPLE_LINE);
	every_failure_is_reported(report_figure_svg, SAMPLE_BARS);
	every_failure_is_reported(report_figure_svg, SAMPLE_SCATTER);
}

static void csv_survives_any_failing_allocation(void **state)
{
	(void)state;
	every_failure_is_reported(report_run_csv, SAMPLE_RUN);
	every_failure_is_reported(report_study_csv, SAMPLE_STUDY);
	every_failure_is_reported(report_rows_csv, "[{'a': 1, 'b': {'c': 2}}, {'d': null}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_survives_any_failing_allocation),
		cmocka_unit_test(study_text_survives_any_failing_allocation),
		cmocka_unit_test(run_text_survives_any_failing_allocation),
		cmocka_unit_test(figures_survive_any_failing_allocation),
		cmocka_unit_test(csv_survives_any_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

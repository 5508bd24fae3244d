/* SPDX-License-Identifier: MIT */
/* The process pool: every result arrives, failures keep their words, deaths are told, stops stop.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "study/pool.h"

#define JOBS 20

struct world {
	size_t got[JOBS];
	size_t fail_at, kill_at, big_at;
	bool stop;
};

static int job(void *ctx, size_t index, FILE *out, struct err *err)
{
	const struct world *w = ctx;

	if (index == w->fail_at)
		return err_set(err, -ERANGE, "job %zu is out of order", index);
	if (index == w->kill_at)
		raise(SIGKILL);
	if (index == w->big_at)
		for (int i = 0; i < 100000; i++)
			fputs("0123456789", out);
	fprintf(out, "%zu", index * index);
	return 0;
}

static int done(void *ctx, size_t index, const char *text, size_t bytes, struct err *err)
{
	struct world *w = ctx;

	(void)err;
	assert_int_equal(strlen(text), bytes);
	if (index == w->big_at)
		assert_true(bytes > 1000000);
	else
		assert_int_equal(strtoull(text, NULL, 10), index * index);
	w->got[index]++;
	return 0;
}

static bool should_stop(void *ctx)
{
	return ((struct world *)ctx)->stop;
}

static int run(struct world *w, struct err *err)
{
	const struct pool_ops ops = {
		.ctx = w, .job = job, .done = done, .should_stop = should_stop};

	return pool_run(&ops, JOBS, 3, err);
}

static void no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void every_result_arrives_once_however_large(void **state)
{
	struct world w = {.fail_at = JOBS, .kill_at = JOBS, .big_at = 7};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(run(&w, &err), 0);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(w.got[i], 1);
	no_child_is_left();
}

static void a_failure_keeps_its_code_and_words(void **state)
{
	struct world w = {.fail_at = 5, .kill_at = JOBS, .big_at = JOBS};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(run(&w, &err), -ERANGE);
	assert_string_equal(err.text, "job 5 is out of order");
	assert_int_equal(w.got[5], 0);
	no_child_is_left();
}

static void a_child_that_dies_is_reported(void **state)
{
	struct world w = {.fail_at = JOBS, .kill_at = 3, .big_at = JOBS};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(run(&w, &err), -EIO);
	assert_non_null(strstr(err.text, "job 3 was ended by signal 9"));
	no_child_is_left();
}

static void a_stop_ends_it_without_children(void **state)
{
	struct world w = {.fail_at = JOBS, .kill_at = JOBS, .big_at = JOBS, .stop = true};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(run(&w, &err), -EINTR);
	no_child_is_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_result_arrives_once_however_large),
		cmocka_unit_test(a_failure_keeps_its_code_and_words),
		cmocka_unit_test(a_child_that_dies_is_reported),
		cmocka_unit_test(a_stop_ends_it_without_children),
	};

	return cmocka_run_group_tests_name("study/pool", tests, NULL, NULL);
}

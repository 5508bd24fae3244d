/* SPDX-License-Identifier: MIT */
/* Threads that measure: who works, how much, and what a round says of it. Run it under TSan too. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench/gang.h"

#define THREADS 3u

struct work {
	uint64_t done[THREADS];
	unsigned fails; /* the thread whose work fails; THREADS: none's */
};

static bool work(void *ctx, unsigned thread, uint64_t ops)
{
	struct work *w = ctx;

	w->done[thread] += ops;
	for (volatile unsigned i = 0; i < 1000; i++)
		;
	return thread != w->fails;
}

static struct gang *gang_of(unsigned threads)
{
	struct err err = {""};
	struct gang *g;

	assert_int_equal(gang_create(&g, threads, -1, &err), 0);
	return g;
}

static void every_thread_that_takes_part_does_its_share(void **state)
{
	struct work w = {.fails = THREADS};
	const struct gang_round round = {.work = work, .ctx = &w, .ops = 50, .threads = 2};
	struct gang *g = gang_of(THREADS);
	struct gang_time t;

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		gang_do(g, &round, &t);
		assert_true(w.done[0] >= 50 * i && w.done[1] >= 50 * i);
		assert_int_equal(w.done[2], 0);
		assert_false(t.failed);
		assert_true(t.ns > 0);
	}
	gang_destroy(g);
}

static void a_thread_alone_does_just_its_share(void **state)
{
	struct work w = {.fails = THREADS};
	const struct gang_round round = {.work = work, .ctx = &w, .ops = 50, .threads = 1};
	struct gang *g = gang_of(1);
	struct gang_time t;

	(void)state;
	gang_do(g, &round, &t);
	assert_int_equal(w.done[0], 50);
	gang_destroy(g);
}

static void threads_that_wait_for_each_other_do_no_more(void **state)
{
	struct work w = {.fails = THREADS};
	const struct gang_round round = {
		.work = work, .ctx = &w, .ops = 50, .threads = THREADS, .once = true};
	struct gang *g = gang_of(THREADS);
	struct gang_time t;

	(void)state;
	gang_do(g, &round, &t);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(w.done[i], 50);
	gang_destroy(g);
}

/* One that fails at once would be measured as fast as nothing if it did not say so. */
static void the_failure_of_any_thread_is_the_rounds(void **state)
{
	struct gang *g = gang_of(THREADS);

	(void)state;
	for (unsigned fails = 0; fails <= THREADS; fails++) {
		struct work w = {.fails = fails};
		const struct gang_round round = {
			.work = work, .ctx = &w, .ops = 64, .threads = THREADS};
		struct gang_time t;

		gang_do(g, &round, &t);
		assert_int_equal(t.failed, fails < THREADS);
	}
	gang_destroy(g);
}

static bool work_until_told(void *ctx, unsigned thread, uint64_t ops)
{
	(void)ops;
	if (thread == 0)
		for (volatile unsigned i = 0; i < 200000; i++)
			;
	else
		__atomic_store_n((bool *)ctx, true, __ATOMIC_RELAXED);
	return true;
}

static void a_background_thread_works_and_has_no_share(void **state)
{
	bool worked = false;
	const struct gang_round round = {
		.work = work_until_told, .ctx = &worked, .ops = 1, .threads = 2, .background = 1};
	struct gang *g = gang_of(2);
	struct gang_time t;

	(void)state;
	/* Which of the two is faster is the scheduler's; sooner or later it had its turn. */
	for (unsigned i = 0; i < 10000 && !worked; i++)
		gang_do(g, &round, &t);
	assert_true(worked);
	gang_destroy(g);
}

static void a_node_that_is_not_there_is_refused_in_words(void **state)
{
	struct err err = {""};
	struct gang *g;

	(void)state;
	assert_int_equal(gang_create(&g, 1, 1000, &err), -EINVAL);
	assert_null(g);
	assert_string_equal(err.text, "NUMA node 1000: this machine has none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_that_takes_part_does_its_share),
		cmocka_unit_test(a_thread_alone_does_just_its_share),
		cmocka_unit_test(threads_that_wait_for_each_other_do_no_more),
		cmocka_unit_test(the_failure_of_any_thread_is_the_rounds),
		cmocka_unit_test(a_background_thread_works_and_has_no_share),
		cmocka_unit_test(a_node_that_is_not_there_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

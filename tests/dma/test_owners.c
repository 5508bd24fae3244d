/* SPDX-License-Identifier: MIT */
/*
 * Whose place is whose (src/dma/env/native/owners.h): a thread that comes after another has ended
 * may have its memory, and with it the address of its thread-local variables, but not its name. If
 * it had, a third thread would learn from the kernel that the first has ended and move in beside
 * the second.
 */
#include <errno.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dma/env/native/owners.h"
#include "rig.h"

struct hall {
	struct owners first, second;
	sem_t arrived, leave;
	unsigned place, other;
};

static int setup(void **state)
{
	struct hall *h = aligned_alloc(_Alignof(struct hall), sizeof(*h));

	assert_non_null(h);
	memset(h, 0, sizeof(*h));
	owners_init(&h->first);
	owners_init(&h->second);
	(void)sem_init(&h->arrived, 0, 0);
	(void)sem_init(&h->leave, 0, 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct hall *h = *state;

	owners_fini(&h->first);
	owners_fini(&h->second);
	(void)sem_destroy(&h->arrived);
	(void)sem_destroy(&h->leave);
	free(h);
	return 0;
}

static void run(struct hall *h, void *(*fn)(void *ctx))
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, h), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void wait_for(sem_t *s)
{
	while (sem_wait(s) != 0)
		;
}

static void *visit_second(void *ctx)
{
	struct hall *h = ctx;

	h->other = owners_mine(&h->second);
	return NULL;
}

static void *stay_in_second(void *ctx)
{
	struct hall *h = ctx;

	(void)owners_mine(&h->second);
	(void)sem_post(&h->arrived);
	wait_for(&h->leave);
	return NULL;
}

/* Has a number from elsewhere already, so that it asks the second by that. */
static void *stay_in_both(void *ctx)
{
	struct hall *h = ctx;

	(void)owners_mine(&h->first);
	h->place = owners_mine(&h->second);
	(void)sem_post(&h->arrived);
	wait_for(&h->leave);
	return NULL;
}

static void a_place_of_the_living_is_not_taken_over(void **state)
{
	struct hall *h = *state;
	pthread_t thread[OWNERS - 1];

	if (!h->second.fenced)
		skip();
	run(h, visit_second);
	assert_int_equal(pthread_create(&thread[0], NULL, stay_in_both, h), 0);
	wait_for(&h->arrived);
	for (unsigned i = 1; i < OWNERS - 1; i++) {
		assert_int_equal(pthread_create(&thread[i], NULL, stay_in_second, h), 0);
		wait_for(&h->arrived);
	}
	run(h, visit_second);
	assert_int_not_equal(h->place, 0);
	assert_int_equal(h->other, 0); /* all places are those of living threads */
	for (unsigned i = 0; i < OWNERS - 1; i++)
		(void)sem_post(&h->leave);
	for (unsigned i = 0; i < OWNERS - 1; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
}

static void the_dead_leave_their_place_to_the_next(void **state)
{
	struct hall *h = *state;

	if (!h->second.fenced)
		skip();
	for (unsigned i = 0; i < 2 * OWNERS; i++) {
		run(h, visit_second);
		assert_int_equal(h->other, 1);
	}
}

/* Of its parent's threads a child has one, whose number the kernel gave to the parent's. */
static int child(struct hall *h, unsigned mine)
{
	pthread_t thread[OWNERS - 1];
	bool kept;

	for (unsigned i = 0; i < OWNERS - 1; i++) {
		if (pthread_create(&thread[i], NULL, stay_in_second, h) != 0)
			return 2;
		wait_for(&h->arrived);
	}
	kept = mine != 0 && owners_mine(&h->second) == mine;
	for (unsigned i = 0; i < OWNERS - 1; i++)
		(void)sem_post(&h->leave);
	for (unsigned i = 0; i < OWNERS - 1; i++)
		if (pthread_join(thread[i], NULL) != 0)
			return 2;
	return kept ? 0 : 1;
}

static void a_child_keeps_the_place_it_was_forked_with(void **state)
{
	struct hall *h = *state;
	const unsigned mine = owners_mine(&h->second);
	int status = 0;
	pid_t pid;

	if (!h->second.fenced)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(h, mine));
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_place_of_the_living_is_not_taken_over, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_dead_leave_their_place_to_the_next, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_child_keeps_the_place_it_was_forked_with, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Replays that somebody stops: between events, between lines, and while they wait for input. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "replay_scene.h"

/* Says yes from the question with this number on. */
struct patience {
	unsigned asked, enough;
};

static bool enough(void *ctx)
{
	struct patience *p = ctx;

	return ++p->asked >= p->enough;
}

static void a_replay_is_stopped_between_any_two_events(void **state)
{
	struct patience p = {.enough = 4};
	struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	config.should_stop = enough;
	config.ctx = &p;
	/* Asked before the first line and at each event: the third one is not taken. */
	assert_int_equal(run_text(SIX, &config, &r, &err), 0);
	assert_true(r.stopped);
	assert_int_equal(r.trace.events, 3);
	assert_int_equal(r.maps, 2);
	assert_int_equal(r.unmaps, 0);
}

static void a_stop_before_the_first_event_is_no_error(void **state)
{
	struct patience p = {.enough = 1};
	struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	config.should_stop = enough;
	config.ctx = &p;
	assert_int_equal(run_text(SIX, &config, &r, &err), 0);
	assert_true(r.stopped);
	assert_int_equal(r.maps, 0);
}

static void lines_without_events_can_be_left(void **state)
{
	const unsigned lines = 100000;
	struct patience p = {.enough = 3};
	struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};
	char *text = malloc(2 * lines + 1);

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < lines; i++)
		memcpy(text + (size_t)2 * i, "#\n", 3);
	config.should_stop = enough;
	config.ctx = &p;
	assert_int_equal(run_text(text, &config, &r, &err), 0);
	assert_true(r.stopped);
	assert_true(r.trace.lines < 2000);
	free(text);
}

static volatile sig_atomic_t alarmed;

static void on_alarm(int number)
{
	(void)number;
	alarmed = 1;
}

static bool was_alarmed(void *ctx)
{
	(void)ctx;
	return alarmed;
}

/* Replay out of a pipe that stays open and gives no more than one map, with an alarm set. */
static int replay_until_alarm(const struct replay_config *config, struct replay_result *r,
			      struct err *err)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	/* More than one: the reader may be about to sleep when the first comes. */
	const struct itimerval timer = {.it_interval = {.tv_usec = 20000},
					.it_value = {.tv_usec = 20000}};
	const struct itimerval none = {.it_value = {.tv_usec = 0}};
	struct trace *t = NULL;
	char path[64], text[6000];
	int ends[2], rc;

	memset(text, '#', sizeof(text));
	for (size_t i = 99; i < sizeof(text); i += 100)
		text[i] = '\n';
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], MAP1("1.0", "0x1000", "0x8000"),
			       strlen(MAP1("1.0", "0x1000", "0x8000"))),
			 strlen(MAP1("1.0", "0x1000", "0x8000")));
	assert_int_equal(write(ends[1], text, sizeof(text)), sizeof(text));
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(trace_open(&t, path, NULL, err), 0);
	alarmed = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	rc = replay_run(t, config, r, err);
	setitimer(ITIMER_REAL, &none, NULL);
	trace_close(t);
	close(ends[0]);
	close(ends[1]);
	return rc;
}

static void a_signal_ends_the_wait_for_input(void **state)
{
	struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	config.should_stop = was_alarmed;
	assert_int_equal(replay_until_alarm(&config, &r, &err), 0);
	assert_true(r.stopped);
	config.should_stop = NULL;
	assert_int_equal(replay_until_alarm(&config, &r, &err), -EINTR);
	assert_string_not_equal(err.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replay_is_stopped_between_any_two_events),
		cmocka_unit_test(a_stop_before_the_first_event_is_no_error),
		cmocka_unit_test(lines_without_events_can_be_left),
		cmocka_unit_test(a_signal_ends_the_wait_for_input),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}

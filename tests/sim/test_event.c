/* SPDX-License-Identifier: MIT */
/* The event queue: order, ties, moving, cancelling; and a random program against a naive list. */
#include "harness.h"

#include <errno.h>

#include "base/rng.h"
#include "sim/event.h"

struct note {
	struct event ev;
	int id;
	int *log, *count;
	struct sim *sim;
};

static void write_note(void *ctx)
{
	struct note *n = ctx;

	n->log[(*n->count)++] = n->id;
}

static void events_run_in_time_order_and_ties_in_scheduling_order(void **state)
{
	struct sim *sim = sim_create();
	int log[8], count = 0;
	struct note n[4];
	const sim_time at[4] = {30, 10, 30, 20};

	(void)state;
	for (int i = 0; i < 4; i++) {
		n[i] = (struct note){.id = i, .log = log, .count = &count, .sim = sim};
		event_init(&n[i].ev, write_note, &n[i]);
		sim_schedule(sim, &n[i].ev, at[i]);
	}
	assert_int_equal(sim_next(sim), 10);
	assert_int_equal(sim_run(sim, 29), 0);
	assert_int_equal(sim_now(sim), 29);
	assert_int_equal(count, 2);
	assert_int_equal(sim_run(sim, 30), 0);
	assert_int_equal(count, 4);
	const int expected[4] = {1, 3, 0, 2};
	assert_memory_equal(log, expected, sizeof(expected));
	assert_int_equal(sim_events(sim), 4);
	sim_destroy(sim);
}

static void an_event_in_the_past_runs_at_the_present(void **state)
{
	struct sim *sim = sim_create();
	int log[2], count = 0;
	struct note n = {.id = 7, .log = log, .count = &count};

	(void)state;
	event_init(&n.ev, write_note, &n);
	assert_int_equal(sim_run(sim, 100), 0);
	sim_schedule(sim, &n.ev, 5);
	assert_int_equal(n.ev.at, 100);
	sim_destroy(sim);
}

static void stop_it(void *ctx)
{
	sim_stop(ctx);
}

static void stop_ends_the_run_after_the_running_event(void **state)
{
	struct sim *sim = sim_create();
	int log[2], count = 0;
	struct note n = {.id = 7, .log = log, .count = &count};
	struct event stop;

	(void)state;
	event_init(&stop, stop_it, sim);
	event_init(&n.ev, write_note, &n);
	sim_schedule(sim, &stop, 10);
	sim_schedule(sim, &n.ev, 10);
	assert_int_equal(sim_run(sim, 50), -EINTR);
	assert_int_equal(sim_now(sim), 10);
	assert_int_equal(count, 0);
	assert_int_equal(sim_run(sim, 50), 0);
	assert_int_equal(count, 1);
	sim_destroy(sim);
}

#define OWNERS 40

static void random_programs_match_a_naive_queue(void **state)
{
	struct sim *sim = sim_create();
	struct note n[OWNERS];
	struct {
		bool pending;
		sim_time at;
		uint64_t seq;
	} naive[OWNERS] = {{0}};
	int log[4], count = 0;
	uint64_t seq = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, harness_seed());
	for (int i = 0; i < OWNERS; i++) {
		n[i] = (struct note){.id = i, .log = log, .count = &count};
		event_init(&n[i].ev, write_note, &n[i]);
	}
	for (int step = 0; step < 20000; step++) {
		const unsigned i = (unsigned)rng_below(&rng, OWNERS);
		const unsigned what = (unsigned)rng_below(&rng, 10);

		if (what < 5) {
			naive[i].at = sim_now(sim) + rng_below(&rng, 50);
			naive[i].seq = seq++;
			naive[i].pending = true;
			sim_schedule(sim, &n[i].ev, naive[i].at);
		} else if (what < 6) {
			naive[i].pending = false;
			sim_cancel(sim, &n[i].ev);
		} else { /* run exactly the next event */
			int best = -1;

			for (int k = 0; k < OWNERS; k++) {
				if (naive[k].pending && (best < 0 || naive[k].at < naive[best].at ||
							 (naive[k].at == naive[best].at &&
							  naive[k].seq < naive[best].seq)))
					best = k;
			}
			if (best < 0) {
				assert_true(sim_next(sim) == SIM_NEVER);
				continue;
			}
			assert_int_equal(sim_next(sim), naive[best].at);
			/* cancel rivals of the same instant so that one event runs */
			for (int k = 0; k < OWNERS; k++) {
				if (k != best && naive[k].pending &&
				    naive[k].at == naive[best].at) {
					sim_cancel(sim, &n[k].ev);
					naive[k].pending = false;
				}
			}
			count = 0;
			assert_int_equal(sim_run(sim, naive[best].at), 0);
			assert_int_equal(count, 1);
			assert_int_equal(log[0], best);
			naive[best].pending = false;
		}
		for (int k = 0; k < OWNERS; k++)
			assert_int_equal(event_pending(&n[k].ev), naive[k].pending);
	}
	sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_run_in_time_order_and_ties_in_scheduling_order),
		cmocka_unit_test(an_event_in_the_past_runs_at_the_present),
		cmocka_unit_test(stop_ends_the_run_after_the_running_event),
		cmocka_unit_test(random_programs_match_a_naive_queue),
	};

	return cmocka_run_group_tests_name("sim/event", tests, NULL, NULL);
}

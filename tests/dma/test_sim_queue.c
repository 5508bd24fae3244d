/* SPDX-License-Identifier: MIT */
/*
 * The flush queue in virtual time: what queueing is charged as, when the timer goes off and where,
 * and several CPUs' rings.
 */
#include "simbench.h"

static void queued_calls(struct bench *b)
{
	iotoll_iova_t iova;

	bench_unmap(b, bench_map(b, 4096), 4096);
	iova = bench_map(b, 4096);
	bench_start(b);
	bench_unmap(b, iova, 4096);
	/*
	 * The ring's ends; the oldest slot, which may not go yet; the new one: 24 bytes from byte
	 * 64 + 24 on, in the line of the first. The allocator's bitmap is left alone.
	 */
	assert_int_equal(bench_spent(b, CHARGE_UNMAP),
			 FRAME + STORE + MISS + CLFLUSH + HIT + 2 * (WORD + HIT));
	assert_int_equal(bench_spent(b, CHARGE_FLUSH), 0);
}

static void queueing_costs_the_ring_and_no_flush(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "flush-queue");
	bench_on_cpu(&b, 0, queued_calls);
	bench_tear_down(&b);
}

static void unmap_ten(struct bench *b)
{
	for (unsigned i = 0; i < 10; i++)
		bench_unmap(b, bench_map(b, 4096), 4096);
}

static void unmap_a_ring_and_one(struct bench *b)
{
	for (unsigned i = 0; i < 256; i++)
		bench_unmap(b, bench_map(b, 4096), 4096);
}

/* Ten milliseconds are three jiffies of 4 ms, and the wheel adds one: the boundary at 16 ms. */
static void the_timer_goes_off_at_the_fourth_jiffy_on_the_cpu_that_armed_it(void **state)
{
	struct cpu_account before, after;
	static struct bench b;

	(void)state;
	bench_set_up(&b, "flush-queue");
	bench_begin(&b, 1, unmap_ten);
	assert_int_equal(sim_run(b.sim, 16 * SIM_MS - 1), 0);
	assert_true(b.ran);
	assert_int_equal(bench_stats(&b).kept_pages, 10);
	cpu_account(machine_cpu(b.machine, 1), &before);
	assert_int_equal(before.ps[CHARGE_FLUSH], 0);
	assert_int_equal(sim_run(b.sim, 17 * SIM_MS), 0);
	assert_int_equal(bench_stats(&b).kept_pages, 0);
	assert_int_equal(bench_stats(&b).flushes, 1);
	assert_int_equal(bench_stats(&b).timer_flushes, 1);
	cpu_account(machine_cpu(b.machine, 1), &after);
	assert_int_equal(after.ps[CHARGE_FLUSH], 3 * WRITE + 4 * READ);
	/* Not periodic: nothing waits, nothing is armed. */
	assert_int_equal(sim_run(b.sim, 100 * SIM_MS), 0);
	assert_int_equal(bench_stats(&b).flushes, 1);
	/* Armed just after a boundary, 100 ms, it is the fourth from there again. */
	bench_begin(&b, 0, unmap_ten);
	assert_int_equal(sim_run(b.sim, 116 * SIM_MS - 1), 0);
	assert_int_equal(bench_stats(&b).flushes, 1);
	assert_int_equal(sim_run(b.sim, 116 * SIM_MS + SIM_US * 100), 0);
	assert_int_equal(bench_stats(&b).flushes, 2);
	bench_tear_down(&b);
}

static void
a_flush_covers_the_rings_of_other_cpus_which_they_notice_at_their_next_unmap(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "flush-queue");
	bench_begin(&b, 0, unmap_ten);
	assert_int_equal(sim_run(b.sim, SIM_MS), 0);
	bench_begin(&b, 1, unmap_a_ring_and_one);
	assert_int_equal(sim_run(b.sim, 5 * SIM_MS), 0);
	assert_true(b.ran);
	assert_int_equal(bench_stats(&b).flushes, 1);
	assert_int_equal(bench_stats(&b).kept_pages, 10 + 1);
	bench_begin(&b, 0, unmap_ten);
	assert_int_equal(sim_run(b.sim, 6 * SIM_MS), 0);
	assert_int_equal(bench_stats(&b).flushes, 1);
	assert_int_equal(bench_stats(&b).kept_pages, 10 + 1);
	assert_int_equal(bench_stats(&b).kept_peak, 10 + 255);
	/* The timer of the first unmap of all, at 16 ms, empties both. */
	assert_int_equal(sim_run(b.sim, 17 * SIM_MS), 0);
	assert_int_equal(bench_stats(&b).kept_pages, 0);
	bench_tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queueing_costs_the_ring_and_no_flush),
		cmocka_unit_test(the_timer_goes_off_at_the_fourth_jiffy_on_the_cpu_that_armed_it),
		cmocka_unit_test(
			a_flush_covers_the_rings_of_other_cpus_which_they_notice_at_their_next_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

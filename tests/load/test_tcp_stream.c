/* SPDX-License-Identifier: MIT */
/* TCP_STREAM and TCP_MAERTS between two hosts: what they transfer, measure and notice. */
#include "lab.h"

#include <errno.h>

#include "load/load.h"

struct interval {
	struct load_stats stats;
	struct load *load;
};

static struct load *make(struct lab *lab, const char *name, const struct load_setting *settings,
			 size_t count)
{
	const struct load_config config = {.sut = lab->side[1].host,
					   .client = lab->side[0].host,
					   .settings = settings,
					   .count = count,
					   .seed = LAB_SEED};
	struct load *load = NULL;
	struct err err = {{0}};

	if (load_create(&load, name, &config, &err))
		fail_msg("%s", err.text);
	if (load_start(load, &err))
		fail_msg("%s", err.text);
	return load;
}

/* 10 ms to get going, then @ps measured. */
static struct load_stats measure(struct lab *lab, struct load *load, uint64_t ps)
{
	struct load_stats stats;
	struct err err = {{0}};

	lab_run(lab, 10 * SIM_MS);
	assert_true(load_ready(load));
	load_begin(load);
	lab_run(lab, ps);
	load_end(load);
	load_stats(load, &stats);
	if (load_error(load, &err))
		fail_msg("%s", err.text);
	assert_true(stats.elapsed_ps >= ps - SIM_US * 100 && stats.elapsed_ps <= ps + SIM_US * 100);
	return stats;
}

static void finish(struct lab *lab, struct load *load)
{
	load_stop(load);
	for (int i = 0; i < 500 && !load_finished(load); i++)
		lab_run(lab, 10 * SIM_MS);
	assert_true(load_finished(load));
	load_destroy(load);
}

static int setup(void **state)
{
	*state = lab_create(2);
	return 0;
}

static int teardown(void **state)
{
	lab_destroy(*state);
	return 0;
}

static double mbps(const struct load_stats *s)
{
	return (double)s->bytes_received * 8e6 / (double)s->elapsed_ps;
}

static void big_messages_fill_the_wire_in_both_directions(void **state)
{
	static const char *const names[] = {"tcp_stream", "tcp_maerts"};
	const struct load_setting settings[] = {{"sut_cpu", 1}, {"client_cpu", 1}};
	struct lab *lab = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct load *load = make(lab, names[i], settings, 2);
		const struct load_stats s = measure(lab, load, 50 * SIM_MS);

		/* 1460 of every 1538 byte times, less a receive in progress at either end */
		assert_true(mbps(&s) > 930 && mbps(&s) < 955);
		assert_int_equal(s.mismatches, 0);
		assert_int_equal(s.bytes_checked, s.bytes_received);
		assert_int_equal(s.retransmits, 0);
		assert_int_equal(s.sut_receives, i == 0);
		finish(lab, load);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(big_messages_fill_the_wire_in_both_directions,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

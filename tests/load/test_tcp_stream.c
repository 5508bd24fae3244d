/* SPDX-License-Identifier: MIT */
/* TCP_STREAM and TCP_MAERTS between two hosts: what they transfer, measure and notice. */
#include "lab.h"

#include <errno.h>

#include "load/load.h"

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

static void small_messages_are_limited_by_the_sender_and_merged_by_nagle(void **state)
{
	const struct load_setting settings[] = {{"message_bytes", 64}, {"client_cpu", 1}};
	struct lab *lab = *state;
	struct load *load = make(lab, "tcp_stream", settings, 2);
	const struct load_stats s = measure(lab, load, 20 * SIM_MS);
	struct netstack_stats net;

	/* a send() costs 0.65 us and a copy: well below the wire's rate */
	assert_true(mbps(&s) > 200 && mbps(&s) < 900);
	assert_int_equal(s.bytes_sent, s.sends * 64);
	netstack_stats(lab->side[1].host->stack, &net);
	assert_true(net.rx_data < s.bytes_received / 1000 * 2);
	assert_int_equal(s.mismatches, 0);
	finish(lab, load);
}

static void nodelay_puts_small_messages_on_the_wire_one_by_one(void **state)
{
	const struct load_setting settings[] = {
		{"message_bytes", 64}, {"client_cpu", 1}, {"nodelay", 1}};
	struct lab *lab = *state;
	struct load *load = make(lab, "tcp_stream", settings, 3);
	const struct load_stats s = measure(lab, load, 20 * SIM_MS);
	struct netstack_stats net;

	netstack_stats(lab->side[1].host->stack, &net);
	assert_true(net.rx_data > s.sends);
	finish(lab, load);
}

static void a_recv_returns_no_more_than_was_asked_for(void **state)
{
	const struct load_setting settings[] = {{"recv_bytes", 100}, {"sut_cpu", 1}};
	struct lab *lab = *state;
	struct load *load = make(lab, "tcp_stream", settings, 2);
	const struct load_stats s = measure(lab, load, 5 * SIM_MS);

	assert_true(s.recvs * 100 >= s.bytes_received);
	assert_true(s.recvs * 90 < s.bytes_received);
	finish(lab, load);
}

static void streams_share_the_wire_whichever_way(void **state)
{
	static const char *const names[] = {"tcp_stream", "tcp_maerts"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct load_setting settings[] = {{"streams", 7}, {"message_bytes", 4000}};
		struct lab *lab = lab_create(4);
		struct load *load = make(lab, names[i], settings, 2);
		const struct load_stats s = measure(lab, load, 30 * SIM_MS);

		assert_true(mbps(&s) > 850 && mbps(&s) < 1000);
		assert_int_equal(s.mismatches, 0);
		finish(lab, load);
		lab_destroy(lab);
	}
}

static bool lose_everything(void *ctx, unsigned from, struct frame *frame)
{
	(void)ctx, (void)from, (void)frame;
	return false;
}

static void sixty_four_streams_are_connected_within_50_ms(void **state)
{
	static const char *const names[] = {"tcp_stream", "tcp_maerts"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct load_setting settings[] = {{"streams", 64}};
		struct lab *lab = lab_create(4);
		struct load *load = make(lab, names[i], settings, 1);
		struct err err = {{0}};

		for (unsigned ms = 0; ms < 50 && !load_ready(load); ms++)
			lab_run(lab, SIM_MS);
		assert_true(load_ready(load));
		if (load_error(load, &err))
			fail_msg("%s", err.text);
		finish(lab, load);
		lab_destroy(lab);
	}
}

static void the_other_clients_do_not_wait_for_a_first_one_that_failed(void **state)
{
	const struct load_setting settings[] = {{"streams", 3}};
	struct lab *lab = *state;
	struct load *load = make(lab, "tcp_stream", settings, 1);
	struct load_stats stats = {0};
	struct err err = {{0}};

	lab->filter = lose_everything;
	for (int i = 0; i < 100 && !load_error(load, NULL); i++)
		lab_run(lab, 2 * SIM_S);
	load_error(load, &err);
	assert_string_equal(err.text, "tcp_stream: stream 0: client connect: Connection timed out");
	lab->filter = NULL;
	for (int i = 0; i < 100 && !stats.lifetime_bytes; i++) {
		lab_run(lab, 100 * SIM_MS);
		load_stats(load, &stats);
	}
	assert_true(stats.lifetime_bytes > 0);
	assert_false(load_ready(load));
	load_stop(load);
	lab_run(lab, SIM_S); /* all end but the first server, which sleeps for ever */
	assert_false(load_finished(load));
	load_destroy(load);
}

/* Swap two 16-bit words of a frame's data: TCP's sum stays right. */
static bool swap_words(void *ctx, unsigned from, struct frame *frame)
{
	unsigned *count = ctx;
	uint8_t word[2];

	if (from != 0 || frame->bytes < 1000 || ++*count % 50)
		return true;
	memcpy(word, frame->data + 300, 2);
	memcpy(frame->data + 300, frame->data + 600, 2);
	memcpy(frame->data + 600, word, 2);
	return true;
}

static void damage_that_tcp_cannot_see_is_counted(void **state)
{
	const struct load_setting settings[] = {{"sut_cpu", 1}};
	struct lab *lab = *state;
	struct load *load = make(lab, "tcp_stream", settings, 1);
	struct load_stats s;
	unsigned count = 0;

	lab->filter = swap_words;
	lab->filter_ctx = &count;
	s = measure(lab, load, 20 * SIM_MS);
	assert_true(s.mismatches > 10);
	assert_int_equal(s.retransmits, 0);
	finish(lab, load);
}

static void a_client_that_cannot_connect_is_an_error_with_words(void **state)
{
	struct lab *lab = *state;
	struct load *load = make(lab, "tcp_stream", NULL, 0);
	struct err err = {{0}};

	lab->filter = lose_everything;
	for (int i = 0; i < 100 && !load_error(load, NULL); i++)
		lab_run(lab, 2 * SIM_S);
	assert_false(load_ready(load));
	assert_int_equal(load_error(load, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "tcp_stream: stream 0: client connect: Connection timed out");
	load_stop(load);
	load_destroy(load);
}

static void refusals(const struct host *h, const char *name, const struct load_setting *setting,
		     const char *words)
{
	const struct load_config config = {.sut = (struct host *)(uintptr_t)h,
					   .client = (struct host *)(uintptr_t)h,
					   .settings = setting,
					   .count = setting != NULL};
	struct load *load = NULL;
	struct err err = {{0}};

	assert_int_equal(load_create(&load, name, &config, &err), -EINVAL);
	assert_string_equal(err.text, words);
}

static void unknown_names_and_bad_values_are_refused_with_a_hint(void **state)
{
	const struct lab *lab = *state;
	const struct host *h = lab->side[0].host;
	const struct load_setting typo = {"mesage_bytes", 1}, odd = {"zzz", 1},
				  zero = {"message_bytes", 0}, many = {"streams", 65};

	refusals(h, "tcp_steam", NULL, "tcp_steam: unknown load, did you mean tcp_stream?");
	refusals(h, "bonnie", NULL, "bonnie: unknown load");
	refusals(h, "ffsb", NULL, "ffsb needs a machine's disk and a profile");
	refusals(h, "tcp_stream", &typo,
		 "tcp_stream: unknown parameter mesage_bytes, did you mean message_bytes?");
	refusals(h, "tcp_stream", &odd, "tcp_stream: unknown parameter zzz");
	refusals(h, "tcp_maerts", &zero, "tcp_maerts: message_bytes = 0: expected 1 to 1048576");
	refusals(h, "tcp_stream", &many, "tcp_stream: streams = 65: expected 1 to 64");
}

static void two_runs_with_one_seed_are_one_run(void **state)
{
	struct load_stats s[2];
	uint64_t events[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct load_setting settings[] = {{"streams", 3}, {"message_bytes", 700}};
		struct lab *lab = lab_create(3);
		struct load *load = make(lab, "tcp_stream", settings, 2);

		s[i] = measure(lab, load, 10 * SIM_MS);
		events[i] = sim_events(lab->sim);
		finish(lab, load);
		lab_destroy(lab);
	}
	assert_int_equal(events[0], events[1]);
	assert_memory_equal(&s[0], &s[1], sizeof(s[0]));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(big_messages_fill_the_wire_in_both_directions),
		TEST(small_messages_are_limited_by_the_sender_and_merged_by_nagle),
		TEST(nodelay_puts_small_messages_on_the_wire_one_by_one),
		TEST(a_recv_returns_no_more_than_was_asked_for),
		cmocka_unit_test(streams_share_the_wire_whichever_way),
		cmocka_unit_test(sixty_four_streams_are_connected_within_50_ms),
		TEST(the_other_clients_do_not_wait_for_a_first_one_that_failed),
		TEST(damage_that_tcp_cannot_see_is_counted),
		TEST(a_client_that_cannot_connect_is_an_error_with_words),
		TEST(unknown_names_and_bad_values_are_refused_with_a_hint),
		cmocka_unit_test(two_runs_with_one_seed_are_one_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

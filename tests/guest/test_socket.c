/* SPDX-License-Identifier: MIT */
/* TCP between two simulated hosts, through NICs and a wire: every byte arrives as it was sent. */
#include "transfer.h"

#include <errno.h>

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

static void client_sends_10_mb_and_every_byte_arrives(void **state)
{
	transfer(*state, 0, 10 << 20, 16384, 87380, false, 2 * SIM_S);
}

static void server_sends_10_mb_and_every_byte_arrives(void **state)
{
	transfer(*state, 1, 10 << 20, 16384, 16384, false, 2 * SIM_S);
}

static void odd_message_and_buffer_sizes_change_nothing(void **state)
{
	static const size_t sizes[][2] = {{1, 65536}, {1459, 1461},    {1461, 1459},
					  {5000, 7},  {65536, 100000}, {100000, 3000}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct lab *lab = lab_create(2);

		transfer(lab, (unsigned)i % 2, 40000 + 997 * i, sizes[i][0], sizes[i][1],
			 i % 3 == 0, 30 * SIM_S);
		lab_destroy(lab);
	}
	(void)state;
}

static uint64_t tx_data(struct lab *lab, unsigned side)
{
	struct netstack_stats s;

	netstack_stats(lab->side[side].host->stack, &s);
	return s.tx_data;
}

static void nagle_merges_small_messages_and_nodelay_does_not(void **state)
{
	uint64_t segments[2];

	(void)state;
	for (unsigned nodelay = 0; nodelay < 2; nodelay++) {
		struct lab *lab = lab_create(2);

		transfer(lab, 0, 64000, 64, 65536, nodelay, 10 * SIM_S);
		segments[nodelay] = tx_data(lab, 0);
		lab_destroy(lab);
	}
	assert_true(segments[0] < 64000 / 500);
	assert_true(segments[1] > 64000 / 64 / 2);
}

/* ---- a wire that misbehaves ---- */

struct trouble {
	unsigned count, every;
};

static bool lose_some(void *ctx, unsigned from, struct frame *frame)
{
	struct trouble *t = ctx;

	(void)from;
	return frame->bytes < 60 || ++t->count % t->every != 0;
}

static void lost_frames_are_sent_again(void **state)
{
	struct lab *lab = *state;
	struct trouble t = {.every = 97};
	struct netstack_stats s;

	lab->filter = lose_some;
	lab->filter_ctx = &t;
	transfer(lab, 0, 2 << 20, 16384, 65536, false, 600 * SIM_S);
	netstack_stats(lab->side[0].host->stack, &s);
	assert_true(s.retransmits >= t.count / t.every / 4);
	assert_true(s.retransmits > 0);
}

static bool damage_some(void *ctx, unsigned from, struct frame *frame)
{
	struct trouble *t = ctx;

	(void)from;
	if (frame->bytes > 600 && ++t->count % t->every == 0)
		frame->data[500] ^= 0x10;
	return true;
}

static void damaged_frames_are_noticed_and_sent_again(void **state)
{
	struct lab *lab = *state;
	struct trouble t = {.every = 101};

	lab->filter = damage_some;
	lab->filter_ctx = &t;
	transfer(lab, 1, 1 << 20, 16384, 16384, false, 600 * SIM_S);
	assert_true(t.count > t.every);
}

static void frames_for_a_busy_socket_wait_on_its_backlog(void **state)
{
	struct lab *lab = *state;
	struct netstack_stats s;

	/* the reader on CPU 1, interrupts on CPU 0 */
	transfer(lab, 0, 4 << 20, 16384, 65536, false, 10 * SIM_S);
	netstack_stats(lab->side[1].host->stack, &s);
	assert_true(s.rx_backlogged > 100);
	assert_int_equal(s.rx_dropped, 0);
}

static void socket_locks_are_counted_beyond_the_sockets_life(void **state)
{
	struct lab *lab = *state;
	struct netstack_stats live, after;
	struct program *c = program_new(lab, 0, 1, true, 8 << 20, 16384);
	struct program *s = program_new(lab, 1, 1, false, 8 << 20, 16384);

	program_start(s, "server", transfer_server);
	program_start(c, "client", transfer_client);
	lab_run(lab, 50 * SIM_MS);
	assert_false(c->finished);
	netstack_stats(lab->side[1].host->stack, &live);
	/* Each frame takes it once, each call twice; the poll and the reader are on two CPUs. */
	assert_true(live.socket_lock_acquisitions > live.rx_data);
	assert_true(live.socket_lock_contended > 0);
	assert_true(live.socket_lock_wait_ps > 0);
	lab_run(lab, 100 * SIM_MS);
	assert_true(c->finished && s->finished);
	netstack_stats(lab->side[1].host->stack, &after);
	assert_true(after.socket_lock_acquisitions > after.rx_data);
	assert_true(after.socket_lock_contended >= live.socket_lock_contended);
	assert_true(after.socket_lock_wait_ps >= live.socket_lock_wait_ps);
	free(c);
	free(s);
}

static void the_same_run_takes_the_same_time_to_the_picosecond(void **state)
{
	uint64_t events[2], busy[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct lab *lab = lab_create(2);
		struct cpu_account account;

		transfer(lab, 0, 1 << 20, 3000, 5000, false, 10 * SIM_S);
		cpu_account(machine_cpu(lab->side[1].machine, 1), &account);
		events[i] = sim_events(lab->sim);
		busy[i] = account.busy_ps;
		lab_destroy(lab);
	}
	assert_int_equal(events[0], events[1]);
	assert_int_equal(busy[0], busy[1]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_sends_10_mb_and_every_byte_arrives),
		TEST(server_sends_10_mb_and_every_byte_arrives),
		cmocka_unit_test(odd_message_and_buffer_sizes_change_nothing),
		cmocka_unit_test(nagle_merges_small_messages_and_nodelay_does_not),
		TEST(lost_frames_are_sent_again),
		TEST(damaged_frames_are_noticed_and_sent_again),
		TEST(frames_for_a_busy_socket_wait_on_its_backlog),
		TEST(socket_locks_are_counted_beyond_the_sockets_life),
		cmocka_unit_test(the_same_run_takes_the_same_time_to_the_picosecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

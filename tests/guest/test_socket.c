/* SPDX-License-Identifier: MIT */
/* TCP between two simulated hosts, through NICs and a wire: every byte arrives as it was sent. */
#include "lab.h"

#include <errno.h>

#define PORT       5001
#define USER_PAGES 32

struct program {
	struct host *host;
	struct cpu *cpu;
	phys_t user; /* its memory: USER_PAGES pages */
	uint64_t bytes, done;
	size_t chunk;
	uint64_t mismatches;
	ssize_t last;
	int rc;
	bool nodelay, sends, finished;
	uint32_t ip;
};

/* The byte at @offset of the stream. */
static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 2654435761u >> 13 ^ offset);
}

static void send_all(struct program *p, struct socket *s)
{
	uint8_t *user = memory_ptr(p->host->machine->mem, p->user, p->chunk);

	while (p->done < p->bytes) {
		const size_t left = p->bytes - p->done < p->chunk ? p->bytes - p->done : p->chunk;

		for (size_t i = 0; i < left; i++)
			user[i] = pattern(p->done + i);
		p->last = socket_send(s, p->cpu, p->user, left);
		if (p->last <= 0)
			return;
		p->done += (uint64_t)p->last;
	}
	socket_shutdown(s, p->cpu);
	p->last = socket_recv(s, p->cpu, p->user, 1); /* until the peer closes */
}

static void recv_all(struct program *p, struct socket *s)
{
	const uint8_t *user = memory_ptr(p->host->machine->mem, p->user, p->chunk);

	for (;;) {
		p->last = socket_recv(s, p->cpu, p->user, p->chunk);
		if (p->last <= 0)
			break;
		for (ssize_t i = 0; i < p->last; i++)
			p->mismatches += user[i] != pattern(p->done + (uint64_t)i);
		p->done += (uint64_t)p->last;
	}
}

static void talk(struct program *p, struct socket *s)
{
	if (p->nodelay)
		socket_set_nodelay(s, p->cpu, true);
	if (p->sends)
		send_all(p, s);
	else
		recv_all(p, s);
	socket_close(s, p->cpu);
	p->finished = true;
}

static void server(void *ctx)
{
	struct program *p = ctx;
	struct socket *listener, *s;

	p->rc = socket_listen(p->host->stack, p->cpu, PORT, &listener);
	assert_int_equal(p->rc, 0);
	p->rc = socket_accept(listener, p->cpu, &s);
	assert_int_equal(p->rc, 0);
	talk(p, s);
	socket_close(listener, p->cpu);
}

static void client(void *ctx)
{
	struct program *p = ctx;
	struct socket *s;

	task_sleep(task_current(p->cpu), SIM_MS);
	p->rc = socket_connect(p->host->stack, p->cpu, p->ip, PORT, &s);
	if (p->rc == 0)
		talk(p, s);
	p->finished = true;
}

static struct program *program_new(struct lab *lab, unsigned side, unsigned cpu, bool sends,
				   uint64_t bytes, size_t chunk)
{
	struct program *p = calloc(1, sizeof(*p));

	p->host = lab->side[side].host;
	p->cpu = machine_cpu(p->host->machine, cpu);
	p->sends = sends;
	p->bytes = bytes;
	p->chunk = chunk;
	p->ip = LAB_IP(1 - side);
	assert_int_equal(memory_alloc(p->host->machine->mem, USER_PAGES, PAGE_BYTES, 0, &p->user),
			 0);
	return p;
}

static void start(struct program *p, const char *name, void (*fn)(void *ctx))
{
	assert_non_null(task_create(p->cpu, name, fn, p));
}

/* One transfer of @bytes; @side_sends tells whether client (0) or server (1) is the sender. */
static void transfer(struct lab *lab, unsigned sender, uint64_t bytes, size_t send_chunk,
		     size_t recv_chunk, bool nodelay, uint64_t limit)
{
	struct program *c =
		program_new(lab, 0, 1, sender == 0, bytes, sender == 0 ? send_chunk : recv_chunk);
	struct program *s =
		program_new(lab, 1, 1, sender == 1, bytes, sender == 1 ? send_chunk : recv_chunk);
	struct program *receiver = sender ? c : s;

	c->nodelay = s->nodelay = nodelay;
	start(s, "server", server);
	start(c, "client", client);
	while ((!c->finished || !s->finished) && sim_now(lab->sim) < limit)
		lab_run(lab, 10 * SIM_MS);
	assert_true(c->finished);
	assert_true(s->finished);
	assert_int_equal(c->rc, 0);
	assert_int_equal(receiver->done, bytes);
	assert_int_equal(receiver->mismatches, 0);
	assert_int_equal(receiver->last, 0);
	free(c);
	free(s);
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

/* ---- ends and refusals ---- */

static void connect_once(void *ctx)
{
	struct program *p = ctx;
	struct socket *s;

	p->rc = socket_connect(p->host->stack, p->cpu, p->ip, PORT, &s);
	p->finished = true;
}

static void connecting_where_nobody_listens_is_refused(void **state)
{
	struct lab *lab = *state;
	struct program *p = program_new(lab, 0, 0, true, 1, 1);

	start(p, "client", connect_once);
	lab_run(lab, SIM_S);
	assert_true(p->finished);
	assert_int_equal(p->rc, -ECONNREFUSED);
	free(p);
}

static void connecting_to_nobody_times_out(void **state)
{
	struct lab *lab = *state;
	struct program *p = program_new(lab, 0, 1, true, 1, 1);

	p->ip = LAB_IP(77);
	start(p, "client", connect_once);
	for (int i = 0; i < 100 && !p->finished; i++)
		lab_run(lab, 2 * SIM_S);
	assert_true(p->finished);
	assert_int_equal(p->rc, -ETIMEDOUT);
	free(p);
}

static void listen_twice(void *ctx)
{
	struct program *p = ctx;
	struct socket *a, *b;

	assert_int_equal(socket_listen(p->host->stack, p->cpu, PORT, &a), 0);
	p->rc = socket_listen(p->host->stack, p->cpu, PORT, &b);
	socket_close(a, p->cpu);
	assert_int_equal(socket_listen(p->host->stack, p->cpu, PORT, &a), 0);
	socket_close(a, p->cpu);
	p->finished = true;
}

static void a_port_has_one_listener_at_a_time(void **state)
{
	struct lab *lab = *state;
	struct program *p = program_new(lab, 1, 1, true, 1, 1);

	start(p, "server", listen_twice);
	lab_run(lab, SIM_S);
	assert_true(p->finished);
	assert_int_equal(p->rc, -EADDRINUSE);
	free(p);
}

/* Accepts, waits until there is data, and closes without having read it. */
static void rude_server(void *ctx)
{
	struct program *p = ctx;
	struct socket *listener, *s;

	assert_int_equal(socket_listen(p->host->stack, p->cpu, PORT, &listener), 0);
	assert_int_equal(socket_accept(listener, p->cpu, &s), 0);
	task_sleep(task_current(p->cpu), 20 * SIM_MS);
	socket_close(s, p->cpu);
	socket_close(listener, p->cpu);
	p->finished = true;
}

static void closing_with_unread_data_resets_the_sender(void **state)
{
	struct lab *lab = *state;
	struct program *c = program_new(lab, 0, 1, true, 10 << 20, 16384);
	struct program *s = program_new(lab, 1, 1, false, 0, 16384);

	start(s, "server", rude_server);
	start(c, "client", client);
	lab_run(lab, SIM_S);
	assert_true(c->finished && s->finished);
	assert_int_equal(c->last, -ECONNRESET);
	assert_true(c->done < c->bytes);
	free(c);
	free(s);
}

static void bad_calls(void *ctx)
{
	struct program *p = ctx;
	struct socket *s;

	task_sleep(task_current(p->cpu), SIM_MS);
	assert_int_equal(socket_connect(p->host->stack, p->cpu, p->ip, PORT, &s), 0);
	assert_int_equal(socket_send(s, p->cpu, UINT64_MAX - 10, 100), -EFAULT);
	assert_int_equal(socket_recv(s, p->cpu, 1ull << 40, 100), -EFAULT);
	assert_int_equal(socket_recv(s, p->cpu, p->user, 0), 0);
	assert_int_equal(socket_send(s, p->cpu, p->user, 0), 0);
	assert_int_equal(socket_shutdown(s, p->cpu), 0);
	assert_int_equal(socket_shutdown(s, p->cpu), -ENOTCONN);
	assert_int_equal(socket_send(s, p->cpu, p->user, 10), -EPIPE);
	assert_int_equal(socket_recv(s, p->cpu, p->user, 10), 0);
	assert_int_equal(socket_recv(s, p->cpu, p->user, 10), 0);
	assert_int_equal(socket_accept(s, p->cpu, &s), -EINVAL);
	socket_close(s, p->cpu);
	socket_close(NULL, p->cpu);
	p->finished = true;
}

static void impossible_calls_are_refused_with_the_errno_they_deserve(void **state)
{
	struct lab *lab = *state;
	struct program *c = program_new(lab, 0, 1, true, 0, 16384);
	struct program *s = program_new(lab, 1, 1, false, 0, 16384);

	start(s, "server", server);
	start(c, "client", bad_calls);
	lab_run(lab, SIM_S);
	assert_true(c->finished && s->finished);
	assert_int_equal(s->done, 0);
	free(c);
	free(s);
}

/* The power fails at any instant, CPUs in the middle of anything: dismantling copes. */
static void a_run_can_be_dismantled_at_any_instant(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		struct lab *lab = lab_create(2);
		struct program *c = program_new(lab, 0, i % 2, true, 100 << 20, 16384);
		struct program *s = program_new(lab, 1, i / 2 % 2, false, 0, 65536);

		start(s, "server", server);
		start(c, "client", client);
		lab_run(lab, 8 * SIM_MS + i * 1237 * SIM_NS);
		assert_true(c->done > 1 << 16);
		assert_false(c->finished);
		lab_destroy(lab);
		free(c);
		free(s);
	}
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
		TEST(connecting_where_nobody_listens_is_refused),
		TEST(connecting_to_nobody_times_out),
		TEST(a_port_has_one_listener_at_a_time),
		TEST(closing_with_unread_data_resets_the_sender),
		TEST(impossible_calls_are_refused_with_the_errno_they_deserve),
		cmocka_unit_test(a_run_can_be_dismantled_at_any_instant),
		cmocka_unit_test(the_same_run_takes_the_same_time_to_the_picosecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

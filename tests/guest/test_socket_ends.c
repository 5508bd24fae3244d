/* SPDX-License-Identifier: MIT */
/* How connections fail to begin, and how they end: refusals, resets, power cuts. */
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

	program_start(p, "client", connect_once);
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
	program_start(p, "client", connect_once);
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

	program_start(p, "server", listen_twice);
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

	program_start(s, "server", rude_server);
	program_start(c, "client", transfer_client);
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

	program_start(s, "server", transfer_server);
	program_start(c, "client", bad_calls);
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

		program_start(s, "server", transfer_server);
		program_start(c, "client", transfer_client);
		lab_run(lab, 8 * SIM_MS + i * 1237 * SIM_NS);
		assert_true(c->done > 1 << 16);
		assert_false(c->finished);
		lab_destroy(lab);
		free(c);
		free(s);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connecting_where_nobody_listens_is_refused),
		TEST(connecting_to_nobody_times_out),
		TEST(a_port_has_one_listener_at_a_time),
		TEST(closing_with_unread_data_resets_the_sender),
		TEST(impossible_calls_are_refused_with_the_errno_they_deserve),
		cmocka_unit_test(a_run_can_be_dismantled_at_any_instant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The receive window: when a reader announces it, and that none of it is ever lost. */
#include "transfer.h"

#define TCP_AT 34u /* behind the Ethernet and the IPv4 header */

/* Acknowledgements from side 1 as they pass, and what the window they announce was. */
struct acks {
	unsigned data, acks, updates, zero;
	uint32_t last;
	bool any;
};

static bool watch(void *ctx, unsigned from, struct frame *frame)
{
	const uint8_t *tcp = frame->data + TCP_AT;
	struct acks *a = ctx;
	uint32_t ack;

	if (frame->data[12] != 8 || frame->data[13] || frame->data[23] != 6)
		return true;
	a->data += from == 0 && frame->bytes > 1000;
	if (from == 0 || !(tcp[13] & 0x10) || tcp[13] & 0x07) /* no ACK, or SYN, FIN, RST */
		return true;
	ack = (uint32_t)tcp[8] << 24 | (uint32_t)tcp[9] << 16 | (uint32_t)tcp[10] << 8 | tcp[11];
	a->acks++;
	a->updates += a->any && ack == a->last;
	a->zero += (tcp[14] << 8 | tcp[15]) < 1460;
	a->last = ack;
	a->any = true;
	return true;
}

static struct lab *watched(struct acks *a)
{
	struct lab *lab = lab_create(2);

	memset(a, 0, sizeof(*a));
	lab->filter = watch;
	lab->filter_ctx = a;
	return lab;
}

static void a_reader_that_keeps_up_sends_no_acknowledgements_of_its_own(void **state)
{
	static const size_t asked[] = {1000, 4096, 16384, 65535, 131072};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct acks a;
		struct lab *lab = watched(&a);

		transfer(lab, 0, 10 << 20, 16384, asked[i], false, 10 * SIM_S);
		assert_int_equal(a.zero, 0);
		assert_in_range(a.updates, 0, 4);
		/* One for two segments, as ever (RFC 1122, 4.2.3.2). */
		assert_in_range(a.acks, a.data / 2 - 10, a.data / 2 + 10);
		lab_destroy(lab);
	}
}

static void fifty_mb_arrive_whatever_the_reader_asks_for(void **state)
{
	static const size_t asked[] = {600, 1461, 7000};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct lab *lab = lab_create(2);

		transfer(lab, (unsigned)i % 2, 50 << 20, 16384, asked[i], false, 2 * SIM_S);
		lab_destroy(lab);
	}
}

/* ---- a reader that sleeps ---- */

#define NAP      (20 * SIM_MS)
#define IN_A_GO  70000u /* more than the window */
#define SLEEPER  (IN_A_GO * 12u)
#define NAPS_MAX 16u

struct sleeper {
	struct program *p;
	size_t chunk;
	unsigned naps;
};

/* Sleeps until the sender has long stalled, then takes what a window and a half holds. */
static void sleepy_server(void *ctx)
{
	struct sleeper *r = ctx;
	struct program *p = r->p;
	struct socket *listener, *s;

	assert_int_equal(socket_listen(p->host->stack, p->cpu, PORT, &listener), 0);
	assert_int_equal(socket_accept(listener, p->cpu, &s), 0);
	p->last = 1;
	for (r->naps = 0; r->naps < NAPS_MAX && p->last > 0; r->naps++) {
		const uint64_t upto = p->done + IN_A_GO;

		task_sleep(task_current(p->cpu), NAP);
		while (p->done < upto && p->last > 0) {
			p->last = socket_recv(s, p->cpu, p->user, r->chunk);
			p->done += p->last > 0 ? (uint64_t)p->last : 0;
		}
	}
	socket_close(s, p->cpu);
	socket_close(listener, p->cpu);
	p->finished = true;
}

/* lwIP asks after a closed window (its persist timer) half a second later at the earliest. */
static void emptying_the_buffer_wakes_a_stalled_sender_at_once(void **state)
{
	static const size_t asked[] = {100, 1460, 5000, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct acks a;
		struct lab *lab = watched(&a);
		struct sleeper r = {.chunk = asked[i]};
		struct program *c = program_new(lab, 0, 1, true, SLEEPER, 16384);

		r.p = program_new(lab, 1, 1, false, SLEEPER, asked[i]);
		assert_non_null(task_create(r.p->cpu, "server", sleepy_server, &r));
		program_start(c, "client", transfer_client);
		for (unsigned ms = 0; ms < 400 && !r.p->finished; ms += 10)
			lab_run(lab, 10 * SIM_MS);
		lab_run(lab, 10 * SIM_MS);
		assert_true(r.p->finished && c->finished);
		assert_int_equal(r.p->done, SLEEPER);
		assert_in_range(r.naps, 12, 13);
		assert_true(a.zero > 0);
		assert_in_range(a.updates, 8, 60); /* a few for each nap */
		free(c);
		free(r.p);
		lab_destroy(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_keeps_up_sends_no_acknowledgements_of_its_own),
		cmocka_unit_test(fifty_mb_arrive_whatever_the_reader_asks_for),
		cmocka_unit_test(emptying_the_buffer_wakes_a_stalled_sender_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

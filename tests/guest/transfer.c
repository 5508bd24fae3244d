/* SPDX-License-Identifier: MIT */
/* The programs of transfer.h. */
#include "transfer.h"

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

void transfer_server(void *ctx)
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

void transfer_client(void *ctx)
{
	struct program *p = ctx;
	struct socket *s;

	task_sleep(task_current(p->cpu), SIM_MS);
	p->rc = socket_connect(p->host->stack, p->cpu, p->ip, PORT, &s);
	if (p->rc == 0)
		talk(p, s);
	p->finished = true;
}

struct program *program_new(struct lab *lab, unsigned side, unsigned cpu, bool sends,
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

void program_start(struct program *p, const char *name, void (*fn)(void *ctx))
{
	assert_non_null(task_create(p->cpu, name, fn, p));
}

void transfer(struct lab *lab, unsigned sender, uint64_t bytes, size_t send_chunk,
	      size_t recv_chunk, bool nodelay, uint64_t limit)
{
	struct program *c =
		program_new(lab, 0, 1, sender == 0, bytes, sender == 0 ? send_chunk : recv_chunk);
	struct program *s =
		program_new(lab, 1, 1, sender == 1, bytes, sender == 1 ? send_chunk : recv_chunk);
	struct program *receiver = sender ? c : s;

	c->nodelay = s->nodelay = nodelay;
	program_start(s, "server", transfer_server);
	program_start(c, "client", transfer_client);
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

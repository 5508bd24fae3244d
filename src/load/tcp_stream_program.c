/* SPDX-License-Identifier: MIT */
/* The sending and the receiving program of one stream, as netperf and netserver are written. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "load/tcp_stream_internal.h"
#include "sim/task.h"

#define CONNECT_TRIES 1000
#define CONNECT_PAUSE SIM_MS
#define VERIFY_STRIDE 512u /* bytes between compared words */

static void fail(struct program *p, int code, const char *what)
{
	struct tcp_load *l = p->stream->load;

	if (l->error || l->stopping)
		return;
	l->error = code;
	snprintf(l->error_text, sizeof(l->error_text), "stream %u: %s %s: %s",
		 (unsigned)(p->stream - l->stream), p == &p->stream->client ? "client" : "server",
		 what, strerror(-code));
}

static void send_loop(struct program *p, struct socket *s)
{
	const uint64_t app_call = machine_cost(p->host->machine)->app_call;
	size_t next = 0;
	ssize_t n;

	while (!p->stream->load->stopping) {
		cpu_charge(p->cpu, app_call);
		n = socket_send(s, p->cpu, p->ring.paddr + next * p->ring.buffer_bytes,
				p->ring.buffer_bytes);
		if (n < 0) {
			fail(p, (int)n, "send");
			return;
		}
		p->count.bytes += (uint64_t)n;
		p->count.calls++;
		next = (next + 1) % p->ring.buffers;
	}
	socket_shutdown(s, p->cpu);
	/* netperf's clock runs until the far end has taken everything and closed. */
	n = socket_recv(s, p->cpu, p->ring.paddr, 1);
	if (n < 0)
		fail(p, (int)n, "recv after shutdown");
}

/* Compare @bytes at @got with the stream from @offset on. */
static void verify(struct program *p, const uint8_t *got, size_t bytes, uint64_t offset)
{
	const struct stream *st = p->stream;
	const uint64_t mode = st->load->value[VERIFY];

	while (bytes && mode != VERIFY_NONE) {
		const size_t at = (size_t)(offset % st->period);
		size_t n = st->period - at < bytes ? st->period - at : bytes;
		size_t compared = n;

		if (mode == VERIFY_WORDS) {
			n = n < VERIFY_STRIDE ? n : VERIFY_STRIDE;
			compared = n < sizeof(uint64_t) ? n : sizeof(uint64_t);
		}
		p->count.checked += compared;
		p->count.mismatches += memcmp(got, st->pattern + at, compared) != 0;
		got += n;
		offset += n;
		bytes -= n;
	}
}

static void recv_loop(struct program *p, struct socket *s)
{
	const uint64_t app_call = machine_cost(p->host->machine)->app_call;
	struct memory *mem = p->host->machine->mem;
	size_t next = 0;

	for (;;) {
		const phys_t to = p->ring.paddr + next * p->ring.buffer_bytes;
		ssize_t n;

		cpu_charge(p->cpu, app_call);
		n = socket_recv(s, p->cpu, to, p->ring.buffer_bytes);
		if (n < 0)
			fail(p, (int)n, "recv");
		if (n <= 0)
			break;
		verify(p, memory_ptr(mem, to, (size_t)n), (size_t)n, p->count.bytes);
		p->count.bytes += (uint64_t)n;
		p->count.calls++;
		next = (next + 1) % p->ring.buffers;
	}
}

static void run_program(struct program *p, struct socket *s)
{
	if (p->stream->load->value[NODELAY])
		socket_set_nodelay(s, p->cpu, true);
	if (p->sends)
		send_loop(p, s);
	else
		recv_loop(p, s);
	socket_close(s, p->cpu);
}

void tcp_stream_server(void *ctx)
{
	struct program *p = ctx;
	struct socket *listener, *s;
	int rc = socket_listen(p->host->stack, p->cpu, p->stream->port, &listener);

	if (rc) {
		fail(p, rc, "listen");
		goto done;
	}
	rc = socket_accept(listener, p->cpu, &s);
	if (rc) {
		fail(p, rc, "accept");
	} else {
		p->stream->server_up = true;
		run_program(p, s);
	}
	socket_close(listener, p->cpu);
done:
	p->done = true;
}

/*
 * netperf asks its server over another connection before it opens this one, so the server's address
 * is resolved when many streams start at once; else their first segments would wait for ARP and,
 * beyond the few it keeps, be lost until they time out. Here the first stream goes ahead.
 */
static void wait_for_the_first(struct program *p)
{
	struct tcp_load *l = p->stream->load;
	const struct stream *first = &l->stream[0];

	if (p->stream == first)
		return;
	cpu_sync(p->cpu);
	while (!first->client_up && !first->client.done)
		waitq_wait(&l->first_up, p->cpu);
}

/* Where netperf would have asked whether its server listens, the client just tries again. */
static int connect_to_server(struct program *p, struct socket **out)
{
	struct tcp_load *l = p->stream->load;
	const uint32_t to = (p->host == l->client ? l->sut : l->client)->ip;
	int rc = -ECONNREFUSED;

	for (int i = 0; i < CONNECT_TRIES && rc == -ECONNREFUSED; i++) {
		rc = socket_connect(p->host->stack, p->cpu, to, p->stream->port, out);
		if (rc == -ECONNREFUSED)
			task_sleep(task_current(p->cpu), CONNECT_PAUSE);
	}
	return rc;
}

void tcp_stream_client(void *ctx)
{
	struct program *p = ctx;
	struct tcp_load *l = p->stream->load;
	struct socket *s = NULL;
	int rc;

	wait_for_the_first(p);
	rc = connect_to_server(p, &s);
	if (rc) {
		fail(p, rc, "connect");
		p->done = true;
		waitq_wake(&l->first_up, p->cpu);
		return;
	}
	p->stream->client_up = true;
	waitq_wake(&l->first_up, p->cpu);
	run_program(p, s);
	p->done = true;
}

/* SPDX-License-Identifier: MIT */
/*
 * netperf's TCP_STREAM and TCP_MAERTS (2.4.3: nettest_bsd.c): on each stream one program sends
 * messages of a fixed size as fast as its socket takes them, from a ring of buffers that it does
 * not touch in between, and one receives into another ring until the end. The client connects.
 *
 * Unlike netperf's, the data is a pattern and is compared at the far end, outside virtual time:
 * what an IOMMU path damages must show. The stream repeats with the period of the send ring.
 */
#include "load/tcp_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "guest/host.h"
#include "sim/task.h"

#define FIRST_PORT    12866 /* above netperf's control port */
#define CONNECT_TRIES 1000
#define CONNECT_PAUSE SIM_MS

enum { VERIFY_NONE, VERIFY_WORDS, VERIFY_ALL };
#define VERIFY_STRIDE 512u /* bytes between compared words */

enum value {
	MESSAGE_BYTES,
	RECV_BYTES,
	STREAMS,
	NODELAY,
	SUT_CPU,
	SUT_CPU_STEP,
	CLIENT_CPU,
	CLIENT_CPU_STEP,
	VERIFY,
	VALUES
};

static const struct load_param params[] = {
	[MESSAGE_BYTES] = {"message_bytes", 16384, 1, 1 << 20, "bytes of each send() (netperf -m)"},
	[RECV_BYTES] = {"recv_bytes", 0, 0, 1 << 20,
			"bytes asked for by each recv() (netperf -M); 0 = the receive buffer's "
			"size, as netperf does"},
	[STREAMS] = {"streams", 1, 1, 64, "connections at a time, one pair of programs each"},
	[NODELAY] = {"nodelay", 0, 0, 1, "1 = Nagle's algorithm off on both ends (netperf -D)"},
	[SUT_CPU] = {"sut_cpu", 0, 0, 15, "CPU of the first program on the system under test"},
	[SUT_CPU_STEP] = {"sut_cpu_step", 1, 0, 15, "from one stream's CPU to the next one's"},
	[CLIENT_CPU] = {"client_cpu", 0, 0, 15, "CPU of the first program on the client"},
	[CLIENT_CPU_STEP] = {"client_cpu_step", 1, 0, 15,
			     "from one stream's CPU to the next one's"},
	[VERIFY] = {"verify", VERIFY_ALL, VERIFY_NONE, VERIFY_ALL,
		    "compare what arrived: 0 = nothing, 1 = a word every 512 bytes, 2 = all"},
	[VALUES] = {.name = NULL},
};
static_assert(VALUES <= LOAD_PARAMS_MAX, "parameters");

/* A ring of user buffers in one stretch of a machine's memory. */
struct ring {
	phys_t paddr;
	uint64_t pages;
	size_t buffer_bytes, buffers;
};

struct counters {
	uint64_t bytes, calls, checked, mismatches;
};

struct stream;

/* One program. */
struct program {
	struct stream *stream;
	struct host *host;
	struct cpu *cpu;
	struct ring ring;
	bool sends, done;
	struct counters count, at_begin, at_end;
};

struct stream {
	struct tcp_load *load;
	uint16_t port;
	uint8_t *pattern; /* one period of what is sent */
	size_t period;
	struct program client, server;
	bool client_up, server_up;
};

struct tcp_load {
	struct load load;
	struct host *sut, *client;
	uint64_t value[VALUES];
	unsigned streams;
	bool sut_receives;
	bool stopping, ended;
	sim_time begin, end;
	uint64_t retransmits_begin, retransmits_end;
	int error;
	char error_text[160];
	struct stream *stream;
};

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

/* ---- the programs ---- */

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

static void server_main(void *ctx)
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

/* netperf asks its server over another connection first; here the client just tries again. */
static void client_main(void *ctx)
{
	struct program *p = ctx;
	struct tcp_load *l = p->stream->load;
	const uint32_t to = (p->host == l->client ? l->sut : l->client)->ip;
	struct socket *s = NULL;
	int rc = -ECONNREFUSED;

	for (int i = 0; i < CONNECT_TRIES && rc == -ECONNREFUSED; i++) {
		rc = socket_connect(p->host->stack, p->cpu, to, p->stream->port, &s);
		if (rc == -ECONNREFUSED)
			task_sleep(task_current(p->cpu), CONNECT_PAUSE);
	}
	if (rc) {
		fail(p, rc, "connect");
	} else {
		p->stream->client_up = true;
		run_program(p, s);
	}
	p->done = true;
}

/* ---- set-up ---- */

/* netperf's rule: as many buffers as the socket's buffer holds and one more, two at least. */
static int ring_alloc(struct program *p, size_t buffer_bytes)
{
	struct ring *r = &p->ring;

	r->buffer_bytes = buffer_bytes;
	r->buffers = SOCKET_BUFFER_BYTES / buffer_bytes + 1;
	if (r->buffers < 2)
		r->buffers = 2;
	r->pages = (r->buffers * buffer_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	if (memory_alloc(p->host->machine->mem, r->pages, PAGE_BYTES, 0, &r->paddr)) {
		r->pages = 0;
		return -ENOMEM;
	}
	return 0;
}

static void ring_free(struct program *p)
{
	if (p->ring.pages)
		memory_free(p->host->machine->mem, p->ring.paddr, p->ring.pages);
}

static int make_pattern(struct stream *st, const struct program *sender, uint64_t seed)
{
	struct rng rng;

	st->period = sender->ring.buffers * sender->ring.buffer_bytes;
	st->pattern = malloc(st->period);
	if (!st->pattern)
		return -ENOMEM;
	rng_seed(&rng, seed);
	for (size_t at = 0; at < st->period; at += sizeof(uint64_t)) {
		const uint64_t word = rng_u64(&rng);
		const size_t left = st->period - at;

		memcpy(st->pattern + at, &word, left < sizeof(word) ? left : sizeof(word));
	}
	memcpy(memory_ptr(sender->host->machine->mem, sender->ring.paddr, st->period), st->pattern,
	       st->period);
	return 0;
}

static struct cpu *place(const struct host *h, uint64_t first, uint64_t step, unsigned i)
{
	return machine_cpu(h->machine, (unsigned)((first + step * i) % h->machine->ncpus));
}

static int make_stream(struct tcp_load *l, unsigned i, uint64_t seed)
{
	const size_t recv_bytes =
		l->value[RECV_BYTES] ? (size_t)l->value[RECV_BYTES] : SOCKET_BUFFER_BYTES;
	struct stream *st = &l->stream[i];
	struct program *sender = l->sut_receives ? &st->client : &st->server;
	struct program *receiver = l->sut_receives ? &st->server : &st->client;

	st->load = l;
	st->port = (uint16_t)(FIRST_PORT + i);
	st->client.stream = st->server.stream = st;
	st->client.host = l->client;
	st->server.host = l->sut;
	st->client.cpu = place(l->client, l->value[CLIENT_CPU], l->value[CLIENT_CPU_STEP], i);
	st->server.cpu = place(l->sut, l->value[SUT_CPU], l->value[SUT_CPU_STEP], i);
	sender->sends = true;
	if (ring_alloc(sender, (size_t)l->value[MESSAGE_BYTES]) || ring_alloc(receiver, recv_bytes))
		return -ENOMEM;
	return make_pattern(st, sender, seed + i);
}

static void destroy(struct load *load)
{
	struct tcp_load *l = (struct tcp_load *)load;

	for (unsigned i = 0; i < l->streams; i++) {
		ring_free(&l->stream[i].client);
		ring_free(&l->stream[i].server);
		free(l->stream[i].pattern);
	}
	free(l->stream);
	free(l);
}

static int create(struct load **out, const struct load_config *config, const uint64_t *values,
		  const struct load_ops *ops, bool sut_receives, struct err *err)
{
	struct tcp_load *l = calloc(1, sizeof(*l));
	int rc = -ENOMEM;

	if (!l)
		return err_set(err, -ENOMEM, "no memory for the load");
	l->load.ops = ops;
	l->sut = config->sut;
	l->client = config->client;
	l->sut_receives = sut_receives;
	memcpy(l->value, values, sizeof(l->value));
	l->stream = calloc(l->value[STREAMS], sizeof(*l->stream));
	if (!l->stream)
		goto destroy_load;
	l->streams = (unsigned)l->value[STREAMS];
	for (unsigned i = 0; i < l->streams; i++) {
		rc = make_stream(l, i, config->seed);
		if (rc)
			goto destroy_load;
	}
	*out = &l->load;
	return 0;

destroy_load:
	destroy(&l->load);
	return err_set(err, -ENOMEM, "%s: no memory for %llu streams", ops->name,
		       (unsigned long long)values[STREAMS]);
}

static int create_stream(struct load **out, const struct load_config *config,
			 const uint64_t *values, struct err *err)
{
	return create(out, config, values, &load_tcp_stream, true, err);
}

static int create_maerts(struct load **out, const struct load_config *config,
			 const uint64_t *values, struct err *err)
{
	return create(out, config, values, &load_tcp_maerts, false, err);
}

static int start(struct load *load, struct err *err)
{
	struct tcp_load *l = (struct tcp_load *)load;

	for (unsigned i = 0; i < l->streams; i++) {
		struct stream *st = &l->stream[i];

		if (!task_create(st->server.cpu, "netserver", server_main, &st->server) ||
		    !task_create(st->client.cpu, "netperf", client_main, &st->client))
			return err_set(err, -ENOMEM, "%s: no memory for the programs of stream %u",
				       load->ops->name, i);
	}
	return 0;
}

/* ---- the interval ---- */

static bool ready(const struct load *load)
{
	const struct tcp_load *l = (const struct tcp_load *)load;

	for (unsigned i = 0; i < l->streams; i++) {
		if (!l->stream[i].client_up || !l->stream[i].server_up)
			return false;
	}
	return true;
}

static uint64_t retransmits(const struct tcp_load *l)
{
	struct netstack_stats stats;

	netstack_stats((l->sut_receives ? l->client : l->sut)->stack, &stats);
	return stats.retransmits;
}

static void begin(struct load *load)
{
	struct tcp_load *l = (struct tcp_load *)load;

	for (unsigned i = 0; i < l->streams; i++) {
		l->stream[i].client.at_begin = l->stream[i].client.count;
		l->stream[i].server.at_begin = l->stream[i].server.count;
	}
	l->retransmits_begin = retransmits(l);
	l->begin = sim_now(l->sut->machine->sim);
	l->ended = false;
}

static void take_end(struct tcp_load *l)
{
	for (unsigned i = 0; i < l->streams; i++) {
		l->stream[i].client.at_end = l->stream[i].client.count;
		l->stream[i].server.at_end = l->stream[i].server.count;
	}
	l->retransmits_end = retransmits(l);
	l->end = sim_now(l->sut->machine->sim);
}

static void end(struct load *load)
{
	struct tcp_load *l = (struct tcp_load *)load;

	take_end(l);
	l->ended = true;
}

static void stop(struct load *load)
{
	((struct tcp_load *)load)->stopping = true;
}

static bool finished(const struct load *load)
{
	const struct tcp_load *l = (const struct tcp_load *)load;

	for (unsigned i = 0; i < l->streams; i++) {
		if (!l->stream[i].client.done || !l->stream[i].server.done)
			return false;
	}
	return true;
}

static int error(const struct load *load, struct err *err)
{
	const struct tcp_load *l = (const struct tcp_load *)load;

	return l->error ? err_set(err, l->error, "%s: %s", load->ops->name, l->error_text) : 0;
}

static void add_program(struct load_stats *out, const struct program *p)
{
	const struct counters *a = &p->at_begin, *b = &p->at_end;

	if (!p->sends)
		out->lifetime_bytes += p->count.bytes;
	if (p->sends) {
		out->bytes_sent += b->bytes - a->bytes;
		out->sends += b->calls - a->calls;
		return;
	}
	out->bytes_received += b->bytes - a->bytes;
	out->recvs += b->calls - a->calls;
	out->bytes_checked += b->checked - a->checked;
	out->mismatches += b->mismatches - a->mismatches;
}

static void stats(const struct load *load, struct load_stats *out)
{
	struct tcp_load *l = (struct tcp_load *)(uintptr_t)load;

	if (!l->ended)
		take_end(l); /* up to the present */
	*out = (struct load_stats){.sut_receives = l->sut_receives};
	out->elapsed_ps = l->end - l->begin;
	out->retransmits = l->retransmits_end - l->retransmits_begin;
	for (unsigned i = 0; i < l->streams; i++) {
		add_program(out, &l->stream[i].client);
		add_program(out, &l->stream[i].server);
	}
}

#define OPS(name_, title_, create_)                                                             \
	{                                                                                       \
		.name = name_, .title = title_, .params = params, .create = create_,            \
		.destroy = destroy, .start = start, .ready = ready, .begin = begin, .end = end, \
		.stop = stop, .finished = finished, .error = error, .stats = stats,             \
	}

const struct load_ops load_tcp_stream =
	OPS("tcp_stream", "netperf TCP_STREAM: the system under test receives", create_stream);
const struct load_ops load_tcp_maerts =
	OPS("tcp_maerts", "netperf TCP_MAERTS: the system under test sends", create_maerts);

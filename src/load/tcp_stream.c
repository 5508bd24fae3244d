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
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "load/tcp_stream_internal.h"
#include "sim/task.h"

#define FIRST_PORT 12866 /* above netperf's control port */

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

		if (!task_create(st->server.cpu, "netserver", tcp_stream_server, &st->server) ||
		    !task_create(st->client.cpu, "netperf", tcp_stream_client, &st->client))
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

/* SPDX-License-Identifier: MIT */
/* The segment streams as loads: set-up, what the NIC's driver calls, and what was measured. */
#include "load/segment_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/dma_buffer.h"
#include "load/segment_internal.h"

static const struct load_param params[] = {
	[MESSAGE_BYTES] = {"message_bytes", 65536, 64, 1 << 20, "bytes of each send()"},
	[RECV_BYTES] = {"recv_bytes", 65536, 64, 1 << 20, "bytes asked for by each recv()"},
	[FIRST_CPU] = {"sut_cpu", 0, 0, 63, "CPU of the first flow's program"},
	[CPUS] = {"sut_cpus", 0, 0, 64, "CPUs that the programs are spread over; 0 = all"},
	[VERIFY] = {"verify", 1, 0, 2,
		    "compare what arrived: 0 = nothing, 1 = a word every 512 bytes, 2 = all"},
	[ACK_EVERY] = {"ack_every", 2, 1, 1024,
		       "received segments that are acknowledged at the latest"},
	[GRO] = {"gro", 1, 0, 1, "merge received segments of a poll"},
	[TSO] = {"tso", 1, 0, 1, "send messages as packets that the NIC cuts"},
	[SEND_PAGES] = {"send_pages", 8, 1, 8,
			"pages of one piece of what is sent (Linux: 8, 1 before 3.7)"},
	[VALUES] = {.name = NULL},
};
static_assert(VALUES <= LOAD_PARAMS_MAX, "parameters");
static_assert(SEGMENT_HEADER_BYTES <= CACHE_LINE_BYTES, "headers have room in a line");

void segment_fail(struct segment_flow *f, int code, const char *what)
{
	struct segment_load *l = f->load;

	if (l->error || l->stopping)
		return;
	l->error = code;
	snprintf(l->error_text, sizeof(l->error_text), "flow %u: %s: %s", f->number, what,
		 strerror(-code));
}

/* ---- acknowledgements ---- */

static void on_ack_sent(void *ctx, struct cpu *cpu, void *owner, int status)
{
	struct segment_load *l = ctx;

	(void)cpu;
	(void)status; /* the next one says as much */
	dma_buffer_put(l->ends.kmalloc, l->ends.dma, owner);
}

void segment_send_ack(struct segment_flow *f, struct cpu *cpu)
{
	struct segment_load *l = f->load;
	uint8_t *header = dma_buffer_get(l->ends.kmalloc, l->ends.dma, SEGMENT_HEADER_BYTES);
	struct mqnic_packet p = {.pieces = 1,
				 .bytes = SEGMENT_HEADER_BYTES,
				 .done = on_ack_sent,
				 .ctx = l,
				 .owner = header};
	const uint64_t room = l->ends.window - (f->expected - f->read);
	const struct segment s = {.sport = l->ends.path.sport,
				  .dport = l->ends.port[f->number],
				  .ack = (uint32_t)f->expected,
				  .window = (uint32_t)room,
				  .flags = SEGMENT_FLAG_ACK};

	cpu_charge(cpu, machine_cost(l->machine)->tx_ack + machine_cost(l->machine)->skb_alloc);
	f->unacked = 0;
	f->advertised = f->expected + room;
	if (!header) {
		l->acks_dropped++;
		return;
	}
	segment_pack(header, &l->ends.path, &s);
	p.piece[0].paddr = kmalloc_phys(l->ends.kmalloc, header);
	p.piece[0].bytes = SEGMENT_HEADER_BYTES;
	cpu_touch(cpu, p.piece[0].paddr, SEGMENT_HEADER_BYTES, true);
	if (mqnic_driver_xmit(l->ends.driver, cpu, mqnic_driver_queue(l->ends.driver, cpu), &p,
			      false)) {
		dma_buffer_put(l->ends.kmalloc, l->ends.dma, header);
		l->acks_dropped++;
	}
}

/* ---- what the driver calls ---- */

/* Headers lie in the first piece. */
static bool parse(struct segment_load *l, struct cpu *cpu, const struct mqnic_frame *frame,
		  struct segment *s)
{
	phys_t at = frame->piece[0].paddr;
	const bool whole = frame->piece[0].bytes >= SEGMENT_HEADER_BYTES;
	const uint8_t *bytes;

	/* Of what the NIC may still change, the kernel decides by a copy. */
	if (whole && l->ends.dma && iotoll_dma_buffer_changes(l->ends.dma, IOTOLL_PHYS(at))) {
		if (!l->headers &&
		    memory_alloc(l->machine->mem, l->header_pages, PAGE_BYTES, 0, &l->headers))
			return false;
		at = l->headers + (phys_t)cpu_id(cpu) * CACHE_LINE_BYTES;
		iotoll_dma_buffer_copy(l->ends.dma, IOTOLL_PHYS(at),
				       IOTOLL_PHYS(frame->piece[0].paddr), SEGMENT_HEADER_BYTES);
	}
	bytes = memory_ptr(l->machine->mem, at, SEGMENT_HEADER_BYTES);
	cpu_touch(cpu, at, SEGMENT_HEADER_BYTES, false);
	if (!whole ||
	    segment_get16(bytes + SEGMENT_OFF_IP_BYTES) + SEGMENT_ETH_BYTES > frame->bytes)
		return false;
	return segment_unpack(s, bytes, frame->bytes) && l->of_port[s->sport];
}

static void on_receive(void *ctx, struct cpu *cpu, unsigned queue, const struct mqnic_frame *frame)
{
	struct segment_load *l = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	struct segment s;
	const bool known = parse(l, cpu, frame, &s);

	if (known && s.payload && l->sut_receives) {
		segment_take(&l->flow[l->of_port[s.sport] - 1], cpu, queue, &s, frame);
	} else {
		if (known && !s.payload && !l->sut_receives)
			segment_acked(&l->flow[l->of_port[s.sport] - 1], cpu, &s);
		for (unsigned i = 0; i < frame->pieces; i++)
			mqnic_driver_put(l->ends.driver, frame->piece[i].page);
	}
	cpu_leave(cpu, before);
}

static void on_polled(void *ctx, struct cpu *cpu, unsigned queue)
{
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);

	segment_flush(ctx, cpu, queue);
	cpu_leave(cpu, before);
}

static void on_room(void *ctx, struct cpu *cpu, unsigned queue)
{
	struct segment_load *l = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);

	(void)queue;
	segment_room(l, cpu);
	for (unsigned i = 0; i < l->ends.flows; i++)
		if (!l->sut_receives)
			waitq_wake(&l->flow[i].wait, cpu);
	cpu_leave(cpu, before);
}

/* ---- set-up ---- */

/* Room for a window of half-full segments, and what may be under way besides. */
static int make_ring(struct segment_flow *f)
{
	const struct segment_ends *e = &f->load->ends;

	f->ring = 4 * (e->window / e->mss + 1) * MQNIC_RX_FRAGMENTS + 256;
	f->piece = calloc(f->ring, sizeof(*f->piece));
	return f->piece ? 0 : -ENOMEM;
}

static int make_flow(struct segment_load *l, unsigned number)
{
	const uint64_t cpus = l->value[CPUS] ? l->value[CPUS] : l->machine->ncpus;
	struct segment_flow *f = &l->flow[number];

	f->load = l;
	f->number = number;
	f->cpu = machine_cpu(l->machine,
			     (unsigned)((l->value[FIRST_CPU] + number % cpus) % l->machine->ncpus));
	f->window = f->advertised = l->ends.window;
	l->of_port[l->ends.port[number]] = (uint8_t)(number + 1);
	vlock_init(&f->lock, l->machine, l->lines + (phys_t)number * CACHE_LINE_BYTES);
	f->user_bytes = (size_t)l->value[l->sut_receives ? RECV_BYTES : MESSAGE_BYTES];
	f->user_pages = (f->user_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	if (memory_alloc(l->machine->mem, f->user_pages, PAGE_BYTES, 0, &f->user)) {
		f->user_pages = 0;
		return -ENOMEM;
	}
	return l->sut_receives ? make_ring(f) : 0;
}

static void destroy(struct load *load)
{
	struct segment_load *l = (struct segment_load *)load;

	for (unsigned i = 0; l->flow && i < l->ends.flows; i++) {
		struct segment_flow *f = &l->flow[i];

		if (f->user_pages)
			memory_free(l->machine->mem, f->user, f->user_pages);
		free(f->piece); /* pages die with the driver, what was sent with the machine */
	}
	if (l->lines)
		memory_free(l->machine->mem, l->lines, 1);
	if (l->headers)
		memory_free(l->machine->mem, l->headers, l->header_pages);
	segment_free_chunks(l);
	free(l->list);
	free(l->flow);
	free(l);
}

static int check_ends(const struct load_config *config, struct err *err)
{
	const struct segment_ends *e = config->ends;

	if (!e || !e->flows || e->flows > SEGMENT_FLOWS_MAX)
		return err_set(err, -EINVAL, "segment streams: expected 1 to %u flows",
			       SEGMENT_FLOWS_MAX);
	return 0;
}

static int create(struct load **out, const struct load_config *config, const uint64_t *values,
		  const struct load_ops *ops, bool sut_receives, struct err *err)
{
	struct segment_load *l;
	int rc = check_ends(config, err);

	if (rc)
		return rc;
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(err, -ENOMEM, "no memory for the load");
	l->load.ops = ops;
	l->ends = *config->ends;
	l->machine = config->machine;
	l->sut_receives = sut_receives;
	l->header_pages =
		((uint64_t)l->machine->ncpus * CACHE_LINE_BYTES + PAGE_BYTES - 1) / PAGE_BYTES;
	memcpy(l->value, values, sizeof(l->value));
	l->flow = calloc(l->ends.flows, sizeof(*l->flow));
	l->list = calloc(l->machine->ncpus, sizeof(*l->list));
	rc = l->flow && l->list ? memory_alloc(l->machine->mem, 1, PAGE_BYTES, 0, &l->lines)
				: -ENOMEM;
	for (unsigned i = 0; !rc && i < l->ends.flows; i++)
		rc = make_flow(l, i);
	if (rc) {
		destroy(&l->load);
		return err_set(err, rc, "%s: no memory for %u flows", ops->name,
			       config->ends->flows);
	}
	*out = &l->load;
	return 0;
}

static int create_stream(struct load **out, const struct load_config *config,
			 const uint64_t *values, struct err *err)
{
	return create(out, config, values, &load_segment_stream, true, err);
}

static int create_maerts(struct load **out, const struct load_config *config,
			 const uint64_t *values, struct err *err)
{
	return create(out, config, values, &load_segment_maerts, false, err);
}

static int start(struct load *load, struct err *err)
{
	struct segment_load *l = (struct segment_load *)load;
	const struct mqnic_upper upper = {
		.ctx = l, .receive = on_receive, .polled = on_polled, .room = on_room};

	mqnic_driver_attach(l->ends.driver, &upper);
	for (unsigned i = 0; i < l->ends.flows; i++) {
		struct segment_flow *f = &l->flow[i];

		if (!task_create(f->cpu, "stream",
				 l->sut_receives ? segment_reader : segment_writer, f))
			return err_set(err, -ENOMEM, "%s: no memory for the program of flow %u",
				       load->ops->name, i);
	}
	return 0;
}

/* ---- the interval ---- */

static bool ready(const struct load *load)
{
	(void)load;
	return true;
}

static void begin(struct load *load)
{
	struct segment_load *l = (struct segment_load *)load;

	for (unsigned i = 0; i < l->ends.flows; i++)
		l->flow[i].at_begin = l->flow[i].count;
	l->resent_begin = l->resent;
	l->begin = sim_now(l->machine->sim);
	l->ended = false;
}

static void take_end(struct segment_load *l)
{
	for (unsigned i = 0; i < l->ends.flows; i++)
		l->flow[i].at_end = l->flow[i].count;
	l->resent_end = l->resent;
	l->end = sim_now(l->machine->sim);
}

static void end(struct load *load)
{
	struct segment_load *l = (struct segment_load *)load;

	take_end(l);
	l->ended = true;
}

static void stop(struct load *load)
{
	struct segment_load *l = (struct segment_load *)load;

	l->stopping = true;
	for (unsigned i = 0; i < l->ends.flows; i++)
		waitq_wake(&l->flow[i].wait, NULL);
}

static bool finished(const struct load *load)
{
	const struct segment_load *l = (const struct segment_load *)load;

	for (unsigned i = 0; i < l->ends.flows; i++)
		if (!l->flow[i].done)
			return false;
	return true;
}

static int error(const struct load *load, struct err *err)
{
	const struct segment_load *l = (const struct segment_load *)load;

	return l->error ? err_set(err, l->error, "%s: %s", load->ops->name, l->error_text) : 0;
}

static void stats(const struct load *load, struct load_stats *out)
{
	struct segment_load *l = (struct segment_load *)(uintptr_t)load;

	if (!l->ended)
		take_end(l); /* up to the present */
	*out = (struct load_stats){.sut_receives = l->sut_receives};
	out->elapsed_ps = l->end - l->begin;
	out->retransmits = l->resent_end - l->resent_begin;
	for (unsigned i = 0; i < l->ends.flows; i++) {
		const struct counters *a = &l->flow[i].at_begin, *b = &l->flow[i].at_end;

		*(l->sut_receives ? &out->bytes_received : &out->bytes_sent) += b->bytes - a->bytes;
		*(l->sut_receives ? &out->recvs : &out->sends) += b->calls - a->calls;
		out->bytes_checked += b->checked - a->checked;
		out->mismatches += b->mismatches - a->mismatches;
		out->lifetime_bytes += l->sut_receives ? l->flow[i].count.bytes : 0;
	}
}

#define OPS(name_, title_, create_)                                                             \
	{                                                                                       \
		.name = name_, .title = title_, .needs_queues = true, .params = params,         \
		.create = create_, .destroy = destroy, .start = start, .ready = ready,          \
		.begin = begin, .end = end, .stop = stop, .finished = finished, .error = error, \
		.stats = stats,                                                                 \
	}

const struct load_ops load_segment_stream =
	OPS("segment_stream",
	    "segments at 10 to 200 Gb/s without a TCP stack: the system under test receives",
	    create_stream);
const struct load_ops load_segment_maerts =
	OPS("segment_maerts", "the same: the system under test sends", create_maerts);

/* SPDX-License-Identifier: MIT */
/* The ideal machine at the other end of the cable: see the header for its rules. */
#include "dev/partner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD         (100 * SIM_NS) /* frames are handed to the wire this long before their turn */
#define CLOCK         (50 * SIM_US)  /* how often silence is looked for */
#define FIRST_WINDOW  10u            /* segments */
#define VERIFY_STRIDE 512u

struct flow {
	uint16_t port;
	uint64_t next, una;       /* offsets in the stream: to send, not yet acknowledged */
	uint64_t highest;         /* sent at all */
	uint64_t recover;         /* a loss below this was answered already */
	uint64_t own, advertised; /* windows */
	uint64_t enough;          /* own grows slower from here on */
	unsigned repeats;         /* of the last acknowledgement */
	sim_time heard;           /* when it, or the first data after silence, was */
	uint64_t timed;           /* the round trip of the byte before this is measured; 0: none */
	sim_time timed_at;
	uint64_t round_trip; /* smoothed; ps */
	uint64_t expected;   /* of what is taken */
	unsigned unacked;    /* segments */
};

struct partner {
	struct partner_config config;
	struct event pump, clock;
	sim_time wire_free;
	unsigned turn;
	uint32_t burst; /* bytes that the flow whose turn it is has sent */
	struct flow flow[PARTNER_FLOWS_MAX];
	uint8_t of_port[UINT16_MAX + 1]; /* flow + 1; 0: none's */
	struct partner_stats stats;
};

static const uint8_t *data_at(const struct partner *p, const struct flow *f, uint64_t offset)
{
	const uint64_t skew = (uint64_t)(f - p->flow) * PARTNER_SKEW;

	return p->config.pattern + (skew + offset) % p->config.period;
}

static void emit(struct partner *p, const struct flow *f, struct segment *s, const uint8_t *payload)
{
	struct frame *frame = frame_get(p->config.pool);

	if (!frame)
		return; /* as lost on the wire */
	s->sport = f->port;
	s->dport = p->config.path.dport;
	s->window = p->config.window;
	s->flags |= SEGMENT_FLAG_ACK;
	segment_pack(frame->data, &p->config.path, s);
	if (s->payload)
		memcpy(frame->data + SEGMENT_HEADER_BYTES, payload, s->payload);
	frame->bytes = SEGMENT_HEADER_BYTES + s->payload;
	segment_finish(frame->data, frame->bytes);
	p->wire_free = p->config.wire.send(p->config.wire.ctx, frame);
}

/* ---- sending ---- */

static bool may_send(const struct partner *p, const struct flow *f)
{
	const uint64_t window = f->own < f->advertised ? f->own : f->advertised;

	return f->next + p->config.mss - f->una <= window;
}

/* The flow whose turn it is, or the next one that may send; NULL if none may. */
static struct flow *choose(struct partner *p)
{
	for (unsigned tried = 0; tried <= p->config.flows; tried++) {
		struct flow *f = &p->flow[p->turn];

		if (may_send(p, f) && p->burst < p->config.burst_bytes)
			return f;
		p->turn = (p->turn + 1) % p->config.flows;
		p->burst = 0;
	}
	return NULL;
}

static void send_segment(struct partner *p, struct flow *f)
{
	struct segment s = {.seq = (uint32_t)f->next, .payload = p->config.mss};
	const uint8_t *payload = data_at(p, f, f->next);

	p->stats.segments_again += f->next < f->highest;
	if (f->next == f->una)
		f->heard = sim_now(p->config.sim);
	if (!f->timed && f->next == f->highest) {
		f->timed = f->next + s.payload;
		f->timed_at = sim_now(p->config.sim);
	}
	f->next += s.payload;
	if (f->next > f->highest)
		f->highest = f->next;
	p->burst += s.payload;
	p->stats.segments_sent++;
	p->stats.bytes_sent += s.payload;
	if (p->burst >= p->config.burst_bytes || !may_send(p, f))
		s.flags = SEGMENT_FLAG_PSH;
	emit(p, f, &s, payload);
}

static void pump(struct partner *p)
{
	struct flow *f;

	while ((f = choose(p))) {
		const sim_time now = sim_now(p->config.sim);

		if (p->wire_free > now + AHEAD) {
			sim_schedule(p->config.sim, &p->pump, p->wire_free - AHEAD);
			return;
		}
		send_segment(p, f);
	}
}

static void on_pump(void *ctx)
{
	pump(ctx);
}

static void go_back(struct partner *p, struct flow *f)
{
	f->own /= 2;
	if (f->own < 2u * p->config.mss)
		f->own = 2u * p->config.mss;
	f->enough = f->own;
	f->recover = f->next;
	f->next = f->una;
	f->timed = 0; /* it would not be known which copy was answered (Karn) */
	f->repeats = 0;
	f->heard = sim_now(p->config.sim);
}

static bool silent(const struct partner *p, const struct flow *f)
{
	const uint64_t wait =
		4 * f->round_trip > PARTNER_SILENCE ? 4 * f->round_trip : PARTNER_SILENCE;

	return f->next != f->una && sim_now(p->config.sim) - f->heard > wait;
}

static void on_clock(void *ctx)
{
	struct partner *p = ctx;

	for (unsigned i = 0; i < p->config.flows; i++) {
		struct flow *f = &p->flow[i];

		if (silent(p, f)) {
			p->stats.timeouts++;
			go_back(p, f);
		}
	}
	sim_schedule(p->config.sim, &p->clock, sim_now(p->config.sim) + CLOCK);
	if (!event_pending(&p->pump))
		pump(p);
}

/* Data up to @f->una have been acknowledged, @fresh bytes of them just now. */
static void progress(struct partner *p, struct flow *f, uint32_t fresh)
{
	p->stats.bytes_acked += fresh;
	f->heard = sim_now(p->config.sim);
	f->repeats = 0;
	if (f->timed && f->una >= f->timed) {
		const uint64_t sample = f->heard - f->timed_at;

		f->round_trip = f->round_trip ? (7 * f->round_trip + sample) / 8 : sample;
		f->timed = 0;
	}
	f->own += f->own < f->enough ? fresh : (uint64_t)p->config.mss * fresh / f->own;
	if (f->own > p->config.window)
		f->own = p->config.window;
}

static void take_ack(struct partner *p, struct flow *f, const struct segment *s)
{
	const uint32_t fresh = s->ack - (uint32_t)f->una;
	const bool opened = s->window > f->advertised;

	p->stats.acks_received++;
	if (fresh > f->highest - f->una)
		return; /* of what was never sent, or old */
	f->advertised = s->window;
	if (fresh) {
		f->una += fresh;
		if (f->next < f->una)
			f->next = f->una;
		progress(p, f, fresh);
	} else if (f->next != f->una && f->una >= f->recover && (++f->repeats == 3 || !opened)) {
		p->stats.losses++;
		go_back(p, f);
	}
	if (!event_pending(&p->pump))
		pump(p);
}

/* ---- taking ---- */

static void check(struct partner *p, const struct flow *f, const uint8_t *got, uint32_t bytes)
{
	const uint8_t *wanted = data_at(p, f, f->expected);

	if (!p->config.verify)
		return;
	for (uint32_t at = 0; at < bytes; at += VERIFY_STRIDE) {
		const uint32_t n = bytes - at < 8 ? bytes - at : 8;

		p->stats.bytes_checked += n;
		p->stats.mismatches += memcmp(got + at, wanted + at, n) != 0;
	}
}

static void take_data(struct partner *p, struct flow *f, const struct segment *s,
		      const uint8_t *payload)
{
	struct segment ack = {.payload = 0};
	bool answer = true;

	if (s->seq == (uint32_t)f->expected) {
		check(p, f, payload, s->payload);
		f->expected += s->payload;
		p->stats.segments_received++;
		p->stats.bytes_received += s->payload;
		answer = ++f->unacked >= p->config.ack_every || s->flags & SEGMENT_FLAG_PSH;
	} else {
		p->stats.out_of_sequence++;
	}
	if (!answer)
		return;
	f->unacked = 0;
	ack.ack = (uint32_t)f->expected;
	p->stats.acks_sent++;
	emit(p, f, &ack, NULL);
}

void partner_receive(void *ctx, struct frame *frame)
{
	struct partner *p = ctx;
	struct segment s;
	unsigned which = 0;

	if (segment_unpack(&s, frame->data, frame->bytes))
		which = p->of_port[s.dport];
	if (!which)
		p->stats.foreign++;
	else if (s.payload)
		take_data(p, &p->flow[which - 1], &s, frame->data + SEGMENT_HEADER_BYTES);
	else
		take_ack(p, &p->flow[which - 1], &s);
	frame_put(frame);
}

/* ---- life ---- */

int partner_create(struct partner **out, const struct partner_config *config)
{
	struct partner *p;

	if (!config->flows || config->flows > PARTNER_FLOWS_MAX || !config->mss ||
	    config->mss + SEGMENT_HEADER_BYTES > FRAME_MAX_BYTES || !config->burst_bytes ||
	    config->window < 2 * config->mss || config->period <= config->mss)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->config = *config;
	p->config.port = NULL;
	for (unsigned i = 0; i < config->flows; i++) {
		p->flow[i].port = config->port[i];
		p->flow[i].advertised = p->flow[i].enough = config->window;
		p->flow[i].own = (uint64_t)FIRST_WINDOW * config->mss;
		if (p->flow[i].own > config->window)
			p->flow[i].own = config->window;
		p->of_port[config->port[i]] = (uint8_t)(i + 1);
	}
	event_init(&p->pump, on_pump, p);
	event_init(&p->clock, on_clock, p);
	*out = p;
	return 0;
}

void partner_destroy(struct partner *p)
{
	if (!p)
		return;
	sim_cancel(p->config.sim, &p->pump);
	sim_cancel(p->config.sim, &p->clock);
	free(p);
}

void partner_start(struct partner *p)
{
	if (!p->config.sends)
		return;
	sim_schedule(p->config.sim, &p->clock, sim_now(p->config.sim) + CLOCK);
	sim_schedule(p->config.sim, &p->pump, sim_now(p->config.sim));
}

const struct partner_stats *partner_stats(const struct partner *p)
{
	return &p->stats;
}

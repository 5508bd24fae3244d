/* SPDX-License-Identifier: MIT */
/*
 * The Ethernet segment: per direction a wire that is free again at a known instant and a queue of
 * frames under way, in order of arrival, served by one event.
 */
#include "dev/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define PS_PER_BYTE_MBPS UINT64_C(8000000) /* picoseconds a byte takes at 1 Mb/s */

struct direction {
	struct link *link;
	struct frame *first, *last;
	sim_time free;         /* the wire is taken up to here */
	sim_time last_arrives; /* of the newest frame */
	struct event arrive;   /* of first */
	struct rng rng;        /* of the jitter: one each, directions do not disturb each other */
	void (*receive)(void *ctx, struct frame *frame);
	void *ctx;
	struct link_stats stats;
};

struct link {
	struct sim *sim;
	uint64_t byte_ps, latency_ps, jitter_ps;
	struct direction from[2]; /* by sending port */
	struct pcap *pcap;
};

static void deliver(struct direction *d, struct frame *frame)
{
	struct link *link = d->link;

	if (link->pcap && pcap_write(link->pcap, frame->arrives, frame->data, frame->bytes))
		link->pcap = NULL;
	if (d->receive) {
		d->receive(d->ctx, frame);
	} else {
		d->stats.unattached++;
		frame_put(frame);
	}
}

static void on_arrive(void *ctx)
{
	struct direction *d = ctx;
	struct frame *frame = d->first;

	d->first = frame->next;
	frame->next = NULL;
	if (d->first)
		sim_schedule(d->link->sim, &d->arrive, d->first->arrives);
	deliver(d, frame);
}

/* When a frame whose last bit is sent at @sent arrives; never before an earlier frame. */
static sim_time arrival(struct direction *d, sim_time sent)
{
	const struct link *link = d->link;
	sim_time at = sent + link->latency_ps;

	if (link->jitter_ps)
		at += rng_below(&d->rng, link->jitter_ps + 1);
	if (at < d->last_arrives)
		at = d->last_arrives;
	d->last_arrives = at;
	return at;
}

static sim_time on_send(void *ctx, struct frame *frame)
{
	struct direction *d = ctx;
	const struct link *link = d->link;
	const sim_time now = sim_now(link->sim);
	const sim_time start = d->free > now ? d->free : now;
	uint64_t wire;

	if (frame->bytes < FRAME_MIN_BYTES) {
		memset(frame->data + frame->bytes, 0, FRAME_MIN_BYTES - frame->bytes);
		frame->bytes = FRAME_MIN_BYTES;
	}
	wire = FRAME_PREAMBLE_BYTES + frame->bytes + FRAME_FCS_BYTES;
	frame->arrives = arrival(d, start + wire * link->byte_ps);
	wire += FRAME_GAP_BYTES;
	d->free = start + wire * link->byte_ps;
	d->stats.frames++;
	d->stats.bytes += frame->bytes;
	d->stats.wire_bytes += wire;
	d->stats.busy_ps += wire * link->byte_ps;
	frame->next = NULL;
	if (d->first)
		d->last->next = frame;
	else
		d->first = frame;
	d->last = frame;
	if (d->first == frame)
		sim_schedule(link->sim, &d->arrive, frame->arrives);
	return d->free;
}

int link_create(struct link **out, struct sim *sim, const struct link_config *config)
{
	struct link *link;

	if (!config->mbps || PS_PER_BYTE_MBPS % config->mbps || config->jitter_ps == UINT64_MAX)
		return -EINVAL;
	link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->sim = sim;
	link->byte_ps = PS_PER_BYTE_MBPS / config->mbps;
	link->latency_ps = config->latency_ps;
	link->jitter_ps = config->jitter_ps;
	for (unsigned i = 0; i < 2; i++) {
		link->from[i].link = link;
		rng_seed(&link->from[i].rng, config->seed + i);
		event_init(&link->from[i].arrive, on_arrive, &link->from[i]);
	}
	*out = link;
	return 0;
}

void link_destroy(struct link *link)
{
	if (!link)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct direction *d = &link->from[i];

		sim_cancel(link->sim, &d->arrive);
		while (d->first) {
			struct frame *frame = d->first;

			d->first = frame->next;
			frame_put(frame);
		}
	}
	free(link);
}

void link_attach(struct link *link, unsigned port, void (*receive)(void *ctx, struct frame *frame),
		 void *ctx)
{
	struct direction *towards = &link->from[!port];

	towards->receive = receive;
	towards->ctx = ctx;
}

struct frame_sink link_sink(struct link *link, unsigned port)
{
	return (struct frame_sink){.ctx = &link->from[port & 1], .send = on_send};
}

const struct link_stats *link_stats(const struct link *link, unsigned port)
{
	return &link->from[port & 1].stats;
}

uint64_t link_busy_ps(const struct link *link, unsigned port, sim_time now)
{
	const struct direction *d = &link->from[port & 1];

	/* From now to the wire's being free there is no gap: a frame starts where another ends. */
	return d->stats.busy_ps - (d->free > now ? d->free - now : 0);
}

void link_capture(struct link *link, struct pcap *pcap)
{
	link->pcap = pcap;
}

/* SPDX-License-Identifier: MIT */
/*
 * The device's end of a PCI Express link: requests become packets and take their turns, oldest
 * first, when credits or a tag allow. PCI Express Base Specification 3.0, 2.6 (flow control).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/pcie_internal.h"

/* So much of the link's time may be spoken for ahead: the device's transmit queue (our choice). */
#define AHEAD (50 * SIM_NS)
/* A flow control unit of data (2.6.1). */
#define CREDIT_BYTES 16u

/* Megatransfers a second and lane, and payload bits of how many on the wire, by generation. */
static const struct {
	uint32_t rate;
	uint32_t bits, of;
} generations[] = {
	{2500, 8, 10}, {5000, 8, 10}, {8000, 128, 130}, {16000, 128, 130}, {32000, 128, 130}};

sim_time pcie_lane_take(struct pcie *p, struct pcie_lane *lane, sim_time from, uint64_t bytes,
			uint64_t *taken_ps)
{
	const uint64_t fs = bytes * p->byte_fs + lane->rest_fs;

	lane->free = pcie_later(lane->free, from) + fs / 1000;
	lane->rest_fs = fs % 1000;
	*taken_ps += fs / 1000;
	return lane->free;
}

/* ---- queues ---- */

static void append(struct pcie_queue *q, struct pcie_request *req)
{
	req->next = NULL;
	if (q->last)
		q->last->next = req;
	else
		q->first = req;
	q->last = req;
}

static void pop(struct pcie_queue *q)
{
	struct pcie_request *req = q->first;

	q->first = req->next;
	if (!req->next)
		q->last = NULL;
	req->next = NULL;
}

/* ---- credits ---- */

/* A packet's data in units of credit. Room that is always there: the specification demands it. */
static uint32_t units(uint32_t bytes)
{
	return (bytes + CREDIT_BYTES - 1) / CREDIT_BYTES * CREDIT_BYTES;
}

static void reclaim(struct pcie *p)
{
	while (p->head != p->arrived) {
		const struct pcie_posted *t = &p->posted[p->head % PCIE_HEADERS_MAX];

		if (t->returns > pcie_now(p) || p->head == p->landed)
			break;
		p->data_used -= units(t->bytes);
		p->head++;
	}
}

/* The next packet of @req: up to @limit bytes, within a page. */
static uint32_t next_bytes(const struct pcie_request *req, uint32_t limit)
{
	const uint32_t left = req->bytes - req->sent;
	const uint32_t page = BUS_PAGE_BYTES - (uint32_t)((req->iova + req->sent) % BUS_PAGE_BYTES);
	uint32_t n = left < limit ? left : limit;

	if (!req->message && n > page)
		n = page;
	return n;
}

static bool has_credit(const struct pcie *p, const struct pcie_request *req)
{
	return p->tail - p->head < p->headers &&
	       p->data_used + units(next_bytes(req, p->mps)) <= p->data;
}

/* Nothing but credits keeps a write; when the oldest come back it may go. */
static void wait_for_credit(struct pcie *p)
{
	const struct pcie_posted *t = &p->posted[p->head % PCIE_HEADERS_MAX];

	if (!p->stalled) {
		p->stalled = true;
		p->stalled_at = pcie_now(p);
		p->stats.credit_stalls++;
	}
	if (p->head != p->arrived && p->head != p->landed && !event_pending(&p->pump))
		sim_schedule(p->sim, &p->pump, t->returns);
}

/* ---- sending ---- */

static void send_write(struct pcie *p)
{
	struct pcie_request *req = p->writes.first;
	struct pcie_posted *t = &p->posted[p->tail++ % PCIE_HEADERS_MAX];
	const uint32_t bytes = next_bytes(req, p->mps);

	if (p->stalled) {
		p->stalled = false;
		p->stats.credit_stall_ps += pcie_now(p) - p->stalled_at;
	}
	*t = (struct pcie_posted){.req = req, .at = req->sent, .bytes = bytes};
	p->data_used += units(bytes);
	req->sent += bytes;
	if (req->sent == req->bytes)
		pop(&p->writes);
	p->stats.write_packets++;
	t->arrives =
		pcie_lane_take(p, &p->up, pcie_now(p), bytes + p->packet_bytes, &p->stats.up_ps) +
		p->cost->posted_write_latency;
	pcie_root_posted(p);
}

static void send_read(struct pcie *p)
{
	struct pcie_request *req = p->reads.first;
	struct pcie_read *r = p->free_tags;

	p->free_tags = r->next;
	r->req = req;
	r->at = req->sent;
	r->bytes = next_bytes(req, p->mrrs);
	r->status = 0;
	r->host = NULL;
	req->sent += r->bytes;
	if (req->sent == req->bytes)
		pop(&p->reads);
	p->stats.read_packets++;
	pcie_root_read(r, pcie_lane_take(p, &p->up, pcie_now(p), p->packet_bytes, &p->stats.up_ps) +
				  p->cost->posted_write_latency);
}

void pcie_pump(struct pcie *p)
{
	reclaim(p);
	while (p->writes.first || p->reads.first) {
		const struct pcie_request *w = p->writes.first, *r = p->reads.first;
		const bool may_write = w && has_credit(p, w), may_read = r && p->free_tags;

		if (!may_write && !may_read) {
			p->stats.tag_stalls += r != NULL;
			break;
		}
		if (p->up.free > pcie_now(p) + AHEAD) {
			sim_schedule(p->sim, &p->pump, p->up.free - AHEAD);
			return;
		}
		if (may_write && (!may_read || w->order < r->order))
			send_write(p);
		else
			send_read(p);
	}
	if (p->writes.first)
		wait_for_credit(p);
}

static void on_pump(void *ctx)
{
	pcie_pump(ctx);
}

void pcie_submit(struct pcie *p, struct pcie_request *req)
{
	assert(!req->busy && req->bytes);
	req->busy = true;
	req->order = p->order++;
	req->sent = req->landed = 0;
	req->status = 0;
	append(req->direction == IOTOLL_WRITE ? &p->writes : &p->reads, req);
	if (!event_pending(&p->pump))
		sim_schedule(p->sim, &p->pump, pcie_now(p));
}

void pcie_abort(struct pcie *p)
{
	struct pcie_queue *queues[] = {&p->reads, &p->writes};

	for (unsigned i = 0; i < 2; i++) {
		while (queues[i]->first) {
			queues[i]->first->busy = false;
			pop(queues[i]);
		}
	}
	sim_cancel(p->sim, &p->pump);
	pcie_root_abort(p);
	p->stalled = false;
}

/* ---- life ---- */

int pcie_create(struct pcie **out, const struct pcie_config *config)
{
	const struct profile *profile = &config->bus->machine->profile;
	struct pcie *p;

	if (!profile->has_pcie || !config->tags || config->tags > PCIE_TAGS_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->config = *config;
	p->bus = config->bus;
	p->sim = config->bus->machine->sim;
	p->cost = machine_cost(config->bus->machine);
	p->byte_fs = UINT64_C(8000000000) * generations[profile->pcie_generation - 1].of /
		     generations[profile->pcie_generation - 1].bits /
		     generations[profile->pcie_generation - 1].rate / profile->pcie_lanes;
	p->mps = profile->pcie_mps;
	p->mrrs = profile->pcie_mrrs;
	p->packet_bytes = profile->pcie_packet_bytes;
	p->headers = profile->pcie_posted_headers;
	/* A packet of MPS bytes always finds room (table 2-38). */
	p->data = profile->pcie_posted_data < p->mps ? units(p->mps) : profile->pcie_posted_data;
	p->walkers = profile->walkers ? profile->walkers : 1;
	event_init(&p->pump, on_pump, p);
	for (unsigned i = 0; i < config->tags; i++) {
		p->tag[i].pcie = p;
		p->tag[i].next = p->free_tags;
		p->free_tags = &p->tag[i];
	}
	pcie_root_init(p);
	*out = p;
	return 0;
}

void pcie_destroy(struct pcie *p)
{
	if (!p)
		return;
	pcie_abort(p);
	free(p);
}

const struct pcie_stats *pcie_stats(const struct pcie *p)
{
	return &p->stats;
}

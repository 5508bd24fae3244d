/* SPDX-License-Identifier: MIT */
/*
 * The root port's end of a PCI Express link: packets arrive, are translated, and writes land in the
 * order in which they came (PCI Express Base Specification 3.0, table 2-39: a posted request never
 * passes another, and a read never passes one).
 *
 * Translations are looked up one after another, iotlb_hit each, and those that miss wait for a
 * walker. The bytes move when the packet's turn has come; what it was translated to then stands,
 * as an IOMMU that is told to drain what is under way would have it.
 */
#include <errno.h>

#include "dev/pcie_internal.h"

enum stage { STAGE_ARRIVES, STAGE_FETCHED, STAGE_OVER };

/* ---- translation ---- */

static sim_time walk(struct pcie *p, uint64_t page, sim_time from, uint64_t took)
{
	unsigned first = 0;
	sim_time start;

	for (unsigned i = 1; i < p->walkers; i++)
		if (p->walker[i] < p->walker[first])
			first = i;
	start = pcie_later(from, p->walker[first]);
	p->walker[first] = start + took;
	p->stats.walks++;
	p->stats.walk_wait_ps += start - from;
	p->recent[page % PCIE_RECENT].page = page;
	p->recent[page % PCIE_RECENT].known = start + took;
	return start + took;
}

/*
 * Translate @bytes at @iova, which lie in one page. 0 with *@host and *@paddr, or what became of
 * it;
 * *@known is when.
 */
static int translate(struct pcie *p, uint64_t iova, uint32_t bytes, enum iotoll_access direction,
		     void **host, uint64_t *paddr, sim_time *known)
{
	const uint64_t page = iova / BUS_PAGE_BYTES, hit = p->cost->iotlb_hit;
	sim_time at = pcie_now(p);
	uint64_t took = 0;
	uint32_t chunk;
	int rc;

	*known = at;
	if (!bus_open(p->bus))
		return -ESHUTDOWN;
	p->bus->stats.transactions++;
	rc = bus_translate(p->bus, p->config.devid, iova, bytes, direction, host, paddr, &chunk,
			   &took);
	if (!rc && chunk < bytes)
		rc = -EFAULT;
	if (!took)
		return rc;
	at = pcie_later(at, p->lookup_free) + hit;
	p->lookup_free = at;
	*known = at;
	if (took > hit) {
		*known = walk(p, page, at, took - hit);
	} else if (p->recent[page % PCIE_RECENT].page == page &&
		   p->recent[page % PCIE_RECENT].known > at) {
		*known = p->recent[page % PCIE_RECENT].known;
		p->stats.walk_wait_ps += *known - at;
	}
	return rc;
}

/* ---- writes ---- */

static void on_arrive(void *ctx)
{
	struct pcie *p = ctx;
	struct pcie_posted *t = &p->posted[p->arrived++ % PCIE_HEADERS_MAX];
	struct pcie_request *req = t->req;
	sim_time known = pcie_now(p);

	if (!req->message)
		t->status = translate(p, req->iova + t->at, t->bytes, IOTOLL_WRITE, &t->host,
				      &t->paddr, &known);
	if (t->status) {
		t->host = NULL;
		p->stats.refused_writes++;
	}
	t->lands = p->last_lands = pcie_later(p->last_lands, known);
	t->returns = t->lands + p->cost->pcie_credit;
	if (p->arrived != p->tail)
		sim_schedule(p->sim, &p->arrive, p->posted[p->arrived % PCIE_HEADERS_MAX].arrives);
	if (!event_pending(&p->land))
		sim_schedule(p->sim, &p->land, t->lands);
	if (t->at + t->bytes == req->bytes && req->left)
		req->left(req->ctx, req);
}

static void on_land(void *ctx)
{
	struct pcie *p = ctx;
	struct pcie_posted *t = &p->posted[p->landed++ % PCIE_HEADERS_MAX];
	struct pcie_request *req = t->req;

	if (p->landed != p->arrived)
		sim_schedule(p->sim, &p->land, p->posted[p->landed % PCIE_HEADERS_MAX].lands);
	if (t->host)
		bus_move(p->bus, IOTOLL_WRITE, (uint8_t *)req->buffer + t->at, t->host, t->paddr,
			 t->bytes);
	if (t->status && !req->status)
		req->status = t->status;
	req->landed += t->bytes;
	if (p->stalled && !event_pending(&p->pump))
		sim_schedule(p->sim, &p->pump, p->posted[p->head % PCIE_HEADERS_MAX].returns);
	if (req->landed == req->bytes) {
		req->busy = false;
		req->done(req->ctx, req, req->status);
	}
}

void pcie_root_posted(struct pcie *p)
{
	if (p->arrived + 1 == p->tail)
		sim_schedule(p->sim, &p->arrive, p->posted[p->arrived % PCIE_HEADERS_MAX].arrives);
}

/* ---- reads ---- */

/*
 * dma_read_latency is from the request to the first data, of which the way there is one part: what
 * is left is memory's time and the way back.
 */
static uint64_t fetch_ps(const struct pcie *p)
{
	const uint64_t whole = p->cost->dma_read_latency, there = p->cost->posted_write_latency;

	return whole > there ? whole - there : 0;
}

static void read_arrives(struct pcie_read *r)
{
	struct pcie *p = r->pcie;
	sim_time known;

	r->status = translate(p, r->req->iova + r->at, r->bytes, IOTOLL_READ, &r->host, &r->paddr,
			      &known);
	if (r->status)
		p->stats.refused_reads++;
	/* Writes that came before it go first. */
	known = pcie_later(known, p->landed == p->arrived ? 0 : p->last_lands);
	r->stage = STAGE_FETCHED;
	sim_schedule(p->sim, &r->event, known + fetch_ps(p));
}

static void read_fetched(struct pcie_read *r)
{
	struct pcie *p = r->pcie;
	const unsigned packets = r->status ? 1 : (r->bytes + p->mps - 1) / p->mps;

	if (!r->status)
		bus_move(p->bus, IOTOLL_READ, (uint8_t *)r->req->buffer + r->at, r->host, r->paddr,
			 r->bytes);
	p->stats.completions += packets;
	r->stage = STAGE_OVER;
	sim_schedule(p->sim, &r->event,
		     pcie_lane_take(p, &p->down, pcie_now(p),
				    (r->status ? 0 : r->bytes) + packets * p->packet_bytes,
				    &p->stats.down_ps));
}

static void read_over(struct pcie_read *r)
{
	struct pcie *p = r->pcie;
	struct pcie_request *req = r->req;

	if (r->status && !req->status)
		req->status = r->status;
	req->landed += r->bytes;
	r->req = NULL;
	r->next = p->free_tags;
	p->free_tags = r;
	if (p->reads.first && !event_pending(&p->pump))
		sim_schedule(p->sim, &p->pump, pcie_now(p));
	if (req->landed == req->bytes) {
		req->busy = false;
		req->done(req->ctx, req, req->status);
	}
}

static void on_read(void *ctx)
{
	struct pcie_read *r = ctx;

	switch ((enum stage)r->stage) {
	case STAGE_ARRIVES:
		read_arrives(r);
		break;
	case STAGE_FETCHED:
		read_fetched(r);
		break;
	case STAGE_OVER:
		read_over(r);
		break;
	}
}

void pcie_root_read(struct pcie_read *r, sim_time arrives)
{
	r->stage = STAGE_ARRIVES;
	sim_schedule(r->pcie->sim, &r->event, arrives);
}

/* ---- life ---- */

void pcie_root_init(struct pcie *p)
{
	event_init(&p->arrive, on_arrive, p);
	event_init(&p->land, on_land, p);
	for (unsigned i = 0; i < p->config.tags; i++)
		event_init(&p->tag[i].event, on_read, &p->tag[i]);
}

void pcie_root_abort(struct pcie *p)
{
	sim_cancel(p->sim, &p->arrive);
	sim_cancel(p->sim, &p->land);
	for (; p->landed != p->tail; p->landed++)
		p->posted[p->landed % PCIE_HEADERS_MAX].req->busy = false;
	p->head = p->arrived = p->landed = p->tail;
	p->data_used = 0;
	for (unsigned i = 0; i < p->config.tags; i++) {
		struct pcie_read *r = &p->tag[i];

		if (!r->req)
			continue;
		sim_cancel(p->sim, &r->event);
		r->req->busy = false;
		r->req = NULL;
		r->next = p->free_tags;
		p->free_tags = r;
	}
}

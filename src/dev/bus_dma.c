/* SPDX-License-Identifier: MIT */
/*
 * Transfers on a PCI-X segment (PCI-X addendum 1.0a: sequences, split transactions). A write is a
 * posted burst: address and attribute phase, then data, which the bridge holds until their
 * translation is known. A read is a split: request phase, the bus is free while the bridge
 * translates and fetches, then the completion takes the data path. A burst may run across a
 * page boundary (only allowable disconnect boundaries of 128 bytes stop it), so the bridge
 * translates again there.
 *
 * Modelling choices: the bridge translates before it accepts data, so the
 * translation's time delays the burst and its device but not other devices; pieces of a read
 * beyond its first page pay their translation and not the memory latency again, as the bridge
 * fetches ahead.
 */
#include "dev/bus_internal.h"

#include <assert.h>
#include <errno.h>

enum stage {
	STAGE_QUEUED,
	STAGE_GRANTED,
	STAGE_ASKING,   /* a translation request is on its way to the IOMMU */
	STAGE_ANSWERED, /* and its answer back */
	STAGE_WRITE,
	STAGE_SPLIT,
	STAGE_FAILED,
	STAGE_OVER,
};

static void port_kick(struct bus_port *port);

/* What is left of @req waits for its turn again, before the others. */
static void requeue(struct bus_port *port, struct bus_request *req)
{
	req->stage = STAGE_QUEUED;
	bus_queue_prepend(port, req);
}

/* Where the page is has become known @took after now: say when its bytes will have moved. */
static void page_known(struct bus_request *req, uint64_t took)
{
	struct bus *bus = req->port->bus;
	const struct cost *cost = machine_cost(bus->machine);
	const sim_time at = bus_now(bus) + took;

	if (req->status) {
		req->stage = STAGE_FAILED;
		sim_schedule(bus->machine->sim, &req->event, at);
		return;
	}
	req->data_ps = req->chunk * cost->bus_byte;
	if (req->direction == IOTOLL_WRITE) {
		req->stage = STAGE_WRITE;
		sim_schedule(bus->machine->sim, &req->event, at + req->data_ps);
		return;
	}
	req->stage = STAGE_SPLIT;
	req->ready = at + (req->first ? cost->dma_read_latency : 0);
	bus_path_split(bus, req);
}

/* What the device's own cache says of the page has come, @lead before the bus is at its bytes. */
static void act(struct bus_request *req, enum atc_verdict verdict, uint64_t lead)
{
	struct bus_port *port = req->port;
	struct bus *bus = port->bus;
	const uint32_t wanted = req->burst_end - req->moved;
	uint64_t took = 0;

	switch (verdict) {
	case ATC_TRANSLATED:
		req->status = bus_ats_translated(port, &req->ats, wanted, &req->host, &req->paddr,
						 &req->chunk);
		break;
	case ATC_UNTRANSLATED:
		req->status =
			bus_translate(bus, port->devid, req->iova + req->moved, wanted,
				      req->direction, &req->host, &req->paddr, &req->chunk, &took);
		break;
	case ATC_DENIED:
		bus->stats.refused++;
		req->status = -EPERM;
		break;
	case ATC_ASK:
		req->stage = STAGE_ASKING;
		req->asked = bus_now(bus);
		sim_schedule(bus->machine->sim, &req->event,
			     bus_now(bus) + lead + machine_cost(bus->machine)->ats_request / 2);
		return;
	}
	page_known(req, lead + took);
}

/* The burst enters a page. */
static void enter_page(struct bus_request *req, bool first)
{
	const uint64_t lead = first ? machine_cost(req->port->bus->machine)->bus_overhead : 0;

	req->first = first;
	act(req, bus_ats_begin(req->port, &req->ats, req->iova + req->moved, req->direction), lead);
}

/* The translation request has reached the IOMMU; its answer takes the other half of the way. */
static void ask(struct bus_request *req)
{
	struct bus *bus = req->port->bus;
	const struct cost *cost = machine_cost(bus->machine);

	bus_ats_ask(req->port, &req->ats, &req->answer);
	req->stage = STAGE_ANSWERED;
	sim_schedule(bus->machine->sim, &req->event,
		     bus_now(bus) + cost->ats_request - cost->ats_request / 2 + cost->iotlb_hit +
			     req->answer.fetches * cost->walk_read);
}

static void answered(struct bus_request *req)
{
	struct bus *bus = req->port->bus;

	bus->stats.translation_ps += bus_now(bus) - req->asked;
	act(req, bus_ats_answered(req->port, &req->ats, &req->answer), 0);
}

/* Arbitration is off and somebody wants the bus. */
static void note_stall(struct bus *bus)
{
	if (bus->stalled)
		return;
	bus->stalled = true;
	bus->stalled_at = bus_now(bus);
	bus->stats.stalls++;
}

/* How long the burst's first use of the data path is: of a read, only its request. */
static uint64_t path_ps(const struct bus_request *req)
{
	const struct cost *cost = machine_cost(req->port->bus->machine);

	if (req->direction == IOTOLL_READ)
		return cost->bus_overhead;
	return cost->bus_overhead + (req->burst_end - req->moved) * cost->bus_byte;
}

/*
 * The data path is ours: the address phase. If arbitration went off while we waited for it, the
 * promised time is lost: nobody else could have used it either.
 */
static void begin_burst(struct bus_request *req)
{
	struct bus_port *port = req->port;
	struct bus *bus = port->bus;

	if (!bus_open(bus)) {
		bus_active_remove(port, req);
		requeue(port, req);
		port_kick(port);
		return;
	}
	if (bus->iommu)
		bus->iommu->ops->begin(bus->iommu, bus->number);
	req->begun = true;
	bus->stats.transactions++;
	bus->stats.data_ps += path_ps(req);
	enter_page(req, true);
}

static void grant(struct bus_request *req)
{
	struct bus_port *port = req->port;
	struct bus *bus = port->bus;
	const bool write = req->direction == IOTOLL_WRITE;
	const uint32_t limit = write ? port->limits.max_write : port->limits.max_read;
	const uint32_t left = req->bytes - req->moved;
	const uint32_t burst = left < limit ? left : limit;
	sim_time start;

	bus_active_add(port, req);
	req->burst_end = req->moved + burst;
	req->stage = STAGE_GRANTED;
	start = bus_path_reserve(bus, path_ps(req));
	if (start > bus_now(bus))
		sim_schedule(bus->machine->sim, &req->event, start);
	else
		begin_burst(req);
}

/* Nothing more to do for @req but to tell its device, from an event of its own. */
static void over(struct bus_request *req, int status)
{
	struct bus *bus = req->port->bus;

	bus_active_add(req->port, req);
	req->stage = STAGE_OVER;
	req->status = status;
	sim_schedule(bus->machine->sim, &req->event, bus_now(bus));
}

/* True if the bus is off for good, in which case @req need not wait. Asked without side effects. */
static bool shut_off(const struct bus *bus, const struct bus_request *req)
{
	const struct iotoll_source source = {.bus = bus->number, .devid = req->port->devid};
	struct iotoll_xlat x;

	return iommu_probe(bus->iommu, source, req->iova, req->direction, &x) == -ESHUTDOWN;
}

static void port_kick(struct bus_port *port)
{
	struct bus *bus = port->bus;
	struct bus_request *req;

	while ((req = bus_queue_next(port))) {
		if (!bus_open(bus)) {
			if (!shut_off(bus, req)) {
				note_stall(bus);
				return;
			}
			bus_queue_pop(port, bus_side(req));
			bus->stats.shut++;
			over(req, -ESHUTDOWN);
			continue;
		}
		bus_queue_pop(port, bus_side(req));
		if (req->bytes == req->moved)
			over(req, 0);
		else
			grant(req);
	}
}

void bus_kick(struct bus *bus)
{
	for (struct bus_port *port = bus->ports; port; port = port->next)
		port_kick(port);
}

static void finish(struct bus_request *req)
{
	struct bus_port *port = req->port;

	bus_active_remove(port, req);
	req->busy = false;
	req->done(req->ctx, req, req->status);
	port_kick(port);
}

/* The bytes of one page have crossed the bus. */
static void land(struct bus_request *req)
{
	struct bus_port *port = req->port;
	struct bus *bus = port->bus;

	if (req->stage == STAGE_SPLIT) {
		bus_path_forget(bus, req);
		bus->stats.data_ps += req->data_ps;
	}
	bus_move(bus, req->direction, (uint8_t *)req->buffer + req->moved, req->host, req->paddr,
		 req->chunk);
	req->moved += req->chunk;
	bus_ats_end(port, &req->ats);
	if (req->moved < req->burst_end) {
		enter_page(req, false);
		return;
	}
	if (req->moved == req->bytes) {
		finish(req);
		return;
	}
	bus_active_remove(port, req);
	requeue(port, req);
	port_kick(port);
}

static void on_event(void *ctx)
{
	struct bus_request *req = ctx;

	switch ((enum stage)req->stage) {
	case STAGE_GRANTED:
		begin_burst(req);
		break;
	case STAGE_ASKING:
		ask(req);
		break;
	case STAGE_ANSWERED:
		answered(req);
		break;
	case STAGE_WRITE:
	case STAGE_SPLIT:
		land(req);
		break;
	case STAGE_FAILED:
	case STAGE_OVER:
		finish(req);
		break;
	case STAGE_QUEUED:
		break;
	}
}

void bus_submit(struct bus_port *port, struct bus_request *req)
{
	assert(!req->busy);
	req->port = port;
	req->order = port->order++;
	req->moved = 0;
	req->status = 0;
	req->busy = true;
	req->begun = false;
	req->ats = (struct atc_access){.iova = 0};
	req->stage = STAGE_QUEUED;
	event_init(&req->event, on_event, req);
	bus_queue_append(port, req);
	port_kick(port);
}

void bus_port_abort(struct bus_port *port)
{
	struct bus *bus = port->bus;

	if (!bus)
		return;
	while (port->active) {
		struct bus_request *req = port->active;

		sim_cancel(bus->machine->sim, &req->event);
		bus_path_forget(bus, req);
		bus_active_remove(port, req);
		req->busy = false;
	}
	for (unsigned s = 0; s < 2; s++) {
		while (port->queue[s].first) {
			port->queue[s].first->busy = false;
			bus_queue_pop(port, s);
		}
	}
	bus_path_reschedule(bus);
}

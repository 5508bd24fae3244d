/* SPDX-License-Identifier: MIT */
/*
 * See bus_ats.h. The life of an access is in bus_dma.c, what ATS has to do with it in
 * bus_ats_access.c; here are the messages.
 *
 * Modelling choices: an invalidation takes half of the profile's round trip each way, and so does a
 * translation request, besides what the tables take; messages of one direction stay in order; all
 * completions of an invalidation, one for each traffic class, arrive together.
 */
#include "dev/bus_ats.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/bus_ats_internal.h"

/* Pages of a block larger than this (1 GiB) are told as one. */
#define TOLD_ORDER_MAX 18u

/* Software that makes the IOMMU forget its tags can send more than there are: those are lost. */
static void push(struct bus *bus, struct bus_ats_wire *w, struct bus_ats_message message)
{
	if (w->count == ATS_TAGS)
		return;
	message.at = bus_now(bus) + machine_cost(bus->machine)->ats_invalidate / 2;
	w->message[(w->first + w->count++) % ATS_TAGS] = message;
	if (!event_pending(&w->event))
		sim_schedule(bus->machine->sim, &w->event, w->message[w->first].at);
}

/* The oldest message, if its time has come. */
static bool pop(struct bus *bus, struct bus_ats_wire *w, struct bus_ats_message *out)
{
	if (!w->count || w->message[w->first].at > bus_now(bus)) {
		if (w->count)
			sim_schedule(bus->machine->sim, &w->event, w->message[w->first].at);
		return false;
	}
	*out = w->message[w->first];
	w->first = (w->first + 1) % ATS_TAGS;
	w->count--;
	return true;
}

/* ---- completions ---- */

static void deliver_completion(struct bus_ats *a, const struct bus_ats_message *m)
{
	struct bus *bus = a->port->bus;
	const uint16_t devid = a->port->devid;

	a->open &= ~m->tags;
	for (unsigned i = 0; i < m->copies; i++)
		bus_ats_ops(bus)->completion(bus->iommu, devid, m->tags, m->cc);
}

static void on_completion(void *ctx)
{
	struct bus_ats *a = ctx;
	struct bus_ats_message m;

	while (pop(a->port->bus, &a->up, &m))
		deliver_completion(a, &m);
}

void bus_ats_collect(struct bus_ats *a)
{
	struct bus *bus = a->port->bus;
	struct bus_ats_message m = {.at = 0};

	m.tags = atc_completed(a->atc, &m.cc, &m.copies);
	if (!m.tags || a->silent)
		return;
	if (sim_running(bus->machine->sim))
		push(bus, &a->up, m);
	else
		deliver_completion(a, &m);
}

/* ---- invalidations ---- */

static void take_invalidation(struct bus_ats *a, unsigned itag, uint64_t payload)
{
	/* -EBUSY: a tag given up and used again, of an invalidation still under way here. */
	(void)!atc_invalidate(a->atc, itag, payload);
	bus_ats_collect(a);
}

static unsigned tag_number(uint32_t tags)
{
	unsigned n = 0;

	while (n < ATS_TAGS - 1 && !(tags >> n & 1))
		n++;
	return n;
}

static void on_invalidation(void *ctx)
{
	struct bus_ats *a = ctx;
	struct bus_ats_message m;

	while (pop(a->port->bus, &a->down, &m))
		take_invalidation(a, tag_number(m.tags), m.payload);
}

/* Some invalidation may have been under way for as long as the IOMMU waits. */
static void on_limit(void *ctx)
{
	struct bus_ats *a = ctx;
	struct bus *bus = a->port->bus;
	const uint64_t limit_ps = bus_ats_ops(bus)->limit_ns(bus->iommu) * 1000;
	sim_time next = SIM_NEVER;

	for (unsigned i = 0; limit_ps && i < ATS_TAGS; i++) {
		if (!(a->open >> i & 1))
			continue;
		if (a->sent[i] + limit_ps > bus_now(bus)) {
			next = a->sent[i] + limit_ps < next ? a->sent[i] + limit_ps : next;
			continue;
		}
		a->open &= ~(UINT32_C(1) << i);
		bus_ats_ops(bus)->time_out(bus->iommu, i);
	}
	if (next != SIM_NEVER)
		sim_schedule(bus->machine->sim, &a->limit, next);
}

/* The IOMMU sends an Invalidate Request: to a device of ours, or of a bus that came before. */
static bool fabric_invalidate(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct bus *bus = ctx;
	struct bus_ats *a = bus_ats_of(bus, devid);
	uint64_t limit_ps;

	if (!a)
		return bus->below && bus->below->invalidate &&
		       bus->below->invalidate(bus->below->ctx, devid, itag, payload);
	a->open |= UINT32_C(1) << itag;
	a->sent[itag] = bus_now(bus);
	if (!sim_running(bus->machine->sim)) {
		take_invalidation(a, itag, payload);
		return true;
	}
	push(bus, &a->down,
	     (struct bus_ats_message){.tags = UINT32_C(1) << itag, .payload = payload});
	limit_ps = bus_ats_ops(bus)->limit_ns(bus->iommu) * 1000;
	if (limit_ps && !event_pending(&a->limit))
		sim_schedule(bus->machine->sim, &a->limit, bus_now(bus) + limit_ps);
	return true;
}

/* No device here asks for pages, so nobody waits for an answer. */
static bool fabric_respond(void *ctx, uint16_t devid, unsigned index, unsigned code)
{
	struct bus *bus = ctx;

	return bus->below && bus->below->page_response &&
	       bus->below->page_response(bus->below->ctx, devid, index, code);
}

void bus_ats_join(struct bus *bus)
{
	if (!bus_ats_ops(bus))
		return;
	bus->fabric = (struct ats_fabric){
		.ctx = bus, .invalidate = fabric_invalidate, .page_response = fabric_respond};
	bus->below = bus->iommu->fabric;
	bus->iommu->fabric = &bus->fabric;
}

void bus_ats_leave(struct bus *bus)
{
	const struct ats_fabric **at;

	if (!bus_ats_ops(bus))
		return;
	at = &bus->iommu->fabric;
	while (*at && (*at)->invalidate == fabric_invalidate) {
		struct bus *here = (*at)->ctx;

		if (here == bus) {
			*at = bus->below;
			return;
		}
		at = &here->below;
	}
}

/* ---- devices ---- */

static void on_drop(void *ctx, uint64_t pfn, unsigned order)
{
	const struct bus_ats *a = ctx;
	const uint64_t pages = order <= TOLD_ORDER_MAX ? UINT64_C(1) << order : 1;

	for (uint64_t i = 0; i < pages; i++)
		bus_told_dropped(a->port->bus, a->port->devid, pfn + i);
}

int bus_ats_add(struct bus *bus, uint16_t devid, const struct atc_config *config, struct err *err)
{
	struct bus_port *port = bus_ats_port(bus, devid);
	struct bus_ats *a;
	int rc;

	if (!port || !bus_ats_ops(bus))
		return err_set(err, -ENODEV, "no device and IOMMU for ATS");
	if (port->ats)
		return err_set(err, -EBUSY, "the device has a translation cache");
	a = calloc(1, sizeof(*a));
	if (!a)
		return err_set(err, -ENOMEM, "no memory for a translation cache");
	rc = atc_create(&a->atc, config, err);
	if (rc) {
		free(a);
		return rc;
	}
	a->port = port;
	event_init(&a->down.event, on_invalidation, a);
	event_init(&a->up.event, on_completion, a);
	event_init(&a->limit, on_limit, a);
	atc_on_drop(a->atc, on_drop, a);
	port->ats = a;
	return 0;
}

void bus_ats_fini(struct bus_port *port)
{
	struct bus_ats *a = port->ats;
	struct sim *sim = port->bus->machine->sim;

	if (!a)
		return;
	sim_cancel(sim, &a->down.event);
	sim_cancel(sim, &a->up.event);
	sim_cancel(sim, &a->limit);
	atc_destroy(a->atc);
	free(a);
	port->ats = NULL;
}

void bus_ats_switch(struct bus *bus, uint16_t devid, bool on)
{
	struct bus_ats *a = bus_ats_of(bus, devid);

	if (!a)
		return;
	if (!on)
		bus_port_abort(a->port);
	atc_config_write(a->atc, ATS_CONTROL, on ? ATS_CTRL_ENABLE : 0, 2);
}

void bus_ats_silence(struct bus *bus, uint16_t devid, bool silent)
{
	struct bus_ats *a = bus_ats_of(bus, devid);

	if (a)
		a->silent = silent;
}

void bus_ats_stats(const struct bus *bus, struct atc_stats *out)
{
	const size_t words = sizeof(*out) / sizeof(uint64_t);
	uint64_t *sum = (uint64_t *)out;

	*out = (struct atc_stats){.hits = 0};
	for (const struct bus_port *port = bus->ports; port; port = port->next) {
		struct atc_stats one;

		if (!port->ats)
			continue;
		atc_stats(port->ats->atc, &one);
		for (size_t i = 0; i < words; i++) /* counters, and nothing else */
			sum[i] += ((const uint64_t *)&one)[i];
	}
}

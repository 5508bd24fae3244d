/* SPDX-License-Identifier: MIT */
/*
 * See bus_ats.h. The life of an access is in bus_dma.c; here are the messages.
 *
 * Modelling choices: an invalidation takes half of the profile's round trip each way, and so does a
 * translation request, besides what the tables take; messages of one direction stay in order; all
 * completions of an invalidation, one for each traffic class, arrive together.
 */
#include "dev/bus_ats.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/bus_internal.h"

/* Pages of a block larger than this (1 GiB) are told as one. */
#define TOLD_ORDER_MAX 18u

struct message {
	uint32_t tags;
	uint64_t payload;
	unsigned cc, copies;
	sim_time at;
};

/* One message for each tag is on its way in one direction. */
struct wire {
	struct message message[ATS_TAGS];
	unsigned first, count;
	struct event event;
};

struct bus_ats {
	struct bus_port *port;
	struct atc *atc;
	struct wire down, up; /* to the device, and back */
	struct event limit;
	uint32_t open; /* tags sent and not completed */
	sim_time sent[ATS_TAGS];
	bool silent;
};

static const struct iommu_ats_ops *ops_of(const struct bus *bus)
{
	return bus->iommu ? bus->iommu->ops->ats : NULL;
}

static struct bus_port *port_of(const struct bus *bus, uint16_t devid)
{
	struct bus_port *port = bus->ports;

	while (port && port->devid != devid)
		port = port->next;
	return port;
}

static struct bus_ats *ats_of(const struct bus *bus, uint16_t devid)
{
	const struct bus_port *port = port_of(bus, devid);

	return port ? port->ats : NULL;
}

/* Software that makes the IOMMU forget its tags can send more than there are: those are lost. */
static void push(struct bus *bus, struct wire *w, struct message message)
{
	if (w->count == ATS_TAGS)
		return;
	message.at = bus_now(bus) + machine_cost(bus->machine)->ats_invalidate / 2;
	w->message[(w->first + w->count++) % ATS_TAGS] = message;
	if (!event_pending(&w->event))
		sim_schedule(bus->machine->sim, &w->event, w->message[w->first].at);
}

/* The oldest message, if its time has come. */
static bool pop(struct bus *bus, struct wire *w, struct message *out)
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

static void deliver_completion(struct bus_ats *a, const struct message *m)
{
	struct bus *bus = a->port->bus;
	const uint16_t devid = a->port->devid;

	a->open &= ~m->tags;
	for (unsigned i = 0; i < m->copies; i++)
		ops_of(bus)->completion(bus->iommu, devid, m->tags, m->cc);
}

static void on_completion(void *ctx)
{
	struct bus_ats *a = ctx;
	struct message m;

	while (pop(a->port->bus, &a->up, &m))
		deliver_completion(a, &m);
}

/* Send off what has come to an end. */
static void collect(struct bus_ats *a)
{
	struct bus *bus = a->port->bus;
	struct message m = {.at = 0};

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
	collect(a);
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
	struct message m;

	while (pop(a->port->bus, &a->down, &m))
		take_invalidation(a, tag_number(m.tags), m.payload);
}

/* Some invalidation may have been under way for as long as the IOMMU waits. */
static void on_limit(void *ctx)
{
	struct bus_ats *a = ctx;
	struct bus *bus = a->port->bus;
	const uint64_t limit_ps = ops_of(bus)->limit_ns(bus->iommu) * 1000;
	sim_time next = SIM_NEVER;

	for (unsigned i = 0; limit_ps && i < ATS_TAGS; i++) {
		if (!(a->open >> i & 1))
			continue;
		if (a->sent[i] + limit_ps > bus_now(bus)) {
			next = a->sent[i] + limit_ps < next ? a->sent[i] + limit_ps : next;
			continue;
		}
		a->open &= ~(UINT32_C(1) << i);
		ops_of(bus)->time_out(bus->iommu, i);
	}
	if (next != SIM_NEVER)
		sim_schedule(bus->machine->sim, &a->limit, next);
}

/* The IOMMU sends an Invalidate Request: to a device of ours, or of a bus that came before. */
static bool fabric_invalidate(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct bus *bus = ctx;
	struct bus_ats *a = ats_of(bus, devid);
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
	push(bus, &a->down, (struct message){.tags = UINT32_C(1) << itag, .payload = payload});
	limit_ps = ops_of(bus)->limit_ns(bus->iommu) * 1000;
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
	if (!ops_of(bus))
		return;
	bus->fabric = (struct ats_fabric){
		.ctx = bus, .invalidate = fabric_invalidate, .page_response = fabric_respond};
	bus->below = bus->iommu->fabric;
	bus->iommu->fabric = &bus->fabric;
}

void bus_ats_leave(struct bus *bus)
{
	const struct ats_fabric **at;

	if (!ops_of(bus))
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
	struct bus_port *port = port_of(bus, devid);
	struct bus_ats *a;
	int rc;

	if (!port || !ops_of(bus))
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
	struct bus_ats *a = ats_of(bus, devid);

	if (!a)
		return;
	if (!on)
		bus_port_abort(a->port);
	atc_config_write(a->atc, ATS_CONTROL, on ? ATS_CTRL_ENABLE : 0, 2);
}

void bus_ats_silence(struct bus *bus, uint16_t devid, bool silent)
{
	struct bus_ats *a = ats_of(bus, devid);

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

/* ---- accesses ---- */

enum atc_verdict bus_ats_begin(struct bus_port *port, struct atc_access *x, uint64_t iova,
			       enum iommu_access direction)
{
	return port->ats ? atc_begin(port->ats->atc, x, iova, direction) : ATC_UNTRANSLATED;
}

void bus_ats_ask(struct bus_port *port, const struct atc_access *x, struct ats_completion *out)
{
	struct bus *bus = port->bus;
	struct ats_request request;

	atc_request(port->ats->atc, x, &request);
	request.source = (struct iommu_source){.bus = bus->number, .devid = port->devid};
	bus->stats.translations++;
	if (ops_of(bus)->request(bus->iommu, &request, out))
		*out = (struct ats_completion){.status = ATS_ABORT};
	bus->stats.table_reads += out->fetches;
}

enum atc_verdict bus_ats_answered(struct bus_port *port, struct atc_access *x,
				  const struct ats_completion *completion)
{
	return atc_answer(port->ats->atc, x, completion);
}

void bus_ats_end(struct bus_port *port, struct atc_access *x)
{
	if (!port->ats || (!x->using && !x->asking))
		return;
	atc_end(port->ats->atc, x);
	collect(port->ats);
}

/* Do the tables, or failing them the IOTLB, no longer say what the device's cache does? */
static bool is_stale(const struct bus *bus, const struct bus_port *port, const struct atc_access *x)
{
	const struct iommu_source source = {.bus = bus->number, .devid = port->devid};
	struct iommu_xlat now;

	return iommu_probe(bus->iommu, source, x->iova, x->direction, &now) != 0 ||
	       now.paddr != x->paddr || now.stale;
}

int bus_ats_translated(struct bus_port *port, const struct atc_access *x, uint32_t bytes,
		       void **host, uint64_t *paddr, uint32_t *chunk)
{
	struct bus *bus = port->bus;
	const struct iommu_source source = {.bus = bus->number, .devid = port->devid};
	struct iommu_xlat out;
	const int ret = ops_of(bus)->translated(bus->iommu, source, x->paddr, x->direction, &out);
	uint64_t most = out.bytes < x->bytes ? out.bytes : x->bytes;

	if (ret) {
		bus->stats.refused++;
		return ret == -EFAULT ? ret : -EPERM;
	}
	if (is_stale(bus, port, x))
		*(x->direction == IOMMU_READ ? &bus->stats.stale_reads
					     : &bus->stats.stale_writes) += 1;
	*paddr = out.paddr;
	*chunk = most < bytes ? (uint32_t)most : bytes;
	*host = memory_ptr(bus->machine->mem, out.paddr, *chunk);
	if (!*host) {
		bus->stats.unmapped++;
		return -EFAULT;
	}
	return 0;
}

/* ---- at this instant ---- */

int bus_ats_now(struct bus *bus, uint16_t devid, uint64_t iova, uint32_t bytes,
		enum iommu_access direction, void **host, uint64_t *paddr, uint32_t *chunk)
{
	struct bus_port *port = port_of(bus, devid);
	struct atc_access x = {0};
	struct ats_completion answer;
	enum atc_verdict verdict;
	uint64_t took;
	int ret = -EPERM;

	if (!port || !port->ats)
		return bus_translate(bus, devid, iova, bytes, direction, host, paddr, chunk, &took);
	verdict = bus_ats_begin(port, &x, iova, direction);
	if (verdict == ATC_ASK) {
		bus_ats_ask(port, &x, &answer);
		verdict = bus_ats_answered(port, &x, &answer);
	}
	if (verdict == ATC_TRANSLATED)
		ret = bus_ats_translated(port, &x, bytes, host, paddr, chunk);
	else if (verdict == ATC_UNTRANSLATED)
		ret = bus_translate(bus, devid, iova, bytes, direction, host, paddr, chunk, &took);
	else
		bus->stats.refused++;
	bus_ats_end(port, &x);
	return ret;
}

int bus_probe(const struct bus *bus, uint16_t devid, uint64_t iova, enum iommu_access access,
	      struct iommu_xlat *out)
{
	const struct iommu_source source = {.bus = bus->number, .devid = devid};
	const struct bus_ats *a = ats_of(bus, devid);
	uint64_t paddr;

	*out = (struct iommu_xlat){.paddr = 0};
	if (!bus->iommu)
		return -ENODEV;
	if (a && atc_peek(a->atc, iova, access, &paddr) &&
	    ops_of(bus)->probe_translated(bus->iommu, source, paddr, access, out) == 0) {
		out->hit = true;
		out->bypass = false; /* it was translated, by the device */
		return 0;
	}
	return iommu_probe(bus->iommu, source, iova, access, out);
}

int bus_dma_translated(struct bus *bus, uint16_t devid, uint64_t paddr, void *buffer,
		       uint32_t bytes, enum iommu_access direction)
{
	const struct iommu_source source = {.bus = bus->number, .devid = devid};
	struct iommu_xlat out;
	int ret;

	if (!ops_of(bus)) {
		bus->stats.refused++;
		return -EPERM;
	}
	while (bytes) {
		uint32_t chunk;
		void *host;

		ret = ops_of(bus)->translated(bus->iommu, source, paddr, direction, &out);
		if (ret) {
			bus->stats.refused++;
			return ret == -EFAULT ? ret : -EPERM;
		}
		chunk = out.bytes < bytes ? (uint32_t)out.bytes : bytes;
		host = memory_ptr(bus->machine->mem, paddr, chunk);
		if (!host) {
			bus->stats.unmapped++;
			return -EFAULT;
		}
		bus_move(bus, direction, buffer, host, paddr, chunk);
		paddr += chunk;
		buffer = (uint8_t *)buffer + chunk;
		bytes -= chunk;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A PCI-X segment: who is on it, who watches its IOMMU, and accesses outside time. The transfers
 * themselves are in bus_dma.c.
 */
#include "dev/bus.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/bus_internal.h"

/* ---- observers: several buses and watchers share the IOMMU's one place ---- */

static void pass_dropped(void *ctx, struct iotoll_source source, uint64_t iova_pfn)
{
	const struct bus *bus = ctx;

	if (bus->chained.dropped)
		bus->chained.dropped(bus->chained.ctx, source, iova_pfn);
	for (unsigned i = 0; i < bus->nwatchers; i++) {
		if (bus->watchers[i].dropped)
			bus->watchers[i].dropped(bus->watchers[i].ctx, source, iova_pfn);
	}
}

void bus_told_dropped(struct bus *bus, uint16_t devid, uint64_t pfn)
{
	pass_dropped(bus, (struct iotoll_source){.bus = bus->number, .devid = devid}, pfn);
}

static void pass_arbitration(void *ctx, unsigned number, bool enabled)
{
	struct bus *bus = ctx;

	if (bus->chained.arbitration)
		bus->chained.arbitration(bus->chained.ctx, number, enabled);
	for (unsigned i = 0; i < bus->nwatchers; i++) {
		if (bus->watchers[i].arbitration)
			bus->watchers[i].arbitration(bus->watchers[i].ctx, number, enabled);
	}
	/* We are inside the IOMMU's register write: react when it is over. */
	if (number == bus->number)
		sim_schedule(bus->machine->sim, &bus->wake, sim_now(bus->machine->sim));
}

static void pass_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access)
{
	const struct bus *bus = ctx;

	if (bus->chained.fault)
		bus->chained.fault(bus->chained.ctx, source, iova, access);
	for (unsigned i = 0; i < bus->nwatchers; i++) {
		if (bus->watchers[i].fault)
			bus->watchers[i].fault(bus->watchers[i].ctx, source, iova, access);
	}
}

static void pass_interrupt(void *ctx, uint64_t address, uint32_t data)
{
	const struct bus *bus = ctx;

	if (bus->chained.interrupt)
		bus->chained.interrupt(bus->chained.ctx, address, data);
	for (unsigned i = 0; i < bus->nwatchers; i++) {
		if (bus->watchers[i].interrupt)
			bus->watchers[i].interrupt(bus->watchers[i].ctx, address, data);
	}
}

static bool is_bus(const struct iotoll_iommu_observer *o)
{
	return o->arbitration == pass_arbitration;
}

/* Take @bus out of the chain of observers, wherever in it the bus is. */
static void unchain(struct bus *bus)
{
	struct iotoll_iommu_observer *at = &bus->iommu->observer;

	while (is_bus(at)) {
		struct bus *here = at->ctx;

		if (here == bus) {
			*at = bus->chained;
			return;
		}
		at = &here->chained;
	}
}

int bus_observe(struct bus *bus, const struct iotoll_iommu_observer *observer)
{
	if (!bus->iommu)
		return -ENODEV;
	if (bus->nwatchers == BUS_WATCHERS_MAX)
		return -ENOSPC;
	bus->watchers[bus->nwatchers++] = *observer;
	return 0;
}

void bus_unobserve(struct bus *bus, const void *ctx)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < bus->nwatchers; i++) {
		if (bus->watchers[i].ctx != ctx)
			bus->watchers[kept++] = bus->watchers[i];
	}
	bus->nwatchers = kept;
}

/* Arbitration changed a moment ago. */
static void on_wake(void *ctx)
{
	struct bus *bus = ctx;

	if (bus->stalled && bus_open(bus)) {
		bus->stalled = false;
		bus->stats.stall_ps += sim_now(bus->machine->sim) - bus->stalled_at;
	}
	bus_kick(bus);
}

struct bus *bus_create(struct machine *machine, struct iommu *iommu, uint16_t number)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->machine = machine;
	bus->iommu = iommu;
	bus->number = number;
	event_init(&bus->wake, on_wake, bus);
	if (iommu) {
		bus->chained = iommu->observer;
		iommu->observer = (struct iotoll_iommu_observer){
			.ctx = bus,
			.dropped = pass_dropped,
			.arbitration = pass_arbitration,
			.fault = pass_fault,
			.interrupt = pass_interrupt,
		};
		bus_ats_join(bus);
	}
	return bus;
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	while (bus->ports)
		bus_port_fini(bus->ports);
	sim_cancel(bus->machine->sim, &bus->wake);
	if (bus->iommu) {
		unchain(bus);
		bus_ats_leave(bus);
	}
	free(bus);
}

struct machine *bus_machine(const struct bus *bus)
{
	return bus->machine;
}

struct iommu *bus_iommu(const struct bus *bus)
{
	return bus->iommu;
}

uint16_t bus_number(const struct bus *bus)
{
	return bus->number;
}

const struct bus_stats *bus_stats(const struct bus *bus)
{
	return &bus->stats;
}

void bus_count_redirected(struct bus *bus, uint64_t paddr)
{
	bus->has_dummy = true;
	bus->dummy_page = paddr / BUS_PAGE_BYTES;
}

int bus_port_init(struct bus_port *port, struct bus *bus, uint16_t devid,
		  const struct bus_limits *limits)
{
	struct bus_limits l = *limits;
	struct bus_port **at = &bus->ports;

	l.max_read = l.max_read ? l.max_read : 2048;
	l.max_write = l.max_write ? l.max_write : 4096;
	l.outstanding = l.outstanding ? l.outstanding : 1;
	if (l.max_read > 4096 || l.max_write > 4096 || l.outstanding > 32)
		return -EINVAL;
	*port = (struct bus_port){.bus = bus, .devid = devid, .limits = l};
	while (*at) /* at the end: ports are served in the order in which they came */
		at = &(*at)->next;
	*at = port;
	return 0;
}

void bus_port_fini(struct bus_port *port)
{
	struct bus_port **at;

	if (!port->bus)
		return;
	bus_port_abort(port);
	bus_ats_fini(port);
	at = &port->bus->ports;
	while (*at != port)
		at = &(*at)->next;
	*at = port->next;
	port->bus = NULL;
}

int bus_dma_now(struct bus *bus, uint16_t devid, uint64_t iova, void *buffer, uint32_t bytes,
		enum iotoll_access direction, uint32_t *moved)
{
	uint32_t done = 0;
	int ret = 0;

	if (moved)
		*moved = 0;
	if (!bus_open(bus)) {
		const struct iotoll_source source = {.bus = bus->number, .devid = devid};
		struct iotoll_xlat x;

		ret = iommu_probe(bus->iommu, source, iova, direction, &x);
		return ret == -ESHUTDOWN ? ret : -EAGAIN;
	}
	if (bus->iommu)
		bus->iommu->ops->begin(bus->iommu, bus->number);
	bus->stats.transactions++;
	while (!ret && done < bytes) {
		uint64_t paddr;
		uint32_t chunk;
		void *host;

		ret = bus_ats_now(bus, devid, iova + done, bytes - done, direction, &host, &paddr,
				  &chunk);
		if (ret)
			break;
		bus_move(bus, direction, (uint8_t *)buffer + done, host, paddr, chunk);
		done += chunk;
	}
	if (bus->iommu)
		bus->iommu->ops->end(bus->iommu, bus->number);
	if (moved)
		*moved = done;
	return ret;
}

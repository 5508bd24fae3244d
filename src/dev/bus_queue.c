/* SPDX-License-Identifier: MIT */
/*
 * What a device has asked of its port: reads and writes that wait, each in their order, and those
 * that are under way. How many may be is the device's own limit (split transactions outstanding,
 * one posted write, or one DMA at a time).
 */
#include "dev/bus_internal.h"

void bus_queue_append(struct bus_port *port, struct bus_request *req)
{
	const unsigned s = bus_side(req);

	req->next = NULL;
	if (port->queue[s].last)
		port->queue[s].last->next = req;
	else
		port->queue[s].first = req;
	port->queue[s].last = req;
}

void bus_queue_prepend(struct bus_port *port, struct bus_request *req)
{
	const unsigned s = bus_side(req);

	req->next = port->queue[s].first;
	port->queue[s].first = req;
	if (!port->queue[s].last)
		port->queue[s].last = req;
}

void bus_queue_pop(struct bus_port *port, unsigned s)
{
	struct bus_request *req = port->queue[s].first;

	port->queue[s].first = req->next;
	if (!req->next)
		port->queue[s].last = NULL;
	req->next = NULL;
}

void bus_active_add(struct bus_port *port, struct bus_request *req)
{
	req->next_active = port->active;
	port->active = req;
	port->active_count[bus_side(req)]++;
}

void bus_active_remove(struct bus_port *port, struct bus_request *req)
{
	struct bus *bus = port->bus;
	struct bus_request **at = &port->active;

	bus_ats_end(port, &req->ats);
	while (*at != req)
		at = &(*at)->next_active;
	*at = req->next_active;
	port->active_count[bus_side(req)]--;
	if (req->begun && bus->iommu)
		bus->iommu->ops->end(bus->iommu, bus->number);
	req->begun = false;
}

struct bus_request *bus_queue_next(const struct bus_port *port)
{
	struct bus_request *read = port->queue[0].first, *write = port->queue[1].first;

	if (port->limits.one_dma) {
		if (port->active)
			return NULL;
	} else {
		if (port->active_count[0] >= port->limits.outstanding)
			read = NULL;
		if (port->active_count[1])
			write = NULL;
	}
	if (read && write)
		return read->order < write->order ? read : write;
	return read ? read : write;
}

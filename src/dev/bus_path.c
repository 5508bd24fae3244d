/* SPDX-License-Identifier: MIT */
/*
 * The data path of a PCI-X segment: first come first served, by reservation. A transaction that
 * finds it taken is promised the first free instant and sleeps until then, so an undisturbed
 * transaction costs one event. Only split completions are uncertain: somebody may take the bus
 * while their data are being fetched, so their end is computed again whenever that happens.
 */
#include "dev/bus_internal.h"

static inline sim_time later(sim_time a, sim_time b)
{
	return a > b ? a : b;
}

void bus_path_reschedule(struct bus *bus)
{
	sim_time free = bus->data_free;

	for (struct bus_request *req = bus->splits; req; req = req->next) {
		free = later(free, req->ready) + req->data_ps;
		if (!event_pending(&req->event) || req->event.at != free)
			sim_schedule(bus->machine->sim, &req->event, free);
	}
}

void bus_path_split(struct bus *bus, struct bus_request *req)
{
	struct bus_request **at = &bus->splits;

	while (*at && (*at)->ready <= req->ready)
		at = &(*at)->next;
	req->next = *at;
	*at = req;
	bus_path_reschedule(bus);
}

void bus_path_forget(struct bus *bus, struct bus_request *req)
{
	for (struct bus_request **at = &bus->splits; *at; at = &(*at)->next) {
		if (*at == req) {
			*at = req->next;
			req->next = NULL;
			break;
		}
	}
	/* Its data, if they moved, were the last thing on the bus until now. */
	bus->data_free = later(bus->data_free, bus_now(bus));
}

sim_time bus_path_reserve(struct bus *bus, uint64_t ps)
{
	sim_time start = later(bus_now(bus), bus->data_free);

	/* Completions that are ready by then came first. */
	while (bus->splits && bus->splits->ready <= start) {
		struct bus_request *first = bus->splits;

		bus->data_free = later(first->ready, bus->data_free) + first->data_ps;
		bus->splits = first->next;
		first->next = NULL;
		start = later(start, bus->data_free);
	}
	bus->data_free = start + ps;
	if (bus->splits)
		bus_path_reschedule(bus);
	return start;
}

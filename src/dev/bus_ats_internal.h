/* SPDX-License-Identifier: MIT */
/* What the bus's messages of ATS and the accesses that go by them share. */
#ifndef IOTOLL_DEV_BUS_ATS_INTERNAL_H
#define IOTOLL_DEV_BUS_ATS_INTERNAL_H

#include "dev/bus_internal.h"

struct bus_ats_message {
	uint32_t tags;
	uint64_t payload;
	unsigned cc, copies;
	sim_time at;
};

/* One message for each tag is on its way in one direction. */
struct bus_ats_wire {
	struct bus_ats_message message[ATS_TAGS];
	unsigned first, count;
	struct event event;
};

struct bus_ats {
	struct bus_port *port;
	struct atc *atc;
	struct bus_ats_wire down, up; /* to the device, and back */
	struct event limit;
	uint32_t open; /* tags sent and not completed */
	sim_time sent[ATS_TAGS];
	bool silent;
};

/* NULL: no IOMMU, or one without ATS. */
static inline const struct iommu_ats_ops *bus_ats_ops(const struct bus *bus)
{
	return bus->iommu ? bus->iommu->ops->ats : NULL;
}

/* The port of @devid, NULL: none here. */
static inline struct bus_port *bus_ats_port(const struct bus *bus, uint16_t devid)
{
	struct bus_port *port = bus->ports;

	while (port && port->devid != devid)
		port = port->next;
	return port;
}

/* Its cache; NULL: it has none. */
static inline struct bus_ats *bus_ats_of(const struct bus *bus, uint16_t devid)
{
	const struct bus_port *port = bus_ats_port(bus, devid);

	return port ? port->ats : NULL;
}

/* Send off the completions of what has come to an end. */
void bus_ats_collect(struct bus_ats *a);

#endif

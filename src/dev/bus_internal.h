/* SPDX-License-Identifier: MIT */
/* What the files of the bus share: configuration and observers, transfers, the data path. */
#ifndef IOTOLL_DEV_BUS_INTERNAL_H
#define IOTOLL_DEV_BUS_INTERNAL_H

#include "dev/bus.h"
#include "dev/bus_ats.h"

struct bus {
	struct machine *machine;
	struct iommu *iommu;
	struct bus_port *ports;
	struct bus_request *splits; /* reads waiting for the data path, in order of .ready */
	sim_time data_free;         /* the data path is promised up to here */
	struct event wake;          /* after a change of arbitration */
	sim_time stalled_at;
	bool stalled;
	uint16_t number;
	bool has_dummy;
	uint64_t dummy_page; /* number of the page that stands for what is not mapped */
	struct bus_stats stats;
	struct iotoll_iommu_observer chained; /* who observed the IOMMU before this bus */
	struct iotoll_iommu_observer watchers[BUS_WATCHERS_MAX];
	unsigned nwatchers;
	struct ats_fabric fabric;       /* this bus, as the IOMMU sends messages to it */
	const struct ats_fabric *below; /* who took them before; NULL: nobody */
};

/* May a transaction start now? */
static inline bool bus_open(const struct bus *bus)
{
	return !bus->iommu || bus->iommu->ops->may_start(bus->iommu, bus->number);
}

static inline sim_time bus_now(const struct bus *bus)
{
	return sim_now(bus->machine->sim);
}

/* Promise the data path for @ps from the first instant it is free; returns that instant. */
sim_time bus_path_reserve(struct bus *bus, uint64_t ps);
/* @req's data will be there at .ready and take .data_ps: schedule its event for their end. */
void bus_path_split(struct bus *bus, struct bus_request *req);
/* @req's event has come, or its request was abandoned. */
void bus_path_forget(struct bus *bus, struct bus_request *req);
/* Recompute when each waiting completion will be over. */
void bus_path_reschedule(struct bus *bus);

/* Start whatever may start on every port. */
void bus_kick(struct bus *bus);

/* Tell who watches that @devid's own cache no longer holds page @pfn. */
void bus_told_dropped(struct bus *bus, uint16_t devid, uint64_t pfn);

/* ---- bus_bridge.c ---- */

/*
 * Translate @iova for at most @bytes of an access by @devid and count what came of it. 0 with
 * *@host, *@paddr and *@chunk bytes that lie behind each other; else the status for the device.
 */
int bus_translate(struct bus *bus, uint16_t devid, uint64_t iova, uint32_t bytes,
		  enum iotoll_access direction, void **host, uint64_t *paddr, uint32_t *chunk,
		  uint64_t *took_ps);
/* Move @bytes between the device's @buffer and memory at @host. */
void bus_move(struct bus *bus, enum iotoll_access direction, void *buffer, void *host,
	      uint64_t paddr, uint32_t bytes);

/* ---- bus_queue.c ---- */

/* Which of a port's queues @req waits in: reads are 0, writes 1. */
static inline unsigned bus_side(const struct bus_request *req)
{
	return req->direction == IOTOLL_WRITE;
}

/* At the end of its queue, or before the others. */
void bus_queue_append(struct bus_port *port, struct bus_request *req);
void bus_queue_prepend(struct bus_port *port, struct bus_request *req);
/* Take the first one of queue @side, which is not empty, out. */
void bus_queue_pop(struct bus_port *port, unsigned side);
/* The request that may be started next by the device's own rules, NULL if none. Not taken out. */
struct bus_request *bus_queue_next(const struct bus_port *port);
/* @req is under way. */
void bus_active_add(struct bus_port *port, struct bus_request *req);
/* The burst is over or was never begun: free its place. */
void bus_active_remove(struct bus_port *port, struct bus_request *req);

/* ---- bus_ats.c and bus_ats_access.c ---- */

/* Take the IOMMU's messages to devices, if it sends any; and no longer. */
void bus_ats_join(struct bus *bus);
void bus_ats_leave(struct bus *bus);
void bus_ats_fini(struct bus_port *port);
/* One page of an access: as in hw/atc.h. A port without a cache is told to go untranslated. */
enum atc_verdict bus_ats_begin(struct bus_port *port, struct atc_access *x, uint64_t iova,
			       enum iotoll_access direction);
/* The translation request arrives at the IOMMU. */
void bus_ats_ask(struct bus_port *port, const struct atc_access *x, struct ats_completion *out);
enum atc_verdict bus_ats_answered(struct bus_port *port, struct atc_access *x,
				  const struct ats_completion *completion);
/* The bytes of the page have moved, or never will. Nothing if no cache had a part in it. */
void bus_ats_end(struct bus_port *port, struct atc_access *x);
/* The translated request arrives: as bus_translate(), without its time. */
int bus_ats_translated(struct bus_port *port, const struct atc_access *x, uint32_t bytes,
		       void **host, uint64_t *paddr, uint32_t *chunk);
/* A whole access up to a page's end at this instant: as bus_translate(), cache included. */
int bus_ats_now(struct bus *bus, uint16_t devid, uint64_t iova, uint32_t bytes,
		enum iotoll_access direction, void **host, uint64_t *paddr, uint32_t *chunk);

#endif

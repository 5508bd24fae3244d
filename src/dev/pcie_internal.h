/* SPDX-License-Identifier: MIT */
/* What the files of the link share: pcie.c (sending), pcie_root.c (the root port). */
#ifndef IOTOLL_DEV_PCIE_INTERNAL_H
#define IOTOLL_DEV_PCIE_INTERNAL_H

#include "dev/bus_internal.h"
#include "dev/pcie.h"

#define PCIE_WALKERS_MAX 16u
#define PCIE_RECENT      256u /* pages whose walks are remembered, a power of two */

/* One write packet, from when it is sent until its credits are back. */
struct pcie_posted {
	struct pcie_request *req;
	uint64_t paddr;
	void *host; /* NULL: refused, or a message */
	uint32_t at, bytes;
	sim_time arrives, lands, returns;
	int status;
};

/* One read packet, from when it is sent until its data are there. */
struct pcie_read {
	struct pcie *pcie;
	struct pcie_request *req;
	struct pcie_read *next; /* free tags */
	uint64_t paddr;
	void *host;
	uint32_t at, bytes;
	uint8_t stage;
	int status;
	struct event event;
};

struct pcie_queue {
	struct pcie_request *first, *last;
};

/* One direction of the link. */
struct pcie_lane {
	sim_time free;
	uint64_t rest_fs; /* what whole picoseconds leave over */
};

struct pcie {
	struct pcie_config config;
	struct bus *bus;
	struct sim *sim;
	const struct cost *cost;
	uint64_t byte_fs;
	uint32_t mps, mrrs, packet_bytes;
	unsigned headers;
	uint32_t data;
	struct pcie_queue reads, writes;
	uint64_t order;
	struct pcie_lane up, down;
	struct event pump;
	/* Write packets in flight, a ring: sent at tail, and so on down to head. */
	struct pcie_posted posted[PCIE_HEADERS_MAX];
	uint64_t tail, arrived, landed, head;
	uint32_t data_used;
	struct event arrive, land;
	bool stalled;
	sim_time stalled_at;
	/* reads */
	struct pcie_read tag[PCIE_TAGS_MAX];
	struct pcie_read *free_tags;
	/* the root port */
	sim_time lookup_free, last_lands;
	unsigned walkers;
	sim_time walker[PCIE_WALKERS_MAX];
	struct {
		uint64_t page;
		sim_time known;
	} recent[PCIE_RECENT];
	struct pcie_stats stats;
};

static inline sim_time pcie_now(const struct pcie *p)
{
	return sim_now(p->sim);
}

static inline sim_time pcie_later(sim_time a, sim_time b)
{
	return a > b ? a : b;
}

/* Take @lane for @bytes from @from on at the earliest; returns when the last bit is through. */
sim_time pcie_lane_take(struct pcie *p, struct pcie_lane *lane, sim_time from, uint64_t bytes,
			uint64_t *taken_ps);
/* Send what may be sent. */
void pcie_pump(struct pcie *p);

/* pcie_root.c */
void pcie_root_init(struct pcie *p);
/* The packet at the ring's tail - 1 was sent; the read @r was sent and arrives at @arrives. */
void pcie_root_posted(struct pcie *p);
void pcie_root_read(struct pcie_read *r, sim_time arrives);
void pcie_root_abort(struct pcie *p);

#endif

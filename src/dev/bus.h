/* SPDX-License-Identifier: MIT */
/*
 * One PCI-X segment below a host bridge, and the bridge's way into memory through an IOMMU.
 * Devices hand in DMA requests; the bus cuts them into bursts, shares its data path between
 * devices, translates at the start of each burst and again at every page it enters, and moves
 * the bytes when their data phase is over. All times come from the machine's profile.
 *
 * A request belongs to its device and must stay where it is until done() is called; the bus
 * links it and never allocates. Not thread safe: one simulation, one host thread.
 */
#ifndef IOTOLL_DEV_BUS_H
#define IOTOLL_DEV_BUS_H

#include "hw/atc.h"
#include "sim/machine.h"

#define BUS_PAGE_BYTES   4096u
#define BUS_WATCHERS_MAX 4u

struct bus;
struct bus_port;

/*
 * One DMA of a device. The device fills the first group, bus_submit() takes it from there.
 * done() is called from an event, never from bus_submit(), with @status 0; -EPERM or -EFAULT
 * (refused, or no memory at that address: the device sees an abort); -ESHUTDOWN (the bus is
 * off for good). Bytes before the refused page have moved. In done() the request may be reused,
 * but its port must not go away.
 */
struct bus_request {
	uint64_t iova;
	void *buffer;   /* the device's side: source of a write, destination of a read */
	uint32_t bytes; /* 0 completes without a transaction */
	enum iotoll_access
		direction; /* IOTOLL_READ: the device reads memory; IOTOLL_WRITE: writes */
	void (*done)(void *ctx, struct bus_request *req, int status);
	void *ctx;

	/* The bus's own. Zero before the first use. */
	struct event event;
	struct bus_request *next;        /* in the port's queue or the list of split completions */
	struct bus_request *next_active; /* in the port's list of started bursts */
	struct bus_port *port;
	void *host; /* memory behind the bytes that move next */
	uint64_t paddr;
	uint64_t order;     /* of submission, for first come first served within a port */
	sim_time ready;     /* a split completion's data are there */
	uint64_t data_ps;   /* how long they take on the bus */
	uint32_t moved;     /* bytes done */
	uint32_t burst_end; /* where the present burst stops, in bytes from the start */
	uint32_t chunk;     /* bytes of the burst within the page being accessed */
	uint8_t stage;
	bool first;            /* the page being entered is the burst's first */
	struct atc_access ats; /* of devices with a translation cache: the page's use of it, */
	struct ats_completion answer; /* and what the IOMMU answered */
	sim_time asked;
	bool busy;  /* handed in and not yet done */
	bool begun; /* the bridge counts the present burst as outstanding */
	int status;
};

struct bus_limits {
	uint32_t max_read;    /* longest read burst in bytes, 1..4096; 0 = 2048 */
	uint32_t max_write;   /* longest write burst in bytes, 1..4096; 0 = 4096 */
	unsigned outstanding; /* split reads at a time, 1..32; 0 = 1 */
	bool one_dma;         /* at most one transaction of either direction at a time */
};

/* A device's place on the bus. Embedded in the device. */
struct bus_port {
	struct bus *bus;
	struct bus_port *next;
	uint16_t devid;
	struct bus_limits limits;
	struct {
		struct bus_request *first, *last;
	} queue[2]; /* reads, writes */
	struct bus_request *active;
	unsigned active_count[2];
	uint64_t order;
	struct bus_ats *ats; /* the device's translation cache (dev/bus_ats.h); NULL: it has none */
};

struct bus_stats {
	uint64_t transactions; /* bursts begun */
	uint64_t read_bytes, write_bytes;
	uint64_t translations; /* asked of the IOMMU: one a burst and page */
	uint64_t table_reads;  /* entries the IOMMU fetched for them */
	uint64_t translation_ps;
	uint64_t refused;                   /* accesses the IOMMU refused */
	uint64_t unmapped;                  /* translated, but no memory there */
	uint64_t shut;                      /* accesses that found the bus shut off */
	uint64_t stale_reads, stale_writes; /* pages reached through a stale IOTLB entry */
	uint64_t redirected;                /* accesses that ended on the dummy page */
	uint64_t stalls;   /* times that arbitration was off with a transaction waiting */
	uint64_t stall_ps; /* for how long in all, those over by now */
	uint64_t data_ps;  /* the data path was taken (overheads included) */
};

/*
 * A bus numbered @number below the bridge whose translations @iommu makes (NULL: none, device
 * addresses are physical). @machine and @iommu must outlive it. The bus becomes the IOMMU's
 * observer and passes everything on to whoever observed before; use bus_observe() from then on.
 * NULL when memory is short.
 */
struct bus *bus_create(struct machine *machine, struct iommu *iommu, uint16_t number);
/* Ports must be gone. NULL is allowed. */
void bus_destroy(struct bus *bus);
struct machine *bus_machine(const struct bus *bus);
struct iommu *bus_iommu(const struct bus *bus);
uint16_t bus_number(const struct bus *bus);
/* Valid until bus_destroy(); a reader that wants an interval subtracts two copies. */
const struct bus_stats *bus_stats(const struct bus *bus);

/*
 * Also tell @observer (copied) everything the IOMMU reports, for any of its buses. 0, -ENOSPC
 * beyond BUS_WATCHERS_MAX, -ENODEV without an IOMMU. bus_unobserve() takes back the one with
 * this ctx.
 */
int bus_observe(struct bus *bus, const struct iotoll_iommu_observer *observer) MUST_CHECK;
void bus_unobserve(struct bus *bus, const void *ctx);

/*
 * From now on count accesses that the IOMMU sends to the page at @paddr, which stands for all that
 * is not mapped.
 */
void bus_count_redirected(struct bus *bus, uint64_t paddr);

/* Put a device with requester id @devid on the bus. -EINVAL for limits out of range. */
int bus_port_init(struct bus_port *port, struct bus *bus, uint16_t devid,
		  const struct bus_limits *limits) MUST_CHECK;
/* Forget every request of the port, started or not, without calling done(): a device reset. */
void bus_port_abort(struct bus_port *port);
/* The same, and leave the bus. Allowed on a zeroed port. */
void bus_port_fini(struct bus_port *port);

/* Hand in @req, which must not be busy. */
void bus_submit(struct bus_port *port, struct bus_request *req);

/*
 * Access memory as device @devid at this very instant, taking no time: translate page by page and
 * copy. For experiments that ask whether an access would get through. 0; -EPERM, -EFAULT,
 * -ESHUTDOWN as above with *@moved (may be NULL) bytes copied before; -EAGAIN while arbitration
 * is off. Counted like any other access.
 */
int bus_dma_now(struct bus *bus, uint16_t devid, uint64_t iova, void *buffer, uint32_t bytes,
		enum iotoll_access direction, uint32_t *moved) MUST_CHECK;

#endif

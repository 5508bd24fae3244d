/* SPDX-License-Identifier: MIT */
/*
 * One simulated host's software put together: kernel memory, TCP/IP stack and what connects it on a
 * machine that somebody else wired. What that is depends on what the host is for:
 *
 *	nic_regs set		a tg3 under the stack: bare metal, dom0, a domain with a NIC
 *	nic_regs, bridge	tg3 and stack are ports of a bridge: a driver domain. Interfaces to
 *				other domains join the bridge afterwards
 *	domain, backend set	netfront under the stack: a guest of a driver domain
 *	none of these		no network, and no stack
 *
 * A paravirtual kernel (domain set) with a bridge is a backend too: host_add_guest() connects
 * others. One with disk_backend set serves disks: host_add_disk() gives another domain one, which
 * that host finds as its disk.
 */
#ifndef IOTOLL_GUEST_HOST_H
#define IOTOLL_GUEST_HOST_H

#include "guest/blkback.h"
#include "guest/blkfront.h"
#include "guest/bridge.h"
#include "guest/netback.h"
#include "guest/netfront.h"
#include "guest/socket.h"
#include "guest/tg3_driver.h"

/* With a bridge: the ports its first two members have. */
#define HOST_STACK_PORT 0
#define HOST_NIC_PORT   1

struct host_config {
	struct machine *machine;
	struct mmio_window *nic_regs; /* NULL: the host has no NIC, and the next two mean nothing */
	struct irq *nic_irq;          /* filled in here; the NIC raises it */
	struct iotoll_dma_device *dma;
	/* In a driver domain: told when pages of others, or for others, leave it. May be NULL. */
	struct iotoll_dma_domain *dma_domain;
	bool bridge; /* a bridge between NIC and stack */
	/*
	 * NULL: bare metal. Otherwise the domain whose memory @machine's is, whose pages that are
	 * not free memory have been taken out of that memory's page allocator.
	 */
	struct xen_domain *domain;
	const struct netif_backend_keys *backend; /* NULL: no netfront */
	bool want_copy;    /* netfront asks for copying rather than page flips */
	bool page_buffers; /* the NIC receives into whole pages (a backend that flips) */
	bool disk_backend; /* in a domain: serve disks to others */
	/* In a domain: what it maps by grant brings entries for devices (pv_kernel). */
	bool device_grants;
	/* In a domain: what it is to know of its disk; NULL: none. */
	const struct blkif_backend_keys *disk;
	uint8_t mac[6];
	uint32_t ip, netmask; /* host byte order */
	unsigned irq_cpu;     /* NIC interrupts, and the stack's timers, run there */
	bool read_back_doorbells;
	bool poison_memory; /* check freed kernel memory for stray writes (slow) */
	uint64_t seed;
	/* As struct tg3_driver_config has it; 0: as Linux's driver does. */
	unsigned rx_chunk_pages;
	uint64_t rx_hold_ps;
	uint32_t tx_copy_bytes;
	bool batch_dma; /* the NIC's driver maps and unmaps in lists */
	struct tg3_coalesce coalesce;
};

struct host {
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct netstack *stack;    /* NULL without a network */
	struct tg3_driver *driver; /* NULL without a NIC */
	struct bridge *bridge;     /* NULL without one */
	struct pv_kernel *pv;      /* NULL on bare metal */
	struct netfront *front;    /* NULL without one */
	struct netback *netback;   /* NULL without a bridge in a domain */
	struct host_guest *guests; /* interfaces of other domains on the bridge */
	struct blkfront *disk;     /* NULL without one */
	struct blkback *blkback;   /* NULL unless it serves disks */
	struct host_disk *disks;   /* of other domains */
	struct cpu *irq_cpu;
	struct iotoll_dma_device *dma;
	uint32_t ip;
};

/*
 * Boot: everything in @config must outlive the host. 0, or the error of the part that failed;
 * -EINVAL for an irq_cpu the machine does not have. @err says which and why.
 */
int host_create(struct host **out, const struct host_config *config, struct err *err) MUST_CHECK;
/*
 * Take the host down. None of the machine's CPUs may run afterwards: destroy the host, its DMA
 * device and its NIC, then the machine, with no sim_run() in between. NULL is allowed.
 */
void host_destroy(struct host *h);
/*
 * The same for a host whose domain dies where it stands: nobody is told anything, least of all the
 * hypervisor, which the caller has kill the domain before time goes on. Not while h->pv->calls is
 * not 0.
 */
void host_crash(struct host *h);

/* Another domain's interface on this host's bridge. */
struct host_guest {
	struct host_guest *next;
	struct netback_vif *vif;
	unsigned port;
};

/* Connect a frontend to the bridge. 0 and *@out; netback_vif_open()'s errors; -ENOSPC: no port. */
int host_add_guest(struct host *h, const struct netif_frontend_keys *keys, struct host_guest **out,
		   struct err *err) MUST_CHECK;
/* Disconnect it, alive or dead: from a task (@cpu its own), or at rest (NULL). */
void host_remove_guest(struct host *h, struct cpu *cpu, struct host_guest *g);

/* Another domain's disk. */
struct host_disk {
	struct host_disk *next;
	struct blkback_vbd *vbd;
};

/*
 * Serve @extent to a frontend, by a task on the CPU that takes interrupts. 0 and *@out;
 * blkback_vbd_open()'s errors.
 */
int host_add_disk(struct host *h, const struct blkif_frontend_keys *keys,
		  const struct blkback_extent *extent, struct host_disk **out,
		  struct err *err) MUST_CHECK;
/* Disconnect it, its domain being alive or dead: blkback_vbd_close(). */
void host_remove_disk(struct host *h, struct cpu *cpu, struct host_disk *d);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The backend of paravirtual network interfaces in a driver domain (Linux 2.6.18:
 * drivers/xen/netback, with the checks that later versions added). What a guest sends is mapped
 * where it lies, and goes on as frames whose first 64 bytes alone were copied; it is unmapped, and
 * answered, when the last reader is through. What is for a guest is copied into its buffers by the
 * hypervisor, or given to it page for page.
 *
 * A frontend is not trusted. Packets that cannot be sent are answered with an error; a ring that
 * breaks the protocol stops for good, and nobody else notices.
 */
#ifndef IOTOLL_GUEST_NETBACK_H
#define IOTOLL_GUEST_NETBACK_H

#include "guest/netif.h"
#include "guest/xen_kernel.h"

#define NETBACK_PENDING                                                                         \
	256u               /* slots on their way, of all interfaces together (MAX_PENDING_REQS) \
			    */
#define NETBACK_QUEUE  32u /* packets waiting for a guest's buffers: txqueuelen of a vif */
#define NETBACK_HEADER 64u /* bytes copied of each packet sent (PKT_PROT_LEN) */
#define NETBACK_DRAIN  (500 * SIM_MS) /* after which packets for a silent guest are dropped */

struct netback;     /* the driver: one in a kernel */
struct netback_vif; /* one guest's interface */

struct netback_stats {                           /* of the driver */
	uint64_t tx_batches, tx_maps, tx_unmaps; /* hypercalls; grants mapped; unmapped */
	uint64_t rx_batches, rx_copies, rx_transfers;
	uint64_t transfer_errors; /* frames that could not be given: the packet is lost */
	uint64_t unmap_errors;
	uint64_t no_memory;
	uint64_t pending; /* slots on their way now */
};

struct netback_vif_stats {
	uint64_t interrupts, notified;
	uint64_t tx_frames, tx_bytes, tx_slots; /* from the guest */
	uint64_t tx_errors;                     /* packets answered with an error */
	uint64_t rx_frames, rx_bytes, rx_slots; /* to the guest */
	uint64_t rx_queued, rx_dropped; /* waited for buffers; no buffers, no place to wait */
	uint64_t rx_errors;             /* the guest's buffer could not be written */
	uint64_t rx_made_flippable;     /* copied into a page of its own first */
	uint64_t disabled;              /* 1: its frontend broke the protocol */
};

/* What is done, on which CPU, is where events and interrupts come. 0; -ENOMEM; -ENOSPC: no pages.
 */
int netback_create(struct netback **out, struct pv_kernel *k, struct err *err) MUST_CHECK;
/* Every interface closed, every frame given back. No CPU may run its code. NULL is allowed. */
void netback_destroy(struct netback *nb);
void netback_stats(const struct netback *nb, struct netback_stats *out);
/* What an interface of this backend offers a frontend. */
void netback_keys(const struct netback *nb, struct netif_backend_keys *out);

/*
 * Connect to a frontend: map its rings, bind its port. 0; -EINVAL for refs that cannot be mapped or
 * a port that cannot be bound; -EOPNOTSUPP for a way to receive that is not offered; -ENOMEM,
 * -ENOSPC.
 */
int netback_vif_open(struct netback_vif **out, struct netback *nb,
		     const struct netif_frontend_keys *keys, struct err *err) MUST_CHECK;
/* To send to the guest. Frames are refused until netback_vif_start(). */
struct netdev netback_vif_netdev(struct netback_vif *v);
/* Begin: what the guest sends goes to @upper. */
void netback_vif_start(struct netback_vif *v, struct cpu *cpu, struct net_upper upper);
/*
 * Disconnect, the guest being alive or dead: nothing is sent or received any more, rings and port
 * are let go of. What is on its way is unmapped as it comes back. With @cpu NULL no CPU of the
 * kernel may be inside network code: where time passes, it is a task's work.
 */
void netback_vif_close(struct netback_vif *v, struct cpu *cpu);
void netback_vif_stats(const struct netback_vif *v, struct netback_vif_stats *out);

#endif

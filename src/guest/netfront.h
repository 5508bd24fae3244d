/* SPDX-License-Identifier: MIT */
/*
 * The network interface of a guest (Linux 2.6.18: drivers/xen/netfront): frames to send are granted
 * page by page, read-only, to the backend's domain; buffers to receive into are granted for
 * copying, or given away against the pages in which packets come. What the backend says is checked;
 * one that breaks the protocol loses its interface, not more.
 */
#ifndef IOTOLL_GUEST_NETFRONT_H
#define IOTOLL_GUEST_NETFRONT_H

#include "guest/netif.h"
#include "guest/xen_kernel.h"

#define NETFRONT_QUEUE 1000u /* frames waiting for a slot: txqueuelen of an Ethernet device */

struct netfront;

struct netfront_config {
	struct pv_kernel *kernel;
	struct net_upper upper;
	struct netif_backend_keys backend;
	bool want_copy; /* ask for copying if it is offered; otherwise flip unless only copying is
			 */
};

struct netfront_stats {
	uint64_t interrupts, polls;
	uint64_t tx_frames, tx_bytes, tx_slots;
	uint64_t tx_queued,
		tx_dropped; /* waited for a slot; the queue was full or it had too many pieces */
	uint64_t tx_errors; /* answered with an error */
	uint64_t rx_frames, rx_bytes, rx_slots;
	uint64_t rx_copied;    /* of rx_frames: short, copied out of its page */
	uint64_t rx_flipped;   /* pages that came by transfer */
	uint64_t rx_errors;    /* packets the backend marked bad, or with impossible lengths */
	uint64_t rx_no_memory; /* packets lost, or refills put off, for want of memory */
	uint64_t rx_refills, rx_target; /* batches of buffers posted; the present fill target */
	uint64_t broken; /* 1: the backend broke the protocol, the interface is off */
	uint64_t tx_lock_acquisitions, tx_lock_contended, tx_lock_wait_ps;
};

/*
 * Make rings, grants and a port, and fill the receive ring. Everything in @config outlives the
 * interface. 0; -ENOMEM; -ENOSPC (grants, ports); -EINVAL if the backend offers no way to receive.
 */
int netfront_open(struct netfront **out, const struct netfront_config *config,
		  struct err *err) MUST_CHECK;
/* What to tell the backend. */
void netfront_keys(const struct netfront *f, struct netif_frontend_keys *out);
/* The backend has connected: begin to send and receive. */
void netfront_connect(struct netfront *f, struct cpu *cpu);
/*
 * Take it down: frames go back to their owners, pages and grants to the kernel. The backend must
 * have let go of its grants, or be dead; what it still holds is counted in the return value and
 * leaked rather than reused. No CPU may run its code afterwards. NULL is allowed.
 */
unsigned netfront_close(struct netfront *f);
struct netdev netfront_netdev(struct netfront *f);
void netfront_stats(const struct netfront *f, struct netfront_stats *out);

#endif

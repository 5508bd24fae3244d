/* SPDX-License-Identifier: MIT */
/*
 * The TCP/IP stack of one simulated host: a private copy of lwIP (lwip_shim.h) between a network
 * driver below and sockets above (socket.h), run on simulated CPUs and charged for.
 *
 * Locking follows Linux's lock_sock: a task in a system call owns its socket; a frame that
 * arrives for an owned socket waits on the socket's backlog until the owner lets go and works it
 * off itself. lwIP keeps its state in globals, so one more lock per stack admits one CPU at a
 * time into lwIP; Linux has no such lock, and with a single busy socket it is never contended.
 * Checksums are real (damaged data is noticed) but free of charge: the NICs modelled compute
 * them in hardware.
 */
#ifndef IOTOLL_GUEST_STACK_H
#define IOTOLL_GUEST_STACK_H

#include "guest/kmalloc.h"
#include "guest/netdev.h"
#include "sim/lock.h"

struct netstack;

struct netstack_config {
	struct machine *machine;
	struct kmalloc *kmalloc;
	uint8_t mac[6];
	uint32_t ip, netmask; /* host byte order */
	uint64_t seed;        /* of port and sequence numbers */
	struct cpu *timer_cpu;
};

struct netstack_stats {
	uint64_t rx_data, rx_acks, rx_other; /* frames taken from the driver, by kind */
	uint64_t tx_data, tx_acks, tx_other; /* frames given to the driver, by kind */
	uint64_t rx_backlogged;              /* of the received: waited for a socket's owner */
	uint64_t rx_dropped, tx_dropped;     /* no memory, backlog full; refused by the driver */
	uint64_t retransmits;                /* data segments sent again */
	uint64_t frames_live;                /* buffers lwIP holds for frames to send */
	uint64_t rx_live;                    /* received frames not yet freed */
	uint64_t lock_acquisitions, lock_contended, lock_wait_ps; /* of the lock around lwIP */
	/* Of the locks of all sockets, present and past. */
	uint64_t socket_lock_acquisitions, socket_lock_contended, socket_lock_wait_ps;
};

/*
 * A stack with one interface, up and addressed. Not yet connected to a driver: frames are
 * dropped until netstack_attach(). 0; -ENOENT or -ELIBACC (see lwip_module_open()); -ENOMEM;
 * -EPROTO if lwIP refuses; @err says why.
 */
int netstack_create(struct netstack **out, const struct netstack_config *config,
		    struct err *err) MUST_CHECK;
/*
 * Aborts every connection without a word on the wire. Every frame given to a driver must have
 * come back, and no CPU of the machine may run stack code afterwards. If one was stopped in the
 * middle of it, what its half-done work held of the kmalloc is not freed. NULL is allowed.
 */
void netstack_destroy(struct netstack *ns);
/* Where frames to send go. dev.ops NULL: nowhere. */
void netstack_attach(struct netstack *ns, struct netdev dev);
/*
 * Where an interface's frames go into the stack. One that lies in a kmalloc object is kept as it
 * is; any other (pages of somebody else's, or shared with other readers) is copied first and given
 * back at once, as Linux's skb_orphan_frags_rx() does, so that no reader here can hold on to it.
 */
struct net_upper netstack_upper(struct netstack *ns);

void netstack_stats(const struct netstack *ns, struct netstack_stats *out);
/*
 * NULL while all is well, and for no stack (NULL). Otherwise what lwIP's failed assertion said: the
 * machine has hung itself up as after a kernel panic and sim_run() came back with -EINTR.
 */
const char *netstack_panic(const struct netstack *ns);
struct machine *netstack_machine(const struct netstack *ns);

#endif

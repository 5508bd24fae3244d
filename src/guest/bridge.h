/* SPDX-License-Identifier: MIT */
/*
 * A learning Ethernet bridge (Linux: net/bridge) of one kernel: it takes what its ports receive
 * before the stack does and sends it out where its destination was last heard, or everywhere.
 * Frames are passed on, not copied; one that leaves through several ports is shared and given back
 * with the last. Hosts that follow Xen's network-bridge script hang their physical NIC, every
 * netback interface and their own stack on one bridge.
 */
#ifndef IOTOLL_GUEST_BRIDGE_H
#define IOTOLL_GUEST_BRIDGE_H

#include "guest/netdev.h"
#include "sim/machine.h"

#define BRIDGE_PORTS     32u  /* physical NIC, stack and interfaces */
#define BRIDGE_ADDRESSES 256u /* learned at a time; more are flooded, not learned */
#define BRIDGE_AGEING    (300ull * 1000 * 1000 * 1000 * 1000) /* 300 s (br_if.c), in picoseconds */

struct bridge;

struct bridge_stats {
	uint64_t forwarded; /* frames that left through one port */
	uint64_t flooded;   /* frames that left through every other port */
	uint64_t returned;  /* destination on the port they came from: not forwarded */
	uint64_t refused;   /* the port they should leave through did not take them, or is gone */
	uint64_t runts;     /* shorter than an Ethernet header */
	uint64_t no_memory; /* floods that could not be shared out */
	uint64_t moved;     /* addresses that turned up at another port */
};

/* NULL when memory is short. @machine must outlive it. */
struct bridge *bridge_create(struct machine *machine);
/* Frames it passed on must have come back; no CPU may run its code afterwards. NULL is allowed. */
void bridge_destroy(struct bridge *b);
/*
 * A new port that sends through @dev. Returns its number, 0 to BRIDGE_PORTS - 1, or -ENOSPC. What
 * the interface receives goes to bridge_port_upper() of that number.
 */
int bridge_add_port(struct bridge *b, struct netdev dev) MUST_CHECK;
struct net_upper bridge_port_upper(struct bridge *b, unsigned port);
/* Forget @port and every address learned there. Frames still out through it come back as ever. */
void bridge_remove_port(struct bridge *b, unsigned port);
/*
 * The kernel's own interface on the bridge (Linux: the device br0): to send through, and where the
 * frames for it go. @mac is its address; it takes a port. 0 or -ENOSPC.
 */
int bridge_attach_local(struct bridge *b, const uint8_t mac[6], struct net_upper upper) MUST_CHECK;
struct netdev bridge_local_netdev(struct bridge *b);
void bridge_stats(const struct bridge *b, struct bridge_stats *out);

#endif

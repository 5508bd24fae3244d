/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces as the kernel around them sees one: a driver takes frames to send from above
 * (struct netdev) and hands received ones up (struct net_upper). Above may be the TCP/IP stack or a
 * bridge; below a NIC's driver, netfront, netback, or the bridge as the stack's own interface.
 *
 * A frame belongs to one party at a time. Its bytes lie in pieces of the machine's memory and stay
 * where they are from interface to interface; whoever has it last calls net_frame_done(), and only
 * then may its owner reuse them.
 */
#ifndef IOTOLL_GUEST_NETDEV_H
#define IOTOLL_GUEST_NETDEV_H

#include <stdbool.h>

#include "iotoll/dma.h"
#include "mem/memory.h"

#define NET_MTU 1500u
/* Ethernet header + MTU: the longest frame handed to or taken from a driver (no FCS). */
#define NET_FRAME_MAX 1514u
#define NET_ETH_BYTES 14u
/* A linear part and MAX_SKB_FRAGS pages of 4096 bytes: what a frame is made of at most. */
#define NET_PIECES 19u

struct cpu;

/* One stretch of the machine's memory, inside a page. */
struct net_piece {
	phys_t paddr;
	uint32_t bytes;
};

/* Whom to tell that a frame's bytes are no longer needed. */
struct net_release {
	/* @cpu NULL when an interface is taken down. May be called with an interface's lock held.
	 */
	void (*fn)(void *ctx, struct cpu *cpu, void *owner);
	void *ctx, *owner;
};

/* An Ethernet frame without FCS. The first piece holds at least its Ethernet header. */
struct net_frame {
	struct net_piece piece[NET_PIECES];
	unsigned pieces; /* 1 to NET_PIECES */
	uint32_t bytes;  /* of all pieces: NET_ETH_BYTES to NET_FRAME_MAX */
	/*
	 * NULL, or the kmalloc object of this kernel in which the one piece lies, with nobody
	 * else's bytes in it. Whoever owns the frame may then keep the object and free it himself
	 * instead of calling net_frame_done().
	 */
	void *object;
	/*
	 * The one piece may stay where it is until net_frame_done(), however long that takes:
	 * nobody waits for it.
	 */
	bool lasting;
	/*
	 * NULL, or the device in whose buffer (iotoll_dma_buffer_alloc()) the one piece lies, which
	 * is then to be looked at as iotoll_dma_buffer_changes() says.
	 */
	struct iotoll_dma_device *dma;
	struct net_release release;
};

static inline void net_frame_done(const struct net_frame *frame, struct cpu *cpu)
{
	frame->release.fn(frame->release.ctx, cpu, frame->release.owner);
}

struct netdev_ops {
	/*
	 * Send @frame. Called with softirqs off. 0: the interface owns it until net_frame_done();
	 * -ENOBUFS: not taken, the frame stays the caller's. @frame itself is copied.
	 */
	int (*xmit)(void *ctx, struct cpu *cpu, const struct net_frame *frame);
};

/* An interface that frames can be sent to; @ops NULL: none. */
struct netdev {
	const struct netdev_ops *ops;
	void *ctx;
	/* The device that will read what is sent, for who looks for a buffer; NULL: not known. */
	struct iotoll_dma_device *dma;
};

/* Where an interface's received frames go: @receive owns the frame from the call on. Softirq
 * context. */
struct net_upper {
	void (*receive)(void *ctx, struct cpu *cpu, const struct net_frame *frame);
	void *ctx;
};

#endif

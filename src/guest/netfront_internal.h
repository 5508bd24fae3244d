/* SPDX-License-Identifier: MIT */
/* What the files of netfront share. */
#ifndef IOTOLL_GUEST_NETFRONT_INTERNAL_H
#define IOTOLL_GUEST_NETFRONT_INTERNAL_H

#include "guest/net_queue.h"
#include "guest/netfront.h"
#include "guest/xen_batch.h"
#include "guest/xen_evtchn.h"
#include "guest/xen_share.h"

#define TX_SLOTS        256u
#define RX_SLOTS        256u
#define TX_STOP_AT      (TX_SLOTS - NETIF_FRAGS - 2) /* netfront_tx_slot_available() */
#define RX_TARGET_FIRST 64u
/*
 * RX_DFL_MIN_TARGET, which is where it starts as well. An administrator may go down to 8, but a
 * backend that takes packets of several slots waits for room for 20 before it takes any.
 */
#define RX_TARGET_MIN     64u
#define RX_TARGET_MAX     256u
#define RX_COPY_THRESHOLD 256u
#define RX_RETRY          (100 * SIM_MS) /* HZ/10 */
#define POLL_WEIGHT       64u

struct front_tx {
	struct vlock lock;
	struct pv_shared page;
	netif_tx_front_ring_t ring;
	grant_ref_t ref[TX_SLOTS]; /* of each id, for good */
	int frame_of[TX_SLOTS];    /* whose slot an id is, -1: not on the ring */
	uint16_t free[TX_SLOTS];   /* stack of ids */
	unsigned nfree;
	struct front_frame {
		struct net_release release;
		unsigned slots; /* not answered yet */
	} frame[TX_SLOTS];
	uint16_t free_frame[TX_SLOTS]; /* stack */
	unsigned nfree_frame;
	bool stopped;
	struct net_queue queue;
};

/* One received packet, as far as its responses told. */
struct front_packet {
	struct net_frame frame;
	phys_t page[NET_PIECES];
	unsigned pages;
	bool bad;
};

/* A receive buffer: a page, by its pseudo-physical address. */
struct rx_buffer {
	phys_t paddr; /* 0: none */
	bool empty;   /* flip: nothing is behind it now */
};

struct front_rx {
	struct vlock lock;
	struct pv_shared page;
	netif_rx_front_ring_t ring;
	grant_ref_t ref[RX_SLOTS];
	struct rx_buffer buffer[RX_SLOTS]; /* posted, by slot */
	struct rx_buffer batch[RX_SLOTS];  /* to be posted */
	unsigned batched;
	unsigned target;
	RING_IDX pushed; /* requests the backend knows of */
	struct event retry;
	struct irq retry_irq;
	struct pv_batch flip;
	struct front_packet packet[POLL_WEIGHT]; /* of the present poll */
};

struct netfront {
	struct pv_kernel *k;
	struct net_upper upper;
	domid_t backend;
	bool copying, connected, broken;
	int port;
	struct softirq poll;
	void *lines; /* cache lines of the two locks */
	struct front_tx tx;
	struct front_rx rx;
	struct netfront_stats stats;
};

/* netfront.c */
/* The backend lied: nothing of it is believed any more. */
void netfront_break(struct netfront *f);

/* netfront_tx.c */
int netfront_tx_open(struct netfront *f) MUST_CHECK;
void netfront_tx_reap(struct netfront *f, struct cpu *cpu);
unsigned netfront_tx_close(struct netfront *f);

/* netfront_rx.c: one round of at most POLL_WEIGHT slots; true if more are waiting. */
bool netfront_rx_poll(struct netfront *f, struct cpu *cpu);

/* netfront_fill.c; the receive lock is held */
int netfront_fill_open(struct netfront *f) MUST_CHECK;
/* Post buffers if a batch is worth while. */
void netfront_fill(struct netfront *f, struct cpu *cpu);
unsigned netfront_fill_close(struct netfront *f);

#endif

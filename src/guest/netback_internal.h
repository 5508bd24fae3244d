/* SPDX-License-Identifier: MIT */
/* What the files of netback share. */
#ifndef IOTOLL_GUEST_NETBACK_INTERNAL_H
#define IOTOLL_GUEST_NETBACK_INTERNAL_H

#include "guest/net_queue.h"
#include "guest/netback.h"
#include "guest/xen_batch.h"
#include "guest/xen_evtchn.h"
#include "guest/xen_share.h"
#include "sim/lock.h"

#define MAP_OPS          ((unsigned)(PAGE_BYTES / sizeof(struct gnttab_map_grant_ref))) /* 128 */
#define UNMAP_OPS        128u
#define COPY_OPS         ((unsigned)(PAGE_BYTES / sizeof(struct gnttab_copy))) /* 102 */
#define PENDING_UNMAPPED UINT32_MAX /* handle of a slot without a mapping */
#define SPARES           64u        /* frames kept to replace those given away (MAX_MFN_ALLOC) */

/* One slot of a guest's packet between request and response. */
struct pending {
	struct netback_vif *vif;
	netif_tx_request_t req; /* our copy */
	phys_t paddr;           /* where it is mapped: an empty page of ours, always the same */
	grant_handle_t handle;
	uint64_t bus;    /* where devices reach it, if that came with the mapping; else 0 */
	int16_t status;  /* to be answered */
	uint16_t extras; /* extra slots behind it, answered with it */
};

/* A packet on its way through this kernel. */
struct tx_packet {
	struct netback *nb;
	struct tx_packet *next, **at; /* of all there are */
	void *header;                 /* its copied bytes */
	uint32_t copied;              /* their number */
	unsigned slots;
	uint16_t index[NETIF_FRAGS + 1]; /* pending slots whose pages its pieces lie in */
};

/* A ring slot that a batch fills. */
struct rx_slot {
	netif_rx_request_t req; /* our copy */
	uint16_t offset;        /* flip: where in its page the packet begins */
};

/* A packet of the batch. */
struct out {
	struct netback_vif *vif;
	struct net_frame frame;
	unsigned first; /* of its slots in the batch */
	phys_t page;    /* flip: ours, to be freed when another frame is behind it; 0 none */
};

struct netback {
	struct pv_kernel *k;
	struct softirq tx, rx;
	void *lines;
	struct vlock tx_lock;      /* of all that the tx softirq does */
	struct vlock dealloc_lock; /* of the ring of slots to unmap */
	struct vlock rx_lock;      /* of what waits for guests, and the rx softirq */

	struct pending pending[NETBACK_PENDING];
	uint16_t free[NETBACK_PENDING]; /* ring of unused slots, in the order of their return */
	unsigned free_first, nfree;
	uint16_t dealloc[NETBACK_PENDING]; /* ring of slots to unmap */
	unsigned dealloc_first, ndealloc;
	uint16_t *slot_of_pfn; /* which slot a page of ours is mapped for, plus one */
	struct netback_vif *tx_first, *tx_last; /* interfaces with requests, round robin */
	struct netback_vif *vifs;
	struct tx_packet *packets;
	struct netback_vif *closed; /* let go of by their owners */

	struct gnttab_map_grant_ref *map_ops; /* a page of guest memory each */
	struct gnttab_unmap_grant_ref *unmap_ops;
	struct gnttab_copy *copy_ops;
	struct pv_batch flip;
	uint64_t spare[SPARES];
	unsigned spares;
	struct out batch_out[COPY_OPS]; /* of the present batch to guests */
	struct rx_slot batch_slot[COPY_OPS];

	struct irq timer_irq; /* some interface's drain timer */
	struct irq start_irq; /* an interface was started while no CPU ran */
	struct netback_stats stats;
};

struct netback_vif {
	struct netback *nb;
	struct netback_vif *next; /* of all */
	domid_t domid;
	int port;
	bool copying, sg, can_queue;
	bool started, closed, disabled;
	bool tx_kicked, rx_kicked, drain_due; /* by interrupts, for the softirqs */
	bool notify;                          /* the batch has answers for it */
	unsigned refs;                        /* slots pending, and the owner */
	struct net_upper upper;

	struct pv_foreign tx_page, rx_page; /* the rings */
	netif_tx_back_ring_t tx;
	netif_rx_back_ring_t rx;
	bool scheduled;
	struct netback_vif *tx_next;

	struct net_queue ready;   /* have slots of the ring set aside, wait for the softirq */
	struct net_queue waiting; /* have none yet */
	RING_IDX peek;            /* rx requests set aside so far */
	bool stopped;
	struct event drain;
	struct netback_vif_stats stats;
};

/* netback.c */
void netback_vif_disable(struct netback_vif *v);
void netback_vif_put(struct netback_vif *v);
void netback_vif_notify(struct netback_vif *v, struct cpu *cpu);

/* netback_tx.c: from guests */
bool netback_tx_run(void *ctx, struct cpu *cpu);
/* The interface may have requests: let the softirq look. tx_lock held. */
void netback_tx_schedule(struct netback_vif *v);
/* Off the list. tx_lock held. */
void netback_tx_unschedule(struct netback_vif *v);
/* Answer @id. tx_lock held. */
void netback_tx_respond(struct netback_vif *v, struct cpu *cpu, uint16_t id, int16_t status,
			unsigned extras);

/* netback_parse.c: one packet's requests off the ring */
struct tx_request {
	netif_tx_request_t slot[NETIF_SLOTS_HELD + 1];
	unsigned slots, extras;
	int16_t status; /* NETIF_RSP_ERROR: answer it with that and do nothing else */
};
/* False: there is none, or the interface was disabled. tx_lock held. */
bool netback_parse(struct netback_vif *v, struct cpu *cpu, struct tx_request *out) MUST_CHECK;

/* netback_unmap.c: slots coming back */
void netback_release(struct netback *nb, struct cpu *cpu, unsigned slot);
/* Unmap what has come back, then answer it. tx_lock held. */
void netback_unmap(struct netback *nb, struct cpu *cpu);

/* netback_rx.c: to guests */
int netback_rx_xmit(void *ctx, struct cpu *cpu, const struct net_frame *frame);
bool netback_rx_run(void *ctx, struct cpu *cpu);

/* netback_flip.c: pages that change hands; rx_lock held */
/*
 * Put a copy of @frame in a page of its own in the place of @frame, which is given back. False, and
 * nothing happens, without memory.
 */
bool netback_make_flippable(struct netback_vif *v, struct cpu *cpu, struct net_frame *frame);
bool netback_flippable(const struct netback *nb, const struct net_frame *frame);
/* Fill the stock of frames that replace those given away; their number. */
unsigned netback_spares(struct netback *nb, struct cpu *cpu);
/* Element @at of the batch: give page @page to @v's guest as the answer to @req. */
void netback_give(struct netback_vif *v, struct cpu *cpu, unsigned at, phys_t page,
		  const netif_rx_request_t *req);
/* Carry out the batch of @count. False: nothing is known of what became of it. */
bool netback_give_all(struct netback *nb, struct cpu *cpu, unsigned count);
/* Did element @at of it succeed? */
bool netback_given(struct netback *nb, unsigned at);

#endif

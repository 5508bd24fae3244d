/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of a paravirtual network interface agree on (io/netif.h): ring types, the
 * limits of both Linux drivers, and what each would read of the other in the store. There is no
 * store here: whoever connects the two hands these structs over, in the store's order: backend's
 * features, then the frontend's choice, then the connection. Checksum offload and segmentation
 * offload are not offered.
 */
#ifndef IOTOLL_GUEST_NETIF_H
#define IOTOLL_GUEST_NETIF_H

#include "guest/netdev.h"
#include "guest/xen_ring.h"

#include <xen/io/netif.h>

#define NETIF_TX_RING ((unsigned)__CONST_RING_SIZE(netif_tx, PAGE_BYTES))
#define NETIF_RX_RING ((unsigned)__CONST_RING_SIZE(netif_rx, PAGE_BYTES))
#define NETIF_FRAGS   18u /* MAX_SKB_FRAGS, and slots of a packet that a backend must accept */
#define NETIF_SLOTS_HELD \
	20u /* slots after the first beyond which a frontend is taken for hostile */

/* Keys that the backend writes first. */
struct netif_backend_keys {
	domid_t domid;        /* whose backend this is */
	bool feature_rx_copy; /* can copy into the frontend's pages */
	bool feature_rx_flip; /* can give pages away instead */
	bool feature_sg;      /* takes packets of several slots */
};

/* Keys that the frontend answers with. */
struct netif_frontend_keys {
	domid_t domid; /* not written by the frontend: the store knows whose directory it is */
	grant_ref_t tx_ring_ref, rx_ring_ref;
	evtchn_port_t event_channel;
	bool request_rx_copy;   /* false: flip */
	bool feature_rx_notify; /* will signal new buffers, so packets may be queued */
	bool feature_sg;        /* takes packets of several slots */
};

#endif

/* SPDX-License-Identifier: MIT */
/* Event channels of a domain, private to src/xen. */
#ifndef IOTOLL_XEN_EVTCHN_H
#define IOTOLL_XEN_EVTCHN_H

#include "xen/impl.h"

struct evtchn {
	uint8_t state;        /* EVTCHNSTAT_*, or one of the two below */
	uint8_t vcpu;         /* which is notified */
	uint16_t remote_dom;  /* unbound: who may bind; interdomain: the peer */
	uint32_t remote_port; /* interdomain; or the number of the virq or pirq */
};

#define EVTCHN_FREE     EVTCHNSTAT_closed
#define EVTCHN_RESERVED 255u /* port 0 */

struct evtchns {
	struct evtchn *port;
	uint32_t ports;                         /* how many there may be */
	uint32_t used;                          /* none in use at or above this one */
	uint32_t virq[XEN_VCPUS_MAX][NR_VIRQS]; /* the port bound to it, or 0 */
	bool pirq_permitted[256];
};

int evtchns_create(struct xen_domain *d) MUST_CHECK;
/* Close every port (peers become unbound) and free the table. */
void evtchns_destroy(struct xen_domain *d);
/* The page that @d shares with the hypervisor, as the board sees it. */
shared_info_t *evtchn_shared_info(const struct xen_domain *d);

/* @port of @d, if it is in use (port 0 is reserved, which counts as use); else NULL. */
struct evtchn *evtchn_at(const struct xen_domain *d, uint32_t port);
/* The lowest free port, not yet taken; -ENOSPC. */
int evtchn_free_port(const struct xen_domain *d);
/* Take @port, which is free, into use in @state (EVTCHNSTAT_*), its other fields 0. */
struct evtchn *evtchn_take(struct xen_domain *d, uint32_t port, uint8_t state);
/* Undo what @port is bound to and free it; its peer becomes unbound. 0; -EINVAL: port 0 or free. */
int evtchn_close(struct xen_domain *d, uint32_t port);
void evtchn_close_all(struct xen_domain *d);

/* Clear @port's mask bit; what is pending is delivered. 0; -EINVAL: free. */
int evtchn_unmask(struct xen_domain *d, struct cpu *cpu, uint32_t port);
/* Two-level delivery: pending bit, selector, upcall (section 7.2 of the interface). */
void evtchn_set_pending(struct xen_domain *d, struct cpu *cpu, uint32_t port);

#endif

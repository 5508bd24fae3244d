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
/* Two-level delivery: pending bit, selector, upcall (section 7.2 of the interface). */
void evtchn_set_pending(struct xen_domain *d, struct cpu *cpu, uint32_t port);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Event channels as interrupts (Linux: drivers/xen/core/evtchn.c): each vCPU's upcall looks through
 * the two levels of pending bits and calls what is bound to a port. Pending is cleared and the port
 * masked before its handler runs, and unmasked afterwards, so that what is signalled meanwhile
 * comes as another call.
 */
#ifndef IOTOLL_GUEST_XEN_EVTCHN_H
#define IOTOLL_GUEST_XEN_EVTCHN_H

#include "guest/xen_kernel.h"

/* In interrupt context, on the vCPU to which the port is bound (0 unless moved). */
typedef void pv_event_handler(void *ctx, struct cpu *cpu);

struct pv_events_stats {
	uint64_t upcalls;  /* handler invocations */
	uint64_t events;   /* ports served */
	uint64_t unbound;  /* ports pending that nobody here has bound: masked */
	uint64_t notified; /* hypercalls that signalled a peer */
};

/* Called by pv_kernel_create(). 0, -ENOMEM. */
int pv_events_create(struct pv_events **out, struct pv_kernel *k) MUST_CHECK;
void pv_events_destroy(struct pv_events *e);
void pv_events_stats(const struct pv_events *e, struct pv_events_stats *out);

/*
 * A port that domain @remote may bind to, and what to call when it is signalled. The port, or
 * -errno from the hypervisor.
 */
int pv_event_alloc(struct pv_events *e, struct cpu *cpu, domid_t remote, pv_event_handler *fn,
		   void *ctx) MUST_CHECK;
/* Connect to the port that domain @remote has set aside for us. The local port, or -errno. */
int pv_event_bind(struct pv_events *e, struct cpu *cpu, domid_t remote, evtchn_port_t remote_port,
		  pv_event_handler *fn, void *ctx) MUST_CHECK;
/* Close @port; its handler will not be called again. */
void pv_event_close(struct pv_events *e, struct cpu *cpu, evtchn_port_t port);
/* Signal whoever is at the other end of @port. */
void pv_event_notify(struct pv_events *e, struct cpu *cpu, evtchn_port_t port);

#endif

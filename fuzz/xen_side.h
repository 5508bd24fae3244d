/* SPDX-License-Identifier: MIT */
/* Two domains with bare kernels on a hypervisor: what fuzzers of backends put together. */
#ifndef IOTOLL_FUZZ_XEN_SIDE_H
#define IOTOLL_FUZZ_XEN_SIDE_H

#include "guest/xen_evtchn.h"
#include "guest/xen_grant.h"
#include "xen/hypervisor.h"

struct xen_side {
	struct xen_domain *d;
	struct memory *view;
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct pv_kernel *k;
};

/* Domain @id of @pages, and @empty numbers to map at, on CPU @id of @board; 0 is the driver domain.
 */
void xen_side_make(struct xen_side *s, struct xen *hv, struct machine *board, uint16_t id,
		   uint64_t pages, uint64_t empty);
void xen_side_drop(struct xen_side *s);
/* Grant a page of its kernel memory to domain 0. */
grant_ref_t xen_side_grant(struct xen_side *s, void *page, bool readonly);
/*
 * End @ref, which names @page, unless it is in use, and grant the page again as @how says: 0 not at
 * all, 3 to a domain that is not there, otherwise to domain 0 (of the lowest two bits); read-only
 * with bit 2.
 */
void xen_side_regrant(struct xen_side *s, void *page, grant_ref_t ref, unsigned how);
/* A handler for events nobody waits for. */
void xen_side_ignore(void *ctx, struct cpu *cpu);

/* A board, a hypervisor, a driver domain and a guest. */
struct xen_sides {
	struct sim *sim;
	struct machine *board;
	struct xen *hv;
	struct xen_side back, front;
};

/* The driver domain with @empty numbers to map at. */
void xen_sides_make(struct xen_sides *x, uint64_t empty);
/* Judges that the driver domain's kernel memory was given back as it was taken. */
void xen_sides_drop(struct xen_sides *x);

#endif

/* SPDX-License-Identifier: MIT */
/* A domain with a bare kernel on a hypervisor: one side of what fuzzers of backends put together.
 */
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
/* A handler for events nobody waits for. */
void xen_side_ignore(void *ctx, struct cpu *cpu);

#endif

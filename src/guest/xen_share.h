/* SPDX-License-Identifier: MIT */
/*
 * Pages that two domains share, from either side, and the rings in them: what every pair of
 * paravirtual drivers begins with.
 */
#ifndef IOTOLL_GUEST_XEN_SHARE_H
#define IOTOLL_GUEST_XEN_SHARE_H

#include "guest/xen_grant.h"
#include "guest/xen_ring.h"

/* A page of ours, granted to a peer for reading and writing. */
struct pv_shared {
	void *ptr;
	phys_t paddr;
	grant_ref_t ref; /* PV_GRANT_NONE: not granted */
};

/* A zeroed page for domain @peer. 0, -ENOMEM, -ENOSPC; pv_shared_close() is due in any case. */
int pv_shared_open(struct pv_kernel *k, struct pv_shared *s, domid_t peer) MUST_CHECK;
/* The page, if it is ours alone again. 1 if the peer still has it mapped: it is lost. */
unsigned pv_shared_close(struct pv_kernel *k, struct pv_shared *s);

/* A peer's page, mapped for reading and writing at an empty page of ours. */
struct pv_foreign {
	phys_t paddr; /* 0: not mapped */
	grant_handle_t handle;
};

/* What domain @peer granted as @ref. 0; -EINVAL if it cannot be mapped; -ENOSPC; -ENOMEM. */
int pv_foreign_map(struct pv_kernel *k, struct pv_foreign *f, domid_t peer,
		   grant_ref_t ref) MUST_CHECK;
/* Allowed when it is not mapped. False: the hypervisor does not unmap it, the page is lost. */
bool pv_foreign_unmap(struct pv_kernel *k, struct cpu *cpu, struct pv_foreign *f);

/*
 * Make known, in shared page @sring, that what was written to a ring ends at @new and no longer at
 * @old: @published is the index that says so. True if the peer asked, at *@event, to be told.
 */
bool pv_ring_push(struct pv_kernel *k, struct cpu *cpu, void *sring, RING_IDX *published,
		  const RING_IDX *event, RING_IDX old, RING_IDX new);
/* An index of shared page @sring as the peer has published it, before what it stands for is read.
 */
RING_IDX pv_ring_look(struct pv_kernel *k, struct cpu *cpu, const void *sring,
		      const RING_IDX *index);
/* Ask, in @event of shared page @sring, to be told when the peer gets to @at. Look again then. */
void pv_ring_ask(struct pv_kernel *k, struct cpu *cpu, RING_IDX *event, RING_IDX at);

#endif

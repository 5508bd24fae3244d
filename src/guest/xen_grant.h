/* SPDX-License-Identifier: MIT */
/*
 * Grant references of this kernel's own table (Linux: drivers/xen/core/gnttab.c): a free list, and
 * giving and taking back access in the order that the shared entries demand. References 0 to 7 are
 * reserved for tools.
 */
#ifndef IOTOLL_GUEST_XEN_GRANT_H
#define IOTOLL_GUEST_XEN_GRANT_H

#include "guest/xen_kernel.h"
#include "sim/lock.h"

#define PV_GRANT_NONE     UINT32_MAX
#define PV_GRANT_RESERVED 8u

struct pv_grants_stats {
	uint64_t in_use;   /* references taken and not given back */
	uint64_t granted;  /* times access was given */
	uint64_t busy;     /* times it could not be taken back: the peer still has it mapped */
	uint64_t grown;    /* frames added to the table */
	uint64_t received; /* frames taken over by transfer */
};

/* Called by pv_kernel_create(). 0, -ENOMEM, -EIO (the hypervisor gives no table). */
int pv_grants_create(struct pv_grants **out, struct pv_kernel *k) MUST_CHECK;
void pv_grants_destroy(struct pv_grants *g);
void pv_grants_stats(const struct pv_grants *g, struct pv_grants_stats *out);

/* A free reference, the table growing if need be; PV_GRANT_NONE if there is none. */
grant_ref_t pv_grant_take(struct pv_grants *g, struct cpu *cpu);
/* Back to the free list, access revoked. */
void pv_grant_give(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref);

/* Let @domid map @mfn, which is a frame of ours. */
void pv_grant_access(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref, domid_t domid,
		     uint64_t mfn, bool readonly);
/* True while somebody has it mapped. */
bool pv_grant_busy(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref);
/* Revoke access. 0, or -EBUSY while it is mapped: nothing has changed, the page must not be reused.
 */
int pv_grant_end_access(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref) MUST_CHECK;
/* Be ready to take over one frame from @domid, for page @pfn. */
void pv_grant_accept(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref, domid_t domid,
		     uint64_t pfn);
/* End that: the frame that came, or UINT64_MAX if none did and none will any more. */
uint64_t pv_grant_end_accept(struct pv_grants *g, struct cpu *cpu, grant_ref_t ref);

#endif

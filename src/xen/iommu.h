/* SPDX-License-Identifier: MIT */
/* Devices of domains and what their I/O addresses lead to, private to src/xen. */
#ifndef IOTOLL_XEN_IOMMU_H
#define IOTOLL_XEN_IOMMU_H

#include "xen/impl.h"

/*
 * What a device's table holds, as the hypervisor remembers it. A real one would read the entry of
 * the IOMMU's own table, which the driver touches anyway; so this copy costs nothing.
 */
#define ENTRY_R     UINT64_C(1)
#define ENTRY_W     UINT64_C(2)
#define ENTRY_GRANT UINT64_C(4) /* made by a grant mapping; goes with it */

static inline mfn_t entry_mfn(uint64_t entry)
{
	return entry >> PAGE_SHIFT;
}

/* A frame that was unmapped and may still be in the IOTLB: it keeps its references. */
struct unflushed {
	mfn_t mfn;
	bool write;
};

struct device {
	struct device *next;
	struct xen_domain *d;
	uint32_t id;
	uint64_t bfns;
	const struct xen_iommu_ops *ops;
	void *ctx;
	uint64_t *entry; /* one for each bfn; 0: none */
	struct unflushed *queue;
	uint32_t queued, room;
	bool grant_stale; /* an entry of a grant mapping was cleared since the last flush */
};

/* Around everything below that takes a device. */
void device_lock(struct device *v, struct cpu *cpu);
void device_unlock(struct device *v, struct cpu *cpu);
/* @d's device of that number, or NULL. */
struct device *device_find(const struct xen_domain *d, uint32_t id);
/* Clear the entry there is at @bfn; its frame waits for the flush. */
void device_entry_clear(struct device *v, struct cpu *cpu, uint64_t bfn);
/* Detach, clear, flush, drop references, free. */
void device_remove(struct device *v);
/* Empty the device's IOTLB, then let go of what waited for it. */
void device_flush(struct device *v, struct cpu *cpu);
/*
 * frame_steal() for @c's domain; a frame that only waits for a flush of one of the domain's devices
 * is flushed out first.
 */
bool device_frame_steal(struct call *c, mfn_t mfn) MUST_CHECK;

/*
 * After mapped_add(), and after mapped_drop(): the tables of a domain whose grants reach its
 * devices follow, bus address being machine address. The first may fail with what the driver says,
 * or -EADDRINUSE, -EBUSY; then the caller drops the mapping and calls the second.
 */
int devices_grant_mapped(struct xen_domain *d, struct cpu *cpu, const struct xen_domain *granter,
			 mfn_t mfn) MUST_CHECK;
void devices_grant_unmapped(struct xen_domain *d, struct cpu *cpu, const struct xen_domain *granter,
			    mfn_t mfn);
/* Before references and pins of unmapped grants go: no entry of theirs is in an IOTLB. */
void devices_grant_flush(struct xen_domain *d, struct cpu *cpu);

#endif

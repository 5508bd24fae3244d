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
#define ENTRY_OWN   UINT64_C(8) /* made by a page-table entry of the domain's; goes with it */

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
	enum xen_table table;
	bool follows; /* the page table, as its table should */
	const struct xen_iommu_ops *ops;
	void *ctx;
	uint64_t *entry; /* one for each bfn; 0: none */
	struct unflushed *queue;
	uint32_t queued, room;
	/* An entry that the domain did not make was cleared since the last flush. */
	bool stale;
	struct window *window; /* of the hypervisor's bus addresses; NULL: there is none */
	uint64_t missed;       /* entries that could not be made: DMA there is refused */
};

/* Around everything below that takes a device. */
void device_lock(struct device *v, struct cpu *cpu);
void device_unlock(struct device *v, struct cpu *cpu);
/* @d's device of that number, or NULL. */
struct device *device_find(const struct xen_domain *d, uint32_t id);
/* Clear the entry there is at @bfn; its frame waits for the flush. */
void device_entry_clear(struct device *v, struct cpu *cpu, uint64_t bfn);
/* The table no longer has @entry, which the IOTLB may: its frame waits for the flush. */
void device_frame_leave(struct device *v, struct cpu *cpu, uint64_t entry);
/* Detach, clear, flush, drop references, free. */
void device_remove(struct device *v);
/* Empty the device's IOTLB, then let go of what waited for it. */
void device_flush(struct device *v, struct cpu *cpu);
/* A frame's references wait for the next flush; too many that wait are one. */
void device_defer(struct device *v, struct cpu *cpu, mfn_t mfn, bool write);
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

/* ---- bus addresses that come with grant mappings (window.c) ---- */

/* Addresses [@first, bfns) of @v; @lazy: flushed before they are reused. 0, -ENOMEM. */
int window_create(struct device *v, uint64_t first, bool lazy) MUST_CHECK;
void window_destroy(struct device *v);
/* Addresses below are the domain's own to allocate. */
uint64_t window_limit(const struct device *v);
/* The device's IOTLB is empty. */
void window_flushed(struct device *v);
/* Has @d a device with one? */
bool window_there(const struct xen_domain *d);
/* An entry for @mfn of @granter's, which is one of @d's handles; false if there is no room. */
bool window_enter(struct xen_domain *d, struct cpu *cpu, const struct xen_domain *granter,
		  mfn_t mfn, bool write, uint32_t *bfn) MUST_CHECK;
/* Take it away again; devices_grant_flush() is due after it. */
void window_leave(struct xen_domain *d, struct cpu *cpu, uint32_t bfn);
/* For xen_check(): is every address free, stale, or one of @live entries? */
bool window_right(const struct device *v, uint64_t live);

/* ---- tables that follow the page table (follow.c) ---- */

/* May @d have a device with such a table of @bfns pages? 0; -EINVAL, -ENOSPC. */
int follow_possible(const struct xen_domain *d, enum xen_table table, uint64_t bfns) MUST_CHECK;
/* @v, of a table other than XEN_TABLE_ASKED, gets its entries. 0, -ENOMEM. */
int follow_begin(struct device *v) MUST_CHECK;
/* Its entries are gone, or stay as they are for good. */
void follow_end(struct device *v);
/* A page-table entry at @at is about to be @pte: what follows it has to, before the call ends. */
void follow_changes(struct xen *hv, phys_t at, uint64_t pte);
/* It has just been written for a grant mapping, which gives devices a right to it. */
void follow_granted(struct xen_domain *d, phys_t at);
/* Was it? */
bool follow_is_granted(const struct xen_domain *d, phys_t at);
/*
 * A grant mapping of @mfn ended, but not with the page-table entry that it was made with: look at
 * everything that leads there.
 */
void follow_recheck(struct xen_domain *d, mfn_t mfn);
/*
 * Make every entry what its page-table entry says by now, and let no IOTLB hold another: before a
 * hypercall ends, and before a frame or a type changes hands. Others may run meanwhile.
 */
void devices_settle(struct xen_domain *d, struct cpu *cpu);
/*
 * For xen_check(): does entry @bfn say what it should? Nothing must be waiting for
 * devices_settle(). -EINVAL with @err.
 */
int follow_check(const struct device *v, struct err *err);

#endif

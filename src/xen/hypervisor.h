/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor after Xen 3.1 for paravirtual guests: who owns which frame and what it may be used
 * for, grant tables (version 1), event channels (two-level), page-table updates, memory
 * reservations, multicalls, and an IOMMU hypercall (spec/xen.h). Guests talk to it through
 * xen_hypercall() alone, with the structures of Xen's public headers in their own memory.
 *
 * Rules that guests meet are those of Xen 3.1 where xen/abi.h's headers leave a choice; where a
 * later version corrected a hole, the correction is taken and the file that does it says so.
 *
 * Nothing here believes a guest: arguments are copied once and checked on the copy, words that
 * guests can write are data, and xen_check() recomputes every count from scratch.
 *
 * Frame numbers: mfn is a machine frame, pfn a page of a guest's pseudo-physical memory, bfn a page
 * of a device's I/O address space. Pages are 4096 bytes.
 */
#ifndef IOTOLL_XEN_HYPERVISOR_H
#define IOTOLL_XEN_HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mem/memory.h"

struct cpu;
struct irq;
struct xen;
struct xen_domain;

#define XEN_DOMAINS_MAX 64u /* domain numbers are below */
#define XEN_VCPUS_MAX   16u
/* Live grant mappings that a domain may have, if nothing else is said. */
#define XEN_MAPTRACK_USUAL 131072u

/* What bounds guests' use of the hypervisor's resources. Zero: the default. */
struct xen_limits {
	unsigned grant_frames_initial; /* pages of 512 grant entries a domain begins with: 4 */
	unsigned grant_frames_max;     /* and may grow to: 32 */
	unsigned maptrack_max;  /* live grant mappings a domain may have: XEN_MAPTRACK_USUAL */
	unsigned ports_max;     /* event channels of a domain: 4096 */
	unsigned preempt_after; /* elements until a long call is continued: 1024; at least 4 */
	unsigned unflushed_max; /* frames waiting for a device's flush: 16384 */
};

/*
 * A hypervisor over @board, a board's memory (not a view), which outlives it. It takes frames for
 * its own tables there at once, and for domains as they come. @limits may be NULL. 0, -ENOMEM, or
 * -EINVAL for limits beyond Xen 3.1's or
 * too small to work with.
 */
int xen_create(struct xen **out, struct memory *board, const struct xen_limits *limits) MUST_CHECK;
/*
 * Destroys every domain, and gives every frame back to the board, with what is in it: the machine
 * is being taken down. No CPU runs any more; one may have stopped inside a hypercall. NULL is
 * allowed.
 */
void xen_destroy(struct xen *hv);

/* Machine address of the machine-to-physical table: 8 bytes per frame. Its values are guests'
 * words. */
phys_t xen_m2p(const struct xen *hv);
/* What a frame has there that nobody has as a pseudo-physical page. */
#define XEN_M2P_INVALID UINT64_MAX

/* ---- domains ---- */

struct xen_domain_config {
	uint16_t id;     /* below XEN_DOMAINS_MAX, and not in use */
	unsigned vcpus;  /* 1 to XEN_VCPUS_MAX */
	bool privileged; /* may act on other domains (dom0) */
	bool hardware;   /* has I/O rights: may map grants, transfer pages, ask for large extents */
	uint64_t pages;  /* frames it begins with, its tables included */
	uint64_t span;   /* pseudo-physical pages that its direct map can hold, >= pages */
	uint64_t max_pages;        /* it may own at most, >= pages */
	bool grants_reach_devices; /* grant mappings enter its devices' tables by themselves */
};

/*
 * Build a domain as a domain builder does. Its pseudo-physical pages are, from 0: start_info,
 * shared_info, the p2m list, the direct map's L1 tables (contiguous on the board, mapped
 * read-only), free memory up to config->pages (shared_info is a page more, and not counted), and
 * nothing up to the span. 0, -EINVAL, -EEXIST (id in use), -ENOMEM.
 */
int xen_domain_create(struct xen *hv, const struct xen_domain_config *config,
		      struct xen_domain **out) MUST_CHECK;
/*
 * Kill a domain: its devices are detached before anything else, then its grant mappings, event
 * channels, page tables and memory go. Frames that others still use stay with it; while there are
 * any it remains as a zombie and keeps its number. The caller's pointer is dead afterwards. Not
 * while one of its hypercalls is being carried out (one that waits to begin ends with -ESRCH).
 */
void xen_domain_kill(struct xen_domain *d);
/* The domain or zombie with number @id, or NULL. */
struct xen_domain *xen_domain_find(const struct xen *hv, unsigned id);
bool xen_domain_dying(const struct xen_domain *d);

uint16_t xen_domain_id(const struct xen_domain *d);
struct xen *xen_domain_xen(const struct xen_domain *d);
/* Machine address of the direct map's entries, 8 bytes a page, one after the other. */
phys_t xen_domain_l1(const struct xen_domain *d);
uint64_t xen_domain_span(const struct xen_domain *d);
/* Frames it owns now, and may own at most. Lowering the latter takes nothing away. */
uint64_t xen_domain_tot_pages(const struct xen_domain *d);
uint64_t xen_domain_max_pages(const struct xen_domain *d);
void xen_domain_set_max_pages(struct xen_domain *d, uint64_t pages);
/* Pseudo-physical pages [*first, *end) are free memory after creation. */
void xen_domain_free_memory(const struct xen_domain *d, uint64_t *first, uint64_t *end);

/* Pseudo-physical addresses of pages that the builder placed. */
#define XEN_START_INFO_PADDR  ((phys_t)0)
#define XEN_SHARED_INFO_PADDR ((phys_t)PAGE_BYTES)
#define XEN_P2M_PADDR         ((phys_t)2 * PAGE_BYTES)

/* ---- the one door ---- */

/*
 * Hypercall @op of vCPU @vcpu, which runs on @cpu (NULL: at boot and in tests; nothing is charged).
 * The result is what the guest sees in rax: 0, a count, or a negative errno value. Charges the
 * crossing and the handler's work; takes events and interrupts before it starts and between
 * the parts of a long call.
 */
long xen_hypercall(struct xen_domain *d, unsigned vcpu, struct cpu *cpu, unsigned long op,
		   const unsigned long args[6]);

/* ---- events ---- */

/*
 * Raise @irq (owned by the caller, NULL: none) when vCPU @vcpu is to be notified: as an event, for
 * which no device interrupts.
 */
void xen_vcpu_set_upcall(struct xen_domain *d, unsigned vcpu, struct irq *irq);
/* How often a vCPU was to be notified. */
uint64_t xen_vcpu_upcalls(const struct xen_domain *d, unsigned vcpu);
/* Give @d the right to bind physical interrupt @pirq. -EINVAL for a number of 256 or more,
 * or for a dying domain. */
int xen_pirq_permit(struct xen_domain *d, unsigned pirq) MUST_CHECK;
/* The board's interrupt @pirq has come: tell who has bound it. False if nobody has. */
bool xen_pirq_raise(struct xen *hv, struct cpu *cpu, unsigned pirq);
/* Virtual interrupt @virq of one of @d's vCPUs. False if it is not bound. */
bool xen_virq_raise(struct xen_domain *d, unsigned vcpu, unsigned virq);

/* ---- the IOMMU ---- */

/*
 * The driver of the IOMMU, as the hypervisor reaches it. Addresses are page numbers; @device is the
 * number given to xen_device_assign(). @cpu is charged by the driver itself. A driver that lets
 * other CPUs run meanwhile (a register access does) must have lock() and unlock().
 */
struct xen_iommu_ops {
	/* Make or change one entry. 0, -ENOSPC, -ENOMEM, -EIO; on failure nothing has changed. */
	int (*map)(void *ctx, struct cpu *cpu, uint32_t device, uint64_t bfn, uint64_t mfn,
		   bool read, bool write);
	/* Clear one entry. The IOTLB may keep it until flush(). */
	void (*unmap)(void *ctx, struct cpu *cpu, uint32_t device, uint64_t bfn);
	/* When this returns, no cleared or changed entry of the device is in the IOTLB. */
	void (*flush)(void *ctx, struct cpu *cpu, uint32_t device);
	/* Stop the device's DMA for good (its domain dies). May be NULL: then entries are cleared
	 * and flushed only. */
	void (*detach)(void *ctx, uint32_t device);
	/* Held around the other calls and what belongs to them; NULL: none. */
	void (*lock)(void *ctx, struct cpu *cpu, uint32_t device);
	void (*unlock)(void *ctx, struct cpu *cpu, uint32_t device);
};

/* Who decides what a device's table holds. */
enum xen_table {
	/* Its domain, entry by entry: the IOMMU hypercall. */
	XEN_TABLE_ASKED,
	/*
	 * Its domain's direct map ("The Price of Safety", section 4.3.1): bus address is
	 * pseudo-physical address. A page that the domain may write can be reached; one that is
	 * mapped there by grant, in the pages above its memory, with the grant's rights. When an
	 * entry of the direct map changes the table does before that hypercall returns, and no
	 * IOTLB holds what it said before.
	 */
	XEN_TABLE_PSEUDO,
	/*
	 * The same with bus address = machine address: the domain's frames that it can write
	 * through its direct map. This is Xen as it came to be; with grants_reach_devices frames
	 * of others come and go with grant mappings.
	 */
	XEN_TABLE_MACHINE,
};

struct xen_device_config {
	uint32_t device; /* its number */
	uint64_t bfns;   /* pages of its I/O address space: at most 2^28 */
	enum xen_table table;
	/*
	 * For demonstration: a table that follows is made once and never changed again, so that
	 * after a flip devices reach the frame that was there before. It stays its owner's.
	 */
	bool frozen;
	/*
	 * From this page on (0: none; XEN_TABLE_ASKED only) the hypervisor hands out addresses for
	 * what the domain maps by grant with GNTMAP_device_map, and makes and clears the entries
	 * in the same hypercall ("The Price of Safety", section 4.4). Lazily: the IOTLB is flushed
	 * before an address is used again, and not before an unmap returns.
	 */
	uint64_t grants_from;
	bool grants_lazy;
	const struct xen_iommu_ops *ops; /* an empty table */
	void *ctx;
};

/*
 * Give @d a device (or bus). ops and ctx outlive the hypervisor or xen_device_remove(). 0; -EINVAL,
 * also for a domain whose other devices follow it in another way; -EEXIST (some domain has a device
 * of that number), -EBUSY (grants reach this domain's devices, and it has mapped some already),
 * -ENOSPC (the table has no room for all of the domain), -ENOMEM.
 */
int xen_device_assign(struct xen_domain *d, const struct xen_device_config *config) MUST_CHECK;
/*
 * Take it away: detach, clear, flush, and only then drop the frames' references. Not while one of
 * its domain's hypercalls is being carried out.
 */
void xen_device_remove(struct xen *hv, uint32_t device);

/* ---- watching ---- */

#define XEN_HYPERCALLS 64u /* numbers are below */

struct xen_counters {
	uint64_t hypercalls;            /* crossings, continuations included */
	uint64_t calls[XEN_HYPERCALLS]; /* by number, a multicall's entries included */
	uint64_t multicall_entries;
	uint64_t grant_maps, grant_unmaps, grant_copies, grant_transfers; /* successful elements */
	uint64_t events_sent;                                             /* sends of guests */
	uint64_t iommu_maps, iommu_unmaps, iommu_flushes; /* pages, pages, flushes */
	/* Of these: because too many frames waited, or one of them was to be given away. */
	uint64_t iommu_forced_flushes;
	uint64_t iommu_grants;  /* entries that grant mappings brought along */
	uint64_t iommu_follows; /* entries changed because a page-table entry was */
};

void xen_counters(const struct xen *hv, struct xen_counters *out);
/* What hypercall @op is called in Xen's headers: "grant_table_op"; NULL if there is none. */
const char *xen_hypercall_name(unsigned long op);

/*
 * Recompute every count from scratch out of tables, grants and devices and compare: 0, or -EINVAL
 * with @err naming the frame or entry and what is wrong. Slow; changes nothing.
 */
int xen_check(const struct xen *hv, struct err *err);
/*
 * The same for flags that guests can write, so of use only where they do not lie: a grant in use
 * has GTF_reading set, GTF_writing if for writing, any other has neither. (The flags of transfers
 * use the same bits; none may be committed.)
 */
int xen_check_flags(const struct xen *hv, struct err *err);
/*
 * The number of the domain to which @mfn belongs; -ENOENT: to none, so it is the hypervisor's, be
 * it in use or to give away; -EINVAL: there is no such frame.
 */
int xen_frame_domain(const struct xen *hv, uint64_t mfn);
/* Frames that have an owner or are the hypervisor's own. */
uint64_t xen_frames_in_use(const struct xen *hv);

#endif

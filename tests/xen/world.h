/* SPDX-License-Identifier: MIT */
/*
 * A small board under the hypervisor, guests whose memory a test can write, and an IOMMU that
 * remembers: a table, and an IOTLB that keeps every translation until it is flushed.
 */
#ifndef IOTOLL_TESTS_XEN_WORLD_H
#define IOTOLL_TESTS_XEN_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "xen/abi.h"
#include "xen/hypervisor.h"

#define WORLD_BFNS   1024u
#define WORLD_DEVICE 7u
#define WORLD_STALE  4096u

struct world_entry {
	uint64_t bfn, mfn;
	bool live, read, write;
};

struct world_iommu {
	struct xen *hv;
	struct world_entry table[WORLD_BFNS];
	struct world_entry stale[WORLD_STALE]; /* what was unmapped or changed since the flush */
	unsigned stales;
	bool full, detached; /* full: map fails with -ENOSPC */
	unsigned maps, unmaps, flushes;
};

struct world {
	struct memory *board;
	struct xen *hv;
	struct world_iommu iommu;
	uint64_t board_pages; /* taken before anything was created */
};

/* A board of @pages pages with @limits (may be NULL). */
void world_init(struct world *w, uint64_t pages, const struct xen_limits *limits);
/* Destroys everything; nothing may have leaked. */
void world_fini(struct world *w);
/* Every invariant, and no IOTLB entry leads to a frame that nobody keeps; what is wrong, or NULL.
 */
const char *world_broken(struct world *w, struct err *err);
/* The same; the test ends if something is. */
void world_check(struct world *w);

/* Domain @id with 32 pages at the start, a span of 64, at most 48. */
struct xen_domain *world_domain(struct world *w, uint16_t id, bool hardware);
/* WORLD_DEVICE with @bfns pages for @d: 0, or what xen_device_assign() says. */
int world_device(struct world *w, struct xen_domain *d, uint64_t bfns);
/* The same with a table that @like says how to keep; its number and its driver are WORLD_DEVICE's.
 */
int world_device_as(struct world *w, struct xen_domain *d, const struct xen_device_config *like);

/* ---- a guest's own view ---- */

/* Guest virtual address of page @pfn. */
uint64_t va_of(uint64_t pfn);
/* Host pointer to the guest's page @pfn, as its page table has it now; NULL if absent. */
void *guest_page(struct xen_domain *d, uint64_t pfn);
/* The machine frame there, or UINT64_MAX. */
uint64_t guest_mfn(struct xen_domain *d, uint64_t pfn);
/* The n-th page of free memory; number 0 is where the calls below put their arguments. */
uint64_t free_pfn(struct xen_domain *d, unsigned n);
/* A page of the span that never had memory. */
uint64_t hole_pfn(struct xen_domain *d, unsigned n);
/* Machine address of the entry for page @pfn. */
uint64_t pte_addr(struct xen_domain *d, uint64_t pfn);

long call(struct xen_domain *d, unsigned long op, unsigned long a0, unsigned long a1,
	  unsigned long a2, unsigned long a3);
/* Hypercall @op(@cmd, address of a copy of @arg), which is copied back. */
long call_arg(struct xen_domain *d, unsigned long op, unsigned long cmd, void *arg, size_t bytes);
/* A grant_table_op over @count elements, which change in place. */
long gnttab(struct xen_domain *d, unsigned cmd, void *elements, size_t bytes, unsigned count);

/* ---- one element of each ---- */

/* The granter's entry @ref, as it may write it. */
grant_entry_v1_t *entry_of(struct xen_domain *d, unsigned ref);
void grant_access(struct xen_domain *d, unsigned ref, struct xen_domain *to, uint64_t mfn,
		  unsigned more_flags);
void grant_accept(struct xen_domain *d, unsigned ref, struct xen_domain *from);
/* The status, and what came of it in *@op. */
int map_ref(struct xen_domain *d, unsigned of, unsigned ref, unsigned flags, uint64_t host_addr,
	    gnttab_map_grant_ref_t *op);
int unmap_handle(struct xen_domain *d, unsigned handle, uint64_t host_addr, uint64_t dev_bus_addr);
int transfer(struct xen_domain *d, uint64_t mfn, unsigned to, unsigned ref);
int iommu_one(struct xen_domain *d, unsigned what, unsigned flags, uint64_t bfn, uint64_t frame,
	      unsigned count);
long update_va(struct xen_domain *d, uint64_t va, uint64_t pte, unsigned long flags);
long mmu_update(struct xen_domain *d, uint64_t ptr, uint64_t val, unsigned foreign, unsigned *done);
long mmuext(struct xen_domain *d, unsigned cmd, uint64_t mfn);
/* Extents done of one reservation call over @n mfns or pfns, which change in place. */
long reservation(struct xen_domain *d, unsigned long cmd, uint64_t *list, uint64_t n);
/* Unmap page @pfn of the guest's and give its frame back; the frame. */
uint64_t balloon(struct xen_domain *d, uint64_t pfn);

#endif

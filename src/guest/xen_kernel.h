/* SPDX-License-Identifier: MIT */
/*
 * A paravirtual kernel's ground: hypercalls with arguments in its own memory, pseudo-physical pages
 * that no frame stands behind, and what maps other frames there. What the kernel tells the
 * hypervisor and what it is told lies in memory that it shares with it, in the layouts of Xen's
 * public headers.
 */
#ifndef IOTOLL_GUEST_XEN_KERNEL_H
#define IOTOLL_GUEST_XEN_KERNEL_H

#include "guest/kmalloc.h"
#include "iotoll/dma.h"
#include "sim/cpu.h"
#include "xen/abi.h"
#include "xen/hypervisor.h"

struct pv_events;
struct pv_grants;

/* One domain's kernel, as its paravirtual drivers see it. */
struct pv_kernel {
	struct machine *machine; /* the guest machine */
	struct xen_domain *domain;
	struct kmalloc *kmalloc;
	struct pv_events *events; /* xen_evtchn.h */
	struct pv_grants *grants; /* xen_grant.h */
	uint64_t *empty;          /* stack of page numbers without a frame */
	uint64_t empty_count;
	struct iotoll_dma_domain *dma; /* of its devices, NULL: none that keeps anything */
	bool device_grants; /* pages mapped by grant bring what devices need of the IOMMU along */
	unsigned calls;     /* hypercalls being made */
	bool crashed;       /* none is made any more */
};

/*
 * Take over: @machine's memory is a view of @domain's direct map, @kmalloc its allocator. Sets up
 * events on every vCPU and the grant table. 0; -ENOMEM; -EIO if the hypervisor refuses something.
 */
int pv_kernel_create(struct pv_kernel **out, struct machine *machine, struct xen_domain *domain,
		     struct kmalloc *kmalloc, struct err *err) MUST_CHECK;
/*
 * The domain is about to die where it stands: from now on every hypercall fails with -ESHUTDOWN,
 * and what the domain shared is taken as its own, so that its software can be dismantled and the
 * domain killed at one instant. Not while @k->calls is not 0: such a call would never return.
 */
void pv_kernel_crash(struct pv_kernel *k);
/* Drivers are closed. NULL is allowed. */
void pv_kernel_destroy(struct pv_kernel *k);
/* The guest virtual address of pseudo-physical address @paddr. */
static inline uint64_t pv_va(phys_t paddr)
{
	return XEN_PAGE_OFFSET + paddr;
}

/* Hypercall @op from @cpu, NULL at boot. What the hypervisor answers; -ESHUTDOWN after a crash. */
long pv_hypercall(struct pv_kernel *k, struct cpu *cpu, unsigned long op, unsigned long a0,
		  unsigned long a1, unsigned long a2, unsigned long a3);
/* Charge having written (read) arguments (results) at @ptr, in the kernel's memory. */
void pv_touch(struct pv_kernel *k, struct cpu *cpu, const void *ptr, size_t bytes, bool write);

/* The machine frame behind @paddr, through the kernel's own list; UINT64_MAX if there is none. */
uint64_t pv_mfn(struct pv_kernel *k, struct cpu *cpu, phys_t paddr);
/* Note in that list what is behind page @pfn now (UINT64_MAX: nothing). */
void pv_set_p2m(struct pv_kernel *k, struct cpu *cpu, uint64_t pfn, uint64_t mfn);

/* Page @paddr, at rest, is about to lose the frame behind it: devices' entries for it go first. */
static inline void pv_forget(const struct pv_kernel *k, phys_t paddr)
{
	if (k->dma)
		iotoll_dma_forget(k->dma, IOTOLL_PHYS(paddr), PAGE_BYTES);
}

/*
 * The page at @paddr is another domain's and devices reach it at @bus, or (UINT64_MAX) it is so no
 * more: noted in that list, where the DMA layer looks (Linux 2.6.18: netback, FOREIGN_FRAME()).
 */
void pv_set_bus(struct pv_kernel *k, struct cpu *cpu, phys_t paddr, uint64_t bus);

/* A page without a frame, to map something at. -ENOSPC if there is none left. */
int pv_empty_page(struct pv_kernel *k, phys_t *paddr) MUST_CHECK;
/* Back again, with nothing mapped there. */
void pv_empty_page_free(struct pv_kernel *k, phys_t paddr);

/* What update_va_mapping() is given for an ordinary page of frame @mfn. */
static inline uint64_t pv_pte(uint64_t mfn)
{
	/* present, writable, user (a 64-bit guest's kernel runs in ring 3), accessed, dirty */
	return mfn << PAGE_SHIFT | 0x67;
}

/* Map machine frame @mfn at empty page @paddr, or unmap it (UINT64_MAX). 0 or the hypervisor's. */
int pv_map_frame(struct pv_kernel *k, struct cpu *cpu, phys_t paddr, uint64_t mfn) MUST_CHECK;

#endif

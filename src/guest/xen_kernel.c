/* SPDX-License-Identifier: MIT */
/* The ground that paravirtual drivers stand on. */
#include "guest/xen_kernel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "guest/xen_evtchn.h"
#include "guest/xen_grant.h"
#include "mem/memory_view.h"

long pv_hypercall(struct pv_kernel *k, struct cpu *cpu, unsigned long op, unsigned long a0,
		  unsigned long a1, unsigned long a2, unsigned long a3)
{
	const unsigned long args[6] = {a0, a1, a2, a3};

	long rc;

	if (k->crashed)
		return -ESHUTDOWN;
	k->calls++;
	rc = xen_hypercall(k->domain, cpu ? cpu_id(cpu) : 0, cpu, op, args);
	k->calls--;
	return rc;
}

void pv_touch(struct pv_kernel *k, struct cpu *cpu, const void *ptr, size_t bytes, bool write)
{
	assert(!cpu || cpu_machine(cpu) == k->machine);
	cpu_touch_ptr(cpu, ptr, bytes, write);
}

/* ---- frames behind pages ---- */

static phys_t p2m_at(uint64_t pfn)
{
	return XEN_P2M_PADDR + pfn * sizeof(uint64_t);
}

uint64_t pv_mfn(struct pv_kernel *k, struct cpu *cpu, phys_t paddr)
{
	const phys_t at = memory_machine(k->machine->mem, paddr);

	cpu_touch(cpu, p2m_at(paddr / PAGE_BYTES), sizeof(uint64_t), false);
	return at == MEMORY_NOWHERE ? UINT64_MAX : at / PAGE_BYTES;
}

void pv_set_p2m(struct pv_kernel *k, struct cpu *cpu, uint64_t pfn, uint64_t mfn)
{
	uint64_t *word = memory_ptr(k->machine->mem, p2m_at(pfn), sizeof(*word));

	if (!word)
		return;
	*word = mfn;
	cpu_touch(cpu, p2m_at(pfn), sizeof(*word), true);
}

void pv_set_bus(struct pv_kernel *k, struct cpu *cpu, phys_t paddr, uint64_t bus)
{
	pv_set_p2m(k, cpu, paddr / PAGE_BYTES,
		   bus == UINT64_MAX ? UINT64_MAX : bus / PAGE_BYTES | XEN_P2M_FOREIGN);
}

int pv_empty_page(struct pv_kernel *k, phys_t *paddr)
{
	if (!k->empty_count)
		return -ENOSPC;
	*paddr = k->empty[--k->empty_count] * PAGE_BYTES;
	return 0;
}

void pv_empty_page_free(struct pv_kernel *k, phys_t paddr)
{
	k->empty[k->empty_count++] = paddr / PAGE_BYTES;
}

int pv_map_frame(struct pv_kernel *k, struct cpu *cpu, phys_t paddr, uint64_t mfn)
{
	return (int)pv_hypercall(k, cpu, __HYPERVISOR_update_va_mapping, pv_va(paddr),
				 mfn == UINT64_MAX ? 0 : pv_pte(mfn), UVMF_INVLPG | UVMF_ALL, 0);
}

/* ---- life ---- */

static int take_empty_pages(struct pv_kernel *k)
{
	const uint64_t span = xen_domain_span(k->domain);
	uint64_t first, end;

	xen_domain_free_memory(k->domain, &first, &end);
	k->empty = calloc(span - end + 1, sizeof(*k->empty));
	if (!k->empty)
		return -ENOMEM;
	for (uint64_t pfn = span; pfn-- > end;)
		k->empty[k->empty_count++] = pfn;
	return 0;
}

int pv_kernel_create(struct pv_kernel **out, struct machine *machine, struct xen_domain *domain,
		     struct kmalloc *kmalloc, struct err *err)
{
	struct pv_kernel *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return err_set(err, -ENOMEM, "no memory for a paravirtual kernel");
	k->machine = machine;
	k->domain = domain;
	k->kmalloc = kmalloc;
	rc = take_empty_pages(k);
	if (!rc)
		rc = pv_events_create(&k->events, k);
	if (!rc)
		rc = pv_grants_create(&k->grants, k);
	if (rc) {
		pv_kernel_destroy(k);
		return err_set(err, rc, "domain %u's kernel: events or grants cannot be set up",
			       xen_domain_id(domain));
	}
	*out = k;
	return 0;
}

void pv_kernel_crash(struct pv_kernel *k)
{
	k->crashed = true;
}

void pv_kernel_destroy(struct pv_kernel *k)
{
	if (!k)
		return;
	pv_grants_destroy(k->grants);
	pv_events_destroy(k->events);
	free(k->empty);
	free(k);
}

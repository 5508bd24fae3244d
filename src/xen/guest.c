// SPDX-License-Identifier: MIT
/*
 * Guests' memory as the hypervisor reaches it: by guest virtual addresses, through the guest's own
 * page table, page by page. A page that the guest may not write is not written for it either,
 * otherwise a result pointer could aim at a page table.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/impl.h"

/* Host pointer to @va, valid to the end of its page, and the machine address; NULL if there is
 * none. */
static void *guest_ptr(struct xen_domain *d, uint64_t va, bool write, phys_t *machine)
{
	const uint64_t need = PTE_PRESENT | (write ? PTE_RW : 0);
	const uint64_t pfn = (va - XEN_PAGE_OFFSET) >> PAGE_SHIFT;
	uint64_t pte;

	if (va < XEN_PAGE_OFFSET || pfn >= d->span)
		return NULL;
	/* The walk hits in the TLB: it costs nothing here. */
	pte = d->l1[pfn];
	if ((pte & need) != need)
		return NULL;
	*machine = (pte_mfn(pte) << PAGE_SHIFT) + va % PAGE_BYTES;
	return memory_ptr(d->hv->board, *machine, PAGE_BYTES - va % PAGE_BYTES);
}

static uint64_t in_page(uint64_t va, uint64_t bytes)
{
	const uint64_t left = PAGE_BYTES - va % PAGE_BYTES;

	return bytes < left ? bytes : left;
}

int guest_read(struct xen_domain *d, struct cpu *cpu, void *to, uint64_t va, uint64_t bytes)
{
	uint8_t *p = to;

	if (!guest_range_ok(va, bytes))
		return -EFAULT;
	while (bytes != 0) {
		const uint64_t n = in_page(va, bytes);
		phys_t machine;
		const void *from = guest_ptr(d, va, false, &machine);

		if (!from)
			return -EFAULT;
		memcpy(p, from, n);
		cost_touch(cpu, machine, n, false);
		p += n;
		va += n;
		bytes -= n;
	}
	return 0;
}

int guest_write(struct xen_domain *d, struct cpu *cpu, uint64_t va, const void *from,
		uint64_t bytes)
{
	const uint8_t *p = from;

	if (!guest_range_ok(va, bytes))
		return -EFAULT;
	while (bytes != 0) {
		const uint64_t n = in_page(va, bytes);
		phys_t machine;
		void *to = guest_ptr(d, va, true, &machine);

		if (!to)
			return -EFAULT;
		memcpy(to, p, n);
		cost_touch(cpu, machine, n, true);
		p += n;
		va += n;
		bytes -= n;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a bus under the hypervisor gives away: not what its table should say, but what the hardware
 * answers at each address, held against who owns the frame.
 */
#include <errno.h>

#include "rig/hyper.h"
#include "watch/requests.h"

/* @page of the address space leads to @mfn. */
static void place(const struct hyper *h, uint64_t page, uint64_t mfn, struct hyper_scope *out)
{
	const struct exposure *e = h->rig.exposure;
	const struct requests *books = exposure_requests(e);
	const bool live = exposure_untranslated(e) ? requests_of(books, page, NULL) != NULL
						   : requests_in_frame(books, mfn);
	const int owner = xen_frame_domain(h->xen, mfn);

	if (owner == -EINVAL || rig_no_memory(mfn << PAGE_SHIFT) ||
	    (h->driver && h->driver->redirects &&
	     mfn == IOTOLL_PHYS_U64(h->driver->dummy) >> PAGE_SHIFT))
		out->nowhere++;
	else if (owner == -ENOENT)
		out->hypervisor++;
	else if (h->holder->xen && owner == xen_domain_id(h->holder->xen))
		*(live ? &out->own_live : &out->own_other) += 1;
	else
		*(live ? &out->granted : &out->foreign) += 1;
}

void hyper_scope(const struct hyper *h, struct hyper_scope *out)
{
	const struct iotoll_source source = {.bus = RIG_BUS, .devid = h->rig.devid};
	const uint64_t memory = memory_bytes(h->config.rig.machine->mem) >> PAGE_SHIFT;
	const uint64_t pages = h->driver ? h->driver->entries : memory;

	*out = (struct hyper_scope){.probed = pages};
	for (uint64_t page = 0; page < pages; page++) {
		struct iotoll_xlat x = {.paddr = page << PAGE_SHIFT};

		if (h->driver && iommu_probe(h->rig.iommu, source, x.paddr, IOTOLL_READ, &x) &&
		    iommu_probe(h->rig.iommu, source, page << PAGE_SHIFT, IOTOLL_WRITE, &x))
			continue;
		place(h, page, x.paddr >> PAGE_SHIFT, out);
	}
}

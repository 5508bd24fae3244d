// SPDX-License-Identifier: MIT
/*
 * How a domain ends. The order keeps every reader of memory ahead of the memory: first its devices
 * stop and their IOTLBs are empty, then its grant mappings lose their pins, then its channels are
 * closed, its page tables give up what they hold, and last its own frames go. Xen 4.17 does the
 * devices third; until then a device could still write.
 *
 * A granter that dies keeps the frames that others still map; it stays as a zombie, with its
 * number, until the last of them and the last handle are gone.
 */
#include <assert.h>
#include <stdlib.h>

#include "xen/evtchn.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

/*
 * Call @fn for each frame that @d has. Behind the last of them the board has many more, which need
 * not be looked at; if some go on the way, they are.
 */
static void each_frame(struct xen_domain *d, void (*fn)(struct xen_domain *d, mfn_t mfn))
{
	const struct xen *hv = d->hv;
	uint64_t left = d->tot_pages + d->heap_pages;

	for (mfn_t mfn = 0; mfn < hv->frames && left != 0; mfn++) {
		if (frame_of(hv, mfn)->owner != d)
			continue;
		left--;
		fn(d, mfn);
	}
}

static void unpin(struct xen_domain *d, mfn_t mfn, unsigned flag)
{
	int ret;

	if (!(frame_of(d->hv, mfn)->flags & flag))
		return;
	ret = l1_unpin(d, NULL, mfn, flag);
	assert(ret == 0);
	(void)ret;
}

static void leave_direct_map(struct xen_domain *d, mfn_t mfn)
{
	unpin(d, mfn, FRAME_ROOT);
}

static void unpin_table(struct xen_domain *d, mfn_t mfn)
{
	unpin(d, mfn, FRAME_PINNED);
}

static void release_frame(struct xen_domain *d, mfn_t mfn)
{
	(void)frame_release(d->hv, NULL, mfn); /* some have been released before */
}

static void release_memory(struct xen_domain *d)
{
	struct xen *hv = d->hv;

	each_frame(d, leave_direct_map);
	each_frame(d, unpin_table);
	each_frame(d, release_frame);
	if (d->shared_info != MFN_NONE)
		frame_release_heap(hv, d->shared_info);
	d->shared_info = MFN_NONE;
}

void xen_domain_kill(struct xen_domain *d)
{
	struct xen *hv = d->hv;

	assert(!d->dying && d->inside == 0);
	d->dying = true;
	hv->zombies++;
	while (d->devices)
		device_remove(d->devices);
	if (d->grants)
		maptrack_release_all(d);
	if (d->evtchns)
		evtchns_destroy(d);
	release_memory(d);
	domains_reap(hv);
}

void domains_forget(struct xen *hv)
{
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++) {
		struct xen_domain *d = hv->domain[i];

		if (!d)
			continue;
		grant_table_destroy(d);
		for (mfn_t mfn = 0; mfn < hv->frames; mfn++) {
			if (frame_of(hv, mfn)->owner != d)
				continue;
			memory_free(hv->board, mfn << PAGE_SHIFT, 1);
			frame_of(hv, mfn)->owner = NULL;
		}
		hv->domain[i] = NULL;
		hv->zombies--;
		free(d);
	}
}

void domains_reap(struct xen *hv)
{
	for (unsigned i = 0; i < XEN_DOMAINS_MAX && hv->zombies != 0; i++) {
		struct xen_domain *d = hv->domain[i];

		if (!d || !d->dying || d->handles_on != 0 || d->calls != 0)
			continue;
		/* The table outlives its domain only for those who have its pages mapped. */
		grant_table_destroy(d);
		if (d->tot_pages != 0 || d->heap_pages != 0)
			continue;
		hv->domain[i] = NULL;
		hv->zombies--;
		free(d);
	}
}

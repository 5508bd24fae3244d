// SPDX-License-Identifier: MIT
/*
 * GNTTABOP_transfer: a frame changes its owner, the page flip. Statuses and order of Xen 3.1: until
 * the frame is taken a failure leaves it with the caller, afterwards it is lost to the caller
 * whatever happens.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

/* Commit the receiver's entry: exactly accept_transfer, and for this sender. */
static bool commit(struct call *c, struct xen_domain *to, uint32_t ref)
{
	volatile grant_entry_v1_t *e;
	phys_t at;

	if (ref >= grant_entries(to))
		return false;
	e = grant_shared(to, ref, &at);
	for (unsigned tries = 0; tries < GRANT_UNSTABLE_TRIES; tries++) {
		if (e->flags != GTF_accept_transfer || e->domid != c->d->id)
			return false;
		xen_race(c->hv);
		cost_atomic(c->cpu, at);
		if (e->flags != GTF_accept_transfer || e->domid != c->d->id)
			continue;
		e->flags = GTF_accept_transfer | GTF_transfer_committed;
		return true;
	}
	return false;
}

static void complete(struct call *c, struct xen_domain *to, uint32_t ref, mfn_t mfn)
{
	phys_t at;
	volatile grant_entry_v1_t *e = grant_shared(to, ref, &at);

	xen_race(c->hv);
	e->frame = (uint32_t)mfn;
	cost_atomic(c->cpu, at);
	e->flags |= GTF_transfer_completed;
}

static int16_t transfer_one(struct call *c, const gnttab_transfer_t *op)
{
	struct xen_domain *to;

	if (!device_frame_steal(c, op->mfn))
		return GNTST_bad_page;
	to = xen_domain_find(c->hv, op->domid);
	if (!to || to->dying || to->tot_pages >= to->max_pages || !commit(c, to, op->ref)) {
		frame_discard(c->hv, c->cpu, op->mfn);
		return to ? GNTST_general_error : GNTST_bad_domain;
	}
	frame_assign(c->hv, c->cpu, op->mfn, to);
	complete(c, to, op->ref, op->mfn);
	c->hv->counters.grant_transfers++;
	return GNTST_okay;
}

long grant_transfer(struct call *c)
{
	for (uint32_t i = 0; i < (uint32_t)c->args[2]; i++) {
		const uint64_t va = c->args[1] + i * sizeof(gnttab_transfer_t);
		gnttab_transfer_t op;

		if (guest_read(c->d, c->cpu, &op, va, sizeof(op)) != 0)
			return -EFAULT;
		xen_race(c->hv);
		cost_charge(c->cpu, COST_GRANT_TRANSFER);
		op.status = transfer_one(c, &op);
		if (guest_write(c->d, c->cpu, va, &op, sizeof(op)) != 0)
			return -EFAULT;
	}
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * The IOMMU hypercall (spec/xen.h): who may map what for a device, element by element.
 *
 * A frame may be mapped by its owner, or by who has it mapped through a grant, for writing only
 * through a writable one. What counts is the frame's owner of this moment: neither the m2p nor a
 * handle proves that a frame is still what it was. Frames of the hypervisor's, shared ones
 * included, are nobody's to give to a device.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

/* Whose frame is to be mapped, with the caller's right to it checked: -EPERM. */
static int authorise(struct call *c, mfn_t mfn, bool write, struct xen_domain **owner)
{
	const struct mapped *m;
	const struct frame *f;

	if (!frame_valid(c->hv, mfn))
		return -EPERM;
	f = frame_of(c->hv, mfn);
	if (!f->owner || f->flags & FRAME_HEAP)
		return -EPERM;
	*owner = f->owner;
	if (f->owner == c->d)
		return 0;
	m = mapped_find(c->d, f->owner, mfn);
	return m && (m->writes != 0 || (!write && m->reads != 0)) ? 0 : -EPERM;
}

/* May the entry @old be what @what is for? */
static int fits(enum xen_iommu_what what, uint64_t old)
{
	if (what == XEN_IOMMU_MAP)
		return old == 0 ? 0 : -EADDRINUSE;
	if (old == 0)
		return -ENOENT;
	return old & ENTRY_GRANT ? -EPERM : 0;
}

/* Into an empty entry, or over one that is there, whose frame then waits for the flush. */
static int map_page(struct call *c, struct device *v, uint64_t bfn, mfn_t mfn,
		    const struct xen_iommu_op *op)
{
	const unsigned flags = op->flags;
	const bool write = (flags & XEN_IOMMU_W) != 0;
	const uint64_t old = v->entry[bfn];
	struct xen_domain *owner;
	int ret = fits(op->what, old);

	if (ret != 0)
		return ret;
	ret = authorise(c, mfn, write, &owner);
	if (ret != 0)
		return ret;
	if (!frame_use(c->hv, c->cpu, mfn, owner, write))
		return -EBUSY;
	/* First the books, then the table: while the driver works a grant may want to go. */
	if (owner != c->d)
		mapped_dma(c->d, owner, mfn, write, 1);
	ret = v->ops->map(v->ctx, c->cpu, v->id, bfn, mfn, (flags & XEN_IOMMU_R) != 0, write);
	if (ret != 0) {
		if (owner != c->d)
			mapped_dma(c->d, owner, mfn, write, -1);
		frame_unuse(c->hv, c->cpu, mfn, write);
		return ret;
	}
	v->entry[bfn] =
		mfn << PAGE_SHIFT | (flags & XEN_IOMMU_R ? ENTRY_R : 0) | (write ? ENTRY_W : 0);
	c->hv->counters.iommu_maps++;
	if (old != 0) {
		device_frame_leave(v, c->cpu, old);
		c->hv->counters.iommu_unmaps++;
	}
	return 0;
}

/* The frame behind a handle of the caller's, which must itself cover what is asked. */
static int frame_of_handle(struct call *c, const struct xen_iommu_op *op, mfn_t *mfn)
{
	const struct maptrack *m =
		op->frame <= UINT32_MAX ? maptrack_of(c->d, (uint32_t)op->frame) : NULL;
	const struct xen_domain *rd;

	if (op->count != 1)
		return -EINVAL;
	if (!m || (op->flags & XEN_IOMMU_W && m->flags & GNTMAP_readonly))
		return -EPERM;
	maptrack_touch(c->d, c->cpu, (uint32_t)op->frame, false);
	rd = c->hv->domain[m->domid];
	*mfn = rd->grants->active[m->ref].frame;
	/* The mapping's entry may have been destroyed, and the frame gone elsewhere since. */
	return frame_of(c->hv, *mfn)->owner == rd ? 0 : -EPERM;
}

static int map_range(struct call *c, struct device *v, struct xen_iommu_op *op)
{
	mfn_t mfn = op->frame;
	int ret = 0;

	if ((op->flags & ~XEN_IOMMU_FLAGS) != 0 || !(op->flags & (XEN_IOMMU_R | XEN_IOMMU_W)))
		return -EINVAL;
	if (op->flags & XEN_IOMMU_GRANT) {
		ret = frame_of_handle(c, op, &mfn);
		if (ret != 0)
			return ret;
	}
	while (op->done < op->count && ret == 0) {
		ret = map_page(c, v, op->bfn + op->done, mfn + op->done, op);
		op->done += ret == 0;
	}
	return ret;
}

static int unmap_range(struct call *c, struct device *v, struct xen_iommu_op *op)
{
	if (op->flags != 0)
		return -EINVAL;
	for (; op->done < op->count; op->done++) {
		const uint64_t entry = v->entry[op->bfn + op->done];

		if (entry == 0)
			return -ENOENT;
		if (entry & ENTRY_GRANT)
			return -EPERM;
		device_entry_clear(v, c->cpu, op->bfn + op->done);
		c->hv->counters.iommu_unmaps++;
	}
	return 0;
}

static int run_locked(struct call *c, struct device *v, struct xen_iommu_op *op)
{
	const uint64_t limit = window_limit(v);

	if (op->what == XEN_IOMMU_FLUSH) {
		if (op->flags != 0)
			return -EINVAL;
		device_flush(v, c->cpu);
		return 0;
	}
	if (op->count == 0 || op->count > XEN_IOMMU_PAGES_MAX || op->bfn >= limit ||
	    op->count > limit - op->bfn)
		return -EINVAL;
	if (v->table != XEN_TABLE_ASKED)
		return -EPERM;
	c->work += op->count - 1;
	return op->what == XEN_IOMMU_UNMAP ? unmap_range(c, v, op) : map_range(c, v, op);
}

static int run_one(struct call *c, struct xen_iommu_op *op)
{
	struct device *v = device_find(c->d, op->device);
	int status;

	op->done = 0;
	if (op->what < XEN_IOMMU_MAP || op->what > XEN_IOMMU_REPLACE)
		return -EOPNOTSUPP;
	if (!v)
		return -ENODEV;
	device_lock(v, c->cpu);
	status = run_locked(c, v, op);
	device_unlock(v, c->cpu);
	return status;
}

/* The guest's m2p and p2m have no part in this, and its array is read once. */
long do_iommu_op(struct call *c)
{
	if (!c->d->devices)
		return -ENODEV;
	if (c->args[1] > XEN_IOMMU_OPS_MAX)
		return -EINVAL;
	if (!guest_range_ok(c->args[0], c->args[1] * sizeof(struct xen_iommu_op)))
		return -EFAULT;
	while (c->args[1] != 0) {
		struct xen_iommu_op op;

		if (call_preempt(c))
			return CALL_RESTART;
		if (guest_read(c->d, c->cpu, &op, c->args[0], sizeof(op)) != 0)
			return -EFAULT;
		xen_race(c->hv);
		cost_charge(c->cpu, COST_IOMMU_OP);
		op.status = run_one(c, &op);
		if (guest_write(c->d, c->cpu, c->args[0], &op, sizeof(op)) != 0)
			return -EFAULT;
		c->args[0] += sizeof(op);
		c->args[1]--;
	}
	return 0;
}

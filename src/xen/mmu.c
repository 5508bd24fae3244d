// SPDX-License-Identifier: MIT
/*
 * Page-table updates: mmu_update, update_va_mapping, and of mmuext_op pinning of L1 tables and the
 * flushes. Rules and errors of Xen 3.1's mm.c. Higher levels of page tables are not modelled, so
 * operations on them are -ENOSYS.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define PREEMPTED 0x80000000u /* of count: a continuation; done so far lies in *pdone */

/* An array call: request by request, with the number done in a word of the guest's. */
struct batch {
	uint64_t reqs, pdone;
	uint32_t count, done, i;
	struct xen_domain *foreign; /* whose frames are named; NULL: nobody's (DOMID_IO) */
};

static bool foreign_of(struct call *c, unsigned long id, struct xen_domain **out)
{
	*out = NULL;
	if (id == DOMID_SELF) {
		*out = c->d;
		return true;
	}
	if (id == DOMID_IO)
		return true;
	if (!c->d->privileged || id == c->d->id)
		return false;
	if (id == DOMID_XEN)
		return true;
	*out = id < DOMID_FIRST_RESERVED ? domain_alive(c->hv, (unsigned)id) : NULL;
	return *out != NULL;
}

static long batch_begin(struct call *c, struct batch *b, uint64_t req_bytes)
{
	*b = (struct batch){.reqs = c->args[0], .count = (uint32_t)c->args[1], .pdone = c->args[2]};
	if (b->count & PREEMPTED) {
		/* Forged or not: it changes the number reported, and nothing else. */
		b->count &= ~PREEMPTED;
		if (b->pdone != 0 && guest_read(c->d, c->cpu, &b->done, b->pdone, 4) != 0)
			return -EFAULT;
	}
	if (!guest_range_ok(b->reqs, b->count * req_bytes))
		return -EFAULT;
	if (!foreign_of(c, (uint16_t)c->args[3], &b->foreign))
		return -ESRCH;
	return 0;
}

static long batch_end(struct call *c, struct batch *b, uint64_t req_bytes, long ret)
{
	const uint32_t done = b->done + b->i;

	if (b->pdone != 0 && guest_write(c->d, c->cpu, b->pdone, &done, 4) != 0 && ret == 0)
		ret = -EFAULT;
	if (ret == CALL_RESTART) {
		c->args[0] = b->reqs + b->i * req_bytes;
		c->args[1] = (b->count - b->i) | PREEMPTED;
	}
	return ret;
}

/* ---- mmu_update ---- */

static long normal_update(struct call *c, const struct batch *b, phys_t at, uint64_t val)
{
	const mfn_t mfn = at >> PAGE_SHIFT;
	long ret = -EINVAL;

	if (!frame_hold(c->hv, c->cpu, mfn, c->d))
		return -EINVAL;
	switch (frame_of(c->hv, mfn)->type) {
	case TYPE_L1:
		ret = l1_update(c->hv, c->cpu, b->foreign, at, val);
		break;
	default:
		if (!frame_get_writable(c->hv, mfn))
			break;
		*(uint64_t *)memory_ptr(c->hv->board, at, 8) = val;
		cost_touch(c->cpu, at, 8, true);
		frame_put_writable(c->hv, mfn);
		ret = 0;
		break;
	}
	frame_drop(c->hv, c->cpu, mfn);
	return ret;
}

static long machphys_update(struct call *c, const struct batch *b, mfn_t mfn, uint64_t pfn)
{
	if (!b->foreign || !frame_hold(c->hv, c->cpu, mfn, b->foreign))
		return -EINVAL;
	m2p_set(c->hv, c->cpu, mfn, pfn);
	frame_drop(c->hv, c->cpu, mfn);
	return 0;
}

static long mmu_one(struct call *c, const struct batch *b, uint64_t va)
{
	mmu_update_t req;

	if (guest_read(c->d, c->cpu, &req, va, sizeof(req)) != 0)
		return -EFAULT;
	xen_race(c->hv);
	cost_charge(c->cpu, COST_VA_UPDATE);
	switch (req.ptr & 7) {
	case MMU_NORMAL_PT_UPDATE:
		return normal_update(c, b, req.ptr, req.val);
	case MMU_MACHPHYS_UPDATE:
		return machphys_update(c, b, req.ptr >> PAGE_SHIFT, req.val);
	default:
		return -ENOSYS;
	}
}

long do_mmu_update(struct call *c)
{
	struct batch b;
	long ret = batch_begin(c, &b, sizeof(mmu_update_t));

	if (ret != 0)
		return ret;
	for (; b.i < b.count && ret == 0; b.i += ret == 0)
		ret = call_preempt(c) ? CALL_RESTART
				      : mmu_one(c, &b, b.reqs + b.i * sizeof(mmu_update_t));
	return batch_end(c, &b, sizeof(mmu_update_t), ret);
}

/* ---- update_va_mapping ---- */

static long flush_tlb(struct call *c, unsigned long flags)
{
	const uint64_t mask = flags & ~(UVMF_FLUSHTYPE_MASK | UVMF_ALL);
	uint64_t vcpus;

	if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE)
		return 0;
	cost_charge(c->cpu, COST_TLB_FLUSH);
	if (!(flags & UVMF_ALL) && mask != 0 && guest_read(c->d, c->cpu, &vcpus, mask, 8) != 0)
		return -EFAULT;
	return 0;
}

static long update_va(struct call *c, struct xen_domain *foreign)
{
	phys_t at;

	cost_charge(c->cpu, COST_VA_UPDATE);
	if (l1_entry_of(c->d, c->args[0], &at) != 0 ||
	    l1_update(c->hv, c->cpu, foreign, at, c->args[1]) != 0)
		return -EINVAL;
	return flush_tlb(c, c->args[2]);
}

long do_update_va_mapping(struct call *c)
{
	return update_va(c, c->d);
}

long do_update_va_mapping_otherdomain(struct call *c)
{
	struct xen_domain *foreign;

	if (!foreign_of(c, (uint16_t)c->args[3], &foreign))
		return -ESRCH;
	return update_va(c, foreign);
}

/* ---- mmuext_op ---- */

static long mmuext_one(struct call *c, const struct batch *b, uint64_t va)
{
	struct mmuext_op op;

	if (guest_read(c->d, c->cpu, &op, va, sizeof(op)) != 0)
		return -EFAULT;
	xen_race(c->hv);
	switch (op.cmd) {
	case MMUEXT_PIN_L1_TABLE:
		return b->foreign ? l1_pin(b->foreign, c->cpu, op.arg1.mfn, FRAME_PINNED) : -EINVAL;
	case MMUEXT_UNPIN_TABLE:
		return b->foreign ? l1_unpin(b->foreign, c->cpu, op.arg1.mfn, FRAME_PINNED)
				  : -EINVAL;
	case MMUEXT_TLB_FLUSH_LOCAL:
	case MMUEXT_INVLPG_LOCAL:
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_ALL:
		cost_charge(c->cpu, COST_TLB_FLUSH);
		return 0;
	default:
		return -ENOSYS;
	}
}

long do_mmuext_op(struct call *c)
{
	struct batch b;
	long ret;

	/* What an earlier entry of the multicall made read-only can be a page table by now. */
	devices_settle(c->d, c->cpu);
	ret = batch_begin(c, &b, sizeof(struct mmuext_op));

	if (ret != 0)
		return ret;
	for (; b.i < b.count && ret == 0; b.i += ret == 0)
		ret = call_preempt(c) ? CALL_RESTART
				      : mmuext_one(c, &b, b.reqs + b.i * sizeof(struct mmuext_op));
	return batch_end(c, &b, sizeof(struct mmuext_op), ret);
}

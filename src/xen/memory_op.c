// SPDX-License-Identifier: MIT
/*
 * Memory reservations: increase, decrease, populate, and the two questions. These do not return
 * errors: a caller gets the number of extents done, as in Xen 3.1, and must compare. The number
 * of the first extent is kept in the command's upper bits across continuations.
 *
 * Otherwise than there: what a guest pinned stays pinned when it gives the frame back (4.x); a
 * frame that has been given back and lives on because it is in use cannot be given back again;
 * extents are at most 512 pages.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/impl.h"
#include "xen/memory_op.h"

#define OP_BITS 4

struct extents {
	struct xen_domain *d;
	uint64_t list; /* guest address; 0: none */
	uint64_t count;
	unsigned order;
	phys_t below;
};

static int put_mfn(struct call *c, const struct extents *e, uint64_t i, mfn_t mfn)
{
	if (e->list == 0)
		return 0;
	return guest_write(c->d, c->cpu, e->list + i * 8, &mfn, 8);
}

/* One extent: true if it is done. */
static bool increase_one(struct call *c, const struct extents *e, uint64_t i)
{
	mfn_t mfn;

	if (frame_alloc(e->d, UINT64_C(1) << e->order, e->below, true, &mfn) != 0)
		return false;
	/* If nobody can be told, the memory is the domain's all the same. */
	return put_mfn(c, e, i, mfn) == 0;
}

static bool populate_one(struct call *c, const struct extents *e, uint64_t i)
{
	uint64_t pfn;
	mfn_t mfn;

	if (guest_read(c->d, c->cpu, &pfn, e->list + i * 8, 8) != 0 ||
	    frame_alloc(e->d, UINT64_C(1) << e->order, e->below, true, &mfn) != 0)
		return false;
	for (uint64_t j = 0; j < UINT64_C(1) << e->order; j++)
		m2p_set(c->hv, c->cpu, mfn + j, pfn + j);
	return put_mfn(c, e, i, mfn) == 0;
}

static bool give_back(struct call *c, struct xen_domain *d, mfn_t mfn)
{
	bool done;

	if (!frame_hold(c->hv, c->cpu, mfn, d))
		return false;
	done = frame_release(c->hv, c->cpu, mfn);
	frame_drop(c->hv, c->cpu, mfn);
	return done;
}

static bool decrease_one(struct call *c, const struct extents *e, uint64_t i)
{
	mfn_t mfn;

	if (guest_read(c->d, c->cpu, &mfn, e->list + i * 8, 8) != 0)
		return false;
	xen_race(c->hv);
	for (uint64_t j = 0; j < UINT64_C(1) << e->order; j++)
		if (!give_back(c, e->d, mfn + j))
			return false;
	return true;
}

/* What of the structure can be refused at once: false, and nothing is done. */
static bool extents_of(struct call *c, unsigned op, uint64_t start, struct extents *e)
{
	xen_memory_reservation_t r;
	unsigned bits;

	if (guest_read(c->d, c->cpu, &r, c->args[1], sizeof(r)) != 0)
		return false;
	xen_race(c->hv);
	bits = r.mem_flags & 0xff;
	*e = (struct extents){.list = (uintptr_t)r.extent_start.p,
			      .count = r.nr_extents,
			      .order = r.extent_order,
			      .below = bits != 0 && bits < 52 ? (phys_t)1 << bits : 0};
	if (e->count > UINT64_MAX >> OP_BITS || start > e->count)
		return false;
	if (e->order > EXTENT_ORDER_MAX || (e->order != 0 && !c->d->hardware))
		return false;
	if (bits != 0 && bits < e->order + PAGE_SHIFT)
		return false;
	if ((op != XENMEM_increase_reservation || e->list != 0) &&
	    (e->count > UINT64_MAX / 8 || !guest_range_ok(e->list, e->count * 8)))
		return false;
	return domain_named(c->d, r.domid, &e->d) == 0;
}

static long reservation(struct call *c, unsigned op, uint64_t start)
{
	static bool (*const ops[])(struct call * c, const struct extents *e, uint64_t i) = {
		[XENMEM_increase_reservation] = increase_one,
		[XENMEM_decrease_reservation] = decrease_one,
		[XENMEM_populate_physmap] = populate_one,
	};
	struct extents e;
	uint64_t i;

	if (!extents_of(c, op, start, &e))
		return (long)start;
	for (i = start; i < e.count; i++) {
		if (call_preempt(c)) {
			c->args[0] = op | i << OP_BITS;
			return CALL_RESTART;
		}
		cost_charge(c->cpu, COST_MEMORY_OP);
		if (!ops[op](c, &e, i))
			break;
		c->work += (1u << e.order) - 1; /* a large extent counts for what it is */
	}
	return (long)i;
}

static long question(struct call *c, unsigned op)
{
	struct xen_domain *d;
	domid_t id;
	int ret;

	if (guest_read(c->d, c->cpu, &id, c->args[1], sizeof(id)) != 0)
		return -EFAULT;
	ret = domain_named(c->d, id, &d);
	if (ret != 0)
		return ret;
	return (long)(op == XENMEM_current_reservation ? d->tot_pages : d->max_pages);
}

long do_memory_op(struct call *c)
{
	const unsigned op = (unsigned)(c->args[0] & ((1u << OP_BITS) - 1));

	switch (op) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(c, op, c->args[0] >> OP_BITS);
	case XENMEM_maximum_ram_page:
		return (long)c->hv->frames;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
		return question(c, op);
	case XENMEM_exchange:
		return memory_exchange(c);
	default:
		return -ENOSYS;
	}
}

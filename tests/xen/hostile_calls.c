// SPDX-License-Identifier: MIT
/* See hostile.h: the hypercalls, each garbage or nearly valid, with arguments in guest memory. */
#include "hostile_choice.h"

#include "xen/iommu.h"

static void plan_map(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	const unsigned count = some_count(h);

	p->args[0] = GNTTABOP_map_grant_ref;
	p->args[1] = arg_va(h, d);
	p->args[2] = count;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		const gnttab_map_grant_ref_t op = {
			.host_addr = rarely(h, 6)
					     ? pte_addr(d, choose(h, SPAN)) + (rarely(h, 4) ? 4 : 0)
					     : some_va(h),
			.flags = (uint32_t)choose(h, rarely(h, 5) ? 32 : 8),
			.ref = some_ref(h),
			.dom = (domid_t)some_domid(h)};

		guest_store(d, p->args[1] + i * sizeof(op), &op, sizeof(op));
	}
}

static void plan_unmap(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	const unsigned count = some_count(h);

	p->args[0] = GNTTABOP_unmap_grant_ref;
	p->args[1] = arg_va(h, d);
	p->args[2] = count;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		const struct known *k = known_of(h, d);
		const gnttab_unmap_grant_ref_t op = {
			.host_addr = rarely(h, 5)   ? 0
				     : rarely(h, 8) ? some_va(h)
						    : k->host_addr,
			.dev_bus_addr = rarely(h, 3)   ? 0
					: rarely(h, 8) ? some_mfn(h, d) << 12
						       : k->dev_bus_addr,
			.handle = rarely(h, 10) ? (uint32_t)choose(h, 30) : k->handle};

		guest_store(d, p->args[1] + i * sizeof(op), &op, sizeof(op));
	}
}

static void plan_copy(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	const unsigned count = some_count(h);

	p->args[0] = GNTTABOP_copy;
	p->args[1] = arg_va(h, d);
	p->args[2] = count;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		gnttab_copy_t op = {.flags = (uint16_t)choose(h, 4),
				    .len = (uint16_t)choose(h, 64)};

		if (rarely(h, 10))
			op.len = (uint16_t)odd_number(h);
		op.source.offset = (uint16_t)(rarely(h, 10) ? odd_number(h) : choose(h, 4096));
		op.dest.offset = (uint16_t)choose(h, 4050);
		op.source.domid =
			op.flags & GNTCOPY_source_gref ? (domid_t)some_domid(h) : DOMID_SELF;
		op.dest.domid = op.flags & GNTCOPY_dest_gref ? (domid_t)some_domid(h) : DOMID_SELF;
		op.source.u.gmfn = some_mfn(h, d);
		op.dest.u.gmfn = some_mfn(h, d);
		if (op.flags & GNTCOPY_source_gref)
			op.source.u.ref = some_ref(h);
		if (op.flags & GNTCOPY_dest_gref)
			op.dest.u.ref = some_ref(h);
		guest_store(d, p->args[1] + i * sizeof(op), &op, sizeof(op));
	}
}

static void plan_transfer(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	const unsigned count = some_count(h);

	p->args[0] = GNTTABOP_transfer;
	p->args[1] = arg_va(h, d);
	p->args[2] = count;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		const gnttab_transfer_t op = {
			.mfn = some_mfn(h, d), .domid = (domid_t)some_domid(h), .ref = some_ref(h)};

		guest_store(d, p->args[1] + i * sizeof(op), &op, sizeof(op));
	}
}

static void plan_setup(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	gnttab_setup_table_t op = {.dom = (domid_t)some_domid(h),
				   .nr_frames = (uint32_t)choose(h, 4)};

	p->args[0] = rarely(h, 2) ? GNTTABOP_query_size : GNTTABOP_setup_table;
	p->args[1] = arg_va(h, d);
	p->args[2] = rarely(h, 10) ? 2 : 1;
	op.frame_list.p = (xen_pfn_t *)(uintptr_t)arg_va(h, d);
	guest_store(d, p->args[1], &op, sizeof(op));
}

static void plan_grant(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	static void (*const plans[])(struct hostile *, struct xen_domain *, struct planned *) = {
		plan_map,  plan_map,  plan_map,      plan_unmap,    plan_unmap, plan_unmap,
		plan_copy, plan_copy, plan_transfer, plan_transfer, plan_setup};

	p->op = __HYPERVISOR_grant_table_op;
	plans[choose(h, sizeof(plans) / sizeof(plans[0]))](h, d, p);
	if (rarely(h, 50))
		p->args[0] = choose(h, 16);
}

/* A frame that nothing maps any more can be given away, so guests do that first. */
static void plan_memory(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	static const unsigned ops[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation,
				       XENMEM_decrease_reservation, XENMEM_populate_physmap,
				       XENMEM_current_reservation,  XENMEM_maximum_ram_page,
				       XENMEM_maximum_reservation,  9};
	xen_memory_reservation_t r = {.nr_extents = some_count(h), .domid = DOMID_SELF};
	const uint64_t list = arg_va(h, d);

	if (rarely(h, 20))
		r.domid = (domid_t)some_domid(h);
	if (rarely(h, 6))
		r.extent_order = (unsigned)choose(h, rarely(h, 4) ? 70 : 3);
	if (rarely(h, 20))
		r.nr_extents = odd_number(h);
	if (rarely(h, 20))
		r.mem_flags = (unsigned)choose(h, 70);
	r.extent_start.p = (xen_pfn_t *)(uintptr_t)(rarely(h, 20) ? odd_number(h) : list);
	p->op = __HYPERVISOR_memory_op;
	p->args[0] = ops[choose(h, 8)] | (rarely(h, 10) ? choose(h, 8) << 4 : 0);
	p->args[1] = arg_va(h, d);
	for (unsigned i = 0; i < ELEMENTS; i++) {
		const uint64_t mfn =
			p->args[0] % 16 == XENMEM_populate_physmap ? some_pfn(h) : some_mfn(h, d);

		guest_store(d, list + i * 8, &mfn, 8);
	}
	guest_store(d, p->args[1], &r, sizeof(r));
}

static void plan_exchange(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	xen_memory_exchange_t x = {.in = {.nr_extents = 1 + choose(h, 4), .domid = DOMID_SELF},
				   .out = {.domid = DOMID_SELF}};
	const uint64_t in = arg_va(h, d), out = arg_va(h, d);

	x.in.extent_order = rarely(h, 6) ? (unsigned)choose(h, 70) : 0;
	x.out.extent_order = rarely(h, 6) ? (unsigned)choose(h, 3) : 0;
	x.out.nr_extents = x.in.nr_extents >> x.out.extent_order;
	if (rarely(h, 10))
		x.in.nr_extents = odd_number(h);
	if (rarely(h, 10))
		x.out.nr_extents = odd_number(h);
	if (rarely(h, 10))
		x.nr_exchanged = choose(h, 4);
	x.in.extent_start.p = (xen_pfn_t *)(uintptr_t)in;
	x.out.extent_start.p = (xen_pfn_t *)(uintptr_t)out;
	p->op = __HYPERVISOR_memory_op;
	p->args[0] = XENMEM_exchange;
	p->args[1] = arg_va(h, d);
	for (unsigned i = 0; i < ELEMENTS; i++) {
		const uint64_t mfn = some_mfn(h, d), pfn = some_pfn(h);

		guest_store(d, in + i * 8, &mfn, 8);
		guest_store(d, out + i * 8, &pfn, 8);
	}
	guest_store(d, p->args[1], &x, sizeof(x));
}

static void plan_mmu(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	const unsigned count = some_count(h);

	p->op = __HYPERVISOR_mmu_update;
	p->args[0] = arg_va(h, d);
	p->args[1] = count | (rarely(h, 10) ? 0x80000000u : 0);
	p->args[2] = rarely(h, 2) ? 0 : arg_va(h, d);
	p->args[3] = rarely(h, 8) ? some_domid(h) : DOMID_SELF;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		mmu_update_t req = {pte_addr(d, choose(h, SPAN)), some_pte(h, d)};

		if (rarely(h, 4))
			req = (mmu_update_t){some_mfn(h, d) << 12 | MMU_MACHPHYS_UPDATE,
					     odd_number(h)};
		else if (rarely(h, 4))
			req.ptr = (some_mfn(h, d) << 12) + choose(h, 512) * 8 + choose(h, 3);
		guest_store(d, p->args[0] + i * sizeof(req), &req, sizeof(req));
	}
}

static void plan_update_va(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	p->op = rarely(h, 12) ? __HYPERVISOR_update_va_mapping_otherdomain
			      : __HYPERVISOR_update_va_mapping;
	p->args[0] = some_va(h);
	p->args[1] = rarely(h, 3) ? 0 : some_pte(h, d);
	p->args[2] = choose(h, 8) | (rarely(h, 10) ? arg_va(h, d) & ~UINT64_C(7) : 0);
	p->args[3] = some_domid(h);
}

static void plan_mmuext(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	struct mmuext_op op = {.cmd = (unsigned)choose(h, 22)};

	if (!rarely(h, 4))
		op.cmd = rarely(h, 3) ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L1_TABLE;
	op.arg1.mfn = some_mfn(h, d);
	p->op = __HYPERVISOR_mmuext_op;
	p->args[0] = arg_va(h, d);
	p->args[1] = rarely(h, 20) ? some_count(h) : 1;
	p->args[3] = rarely(h, 8) ? some_domid(h) : DOMID_SELF;
	guest_store(d, p->args[0], &op, sizeof(op));
}

static void plan_event(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	uint32_t arg[6];

	for (unsigned i = 0; i < 6; i++)
		arg[i] = rarely(h, 8) ? (uint32_t)odd_number(h) : (uint32_t)choose(h, 12);
	p->op = rarely(h, 10) ? __HYPERVISOR_sched_op : __HYPERVISOR_event_channel_op;
	p->args[0] = choose(h, 13);
	p->args[1] = arg_va(h, d);
	if (p->args[0] == EVTCHNOP_alloc_unbound)
		arg[0] = DOMID_SELF | some_domid(h) << 16;
	if (p->args[0] == EVTCHNOP_bind_interdomain)
		arg[0] = some_domid(h);
	if (p->args[0] == EVTCHNOP_reset && !rarely(h, 10))
		p->args[0] = EVTCHNOP_send;
	guest_store(d, p->args[1], arg, sizeof(arg));
}

static void plan_iommu(struct hostile *h, struct xen_domain *d, struct planned *p)
{
	const unsigned count = some_count(h);

	p->op = XEN_HYPERCALL_IOMMU_OP;
	p->args[0] = arg_va(h, d);
	p->args[1] = count;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		struct xen_iommu_op op = {.what = (uint16_t)(1 + choose(h, rarely(h, 10) ? 5 : 2)),
					  .device = rarely(h, 20) ? 3 : WORLD_DEVICE,
					  .count = rarely(h, 8) ? (uint32_t)choose(h, 600) : 1,
					  .bfn = choose(h, 24),
					  .frame = some_mfn(h, d)};

		if (op.what == XEN_IOMMU_MAP && rarely(h, 3))
			op.what = XEN_IOMMU_REPLACE;
		if (op.what != XEN_IOMMU_UNMAP || rarely(h, 20))
			op.flags = (uint16_t)choose(h, rarely(h, 10) ? 16 : 4);
		if (op.what != XEN_IOMMU_UNMAP && rarely(h, 5)) {
			op.flags |= XEN_IOMMU_GRANT;
			op.frame = known_of(h, d)->handle;
		}
		if (rarely(h, 20))
			op.bfn = rarely(h, 2) ? odd_number(h) : some_mfn(h, d);
		if (rarely(h, 8))
			op.what = XEN_IOMMU_FLUSH;
		guest_store(d, p->args[0] + i * sizeof(op), &op, sizeof(op));
	}
}

static void plan_multicall(struct hostile *h, struct xen_domain *d, struct planned *p,
			   unsigned depth)
{
	const unsigned count = some_count(h);

	p->op = __HYPERVISOR_multicall;
	p->args[0] = arg_va(h, d);
	p->args[1] = count;
	for (unsigned i = 0; i < count && i < ELEMENTS; i++) {
		multicall_entry_t e = {0};
		struct planned sub = {0};

		hostile_plan(h, d, &sub, depth + 1);
		e.op = sub.op;
		for (unsigned j = 0; j < 6; j++)
			e.args[j] = sub.args[j];
		guest_store(d, p->args[0] + i * sizeof(e), &e, sizeof(e));
	}
}

void hostile_plan(struct hostile *h, struct xen_domain *d, struct planned *p, unsigned depth)
{
	static void (*const plans[])(struct hostile *, struct xen_domain *, struct planned *) = {
		plan_grant,     plan_grant,    plan_grant, plan_grant, plan_grant,
		plan_memory,    plan_exchange, plan_mmu,   plan_mmu,   plan_update_va,
		plan_update_va, plan_mmuext,   plan_event, plan_iommu, plan_iommu};
	const unsigned which = (unsigned)choose(h, sizeof(plans) / sizeof(plans[0]) + 1);

	if (which < sizeof(plans) / sizeof(plans[0]))
		plans[which](h, d, p);
	else if (depth < 2)
		plan_multicall(h, d, p, depth);
	if (rarely(h, 100))
		p->op = rarely(h, 2) ? odd_number(h) : choose(h, 64);
	if (rarely(h, 60))
		p->args[choose(h, 6)] = odd_number(h);
}

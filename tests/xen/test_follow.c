// SPDX-License-Identifier: MIT
/*
 * Tables that follow the page table: what devices of such a domain reach before and after each
 * thing that gives a page another frame. The IOMMU of world.h keeps every translation until it is
 * flushed, and world_check() refuses any that the page table no longer says.
 */
#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define RW    (PTE_RW | PTE_PRESENT | PTE_USER)
#define RO    (PTE_PRESENT | PTE_USER)
#define SPAN  64u
#define BFNS  512u
#define OTHER 2u

struct scene {
	struct world w;
	struct xen_domain *d, *other; /* who has the device; who grants */
};

static void set_up(struct scene *s, enum xen_table table, bool frozen)
{
	const struct xen_domain_config c = {.id = 1,
					    .vcpus = 2,
					    .privileged = true,
					    .hardware = true,
					    .pages = 32,
					    .span = SPAN,
					    .max_pages = 48,
					    .grants_reach_devices = table == XEN_TABLE_MACHINE};

	memset(s, 0, sizeof(*s));
	world_init(&s->w, BFNS, NULL);
	assert_int_equal(xen_domain_create(s->w.hv, &c, &s->d), 0);
	s->other = world_domain(&s->w, OTHER, false);
	assert_int_equal(world_device_as(&s->w, s->d,
					 &(struct xen_device_config){
						 .bfns = BFNS, .table = table, .frozen = frozen}),
			 0);
	world_check(&s->w);
}

static void tear_down(struct scene *s)
{
	world_fini(&s->w);
}

static const struct world_entry *entry(const struct scene *s, uint64_t bfn)
{
	return &s->w.iommu.table[bfn];
}

/* What the device reaches at @bfn, for reading alone or for both; UINT64_MAX: nothing. */
static uint64_t reached(const struct scene *s, uint64_t bfn, bool write)
{
	const struct world_entry *e = entry(s, bfn);

	return e->live && e->read && e->write == write ? e->mfn : UINT64_MAX;
}

/* A frame of the domain's that no page has. */
static uint64_t spare(struct scene *s)
{
	uint64_t list[1] = {0};

	assert_int_equal(reservation(s->d, XENMEM_increase_reservation, list, 1), 1);
	return list[0];
}

static uint64_t pte_of(uint64_t mfn, uint64_t flags)
{
	return mfn << PAGE_SHIFT | flags;
}

/* ---- by pseudo-physical address ---- */

static void the_table_has_all_memory_and_nothing_else_from_the_start(void **state)
{
	struct scene s;
	unsigned pages = 0;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	for (uint64_t pfn = 0; pfn < BFNS; pfn++) {
		const uint64_t mfn = pfn < SPAN ? guest_mfn(s.d, pfn) : UINT64_MAX;
		const struct frame *f = mfn == UINT64_MAX ? NULL : frame_of(s.w.hv, mfn);
		const bool memory = f && f->type != TYPE_L1 && !(f->flags & FRAME_HEAP);

		assert_int_equal(reached(&s, pfn, true), memory ? mfn : UINT64_MAX);
		pages += memory;
	}
	assert_int_equal(pages, 32 - 1); /* less the one page table */
	assert_int_equal(s.w.iommu.flushes, 0);
	/* Nobody is asked any more. */
	assert_int_equal(iommu_one(s.d, XEN_IOMMU_MAP, XEN_IOMMU_R, 60, guest_mfn(s.d, 8), 1),
			 -EPERM);
	assert_int_equal(iommu_one(s.d, XEN_IOMMU_UNMAP, 0, 8, 0, 1), -EPERM);
	tear_down(&s);
}

static void
a_page_that_gets_another_frame_has_it_in_the_table_and_no_iotlb_the_old_one(void **state)
{
	struct scene s;
	uint64_t pfn, old, fresh;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	pfn = free_pfn(s.d, 4);
	old = guest_mfn(s.d, pfn);
	fresh = spare(&s);
	assert_int_equal(update_va(s.d, va_of(pfn), pte_of(fresh, RW), 0), 0);
	assert_int_equal(reached(&s, pfn, true), fresh);
	assert_int_equal(s.w.iommu.stales, 0);
	assert_int_equal(s.w.iommu.flushes, 1);
	assert_int_equal(frame_of(s.w.hv, old)->count, 1); /* the allocation's alone */
	world_check(&s.w);
	tear_down(&s);
}

/* What the former test is about: it could fail. */
static void
a_table_that_does_not_follow_leads_to_the_old_frame_which_stays_the_domains(void **state)
{
	struct scene s;
	uint64_t pfn, old;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, true);
	pfn = free_pfn(s.d, 4);
	old = guest_mfn(s.d, pfn);
	assert_int_equal(update_va(s.d, va_of(pfn), pte_of(spare(&s), RW), 0), 0);
	assert_int_equal(reached(&s, pfn, true), old);
	assert_int_not_equal(guest_mfn(s.d, pfn), old);
	assert_int_equal(frame_of(s.w.hv, old)->count, 2);
	/* It cannot be given away under the device. */
	grant_accept(s.other, 8, s.d);
	assert_int_equal(transfer(s.d, old, OTHER, 8), GNTST_bad_page);
	world_check(&s.w);
	tear_down(&s);
}

static void ballooning_takes_the_entry_and_populating_gives_one(void **state)
{
	struct scene s;
	uint64_t pfn, list[1];

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	pfn = free_pfn(s.d, 4);
	balloon(s.d, pfn);
	assert_false(entry(&s, pfn)->live);
	assert_int_equal(xen_domain_tot_pages(s.d), 31); /* its frame is really gone */
	world_check(&s.w);
	list[0] = pfn;
	assert_int_equal(reservation(s.d, XENMEM_populate_physmap, list, 1), 1);
	assert_false(entry(&s, pfn)->live); /* no page yet */
	assert_int_equal(update_va(s.d, va_of(pfn), pte_of(list[0], RW), 0), 0);
	assert_int_equal(reached(&s, pfn, true), list[0]);
	world_check(&s.w);
	tear_down(&s);
}

/* As netback does: new frames for the pages, then the old ones go, all in one crossing. */
static void a_batch_of_flips_costs_one_flush(void **state)
{
	struct scene s;
	multicall_entry_t *call_list;
	gnttab_transfer_t *op;
	uint64_t pfn[3], old[3];

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	call_list = guest_page(s.d, free_pfn(s.d, 8));
	op = guest_page(s.d, free_pfn(s.d, 9));
	for (unsigned i = 0; i < 3; i++) {
		pfn[i] = free_pfn(s.d, 4 + i);
		old[i] = guest_mfn(s.d, pfn[i]);
		grant_accept(s.other, 8 + i, s.d);
		call_list[i] = (multicall_entry_t){.op = __HYPERVISOR_update_va_mapping,
						   .args = {va_of(pfn[i]), pte_of(spare(&s), RW)}};
		op[i] = (gnttab_transfer_t){.mfn = old[i], .domid = OTHER, .ref = 8 + i};
	}
	call_list[3] = (multicall_entry_t){.op = __HYPERVISOR_grant_table_op,
					   .args = {GNTTABOP_transfer, va_of(free_pfn(s.d, 9)), 3}};
	assert_int_equal(call(s.d, __HYPERVISOR_multicall, va_of(free_pfn(s.d, 8)), 4, 0, 0), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(op[i].status, GNTST_okay);
		assert_ptr_equal(frame_of(s.w.hv, old[i])->owner, s.other);
		assert_int_equal(reached(&s, pfn[i], true), guest_mfn(s.d, pfn[i]));
	}
	assert_int_equal(s.w.iommu.flushes, 1);
	world_check(&s.w);
	tear_down(&s);
}

static void a_page_made_a_page_table_in_the_same_multicall_leaves_the_table_first(void **state)
{
	struct scene s;
	multicall_entry_t *call_list;
	struct mmuext_op *op;
	uint64_t pfn, mfn;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	pfn = free_pfn(s.d, 4);
	mfn = guest_mfn(s.d, pfn);
	memset(guest_page(s.d, pfn), 0, PAGE_BYTES);
	call_list = guest_page(s.d, free_pfn(s.d, 8));
	op = guest_page(s.d, free_pfn(s.d, 9));
	*op = (struct mmuext_op){.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn};
	call_list[0] = (multicall_entry_t){.op = __HYPERVISOR_update_va_mapping,
					   .args = {va_of(pfn), pte_of(mfn, RO)}};
	call_list[1] = (multicall_entry_t){.op = __HYPERVISOR_mmuext_op,
					   .args = {va_of(free_pfn(s.d, 9)), 1, 0, DOMID_SELF}};
	assert_int_equal(call(s.d, __HYPERVISOR_multicall, va_of(free_pfn(s.d, 8)), 2, 0, 0), 0);
	assert_int_equal(call_list[0].result, 0);
	assert_int_equal(call_list[1].result, 0);
	assert_int_equal(frame_of(s.w.hv, mfn)->type, TYPE_L1);
	assert_false(entry(&s, pfn)->live);
	world_check(&s.w);
	tear_down(&s);
}

static void what_is_mapped_by_grant_above_the_memory_is_there_with_the_grants_rights(void **state)
{
	struct scene s;

	(void)state;
	for (unsigned readonly = 0; readonly < 2; readonly++) {
		gnttab_map_grant_ref_t op;
		uint64_t hole, foreign;
		unsigned flushes;

		set_up(&s, XEN_TABLE_PSEUDO, false);
		hole = hole_pfn(s.d, 0);
		foreign = guest_mfn(s.other, free_pfn(s.other, 4));
		grant_access(s.other, 8, s.d, foreign, 0);
		assert_int_equal(map_ref(s.d, OTHER, 8,
					 GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
					 va_of(hole), &op),
				 GNTST_okay);
		assert_int_equal(reached(&s, hole, !readonly), foreign);
		assert_int_equal(s.w.iommu.flushes, 0);
		world_check(&s.w);
		flushes = s.w.iommu.flushes;
		assert_int_equal(unmap_handle(s.d, op.handle, va_of(hole), 0), GNTST_okay);
		assert_false(entry(&s, hole)->live);
		assert_int_equal(s.w.iommu.flushes, flushes + 1);
		assert_int_equal(s.other->grants->active[8].pin, 0);
		assert_int_equal(frame_of(s.w.hv, foreign)->count, 2);
		world_check(&s.w);
		tear_down(&s);
	}
}

/* dom0 may map anybody's page; that gives no device a right to it. */
static void what_is_mapped_without_a_grant_is_not_for_devices(void **state)
{
	struct scene s;
	const unsigned long args_of = OTHER;
	uint64_t hole, foreign;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	hole = hole_pfn(s.d, 0);
	foreign = guest_mfn(s.other, free_pfn(s.other, 4));
	assert_int_equal(call(s.d, __HYPERVISOR_update_va_mapping_otherdomain, va_of(hole),
			      pte_of(foreign, RW), 0, args_of),
			 0);
	assert_int_equal(guest_mfn(s.d, hole), foreign);
	assert_false(entry(&s, hole)->live);
	world_check(&s.w);
	tear_down(&s);
}

/*
 * A handle is released through a page-table entry that leads to the same frame but that the grant
 * did not make: the one that it did make no longer stands on anything.
 */
static void an_entry_goes_when_its_grant_is_unmapped_through_another_page(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;
	uint64_t hole, second, foreign;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	hole = hole_pfn(s.d, 0);
	second = hole_pfn(s.d, 1);
	foreign = guest_mfn(s.other, free_pfn(s.other, 4));
	grant_access(s.other, 8, s.d, foreign, 0);
	assert_int_equal(map_ref(s.d, OTHER, 8, GNTMAP_host_map, va_of(hole), &op), GNTST_okay);
	assert_int_equal(call(s.d, __HYPERVISOR_update_va_mapping_otherdomain, va_of(second),
			      pte_of(foreign, RW), 0, OTHER),
			 0);
	assert_int_equal(unmap_handle(s.d, op.handle, va_of(second), 0), GNTST_okay);
	assert_int_equal(guest_mfn(s.d, hole), foreign); /* the CPU's mapping is still there */
	assert_false(entry(&s, hole)->live);
	world_check(&s.w);
	tear_down(&s);
}

static void an_entry_that_cannot_be_made_is_missing_and_never_wrong(void **state)
{
	struct scene s;
	uint64_t pfn;

	(void)state;
	set_up(&s, XEN_TABLE_PSEUDO, false);
	pfn = free_pfn(s.d, 4);
	s.w.iommu.full = true;
	assert_int_equal(update_va(s.d, va_of(pfn), pte_of(spare(&s), RW), 0), 0);
	assert_false(entry(&s, pfn)->live);
	world_check(&s.w);
	s.w.iommu.full = false;
	tear_down(&s);
}

static void a_domain_without_room_in_the_table_is_refused(void **state)
{
	struct xen_device_config config = {.table = XEN_TABLE_PSEUDO};
	struct world w;
	struct xen_domain *d;

	(void)state;
	world_init(&w, 512, NULL);
	d = world_domain(&w, 1, true);
	config.bfns = SPAN - 1;
	assert_int_equal(world_device_as(&w, d, &config), -ENOSPC);
	config.bfns = SPAN;
	assert_int_equal(world_device_as(&w, d, &config), 0);
	xen_device_remove(w.hv, WORLD_DEVICE);
	config.table = XEN_TABLE_MACHINE;
	config.bfns = 511;
	assert_int_equal(world_device_as(&w, d, &config), -ENOSPC);
	world_check(&w);
	world_fini(&w);
}

/* ---- by machine frame ---- */

static void a_frame_is_in_the_table_while_any_page_can_write_it(void **state)
{
	struct scene s;
	uint64_t pfn, second, mfn;

	(void)state;
	set_up(&s, XEN_TABLE_MACHINE, false);
	pfn = free_pfn(s.d, 4);
	second = hole_pfn(s.d, 0);
	mfn = guest_mfn(s.d, pfn);
	assert_int_equal(reached(&s, mfn, true), mfn);
	assert_int_equal(update_va(s.d, va_of(second), pte_of(mfn, RW), 0), 0);
	assert_int_equal(update_va(s.d, va_of(pfn), pte_of(mfn, RO), 0), 0);
	assert_int_equal(reached(&s, mfn, true), mfn);
	assert_int_equal(s.w.iommu.flushes, 0);
	assert_int_equal(update_va(s.d, va_of(second), 0, 0), 0);
	assert_false(entry(&s, mfn)->live);
	assert_int_equal(s.w.iommu.flushes, 1);
	world_check(&s.w);
	tear_down(&s);
}

/* Own frames by the page table, frames of others by the kinds of their handles. */
static void own_frames_and_granted_ones_share_the_table(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t ro, rw;
	uint64_t foreign;

	(void)state;
	set_up(&s, XEN_TABLE_MACHINE, false);
	foreign = guest_mfn(s.other, free_pfn(s.other, 4));
	grant_access(s.other, 8, s.d, foreign, 0);
	assert_int_equal(map_ref(s.d, OTHER, 8, GNTMAP_host_map | GNTMAP_readonly,
				 va_of(hole_pfn(s.d, 0)), &ro),
			 GNTST_okay);
	assert_int_equal(reached(&s, foreign, false), foreign);
	assert_int_equal(ro.dev_bus_addr, foreign << PAGE_SHIFT);
	assert_int_equal(map_ref(s.d, OTHER, 8, GNTMAP_host_map, va_of(hole_pfn(s.d, 1)), &rw),
			 GNTST_okay);
	assert_int_equal(reached(&s, foreign, true), foreign);
	assert_int_equal(unmap_handle(s.d, rw.handle, va_of(hole_pfn(s.d, 1)), 0), GNTST_okay);
	assert_int_equal(reached(&s, foreign, false), foreign);
	assert_int_equal(unmap_handle(s.d, ro.handle, va_of(hole_pfn(s.d, 0)), 0), GNTST_okay);
	assert_false(entry(&s, foreign)->live);
	world_check(&s.w);
	tear_down(&s);
}

static void a_frame_that_is_given_away_leaves_the_table_first(void **state)
{
	struct scene s;
	uint64_t pfn, mfn;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		set_up(&s, i ? XEN_TABLE_MACHINE : XEN_TABLE_PSEUDO, false);
		pfn = free_pfn(s.d, 4);
		mfn = guest_mfn(s.d, pfn);
		grant_accept(s.other, 8, s.d);
		/* Still mapped, for CPU and device. */
		assert_int_equal(transfer(s.d, mfn, OTHER, 8), GNTST_bad_page);
		assert_int_equal(update_va(s.d, va_of(pfn), 0, 0), 0);
		assert_int_equal(transfer(s.d, mfn, OTHER, 8), GNTST_okay);
		assert_false(entry(&s, i ? mfn : pfn)->live);
		world_check(&s.w);
		tear_down(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_all_memory_and_nothing_else_from_the_start),
		cmocka_unit_test(
			a_page_that_gets_another_frame_has_it_in_the_table_and_no_iotlb_the_old_one),
		cmocka_unit_test(
			a_table_that_does_not_follow_leads_to_the_old_frame_which_stays_the_domains),
		cmocka_unit_test(ballooning_takes_the_entry_and_populating_gives_one),
		cmocka_unit_test(a_batch_of_flips_costs_one_flush),
		cmocka_unit_test(
			a_page_made_a_page_table_in_the_same_multicall_leaves_the_table_first),
		cmocka_unit_test(
			what_is_mapped_by_grant_above_the_memory_is_there_with_the_grants_rights),
		cmocka_unit_test(what_is_mapped_without_a_grant_is_not_for_devices),
		cmocka_unit_test(an_entry_goes_when_its_grant_is_unmapped_through_another_page),
		cmocka_unit_test(an_entry_that_cannot_be_made_is_missing_and_never_wrong),
		cmocka_unit_test(a_domain_without_room_in_the_table_is_refused),
		cmocka_unit_test(a_frame_is_in_the_table_while_any_page_can_write_it),
		cmocka_unit_test(own_frames_and_granted_ones_share_the_table),
		cmocka_unit_test(a_frame_that_is_given_away_leaves_the_table_first),
	};

	return cmocka_run_group_tests_name("xen/follow", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * Bus addresses that come with grant mappings: what a map with GNTMAP_device_map makes and an unmap
 * takes away, in one hypercall each, and what becomes of an address afterwards.
 */
#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define BFNS   64u
#define FROM   60u /* four addresses */
#define BOTH   (GNTMAP_host_map | GNTMAP_device_map)
#define OTHER  2u
#define NOBODY UINT64_MAX

struct scene {
	struct world w;
	struct xen_domain *d, *other;
	uint64_t foreign;
};

static void set_up(struct scene *s, bool lazy)
{
	const struct xen_device_config like = {
		.bfns = BFNS, .grants_from = FROM, .grants_lazy = lazy};

	memset(s, 0, sizeof(*s));
	world_init(&s->w, 512, NULL);
	s->d = world_domain(&s->w, 1, true);
	s->other = world_domain(&s->w, OTHER, false);
	assert_int_equal(world_device_as(&s->w, s->d, &like), 0);
	s->foreign = guest_mfn(s->other, free_pfn(s->other, 4));
	for (unsigned ref = 8; ref < 16; ref++)
		grant_access(s->other, ref, s->d, s->foreign, 0);
}

static void tear_down(struct scene *s)
{
	world_fini(&s->w);
}

/* What the device reaches at bus address @at, for reading alone or for both. */
static uint64_t reached(const struct scene *s, uint64_t at, bool write)
{
	const struct world_entry *e = &s->w.iommu.table[at >> PAGE_SHIFT];

	return e->live && e->read && e->write == write ? e->mfn : NOBODY;
}

static int map(struct scene *s, unsigned n, unsigned flags, gnttab_map_grant_ref_t *op)
{
	return map_ref(s->d, OTHER, 8 + n, flags, va_of(hole_pfn(s->d, n)), op);
}

static int unmap(struct scene *s, unsigned n, const gnttab_map_grant_ref_t *op)
{
	return unmap_handle(s->d, op->handle, va_of(hole_pfn(s->d, n)), op->dev_bus_addr);
}

static void a_map_makes_the_entry_with_the_grants_rights_and_tells_its_address(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t ro, rw, cpu_only;
	struct xen_counters c;

	(void)state;
	set_up(&s, false);
	assert_int_equal(map(&s, 0, BOTH | GNTMAP_readonly, &ro), GNTST_okay);
	assert_int_equal(map(&s, 1, BOTH, &rw), GNTST_okay);
	assert_int_equal(map(&s, 2, GNTMAP_host_map, &cpu_only), GNTST_okay);
	assert_in_range(ro.dev_bus_addr >> PAGE_SHIFT, FROM, BFNS - 1);
	assert_in_range(rw.dev_bus_addr >> PAGE_SHIFT, FROM, BFNS - 1);
	assert_int_not_equal(ro.dev_bus_addr, rw.dev_bus_addr);
	assert_int_equal(reached(&s, ro.dev_bus_addr, false), s.foreign);
	assert_int_equal(reached(&s, rw.dev_bus_addr, true), s.foreign);
	assert_int_equal(cpu_only.dev_bus_addr, s.foreign << PAGE_SHIFT);
	assert_int_equal(s.w.iommu.maps, 2);
	xen_counters(s.w.hv, &c);
	assert_int_equal(c.iommu_grants, 2);
	assert_int_equal(c.calls[XEN_HYPERCALL_IOMMU_OP], 0);
	world_check(&s.w);
	tear_down(&s);
}

static void an_unmap_clears_the_entry_and_no_iotlb_has_it_when_the_grant_is_given_up(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;

	(void)state;
	set_up(&s, false);
	assert_int_equal(map(&s, 0, BOTH | GNTMAP_readonly, &op), GNTST_okay);
	assert_int_equal(unmap(&s, 0, &op), GNTST_okay);
	assert_int_equal(reached(&s, op.dev_bus_addr, false), NOBODY);
	assert_int_equal(s.w.iommu.stales, 0);
	assert_int_equal(s.other->grants->active[8].pin, 0);
	assert_int_equal(frame_of(s.w.hv, s.foreign)->count, 2);
	assert_int_equal(unmap(&s, 0, &op), GNTST_bad_handle);
	world_check(&s.w);
	tear_down(&s);
}

/* Each part goes when its own address is named; the other stays. */
static void the_parts_of_a_mapping_go_one_by_one(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;
	const uint64_t wrong = (uint64_t)(BFNS - 1) << PAGE_SHIFT;

	(void)state;
	set_up(&s, false);
	assert_int_equal(map(&s, 0, BOTH, &op), GNTST_okay);
	/* 17: neither another address of the window nor the frame's. */
	assert_int_equal(unmap_handle(s.d, op.handle, 0, wrong), GNTST_general_error);
	assert_int_equal(unmap_handle(s.d, op.handle, 0, s.foreign << PAGE_SHIFT),
			 GNTST_general_error);
	assert_int_equal(unmap_handle(s.d, op.handle, va_of(hole_pfn(s.d, 0)), 0), GNTST_okay);
	assert_int_equal(reached(&s, op.dev_bus_addr, true), s.foreign);
	world_check(&s.w);
	/* 19: the same part twice is nothing. */
	assert_int_equal(unmap_handle(s.d, op.handle, va_of(hole_pfn(s.d, 0)), 0), GNTST_okay);
	assert_int_equal(unmap_handle(s.d, op.handle, 0, op.dev_bus_addr), GNTST_okay);
	assert_int_equal(reached(&s, op.dev_bus_addr, true), NOBODY);
	world_check(&s.w);
	tear_down(&s);
}

static void the_domains_own_addresses_end_where_the_window_begins(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;

	(void)state;
	set_up(&s, false);
	assert_int_equal(map(&s, 0, BOTH, &op), GNTST_okay);
	assert_int_equal(iommu_one(s.d, XEN_IOMMU_UNMAP, 0, op.dev_bus_addr >> PAGE_SHIFT, 0, 1),
			 -EINVAL);
	assert_int_equal(iommu_one(s.d, XEN_IOMMU_MAP, XEN_IOMMU_R, FROM + 1,
				   guest_mfn(s.d, free_pfn(s.d, 4)), 1),
			 -EINVAL);
	assert_int_equal(iommu_one(s.d, XEN_IOMMU_MAP, XEN_IOMMU_R, FROM - 1,
				   guest_mfn(s.d, free_pfn(s.d, 4)), 2),
			 -EINVAL);
	assert_int_equal(iommu_one(s.d, XEN_IOMMU_MAP, XEN_IOMMU_R, FROM - 1,
				   guest_mfn(s.d, free_pfn(s.d, 4)), 1),
			 0);
	world_check(&s.w);
	tear_down(&s);
}

/* Lazily, an address comes again only after a flush; until then its frame is kept. */
static void a_lazy_window_flushes_once_for_all_its_addresses(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;
	uint64_t seen = 0;

	(void)state;
	set_up(&s, true);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(map(&s, 0, BOTH, &op), GNTST_okay);
		seen |= UINT64_C(1) << (op.dev_bus_addr >> PAGE_SHIFT);
		assert_int_equal(unmap(&s, 0, &op), GNTST_okay);
		assert_int_equal(s.w.iommu.flushes, 0);
		assert_int_equal(s.w.iommu.stales, i + 1);
		assert_int_equal(s.other->grants->active[8].pin, 0);
		assert_int_equal(frame_of(s.w.hv, s.foreign)->count, 2 + i + 1);
		world_check(&s.w);
	}
	assert_int_equal(seen, UINT64_C(0xf) << FROM);
	assert_int_equal(map(&s, 0, BOTH, &op), GNTST_okay);
	assert_int_equal(s.w.iommu.flushes, 1);
	assert_int_equal(s.w.iommu.stales, 0);
	assert_int_equal(op.dev_bus_addr >> PAGE_SHIFT, FROM);
	world_check(&s.w);
	tear_down(&s);
}

/* 86 */
static void a_full_window_is_said_and_recovers(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op[5];

	(void)state;
	for (unsigned lazy = 0; lazy < 2; lazy++) {
		set_up(&s, lazy);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(map(&s, i, BOTH, &op[i]), GNTST_okay);
		assert_int_equal(map(&s, 4, BOTH, &op[4]), GNTST_no_device_space);
		assert_int_equal(s.other->grants->active[12].pin, 0);
		assert_int_equal(guest_mfn(s.d, hole_pfn(s.d, 4)), NOBODY);
		world_check(&s.w);
		assert_int_equal(unmap(&s, 2, &op[2]), GNTST_okay);
		assert_int_equal(map(&s, 4, BOTH, &op[4]), GNTST_okay);
		assert_int_equal(op[4].dev_bus_addr, op[2].dev_bus_addr);
		/* The IOMMU's own table may be full, too. */
		assert_int_equal(unmap(&s, 3, &op[3]), GNTST_okay);
		s.w.iommu.full = true;
		assert_int_equal(map(&s, 3, BOTH, &op[3]), GNTST_no_device_space);
		s.w.iommu.full = false;
		world_check(&s.w);
		tear_down(&s);
	}
}

static void a_map_that_fails_for_the_cpu_takes_its_entry_back(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;

	(void)state;
	set_up(&s, false);
	assert_int_equal(map_ref(s.d, OTHER, 8, BOTH, XEN_RESERVED_FIRST, &op),
			 GNTST_general_error);
	for (uint64_t bfn = FROM; bfn < BFNS; bfn++)
		assert_int_equal(reached(&s, bfn << PAGE_SHIFT, true), NOBODY);
	assert_int_equal(frame_of(s.w.hv, s.foreign)->count, 2);
	world_check(&s.w);
	tear_down(&s);
}

static void a_mapping_outlives_the_device_it_was_made_for(void **state)
{
	struct scene s;
	gnttab_map_grant_ref_t op;

	(void)state;
	set_up(&s, true);
	assert_int_equal(map(&s, 0, BOTH, &op), GNTST_okay);
	xen_device_remove(s.w.hv, WORLD_DEVICE);
	world_check(&s.w);
	assert_int_equal(unmap(&s, 0, &op), GNTST_okay);
	assert_int_equal(s.other->grants->active[8].pin, 0);
	assert_int_equal(frame_of(s.w.hv, s.foreign)->count, 2);
	world_check(&s.w);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_map_makes_the_entry_with_the_grants_rights_and_tells_its_address),
		cmocka_unit_test(
			an_unmap_clears_the_entry_and_no_iotlb_has_it_when_the_grant_is_given_up),
		cmocka_unit_test(the_parts_of_a_mapping_go_one_by_one),
		cmocka_unit_test(the_domains_own_addresses_end_where_the_window_begins),
		cmocka_unit_test(a_lazy_window_flushes_once_for_all_its_addresses),
		cmocka_unit_test(a_full_window_is_said_and_recovers),
		cmocka_unit_test(a_map_that_fails_for_the_cpu_takes_its_entry_back),
		cmocka_unit_test(a_mapping_outlives_the_device_it_was_made_for),
	};

	return cmocka_run_group_tests_name("xen/window", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Grants and the IOMMU: mapped ones as targets of entries, and entries that come and go with them.
 * Numbers in comments are rows of the hostile inputs' list.
 */
#include "iommu_fixture.h"

static void a_grant_stays_while_a_device_rests_on_it(void **state)
{
	struct scene *s = *state;
	const uint64_t va = va_of(hole_pfn(s->driver, 0));
	gnttab_map_grant_ref_t wr, ro;

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va, &wr), GNTST_okay);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV | RO, 0, &ro), GNTST_okay);
	assert_int_equal(iommu_one(s->driver, MAP, W, 5, s->foreign, 1), 0);
	assert_int_equal(iommu_one(s->driver, MAP, R, 6, s->foreign, 1), 0);
	assert_int_equal(unmap_handle(s->driver, wr.handle, va, 0), GNTST_general_error);
	assert_int_equal(guest_mfn(s->driver, hole_pfn(s->driver, 0)), s->foreign);
	world_check(&s->w);
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, 5, 0, 1), 0);
	assert_int_equal(unmap_handle(s->driver, wr.handle, va, 0), GNTST_okay);
	assert_int_equal(unmap_handle(s->driver, ro.handle, 0, ro.dev_bus_addr),
			 GNTST_general_error);
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, 6, 0, 1), 0);
	assert_int_equal(unmap_handle(s->driver, ro.handle, 0, ro.dev_bus_addr), GNTST_okay);
	/* 28, 87: the granter may have it back, nobody else may until the flush. */
	assert_int_equal(s->granter->grants->active[8].pin, 0);
	balloon(s->granter, free_pfn(s->granter, 4));
	assert_int_equal(frame(s, s->foreign)->count, 2);
	world_check(&s->w);
	assert_int_equal(iommu_one(s->driver, FLUSH, 0, 0, 0, 0), 0);
	assert_int_equal(frame(s, s->foreign)->count, 0);
}

/*
 * A stale handle proves nothing: its page-table entry was destroyed, the granter gave the frame
 * back, and it came to somebody who granted it readonly.
 */
static void a_handle_of_a_former_owner_gives_no_right(void **state)
{
	struct scene *s = *state;
	const uint64_t va = va_of(hole_pfn(s->driver, 0));
	gnttab_map_grant_ref_t stale, ro;
	uint64_t list[1] = {0};

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va, &stale), GNTST_okay);
	assert_int_equal(update_va(s->driver, va, 0, 0), 0);
	balloon(s->granter, free_pfn(s->granter, 4));
	assert_int_equal(reservation(s->other, XENMEM_increase_reservation, list, 1), 1);
	assert_int_equal(list[0], s->foreign);
	assert_int_equal(iommu_one(s->driver, MAP, W, 5, s->foreign, 1), -EPERM);
	assert_int_equal(iommu_one(s->driver, MAP, W | XEN_IOMMU_GRANT, 5, stale.handle, 1),
			 -EPERM);
	grant_access(s->other, 8, s->driver, s->foreign, GTF_readonly);
	assert_int_equal(map_ref(s->driver, 3, 8, DEV | RO, 0, &ro), GNTST_okay);
	assert_int_equal(iommu_one(s->driver, MAP, W, 5, s->foreign, 1), -EPERM);
	assert_int_equal(iommu_one(s->driver, MAP, R, 5, s->foreign, 1), 0);
	world_check(&s->w);
}

/* Nor does it when the frame has become one's own: what was named is a mapping that is gone. */
static void a_handle_whose_frame_went_elsewhere_names_nothing(void **state)
{
	struct scene *s = *state;
	const uint64_t va = va_of(hole_pfn(s->driver, 0));
	gnttab_map_grant_ref_t stale;
	uint64_t list[1] = {0};

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va, &stale), GNTST_okay);
	assert_int_equal(update_va(s->driver, va, 0, 0), 0);
	balloon(s->granter, free_pfn(s->granter, 4));
	assert_int_equal(reservation(s->driver, XENMEM_increase_reservation, list, 1), 1);
	assert_int_equal(list[0], s->foreign);
	assert_int_equal(iommu_one(s->driver, MAP, R | XEN_IOMMU_GRANT, 5, stale.handle, 1),
			 -EPERM);
	assert_int_equal(iommu_one(s->driver, MAP, R, 5, s->foreign, 1), 0);
	world_check(&s->w);
}

/* ---- grants that reach devices ---- */

static const struct world_entry *entry(struct scene *s)
{
	return &s->w.iommu.table[s->foreign];
}

/* 26, and the count is of handles, over all references. */
static void an_entry_is_as_writable_as_the_handles_are(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t ro, wr, ro2;

	grant_access(s->granter, 8, s->driver, s->foreign, GTF_readonly);
	grant_access(s->granter, 9, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV | RO, 0, &ro), GNTST_okay);
	assert_true(entry(s)->live && entry(s)->read && !entry(s)->write);
	assert_int_equal(map_ref(s->driver, 2, 9, HOST, va_of(hole_pfn(s->driver, 0)), &wr),
			 GNTST_okay);
	assert_true(entry(s)->live && entry(s)->write);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV | RO, 0, &ro2), GNTST_okay);
	world_check(&s->w);
	assert_int_equal(unmap_handle(s->driver, wr.handle, va_of(hole_pfn(s->driver, 0)), 0),
			 GNTST_okay);
	assert_true(entry(s)->live && !entry(s)->write);
	assert_int_equal(s->w.iommu.stales, 0); /* flushed */
	assert_int_equal(unmap_handle(s->driver, ro.handle, 0, ro.dev_bus_addr), GNTST_okay);
	assert_true(entry(s)->live);
	assert_int_equal(unmap_handle(s->driver, ro2.handle, 0, ro2.dev_bus_addr), GNTST_okay);
	assert_false(entry(s)->live);
	assert_int_equal(s->w.iommu.stales, 0);
	assert_int_equal(frame(s, s->foreign)->count, 2);
	world_check(&s->w);
}

/* 19: a partial unmap is none; 20: the entry has references of its own. */
static void an_entry_goes_with_the_whole_handle_and_stands_alone(void **state)
{
	struct scene *s = *state;
	const uint64_t va = va_of(hole_pfn(s->driver, 0));
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | DEV, va, &op), GNTST_okay);
	assert_int_equal(unmap_handle(s->driver, op.handle, va, 0), GNTST_okay);
	assert_true(entry(s)->live);
	assert_int_equal(unmap_handle(s->driver, op.handle, 0, op.dev_bus_addr), GNTST_okay);
	assert_false(entry(s)->live);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va, &op), GNTST_okay);
	assert_int_equal(update_va(s->driver, va, 0, 0), 0);
	assert_int_equal(frame(s, s->foreign)->count, 3);
	balloon(s->granter, free_pfn(s->granter, 4));
	assert_int_equal(frame(s, s->foreign)->count, 1);
	world_check(&s->w);
	xen_domain_kill(s->driver);
	assert_int_equal(frame(s, s->foreign)->count, 0);
}

/* 82, and 5.6 (g): one's own entries are one's own. */
static void entries_of_grants_are_not_the_guests_to_unmap(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_okay);
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, s->foreign, 0, 1), -EPERM);
	assert_int_equal(iommu_one(s->driver, MAP, R, s->foreign, s->own, 1), -EADDRINUSE);
	/* Mapping a grant of one's own touches nothing. */
	assert_int_equal(iommu_one(s->driver, MAP, R, s->own, s->own, 1), 0);
	grant_access(s->driver, 8, s->driver, s->own, 0);
	assert_int_equal(map_ref(s->driver, 1, 8, DEV, 0, &op), GNTST_okay);
	assert_false(s->w.iommu.table[s->own].write);
	assert_int_equal(unmap_handle(s->driver, op.handle, 0, op.dev_bus_addr), GNTST_okay);
	assert_true(s->w.iommu.table[s->own].live);
	world_check(&s->w);
}

static void a_map_that_the_iommu_refuses_is_undone(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	s->w.iommu.full = true;
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va_of(hole_pfn(s->driver, 0)), &op),
			 GNTST_no_device_space);
	assert_int_equal(s->granter->grants->active[8].pin, 0);
	assert_int_equal(frame(s, s->foreign)->count, 2);
	assert_int_equal(s->granter->handles_on, 0);
	s->w.iommu.full = false;
	/* The guest's own entry in the way. */
	assert_int_equal(iommu_one(s->driver, MAP, R, s->foreign, s->own, 1), 0);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_general_error);
	assert_true(entry(s)->live);
	world_check(&s->w);
	/* A host address that does not do: the device's entry goes again. */
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, s->foreign, 0, 1), 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, 0, &op), GNTST_general_error);
	assert_false(entry(s)->live);
	world_check(&s->w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define U(name) cmocka_unit_test_setup_teardown(name, setup_reach, teardown)
		T(a_grant_stays_while_a_device_rests_on_it),
		T(a_handle_of_a_former_owner_gives_no_right),
		T(a_handle_whose_frame_went_elsewhere_names_nothing),
		U(an_entry_is_as_writable_as_the_handles_are),
		U(an_entry_goes_with_the_whole_handle_and_stands_alone),
		U(entries_of_grants_are_not_the_guests_to_unmap),
		U(a_map_that_the_iommu_refuses_is_undone),
	};

	return cmocka_run_group_tests_name("xen/iommu_grants", tests, NULL, NULL);
}

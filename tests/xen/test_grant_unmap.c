// SPDX-License-Identifier: MIT
/*
 * Grant mappings and their ends: unmaps, status by status, and deaths; numbers in comments are rows
 * of the hostile inputs' list.
 */
#include "grant_scene.h"

/* ---- unmap ---- */

/* 15-18: what an unmap can be refused for, or do nothing for. */
static void bad_unmaps_change_nothing(void **state)
{
	struct scene *s = *state;
	const uint64_t va2 = va_of(hole_pfn(s->driver, 1)), va3 = va_of(hole_pfn(s->driver, 2));
	const uint64_t mfn2 = guest_mfn(s->granter, free_pfn(s->granter, 6));
	gnttab_map_grant_ref_t a, b, ro;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	grant_access(s->granter, 9, s->driver, mfn2, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | DEV, s->va, &a), GNTST_okay);
	assert_int_equal(map_ref(s->driver, 2, 9, HOST, va2, &b), GNTST_okay);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, va3, &ro), GNTST_okay);
	const struct {
		const char *what;
		unsigned handle;
		uint64_t host_addr, dev_bus_addr;
		int status;
	} rows[] = {
		{"15: beyond", 200, s->va, 0, GNTST_bad_handle},
		{"15: far beyond", 0xffffffff, s->va, 0, GNTST_bad_handle},
		{"15: free", 100, s->va, 0, GNTST_bad_handle},
		{"16: another's address", a.handle, va2, 0, GNTST_general_error},
		{"16: with the right device address", a.handle, va2, a.dev_bus_addr,
		 GNTST_general_error},
		{"16: readonly handle, writable entry of the frame", ro.handle, s->va, 0,
		 GNTST_general_error},
		{"16: writable handle, readonly entry of the frame", a.handle, va3, 0,
		 GNTST_general_error},
		{"16: an absent entry", a.handle, va_of(hole_pfn(s->driver, 5)), 0,
		 GNTST_general_error},
		{"16: outside", a.handle, 4096, 0, GNTST_general_error},
		{"17: wrong device address", a.handle, 0, mfn2 << 12, GNTST_general_error},
		{"17: the same with the host part", a.handle, s->va, mfn2 << 12,
		 GNTST_general_error},
		{"18: both zero", a.handle, 0, 0, GNTST_okay},
		{"18: both zero", a.handle, 0, 0, GNTST_okay},
		{"a device part that is not there", b.handle, 0, mfn2 << 12, GNTST_okay},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int status = unmap_handle(s->driver, rows[i].handle, rows[i].host_addr,
						rows[i].dev_bus_addr);

		if (status != rows[i].status)
			fail_msg("%s: status %d", rows[i].what, status);
		assert_int_equal(pin_of(s, 8), 0x00010101);
		assert_int_equal(pin_of(s, 9), 0x00000001);
		assert_int_equal(frame(s)->count, 5);
		assert_int_equal(frame(s)->type_count, 3);
		check(s);
	}
}

/* 19: each part goes once. */
static void the_two_parts_of_a_mapping_go_separately_and_once(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | DEV, s->va, &op), GNTST_okay);
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_okay);
	assert_int_equal(pin_of(s, 8), 0x00010000);
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_okay); /* nothing */
	assert_int_equal(pin_of(s, 8), 0x00010000);
	assert_int_equal(frame(s)->count, 3);
	check(s);
	assert_int_equal(unmap_handle(s->driver, op.handle, 0, op.dev_bus_addr), GNTST_okay);
	assert_int_equal(pin_of(s, 8), 0);
	assert_int_equal(unmap_handle(s->driver, op.handle, 0, op.dev_bus_addr), GNTST_bad_handle);
	assert_int_equal(frame(s)->count, 2);
	check(s);
}

/* 20: references go with the entry, once; handle and pin stay until the end. */
static void a_destroyed_entry_takes_its_references_along_and_nothing_else(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &op), GNTST_okay);
	assert_int_equal(update_va(s->driver, s->va, 0, 0), 0);
	assert_int_equal(frame(s)->count, 2);
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_general_error);
	assert_int_equal(pin_of(s, 8), 1);
	assert_int_equal(frame(s)->count, 2);
	check(s);
	/* The granter can get rid of the frame, and somebody else may get it. */
	assert_int_equal(balloon(s->granter, s->page), s->mfn);
	assert_int_equal(frame(s)->count, 0);
	world_check(&s->w);
	xen_domain_kill(s->driver);
	assert_int_equal(pin_of(s, 8), 0);
	assert_int_equal(entry_of(s->granter, 8)->flags, GTF_permit_access);
	check(s);
}

/* More than one batch in a call, a handle twice in one batch. */
static void a_long_unmap_goes_in_batches_and_a_handle_goes_once(void **state)
{
	struct scene *s = *state;
	gnttab_unmap_grant_ref_t ops[80];
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	for (unsigned i = 0; i < 79; i++) {
		assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_okay);
		ops[i] = (gnttab_unmap_grant_ref_t){.dev_bus_addr = op.dev_bus_addr,
						    .handle = op.handle};
	}
	ops[79] = ops[78];
	assert_int_equal(gnttab(s->driver, GNTTABOP_unmap_grant_ref, ops, sizeof(ops[0]), 80), 0);
	for (unsigned i = 0; i < 79; i++)
		assert_int_equal(ops[i].status, GNTST_okay);
	assert_int_equal(ops[79].status, GNTST_bad_handle);
	assert_int_equal(pin_of(s, 8), 0);
	check(s);
}

static void a_mapping_through_an_entrys_address_works_both_ways(void **state)
{
	struct scene *s = *state;
	const uint64_t at = pte_addr(s->driver, hole_pfn(s->driver, 0));
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | GNTMAP_contains_pte, at, &op), GNTST_okay);
	assert_int_equal(guest_mfn(s->driver, hole_pfn(s->driver, 0)), s->mfn);
	/* What was given as an entry is not found as an address. */
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_general_error);
	assert_int_equal(unmap_handle(s->driver, op.handle, at, 0), GNTST_okay);
	check(s);
}

static void mapping_over_a_page_releases_what_was_there(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->driver, 4), mfn = guest_mfn(s->driver, pfn);
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va_of(pfn), &op), GNTST_okay);
	assert_int_equal(frame_of(s->w.hv, mfn)->count, 1);
	assert_int_equal(frame_of(s->w.hv, mfn)->type_count, 0);
	check(s);
}

/* 12: who holds a writable mapping keeps the page from becoming a table. */
static void a_frame_granted_writable_does_not_become_a_page_table(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_okay);
	assert_int_equal(update_va(s->granter, va_of(s->page), 0, 0), 0);
	assert_int_equal(mmuext(s->granter, MMUEXT_PIN_L1_TABLE, s->mfn), -EINVAL);
	assert_int_equal(unmap_handle(s->driver, op.handle, 0, op.dev_bus_addr), GNTST_okay);
	assert_int_equal(mmuext(s->granter, MMUEXT_PIN_L1_TABLE, s->mfn), 0);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_general_error);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV | RO, 0, &op), GNTST_okay);
	check(s);
}

/* ---- deaths ---- */

/* 22: a granter that dies stays while somebody has its pages. */
static void a_dead_granters_mapped_page_stays_readable_until_unmapped(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;
	uint8_t *bytes = guest_page(s->granter, s->page);

	memset(bytes, 0x42, PAGE_BYTES);
	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, s->va, &op), GNTST_okay);
	xen_domain_kill(s->granter);
	world_check(&s->w);
	assert_true(xen_domain_dying(xen_domain_find(s->w.hv, 2)));
	assert_int_equal(xen_domain_tot_pages(xen_domain_find(s->w.hv, 2)), 1);
	assert_int_equal(*(uint8_t *)guest_page(s->driver, hole_pfn(s->driver, 0)), 0x42);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, va_of(hole_pfn(s->driver, 1)), &op),
			 GNTST_bad_domain);
	assert_int_equal(unmap_handle(s->driver, 0, s->va, 0), GNTST_okay);
	assert_null(xen_domain_find(s->w.hv, 2));
	assert_int_equal(bytes[0], 0); /* scrubbed */
	check(s);
}

/* 29 */
static void a_dead_grantee_has_nothing_pinned(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | DEV, s->va, &op), GNTST_okay);
	assert_int_equal(map_ref(s->driver, 2, 8, DEV | RO, 0, &op), GNTST_okay);
	xen_domain_kill(s->driver);
	assert_int_equal(pin_of(s, 8), 0);
	assert_int_equal(entry_of(s->granter, 8)->flags, GTF_permit_access);
	assert_int_equal(frame(s)->count, 2);
	check(s);
}

static void two_that_map_each_other_can_both_die(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->other, 8, s->driver, guest_mfn(s->other, free_pfn(s->other, 3)), 0);
	grant_access(s->driver, 8, s->other, guest_mfn(s->driver, free_pfn(s->driver, 3)), 0);
	assert_int_equal(map_ref(s->driver, 3, 8, HOST | DEV, s->va, &op), GNTST_okay);
	assert_int_equal(map_ref(s->other, 1, 8, HOST | DEV, s->va, &op), GNTST_okay);
	xen_domain_kill(s->driver);
	world_check(&s->w);
	assert_non_null(xen_domain_find(s->w.hv, 1));
	xen_domain_kill(s->other);
	assert_null(xen_domain_find(s->w.hv, 1));
	assert_null(xen_domain_find(s->w.hv, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(bad_unmaps_change_nothing),
		T(the_two_parts_of_a_mapping_go_separately_and_once),
		T(a_destroyed_entry_takes_its_references_along_and_nothing_else),
		T(a_long_unmap_goes_in_batches_and_a_handle_goes_once),
		T(a_mapping_through_an_entrys_address_works_both_ways),
		T(mapping_over_a_page_releases_what_was_there),
		T(a_frame_granted_writable_does_not_become_a_page_table),
		T(a_dead_granters_mapped_page_stays_readable_until_unmapped),
		T(a_dead_grantee_has_nothing_pinned),
		T(two_that_map_each_other_can_both_die),
	};

	return cmocka_run_group_tests_name("xen/grant_unmap", tests, NULL, NULL);
}

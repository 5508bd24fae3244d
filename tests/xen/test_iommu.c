/* SPDX-License-Identifier: MIT */
/* The IOMMU hypercall; numbers in comments are rows of the hostile inputs' list. */
#include "iommu_fixture.h"

static void a_mapping_holds_its_frame_until_the_flush(void **state)
{
	struct scene *s = *state;

	assert_int_equal(iommu_one(s->driver, MAP, RW, 5, s->own, 1), 0);
	assert_true(s->w.iommu.table[5].live && s->w.iommu.table[5].write);
	assert_int_equal(s->w.iommu.table[5].mfn, s->own);
	assert_int_equal(frame(s, s->own)->count, 3);
	assert_int_equal(frame(s, s->own)->type_count, 2);
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, 5, 0, 1), 0);
	assert_false(s->w.iommu.table[5].live);
	assert_int_equal(frame(s, s->own)->count, 3);
	assert_int_equal(frame(s, s->own)->type_count, 2);
	world_check(&s->w);
	assert_int_equal(iommu_one(s->driver, FLUSH, 0, 0, 0, 0), 0);
	assert_int_equal(frame(s, s->own)->count, 2);
	assert_int_equal(frame(s, s->own)->type_count, 1);
	assert_int_equal(s->w.iommu.flushes, 1);
}

/* The frame that was there waits for the flush, the new one is held at once. */
static void a_replacement_holds_both_frames_until_the_flush(void **state)
{
	struct scene *s = *state;
	const uint64_t next = guest_mfn(s->driver, 3);
	const unsigned count = frame(s, next)->count;

	assert_int_equal(iommu_one(s->driver, XEN_IOMMU_REPLACE, RW, 5, s->own, 1), -ENOENT);
	assert_int_equal(iommu_one(s->driver, MAP, RW, 5, s->own, 1), 0);
	assert_int_equal(iommu_one(s->driver, XEN_IOMMU_REPLACE, R, 5, next, 1), 0);
	assert_true(s->w.iommu.table[5].live && !s->w.iommu.table[5].write);
	assert_int_equal(s->w.iommu.table[5].mfn, next);
	assert_int_equal(frame(s, s->own)->count, 3);
	assert_int_equal(frame(s, s->own)->type_count, 2);
	assert_int_equal(frame(s, next)->count, count + 1);
	world_check(&s->w);
	assert_int_equal(iommu_one(s->driver, FLUSH, 0, 0, 0, 0), 0);
	assert_int_equal(frame(s, s->own)->count, 2);
	assert_int_equal(frame(s, s->own)->type_count, 1);
	assert_int_equal(frame(s, next)->count, count + 1);
	/* Refused: what was there is there. */
	assert_int_equal(iommu_one(s->driver, XEN_IOMMU_REPLACE, RW, 5, s->foreign, 1), -EPERM);
	s->w.iommu.full = true;
	assert_int_equal(iommu_one(s->driver, XEN_IOMMU_REPLACE, RW, 5, s->own, 1), -ENOSPC);
	s->w.iommu.full = false;
	assert_int_equal(s->w.iommu.table[5].mfn, next);
	assert_int_equal(frame(s, s->own)->count, 2);
	world_check(&s->w);
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, 5, 0, 1), 0);
	assert_int_equal(iommu_one(s->driver, FLUSH, 0, 0, 0, 0), 0);
}

/* 79-82 and 88 */
static void bad_elements_are_refused_and_change_nothing(void **state)
{
	struct scene *s = *state;
	const uint64_t held = guest_mfn(s->granter, free_pfn(s->granter, 5));
	const uint64_t self = s->own;
	gnttab_map_grant_ref_t op, wr;

	grant_access(s->granter, 8, s->driver, held, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, va_of(hole_pfn(s->driver, 0)), &op),
			 GNTST_okay);
	grant_access(s->granter, 9, s->driver, guest_mfn(s->granter, free_pfn(s->granter, 6)), 0);
	assert_int_equal(map_ref(s->driver, 2, 9, DEV, 0, &wr), GNTST_okay);
	assert_int_equal(iommu_one(s->driver, MAP, R, 10, self, 1), 0);
	const struct {
		const char *what;
		unsigned op, flags;
		uint64_t bfn, frame;
		unsigned count;
		int status;
	} rows[] = {
		{"79: another domain's frame", MAP, R, 1, s->foreign, 1, -EPERM},
		{"80: writable, held readonly", MAP, W, 1, held, 1, -EPERM},
		{"80: writable through a readonly handle", MAP, RW | XEN_IOMMU_GRANT, 1, op.handle,
		 1, -EPERM},
		{"80: own page table, writable", MAP, W, 1, guest_mfn(s->driver, 3), 1, -EBUSY},
		{"80: the hypervisor's frame", MAP, R, 1, xen_m2p(s->w.hv) >> 12, 1, -EPERM},
		{"80: shared_info", MAP, R, 1, guest_mfn(s->driver, 1), 1, -EPERM},
		{"80: the own grant table", MAP, W, 1, s->driver->grants->mfn[0], 1, -EPERM},
		{"80: beyond memory", MAP, R, 1, 512, 1, -EPERM},
		{"80: far beyond memory", MAP, R, 1, UINT64_MAX, 1, -EPERM},
		{"no such handle", MAP, R | XEN_IOMMU_GRANT, 1, 7, 1, -EPERM},
		{"no handle at all", MAP, R | XEN_IOMMU_GRANT, 1, UINT64_C(1) << 32, 1, -EPERM},
		{"a range of a handle", MAP, R | XEN_IOMMU_GRANT, 1, op.handle, 2, -EINVAL},
		{"81: occupied", MAP, RW, 10, self, 1, -EADDRINUSE},
		{"81: beyond the window", MAP, R, 64, self, 1, -EINVAL},
		{"81: ending beyond the window", MAP, R, 63, self, 2, -EINVAL},
		{"81: wraps", MAP, R, UINT64_MAX, self, 2, -EINVAL},
		{"81: none", MAP, R, 1, self, 0, -EINVAL},
		{"81: too many", MAP, R, 1, self, 513, -EINVAL},
		{"81: neither R nor W", MAP, 0, 1, self, 1, -EINVAL},
		{"unknown flag", MAP, R | 8, 1, self, 1, -EINVAL},
		{"82: empty", UNMAP, 0, 1, 0, 1, -ENOENT},
		{"82: flags on an unmap", UNMAP, R, 10, 0, 1, -EINVAL},
		{"82: beyond", UNMAP, 0, 64, 0, 1, -EINVAL},
		{"flags on a flush", FLUSH, R, 0, 0, 0, -EINVAL},
		{"unknown op", 0, 0, 10, 0, 1, -EOPNOTSUPP},
		{"unknown op", 5, R, 1, self, 1, -EOPNOTSUPP},
		{"nothing to replace", XEN_IOMMU_REPLACE, R, 1, self, 1, -ENOENT},
		{"replace without rights", XEN_IOMMU_REPLACE, 0, 1, self, 1, -EINVAL},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned maps = s->w.iommu.maps, unmaps = s->w.iommu.unmaps;
		const int status = iommu_one(s->driver, rows[i].op, rows[i].flags, rows[i].bfn,
					     rows[i].frame, rows[i].count);

		if (status != rows[i].status)
			fail_msg("%s: status %d", rows[i].what, status);
		assert_int_equal(s->w.iommu.maps, maps);
		assert_int_equal(s->w.iommu.unmaps, unmaps);
		world_check(&s->w);
	}
	/* What is allowed. */
	assert_int_equal(iommu_one(s->driver, MAP, R, 1, held, 1), 0);
	assert_int_equal(iommu_one(s->driver, MAP, RW | XEN_IOMMU_GRANT, 2, wr.handle, 1), 0);
	assert_int_equal(iommu_one(s->driver, MAP, R, 3, guest_mfn(s->driver, 3), 1), 0);
	world_check(&s->w);
	/* 82, 88: who has no device, or another. */
	assert_int_equal(call(s->other, XEN_HYPERCALL_IOMMU_OP, va_of(4), 1, 0, 0), -ENODEV);
}

static void the_call_itself_is_checked(void **state)
{
	struct scene *s = *state;
	const struct xen_iommu_op wrong = {.what = UNMAP, .device = 3, .count = 1};
	struct xen_iommu_op *page = guest_page(s->driver, 6);

	*page = wrong;
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, va_of(6), 1, 0, 0), 0);
	assert_int_equal(page->status, -ENODEV);
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, va_of(6), 513, 0, 0), -EINVAL);
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, 0, 1, 0, 0), -EFAULT);
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, XEN_RESERVED_FIRST, 1, 0, 0),
			 -EFAULT);
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, 0, 0, 0, 0), 0);
}

/* A long array goes in parts, a range stops where it must and says where. */
static void ranges_and_arrays_tell_how_far_they_came(void **state)
{
	struct scene *s = *state;
	struct xen_iommu_op *ops = guest_page(s->driver, 6);
	xen_memory_reservation_t r = {.nr_extents = 1, .extent_order = 1, .domid = DOMID_SELF};
	uint64_t first;

	/* Two frames that follow each other, the third not the driver's. */
	r.extent_start.p = (xen_pfn_t *)(uintptr_t)va_of(7);
	assert_int_equal(call_arg(s->driver, __HYPERVISOR_memory_op, XENMEM_increase_reservation,
				  &r, sizeof(r)),
			 1);
	memcpy(&first, guest_page(s->driver, 7), 8);
	assert_ptr_not_equal(frame(s, first + 2)->owner, s->driver);
	ops[0] = (struct xen_iommu_op){.what = MAP,
				       .flags = R,
				       .device = WORLD_DEVICE,
				       .count = 3,
				       .bfn = 20,
				       .frame = first};
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, va_of(6), 1, 0, 0), 0);
	assert_int_equal(ops[0].status, -EPERM);
	assert_int_equal(ops[0].done, 2);
	for (unsigned i = 0; i < 40; i++)
		ops[i] = (struct xen_iommu_op){.what = MAP,
					       .flags = R,
					       .device = WORLD_DEVICE,
					       .count = 1,
					       .bfn = 22 + i,
					       .frame = s->own,
					       .status = 99};
	assert_int_equal(call(s->driver, XEN_HYPERCALL_IOMMU_OP, va_of(6), 40, 0, 0), 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(ops[i].status, 0);
	world_check(&s->w);
}

/* 83, 84 */
static void a_frame_a_device_can_reach_does_not_change_hands_or_kind(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->driver, 4);
	uint64_t list[1] = {s->own};

	grant_accept(s->granter, 8, s->driver);
	assert_int_equal(iommu_one(s->driver, MAP, W, 5, s->own, 1), 0);
	assert_int_equal(update_va(s->driver, va_of(pfn), 0, 0), 0);
	for (unsigned flushed = 0; flushed < 2; flushed++) {
		if (!flushed) /* see below for when it is */
			assert_int_equal(transfer(s->driver, s->own, 2, 8), GNTST_bad_page);
		assert_int_equal(mmuext(s->driver, MMUEXT_PIN_L1_TABLE, s->own), -EINVAL);
		world_check(&s->w);
		if (!flushed)
			assert_int_equal(iommu_one(s->driver, UNMAP, 0, 5, 0, 1), 0);
	}
	/* 87: given back, but not yet anybody's. */
	assert_int_equal(reservation(s->driver, XENMEM_decrease_reservation, list, 1), 1);
	assert_int_equal(frame(s, s->own)->count, 1);
	assert_int_equal(xen_domain_tot_pages(s->driver), 32);
	world_check(&s->w);
	assert_int_equal(iommu_one(s->driver, FLUSH, 0, 0, 0, 0), 0);
	assert_int_equal(frame(s, s->own)->count, 0);
	assert_int_equal(xen_domain_tot_pages(s->driver), 31);
}

/* 85 */
static void a_frame_that_only_waits_for_a_flush_is_flushed_out_to_be_given_away(void **state)
{
	struct scene *s = *state;
	struct xen_counters before, after;
	const uint64_t pfn = free_pfn(s->driver, 4);

	assert_int_equal(iommu_one(s->driver, MAP, RW, 5, s->own, 1), 0);
	assert_int_equal(update_va(s->driver, va_of(pfn), 0, 0), 0);
	grant_accept(s->granter, 20, s->driver);
	/* Still in the table: refused, and nothing is flushed on its account. */
	xen_counters(s->w.hv, &before);
	assert_int_equal(transfer(s->driver, s->own, 2, 20), GNTST_bad_page);
	xen_counters(s->w.hv, &after);
	assert_int_equal(after.iommu_flushes, before.iommu_flushes);
	/* Unmapped, but perhaps in the IOTLB: the hypervisor makes sure, and lets it go. */
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, 5, 0, 1), 0);
	assert_int_equal(s->w.iommu.stales, 1);
	assert_int_equal(transfer(s->driver, s->own, 2, 20), GNTST_okay);
	assert_int_equal(s->w.iommu.stales, 0);
	xen_counters(s->w.hv, &after);
	assert_int_equal(after.iommu_flushes, before.iommu_flushes + 1);
	assert_int_equal(after.iommu_forced_flushes, before.iommu_forced_flushes + 1);
	assert_ptr_equal(frame(s, s->own)->owner, s->granter);
	world_check(&s->w);
}

/* 86 */
static void a_full_table_is_said_and_recovers(void **state)
{
	struct scene *s = *state;

	s->w.iommu.full = true;
	assert_int_equal(iommu_one(s->driver, MAP, RW, 5, s->own, 1), -ENOSPC);
	assert_int_equal(frame(s, s->own)->count, 2);
	world_check(&s->w);
	s->w.iommu.full = false;
	assert_int_equal(iommu_one(s->driver, MAP, RW, 5, s->own, 1), 0);
}

static void too_many_waiting_frames_are_flushed_by_the_hypervisor(void **state)
{
	struct scene *s = *state;
	struct xen_counters c;

	for (unsigned i = 0; i < 65; i++) {
		assert_int_equal(s->w.iommu.flushes, 0);
		assert_int_equal(iommu_one(s->driver, MAP, RW, 5, s->own, 1), 0);
		assert_int_equal(iommu_one(s->driver, UNMAP, 0, 5, 0, 1), 0);
	}
	assert_int_equal(s->w.iommu.flushes, 1);
	assert_int_equal(frame(s, s->own)->count, 2);
	xen_counters(s->w.hv, &c);
	assert_int_equal(c.iommu_forced_flushes, 1);
}

/* 29: the device stops before anything is let go; see the IOMMU's detach(). */
static void a_dying_domains_device_is_detached_and_flushed_first(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->foreign, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va_of(hole_pfn(s->driver, 0)), &op),
			 GNTST_okay);
	assert_int_equal(iommu_one(s->driver, MAP, W, 5, s->foreign, 1), 0);
	assert_int_equal(iommu_one(s->driver, MAP, W, 6, s->own, 1), 0);
	assert_int_equal(iommu_one(s->driver, UNMAP, 0, 6, 0, 1), 0);
	xen_domain_kill(s->driver);
	assert_true(s->w.iommu.detached);
	assert_int_equal(s->w.iommu.flushes, 1);
	assert_int_equal(frame(s, s->foreign)->count, 2);
	assert_null(xen_domain_find(s->w.hv, 1));
	/* The device can be given to another. */
	assert_int_equal(world_device(&s->w, s->other, 64), 0);
	assert_int_equal(world_device(&s->w, s->granter, 64), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_mapping_holds_its_frame_until_the_flush),
		T(a_replacement_holds_both_frames_until_the_flush),
		T(bad_elements_are_refused_and_change_nothing),
		T(the_call_itself_is_checked),
		T(ranges_and_arrays_tell_how_far_they_came),
		T(a_frame_a_device_can_reach_does_not_change_hands_or_kind),
		T(a_frame_that_only_waits_for_a_flush_is_flushed_out_to_be_given_away),
		T(a_full_table_is_said_and_recovers),
		T(too_many_waiting_frames_are_flushed_by_the_hypervisor),
		T(a_dying_domains_device_is_detached_and_flushed_first),
	};

	return cmocka_run_group_tests_name("xen/iommu", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* The IOMMU hypercall and grants that reach devices; numbers in comments are rows of the hostile
 * inputs' list. */
#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define MAP   XEN_IOMMU_MAP
#define UNMAP XEN_IOMMU_UNMAP
#define FLUSH XEN_IOMMU_FLUSH
#define R     XEN_IOMMU_R
#define W     XEN_IOMMU_W
#define RW    (R | W)
#define HOST  GNTMAP_host_map
#define DEV   GNTMAP_device_map
#define RO    GNTMAP_readonly

struct scene {
	struct world w;
	struct xen_domain *driver, *granter, *other;
	uint64_t own, foreign; /* frames of driver and granter */
};

static int setup_with(void **state, bool reach)
{
	static const struct xen_limits limits = {.grant_frames_initial = 1,
						 .grant_frames_max = 1,
						 .preempt_after = 8,
						 .unflushed_max = 64};
	struct xen_domain_config c = {.id = 1,
				      .vcpus = 1,
				      .hardware = true,
				      .pages = 32,
				      .span = 64,
				      .max_pages = 48,
				      .grants_reach_devices = reach};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_init(&s->w, 512, &limits);
	assert_int_equal(xen_domain_create(s->w.hv, &c, &s->driver), 0);
	s->granter = world_domain(&s->w, 2, false);
	s->other = world_domain(&s->w, 3, true);
	assert_int_equal(world_device(&s->w, s->driver, reach ? 512 : 64), 0);
	s->own = guest_mfn(s->driver, free_pfn(s->driver, 4));
	s->foreign = guest_mfn(s->granter, free_pfn(s->granter, 4));
	*state = s;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, false);
}

static int setup_reach(void **state)
{
	return setup_with(state, true);
}

static int teardown(void **state)
{
	struct scene *s = *state;

	world_fini(&s->w);
	free(s);
	return 0;
}

static const struct frame *frame(struct scene *s, uint64_t mfn)
{
	return frame_of(s->w.hv, mfn);
}

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
		T(a_mapping_holds_its_frame_until_the_flush),
		T(a_replacement_holds_both_frames_until_the_flush),
		T(bad_elements_are_refused_and_change_nothing),
		T(the_call_itself_is_checked),
		T(ranges_and_arrays_tell_how_far_they_came),
		T(a_frame_a_device_can_reach_does_not_change_hands_or_kind),
		T(a_frame_that_only_waits_for_a_flush_is_flushed_out_to_be_given_away),
		T(a_grant_stays_while_a_device_rests_on_it),
		T(a_handle_of_a_former_owner_gives_no_right),
		T(a_handle_whose_frame_went_elsewhere_names_nothing),
		T(a_full_table_is_said_and_recovers),
		T(too_many_waiting_frames_are_flushed_by_the_hypervisor),
		T(a_dying_domains_device_is_detached_and_flushed_first),
		U(an_entry_is_as_writable_as_the_handles_are),
		U(an_entry_goes_with_the_whole_handle_and_stands_alone),
		U(entries_of_grants_are_not_the_guests_to_unmap),
		U(a_map_that_the_iommu_refuses_is_undone),
	};

	return cmocka_run_group_tests_name("xen/iommu", tests, NULL, NULL);
}

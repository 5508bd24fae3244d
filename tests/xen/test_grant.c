// SPDX-License-Identifier: MIT
/*
 * Grant tables: maps, status by status; numbers in comments are rows of the hostile inputs' list.
 */
#include "grant_scene.h"

/* ---- map ---- */

static void a_writable_map_pins_types_and_lets_the_cpu_through(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &op), GNTST_okay);
	assert_int_equal(op.dev_bus_addr, s->mfn << 12);
	assert_int_equal(pin_of(s, 8), 0x00000001);
	assert_int_equal(entry_of(s->granter, 8)->flags, GTF_permit_access | R_BUSY | W_BUSY);
	assert_int_equal(frame(s)->count, 3);
	assert_int_equal(frame(s)->type_count, 2);
	memset(guest_page(s->driver, hole_pfn(s->driver, 0)), 0x77, 16);
	assert_int_equal(*(uint8_t *)guest_page(s->granter, s->page), 0x77);
	check(s);
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_okay);
	assert_int_equal(entry_of(s->granter, 8)->flags, GTF_permit_access);
	assert_int_equal(frame(s)->count, 2);
	assert_int_equal(guest_mfn(s->driver, hole_pfn(s->driver, 0)), UINT64_MAX);
	check(s);
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_bad_handle);
}

static void pins_are_counted_by_kind(void **state)
{
	static const struct {
		unsigned flags;
		uint32_t pin;
		uint32_t count, types;
	} rows[] = {
		{HOST, 0x00000001, 3, 2},       {HOST | RO, 0x00000100, 3, 1},
		{DEV, 0x00010000, 3, 2},        {DEV | RO, 0x01000000, 3, 1},
		{HOST | DEV, 0x00010001, 4, 3}, {HOST | DEV | RO, 0x01000100, 4, 1},
	};
	struct scene *s = *state;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gnttab_map_grant_ref_t op;

		assert_int_equal(map_ref(s->driver, 2, 8, rows[i].flags, s->va, &op), GNTST_okay);
		assert_int_equal(pin_of(s, 8), rows[i].pin);
		assert_int_equal(frame(s)->count, rows[i].count);
		assert_int_equal(frame(s)->type_count, rows[i].types);
		check(s);
		assert_int_equal(unmap_handle(s->driver, op.handle,
					      rows[i].flags & HOST ? s->va : 0,
					      rows[i].flags & DEV ? op.dev_bus_addr : 0),
				 GNTST_okay);
		assert_int_equal(pin_of(s, 8), 0);
		assert_int_equal(frame(s)->count, 2);
		check(s);
	}
}

/* 2-7, 10, 11, 21: everything that a map can be refused for. */
static void bad_maps_are_refused_and_leave_nothing(void **state)
{
	struct scene *s = *state;
	const uint64_t table = guest_mfn(s->granter, 3);
	const uint64_t foreign = guest_mfn(s->other, free_pfn(s->other, 1));
	const uint64_t own_l1 = xen_domain_l1(s->driver);
	const struct {
		const char *what;
		unsigned dom, ref, flags;
		uint64_t host_addr;
		int status;
	} rows[] = {
		{"2: no kind of mapping", 2, 8, 0, s->va, GNTST_bad_gntref},
		{"2: only readonly", 2, 8, RO, s->va, GNTST_bad_gntref},
		{"3: beyond the table", 2, 512, HOST, s->va, GNTST_bad_gntref},
		{"3: far beyond the table", 2, 0xffffffff, HOST, s->va, GNTST_bad_gntref},
		{"4: granted to another", 2, 9, HOST, s->va, GNTST_general_error},
		{"5: writable of a readonly grant", 2, 10, HOST, s->va, GNTST_general_error},
		{"5: the same for a device", 2, 10, DEV, 0, GNTST_general_error},
		{"6: accept_transfer", 2, 11, HOST, s->va, GNTST_general_error},
		{"6: never granted", 2, 12, HOST, s->va, GNTST_general_error},
		{"7: self", DOMID_SELF, 8, HOST, s->va, GNTST_bad_domain},
		{"7: io", DOMID_IO, 8, HOST, s->va, GNTST_bad_domain},
		{"7: xen", DOMID_XEN, 8, HOST, s->va, GNTST_bad_domain},
		{"7: no domain", 0x7fff, 8, HOST, s->va, GNTST_bad_domain},
		{"7: not there", 9, 8, HOST, s->va, GNTST_bad_domain},
		{"10: another domain's frame", 2, 13, HOST, s->va, GNTST_general_error},
		{"10: the hypervisor's frame", 2, 14, HOST, s->va, GNTST_general_error},
		{"10: beyond memory", 2, 15, HOST, s->va, GNTST_general_error},
		{"10: 0xffffffff", 2, 16, HOST | RO, s->va, GNTST_general_error},
		{"10: a free frame", 2, 18, HOST | RO, s->va, GNTST_general_error},
		{"11: page table, writable", 2, 17, HOST, s->va, GNTST_general_error},
		{"11: page table, writable by device", 2, 17, DEV, 0, GNTST_general_error},
		{"21: hypervisor's range", 2, 8, HOST, XEN_RESERVED_FIRST, GNTST_general_error},
		{"21: address 0", 2, 8, HOST, 0, GNTST_general_error},
		{"21: beyond the direct map", 2, 8, HOST, va_of(64), GNTST_general_error},
		{"21: pte in a foreign table", 2, 8, HOST | GNTMAP_contains_pte,
		 xen_domain_l1(s->other), GNTST_general_error},
		{"21: pte in no table", 2, 8, HOST | GNTMAP_contains_pte,
		 guest_mfn(s->driver, free_pfn(s->driver, 1)) << 12, GNTST_general_error},
		{"21: pte misaligned", 2, 8, HOST | GNTMAP_contains_pte, own_l1 + 12,
		 GNTST_general_error},
		{"21: pte beyond memory", 2, 8, HOST | GNTMAP_contains_pte, UINT64_C(1) << 50,
		 GNTST_general_error},
	};

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	grant_access(s->granter, 9, s->other, s->mfn, 0);
	grant_access(s->granter, 10, s->driver, s->mfn, GTF_readonly);
	grant_accept(s->granter, 11, s->driver);
	grant_access(s->granter, 13, s->driver, foreign, 0);
	grant_access(s->granter, 14, s->driver, xen_m2p(s->w.hv) >> 12, 0);
	grant_access(s->granter, 15, s->driver, 512, 0);
	grant_access(s->granter, 16, s->driver, 0xffffffff, 0);
	grant_access(s->granter, 17, s->driver, table, 0);
	grant_access(s->granter, 18, s->driver, balloon(s->granter, free_pfn(s->granter, 8)), 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gnttab_map_grant_ref_t op;
		const uint16_t flags =
			rows[i].ref < 512 ? entry_of(s->granter, rows[i].ref)->flags : 0;
		const int status = map_ref(s->driver, rows[i].dom, rows[i].ref, rows[i].flags,
					   rows[i].host_addr, &op);

		if (status != rows[i].status)
			fail_msg("%s: status %d", rows[i].what, status);
		if (rows[i].ref < 512)
			assert_int_equal(entry_of(s->granter, rows[i].ref)->flags, flags);
		assert_int_equal(s->driver->grants->live, 0);
		assert_int_equal(s->granter->handles_on, 0);
		world_check(&s->w);
	}
}

/* 5, 11: what a readonly map may have. */
static void readonly_maps_of_readonly_grants_and_page_tables_are_fine(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	grant_access(s->granter, 8, s->driver, s->mfn, GTF_readonly);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, s->va, &op), GNTST_okay);
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_okay);
	grant_access(s->granter, 9, s->driver, guest_mfn(s->granter, 3), 0);
	assert_int_equal(map_ref(s->driver, 2, 9, HOST | RO, s->va, &op), GNTST_okay);
	check(s);
}

/* 1 and 30-34: answers of the call as a whole. */
static void the_call_itself_is_checked_first(void **state)
{
	struct scene *s = *state;
	const uint64_t at = va_of(free_pfn(s->driver, 0));
	const uint64_t op = __HYPERVISOR_grant_table_op;

	assert_int_equal(call(s->granter, op, GNTTABOP_map_grant_ref, at, 1, 0), -EPERM);
	assert_int_equal(call(s->granter, op, GNTTABOP_unmap_grant_ref, at, 1, 0), -EPERM);
	assert_int_equal(call(s->granter, op, GNTTABOP_transfer, at, 0, 0), -EPERM);
	assert_int_equal(call(s->granter, op, GNTTABOP_copy, at, 0, 0), 0);
	assert_int_equal(call(s->driver, op, GNTTABOP_map_grant_ref, at, 513, 0), -EINVAL);
	assert_int_equal(call(s->driver, op, GNTTABOP_map_grant_ref, at, 0x80000000, 0), -EINVAL);
	assert_int_equal(call(s->driver, op, GNTTABOP_map_grant_ref, at, 0, 0), 0);
	assert_int_equal(call(s->driver, op, GNTTABOP_map_grant_ref, 0, 1, 0), -EFAULT);
	assert_int_equal(call(s->driver, op, GNTTABOP_map_grant_ref, XEN_RESERVED_FIRST - 8, 1, 0),
			 -EFAULT);
	assert_int_equal(call(s->driver, op, GNTTABOP_map_grant_ref, UINT64_MAX - 7, 1, 0),
			 -EFAULT);
	assert_int_equal(call(s->driver, op, 3, at, 1, 0), -ENOSYS);
	assert_int_equal(call(s->driver, op, 99, at, 1, 0), -ENOSYS);
	assert_int_equal(call(s->driver, op, GNTTABOP_setup_table, at, 2, 0), -EINVAL);
	assert_int_equal(call(s->driver, op, GNTTABOP_query_size, at, 0, 0), -EINVAL);
}

/* 31: the last of three elements lies on an absent page. */
static void elements_before_a_fault_are_done(void **state)
{
	struct scene *s = *state;
	const uint64_t last = hole_pfn(s->driver, 0) - 1; /* the last page there is */
	const uint64_t at = va_of(last + 1) - 2 * sizeof(gnttab_map_grant_ref_t);
	gnttab_map_grant_ref_t *ops =
		(void *)((uint8_t *)guest_page(s->driver, last) + PAGE_BYTES - 2 * sizeof(*ops));

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	for (unsigned i = 0; i < 2; i++)
		ops[i] = (gnttab_map_grant_ref_t){.host_addr = va_of(hole_pfn(s->driver, 2 + i)),
						  .flags = HOST,
						  .ref = 8,
						  .dom = 2,
						  .status = 99};
	assert_int_equal(
		call(s->driver, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, at, 3, 0),
		-EFAULT);
	assert_int_equal(ops[0].status, GNTST_okay);
	assert_int_equal(ops[1].status, GNTST_okay);
	assert_int_equal(pin_of(s, 8), 2);
	check(s);
}

/* 31: the result cannot be written, so nothing may live that nobody knows. */
static void a_map_whose_result_is_lost_is_undone(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->driver, 2);
	gnttab_map_grant_ref_t *op = guest_page(s->driver, pfn);

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	*op = (gnttab_map_grant_ref_t){.host_addr = s->va, .flags = HOST | DEV, .ref = 8, .dom = 2};
	assert_int_equal(
		update_va(s->driver, va_of(pfn), guest_mfn(s->driver, pfn) << 12 | 0x65, 0), 0);
	assert_int_equal(call(s->driver, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
			      va_of(pfn), 1, 0),
			 -EFAULT);
	assert_int_equal(pin_of(s, 8), 0);
	assert_int_equal(s->driver->grants->live, 0);
	check(s);
}

/* 9, 23, 24: once pinned, the hypervisor's copy is what counts. */
static void the_shared_entry_is_not_believed_while_pinned(void **state)
{
	struct scene *s = *state;
	const uint64_t second = guest_mfn(s->granter, free_pfn(s->granter, 6));
	gnttab_map_grant_ref_t a, b;

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &a), GNTST_okay);
	entry_of(s->granter, 8)->frame = (uint32_t)second;
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, va_of(hole_pfn(s->driver, 1)), &b),
			 GNTST_okay);
	assert_int_equal(b.dev_bus_addr, s->mfn << 12);
	/* Cleared under the mapping: it stays, and its end hurts nobody. */
	entry_of(s->granter, 8)->flags = 0;
	world_check(&s->w);
	assert_int_equal(unmap_handle(s->driver, a.handle, s->va, 0), GNTST_okay);
	assert_int_equal(unmap_handle(s->driver, b.handle, va_of(hole_pfn(s->driver, 1)), 0),
			 GNTST_okay);
	assert_int_equal(entry_of(s->granter, 8)->flags, 0);
	/* Bits that are the hypervisor's, set by the guest: ignored, and gone afterwards. */
	grant_access(s->granter, 8, s->driver, s->mfn, R_BUSY | W_BUSY);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, s->va, &a), GNTST_okay);
	assert_int_equal(unmap_handle(s->driver, a.handle, s->va, 0), GNTST_okay);
	assert_int_equal(entry_of(s->granter, 8)->flags, GTF_permit_access);
	check(s);
}

struct flipper {
	struct scene *s;
	uint16_t domid;
	unsigned times;
};

static void flip(void *ctx)
{
	struct flipper *f = ctx;

	if (f->times != 0) {
		entry_of(f->s->granter, 8)->flags ^= GTF_PWT;
		f->times--;
	}
}

/* 8: four changes are survived, the fifth is not; either way in bounded time. */
static void an_entry_that_keeps_changing_is_given_up_after_five_tries(void **state)
{
	struct scene *s = *state;
	struct flipper f = {.s = s};
	gnttab_map_grant_ref_t op;

	s->w.hv->race = flip;
	s->w.hv->race_ctx = &f;
	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	f.times = 5; /* one of them after the arguments were copied */
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &op), GNTST_okay);
	f.times = 0;
	assert_int_equal(unmap_handle(s->driver, op.handle, s->va, 0), GNTST_okay);
	f.times = 1000;
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &op), GNTST_general_error);
	assert_int_equal(f.times, 1000 - 6);
	s->w.hv->race = NULL;
	check(s);
}

/* The arguments change after they were copied: the copy is what is carried out. */
static void rewrite(void *ctx)
{
	struct scene *s = ctx;
	gnttab_map_grant_ref_t *op = guest_page(s->driver, free_pfn(s->driver, 0));

	op->dom = 3;
	op->ref = 77;
	op->host_addr = XEN_RESERVED_FIRST;
}

static void arguments_are_read_once(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;

	s->w.hv->race = rewrite;
	s->w.hv->race_ctx = s;
	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &op), GNTST_okay);
	s->w.hv->race = NULL;
	assert_int_equal(op.dom, 2); /* the copy was written back */
	assert_int_equal(pin_of(s, 8), 1);
	check(s);
}

/* 13 and 14: counters stop at 128, handles at the limit; both recover. */
static void counters_and_handles_end_before_they_wrap(void **state)
{
	struct scene *s = *state;
	gnttab_map_grant_ref_t op;
	unsigned handles[200];

	grant_access(s->granter, 8, s->driver, s->mfn, 0);
	grant_access(s->granter, 9, s->driver, s->mfn, 0);
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_okay);
		handles[i] = op.handle;
	}
	assert_int_equal(map_ref(s->driver, 2, 8, DEV, 0, &op), GNTST_general_error);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST | RO, s->va, &op), GNTST_general_error);
	assert_int_equal(pin_of(s, 8), 0x00800000);
	for (unsigned i = 128; i < 200; i++) {
		assert_int_equal(map_ref(s->driver, 2, 9, DEV | RO, 0, &op), GNTST_okay);
		handles[i] = op.handle;
	}
	assert_int_equal(map_ref(s->driver, 2, 9, DEV | RO, 0, &op), GNTST_no_device_space);
	check(s);
	/* Others have handles of their own. */
	grant_access(s->granter, 10, s->other, s->mfn, 0);
	assert_int_equal(map_ref(s->other, 2, 10, DEV, 0, &op), GNTST_okay);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(unmap_handle(s->driver, handles[i], 0, s->mfn << 12), GNTST_okay);
	assert_int_equal(map_ref(s->driver, 2, 8, HOST, s->va, &op), GNTST_okay);
	check(s);
}

/* ---- setup_table, query_size ---- */

static void tables_grow_to_the_limit_and_answer_in_order(void **state)
{
	struct scene *s = *state;
	const uint64_t list = va_of(free_pfn(s->driver, 1));
	const struct {
		unsigned dom, frames;
		uint64_t list;
		int status;
	} rows[] = {
		{DOMID_SELF, 3, list, GNTST_general_error}, /* 33 */
		{DOMID_SELF, 0xffffffff, list, GNTST_general_error},
		{2, 3, list, GNTST_general_error}, /* before the domain is looked at */
		{2, 1, list, GNTST_permission_denied},
		{55, 1, list, GNTST_permission_denied},
		{DOMID_SELF, 0, list, GNTST_okay},
		{DOMID_SELF, 2, XEN_RESERVED_FIRST, GNTST_bad_virt_addr},
		{DOMID_SELF, 2, list, GNTST_okay},
		{DOMID_SELF, 1, list, GNTST_okay}, /* does not shrink */
	};
	const uint64_t *frames = guest_page(s->driver, free_pfn(s->driver, 1));
	gnttab_query_size_t size = {.dom = DOMID_SELF};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gnttab_setup_table_t op = {.dom = (domid_t)rows[i].dom,
					   .nr_frames = rows[i].frames};

		op.frame_list.p = (xen_pfn_t *)(uintptr_t)rows[i].list;
		assert_int_equal(gnttab(s->driver, GNTTABOP_setup_table, &op, sizeof(op), 1), 0);
		if (op.status != rows[i].status)
			fail_msg("row %u: status %d", i, op.status);
		world_check(&s->w);
	}
	assert_int_equal(gnttab(s->driver, GNTTABOP_query_size, &size, sizeof(size), 1), 0);
	assert_int_equal(size.status, GNTST_okay);
	assert_int_equal(size.nr_frames, 2);
	assert_int_equal(size.max_nr_frames, 2);
	/* The frames can be mapped, and are what the hypervisor reads. */
	assert_int_equal(update_va(s->driver, s->va, frames[1] << 12 | 0x67, 0), 0);
	assert_ptr_equal(guest_page(s->driver, hole_pfn(s->driver, 0)), entry_of(s->driver, 512));
	/* They are not the guest's to give away. */
	assert_int_equal(transfer(s->driver, frames[1], 2, 0), GNTST_bad_page);
	uint64_t mfn = frames[1];
	assert_int_equal(reservation(s->driver, XENMEM_decrease_reservation, &mfn, 1), 0);
	check(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_writable_map_pins_types_and_lets_the_cpu_through),
		T(pins_are_counted_by_kind),
		T(bad_maps_are_refused_and_leave_nothing),
		T(readonly_maps_of_readonly_grants_and_page_tables_are_fine),
		T(the_call_itself_is_checked_first),
		T(elements_before_a_fault_are_done),
		T(a_map_whose_result_is_lost_is_undone),
		T(the_shared_entry_is_not_believed_while_pinned),
		T(an_entry_that_keeps_changing_is_given_up_after_five_tries),
		T(arguments_are_read_once),
		T(counters_and_handles_end_before_they_wrap),
		T(tables_grow_to_the_limit_and_answer_in_order),
	};

	return cmocka_run_group_tests_name("xen/grant", tests, NULL, NULL);
}

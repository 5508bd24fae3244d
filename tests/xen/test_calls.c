// SPDX-License-Identifier: MIT
/*
 * Page-table updates, reservations, exchanges, multicalls, continuations; numbers in comments are
 * rows of the hostile inputs' list.
 */
#include "world.h"

#include "xen/impl.h"

struct scene {
	struct world w;
	struct xen_domain *dom0, *d, *other;
	uint64_t mfn, table; /* a page of d's, and its direct map's first table */
};

static int setup(void **state)
{
	static const struct xen_limits limits = {
		.grant_frames_initial = 1, .grant_frames_max = 1, .preempt_after = 8};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_init(&s->w, 512, &limits);
	s->dom0 = world_domain(&s->w, 0, true);
	s->d = world_domain(&s->w, 1, false);
	s->other = world_domain(&s->w, 2, true);
	s->mfn = guest_mfn(s->d, free_pfn(s->d, 4));
	s->table = guest_mfn(s->d, 3);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	world_fini(&s->w);
	free(s);
	return 0;
}

/* ---- page tables ---- */

/* 49-51 */
static void bad_updates_are_refused_and_counted_right(void **state)
{
	struct scene *s = *state;
	const uint64_t hole = pte_addr(s->d, hole_pfn(s->d, 0));
	const uint64_t foreign = guest_mfn(s->other, free_pfn(s->other, 1));
	const struct {
		const char *what;
		uint64_t ptr, val;
		unsigned foreign;
		long ret;
	} rows[] = {
		{"49: machphys of a foreign frame", foreign << 12 | 1, 7, DOMID_SELF, -EINVAL},
		{"49: of the hypervisor's", xen_m2p(s->w.hv) | 1, 7, DOMID_SELF, -EINVAL},
		{"49: beyond memory", UINT64_C(512) << 12 | 1, 7, DOMID_SELF, -EINVAL},
		{"50: a foreign frame", hole, foreign << 12 | 0x65, DOMID_SELF, -EINVAL},
		{"50: writable, a page table", hole, s->table << 12 | 0x67, DOMID_SELF, -EINVAL},
		{"50: the hypervisor's", hole, xen_m2p(s->w.hv) | 0x65, DOMID_SELF, -EINVAL},
		{"50: beyond memory", hole, UINT64_C(0xffffffffff) << 12 | 0x65, DOMID_SELF,
		 -EINVAL},
		{"a global entry", hole, s->mfn << 12 | 0x165, DOMID_SELF, -EINVAL},
		{"an entry in a foreign table", pte_addr(s->other, 40), 0, DOMID_SELF, -EINVAL},
		{"an entry beyond memory", UINT64_C(1) << 50, 0, DOMID_SELF, -EINVAL},
		{"unknown command 2", hole | 2, 0, DOMID_SELF, -ENOSYS},
		{"unknown command 7", hole | 7, 0, DOMID_SELF, -ENOSYS},
		{"51: another domain", hole, 0, 2, -ESRCH},
		{"51: the own number", hole, 0, 1, -ESRCH},
		{"51: nobody", hole, 0, 0x7fff, -ESRCH},
		{"no frame is the I/O domain's", hole, s->mfn << 12 | 0x65, DOMID_IO, -EINVAL},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned done;
		const long ret = mmu_update(s->d, rows[i].ptr, rows[i].val, rows[i].foreign, &done);

		if (ret != rows[i].ret)
			fail_msg("%s: %ld", rows[i].what, ret);
		assert_int_equal(done, ret == -ESRCH ? 0xffffffff : 0);
		assert_int_equal(guest_mfn(s->d, hole_pfn(s->d, 0)), UINT64_MAX);
		world_check(&s->w);
	}
	assert_int_equal(update_va(s->d, XEN_RESERVED_FIRST, 0, 0), -EINVAL);
	assert_int_equal(update_va(s->d, 0, 0, 0), -EINVAL);
	assert_int_equal(update_va(s->d, va_of(64), 0, 0), -EINVAL);
	assert_int_equal(update_va(s->d, va_of(40), foreign << 12 | 0x65, 0), -EINVAL);
	assert_int_equal(call(s->d, __HYPERVISOR_update_va_mapping_otherdomain, va_of(40),
			      foreign << 12 | 0x65, 0, 2),
			 -ESRCH);
	world_check(&s->w);
}

static void an_update_moves_the_references(void **state)
{
	struct scene *s = *state;
	const uint64_t va = va_of(hole_pfn(s->d, 0));
	const struct frame *f = frame_of(s->w.hv, s->mfn);
	unsigned done;

	assert_int_equal(mmu_update(s->d, pte_addr(s->d, hole_pfn(s->d, 0)), s->mfn << 12 | 0x67,
				    DOMID_SELF, &done),
			 0);
	assert_int_equal(done, 1);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->type_count, 2);
	assert_int_equal(update_va(s->d, va, s->mfn << 12 | 0x65, 0), 0);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->type_count, 1);
	assert_int_equal(update_va(s->d, va, s->mfn << 12 | 0x25, UVMF_INVLPG), 0);
	assert_int_equal(update_va(s->d, va, 0x66, 0), 0); /* absent: other bits are the guest's */
	assert_int_equal(f->count, 2);
	world_check(&s->w);
	/* Where there is no table, an update is a store, to what may be written. */
	assert_int_equal(mmu_update(s->d, s->mfn << 12, 0x1234567890, DOMID_SELF, NULL), 0);
	assert_int_equal(*(uint64_t *)guest_page(s->d, free_pfn(s->d, 4)), 0x1234567890);
	/* A privileged domain may map another's frame, and name it. */
	assert_int_equal(call(s->dom0, __HYPERVISOR_update_va_mapping_otherdomain, va_of(40),
			      s->mfn << 12 | 0x67, 0, 1),
			 0);
	assert_int_equal(f->count, 3);
	assert_int_equal(mmu_update(s->dom0, s->mfn << 12 | 1, 77, 1, NULL), 0);
	assert_int_equal(m2p_get(s->w.hv, s->mfn), 77);
	world_check(&s->w);
	/* A bitmap of vCPUs that cannot be read: the update is done all the same. */
	assert_int_equal(update_va(s->d, va, s->mfn << 12 | 0x65, UVMF_TLB_FLUSH | 0x1000),
			 -EFAULT);
	assert_int_equal(guest_mfn(s->d, hole_pfn(s->d, 0)), s->mfn);
}

/* 56, and everything else that writes results: not over a page that the guest may not write. */
static void results_are_not_written_over_page_tables(void **state)
{
	struct scene *s = *state;
	const uint64_t table_va = va_of(3);
	const uint64_t before = *(uint64_t *)memory_ptr(s->w.board, pte_addr(s->d, 0), 8);
	uint8_t *page = guest_page(s->d, free_pfn(s->d, 0));
	xen_memory_reservation_t r = {.nr_extents = 1, .domid = DOMID_SELF};

	assert_int_equal(call(s->d, __HYPERVISOR_mmu_update, va_of(4), 0, table_va, DOMID_SELF),
			 -EFAULT);
	r.extent_start.p = (xen_pfn_t *)(uintptr_t)table_va;
	memcpy(page, &r, sizeof(r));
	assert_int_equal(
		call(s->d, __HYPERVISOR_memory_op, XENMEM_increase_reservation, va_of(4), 0, 0), 0);
	assert_int_equal(*(uint64_t *)memory_ptr(s->w.board, pte_addr(s->d, 0), 8), before);
	world_check(&s->w);
}

/* 52: the mark of a continuation is the guest's to forge. */
static void a_forged_continuation_changes_only_what_is_reported(void **state)
{
	struct scene *s = *state;
	uint8_t *page = guest_page(s->d, free_pfn(s->d, 0));
	const uint64_t at = va_of(free_pfn(s->d, 0));
	const mmu_update_t req = {pte_addr(s->d, 40), guest_mfn(s->other, 5) << 12 | 0x65};
	unsigned done = 1000;
	uint64_t list[1] = {s->mfn};

	memcpy(page, &req, sizeof(req));
	memcpy(page + 1024, &done, 4);
	assert_int_equal(call(s->d, __HYPERVISOR_mmu_update, at, 0x80000001, at + 1024, DOMID_SELF),
			 -EINVAL);
	memcpy(&done, page + 1024, 4);
	assert_int_equal(done, 1000);
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation | 5 << 4, list, 1), 5);
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation | 1 << 4, list, 1), 1);
	assert_int_equal(frame_of(s->w.hv, s->mfn)->flags, FRAME_ALLOCATED);
	assert_int_equal(call(s->d, __HYPERVISOR_memory_op,
			      XENMEM_decrease_reservation | UINT64_MAX << 4, at, 0, 0),
			 (long)(UINT64_MAX >> 4));
}

/* More elements than fit before a preemption point, directly and within a multicall. */
static void long_calls_are_continued_where_they_were(void **state)
{
	struct scene *s = *state;
	mmu_update_t *reqs = guest_page(s->d, free_pfn(s->d, 2));
	multicall_entry_t *calls = guest_page(s->d, free_pfn(s->d, 3));
	uint64_t list[16];
	uint32_t *done = guest_page(s->d, free_pfn(s->d, 1));
	struct xen_counters before, after;

	for (unsigned i = 0; i < 30; i++)
		reqs[i] = (mmu_update_t){pte_addr(s->d, 34 + i), s->mfn << 12 | 0x65};
	xen_counters(s->w.hv, &before);
	assert_int_equal(call(s->d, __HYPERVISOR_mmu_update, va_of(free_pfn(s->d, 2)), 30,
			      va_of(free_pfn(s->d, 1)), DOMID_SELF),
			 0);
	xen_counters(s->w.hv, &after);
	assert_int_equal(*done, 30);
	assert_int_equal(after.hypercalls - before.hypercalls, 4); /* 8 + 8 + 8 + 6 */
	assert_int_equal(frame_of(s->w.hv, s->mfn)->count, 32);
	world_check(&s->w);
	for (unsigned i = 0; i < 30; i++)
		reqs[i].val = 0;
	calls[0] = (multicall_entry_t){
		.op = __HYPERVISOR_mmu_update,
		.args = {va_of(free_pfn(s->d, 2)), 30, va_of(free_pfn(s->d, 1)), DOMID_SELF}};
	calls[1] = (multicall_entry_t){.op = __HYPERVISOR_sched_op, .args = {SCHEDOP_yield}};
	assert_int_equal(call(s->d, __HYPERVISOR_multicall, va_of(free_pfn(s->d, 3)), 2, 0, 0), 0);
	assert_int_equal(calls[0].result, 0);
	assert_int_equal(calls[1].result, 0);
	assert_int_equal(*done, 30);
	assert_int_equal(frame_of(s->w.hv, s->mfn)->count, 2);
	memset(list, 0, sizeof(list));
	assert_int_equal(reservation(s->d, XENMEM_increase_reservation, list, 16), 16);
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation, list, 16), 16);
	world_check(&s->w);
}

/* ---- reservations ---- */

/* 53, 54, 57 and the rules about orders */
static void reservations_give_short_counts_not_errors(void **state)
{
	struct scene *s = *state;
	uint64_t list[20] = {0};
	xen_memory_reservation_t r = {.nr_extents = 1, .domid = 2};

	assert_int_equal(reservation(s->d, XENMEM_increase_reservation, list, 20), 16);
	assert_int_equal(xen_domain_tot_pages(s->d), 48);
	list[1] = guest_mfn(s->other, 5);
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation, list, 16), 1);
	list[0] = list[2];
	list[1] = list[2];
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation, list, 2), 1);
	list[0] = UINT64_MAX;
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation, list, 1), 0);
	world_check(&s->w);
	r.extent_start.p = (xen_pfn_t *)(uintptr_t)va_of(6);
	assert_int_equal(
		call_arg(s->d, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &r, sizeof(r)),
		0); /* 57 */
	r.domid = DOMID_SELF;
	r.extent_order = 1;
	assert_int_equal(
		call_arg(s->d, __HYPERVISOR_memory_op, XENMEM_increase_reservation, &r, sizeof(r)),
		0); /* no right to large extents */
	assert_int_equal(call_arg(s->other, __HYPERVISOR_memory_op, XENMEM_increase_reservation, &r,
				  sizeof(r)),
			 1);
	r.extent_order = 64;
	assert_int_equal(call_arg(s->other, __HYPERVISOR_memory_op, XENMEM_increase_reservation, &r,
				  sizeof(r)),
			 0);
	r.extent_order = 0;
	r.nr_extents = UINT64_MAX;
	assert_int_equal(call_arg(s->other, __HYPERVISOR_memory_op, XENMEM_increase_reservation, &r,
				  sizeof(r)),
			 0);
	world_check(&s->w);
}

static void populate_sets_the_m2p_and_the_questions_answer(void **state)
{
	struct scene *s = *state;
	uint64_t list[2] = {50, 51};
	uint16_t id = DOMID_SELF;

	assert_int_equal(reservation(s->d, XENMEM_populate_physmap, list, 2), 2);
	assert_int_equal(m2p_get(s->w.hv, list[0]), 50);
	assert_int_equal(m2p_get(s->w.hv, list[1]), 51);
	assert_int_equal(call_arg(s->d, __HYPERVISOR_memory_op, XENMEM_current_reservation, &id, 2),
			 34);
	assert_int_equal(call_arg(s->d, __HYPERVISOR_memory_op, XENMEM_maximum_reservation, &id, 2),
			 48);
	assert_int_equal(call(s->d, __HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0, 0), 512);
	id = 2;
	assert_int_equal(call_arg(s->d, __HYPERVISOR_memory_op, XENMEM_current_reservation, &id, 2),
			 -EPERM);
	assert_int_equal(
		call_arg(s->dom0, __HYPERVISOR_memory_op, XENMEM_current_reservation, &id, 2), 32);
	id = 30;
	assert_int_equal(
		call_arg(s->dom0, __HYPERVISOR_memory_op, XENMEM_current_reservation, &id, 2),
		-ESRCH);
	assert_int_equal(call(s->d, __HYPERVISOR_memory_op, XENMEM_current_reservation, 0, 0, 0),
			 -EFAULT);
	assert_int_equal(call(s->d, __HYPERVISOR_memory_op, 9, 0, 0, 0), -ENOSYS);
}

/* 55: what is pinned stays a page table, whoever gives it back. */
static void a_pinned_table_given_back_stays_until_it_is_unpinned(void **state)
{
	struct scene *s = *state;
	uint64_t list[1] = {s->mfn};

	assert_int_equal(update_va(s->d, va_of(free_pfn(s->d, 4)), 0, 0), 0);
	assert_int_equal(mmuext(s->d, MMUEXT_PIN_L1_TABLE, s->mfn), 0);
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation, list, 1), 1);
	assert_int_equal(frame_of(s->w.hv, s->mfn)->type, TYPE_L1);
	world_check(&s->w);
	assert_int_equal(mmuext(s->d, MMUEXT_UNPIN_TABLE, s->mfn), 0);
	assert_int_equal(frame_of(s->w.hv, s->mfn)->count, 0);
	/* The direct map's own tables cannot be let go of. */
	list[0] = s->table;
	assert_int_equal(reservation(s->d, XENMEM_decrease_reservation, list, 1), 1);
	assert_int_equal(frame_of(s->w.hv, s->table)->type, TYPE_L1);
	assert_int_equal(mmuext(s->d, MMUEXT_UNPIN_TABLE, s->table), -EINVAL);
	world_check(&s->w);
}

/* ---- exchange ---- */

static long exchange(struct xen_domain *d, xen_memory_exchange_t *x, uint64_t *in, uint64_t *out)
{
	uint8_t *page = guest_page(d, free_pfn(d, 0));
	const uint64_t at = va_of(free_pfn(d, 0));
	long ret;

	if (!page)
		return -1;
	if (!x->in.extent_start.p)
		x->in.extent_start.p = (xen_pfn_t *)(uintptr_t)(at + 1024);
	if (!x->out.extent_start.p)
		x->out.extent_start.p = (xen_pfn_t *)(uintptr_t)(at + 2048);
	memcpy(page, x, sizeof(*x));
	memcpy(page + 1024, in, 32);
	memcpy(page + 2048, out, 32);
	ret = call(d, __HYPERVISOR_memory_op, XENMEM_exchange, at, 0, 0);
	memcpy(x, page, sizeof(*x));
	memcpy(out, page + 2048, 32);
	return ret;
}

static void unmapped(struct xen_domain *d, uint64_t mfn[4])
{
	for (unsigned i = 0; i < 4; i++) {
		mfn[i] = guest_mfn(d, free_pfn(d, 8 + i));
		assert_int_equal(update_va(d, va_of(free_pfn(d, 8 + i)), 0, 0), 0);
	}
}

static void four_frames_become_one_extent_of_four_and_back(void **state)
{
	struct scene *s = *state;
	xen_memory_exchange_t x = {
		.in = {.nr_extents = 4, .domid = DOMID_SELF},
		.out = {.nr_extents = 1, .extent_order = 2, .domid = DOMID_SELF}};
	uint64_t in[4], out[4] = {44};

	unmapped(s->other, in);
	assert_int_equal(exchange(s->other, &x, in, out), 0);
	assert_int_equal(x.nr_exchanged, 4);
	assert_int_equal(out[0] % 4, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(m2p_get(s->w.hv, out[0] + i), 44 + i);
	assert_int_equal(xen_domain_tot_pages(s->other), 32);
	world_check(&s->w);
	x = (xen_memory_exchange_t){.in = {.nr_extents = 1, .extent_order = 2, .domid = DOMID_SELF},
				    .out = {.nr_extents = 4, .domid = DOMID_SELF}};
	in[0] = out[0];
	memcpy(out, (uint64_t[]){50, 51, 52, 53}, sizeof(out));
	assert_int_equal(exchange(s->other, &x, in, out), 0);
	assert_int_equal(x.nr_exchanged, 1);
	assert_int_equal(m2p_get(s->w.hv, out[3]), 53);
	world_check(&s->w);
}

/* 56, 83 */
static void bad_exchanges_change_nothing(void **state)
{
	struct scene *s = *state;
	const xen_memory_exchange_t good = {.in = {.nr_extents = 4, .domid = DOMID_SELF},
					    .out = {.nr_extents = 4, .domid = DOMID_SELF}};
	uint64_t in[4], out[4] = {40, 41, 42, 43};
	xen_memory_exchange_t x;

	unmapped(s->d, in);
#define REFUSED(status, change)                                        \
	do {                                                           \
		x = good;                                              \
		change;                                                \
		assert_int_equal(exchange(s->d, &x, in, out), status); \
		assert_int_equal(xen_domain_tot_pages(s->d), 32);      \
		assert_int_equal(out[0], 40);                          \
		world_check(&s->w);                                    \
	} while (0)
	REFUSED(-EINVAL, x.out.nr_extents = 3);
	REFUSED(-EINVAL, x.nr_exchanged = 5);
	REFUSED(-EINVAL, x.in.extent_order = 63);
	REFUSED(-EINVAL, (x.in.extent_order = 64, x.out.extent_order = 64));
	REFUSED(-EINVAL, (x.in.nr_extents = UINT64_MAX, x.in.extent_order = 1));
	REFUSED(-EPERM, (x.in.nr_extents = 2, x.in.extent_order = 1));
	REFUSED(-EPERM, (x.in.domid = 2, x.out.domid = 2));
	REFUSED(-EFAULT, x.out.extent_start.p = (xen_pfn_t *)(uintptr_t)XEN_RESERVED_FIRST);
	REFUSED(-EFAULT, x.in.extent_start.p = (xen_pfn_t *)(uintptr_t)(XEN_RESERVED_FIRST - 8));
	REFUSED(-EFAULT, x.out.extent_start.p = (xen_pfn_t *)(uintptr_t)va_of(63));
	/* The first is still mapped; the rest stays too. */
	in[0] = guest_mfn(s->d, free_pfn(s->d, 5));
	REFUSED(-EINVAL, (void)0);
	assert_int_equal(x.nr_exchanged, 0);
	in[0] = in[1];
	in[1] = guest_mfn(s->other, 5);
	x = good;
	assert_int_equal(exchange(s->d, &x, in, out), -EINVAL);
	assert_int_equal(x.nr_exchanged, 1); /* the first is done, the second refused */
	assert_int_equal(xen_domain_tot_pages(s->d), 32);
	world_check(&s->w);
}

/* ---- multicalls ---- */

/* 45-48 */
static void a_multicall_goes_in_order_and_past_failures(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->d, 2), at = va_of(pfn);
	multicall_entry_t *e = guest_page(s->d, pfn);
	const uint64_t last = hole_pfn(s->d, 0) - 1;

	e[0] = (multicall_entry_t){
		.op = __HYPERVISOR_sched_op, .args = {SCHEDOP_yield}, .result = 9};
	e[1] = (multicall_entry_t){.op = __HYPERVISOR_multicall, .args = {at, 1}};
	e[2] = (multicall_entry_t){.op = 11};
	e[3] = (multicall_entry_t){.op = 47};
	e[4] = (multicall_entry_t){.op = UINT64_MAX};
	e[5] = (multicall_entry_t){.op = __HYPERVISOR_memory_op, .args = {XENMEM_maximum_ram_page}};
	assert_int_equal(call(s->d, __HYPERVISOR_multicall, at, 6, 0, 0), 0);
	assert_int_equal(e[0].result, 0);
	assert_int_equal((long)e[1].result, -EINVAL);
	assert_int_equal((long)e[2].result, -ENOSYS);
	assert_int_equal((long)e[3].result, -ENOSYS);
	assert_int_equal((long)e[4].result, -ENOSYS);
	assert_int_equal(e[5].result, 512);
	assert_int_equal(call(s->d, __HYPERVISOR_multicall, at, 0, 0, 0), 0);
	assert_int_equal(call(s->d, __HYPERVISOR_multicall, 0, 1, 0, 0), -EFAULT);
	/* 48: ends where memory does, and what was before is done. */
	e = guest_page(s->d, last);
	memset(e, 0, PAGE_BYTES);
	for (unsigned i = 0; i < PAGE_BYTES / sizeof(*e); i++)
		e[i] = (multicall_entry_t){.op = __HYPERVISOR_memory_op,
					   .args = {XENMEM_maximum_ram_page}};
	assert_int_equal(call(s->d, __HYPERVISOR_multicall, va_of(last), 1000000, 0, 0), -EFAULT);
	assert_int_equal(e[63].result, 512);
	/* 47: an entry whose call writes over the next one. */
	e = guest_page(s->d, pfn);
	e[0] = (multicall_entry_t){.op = __HYPERVISOR_mmu_update,
				   .args = {va_of(free_pfn(s->d, 3)), 1, 0, DOMID_SELF}};
	e[1] = (multicall_entry_t){.op = 11};
	*(mmu_update_t *)guest_page(s->d, free_pfn(s->d, 3)) =
		(mmu_update_t){(guest_mfn(s->d, pfn) << 12) + 64, __HYPERVISOR_sched_op};
	assert_int_equal(call(s->d, __HYPERVISOR_multicall, at, 2, 0, 0), 0);
	assert_int_equal(e[1].result, 0); /* what it was when its turn came */
}

/* 58: whatever the m2p says, it confuses its author alone. */
static void lies_in_the_m2p_help_nobody(void **state)
{
	struct scene *s = *state;
	const uint64_t foreign = guest_mfn(s->other, free_pfn(s->other, 2));

	assert_int_equal(
		mmu_update(s->d, s->mfn << 12 | 1, free_pfn(s->other, 2), DOMID_SELF, NULL), 0);
	assert_int_equal(update_va(s->d, va_of(40), foreign << 12 | 0x65, 0), -EINVAL);
	assert_int_equal(m2p_get(s->w.hv, foreign), free_pfn(s->other, 2));
	world_check(&s->w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(bad_updates_are_refused_and_counted_right),
		T(an_update_moves_the_references),
		T(results_are_not_written_over_page_tables),
		T(a_forged_continuation_changes_only_what_is_reported),
		T(long_calls_are_continued_where_they_were),
		T(reservations_give_short_counts_not_errors),
		T(populate_sets_the_m2p_and_the_questions_answer),
		T(a_pinned_table_given_back_stays_until_it_is_unpinned),
		T(four_frames_become_one_extent_of_four_and_back),
		T(bad_exchanges_change_nothing),
		T(a_multicall_goes_in_order_and_past_failures),
		T(lies_in_the_m2p_help_nobody),
	};

	return cmocka_run_group_tests_name("xen/calls", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* A domain's making and end, and the life of its frames. */
#include "world.h"

#include "xen/impl.h"

static int setup(void **state)
{
	static const struct xen_limits limits = {.grant_frames_initial = 1, .grant_frames_max = 2};
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_init(w, 512, &limits);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	free(*state);
	return 0;
}

static void a_domain_begins_with_its_tables_and_memory(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false);
	const start_info_t *info = guest_page(d, 0);
	const uint64_t *p2m = guest_page(d, 2),
		       *m2p = memory_ptr(w->board, xen_m2p(w->hv), 512 * 8);
	uint64_t first, end;

	xen_domain_free_memory(d, &first, &end);
	assert_int_equal(first, 4); /* start_info, shared_info, one page of p2m, one L1 table */
	assert_int_equal(end, 33);  /* 32 pages, and shared_info which is not counted */
	assert_int_equal(xen_domain_tot_pages(d), 32);
	assert_int_equal(info->nr_pages, 32);
	assert_int_equal(info->shared_info, guest_mfn(d, 1) << 12);
	assert_int_equal(info->mfn_list, 0xffff880000002000);
	assert_int_equal(xen_domain_l1(d), guest_mfn(d, 3) << 12);
	for (unsigned pfn = 0; pfn < 64; pfn++) {
		assert_int_equal(p2m[pfn], guest_mfn(d, pfn));
		if (pfn < 33)
			assert_int_equal(m2p[guest_mfn(d, pfn)], pfn);
	}
	/* Present, writable, user, accessed, dirty; the table itself read-only. */
	assert_int_equal(*(uint64_t *)memory_ptr(w->board, pte_addr(d, 5), 8) & 0xfff, 0x067);
	assert_int_equal(*(uint64_t *)memory_ptr(w->board, pte_addr(d, 3), 8) & 0xfff, 0x065);
	world_check(w);
}

static void a_domain_that_does_not_fit_is_refused_and_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct xen_domain_config c = {
		.id = 3, .vcpus = 1, .pages = 400, .span = 512, .max_pages = 512};
	struct xen_domain *d;
	uint64_t before;

	world_domain(w, 1, false);
	world_domain(w, 2, false);
	before = memory_allocated_pages(w->board);
	c.pages = 500;
	assert_int_equal(xen_domain_create(w->hv, &c, &d), -ENOMEM);
	assert_int_equal(memory_allocated_pages(w->board), before);
	assert_null(xen_domain_find(w->hv, 3));
	c.pages = 32;
	c.span = 32; /* no number left for shared_info */
	assert_int_equal(xen_domain_create(w->hv, &c, &d), -EINVAL);
	c.span = UINT64_MAX;
	assert_int_equal(xen_domain_create(w->hv, &c, &d), -EINVAL);
	c.span = 64;
	c.id = 64;
	assert_int_equal(xen_domain_create(w->hv, &c, &d), -EINVAL);
	c.id = 2;
	assert_int_equal(xen_domain_create(w->hv, &c, &d), -EEXIST);
}

static void references_and_types_do_not_wrap(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false);
	const uint64_t mfn = guest_mfn(d, free_pfn(d, 1));
	struct frame *f = frame_of(w->hv, mfn);

	f->count = FRAME_COUNT_MAX;
	assert_false(frame_hold(w->hv, NULL, mfn, d));
	assert_int_equal(f->count, FRAME_COUNT_MAX);
	f->count = 2;
	f->type_count = FRAME_TYPES_MAX;
	assert_false(frame_get_writable(w->hv, mfn));
	assert_int_equal(update_va(d, va_of(hole_pfn(d, 0)), mfn << 12 | 0x67, 0), -EINVAL);
	assert_int_equal(f->count, 2);
	f->type_count = 1;
	world_check(w);
}

static void an_unmapped_frame_given_back_is_free_and_forgotten(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false);
	const uint64_t mfn = balloon(d, free_pfn(d, 3));
	const uint64_t *m2p = memory_ptr(w->board, xen_m2p(w->hv), 512 * 8);

	assert_int_equal(xen_domain_tot_pages(d), 31);
	assert_int_equal(frame_of(w->hv, mfn)->count, 0);
	assert_int_equal(m2p[mfn], XEN_M2P_INVALID);
	world_check(w);
}

/* Hostile input 25: the granter's own mapping counts as a use like any other. */
static void a_mapped_frame_given_back_lives_on_until_it_is_unmapped(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false);
	const uint64_t pfn = free_pfn(d, 3), mfn = guest_mfn(d, pfn);
	uint64_t list[1] = {mfn};

	assert_int_equal(reservation(d, XENMEM_decrease_reservation, list, 1), 1);
	assert_int_equal(xen_domain_tot_pages(d), 32);
	assert_int_equal(frame_of(w->hv, mfn)->count, 1);
	list[0] = mfn; /* once only */
	assert_int_equal(reservation(d, XENMEM_decrease_reservation, list, 1), 0);
	world_check(w);
	assert_int_equal(update_va(d, va_of(pfn), 0, 0), 0);
	assert_int_equal(xen_domain_tot_pages(d), 31);
	world_check(w);
}

static void a_dying_domains_frames_are_scrubbed(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false);
	const uint64_t mfn = guest_mfn(d, free_pfn(d, 9));
	uint8_t *bytes = memory_ptr(w->board, mfn << 12, PAGE_BYTES);

	memset(bytes, 0x5a, PAGE_BYTES);
	xen_domain_kill(d);
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		assert_int_equal(bytes[i], 0);
	assert_null(xen_domain_find(w->hv, 1));
	/* The number can be used again. */
	world_domain(w, 1, false);
}

static void a_second_page_table_can_be_pinned_and_used(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false);
	const uint64_t pfn = free_pfn(d, 5), mfn = guest_mfn(d, pfn);
	const uint64_t data = guest_mfn(d, free_pfn(d, 6));
	uint64_t *table = guest_page(d, pfn);

	table[0] = data << 12 | 0x67;
	table[511] = data << 12 | 0x65;
	/* Writable somewhere: no page table. */
	assert_int_equal(mmuext(d, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	assert_int_equal(update_va(d, va_of(pfn), mfn << 12 | 0x65, 0), 0);
	assert_int_equal(mmuext(d, MMUEXT_PIN_L1_TABLE, mfn), 0);
	assert_int_equal(mmuext(d, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	assert_int_equal(frame_of(w->hv, data)->count, 4);
	assert_int_equal(frame_of(w->hv, data)->type_count, 2);
	world_check(w);
	/* And now it cannot become writable. */
	assert_int_equal(update_va(d, va_of(pfn), mfn << 12 | 0x67, 0), -EINVAL);
	assert_int_equal(mmu_update(d, (mfn << 12) + 511 * 8, 0, DOMID_SELF, NULL), 0);
	assert_int_equal(frame_of(w->hv, data)->count, 3);
	assert_int_equal(mmuext(d, MMUEXT_UNPIN_TABLE, mfn), 0);
	assert_int_equal(mmuext(d, MMUEXT_UNPIN_TABLE, mfn), -EINVAL);
	assert_int_equal(frame_of(w->hv, data)->count, 2);
	assert_int_equal(update_va(d, va_of(pfn), mfn << 12 | 0x67, 0), 0);
	world_check(w);
}

static void a_table_with_a_bad_entry_is_not_pinned_and_stays_as_it_was(void **state)
{
	struct world *w = *state;
	struct xen_domain *d = world_domain(w, 1, false), *other = world_domain(w, 2, false);
	const uint64_t pfn = free_pfn(d, 5), mfn = guest_mfn(d, pfn);
	const uint64_t data = guest_mfn(d, free_pfn(d, 6));
	const uint64_t bad[] = {
		guest_mfn(other, free_pfn(other, 0)) << 12 | 0x65, /* another domain's */
		mfn << 12 | 0x67,                                  /* itself, writable */
		guest_mfn(d, 3) << 12 | 0x67,                      /* another table, writable */
		data << 12 | 0xe7,                                 /* a reserved bit */
		UINT64_C(0x000ffffffffff065),                      /* beyond memory */
		xen_m2p(w->hv) | 0x65,                             /* the hypervisor's */
		0x65,                                              /* frame 0 */
	};
	uint64_t *table = guest_page(d, pfn);

	assert_int_equal(update_va(d, va_of(pfn), mfn << 12 | 0x65, 0), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		table[0] = data << 12 | 0x67;
		table[300] = bad[i];
		assert_int_equal(mmuext(d, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
		assert_int_equal(frame_of(w->hv, data)->count, 2);
		assert_int_equal(table[0], data << 12 | 0x67);
		world_check(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_domain_begins_with_its_tables_and_memory),
		T(a_domain_that_does_not_fit_is_refused_and_leaves_nothing),
		T(references_and_types_do_not_wrap),
		T(an_unmapped_frame_given_back_is_free_and_forgotten),
		T(a_mapped_frame_given_back_lives_on_until_it_is_unmapped),
		T(a_dying_domains_frames_are_scrubbed),
		T(a_second_page_table_can_be_pinned_and_used),
		T(a_table_with_a_bad_entry_is_not_pinned_and_stays_as_it_was),
	};

	return cmocka_run_group_tests_name("xen/domain", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Copies and transfers between domains; numbers in comments are rows of the hostile inputs' list.
 */
#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"

struct scene {
	struct world w;
	struct xen_domain *driver, *guest, *other;
};

static int setup(void **state)
{
	static const struct xen_limits limits = {.grant_frames_initial = 1, .grant_frames_max = 1};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_init(&s->w, 512, &limits);
	s->driver = world_domain(&s->w, 1, true);
	s->guest = world_domain(&s->w, 2, false);
	s->other = world_domain(&s->w, 3, false);
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

/* ---- copy ---- */

static int copy(struct xen_domain *d, gnttab_copy_t op)
{
	assert_int_equal(gnttab(d, GNTTABOP_copy, &op, sizeof(op), 1), 0);
	return op.status;
}

static gnttab_copy_t into_grant(uint64_t from, unsigned from_off, unsigned to_dom, unsigned ref,
				unsigned to_off, unsigned len)
{
	gnttab_copy_t op = {.len = (uint16_t)len, .flags = GNTCOPY_dest_gref};

	op.source.u.gmfn = from;
	op.source.domid = DOMID_SELF;
	op.source.offset = (uint16_t)from_off;
	op.dest.u.ref = ref;
	op.dest.domid = (domid_t)to_dom;
	op.dest.offset = (uint16_t)to_off;
	return op;
}

static void a_copy_moves_bytes_between_a_page_and_a_grant(void **state)
{
	struct scene *s = *state;
	const uint64_t from = guest_mfn(s->driver, free_pfn(s->driver, 3));
	const uint64_t to = guest_mfn(s->guest, free_pfn(s->guest, 3));
	uint8_t *bytes = guest_page(s->guest, free_pfn(s->guest, 3));
	gnttab_copy_t op;

	grant_access(s->guest, 8, s->driver, to, 0);
	memset(guest_page(s->driver, free_pfn(s->driver, 3)), 0x11, PAGE_BYTES);
	assert_int_equal(copy(s->driver, into_grant(from, 100, 2, 8, 4095, 1)), GNTST_okay);
	assert_int_equal(bytes[4095], 0x11);
	assert_int_equal(bytes[4094], 0);
	assert_int_equal(entry_of(s->guest, 8)->flags, GTF_permit_access);
	assert_int_equal(s->guest->grants->active[8].pin, 0);
	/* And the other way, by a domain without any rights. */
	grant_access(s->driver, 9, s->other, from, GTF_readonly);
	op = (gnttab_copy_t){.len = 4096, .flags = GNTCOPY_source_gref};
	op.source.u.ref = 9;
	op.source.domid = 1;
	op.dest.u.gmfn = guest_mfn(s->other, free_pfn(s->other, 3));
	op.dest.domid = DOMID_SELF;
	assert_int_equal(copy(s->other, op), GNTST_okay);
	assert_memory_equal(guest_page(s->other, free_pfn(s->other, 3)),
			    guest_page(s->driver, free_pfn(s->driver, 3)), PAGE_BYTES);
	/* Between two others' grants. */
	op = into_grant(0, 0, 2, 8, 0, 64);
	op.flags |= GNTCOPY_source_gref;
	op.source.u.ref = 9;
	op.source.domid = DOMID_SELF;
	grant_access(s->driver, 9, s->driver, from, GTF_readonly);
	assert_int_equal(copy(s->driver, op), GNTST_okay);
	assert_int_equal(bytes[63], 0x11);
}

/* 35-38 */
static void bad_copies_are_refused_and_leave_nothing_pinned(void **state)
{
	struct scene *s = *state;
	const uint64_t own = guest_mfn(s->driver, free_pfn(s->driver, 3));
	const uint64_t to = guest_mfn(s->guest, free_pfn(s->guest, 3));
	gnttab_copy_t local = into_grant(own, 0, 0, 0, 0, 8);
	gnttab_copy_t foreign;

	local.flags = 0;
	local.dest.domid = DOMID_SELF;
	local.dest.u.gmfn = guest_mfn(s->driver, 3); /* own page table */
	foreign = local;
	foreign.dest.domid = 2;
	foreign.dest.u.gmfn = to;
	const struct {
		const char *what;
		gnttab_copy_t op;
		int status;
	} rows[] = {
		{"35: one byte over", into_grant(own, 4095, 2, 8, 0, 2), GNTST_bad_copy_arg},
		{"35: one byte over there", into_grant(own, 0, 2, 8, 4095, 2), GNTST_bad_copy_arg},
		{"35: sums that wrap 16 bits", into_grant(own, 0xffff, 2, 8, 0, 0xffff),
		 GNTST_bad_copy_arg},
		{"36: a frame of another domain", foreign, GNTST_permission_denied},
		{"no such domain", into_grant(own, 0, 40, 8, 0, 8), GNTST_bad_domain},
		{"beyond the table", into_grant(own, 0, 2, 512, 0, 8), GNTST_bad_gntref},
		{"37: into a readonly grant", into_grant(own, 0, 2, 9, 0, 8), GNTST_general_error},
		{"37: into the own page table", local, GNTST_general_error},
		{"granted to another", into_grant(own, 0, 2, 10, 0, 8), GNTST_general_error},
		{"an accept entry", into_grant(own, 0, 2, 11, 0, 8), GNTST_general_error},
		{"a frame the granter does not own", into_grant(own, 0, 2, 12, 0, 8),
		 GNTST_general_error},
		{"a source that is not the caller's", into_grant(to, 0, 2, 8, 0, 8),
		 GNTST_general_error},
		{"a source beyond memory", into_grant(UINT64_MAX, 0, 2, 8, 0, 8),
		 GNTST_general_error},
		{"length 0 is checked", into_grant(own, 0, 2, 10, 0, 0), GNTST_general_error},
		{"length 0 is legal", into_grant(own, 4096, 2, 8, 4096, 0), GNTST_okay},
	};

	grant_access(s->guest, 8, s->driver, to, 0);
	grant_access(s->guest, 9, s->driver, to, GTF_readonly);
	grant_access(s->guest, 10, s->other, to, 0);
	grant_accept(s->guest, 11, s->driver);
	grant_access(s->guest, 12, s->driver, own, 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int status = copy(s->driver, rows[i].op);

		if (status != rows[i].status)
			fail_msg("%s: status %d", rows[i].what, status);
		world_check(&s->w);
	}
	/* 38: a zombie, kept by a mapping. */
	gnttab_map_grant_ref_t op;
	assert_int_equal(map_ref(s->driver, 2, 8, GNTMAP_device_map, 0, &op), GNTST_okay);
	xen_domain_kill(s->guest);
	assert_int_equal(copy(s->driver, into_grant(own, 0, 2, 8, 0, 8)), GNTST_bad_domain);
}

static void a_copy_within_a_page_moves_as_if_at_once(void **state)
{
	struct scene *s = *state;
	const uint64_t mfn = guest_mfn(s->driver, free_pfn(s->driver, 3));
	uint8_t *bytes = guest_page(s->driver, free_pfn(s->driver, 3));
	gnttab_copy_t op = into_grant(mfn, 0, 0, 0, 1, 64);

	op.flags = 0;
	op.dest.domid = DOMID_SELF;
	op.dest.u.gmfn = mfn;
	for (unsigned i = 0; i < 65; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(copy(s->driver, op), GNTST_okay);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(bytes[i + 1], i);
}

/* ---- transfer ---- */

static void a_flipped_page_is_the_receivers_bytes_and_all(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->driver, 3), mfn = guest_mfn(s->driver, pfn);
	const uint64_t slot = free_pfn(s->guest, 3);
	unsigned done;

	memset(guest_page(s->driver, pfn), 0x99, PAGE_BYTES);
	balloon(s->guest, slot); /* the receiver makes room */
	grant_accept(s->guest, 8, s->driver);
	/* Still mapped: the caller keeps it. */
	assert_int_equal(transfer(s->driver, mfn, 2, 8), GNTST_bad_page);
	assert_int_equal(update_va(s->driver, va_of(pfn), 0, UVMF_TLB_FLUSH | UVMF_ALL), 0);
	assert_int_equal(transfer(s->driver, mfn, 2, 8), GNTST_okay);
	assert_int_equal(entry_of(s->guest, 8)->flags, 0x000e);
	assert_int_equal(entry_of(s->guest, 8)->frame, mfn);
	assert_int_equal(xen_domain_tot_pages(s->driver), 31);
	assert_int_equal(xen_domain_tot_pages(s->guest), 32);
	world_check(&s->w);
	assert_int_equal(update_va(s->guest, va_of(slot), mfn << 12 | 0x67, 0), 0);
	assert_int_equal(
		mmu_update(s->guest, mfn << 12 | MMU_MACHPHYS_UPDATE, slot, DOMID_SELF, &done), 0);
	assert_int_equal(done, 1);
	assert_int_equal(*(uint8_t *)guest_page(s->guest, slot), 0x99);
	/* And no longer the sender's. */
	assert_int_equal(update_va(s->driver, va_of(pfn), mfn << 12 | 0x65, 0), -EINVAL);
	assert_int_equal(
		mmu_update(s->driver, mfn << 12 | MMU_MACHPHYS_UPDATE, 1, DOMID_SELF, &done),
		-EINVAL);
	assert_int_equal(done, 0);
}

/* 39, 41, 44: the frame stays with the caller. */
static void frames_that_cannot_be_given_away_stay(void **state)
{
	struct scene *s = *state;
	const uint64_t shared = guest_mfn(s->driver, free_pfn(s->driver, 4));
	const uint64_t rows[] = {
		guest_mfn(s->driver, free_pfn(s->driver, 3)), /* mapped */
		guest_mfn(s->driver, 3),                      /* a page table */
		guest_mfn(s->driver, 1),                      /* the hypervisor's, shared */
		xen_m2p(s->w.hv) >> 12,                       /* the hypervisor's own */
		guest_mfn(s->other, free_pfn(s->other, 1)),   /* foreign */
		shared,                                       /* granted and mapped */
		512,
		UINT64_MAX,
		0,
	};
	gnttab_map_grant_ref_t op;

	grant_accept(s->guest, 8, s->driver);
	grant_access(s->driver, 9, s->driver, shared, 0);
	assert_int_equal(map_ref(s->driver, 1, 9, GNTMAP_device_map, 0, &op), GNTST_okay);
	assert_int_equal(update_va(s->driver, va_of(free_pfn(s->driver, 4)), 0, 0), 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(transfer(s->driver, rows[i], 2, 8), GNTST_bad_page);
		assert_int_equal(xen_domain_tot_pages(s->driver), 32);
		assert_int_equal(entry_of(s->guest, 8)->flags, GTF_accept_transfer);
		world_check(&s->w);
	}
}

/* 40, 43: the frame is lost to the caller, and nobody's. */
static void a_transfer_that_fails_late_frees_the_page(void **state)
{
	struct scene *s = *state;
	const struct {
		const char *what;
		unsigned dom, ref;
		int status;
	} rows[] = {
		{"unknown domain", 40, 8, GNTST_bad_domain},
		{"self is no number", DOMID_SELF, 8, GNTST_bad_domain},
		{"beyond the table", 2, 512, GNTST_general_error},
		{"an access entry", 2, 9, GNTST_general_error},
		{"for another sender", 2, 10, GNTST_general_error},
		{"43: extra bits", 2, 11, GNTST_general_error},
		{"already committed", 2, 12, GNTST_general_error},
		{"no room", 3, 8, GNTST_general_error},
	};

	grant_access(s->guest, 9, s->driver, 77, 0);
	grant_accept(s->guest, 10, s->other);
	grant_accept(s->guest, 11, s->driver);
	entry_of(s->guest, 11)->flags |= GTF_PWT;
	grant_accept(s->guest, 12, s->driver);
	entry_of(s->guest, 12)->flags |= GTF_transfer_committed;
	grant_accept(s->other, 8, s->driver);
	xen_domain_set_max_pages(s->other, 32);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t pfn = free_pfn(s->driver, 3 + i), mfn = guest_mfn(s->driver, pfn);
		int status;

		assert_int_equal(update_va(s->driver, va_of(pfn), 0, 0), 0);
		status = transfer(s->driver, mfn, rows[i].dom, rows[i].ref);
		if (status != rows[i].status)
			fail_msg("%s: status %d", rows[i].what, status);
		assert_int_equal(xen_domain_tot_pages(s->driver), 31 - i);
		assert_int_equal(frame_of(s->w.hv, mfn)->count, 0);
		world_check(&s->w);
	}
	assert_int_equal(xen_domain_tot_pages(s->guest), 32);
	assert_int_equal(xen_domain_tot_pages(s->other), 32);
}

struct rewriter {
	struct scene *s;
	unsigned calls;
};

/* 42: between committed and completed the receiver writes over its entry. */
static void rewrite_committed(void *ctx)
{
	struct rewriter *r = ctx;

	if (entry_of(r->s->guest, 8)->flags & GTF_transfer_committed) {
		*entry_of(r->s->guest, 8) =
			(grant_entry_v1_t){.flags = GTF_permit_access, .domid = 3};
		r->calls++;
	}
}

static void a_committed_transfer_is_completed_whatever_the_entry_says(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->driver, 3), mfn = guest_mfn(s->driver, pfn);
	struct rewriter r = {.s = s};

	grant_accept(s->guest, 8, s->driver);
	assert_int_equal(update_va(s->driver, va_of(pfn), 0, 0), 0);
	s->w.hv->race = rewrite_committed;
	s->w.hv->race_ctx = &r;
	assert_int_equal(transfer(s->driver, mfn, 2, 8), GNTST_okay);
	s->w.hv->race = NULL;
	assert_int_equal(r.calls, 1);
	assert_int_equal(entry_of(s->guest, 8)->frame, mfn);
	assert_int_equal(entry_of(s->guest, 8)->flags, GTF_permit_access | GTF_transfer_completed);
	assert_int_equal(xen_domain_tot_pages(s->guest), 33);
}

/* 44 */
static void a_frame_is_transferred_once(void **state)
{
	struct scene *s = *state;
	const uint64_t pfn = free_pfn(s->driver, 3), mfn = guest_mfn(s->driver, pfn);
	gnttab_transfer_t ops[2] = {{.mfn = mfn, .domid = 2, .ref = 8},
				    {.mfn = mfn, .domid = 2, .ref = 9}};

	grant_accept(s->guest, 8, s->driver);
	grant_accept(s->guest, 9, s->driver);
	assert_int_equal(update_va(s->driver, va_of(pfn), 0, 0), 0);
	assert_int_equal(gnttab(s->driver, GNTTABOP_transfer, ops, sizeof(ops[0]), 2), 0);
	assert_int_equal(ops[0].status, GNTST_okay);
	assert_int_equal(ops[1].status, GNTST_bad_page);
	world_check(&s->w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_copy_moves_bytes_between_a_page_and_a_grant),
		T(bad_copies_are_refused_and_leave_nothing_pinned),
		T(a_copy_within_a_page_moves_as_if_at_once),
		T(a_flipped_page_is_the_receivers_bytes_and_all),
		T(frames_that_cannot_be_given_away_stay),
		T(a_transfer_that_fails_late_frees_the_page),
		T(a_committed_transfer_is_completed_whatever_the_entry_says),
		T(a_frame_is_transferred_once),
	};

	return cmocka_run_group_tests_name("xen/transfer", tests, NULL, NULL);
}

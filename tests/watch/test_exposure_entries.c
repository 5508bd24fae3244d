/* SPDX-License-Identifier: MIT */
/*
 * The watcher where table entries and requests do not come and go together: entries that stay, are
 * shared, are written over, or lead to copies; and hardware that counts bytes.
 */
#include "scene.h"

/* An entry is set, or cleared, apart from any request. */
static void grant(struct scene *s, uint64_t pfn, uint64_t frame)
{
	s->hw.table[pfn] = fake_entry(frame, RW);
	s->watch.granted(s->watch.ctx, IOTOLL_IOVA(pfn << 12), 1, IOTOLL_DMA_BIDIRECTIONAL);
}

static void withdraw(struct scene *s, uint64_t pfn)
{
	s->hw.table[pfn] = 0;
	s->watch.withdrawn(s->watch.ctx, IOTOLL_IOVA(pfn << 12), 1);
}

/* A request through an entry that is there; and its end, which leaves the entry where it is. */
static void begin(struct scene *s, uint64_t iova, uint64_t paddr, size_t bytes)
{
	s->watch.mapped(s->watch.ctx, IOTOLL_IOVA(iova), 1, IOTOLL_PHYS(paddr), bytes,
			IOTOLL_DMA_BIDIRECTIONAL);
}

static void end(struct scene *s, uint64_t iova, size_t bytes)
{
	s->watch.unmapped(s->watch.ctx, IOTOLL_IOVA(iova), 1, bytes);
}

static void an_entry_that_stays_keeps_its_page_stale_whatever_the_iotlb_forgets(void **state)
{
	struct scene *s = *state;

	grant(s, 7, 40);
	begin(s, 0x7000, 0x28000, 4096);
	fake_use(&s->hw, 7);
	end(s, 0x7000, 4096);
	assert_int_equal(stats(s).stale_pages, 1);
	s->now_ps += MS;
	fake_drop(&s->hw, 7);
	assert_int_equal(stats(s).open_pages, 1);
	s->now_ps += MS;
	withdraw(s, 7);
	assert_int_equal(stats(s).open_pages, 0);
	assert_int_equal(stats(s).window_max_ns, 2000000);
	/* Both at once: the entry goes, the IOTLB still has it, and then not. */
	grant(s, 8, 41);
	begin(s, 0x8000, 0x29000, 4096);
	fake_use(&s->hw, 8);
	end(s, 0x8000, 4096);
	withdraw(s, 8);
	assert_int_equal(stats(s).open_pages, 1);
	fake_drop(&s->hw, 8);
	assert_int_equal(stats(s).open_pages, 0);
}

static void a_request_for_the_same_memory_at_the_same_address_revives_its_page(void **state)
{
	struct scene *s = *state;

	grant(s, 7, 40);
	begin(s, 0x7000, 0x28000, 2048);
	end(s, 0x7000, 2048);
	s->now_ps += 3 * MS;
	begin(s, 0x7800, 0x28800, 2048); /* the other half of it */
	assert_int_equal(stats(s).open_pages, 0);
	assert_int_equal(stats(s).revived_pages, 1);
	assert_int_equal(stats(s).windows, 1);
	assert_int_equal(stats(s).window_max_ns, 3000000);
	assert_int_equal(stats(s).reused_iova_pages, 0);
	assert_int_equal(stats(s).reused_frame_pages, 0);
	end(s, 0x7800, 2048);
	assert_int_equal(stats(s).open_pages, 1);
}

static void an_entry_written_over_ends_what_it_led_to(void **state)
{
	struct scene *s = *state;

	grant(s, 7, 40);
	begin(s, 0x7000, 0x28000, 4096);
	end(s, 0x7000, 4096);
	grant(s, 7, 41);
	assert_int_equal(stats(s).open_pages, 0);
	begin(s, 0x7000, 0x29000, 4096);
	assert_int_equal(stats(s).reused_iova_pages, 0);
	/* Not while the IOTLB has the old one. */
	fake_use(&s->hw, 7);
	end(s, 0x7000, 4096);
	grant(s, 7, 42);
	assert_int_equal(stats(s).open_pages, 1);
	begin(s, 0x7000, 0x2A000, 4096);
	assert_int_equal(stats(s).reused_iova_pages, 1);
}

static void requests_that_share_a_page_leave_it_stale_with_the_last_of_them(void **state)
{
	struct scene *s = *state;

	grant(s, 7, 40);
	begin(s, 0x7000, 0x28000, 1500);
	begin(s, 0x7800, 0x28800, 1500);
	begin(s, 0x7000, 0x28000, 1500); /* the same twice */
	assert_int_equal(stats(s).live_pages, 3);
	end(s, 0x7000, 1500);
	end(s, 0x7800, 1500);
	assert_int_equal(stats(s).shared_pages, 2);
	assert_int_equal(stats(s).stale_pages, 0);
	end(s, 0x7000, 1500);
	assert_int_equal(stats(s).shared_pages, 2);
	assert_int_equal(stats(s).stale_pages, 1);
}

static void excess_of_a_shared_page_is_what_none_of_them_asked_for(void **state)
{
	struct scene *s = *state;

	grant(s, 7, 40);
	begin(s, 0x7000, 0x28000, 1500);
	s->now_ps += 10 * MS; /* 2596 */
	begin(s, 0x7400, 0x28400, 1500);
	s->now_ps += 10 * MS; /* 1024 + 1500 are asked for: 1572 */
	begin(s, 0x7000, 0x28000, 4096);
	s->now_ps += 10 * MS; /* 0 */
	end(s, 0x7000, 4096);
	end(s, 0x7000, 1500);
	s->now_ps += 10 * MS; /* 2596 */
	end(s, 0x7400, 1500);
	s->now_ps += 10 * MS;
	assert_true(near(stats(s).excess_byte_seconds, (2596 + 1572 + 2596) * 0.010));
}

static void a_request_of_which_the_device_has_a_copy_exposes_nothing(void **state)
{
	struct scene *s = *state;

	grant(s, 7, 50); /* a pool */
	begin(s, 0x7800, 0x28800, 1500);
	s->now_ps += MS;
	end(s, 0x7800, 1500);
	assert_int_equal(stats(s).elsewhere_pages, 1);
	assert_int_equal(stats(s).stale_pages, 0);
	assert_true(stats(s).excess_byte_seconds == 0.0);
	assert_int_equal(stats(s).reachable_bytes, 0);
	/* But the pool is there to be reached. */
	assert_true(near(stats(s).entries_mean_pages, 1.0));
	assert_int_equal(stats(s).entries_other, 1);
	assert_int_equal(stats(s).entries_former + stats(s).entries_live, 0);
}

static void entries_at_rest_count_whether_or_not_a_request_is_behind_them(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	grant(s, 1, 40);
	grant(s, 2, 41);
	grant(s, 3, 50);
	begin(s, 0x1000, 0x28000, 4096);
	begin(s, 0x2000, 0x29000, 4096);
	s->now_ps += 10 * MS; /* three, one idle */
	end(s, 0x2000, 4096);
	s->now_ps += 10 * MS; /* three, two idle */
	fake_use(&s->hw, 2);
	withdraw(s, 2);
	s->now_ps += 10 * MS; /* the same: stale without an entry */
	st = stats(s);
	assert_int_equal(st.entries_peak_pages, 3);
	assert_int_equal(st.entries_live, 1);
	assert_int_equal(st.entries_former, 1);
	assert_int_equal(st.entries_other, 1);
	fake_drop(&s->hw, 2);
	withdraw(s, 3);
	s->now_ps += 10 * MS; /* one, none idle */
	st = stats(s);
	assert_true(near(st.entries_mean_pages, 10.0 / 4));
	assert_true(near(st.idle_mean_pages, 5.0 / 4));
	assert_int_equal(st.entries_former + st.entries_other, 0);
}

/* Hardware that knows of bytes: two mappings of 1500 bytes, from 0x9000 and from 0xA000 on. */
static int probe_bytes(void *ctx, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out)
{
	const uint64_t offset = iova & 0xFFF, base = iova < 0xA000 ? 0x28C00 : 0x31200;

	(void)ctx;
	(void)access;
	*out = (struct iotoll_xlat){0};
	if (iova < 0x9000 || iova > 0xAFFF || offset >= 1500)
		return -EPERM;
	*out = (struct iotoll_xlat){.paddr = base + offset, .bytes = 1500 - offset};
	return 0;
}

static void hardware_that_counts_bytes_has_no_excess(void **state)
{
	struct scene *s = *state;
	const struct exposure_config config = {
		.iommu = &s->hw.base,
		.source = {.bus = FAKE_BUS, .devid = 8},
		.probe = probe_bytes,
		.memory_bytes = 1 << 20,
		.now_ps = scene_now,
		.ctx = s,
	};
	struct err err;

	exposure_destroy(s->e);
	assert_int_equal(exposure_create(&s->e, &config, &err), 0);
	s->watch = exposure_observer(s->e);
	begin(s, 0x9000, 0x28C00, 1500); /* across the end of a frame */
	s->now_ps += 10 * MS;
	assert_true(stats(s).excess_byte_seconds == 0.0);
	assert_int_equal(stats(s).reachable_bytes, 1500);
	begin(s, 0xA000, 0x31200, 1000); /* asked for less than was mapped */
	s->now_ps += 10 * MS;
	assert_true(near(stats(s).excess_byte_seconds, 500 * 0.010));
	assert_int_equal(stats(s).frames_ever, 3);
	end(s, 0x9000, 1500);
	assert_int_equal(stats(s).stale_pages, 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_entry_that_stays_keeps_its_page_stale_whatever_the_iotlb_forgets),
		T(a_request_for_the_same_memory_at_the_same_address_revives_its_page),
		T(an_entry_written_over_ends_what_it_led_to),
		T(requests_that_share_a_page_leave_it_stale_with_the_last_of_them),
		T(excess_of_a_shared_page_is_what_none_of_them_asked_for),
		T(a_request_of_which_the_device_has_a_copy_exposes_nothing),
		T(entries_at_rest_count_whether_or_not_a_request_is_behind_them),
		T(hardware_that_counts_bytes_has_no_excess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

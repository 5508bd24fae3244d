// SPDX-License-Identifier: MIT
/* The watcher of a domain, one rule at a time, over an IOMMU that is moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static void a_watcher_without_a_clock_is_refused(void **state)
{
	const struct exposure_config config = {.memory_bytes = 4096};
	struct exposure *e = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(exposure_create(&e, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "now_ps"));
	assert_null(e);
}

static void unmap_of_an_uncached_page_leaves_nothing_reachable(void **state)
{
	struct scene *s = *state;

	map1(s, 7, 40);
	s->now_ps += MS;
	unmap(s, 7, 1, 4096);
	assert_int_equal(stats(s).unmapped_pages, 1);
	assert_int_equal(stats(s).stale_pages, 0);
	assert_int_equal(stats(s).open_pages, 0);
	assert_true(exposure_reachable_after(s->e, 0) == 0.0);
}

static void cached_page_is_stale_from_its_unmap_until_dropped(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	map1(s, 7, 40);
	fake_use(&s->hw, 7);
	s->now_ps += 3 * MS;
	unmap(s, 7, 1, 4096);
	s->now_ps += 2 * MS;
	fake_drop(&s->hw, 7);
	s->now_ps += 5 * MS;
	st = stats(s);
	assert_int_equal(st.interval_ps, 10 * MS);
	assert_int_equal(st.stale_pages, 1);
	assert_int_equal(st.windows, 1);
	assert_int_equal(st.window_max_ns, 2000000);
	assert_int_equal(st.open_pages, 0);
	assert_int_equal(st.stale_peak_pages, 1);
	assert_true(near(st.window_mean_ns, 2e6));
	assert_true(near(st.stale_page_seconds, 0.002));
	assert_true(near(st.stale_mean_pages, 0.2));
}

static void drops_of_live_pages_and_of_other_buses_end_nothing(void **state)
{
	struct scene *s = *state;
	const struct iotoll_source other = {.bus = FAKE_BUS + 1, .devid = 0};

	map1(s, 7, 40);
	fake_use(&s->hw, 7);
	fake_drop(&s->hw, 7); /* live: evicted */
	fake_use(&s->hw, 7);
	unmap(s, 7, 1, 4096);
	exposure_dropped(s->e, other, 7);
	exposure_dropped(s->e, (struct iotoll_source){.bus = FAKE_BUS}, 8);
	assert_int_equal(stats(s).open_pages, 1);
	assert_int_equal(stats(s).windows, 0);
}

static void open_windows_count_with_their_age(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	do_map(s, 4, 3, 50, 3 * 4096, IOTOLL_DMA_BIDIRECTIONAL, RW);
	fake_use(&s->hw, 4);
	fake_use(&s->hw, 6);
	unmap(s, 4, 3, 3 * 4096);
	s->now_ps += 4 * MS;
	st = stats(s);
	assert_int_equal(st.unmapped_pages, 3);
	assert_int_equal(st.stale_pages, 2);
	assert_int_equal(st.open_pages, 2);
	assert_int_equal(st.open_oldest_ns, 4000000);
	assert_int_equal(st.windows, 0);
	assert_true(near(st.stale_page_seconds, 0.008));
	assert_true(near(stats(s).stale_page_seconds, 0.008));
}

static void new_mapping_of_a_stale_page_is_reuse(void **state)
{
	struct scene *s = *state;

	map1(s, 7, 40);
	fake_use(&s->hw, 7);
	unmap(s, 7, 1, 4096);
	map1(s, 7, 41); /* the same I/O page, another frame */
	assert_int_equal(stats(s).reused_iova_pages, 1);
	assert_int_equal(stats(s).reused_frame_pages, 0);
	map1(s, 9, 40); /* the old frame, another I/O page */
	assert_int_equal(stats(s).reused_frame_pages, 1);
	fake_drop(&s->hw, 7);
	unmap(s, 9, 1, 4096);
	map1(s, 9, 40); /* nothing leads there any more */
	assert_int_equal(stats(s).reused_iova_pages, 1);
	assert_int_equal(stats(s).reused_frame_pages, 1);
}

static void second_owner_behind_a_stale_translation_was_never_reachable(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	map1(s, 7, 40);
	fake_use(&s->hw, 7);
	unmap(s, 7, 1, 4096);
	s->now_ps += MS;
	map1(s, 7, 41);
	fake_use(&s->hw, 7); /* the old entry answers */
	unmap(s, 7, 1, 4096);
	s->now_ps += MS;
	fake_drop(&s->hw, 7);
	st = stats(s);
	assert_int_equal(st.stale_pages, 1);
	assert_int_equal(st.shadowed_pages, 1);
	assert_int_equal(st.windows, 1);
	assert_int_equal(st.window_max_ns, 2000000);
}

static void two_io_pages_of_one_frame_are_two_windows(void **state)
{
	struct scene *s = *state;

	map1(s, 1, 40);
	map1(s, 2, 40);
	fake_use(&s->hw, 1);
	fake_use(&s->hw, 2);
	unmap(s, 1, 1, 4096);
	unmap(s, 2, 1, 4096);
	fake_drop(&s->hw, 1);
	map1(s, 3, 40); /* page 2 still leads there */
	assert_int_equal(stats(s).reused_frame_pages, 1);
	fake_drop(&s->hw, 2);
	map1(s, 4, 40);
	assert_int_equal(stats(s).reused_frame_pages, 1);
	assert_int_equal(stats(s).windows, 2);
}

static void bytes_nobody_asked_for_are_integrated_while_mapped(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	do_map(s, 4, 1, 50, 1522, IOTOLL_DMA_BIDIRECTIONAL, RW);
	s->now_ps += 10 * MS;
	do_map(s, 5, 2, 60, 4098, IOTOLL_DMA_BIDIRECTIONAL, RW);
	s->now_ps += 10 * MS;
	unmap(s, 4, 1, 1522);
	unmap(s, 5, 2, 4098);
	s->now_ps += 20 * MS;
	st = stats(s);
	assert_true(near(st.excess_byte_seconds, 2574 * 0.020 + 4094 * 0.010));
	assert_true(near(st.excess_mean_bytes, (2574 * 0.020 + 4094 * 0.010) / 0.040));
	assert_true(near(st.live_mean_pages, (1 * 0.010 + 3 * 0.010) / 0.040));
	assert_int_equal(st.live_peak_pages, 3);
	assert_int_equal(st.live_pages, 0);
	assert_int_equal(st.frames_ever, 3);
	assert_int_equal(st.reachable_bytes, 4096);
}

static void rights_beyond_the_direction_are_counted_by_asking(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	do_map(s, 1, 2, 50, 8192, IOTOLL_DMA_FROM_DEVICE, RW); /* Calgary as Linux drives it */
	do_map(s, 3, 1, 52, 4096, IOTOLL_DMA_FROM_DEVICE, IOTOLL_WRITE);
	do_map(s, 4, 1, 53, 4096, IOTOLL_DMA_TO_DEVICE, IOTOLL_READ);
	do_map(s, 5, 1, 54, 4096, IOTOLL_DMA_TO_DEVICE, RW); /* DART */
	do_map(s, 6, 1, 55, 4096, IOTOLL_DMA_BIDIRECTIONAL, RW);
	st = stats(s);
	assert_int_equal(st.from_device_pages, 3);
	assert_int_equal(st.from_device_readable_pages, 2);
	assert_int_equal(st.to_device_pages, 2);
	assert_int_equal(st.to_device_writable_pages, 1);
}

static void write_only_page_left_cached_is_stale_too(void **state)
{
	struct scene *s = *state;

	do_map(s, 3, 1, 52, 4096, IOTOLL_DMA_FROM_DEVICE, IOTOLL_WRITE);
	fake_use(&s->hw, 3);
	unmap(s, 3, 1, 4096);
	assert_int_equal(stats(s).stale_pages, 1);
}

static void fraction_reachable_after_a_delay_leaves_out_the_undecided(void **state)
{
	struct scene *s = *state;

	for (uint64_t pfn = 0; pfn < 4; pfn++)
		map1(s, pfn, 40 + pfn);
	for (uint64_t pfn = 0; pfn < 3; pfn++)
		fake_use(&s->hw, pfn);
	for (uint64_t pfn = 0; pfn < 4; pfn++)
		unmap(s, pfn, 1, 4096); /* 3 is unreachable at once */
	s->now_ps += MS;
	fake_drop(&s->hw, 0); /* 1 ms */
	s->now_ps += 9 * MS;
	fake_drop(&s->hw, 1); /* 10 ms; 2 stays open, 10 ms old */
	assert_true(near(exposure_reachable_after(s->e, 500000), 3.0 / 4));
	assert_true(near(exposure_reachable_after(s->e, 5000000), 2.0 / 4));
	assert_true(near(exposure_reachable_after(s->e, 50000000), 0.0 / 3));
}

static void without_an_iommu_everything_stays_reachable(void **state)
{
	struct scene s;
	struct exposure_stats st;

	(void)state;
	scene_make(&s, false);
	do_map(&s, 7, 1, 7, 100, IOTOLL_DMA_BIDIRECTIONAL, RW);
	s.now_ps += MS;
	unmap(&s, 7, 1, 100);
	st = stats(&s);
	assert_true(st.untranslated);
	assert_int_equal(st.reachable_bytes, 1 << 20);
	assert_int_equal(st.unmapped_pages, 1);
	assert_int_equal(st.stale_pages + st.stale_peak_pages + st.windows + st.open_pages, 0);
	assert_true(st.excess_byte_seconds == 0.0 && st.excess_mean_bytes == 0.0);
	assert_true(st.live_mean_pages == 1.0);
	assert_true(exposure_reachable_after(s.e, 1000) == 1.0);
	exposure_destroy(s.e);
}

static void an_iommu_that_passes_addresses_through_is_noticed(void **state)
{
	struct scene *s = *state;

	s->hw.bypass = true;
	do_map(s, 7, 1, 7, 100, IOTOLL_DMA_BIDIRECTIONAL, RW);
	s->now_ps += MS;
	assert_true(stats(s).untranslated); /* at the first map, before anything is unmapped */
	assert_true(stats(s).excess_byte_seconds == 0.0);
	unmap(s, 7, 1, 100);
	assert_int_equal(stats(s).stale_pages, 0);
	exposure_restart(s->e);
	assert_true(stats(s).untranslated);
}

static void restart_counts_anew_but_forgets_nothing_live_or_stale(void **state)
{
	struct scene *s = *state;
	struct exposure_stats st;

	map1(s, 1, 40);
	map1(s, 2, 41);
	fake_use(&s->hw, 2);
	unmap(s, 2, 1, 4096);
	s->now_ps += 7 * MS;
	exposure_restart(s->e);
	st = stats(s);
	assert_int_equal(st.stale_pages, 0);
	assert_int_equal(st.open_pages, 1);
	assert_int_equal(st.live_pages, 1);
	assert_int_equal(st.live_peak_pages, 1);
	assert_int_equal(st.stale_peak_pages, 1);
	s->now_ps += 3 * MS;
	fake_drop(&s->hw, 2);
	st = stats(s);
	assert_int_equal(st.interval_ps, 3 * MS);
	assert_int_equal(st.windows, 0); /* it opened before */
	assert_true(near(st.stale_page_seconds, 0.003));
	assert_true(near(st.live_mean_pages, 1.0));
}

static void unmap_of_what_was_never_seen_mapped_is_counted(void **state)
{
	struct scene *s = *state;

	map1(s, 1, 40);
	unmap(s, 9, 2, 8192);
	assert_int_equal(stats(s).unbalanced_pages, 2);
	assert_int_equal(stats(s).live_pages, 1);
}

static void time_that_goes_back_counts_as_none(void **state)
{
	struct scene *s = *state;

	map1(s, 1, 40);
	fake_use(&s->hw, 1);
	s->now_ps += 2 * MS;
	unmap(s, 1, 1, 4096);
	s->now_ps -= MS;
	fake_drop(&s->hw, 1);
	assert_int_equal(stats(s).windows, 1);
	assert_int_equal(stats(s).window_max_ns, 0);
	assert_int_equal(stats(s).interval_ps, 2 * MS);
}

static void a_map_asks_no_more_than_it_must(void **state)
{
	struct scene *s = *state;

	/* The first tells whether there is translation at all. */
	map1(s, 1, 40);
	assert_int_equal(s->hw.probes, 2);
	map1(s, 2, 41);
	assert_int_equal(s->hw.probes, 3);
	/* What lets the device do too much shows by that how far it reaches. */
	do_map(s, 3, 1, 42, 1522, IOTOLL_DMA_FROM_DEVICE, RW);
	assert_int_equal(s->hw.probes, 4);
	do_map(s, 4, 1, 42, 1522, IOTOLL_DMA_FROM_DEVICE, IOTOLL_WRITE);
	assert_int_equal(s->hw.probes, 6);
}

static int probe_both(void *ctx, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct iotoll_source source = {.bus = FAKE_BUS, .devid = 8};
	struct scene *s = ctx;
	const uint64_t own = s->device[iova >> 12];

	if (!(own & (unsigned)access))
		return fake_probe(&s->hw.base, source, iova, access, out);
	*out = (struct iotoll_xlat){.paddr = own >> 2 << 12, .bytes = 4096, .hit = true};
	return 0;
}

static void page_is_stale_until_the_last_of_two_caches_has_dropped_it(void **state)
{
	struct scene *s = *state;
	const struct exposure_config config = {
		.iommu = &s->hw.base,
		.source = {.bus = FAKE_BUS, .devid = 8},
		.probe = probe_both,
		.memory_bytes = 1 << 20,
		.now_ps = scene_now,
		.ctx = s,
	};
	struct err err;

	exposure_destroy(s->e);
	assert_int_equal(exposure_create(&s->e, &config, &err), 0);
	s->watch = exposure_observer(s->e);
	s->hw.base.observer.ctx = s->e;
	map1(s, 3, 50);
	fake_use(&s->hw, 3);
	s->device[3] = fake_entry(50, RW);
	unmap(s, 3, 1, 4096);
	assert_int_equal(stats(s).stale_pages, 1);
	s->now_ps += MS;
	fake_drop(&s->hw, 3); /* the IOTLB forgets: the device still reaches it */
	assert_int_equal(stats(s).open_pages, 1);
	assert_int_equal(stats(s).windows, 0);
	s->now_ps += MS;
	s->device[3] = 0;
	exposure_dropped(s->e, config.source, 3);
	assert_int_equal(stats(s).open_pages, 0);
	assert_int_equal(stats(s).windows, 1);
	assert_true(stats(s).window_mean_ns > 1.9e6 && stats(s).window_mean_ns < 2.1e6);
	/* In the device's cache alone: as stale as any other. */
	map1(s, 4, 60);
	s->device[4] = fake_entry(60, IOTOLL_WRITE);
	unmap(s, 4, 1, 4096);
	assert_int_equal(stats(s).open_pages, 1);
	s->device[4] = 0;
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watcher_without_a_clock_is_refused),
		T(unmap_of_an_uncached_page_leaves_nothing_reachable),
		T(cached_page_is_stale_from_its_unmap_until_dropped),
		T(drops_of_live_pages_and_of_other_buses_end_nothing),
		T(open_windows_count_with_their_age),
		T(new_mapping_of_a_stale_page_is_reuse),
		T(second_owner_behind_a_stale_translation_was_never_reachable),
		T(two_io_pages_of_one_frame_are_two_windows),
		T(bytes_nobody_asked_for_are_integrated_while_mapped),
		T(rights_beyond_the_direction_are_counted_by_asking),
		T(write_only_page_left_cached_is_stale_too),
		T(fraction_reachable_after_a_delay_leaves_out_the_undecided),
		cmocka_unit_test(without_an_iommu_everything_stays_reachable),
		T(an_iommu_that_passes_addresses_through_is_noticed),
		T(restart_counts_anew_but_forgets_nothing_live_or_stale),
		T(unmap_of_what_was_never_seen_mapped_is_counted),
		T(time_that_goes_back_counts_as_none),
		T(a_map_asks_no_more_than_it_must),
		T(page_is_stale_until_the_last_of_two_caches_has_dropped_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

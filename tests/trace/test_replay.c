// SPDX-License-Identifier: MIT
/* Replays of hand-written traces, count by count, and of the recording that ships with the project.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "replay_scene.h"

static void six_events_give_exactly_their_counts(void **state)
{
	const struct replay_result r = replayed(SIX, "strict");

	(void)state;
	assert_int_equal(r.trace.events, 6);
	assert_int_equal(r.maps, 3);
	assert_int_equal(r.unmaps, 3);
	assert_int_equal(r.mapped_pages, 4);
	assert_int_equal(r.single_page_maps, 2);
	assert_int_equal(r.map_failures + r.sg_unmaps + r.partial_unmaps + r.short_unmaps, 0);
	assert_int_equal(r.unmatched_unmaps + r.unmatched_pages + r.ambiguous_maps, 0);
	assert_int_equal(r.live_maps + r.live_pages + r.folded_maps + r.folded_cpu_events, 0);
	assert_int_equal(r.span_ns, 5000000);
	assert_true(r.span_ps >= 5 * SIM_MS && r.span_ps < 6 * SIM_MS);
	assert_int_equal(r.dma.maps, 3);
	assert_int_equal(r.dma.unmaps, 3);
	assert_int_equal(r.dma.table_writes, 8);
	assert_int_equal(r.dma.flushes, 3);
	assert_int_equal(r.dma.pages_live, 0);
	assert_int_equal(r.exposure.live_peak_pages, 3);
	assert_int_equal(r.accesses, 4);
	assert_int_equal(r.access_faults, 0);
	assert_int_equal(r.iotlb.misses, 4);
	assert_int_equal(r.iotlb.hits, 0);
	assert_int_equal(r.exposure.unmapped_pages, 4);
	assert_int_equal(r.exposure.stale_pages, 0);
	assert_int_equal(r.cycles_map, profile_cycles(&profile, r.cpu.ps[CHARGE_MAP]));
	assert_true(r.cycles_map > 0 && r.cycles_unmap > 0 && r.cycles_flush > 0);
	assert_true(r.dma.flush_ps > 0);
}

static void deferred_leaves_open_what_strict_closes(void **state)
{
	const struct replay_result r = replayed(SIX, "deferred");

	(void)state;
	assert_int_equal(r.dma.flushes, 0);
	assert_int_equal(r.cycles_flush, 0);
	assert_int_equal(r.exposure.stale_pages, 4);
	assert_int_equal(r.exposure.open_pages, 4);
	/* Unmapped 4, 2, 2 and 0 ms before the end. */
	assert_true(r.exposure.stale_page_seconds > 0.0079 &&
		    r.exposure.stale_page_seconds < 0.0081);
}

static void without_iommu_everything_is_reachable_and_free(void **state)
{
	struct replay_config config = config_of("off");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	config.iommu = "none";
	assert_int_equal(run_text(SIX, &config, &r, &err), 0);
	assert_int_equal(r.maps, 3);
	assert_int_equal(r.dma.table_writes, 0);
	assert_int_equal(r.cycles_flush, 0);
	assert_true(r.exposure.untranslated);
	assert_int_equal(r.exposure.reachable_bytes, profile.memory_bytes);
	assert_true(r.reachable_after[REPLAY_DELAYS - 1] == 1.0);
}

static void unmaps_of_what_was_mapped_before_are_counted(void **state)
{
	const struct replay_result r =
		replayed(UNMAP1("1.0", "0x9000") MAP1("1.1", "0x1000", "0x1000")
				 UNMAP("000", "1.2", "0x0", "12288", "12288"),
			 "strict");

	(void)state;
	assert_int_equal(r.unmatched_unmaps, 1);
	assert_int_equal(r.unmatched_pages, 3);
	assert_int_equal(r.unmaps, 1);
	assert_int_equal(r.dma.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
}

static void maps_never_unmapped_are_counted(void **state)
{
	const struct replay_result r =
		replayed(MAP("000", "1.1", "0x1000", "0x1000", "12288"), "strict");

	(void)state;
	assert_int_equal(r.live_maps, 1);
	assert_int_equal(r.live_pages, 3);
	assert_int_equal(r.dma.pages_live, 3);
}

static void one_unmap_of_a_scattered_list_is_one_list_unmap(void **state)
{
	const struct replay_result r =
		replayed(MAP1("1.0", "0x1000", "0x8000") MAP1("1.1", "0x2000", "0x5000")
				 MAP("000", "1.2", "0x3000", "0x20000", "8192")
					 UNMAP("000", "1.3", "0x1000", "16384", "16384"),
			 "strict");

	(void)state;
	assert_int_equal(r.sg_unmaps, 1);
	assert_int_equal(r.unmaps, 3);
	assert_int_equal(r.dma.unmaps, 3);
	assert_int_equal(r.dma.pages_live, 0);
	assert_int_equal(r.accesses, 4);
}

static void partial_unmaps_take_the_map_down_with_its_last_page(void **state)
{
	static const char part[] = MAP("000", "1.0", "0x1000", "0x8000", "16384")
		UNMAP("000", "1.1", "0x1000", "8192", "8192");
	static const char whole[] = MAP("000", "1.0", "0x1000", "0x8000", "16384")
		UNMAP("000", "1.1", "0x1000", "8192", "8192")
			UNMAP("000", "1.2", "0x3000", "8192", "8192");
	struct replay_result r = replayed(part, "strict");

	(void)state;
	assert_int_equal(r.partial_unmaps, 1);
	assert_int_equal(r.unmaps, 0);
	assert_int_equal(r.dma.pages_live, 4);
	assert_int_equal(r.live_pages, 2);
	r = replayed(whole, "strict");
	assert_int_equal(r.partial_unmaps, 1);
	assert_int_equal(r.unmaps, 1);
	assert_int_equal(r.dma.pages_live, 0);
}

static void an_address_two_devices_use_is_ambiguous(void **state)
{
	const struct replay_result r =
		replayed(MAP1("1.0", "0x1000", "0x8000") MAP1("1.1", "0x1000", "0x9000")
				 UNMAP1("1.2", "0x1000") UNMAP1("1.3", "0x1000"),
			 "strict");

	(void)state;
	assert_int_equal(r.ambiguous_maps, 1);
	assert_int_equal(r.unmaps, 2);
	assert_int_equal(r.unmatched_unmaps, 0);
	assert_int_equal(r.access_faults, 0);
}

static void an_unmap_that_did_nothing_ends_nothing(void **state)
{
	const struct replay_result r =
		replayed(MAP1("1.0", "0x1000", "0x8000") UNMAP("000", "1.2", "0x1000", "4096", "0"),
			 "strict");

	(void)state;
	assert_int_equal(r.short_unmaps, 1);
	assert_int_equal(r.unmaps, 0);
	assert_int_equal(r.unmatched_unmaps, 0);
	assert_int_equal(r.live_maps, 1);
}

static void frames_beyond_our_memory_are_folded_into_it(void **state)
{
	const struct replay_result r =
		replayed(MAP1("1.0", "0x1000", "0x1ffffff000")
				 MAP("000", "1.1", "0x2000", "0x1ffffff000", "8192")
					 UNMAP("000", "1.2", "0x1000", "12288", "12288"),
			 "strict");

	(void)state;
	assert_int_equal(r.folded_maps, 2);
	assert_int_equal(r.unmaps, 2);
	assert_int_equal(r.access_faults, 0);
	assert_int_equal(r.exposure.frames_ever, 2); /* the last of memory, and the one before */
}

static void maps_without_room_fail_and_are_counted(void **state)
{
	const struct replay_result r =
		replayed(MAP("000", "1.0", "0x0", "0x0", "1125899906842624") /* 2^50 */
			 MAP("000", "1.1", "0x0", "0x0", "67108864")         /* twice the table */
			 MAP("000", "1.2", "0x100000000", "0x0", "16777216") /* half of it */
			 MAP("000", "1.3", "0x200000000", "0x0", "16777216") /* no longer there */
			 UNMAP("000", "1.4", "0x0", "9007199254740992", "9007199254740992"),
			 "strict");

	(void)state;
	assert_int_equal(r.map_failures, 3);
	assert_int_equal(r.maps, 1);
	assert_int_equal(r.unmaps, 1);
	assert_int_equal(r.live_pages, 0);
}

static void time_stamps_that_go_back_count_as_no_time(void **state)
{
	const struct replay_result r =
		replayed(MAP1("9.000", "0x1000", "0x8000") MAP1("9.001", "0x2000", "0x8000")
				 UNMAP1("1.000", "0x1000") UNMAP1("1.002", "0x2000"),
			 "strict");

	(void)state;
	assert_int_equal(r.trace.backwards, 1);
	assert_int_equal(r.span_ns, 3000000);
}

static void an_event_that_earlier_work_holds_up_is_late(void **state)
{
	const struct replay_result slow =
		replayed(MAP1("1.000000", "0x1000", "0x8000") MAP1("1.000000", "0x2000", "0x8000")
				 UNMAP1("1.000000", "0x1000") UNMAP1("1.000001", "0x2000"),
			 "strict");
	const struct replay_result easy = replayed(SIX, "strict");

	(void)state;
	assert_int_equal(slow.late_events, 3);
	assert_true(slow.late_max_ps > 0);
	assert_int_equal(easy.late_events, 0);
}

static void the_access_rule_decides_what_the_iotlb_sees(void **state)
{
	struct replay_config config = config_of("deferred");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	config.access = REPLAY_ACCESS_NONE;
	assert_int_equal(run_text(SIX, &config, &r, &err), 0);
	assert_int_equal(r.accesses + r.iotlb.misses + r.iotlb.hits, 0);
	assert_int_equal(r.exposure.stale_pages, 0); /* nothing was ever cached */
	config.access = REPLAY_ACCESS_AT_MAP;
	assert_int_equal(run_text(SIX, &config, &r, &err), 0);
	assert_int_equal(r.accesses, 4);
	assert_int_equal(r.exposure.stale_pages, 4);
	assert_string_equal(replay_access_name(REPLAY_ACCESS_AT_MAP), "at-map");
	config.access = REPLAY_ACCESS_FIRST; /* one page of each of the three maps */
	assert_int_equal(run_text(SIX, &config, &r, &err), 0);
	assert_int_equal(r.accesses, 3);
	assert_int_equal(r.exposure.stale_pages, 3);
	assert_string_equal(replay_access_name(REPLAY_ACCESS_RECORDED), "recorded");
	assert_null(replay_access_name(REPLAY_ACCESS_RECORDED + 1));
}

/* Nothing waits for the times recorded, and the work costs what it cost. */
static void a_closed_loop_takes_as_long_as_its_work(void **state)
{
	struct replay_config config = config_of("strict");
	struct replay_result open, closed;
	struct err err = {""};

	(void)state;
	assert_int_equal(run_text(SIX, &config, &open, &err), 0);
	config.pace = REPLAY_CLOSED;
	assert_int_equal(run_text(SIX, &config, &closed, &err), 0);
	assert_true(open.span_ps >= 4000 * (uint64_t)1000000); /* 4 ms, as recorded */
	assert_true(closed.span_ps <= closed.cpu.busy_ps);     /* never idle */
	assert_true(closed.work_ps >= closed.cpu.ps[CHARGE_UNMAP] + closed.cpu.ps[CHARGE_FLUSH]);
	assert_int_equal(closed.late_events, 0);
	assert_int_equal(closed.span_ns, open.span_ns);
	assert_int_equal(closed.unmaps, open.unmaps);
	assert_int_equal(closed.dma.flushes, open.dma.flushes);
	assert_string_equal(replay_pace_name(REPLAY_CLOSED), "closed");
	assert_null(replay_pace_name(2));
}

static void events_of_missing_cpus_run_on_those_there_are(void **state)
{
	const struct replay_result r = replayed(
		MAP("003", "1.0", "0x1000", "0x8000", "4096") UNMAP1("1.1", "0x1000"), "strict");

	(void)state;
	assert_int_equal(r.cpus, 1);
	assert_int_equal(r.folded_cpu_events, 1);
	assert_int_equal(r.unmaps, 1);
}

/*
 * While one CPU flushes with the lock held, a second maps a page and a third unmaps it, all in the
 * same microsecond: the unmap must not go ahead of its map.
 */
static void an_unmap_waits_for_a_map_still_made_on_another_cpu(void **state)
{
	static char text[50 * 4 * 120];
	struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at,
			" t-1 [002] 1.%03u000: map: IOMMU: iova=0x%x000 paddr=0x1000 size=4096\n"
			" t-1 [002] 1.%03u100: unmap: IOMMU: iova=0x%x000 size=4096 "
			"unmapped_size=4096\n"
			" t-1 [000] 1.%03u100: map: IOMMU: iova=0x%x000 paddr=0x2000 size=4096\n"
			" t-1 [001] 1.%03u100: unmap: IOMMU: iova=0x%x000 size=4096 "
			"unmapped_size=4096\n",
			i, 16 + i, i, 16 + i, i, 116 + i, i, 116 + i);
	config.cpus = 3;
	assert_int_equal(run_text(text, &config, &r, &err), 0);
	assert_int_equal(r.cpus, 3);
	assert_int_equal(r.maps, 100);
	assert_int_equal(r.unmaps, 100);
	assert_int_equal(r.unmatched_unmaps, 0);
	assert_int_equal(r.dma.pages_live, 0);
	assert_int_equal(r.access_faults, 0);
	assert_int_equal(r.exposure.stale_pages, 0);
	assert_true(r.dma.lock_contended > 0);
}

static void two_cpus_that_map_at_once_wait_for_the_lock(void **state)
{
	/* Long enough to still be under way when the other CPU has been woken. */
	static const char text[] = MAP("000", "1.000000", "0x100000", "0x100000", "262144")
		MAP("001", "1.000000", "0x200000", "0x200000", "262144")
			UNMAP("000", "1.001000", "0x100000", "262144", "262144")
				UNMAP("001", "1.001000", "0x200000", "262144", "262144");
	struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	assert_int_equal(run_text(text, &config, &r, &err), 0);
	assert_int_equal(r.dma.lock_contended, 0);
	config.cpus = 2;
	assert_int_equal(run_text(text, &config, &r, &err), 0);
	assert_int_equal(r.folded_cpu_events, 0);
	assert_true(r.dma.lock_contended > 0 && r.cycles_lock_wait > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(six_events_give_exactly_their_counts),
		cmocka_unit_test(deferred_leaves_open_what_strict_closes),
		cmocka_unit_test(without_iommu_everything_is_reachable_and_free),
		cmocka_unit_test(unmaps_of_what_was_mapped_before_are_counted),
		cmocka_unit_test(maps_never_unmapped_are_counted),
		cmocka_unit_test(one_unmap_of_a_scattered_list_is_one_list_unmap),
		cmocka_unit_test(partial_unmaps_take_the_map_down_with_its_last_page),
		cmocka_unit_test(an_address_two_devices_use_is_ambiguous),
		cmocka_unit_test(an_unmap_that_did_nothing_ends_nothing),
		cmocka_unit_test(frames_beyond_our_memory_are_folded_into_it),
		cmocka_unit_test(maps_without_room_fail_and_are_counted),
		cmocka_unit_test(time_stamps_that_go_back_count_as_no_time),
		cmocka_unit_test(an_event_that_earlier_work_holds_up_is_late),
		cmocka_unit_test(the_access_rule_decides_what_the_iotlb_sees),
		cmocka_unit_test(a_closed_loop_takes_as_long_as_its_work),
		cmocka_unit_test(events_of_missing_cpus_run_on_those_there_are),
		cmocka_unit_test(an_unmap_waits_for_a_map_still_made_on_another_cpu),
		cmocka_unit_test(two_cpus_that_map_at_once_wait_for_the_lock),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Whole runs: what must be true of any result, and determinism. */
#include "run_fixture.h"

static void a_saturated_link_carries_what_its_framing_allows(void **state)
{
	json_t *r = RUN("iommu.model=none");

	(void)state;
	/* 1460 of 1538 byte times: 949.3 Mb/s, within a socket buffer's worth of the interval */
	assert_true(get(r, "throughput_mbps") > 930 && get(r, "throughput_mbps") < 970);
	assert_true(get(r, "load.mismatches") == 0);
	assert_true(get(r, "load.bytes_checked") > 0);
	assert_true(get(r, "load.retransmits") == 0);
	assert_true(get(r, "cpu_max_percent") == 800);
	assert_true(get(r, "client.cpu_max_percent") == 200);
	json_decref(r);
}

static void a_frame_costs_what_the_profile_is_anchored_to(void **state)
{
	json_t *r = RUN("iommu.model=none"), *value;
	const double frames = get(r, "nic.rx_frames");
	const char *key;
	double busy = 0;

	(void)state;
	json_object_foreach(json_object_get(r, "cpu_cycles"), key, value) busy +=
		strcmp(key, "idle") ? json_number_value(value) : 0;
	/* profiles/README.md: 12,000 cycles a frame, give or take a tenth */
	assert_true(busy / frames > 10800 && busy / frames < 13200);
	json_decref(r);
}

static void cycles_by_category_add_up_to_the_machine(void **state)
{
	json_t *r = RUN(ON), *value;
	const char *key;
	double sum = 0;

	(void)state;
	json_object_foreach(json_object_get(r, "cpu_cycles"), key, value) sum +=
		json_number_value(value);
	/* 8 CPUs at 3 GHz for 30 ms, each category rounded to a cycle */
	assert_true(sum > 8 * 3e9 * 0.030 - 20 && sum < 8 * 3e9 * 0.030 + 20);
	assert_true(get(r, "cpu_cycles.map") > 0 && get(r, "cpu_cycles.unmap") > 0);
	json_decref(r);
}

static void without_an_iommu_nothing_is_mapped_and_everything_is_reachable(void **state)
{
	json_t *r = RUN("iommu.model=none");

	(void)state;
	assert_true(get(r, "cpu_cycles.map") == 0 && get(r, "cpu_cycles.unmap") == 0);
	assert_true(get(r, "iommu.table_writes") == 0);
	assert_true(json_is_true(json_object_get(json_object_get(r, "exposure"), "untranslated")));
	assert_true(get(r, "exposure.reachable_bytes") == 4294967296.0);
	json_decref(r);
}

/* The same run on VT-d: what each strategy promises, as the watcher and the counters see it. */
static void on_vtd_each_strategy_exposes_what_it_promises(void **state)
{
	json_t *strict = RUN("iommu.model=vtd", "sut.profile=e3-1220-2015", "dma.strategy=strict");
	json_t *queue =
		RUN("iommu.model=vtd", "sut.profile=e3-1220-2015", "dma.strategy=flush-queue");
	json_t *defer = RUN("iommu.model=vtd", "sut.profile=e3-1220-2015", "dma.strategy=deferred");

	(void)state;
	assert_true(get(strict, "load.mismatches") + get(queue, "load.mismatches") +
			    get(defer, "load.mismatches") ==
		    0);
	/* One invalidation for each unmap, of one page; of the domain for each ring or timer. */
	assert_true(get(strict, "iommu.invalidations") == get(strict, "dma.unmaps"));
	assert_true(get(strict, "iommu.flushes") == 0);
	assert_true(get(strict, "exposure.stale_pages") == 0);
	assert_true(get(queue, "iommu.invalidations") == 0);
	assert_true(get(queue, "iommu.flushes") > get(queue, "dma.unmaps") / 256 - 1);
	assert_true(get(queue, "iommu.timer_flushes") > 0);
	assert_true(get(queue, "exposure.stale_pages") > 0);
	assert_true(get(queue, "exposure.reused_iova_pages") == 0);
	/* Queue full or two timer periods, whichever comes first; then it is forgotten. */
	assert_true(get(queue, "exposure.window_us_max") < 16000);
	assert_true(get(defer, "iommu.flushes") + get(defer, "iommu.invalidations") == 0);
	/* Entries for the device to write are not for it to read, other than Calgary's. */
	assert_true(get(strict, "exposure.from_device_pages") > 0);
	assert_true(get(strict, "exposure.from_device_readable_pages") == 0);
	/* rIOMMU, table 1: 2,127 cycles for an invalidation, which the profile was set to give. */
	assert_true(get(strict, "iommu.flush_us_mean") > 0.66 &&
		    get(strict, "iommu.flush_us_mean") < 0.71);
	json_decref(strict);
	json_decref(queue);
	json_decref(defer);
}

/* And on AMD-Vi, on a machine of its kind: the driver looks for the unit's answer once in 1 us. */
static void on_amdvi_an_invalidation_costs_whole_microseconds_of_waiting(void **state)
{
	static const char *const takes[] = {"sut.iommu.invalidate=200 ns",
					    "sut.iommu.invalidate=700 ns"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		json_t *r = RUN("iommu.model=amdvi", "sut.profile=epyc-7742-2019",
				"dma.strategy=strict", takes[i]);

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "iommu.invalidations") == get(r, "dma.unmaps"));
		assert_true(get(r, "exposure.stale_pages") == 0);
		assert_true(get(r, "iommu.flush_us_mean") > 1.15 &&
			    get(r, "iommu.flush_us_mean") < 1.35);
		json_decref(r);
	}
}

static void every_frame_costs_its_mappings(void **state)
{
	json_t *r = RUN(ON);
	const double maps = get(r, "dma.maps"), rx = get(r, "nic.rx_frames"),
		     tx = get(r, "nic.tx_frames");

	(void)state;
	/* one map a full frame received and one a frame sent; what is in flight may differ */
	assert_true(maps > rx + tx - 100 && maps < rx + tx + 100);
	assert_true(get(r, "dma.single_entry_fraction") == 1);
	assert_true(get(r, "iommu.table_writes") == maps + get(r, "dma.unmaps"));
	assert_true(get(r, "dma.map_failures") == 0);
	json_decref(r);
}

static void strict_leaves_nothing_reachable_and_flushes_every_time(void **state)
{
	json_t *r = RUN(ON, "dma.strategy=strict");

	(void)state;
	assert_true(get(r, "iommu.flushes") == get(r, "dma.unmaps"));
	assert_true(get(r, "exposure.stale_pages") == 0);
	assert_true(get(r, "iommu.flush_us_mean") > 3.3);
	assert_true(get(r, "iommu.stall_us") > 0);
	json_decref(r);
}

static void deferred_leaves_pages_reachable_until_they_are_evicted(void **state)
{
	json_t *r = RUN(ON);

	(void)state;
	assert_true(get(r, "exposure.stale_pages") > 0);
	assert_true(get(r, "exposure.window_us_max") > 0);
	assert_true(get(r, "iommu.flushes") == 0);
	assert_true(get(r, "iotlb.stale_reads") == 0 && get(r, "iotlb.stale_writes") == 0);
	json_decref(r);
}

static void a_small_table_wraps_and_flushes_each_lap(void **state)
{
	json_t *r = RUN(ON, "iommu.table_entries=8192", "run.duration=300 ms");

	(void)state;
	/* ~130 maps a millisecond: some 40,000 in 310 ms, five laps of a little less than 8192 */
	assert_true(get(r, "dma.wraps") >= 3);
	assert_true(get(r, "iommu.flushes") == get(r, "dma.wraps"));
	json_decref(r);
}

static void the_same_seed_gives_the_same_bytes_and_another_other_bytes(void **state)
{
	char *text[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		json_t *r = RUN(ON, "dma.start=random", i == 2 ? "run.seed=2" : "run.seed=1");

		json_object_del(r, "seed");
		json_object_del(r, "settings");
		json_object_del(r, "command");
		text[i] = json_dumps(r, 0);
		json_decref(r);
	}
	assert_string_equal(text[0], text[1]);
	assert_string_not_equal(text[0], text[2]);
	for (int i = 0; i < 3; i++)
		free(text[i]);
}

static void free_dma_software_and_free_translation_are_free(void **state)
{
	json_t *soft = RUN(ON, "ablation.dma_software=free"),
	       *hard = RUN(ON, "sut.iommu.walk_read=0 ns", "sut.iommu.iotlb_hit=0 ns");

	(void)state;
	assert_true(get(soft, "cpu_cycles.map") == 0 && get(soft, "cpu_cycles.unmap") == 0);
	assert_true(get(soft, "dma.maps") > 0);
	assert_true(get(hard, "iommu.translation_us") == 0);
	assert_true(get(hard, "iotlb.misses") > 0);
	json_decref(soft);
	json_decref(hard);
}

static void the_other_direction_and_many_streams_run(void **state)
{
	json_t *send = RUN(ON, "load.name=tcp_maerts"),
	       *many = RUN(ON, "load.streams=4", "sut.app_cpu=0");

	(void)state;
	assert_true(json_is_false(json_object_get(json_object_get(send, "load"), "sut_receives")));
	assert_true(get(send, "throughput_mbps") > 500);
	assert_true(get(send, "load.mismatches") == 0);
	assert_true(get(many, "throughput_mbps") > 900);
	json_decref(send);
	json_decref(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saturated_link_carries_what_its_framing_allows),
		cmocka_unit_test(a_frame_costs_what_the_profile_is_anchored_to),
		cmocka_unit_test(cycles_by_category_add_up_to_the_machine),
		cmocka_unit_test(without_an_iommu_nothing_is_mapped_and_everything_is_reachable),
		cmocka_unit_test(on_vtd_each_strategy_exposes_what_it_promises),
		cmocka_unit_test(on_amdvi_an_invalidation_costs_whole_microseconds_of_waiting),
		cmocka_unit_test(every_frame_costs_its_mappings),
		cmocka_unit_test(strict_leaves_nothing_reachable_and_flushes_every_time),
		cmocka_unit_test(deferred_leaves_pages_reachable_until_they_are_evicted),
		cmocka_unit_test(a_small_table_wraps_and_flushes_each_lap),
		cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_other_bytes),
		cmocka_unit_test(free_dma_software_and_free_translation_are_free),
		cmocka_unit_test(the_other_direction_and_many_streams_run),
	};

	return cmocka_run_group_tests_name("study/run", tests, NULL, NULL);
}

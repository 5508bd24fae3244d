/* SPDX-License-Identifier: MIT */
/* Whole runs: what must be true of any result, determinism, faults, captures, dumps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "spec/calgary.h"
#include "study/run.h"
#include "study/study.h"

/* Run bare-metal for a short while with @sets (NULL-terminated). */
static json_t *run_with(const char *const *sets, const struct run_options *options)
{
	static const struct run_options none = {0};
	json_t *result = NULL;
	struct scenario s;
	struct err err = {{0}};
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, "bare-metal", &err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=30 ms", &err), 0);
	assert_int_equal(scenario_set(&s, "run.warmup=10 ms", &err), 0);
	for (; *sets; sets++)
		assert_int_equal(scenario_set(&s, *sets, &err), 0);
	rc = scenario_finish(&s, &err);
	if (!rc)
		rc = run_scenario(&s, options ? options : &none, &result, &err);
	if (rc)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	scenario_fini(&s);
	return result;
}

#define RUN(...) run_with((const char *const[]){__VA_ARGS__, NULL}, NULL)
#define ON       "iommu.model=calgary"

static double get(const json_t *result, const char *path)
{
	const double value = result_number(result, path);

	assert_true(value == value); /* not NaN: the field is there */
	return value;
}

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

static uint64_t hex(const json_t *object, const char *key)
{
	return strtoull(json_string_value(json_object_get(object, key)), NULL, 16);
}

static void a_corrupted_entry_faults_is_latched_and_reported(void **state)
{
	json_t *r = RUN(ON, "inject.corrupt_tce=20 ms"), *iommu = json_object_get(r, "iommu"),
	       *fault = json_array_get(json_object_get(iommu, "faults"), 0);

	(void)state;
	/* the refused access lies in the page whose entry was zeroed */
	assert_int_equal(hex(fault, "iova") >> 12, hex(iommu, "corrupted_iova") >> 12);
	assert_string_equal(json_string_value(json_object_get(fault, "access")), "write");
	/* CSR: error bit and agent 8, as device 0x08 caused it */
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(iommu, "latched"), "csr")),
		"0x10080000");
	assert_true(get(r, "nic.dma_errors") >= 1);
	assert_true(json_array_size(json_object_get(r, "warnings")) == 1);
	/* a receive buffer, not a ring or the statistics: only its write is refused */
	assert_true(result_number(fault, "at_us") < 40000);
	/* TCP repairs the loss; nothing wrong reaches the application */
	assert_true(get(r, "load.mismatches") == 0);
	json_decref(r);
}

/* VT-d tells the reason, goes on, and the watchdog finds it once. */
static void on_vtd_a_corrupted_entry_faults_and_only_that_page_is_lost(void **state)
{
	json_t *r = RUN("iommu.model=vtd", "inject.corrupt_tce=20 ms", "run.duration=2100 ms"),
	       *iommu = json_object_get(r, "iommu"),
	       *fault = json_array_get(json_object_get(iommu, "faults"), 0),
	       *dog = json_object_get(iommu, "watchdog");

	(void)state;
	assert_int_equal(hex(fault, "iova") >> 12, hex(iommu, "corrupted_iova") >> 12);
	assert_string_equal(json_string_value(json_object_get(fault, "access")), "write");
	assert_int_equal(json_integer_value(json_object_get(fault, "devid")), 8);
	/* FSTS: PPF, first record 0 */
	assert_string_equal(json_string_value(json_object_get(dog, "csr")), "0x00000002");
	assert_int_equal(json_integer_value(json_object_get(dog, "agent")), 8);
	assert_true(get(r, "load.mismatches") == 0);
	json_decref(r);
}

/* On DART a zeroed entry is invalid, other than an unused one, and nobody shuts anything off. */
static void on_dart_a_corrupted_entry_faults_and_only_that_page_is_lost(void **state)
{
	static const char *const model[] = {"iommu.model=dart-u3", "iommu.model=dart-u4"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		json_t *r = RUN(model[i], "sut.profile=js21-2007", "inject.corrupt_tce=20 ms"),
		       *iommu = json_object_get(r, "iommu"),
		       *fault = json_array_get(json_object_get(iommu, "faults"), 0);

		assert_int_equal(hex(fault, "iova") >> 12, hex(iommu, "corrupted_iova") >> 12);
		assert_string_equal(json_string_value(json_object_get(fault, "access")), "write");
		assert_true(get(r, "nic.dma_errors") >= 1);
		assert_true(get(r, "load.mismatches") == 0);
		json_decref(r);
	}
}

static void the_watchdog_shuts_the_bus_two_seconds_later(void **state)
{
	json_t *r = RUN(ON, "inject.corrupt_tce=20 ms", "run.duration=2100 ms"),
	       *dog = json_object_get(json_object_get(r, "iommu"), "watchdog");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(dog, "csr")), "0x10080000");
	assert_true(result_number(dog, "at_us") > 2e6 && result_number(dog, "at_us") < 2.001e6);
	assert_true(get(r, "iommu.refused") > 0);
	json_decref(r);
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

static void the_table_at_the_end_holds_entries_in_the_published_format(void **state)
{
	void *table = NULL;
	size_t bytes = 0;
	const struct run_options options = {.table = &table, .table_bytes = &bytes};
	json_t *r = run_with((const char *const[]){ON, "iommu.table_entries=8192", NULL}, &options);
	uint64_t valid = 0;

	(void)state;
	assert_int_equal(bytes, 8192 * 8);
	for (size_t at = 0; at < bytes; at += 8) {
		const uint8_t *entry = (const uint8_t *)table + at;
		const uint64_t tce = calgary_tce_unpack(entry);

		/* published bits only: 36-bit frame number, R and W; all Linux sets */
		assert_int_equal(tce & ~(CALGARY_TCE_RPN | CALGARY_TCE_RIGHTS), 0);
		if (!tce)
			continue;
		valid++;
		assert_true(tce & CALGARY_TCE_READ);
		/* big-endian: the low bits of the last byte are R and W */
		assert_true((entry[7] & 3) == 1 || (entry[7] & 3) == 3);
		assert_true(calgary_tce_paddr(tce) < UINT64_C(4) << 30);
	}
	assert_int_equal(valid, (uint64_t)get(r, "dma.pages_live"));
	free(table);
	json_decref(r);
}

static uint32_t le32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* TCP payload bytes of the frames in @path that go to 10.0.0.1. */
static uint64_t captured_payload(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t head[24], rec[16], frame[2048];
	uint64_t bytes = 0;

	assert_non_null(f);
	assert_int_equal(fread(head, 1, 24, f), 24);
	assert_int_equal(le32(head), 0xa1b23c4d);
	while (fread(rec, 1, 16, f) == 16) {
		const uint32_t length = le32(rec + 8);
		unsigned ip;

		assert_true(length <= sizeof(frame) && length == le32(rec + 12));
		assert_int_equal(fread(frame, 1, length, f), length);
		if (frame[12] != 8 || frame[13] || frame[33] != 1 || frame[23] != 6)
			continue;
		ip = (frame[14] & 15u) * 4;
		bytes += ((unsigned)frame[16] << 8 | frame[17]) - ip -
			 (frame[14 + ip + 12] >> 4) * 4u;
	}
	fclose(f);
	return bytes;
}

static void a_capture_holds_exactly_the_payload_reported(void **state)
{
	char path[] = "/tmp/iotoll-wire-XXXXXX";
	const struct run_options options = {.pcap = path};
	json_t *r;

	(void)state;
	close(mkstemp(path));
	r = run_with((const char *const[]){ON, "run.warmup=0 s", NULL}, &options);
	assert_int_equal(captured_payload(path), (uint64_t)get(r, "payload_bytes"));
	assert_int_equal(captured_payload(path), (uint64_t)get(r, "capture.payload_bytes"));
	json_decref(r);
	r = run_with((const char *const[]){ON, NULL}, &options);
	assert_int_equal(captured_payload(path), (uint64_t)get(r, "capture.payload_bytes"));
	assert_true(get(r, "payload_bytes") < get(r, "capture.payload_bytes"));
	json_decref(r);
	unlink(path);
}

static bool stop_at_once(void *ctx)
{
	(void)ctx;
	return true;
}

static void an_interrupted_run_leaves_no_capture(void **state)
{
	const struct run_options options = {.pcap = "/tmp/iotoll-never.pcap",
					    .should_stop = stop_at_once};
	struct err err = {{0}};
	struct scenario s;
	json_t *result = NULL;

	(void)state;
	unlink(options.pcap);
	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_finish(&s, &err), 0);
	assert_int_equal(run_scenario(&s, &options, &result, &err), -EINTR);
	assert_null(result);
	assert_int_not_equal(access(options.pcap, F_OK), 0);
	assert_int_not_equal(access("/tmp/iotoll-never.pcap.partial", F_OK), 0);
	scenario_fini(&s);
}

/* Scenarios that cannot be built: what is said. */
static void refuse(const char *a, const char *b, const char *words)
{
	const struct run_options options = {0};
	struct err err = {{0}};
	struct scenario s;
	json_t *result = NULL;
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_set(&s, a, &err), 0);
	rc = scenario_set(&s, b, &err);
	if (!rc)
		rc = scenario_finish(&s, &err);
	assert_int_equal(rc ? rc : run_scenario(&s, &options, &result, &err), -EINVAL);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	scenario_fini(&s);
}

static void what_cannot_be_built_is_refused_with_words(void **state)
{
	(void)state;
	refuse(ON, "iommu.table_entries=10000", "8192");
	refuse(ON, "iommu.iotlb_ways=5", "--set iommu.iotlb_ways: iotlb ways 5");
	refuse(ON, "iommu.iotlb_entries=10", "iommu.iotlb_ways: iotlb ways 4: ");
	refuse(ON, "iommu.iotlb_entries=12", "--set iommu.iotlb_entries: iotlb entries 12 in 4");
	refuse(ON, "iommu.iotlb_line_pages=3", "--set iommu.iotlb_line_pages: ");
	refuse(ON, "iommu.iotlb_partitions=32", "--set iommu.iotlb_partitions: ");
	refuse(ON, "sut.irq_cpu=8", "sut.irq_cpu: x460-2007 has CPUs 0 to 7");
	refuse(ON, "client.app_cpu=2", "client.app_cpu: e326 has CPUs 0 to 1");
	refuse(ON, "sut.profile=e326", "iommu.model");
	refuse(ON, "sut.memory.dram_mis=1 ns", "did you mean memory.dram_miss?");
	refuse(ON, "sut.memory.dram_miss=1 MiB", "memory.dram_miss");
	refuse(ON, "link.rate=3 Mb/s", "link.rate");
	refuse("platform.kind=domu", "nic.rx_chunk=8",
	       "--set nic.rx_chunk: dom0 gives pages away that hold one frame, platform.receive "
	       "being "
	       "flip; expected 0");
	refuse(ON, "link.rate=1.9 Mb/s", "--set link.rate: expected whole Mb/s");
	refuse(ON, "nic.rx_ticks=900 ns", "--set nic.rx_ticks: the chip counts whole microseconds");
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
		cmocka_unit_test(a_corrupted_entry_faults_is_latched_and_reported),
		cmocka_unit_test(on_vtd_a_corrupted_entry_faults_and_only_that_page_is_lost),
		cmocka_unit_test(on_dart_a_corrupted_entry_faults_and_only_that_page_is_lost),
		cmocka_unit_test(the_watchdog_shuts_the_bus_two_seconds_later),
		cmocka_unit_test(free_dma_software_and_free_translation_are_free),
		cmocka_unit_test(the_other_direction_and_many_streams_run),
		cmocka_unit_test(the_table_at_the_end_holds_entries_in_the_published_format),
		cmocka_unit_test(a_capture_holds_exactly_the_payload_reported),
		cmocka_unit_test(an_interrupted_run_leaves_no_capture),
		cmocka_unit_test(what_cannot_be_built_is_refused_with_words),
	};

	return cmocka_run_group_tests_name("study/run", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Runs in which an entry is corrupted, that are stopped or written down, and that cannot be. */
#include "run_fixture.h"

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
		cmocka_unit_test(a_corrupted_entry_faults_is_latched_and_reported),
		cmocka_unit_test(on_vtd_a_corrupted_entry_faults_and_only_that_page_is_lost),
		cmocka_unit_test(on_dart_a_corrupted_entry_faults_and_only_that_page_is_lost),
		cmocka_unit_test(the_watchdog_shuts_the_bus_two_seconds_later),
		cmocka_unit_test(the_table_at_the_end_holds_entries_in_the_published_format),
		cmocka_unit_test(a_capture_holds_exactly_the_payload_reported),
		cmocka_unit_test(an_interrupted_run_leaves_no_capture),
		cmocka_unit_test(what_cannot_be_built_is_refused_with_words),
	};

	return cmocka_run_group_tests_name("study/run_faults", tests, NULL, NULL);
}

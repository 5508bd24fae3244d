/* SPDX-License-Identifier: MIT */
/* Runs with segments on the multi-queue NIC: bytes, mappings, ceilings, refusals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/run.h"
#include "study/study.h"

static int try_run(const char *const *sets, json_t **result, struct err *err)
{
	static const struct run_options none = {0};
	struct scenario s;
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, "stream", err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=2 ms", err), 0);
	assert_int_equal(scenario_set(&s, "run.warmup=1 ms", err), 0);
	rc = 0;
	for (; *sets && !rc; sets++)
		rc = scenario_set(&s, *sets, err);
	if (!rc)
		rc = scenario_finish(&s, err);
	if (!rc)
		rc = run_scenario(&s, &none, result, err);
	scenario_fini(&s);
	return rc;
}

static json_t *run_with(const char *const *sets)
{
	json_t *result = NULL;
	struct err err = {{0}};
	const int rc = try_run(sets, &result, &err);

	if (rc)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	return result;
}

#define RUN(...) run_with((const char *const[]){__VA_ARGS__, NULL})

static double get(const json_t *result, const char *path)
{
	const double value = result_number(result, path);

	assert_true(value == value); /* not NaN: the field is there */
	return value;
}

/* What must be true of every run without refused accesses. */
static void check_sane(const json_t *r)
{
	assert_true(get(r, "payload_bytes") > 0);
	assert_true(get(r, "load.bytes_checked") > 0);
	assert_int_equal(get(r, "load.mismatches"), 0);
	assert_int_equal(get(r, "iommu.refused"), 0);
	assert_int_equal(get(r, "nic.dma_errors"), 0);
	assert_int_equal(get(r, "nic.map_errors"), 0);
	assert_int_equal(get(r, "dma.misuse.unmap_unknown") + get(r, "dma.misuse.wrong_size") +
				 get(r, "dma.misuse.leak") + get(r, "dma.misuse.wrong_direction"),
			 0);
	assert_true(get(r, "cpu_utilization_percent") <= get(r, "cpu_max_percent") + 0.01);
}

/* 1460 of 1538 byte times are payload: 37.97 Gb/s of 40, less what the interval cuts off. */
static void many_flows_fill_the_wire_as_its_framing_allows(void **state)
{
	json_t *r = RUN("mqnic.queues=4", "load.streams=4", "load.verify=all");

	(void)state;
	check_sane(r);
	assert_true(get(r, "throughput_mbps") > 37000 && get(r, "throughput_mbps") < 37973 * 1.02);
	assert_true(get(r, "link.to_sut_percent") > 98);
	json_decref(r);
}

static void sending_with_tso_fills_the_wire_from_one_core(void **state)
{
	json_t *r = RUN("load.name=segment_maerts", "load.verify=all");

	(void)state;
	check_sane(r);
	assert_true(get(r, "throughput_mbps") > 37000);
	assert_int_equal(get(r, "stream.out_of_sequence"), 0);
	/* 64 KiB less two pages a packet at most, so two packets a message, three and two pieces */
	assert_true(get(r, "nic.tx_frames") > 20 * get(r, "nic.tx_entries"));
	json_decref(r);
}

/* Two buffers lie in a page: without the cache a map and an unmap for every second frame. */
static void without_the_page_cache_every_second_frame_is_mapped(void **state)
{
	json_t *r = RUN("mqnic.page_cache=0", "iommu.model=vtd", "dma.strategy=strict");
	const double frames = get(r, "nic.rx_frames"), acks = get(r, "nic.tx_entries");

	(void)state;
	check_sane(r);
	assert_true(get(r, "dma.maps") - acks > 0.45 * frames);
	assert_true(get(r, "dma.maps") - acks < 0.55 * frames);
	assert_int_equal(get(r, "nic.rx_pages_cached"), 0);
	assert_int_equal(get(r, "iotlb.stale_writes"), 0);
	json_decref(r);
}

static void pages_that_are_used_again_are_not_mapped_again(void **state)
{
	json_t *r = RUN("iommu.model=vtd", "dma.strategy=strict");

	(void)state;
	check_sane(r);
	assert_true(get(r, "nic.rx_pages_cached") > 0.9 * get(r, "nic.rx_pages"));
	assert_true(get(r, "dma.maps") <= get(r, "nic.tx_entries") + 0.1 * get(r, "nic.rx_pages"));
	json_decref(r);
}

/* The link to the host carries so much, whatever the wire does: generation 1, four lanes. */
static void pci_express_is_a_ceiling_and_the_nic_drops_the_rest(void **state)
{
	json_t *r = RUN("mqnic.queues=8", "load.streams=8", "sut.pcie.generation=1",
			"sut.pcie.lanes=4");
	/* 8 Gb/s of data and headers; each frame is 1514 + 6 * 24 and a completion of 64 + 24 */
	const double ceiling = 8000 * 1460.0 / (1514 + 6 * 24 + 88);

	(void)state;
	check_sane(r);
	assert_true(get(r, "throughput_mbps") < ceiling * 1.02);
	assert_true(get(r, "pcie.to_host_percent") > 90);
	assert_true(get(r, "nic.rx_dropped_full") > 0);
	assert_true(get(r, "stream.losses") > 0);
	json_decref(r);
}

static void walks_that_take_long_hold_credits_and_the_nic_drops(void **state)
{
	json_t *off = RUN("mqnic.queues=8", "load.streams=8", "mqnic.page_cache=0");
	json_t *on = RUN("mqnic.queues=8", "load.streams=8", "mqnic.page_cache=0",
			 "iommu.model=vtd", "dma.strategy=strict", "ablation.dma_software=free",
			 "sut.iommu.walk_read=2 us");

	(void)state;
	check_sane(off);
	check_sane(on);
	assert_true(get(on, "throughput_mbps") < get(off, "throughput_mbps") / 2);
	assert_true(get(on, "pcie.credit_stalls") > 100);
	assert_int_equal(get(off, "pcie.credit_stalls"), 0);
	assert_true(get(on, "nic.rx_dropped_full") > 0);
	json_decref(off);
	json_decref(on);
}

static void jumbo_frames_take_several_pages(void **state)
{
	json_t *r = RUN("mqnic.mtu=9000", "mqnic.queues=2", "load.streams=2", "load.verify=all",
			"iommu.model=amdvi", "dma.strategy=strict", "mqnic.page_cache=0");
	const double frames = get(r, "nic.rx_frames");

	(void)state;
	check_sane(r);
	/* 9014 bytes in whole pages: three */
	assert_true(get(r, "nic.rx_pages") > 2.8 * frames && get(r, "nic.rx_pages") < 3.2 * frames);
	json_decref(r);
}

/* Any mixture of settings: the bytes are right, nothing is refused, nothing leaks. */
static void random_settings_never_damage_a_byte(void **state)
{
	static const char *const models[] = {"iommu.model=vtd", "iommu.model=amdvi"};
	static const char *const strategies[] = {"dma.strategy=strict", "dma.strategy=deferred",
						 "dma.strategy=flush-queue"};
	static const char *const loads[] = {"load.name=segment_stream", "load.name=segment_maerts"};
	const char *text = getenv("IOTOLL_TEST_SEED");
	unsigned long seed = text ? strtoul(text, NULL, 0) : 40100;

	(void)state;
	print_message("IOTOLL_TEST_SEED=%lu\n", seed);
	srand((unsigned)seed);
	for (unsigned i = 0; i < 16; i++) {
		const unsigned queues = 1 + (unsigned)rand() % 4;
		char set[10][64];
		json_t *r;

		snprintf(set[0], sizeof(set[0]), "mqnic.queues=%u", queues);
		snprintf(set[1], sizeof(set[1]), "load.streams=%u", 1 + (unsigned)rand() % 9);
		snprintf(set[2], sizeof(set[2]), "mqnic.mtu=%u", 256 + (unsigned)rand() % 8745);
		snprintf(set[3], sizeof(set[3]), "mqnic.rx_ring=%u", 64u << rand() % 5);
		snprintf(set[4], sizeof(set[4]), "mqnic.tx_ring=%u", 32u << rand() % 5);
		snprintf(set[5], sizeof(set[5]), "mqnic.page_cache=%u", (unsigned)rand() % 3 * 100);
		snprintf(set[6], sizeof(set[6]), "load.message_bytes=%u",
			 64 + (unsigned)rand() % 100000);
		snprintf(set[7], sizeof(set[7]), "load.recv_bytes=%u",
			 64 + (unsigned)rand() % 100000);
		snprintf(set[8], sizeof(set[8]), "stream.tso=%s", rand() % 2 ? "on" : "off");
		snprintf(set[9], sizeof(set[9]), "stream.gro=%s", rand() % 2 ? "on" : "off");
		for (unsigned k = 0; k < 10; k++)
			print_message("%s ", set[k]);
		print_message("\n");
		r = RUN(set[0], set[1], set[2], set[3], set[4], set[5], set[6], set[7], set[8],
			set[9], models[rand() % 2], strategies[rand() % 3], loads[rand() % 2],
			"load.verify=all",
			"run.duration=20 ms"); /* softirqs may hold a CPU for 8 */
		check_sane(r);
		json_decref(r);
	}
}

static void the_same_settings_give_the_same_result(void **state)
{
	json_t *a = RUN("mqnic.queues=3", "load.streams=5", "iommu.model=vtd");
	json_t *b = RUN("mqnic.queues=3", "load.streams=5", "iommu.model=vtd");

	(void)state;
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
}

static void what_cannot_be_built_is_told_with_the_setting(void **state)
{
	static const struct {
		const char *set[3], *words;
	} bad[] = {
		{{"iommu.model=calgary"}, "iommu.model: calgary translates for PCI-X"},
		{{"platform.kind=dom0"}, "load.name: segment_stream runs on bare metal"},
		{{"mqnic.rx_ring=100"}, "mqnic.rx_ring: expected a power of two"},
		{{"mqnic.tx_ring=100"}, "mqnic.tx_ring: expected a power of two"},
		{{"iommu.model=vtd", "iommu.ats=on"}, "iommu.ats: the multi-queue NIC has no"},
		{{"mqnic.queues=16", "sut.irq_cpu=3"}, "mqnic.queues: each needs a CPU"},
		{{"sut.profile=x460-2007"}, "sut.profile: x460-2007 has no [pcie]"},
		{{"stream.ack_every=64", "mqnic.mtu=9000", "stream.window=128 KiB"},
		 "stream.ack_every: the window would be used up"},
		{{"load.message_bytes=10"}, "message_bytes = 10: expected 64 to 1048576"},
		{{"link.rate=3 Gb/s"}, "link.rate: expected"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const sets[] = {bad[i].set[0], bad[i].set[1], bad[i].set[2], NULL};
		struct err err = {{0}};
		json_t *r = NULL;

		assert_int_equal(try_run(sets, &r, &err), -EINVAL);
		if (!strstr(err.text, bad[i].words))
			print_error("%s\n", err.text);
		assert_non_null(strstr(err.text, bad[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_flows_fill_the_wire_as_its_framing_allows),
		cmocka_unit_test(sending_with_tso_fills_the_wire_from_one_core),
		cmocka_unit_test(without_the_page_cache_every_second_frame_is_mapped),
		cmocka_unit_test(pages_that_are_used_again_are_not_mapped_again),
		cmocka_unit_test(pci_express_is_a_ceiling_and_the_nic_drops_the_rest),
		cmocka_unit_test(walks_that_take_long_hold_credits_and_the_nic_drops),
		cmocka_unit_test(jumbo_frames_take_several_pages),
		cmocka_unit_test(random_settings_never_damage_a_byte),
		cmocka_unit_test(the_same_settings_give_the_same_result),
		cmocka_unit_test(what_cannot_be_built_is_told_with_the_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Pages that dom0 has mapped by grant, and the three ways in which devices come to reach them ("The
 * Price of Safety", section 4.4). Each run checks the bytes that arrive.
 */
#include "domain_runs.h"

static void nothing_went_wrong(const json_t *r)
{
	assert_true(get(r, "load.mismatches") == 0);
	assert_true(get(r, "iommu.refused") == 0);
	assert_true(get(r, "dma.map_failures") == 0);
}

/* S36: of a page that the NIC reads in the guest's memory, one crossing less each way. */
static void an_entry_that_comes_with_its_grant_saves_a_crossing_each_way(void **state)
{
	(void)state;
	for (size_t m = 0; m < MODELS; m++) {
		json_t *apart = RUN("domu", models[m][0], models[m][1], "load.name=tcp_maerts");
		json_t *both = RUN("domu", models[m][0], models[m][1], "load.name=tcp_maerts",
				   "platform.grants=integrated");
		const double frames = get(both, "link.frames_to_client");
		const double before =
			get(apart, "xen.hypercalls.iommu_op") / get(apart, "link.frames_to_client");
		const double after = get(both, "xen.hypercalls.iommu_op") / frames;

		nothing_went_wrong(both);
		assert_true(get(apart, "xen.iommu.grants") == 0);
		/* Every frame of data is one granted page, but those at the interval's ends. */
		assert_true(get(both, "xen.iommu.grants") >= frames - 200);
		assert_true(get(both, "xen.iommu.grants") <= frames + 200);
		assert_true(before - after > 1.9 && before - after < 2.1);
		json_decref(apart);
		json_decref(both);
	}
}

/* Acknowledgements are copied as a whole: no device is to read their pages. */
static void a_page_that_no_device_will_read_gets_no_entry(void **state)
{
	json_t *r = RUN("domu", "iommu.model=calgary", "platform.grants=integrated");

	(void)state;
	nothing_went_wrong(r);
	assert_true(get(r, "xen.grants.maps") > 500);
	assert_true(get(r, "xen.iommu.grants") == 0);
	json_decref(r);
}

static void a_strict_window_leaves_nothing_behind_the_grant(void **state)
{
	json_t *r = RUN("domu", "iommu.model=calgary", "load.name=tcp_maerts",
			"dma.strategy=strict", "platform.grants=integrated");

	(void)state;
	nothing_went_wrong(r);
	/* The DMA mapping ends first, the grant a little later: a window as long as that. */
	assert_true(get(r, "exposure.stale_pages") > 0);
	assert_true(get(r, "exposure.window_us_max") < 2000);
	json_decref(r);
}

static void
a_disk_of_a_guest_moves_its_data_by_the_addresses_that_came_with_the_grants(void **state)
{
	static const char *const grants[] = {"platform.grants=separate",
					     "platform.grants=integrated"};
	double crossings[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		json_t *r = RUN("ffsb", "platform.kind=domu", "iommu.model=calgary",
				"ffsb.profile=ffsb-random-direct", grants[i]);

		assert_true(get(r, "ffsb.mismatches") == 0);
		assert_true(get(r, "iommu.refused") == 0);
		assert_true(get(r, "disk.dma_errors") == 0);
		crossings[i] = get(r, "xen.crossings") / get(r, "disk.commands");
		json_decref(r);
	}
	/* A page a command, mapped and unmapped. */
	assert_true(crossings[0] - crossings[1] > 1.9 && crossings[0] - crossings[1] < 2.1);
}

static void by_machine_frames_every_frame_arrives_in_both_directions(void **state)
{
	static const char *const loads[] = {"load.name=tcp_stream", "load.name=tcp_maerts"};
	static const char *const receive[] = {"platform.receive=flip", "platform.receive=copy"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		json_t *r = RUN("domu", "iommu.model=calgary", "dma.strategy=preallocated",
				"platform.grants=kinds", loads[i % 2], receive[i / 2]);

		nothing_went_wrong(r);
		assert_true(get(r, "xen.hypercalls.iommu_op") == 0);
		assert_true(get(r, "throughput_mbps") > 700);
		json_decref(r);
	}
}

static void kinds_without_a_table_by_machine_frames_is_refused(void **state)
{
	(void)state;
	refused("domu", "platform.grants=kinds", "dma.strategy=preallocated");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_that_comes_with_its_grant_saves_a_crossing_each_way),
		cmocka_unit_test(a_page_that_no_device_will_read_gets_no_entry),
		cmocka_unit_test(a_strict_window_leaves_nothing_behind_the_grant),
		cmocka_unit_test(
			a_disk_of_a_guest_moves_its_data_by_the_addresses_that_came_with_the_grants),
		cmocka_unit_test(by_machine_frames_every_frame_arrives_in_both_directions),
		cmocka_unit_test(kinds_without_a_table_by_machine_frames_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

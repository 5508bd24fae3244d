/* SPDX-License-Identifier: MIT */
/* Whole runs with a table that is made once ("The Price of Safety", section 4.3.1). */
#include "domain_runs.h"

/* S28: nothing is asked, written or flushed for a mapping. */
static void a_map_costs_dom0_nothing_and_no_frame_is_lost(void **state)
{
	(void)state;
	for (size_t m = 0; m < MODELS; m++) {
		json_t *r = RUN("dom0", models[m][0], models[m][1], "dma.strategy=preallocated");
		json_t *off = RUN("dom0", "iommu.model=none", models[m][1]);

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "dma.maps") > 1000);
		assert_true(get(r, "dma.map_failures") == 0);
		assert_true(get(r, "iommu.refused") == 0);
		assert_true(get(r, "iommu.translations") > 1000);
		assert_true(get(r, "iommu.table_writes") == 0);
		assert_true(get(r, "xen.crossings") == get(off, "xen.crossings"));
		assert_true(get(r, "xen.iommu.flushes") == 0);
		assert_true(get(r, "xen.iommu.follows") == 0);
		assert_true(get(r, "cpu_cycles.map") == 0 && get(r, "cpu_cycles.unmap") == 0);
		/* All of the domain, and no more of the machine. */
		assert_true(get(r, "exposure.reachable_bytes") < 200e6);
		json_decref(r);
		json_decref(off);
	}
}

/* What the guest sends lies in its own pages, which dom0's table has while the grant lasts. */
static void pages_that_change_hands_take_their_entries_along(void **state)
{
	static const char *const loads[] = {"load.name=tcp_stream", "load.name=tcp_maerts"};
	static const char *const receive[] = {"platform.receive=flip", "platform.receive=copy"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		json_t *r = RUN("domu", "iommu.model=calgary", "dma.strategy=preallocated",
				loads[i % 2], receive[i / 2]);
		const double changes = get(r, "xen.grants.transfers") + get(r, "xen.grants.maps") +
				       get(r, "xen.grants.unmaps");
		const double more = get(r, "xen.iommu.follows") - changes;

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "iommu.refused") == 0);
		assert_true(get(r, "xen.hypercalls.iommu_op") == 0);
		/*
		 * A flip gives dom0's page another frame, a granted page comes and goes: an entry
		 * each. What a call was doing as the interval began or ended is missing, or there
		 * alone: a batch has up to 128 pages.
		 */
		assert_true(more >= -256 && more <= 256 && changes > 2000);
		/* One flush for a batch. */
		assert_true(get(r, "xen.iommu.flushes") < get(r, "xen.crossings"));
		json_decref(r);
	}
}

static void a_domain_too_large_for_the_table_is_told_what_would_do(void **state)
{
	static const char *const names[] = {"dom0", "direct", "bare-metal"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const char *const sets[] = {"iommu.model=calgary", "dma.strategy=preallocated",
					    "iommu.table_entries=8192", NULL};
		struct err err = {{0}};
		json_t *result = NULL;

		assert_int_equal(try(names[i], sets, &result, &err), -EINVAL);
		if (!strstr(err.text, "table_entries"))
			fail_msg("%s: '%s' does not name the setting", names[i], err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_costs_dom0_nothing_and_no_frame_is_lost),
		cmocka_unit_test(pages_that_change_hands_take_their_entries_along),
		cmocka_unit_test(a_domain_too_large_for_the_table_is_told_what_would_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

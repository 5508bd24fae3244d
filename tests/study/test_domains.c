/* SPDX-License-Identifier: MIT */
/* Whole runs under a hypervisor: what must be true of them, and what is refused. */
#include "domain_runs.h"

static void dom0_crosses_once_for_each_page_it_maps_and_unmaps(void **state)
{
	(void)state;
	for (size_t m = 0; m < MODELS; m++) {
		json_t *r = RUN("dom0", models[m][0], models[m][1]);
		double extra;

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "throughput_mbps") > 900);
		assert_true(get(r, "dma.maps") > 1000);
		/* One may be under way when the interval begins, and when it ends. */
		extra = get(r, "xen.hypercalls.iommu_op") - get(r, "dma.maps") -
			get(r, "dma.unmaps") - get(r, "iommu.flushes");
		assert_true(extra >= -1 && extra <= 1);
		assert_true(get(r, "xen.crossings") == get(r, "xen.hypercalls.iommu_op"));
		assert_true(get(r, "cpu_cycles.crossing") > 0);
		assert_true(get(r, "cpu_cycles.hypervisor") > 0);
		/* Deferred: pages stay reachable, and the watcher behind the hypervisor sees it. */
		assert_true(get(r, "exposure.stale_pages") > 0);
		assert_true(get(r, "iommu.refused") == 0);
		json_decref(r);
	}
}

static void strict_under_the_hypervisor_leaves_nothing_reachable(void **state)
{
	(void)state;
	for (size_t m = 0; m < MODELS; m++) {
		json_t *r = RUN("dom0", models[m][0], models[m][1], "dma.strategy=strict");

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "exposure.stale_pages") == 0);
		assert_true(get(r, "xen.iommu.flushes") >= get(r, "dma.unmaps") - 1);
		json_decref(r);
	}
}

static void a_multicall_carries_one_entry_as_nearly_every_request_has_one(void **state)
{
	json_t *each = RUN("dom0", "iommu.model=calgary");
	json_t *lists = RUN("dom0", "iommu.model=calgary", "platform.multicall=on");

	(void)state;
	assert_true(get(each, "xen.multicall_entries") == 0);
	assert_true(get(lists, "xen.multicall_entries") > 0);
	assert_true(get(lists, "xen.multicall_entries") == get(lists, "xen.hypercalls.multicall"));
	assert_true(get(lists, "dma.single_entry_fraction") > 0.99);
	json_decref(each);
	json_decref(lists);
}

/* Section 4.2 again: with addresses of the guest's own, a list can wait for the doorbell. */
static void a_list_that_waits_for_the_doorbell_saves_crossings_and_leaves_pages_longer(void **state)
{
	static const char *const loads[] = {"load.name=tcp_stream", "load.name=tcp_maerts"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const char *const kind = i < 2 ? "dom0" : "domu";
		json_t *each = RUN(kind, "iommu.model=calgary", loads[i % 2]);
		json_t *lists = RUN(kind, "iommu.model=calgary", loads[i % 2],
				    "platform.multicall=doorbell");

		assert_true(get(lists, "load.mismatches") == 0);
		assert_true(get(lists, "iommu.refused") == 0);
		assert_true(get(lists, "dma.maps") > 1000);
		assert_true(get(lists, "xen.crossings") / get(lists, "dma.maps") <
			    0.6 * get(each, "xen.crossings") / get(each, "dma.maps"));
		/* Every page is still in the table when its unmap is over. */
		assert_true(get(lists, "exposure.stale_pages") >=
			    0.99 * get(lists, "exposure.unmapped_pages"));
		json_decref(each);
		json_decref(lists);
	}
}

static void a_domain_with_the_nic_never_crosses_for_a_mapping_and_reaches_only_itself(void **state)
{
	(void)state;
	for (size_t m = 0; m < MODELS; m++) {
		json_t *r = RUN("direct", models[m][0], models[m][1]);

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "xen.crossings") == 0);
		assert_true(get(r, "iommu.table_writes") == 0);
		assert_string_equal(
			json_string_value(json_object_get(json_object_get(r, "iommu"), "strategy")),
			"preallocated");
		assert_true(get(r, "iommu.translations") > 1000);
		assert_true(get(r, "iommu.refused") == 0);
		/* All of the domain's memory, 128 MiB and what it can map besides; no more. */
		assert_true(get(r, "exposure.reachable_bytes") < 130.0 * 1024 * 1024);
		json_decref(r);
	}
}

static void a_guests_frames_come_through_dom0_by_copy_or_with_their_pages(void **state)
{
	static const char *const receive[] = {"platform.receive=copy", "platform.receive=flip"};

	(void)state;
	for (size_t m = 0; m < 2 * MODELS; m++) {
		const bool flip = m >= MODELS;
		json_t *r =
			RUN("domu", models[m % MODELS][0], models[m % MODELS][1], receive[flip]);

		assert_true(get(r, "load.mismatches") == 0);
		assert_true(get(r, "load.bytes_checked") > 0);
		assert_true(get(r, "throughput_mbps") > 500);
		/* A page for each frame in, a grant mapped for each acknowledgement out. */
		assert_true(get(r, flip ? "xen.grants.transfers" : "xen.grants.copies") > 1000);
		assert_true(get(r, flip ? "xen.grants.copies" : "xen.grants.transfers") == 0);
		assert_true(get(r, "xen.grants.maps") > 500);
		assert_true(get(r, "iommu.refused") == 0);
		assert_true(get(r, "xen.iommu.maps") > get(r, "xen.grants.maps"));
		json_decref(r);
	}
}

static void a_guest_sends_its_own_pages_through_dom0s_nic(void **state)
{
	json_t *r = RUN("domu", "iommu.model=calgary", "load.name=tcp_maerts");

	(void)state;
	assert_true(get(r, "load.mismatches") == 0);
	assert_true(get(r, "throughput_mbps") > 300);
	assert_true(get(r, "iommu.refused") == 0);
	json_decref(r);
}

static void the_hypervisor_costs_more_than_none_and_the_same_in_every_run(void **state)
{
	json_t *metal = RUN("bare-metal", "sut.app_cpu=0"), *off = RUN("dom0", "iommu.model=none"),
	       *again = RUN("dom0", "iommu.model=none");

	(void)state;
	assert_true(get(off, "cpu_cycles.crossing") > get(metal, "cpu_cycles.crossing"));
	assert_true(get(off, "cpu_utilization_percent") >
		    get(metal, "cpu_utilization_percent") * 0.9);
	assert_true(json_equal(off, again));
	json_decref(metal);
	json_decref(off);
	json_decref(again);
}

static void a_credit_scheduler_runs_both_domains_on_one_cpu(void **state)
{
	json_t *r = RUN("direct", "platform.scheduler=credit", "platform.cpus=1");

	(void)state;
	assert_true(get(r, "load.mismatches") == 0);
	assert_true(get(r, "cpu_max_percent") == 100);
	assert_true(get(r, "throughput_mbps") > 900);
	json_decref(r);
}

static void ablated_software_costs_nothing_behind_a_crossing_either(void **state)
{
	static const char *const kinds[] = {"dma.strategy=strict", "dma.strategy=deferred"};
	json_t *off = RUN("dom0", "iommu.model=none");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *soft =
			RUN("dom0", "iommu.model=calgary", kinds[i], "ablation.dma_software=free");
		const double more =
			get(soft, "cpu_utilization_percent") - get(off, "cpu_utilization_percent");

		/* What is left is what the hardware takes: the wait for translations. */
		assert_true(get(soft, "xen.iommu.maps") > 1000);
		assert_true(more > -0.5 && more < 0.5);
		json_decref(soft);
	}
	json_decref(off);
}

static void what_cannot_be_built_is_refused_with_the_setting_named(void **state)
{
	(void)state;
	refused("dom0", "iommu.model=dart-u4", "iommu.model: there is no hypervisor for dart-u4");
	refused("dom0", "iommu.model=riommu", "iommu.model: there is no hypervisor for riommu");
	refused("dom0", "sut.profile=js21-2007", "js21-2007 has no [xen] costs");
	refused("dom0", "sut.app_cpu=1", "sut.app_cpu: the load's domain has CPUs 0 to 0");
	refused("direct", "platform.cpus=1", "platform.cpus: 2 pinned virtual CPUs need as many");
	refused("dom0", "platform.cpus=32", "platform.cpus: x460-2007 has 8");
	refused("dom0", "platform.dom0_memory=20000001 B", "whole pages");
	both_refused("domu", "platform.dom0_memory=2 GiB", "platform.domu_memory=2 GiB",
		     "platform.domu_memory: x460-2007 does not");
	both_refused("direct", "iommu.model=calgary", "iommu.table_entries=8192",
		     "iommu.table_entries: expected 32784 or more");
	both_refused("direct", "iommu.model=calgary", "dma.strategy=strict",
		     "dma.strategy: a domain that was given the NIC makes no entries");
	refused("ffsb", "ffsb.profile=none-such", "ffsb.profile: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dom0_crosses_once_for_each_page_it_maps_and_unmaps),
		cmocka_unit_test(strict_under_the_hypervisor_leaves_nothing_reachable),
		cmocka_unit_test(a_multicall_carries_one_entry_as_nearly_every_request_has_one),
		cmocka_unit_test(
			a_list_that_waits_for_the_doorbell_saves_crossings_and_leaves_pages_longer),
		cmocka_unit_test(
			a_domain_with_the_nic_never_crosses_for_a_mapping_and_reaches_only_itself),
		cmocka_unit_test(a_guests_frames_come_through_dom0_by_copy_or_with_their_pages),
		cmocka_unit_test(a_guest_sends_its_own_pages_through_dom0s_nic),
		cmocka_unit_test(the_hypervisor_costs_more_than_none_and_the_same_in_every_run),
		cmocka_unit_test(a_credit_scheduler_runs_both_domains_on_one_cpu),
		cmocka_unit_test(ablated_software_costs_nothing_behind_a_crossing_either),
		cmocka_unit_test(what_cannot_be_built_is_refused_with_the_setting_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Whole runs of FFSB, on bare metal, in dom0 and in a guest: what must be true of them, and what is
 * refused.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/run.h"
#include "study/study.h"

static int try(const char *const *sets, json_t **result, struct err *err)
{
	static const struct run_options none = {0};
	struct scenario s;
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, "ffsb", err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=200 ms", err), 0);
	for (; *sets; sets++)
		assert_int_equal(scenario_set(&s, *sets, err), 0);
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

	if (try(sets, &result, &err))
		fail_msg("%s", err.text);
	return result;
}

#define RUN(...) run_with((const char *const[]){__VA_ARGS__, NULL})

static double get(const json_t *result, const char *path)
{
	const double value = result_number(result, path);

	if (value != value)
		fail_msg("no field %s", path);
	return value;
}

static void a_load_of_direct_reads_maps_once_for_each_and_damages_nothing(void **state)
{
	static const char *const where[] = {"platform.kind=bare-metal", "platform.kind=dom0"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		json_t *r = RUN(where[i], "iommu.model=calgary", "ffsb.profile=ffsb-random-direct");
		const double reads = get(r, "ffsb.bytes_read") / 4096;

		assert_true(reads > 1000);
		assert_true(get(r, "ffsb.mismatches") == 0);
		assert_true(get(r, "ffsb.bytes_checked") > 1e6);
		/* An operation begun before the interval counts whole. */
		assert_true(get(r, "dma.maps") > reads * 0.9 && get(r, "dma.maps") < reads * 1.1);
		assert_true(get(r, "iommu.refused") == 0);
		assert_true(get(r, "disk.failed") == 0);
		if (i)
			assert_true(get(r, "xen.hypercalls.iommu_op") > 1.9 * reads);
		json_decref(r);
	}
}

/* ---- a domain whose disk is dom0's ---- */

static double domain_busy_us(const json_t *result, unsigned domain, const char *name)
{
	const json_t *xen = json_object_get(result, "xen");
	const json_t *d = json_array_get(json_object_get(xen, "domains"), domain);

	assert_string_equal(json_string_value(json_object_get(d, "name")), name);
	return get(json_array_get(json_object_get(d, "vcpus"), 0), "busy_us");
}

/* Everything the ring carried, of which requests under way at either end of the interval are out.
 */
static void ring_and_grants_agree(const json_t *r)
{
	const double requests = get(r, "xen.disk.requests");

	assert_true(requests > 500);
	assert_true(get(r, "xen.disk.bios") - get(r, "xen.disk.merges") <= requests + 32);
	/* Each segment is a page, mapped for as long as its request lasts. */
	assert_true(get(r, "xen.grants.maps") > get(r, "xen.disk.segments") - 32 * 11);
	assert_true(get(r, "xen.grants.maps") < get(r, "xen.disk.segments") + 32 * 11);
	assert_true(get(r, "xen.grants.copies") == 0 && get(r, "xen.grants.transfers") == 0);
	/* One hypercall a request each way, whatever it has in it; a flush has nothing. */
	assert_true(get(r, "xen.disk.map_calls") <= requests);
	/* (dom0's one virtual CPU may be within a call at either end of the interval) */
	assert_true(fabs(get(r, "xen.hypercalls.grant_table_op") - get(r, "xen.disk.map_calls") -
			 get(r, "xen.disk.unmap_calls")) <= 1);
	assert_true(fabs(get(r, "xen.events") - get(r, "xen.disk.to_dom0_events") -
			 get(r, "xen.disk.to_guest_events")) <= 2);
	assert_true(get(r, "xen.disk.failed") == 0);
	assert_true(get(r, "xen.disk.refused") == 0);
	assert_true(get(r, "xen.disk.stopped") == 0);
}

static void nothing_was_damaged(const json_t *r)
{
	assert_true(get(r, "ffsb.ops") > 50);
	assert_true(get(r, "ffsb.bytes_checked") > 1e6);
	assert_true(get(r, "ffsb.mismatches") == 0);
	assert_true(get(r, "disk.failed") == 0);
	assert_true(get(r, "disk.map_errors") == 0 && get(r, "disk.dma_errors") == 0);
	assert_true(get(r, "iommu.refused") == 0);
	assert_true(get(r, "iotlb.stale_reads") == 0 && get(r, "iotlb.stale_writes") == 0);
	assert_true(json_array_size(json_object_get(r, "warnings")) == 0 ||
		    get(r, "exposure.untranslated") != 0);
}

static const struct {
	const char *model, *profile, *strategy;
	bool on;
} ways[] = {
	{"iommu.model=none", "sut.profile=x460-2007", "dma.strategy=off", false},
	{"iommu.model=calgary", "sut.profile=x460-2007", "dma.strategy=off", false},
	{"iommu.model=calgary", "sut.profile=x460-2007", "dma.strategy=strict", true},
	{"iommu.model=calgary", "sut.profile=x460-2007", "dma.strategy=deferred", true},
	{"iommu.model=vtd", "sut.profile=e3-1220-2015", "dma.strategy=off", false},
	{"iommu.model=vtd", "sut.profile=e3-1220-2015", "dma.strategy=strict", true},
	{"iommu.model=vtd", "sut.profile=e3-1220-2015", "dma.strategy=flush-queue", true},
	{"iommu.model=amdvi", "sut.profile=epyc-7742-2019", "dma.strategy=off", false},
	{"iommu.model=amdvi", "sut.profile=epyc-7742-2019", "dma.strategy=strict", true},
	{"iommu.model=amdvi", "sut.profile=epyc-7742-2019", "dma.strategy=flush-queue", true},
};

static void a_guests_files_are_whole_behind_every_iommu(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		json_t *r =
			RUN("platform.kind=domu", ways[i].model, ways[i].profile, ways[i].strategy);
		const double pages = get(r, "xen.disk.segments");

		print_message("%s %s: %.0f ops/s, dom0 %.0f us, domU %.0f us\n", ways[i].model,
			      ways[i].strategy, get(r, "ffsb.ops_per_s"),
			      domain_busy_us(r, 0, "dom0"), domain_busy_us(r, 1, "domU"));
		nothing_was_damaged(r);
		ring_and_grants_agree(r);
		/* The adapter is given every page that the guest granted, entry by entry. */
		if (ways[i].on)
			assert_true(get(r, "xen.iommu.maps") > pages * 0.9 &&
				    get(r, "xen.iommu.maps") < pages * 1.1);
		else
			assert_true(get(r, "xen.iommu.maps") == 0 &&
				    get(r, "xen.hypercalls.iommu_op") == 0);
		assert_true(domain_busy_us(r, 0, "dom0") > 1000 &&
			    domain_busy_us(r, 1, "domU") > 1000);
		json_decref(r);
	}
}

/* Protection is paid for where the adapter is driven, which is not where the load runs. */
static void the_iommu_costs_dom0_and_not_the_guest(void **state)
{
	static const char *const strategy[] = {"dma.strategy=off", "dma.strategy=strict"};
	double dom0[2], domu[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		json_t *r = RUN("platform.kind=domu", "iommu.model=calgary", strategy[i],
				"ffsb.profile=ffsb-random-direct");
		const double kib = get(r, "disk.bytes_read") / 1024;

		nothing_was_damaged(r);
		ring_and_grants_agree(r);
		dom0[i] = domain_busy_us(r, 0, "dom0") / kib;
		domu[i] = domain_busy_us(r, 1, "domU") / kib;
		json_decref(r);
	}
	print_message("us a KiB: dom0 %.3f and %.3f, domU %.3f and %.3f\n", dom0[0], dom0[1],
		      domu[0], domu[1]);
	assert_true(dom0[1] > dom0[0] * 1.05);
	assert_true(domu[1] < domu[0] * 1.02);
}

/* ---- a domain that was given the adapter ---- */

static void a_guest_with_the_adapter_asks_nobody(void **state)
{
	static const char *const model[] = {"none", "calgary", "vtd", "amdvi"};

	(void)state;
	for (int i = 0; i < 4; i++) {
		char set[40];
		json_t *r;

		snprintf(set, sizeof(set), "iommu.model=%s", model[i]);
		r = RUN("platform.kind=direct", set);
		nothing_was_damaged(r);
		assert_true(get(r, "xen.hypercalls.iommu_op") == 0);
		assert_true(get(r, "xen.grants.maps") == 0);
		assert_true((get(r, "iommu.translations") > 1000) == (i > 0));
		assert_true(domain_busy_us(r, 0, "dom0") == 0);
		json_decref(r);
	}
}

/* ---- */

static void scatter_lists_are_where_requests_have_more_than_one_entry(void **state)
{
	json_t *r = RUN("iommu.model=calgary", "ffsb.profile=ffsb-sequential");

	(void)state;
	assert_true(get(r, "ffsb.mismatches") == 0);
	assert_true(get(r, "disk.segments_per_request") > 4);
	json_decref(r);
}

static void the_same_seed_gives_the_same_result(void **state)
{
	json_t *a = RUN("iommu.model=calgary"), *b = RUN("iommu.model=calgary"),
	       *c = RUN("iommu.model=calgary", "run.seed=2");

	(void)state;
	assert_true(json_equal(a, b));
	assert_true(get(a, "ffsb.ops") != get(c, "ffsb.ops") ||
		    get(a, "events") != get(c, "events"));
	json_decref(a);
	json_decref(b);
	json_decref(c);
	a = RUN("platform.kind=domu", "iommu.model=vtd");
	b = RUN("platform.kind=domu", "iommu.model=vtd");
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
}

static void refused(const char *set, const char *also, int rc, const char *says)
{
	const char *const sets[] = {set, also, NULL};
	struct err err = {{0}};
	json_t *result = NULL;

	assert_int_equal(try(sets, &result, &err), rc);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static void what_cannot_be_built_is_refused_with_the_setting_named(void **state)
{
	(void)state;
	refused("platform.kind=domu", "sut.irq_cpu=1", -EINVAL, "sut.irq_cpu: the load's domain");
	refused("platform.kind=domu", "sut.machine.memory=200 MiB", -EINVAL,
		"platform.domu_memory: ");
	refused("sut.profile=js21-2007", NULL, -EINVAL, "js21-2007 has no [disk] section");
	refused("ffsb.profile=no-such", NULL, -ENOENT, "no-such");
	refused("disk.size=64 MiB", NULL, -EINVAL,
		"--set disk.size: expected more, or another ffsb");
	refused("disk.size=64 MiB", "platform.kind=domu", -EINVAL,
		"loads/ffsb-mixed.profile:8: num_files: ");
	refused("ffsb.cache=5000000 B", NULL, -EINVAL, "ffsb.cache: expected whole pages");
	refused("inject.corrupt_tce=1 ms", "iommu.model=calgary", -EINVAL, "inject.corrupt_tce");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_load_of_direct_reads_maps_once_for_each_and_damages_nothing),
		cmocka_unit_test(a_guests_files_are_whole_behind_every_iommu),
		cmocka_unit_test(the_iommu_costs_dom0_and_not_the_guest),
		cmocka_unit_test(a_guest_with_the_adapter_asks_nobody),
		cmocka_unit_test(scatter_lists_are_where_requests_have_more_than_one_entry),
		cmocka_unit_test(the_same_seed_gives_the_same_result),
		cmocka_unit_test(what_cannot_be_built_is_refused_with_the_setting_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The study of the paper under a hypervisor and on disks: which runs it declares, and that its
 * judges pass and fail what their rules say, held against made-up results.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "study/paper_xen.h"

static struct paper paper;

static int declare(void **state)
{
	struct err err = {{0}};

	(void)state;
	return paper_init(&paper, 1, &err);
}

static int forget(void **state)
{
	(void)state;
	paper_fini(&paper);
	return 0;
}

/* ---- made-up results ---- */

struct made {
	double mbps, cpu, max, cost; /* cost: 0 = cpu over mbps */
};

static void give(const char *id, struct made x)
{
	for (size_t i = 0; i < paper.study.count; i++) {
		struct study_point *point = &paper.study.point[i];

		if (strcmp(point->id, id) != 0)
			continue;
		json_decref(point->result);
		point->result =
			json_pack("{s:f, s:f, s:f, s:f, s:[f, f], s:f}", "throughput_mbps", x.mbps,
				  "cpu_utilization_percent", x.cpu, "cpu_max_percent", x.max,
				  "service_demand_us_per_kb", x.cost > 0 ? x.cost : x.cpu / x.mbps,
				  "cpu_percent", x.cpu, 0.0, "payload_bytes", x.mbps * 1e6);
		return;
	}
	fail_msg("the study has no point %s", id);
}

/* Every size of one setting: throughput falls by @small below @limit and by @large from it. */
static void setting(const char *stem, const char *tail, unsigned limit, double small, double large,
		    struct made off, double more)
{
	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const unsigned m = paper_xen_size[i];
		const double loss = m < limit ? small : large;
		struct made on = off;
		char id[96];

		on.mbps = off.mbps * (1 - loss / 100);
		on.cpu = off.cpu * (1 + more / 100);
		if (on.cpu > off.max)
			on.cpu = off.max;
		give(paper_id(id, "%sm%u/off%s", stem, m, tail), off);
		give(paper_id(id, "%sm%u/on%s", stem, m, tail), on);
	}
}

static void everywhere(const struct paper_domain *d, struct made off, double more)
{
	char stem[96];

	for (const struct paper_place *place = d->place; place->id; place++)
		for (const struct paper_way *way = paper_ways; way->id; way++)
			if (paper_xen_runs(place, way))
				setting(paper_xen_stem(stem, d->id, place->id, way->id), "", 0, 0,
					0, off, more);
}

static struct claim_result verdict_on(const struct claim *claims, const char *id)
{
	struct claim_result r = {.verdict = VERDICT_NOT_TESTED, .note = ""};

	for (const struct claim *c = claims; c->id; c++) {
		if (!strcmp(c->id, id)) {
			c->judge(&paper, &r);
			return r;
		}
	}
	fail_msg("there is no claim %s", id);
	return r;
}

static int dom0_says(const char *id)
{
	return (int)verdict_on(paper_dom0_claims, id).verdict;
}

static int domu_says(const char *id)
{
	return (int)verdict_on(paper_domu_claims, id).verdict;
}

/* ---- what is declared ---- */

static const char *text_of(const char *id, const char *key)
{
	for (size_t i = 0; i < paper.study.count; i++) {
		const struct scenario *s = &paper.study.point[i].scenario;

		if (strcmp(paper.study.point[i].id, id) != 0)
			continue;
		for (size_t k = 0; scenario_param(k); k++) {
			const struct param *p = scenario_param(k);
			char name[64];

			snprintf(name, sizeof(name), "%s.%s", p->section, p->key);
			if (!strcmp(name, key))
				return s->text[k];
		}
	}
	fail_msg("no point %s with %s", id, key);
	return "";
}

static void points_are_what_their_names_say(void **state)
{
	static const struct {
		const char *id, *key, *value;
	} rows[] = {
		{"dom0/1/receive/m64/off", "iommu.model", "none"},
		{"dom0/1/receive/m64/on", "iommu.model", "calgary"},
		{"dom0/1/receive/m64/on", "platform.kind", "dom0"},
		{"dom0/1/receive/m64/on", "load.name", "tcp_stream"},
		{"dom0/2/send-nodelay/m512/on", "load.name", "tcp_maerts"},
		{"dom0/2/send-nodelay/m512/on", "load.nodelay", "on"},
		{"dom0/2/send-nodelay/m512/on", "load.message_bytes", "512"},
		{"dom0/2/send-nodelay/m512/on", "platform.dom0_vcpus", "2"},
		{"dom0/2/send-nodelay/m512/on", "sut.app_cpu", "1"},
		{"dom0/2-same/receive/m512/on", "sut.app_cpu", "0"},
		{"dom0/1/receive-nodelay-small/m256/on", "load.recv_bytes", "256"},
		{"dom0/1/receive/m64/on/multicall", "platform.multicall", "on"},
		{"dom0/1/receive/m64/on/strict-multicall", "dma.strategy", "strict"},
		{"dom0/1/receive/m16384/on/dear", "sut.estimates", "dear-protection"},
		{"domu/flip/receive/m65536/on", "platform.receive", "flip"},
		{"domu/copy-shared/receive/m64/on", "platform.receive", "copy"},
		{"domu/copy-shared/receive/m64/on", "platform.scheduler", "credit"},
		{"domu/copy-shared/receive/m64/on", "platform.cpus", "1"},
		{"ffsb/dom0/mixed/on", "platform.kind", "dom0"},
		{"ffsb/domu/mixed/off", "iommu.model", "none"},
		{"ffsb/domu/random-direct/on", "platform.kind", "domu"},
		{"ffsb/domu/random-direct/on", "iommu.model", "calgary"},
		{"ffsb/bare-metal/sequential/on/high", "ffsb.profile", "ffsb-sequential"},
		{"m16384/on/keep4", "dma.quota", "4"},
		{"m16384/on/keep4", "platform.kind", "bare-metal"},
		{"m16384/on/keep4", "iommu.model", "calgary"},
		{"dom0/1/receive/m64/on/preallocated/dear", "dma.strategy", "preallocated"},
		{"dom0/1/receive/m64/on/preallocated/dear", "sut.estimates", "dear-protection"},
		{"dom0/1/receive/m16384/on/doorbell", "platform.multicall", "doorbell"},
		{"domu/flip/send/m64/on/integrated", "platform.grants", "integrated"},
		{"domu/flip/send/m64/on/integrated", "load.name", "tcp_maerts"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(text_of(rows[i].id, rows[i].key), rows[i].value);
}

static void no_name_is_cut_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < paper.study.count; i++)
		assert_true(strlen(paper.study.point[i].id) < sizeof(paper.study.point[i].id) - 1);
}

static void without_runs_nothing_is_judged(void **state)
{
	json_t *table;

	(void)state;
	for (const struct claim *c = paper_dom0_claims; c->id; c++)
		assert_int_equal(dom0_says(c->id), VERDICT_NOT_TESTED);
	for (const struct claim *c = paper_domu_claims; c->id; c++)
		assert_int_equal(domu_says(c->id), VERDICT_NOT_TESTED);
	table = paper_dom0_table(&paper);
	assert_int_equal(json_array_size(json_object_get(table, "rows")), 0);
	json_decref(table);
}

/* ---- dom0 ---- */

static const struct made calm = {900, 30, 100, 0}, busy = {100, 95, 100, 0};

static void dom0_holds_where_one_setting_gives_the_whole_picture(void **state)
{
	struct claim_result r;
	char stem[96];

	(void)state;
	everywhere(&paper_domains[PAPER_DOM0], calm, 70);
	assert_int_equal(dom0_says("S6"), VERDICT_HOLDS);
	assert_int_equal(dom0_says("S7"), VERDICT_FAILS);
	assert_int_equal(dom0_says("S8"), VERDICT_FAILS);
	assert_int_equal(dom0_says("S9"), VERDICT_FAILS);

	setting(paper_xen_stem(stem, "dom0", "1", "send"), "", 1024, 30, 0, busy, 50);
	for (int i = 3; i < PAPER_XEN_SIZES; i++) {
		char id[96];

		give(paper_id(id, "%sm%u/off", stem, paper_xen_size[i]), calm);
		give(paper_id(id, "%sm%u/on", stem, paper_xen_size[i]),
		     (struct made){900, 45, 100, 0});
	}
	r = verdict_on(paper_dom0_claims, "S8");
	assert_int_equal(r.verdict, VERDICT_HOLDS);
	assert_non_null(strstr(r.measured, "dom0 sends, 1 vCPU: throughput -30.0 %"));
	assert_non_null(strstr(r.measured, "dom0 receives, 1 vCPU"));
	assert_int_equal(dom0_says("S6"), VERDICT_HOLDS);
	assert_int_equal(dom0_says("S7"), VERDICT_HOLDS);
	assert_int_equal(dom0_says("S9"), VERDICT_HOLDS);
}

static void a_loss_that_grows_with_the_size_is_not_the_papers(void **state)
{
	char id[96];

	(void)state;
	assert_int_equal(dom0_says("S8"), VERDICT_HOLDS);
	give(paper_id(id, "dom0/1/send/m512/on"), (struct made){50, 95, 100, 0});
	assert_int_equal(dom0_says("S8"), VERDICT_FAILS);
	give(paper_id(id, "dom0/1/send/m512/on"), (struct made){70, 100, 100, 0});
	assert_int_equal(dom0_says("S8"), VERDICT_HOLDS);
}

static void a_loss_with_cpu_to_spare_has_another_cause(void **state)
{
	char id[96];

	(void)state;
	assert_int_equal(dom0_says("S9"), VERDICT_HOLDS);
	give(paper_id(id, "dom0/1/send/m256/off"), (struct made){100, 84, 100, 0});
	assert_int_equal(dom0_says("S9"), VERDICT_FAILS);
	give(paper_id(id, "dom0/1/send/m256/off"), busy);
	give(paper_id(id, "dom0/1/send/m256/on"), (struct made){70, 96, 100, 0});
	assert_int_equal(dom0_says("S9"), VERDICT_FAILS);
}

static void a_second_vcpu_must_remove_four_fifths(void **state)
{
	(void)state;
	setting("dom0/1/send-nodelay/", "", 1024, 40, 0, busy, 50);
	setting("dom0/1/send-nodelay/", "/twice-clock", 1024, 0, 0, busy, 50);
	setting("dom0/2/send-nodelay/", "", 1024, 7, 0, busy, 50);
	assert_int_equal(dom0_says("S10"), VERDICT_HOLDS);
	setting("dom0/2/send-nodelay/", "", 1024, 9, 0, busy, 50);
	assert_int_equal(dom0_says("S10"), VERDICT_FAILS);
}

static void crossings_are_judged_against_bare_metal_on_as_many_cpus(void **state)
{
	char id[96];

	(void)state;
	for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
		const unsigned m = paper_variant_size[i];

		give(paper_id(id, "m%u/off", m), (struct made){900, 30, 800, 0});
		give(paper_id(id, "m%u/on", m), (struct made){900, 36, 800, 0});
		give(paper_id(id, "one-cpu/m%u/off", m), (struct made){900, 30, 800, 0});
		give(paper_id(id, "one-cpu/m%u/on", m), (struct made){900, 42, 800, 0});
	}
	setting("dom0/1/receive/", "/free-crossing", 0, 0, 0, calm, 49);
	setting("dom0/2/receive/", "/free-crossing", 0, 0, 0, calm, 60);
	assert_int_equal(dom0_says("S17"), VERDICT_HOLDS);
	setting("dom0/1/receive/", "/free-crossing", 0, 0, 0, calm, 51);
	assert_int_equal(dom0_says("S17"), VERDICT_FAILS);
}

static void lists(double points)
{
	static const char *const tails[] = {"/multicall", "/strict", "/strict-multicall"};
	char id[96];

	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const unsigned m = paper_xen_size[i];

		give(paper_id(id, "dom0/1/receive/m%u/off", m), (struct made){900, 100, 800, 0});
		give(paper_id(id, "dom0/1/receive/m%u/on", m), (struct made){900, 150, 800, 0});
		for (int k = 0; k < 3; k++)
			give(paper_id(id, "dom0/1/receive/m%u/on%s", m, tails[k]),
			     (struct made){900, 150 + points, 800, 0});
	}
}

static void lists_may_change_the_increase_by_two_points(void **state)
{
	(void)state;
	lists(1.9);
	assert_int_equal(dom0_says("S19"), VERDICT_HOLDS);
	lists(2.1);
	assert_int_equal(dom0_says("S19"), VERDICT_FAILS);
	lists(-2.1);
	assert_int_equal(dom0_says("S19"), VERDICT_FAILS);
}

/* ---- domU ---- */

static void domu_loses_a_little_and_pays_for_large_messages(void **state)
{
	const struct paper_domain *d = &paper_domains[PAPER_DOMU];
	char stem[96];

	(void)state;
	everywhere(d, calm, 50);
	assert_int_equal(domu_says("S11"), VERDICT_FAILS);
	assert_int_equal(domu_says("S12"), VERDICT_FAILS);
	setting(paper_xen_stem(stem, "domu", "copy", "receive"), "", 512, 12, 4, calm, 30);
	assert_int_equal(domu_says("S11"), VERDICT_HOLDS);
	assert_int_equal(domu_says("S12"), VERDICT_HOLDS);
	setting(stem, "", 512, 12, 6, calm, 46);
	assert_int_equal(domu_says("S11"), VERDICT_FAILS);
	assert_int_equal(domu_says("S12"), VERDICT_FAILS);
	setting(stem, "", 512, 21, 4, calm, 19);
	assert_int_equal(domu_says("S11"), VERDICT_FAILS);
	assert_int_equal(domu_says("S12"), VERDICT_FAILS);
}

static void domus_increase_is_held_against_dom0s(void **state)
{
	(void)state;
	setting("dom0/1/receive/", "", 0, 0, 0, calm, 60);
	setting("dom0/1/receive/", "/low", 0, 0, 0, calm, 60);
	setting("domu/flip/receive/", "/low", 0, 0, 0, calm, 20);
	setting("domu/flip/receive/", "", 0, 0, 0, calm, 50);
	assert_int_equal(domu_says("S13"), VERDICT_HOLDS);
	setting("domu/flip/receive/", "", 0, 0, 0, calm, 61);
	assert_int_equal(domu_says("S13"), VERDICT_FAILS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_are_what_their_names_say),
		cmocka_unit_test(no_name_is_cut_off),
		cmocka_unit_test(without_runs_nothing_is_judged),
		cmocka_unit_test(dom0_holds_where_one_setting_gives_the_whole_picture),
		cmocka_unit_test(a_loss_that_grows_with_the_size_is_not_the_papers),
		cmocka_unit_test(a_loss_with_cpu_to_spare_has_another_cause),
		cmocka_unit_test(a_second_vcpu_must_remove_four_fifths),
		cmocka_unit_test(crossings_are_judged_against_bare_metal_on_as_many_cpus),
		cmocka_unit_test(lists_may_change_the_increase_by_two_points),
		cmocka_unit_test(domu_loses_a_little_and_pays_for_large_messages),
		cmocka_unit_test(domus_increase_is_held_against_dom0s),
	};

	return cmocka_run_group_tests(tests, declare, forget);
}

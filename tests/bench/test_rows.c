/* SPDX-License-Identifier: MIT */
/*
 * Every row can be measured and yields sensible numbers, however short the time; what cannot be is
 * said in words. How fast anything is, is not tested.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/bench.h"

#define ROWS_MAX 256u

struct seen {
	char name[ROWS_MAX][BENCH_NAME_BYTES];
	double target[ROWS_MAX];
	unsigned rows, begun, left_out, stop_after;
	char why[200];
};

static void begin(void *ctx, const char *row, unsigned index, unsigned rows)
{
	struct seen *s = ctx;

	assert_true(index < rows && row[0]);
	assert_int_equal(index, s->begun);
	s->begun++;
}

static void check_number(const char *name, double x)
{
	if (!isfinite(x) || x <= 0)
		fail_msg("%s: %g", name, x);
}

static void done(void *ctx, const struct bench_result *r)
{
	struct seen *s = ctx;

	for (unsigned i = 0; i < s->rows; i++)
		assert_string_not_equal(s->name[i], r->name);
	check_number(r->name, r->median);
	check_number(r->name, r->p10);
	check_number(r->name, r->p99);
	assert_true(r->p10 <= r->median && r->median <= r->p99);
	assert_true(r->low <= r->median && r->median <= r->high);
	assert_true(r->count >= 1 && r->samples[0] <= r->samples[r->count - 1]);
	assert_true(r->unit[0] && r->group[0] && r->what[0]);
	if (r->target > 0)
		assert_int_equal(r->met, r->more_is_better ? r->median >= r->target
							   : r->median <= r->target);
	for (unsigned i = 0; i < r->rivals; i++) {
		check_number(r->rival[i].name, r->rival[i].median);
		check_number(r->rival[i].name, r->rival[i].ratio);
	}
	assert_true(s->rows < ROWS_MAX);
	s->target[s->rows] = r->target;
	snprintf(s->name[s->rows++], BENCH_NAME_BYTES, "%s", r->name);
}

static void left_out(void *ctx, const char *row, const char *why)
{
	struct seen *s = ctx;

	print_message("left out: %s: %s\n", row, why);
	assert_true(why[0]);
	s->left_out++;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

static bool stop(void *ctx)
{
	struct seen *s = ctx;

	return s->stop_after && s->rows >= s->stop_after;
}

static struct bench_options options_of(struct seen *s, const char *group)
{
	return (struct bench_options){.group = group,
				      .interval_percent = 50,
				      .limit_s = 0.01,
				      .quick = true,
				      .ctx = s,
				      .stop = stop,
				      .begin = begin,
				      .done = done,
				      .left_out = left_out};
}

static bool has(const struct seen *s, const char *name, double target)
{
	for (unsigned i = 0; i < s->rows; i++)
		if (!strcmp(s->name[i], name))
			return s->target[i] == target;
	return false;
}

static void every_row_yields_finite_positive_numbers(void **state)
{
	static const struct {
		const char *name;
		double target;
	} targets[] = {{"iova.pair", 5},
		       {"iova.pair.2", 5},
		       {"iova.pair.2.flat", 1.2},
		       {"iova.handover", 40},
		       {"map.page", 20},
		       {"map.512", 1},
		       {"map.strict.translated", 60},
		       {"translate.hit.64", 3},
		       {"translate.hit.512", 3},
		       {"translate.hit.4096", 3},
		       {"translate.shared", 3},
		       {"translate.shared.flat", 1.2},
		       {"translate.vtd.walk.4", 40},
		       {"iotlb.ratio.all-sizes", 10}};
	static struct seen s;
	const struct bench_options o = options_of(&s, "all");
	struct err err = {""};

	(void)state;
	assert_int_equal(bench_run(&o, &err), 0);
	assert_true(s.rows > 60);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!has(&s, targets[i].name, targets[i].target))
			fail_msg("%s with its target", targets[i].name);
	/* Memory cannot be counted where the allocator is a sanitizer's. */
	assert_true(s.left_out == 0 || (s.left_out == 1 && !has(&s, "map.memory", 16)));
}

static void a_row_as_asked_for_has_no_target(void **state)
{
	static const struct bench_setup asked[] = {
		{.threads = 2, .pages = 3, .outstanding = 7, .pattern = 1 + BENCH_RANDOM},
		{.iommu = "amdvi", .strategy = "strict"},
		{.iommu = "calgary", .strategy = "deferred", .allocator = "next-fit"},
		{.iommu = "riommu", .strategy = "strict"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct seen s = {.rows = 0};
		struct bench_options o = options_of(&s, "map");
		struct err err = {""};

		o.setup = asked[i];
		if (bench_run(&o, &err))
			fail_msg("%s", err.text);
		assert_int_equal(s.rows, 1);
		assert_string_equal(s.name[0], "map");
		assert_true(s.target[0] == 0);
	}
}

static void what_there_is_not_is_refused_in_words(void **state)
{
	static const struct {
		const char *group;
		struct bench_setup setup;
		const char *words;
	} wrong[] = {
		{"map", {.iommu = "nonsense"}, "--iommu nonsense"},
		{"map", {.strategy = "nonsense"}, "strategy 'nonsense' is not known"},
		{"map", {.allocator = "nonsense"}, "allocator 'nonsense' is not known"},
		{"iova", {.allocator = "nonsense"}, "--allocator nonsense"},
		{"iova", {.strategy = "strict"}, "bench iova: --strategy means nothing to it"},
		{"iotlb", {.policy = "nonsense"}, "nonsense"},
		{"iotlb", {.pages = 2}, "bench iotlb: --pages means nothing to it"},
		{"invalidate", {.iommu = "amdvi"}, "bench invalidate: --iommu means nothing to it"},
		{"all", {.threads = 2}, "bench all: --threads means nothing to it"},
		{"nonsense", {.threads = 0}, "no group 'nonsense'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct seen s = {.rows = 0};
		struct bench_options o = options_of(&s, wrong[i].group);
		struct err err = {""};

		o.setup = wrong[i].setup;
		assert_int_equal(bench_run(&o, &err), -EINVAL);
		if (!strstr(err.text, wrong[i].words))
			fail_msg("'%s' expected in '%s'", wrong[i].words, err.text);
		assert_int_equal(s.rows, 0);
	}
}

static void stopping_keeps_what_is_done(void **state)
{
	struct seen s = {.stop_after = 2};
	const struct bench_options o = options_of(&s, "iotlb");
	struct err err = {""};

	(void)state;
	assert_int_equal(bench_run(&o, &err), -EINTR);
	assert_int_equal(s.rows, 2);
}

static void linuxs_benchmark_counts_as_linux_does(void **state)
{
	const struct bench_map_params params = {
		.threads = 2, .seconds = 1, .node = -1, .bits = 32, .granule = 2, .delay_ns = 100};
	const struct bench_setup setup = {
		.iommu = "vtd", .strategy = "strict", .allocator = "magazines"};
	struct bench_map_result r;
	struct err err = {""};

	(void)state;
	assert_int_equal(bench_map_run(&params, &setup, NULL, NULL, &r, &err), 0);
	assert_true(r.loops > 0);
	check_number("map", r.map_ns);
	check_number("unmap", r.unmap_ns);
	check_number("clock", r.clock_ns);
	/* Cut, never rounded up. */
	assert_true((double)r.map_100ns * 100 <= r.map_ns);
	assert_true((double)r.unmap_100ns * 100 <= r.unmap_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_yields_finite_positive_numbers),
		cmocka_unit_test(a_row_as_asked_for_has_no_target),
		cmocka_unit_test(what_there_is_not_is_refused_in_words),
		cmocka_unit_test(stopping_keeps_what_is_done),
		cmocka_unit_test(linuxs_benchmark_counts_as_linux_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

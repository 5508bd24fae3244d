/* SPDX-License-Identifier: MIT */
/*
 * The model's side of the comparison is the laboratory's: it can be worked out by hand. The
 * measured side is the host's, of which a test can say only that it is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/layer.h"
#include "calibrate/calibrate_impl.h"

#define PROFILE PROFILES "/icelake-2021.ini"

/* Nothing costs anything but what @one says. */
static double pair_with(const char *one, const char *iommu, const char *strategy)
{
	const char *const overrides[] = {"iommu.dma_call=0 ns",
					 "iommu.bitmap_word=0 ns",
					 "iommu.tce_store=0 ns",
					 "iommu.reg_read=1 ns",
					 "iommu.invalidate=0 ns",
					 "cpu.irq_flags=0 ns",
					 "cpu.locked_rmw=0 ns",
					 "cpu.mmio_write=0 ns",
					 "bus.posted_write_latency=0 ns",
					 "memory.cache_hit=0 ns",
					 "memory.dram_miss=1 ns",
					 "memory.clflush=1 us",
					 one,
					 NULL};
	struct err err = {""};
	double ns;

	if (model_pair(&ns, PROFILE, overrides, iommu, strategy, &err))
		fail_msg("%s", err.text);
	return ns;
}

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) <= 0.02 * expected))
		fail_msg("%f instead of %f", value, expected);
}

/* Two calls, two holds of the lock, a word searched, an entry set and one cleared. */
static void the_models_pair_is_made_of_its_steps(void **state)
{
	(void)state;
	assert_near(pair_with("iommu.dma_call=1 us", "calgary", "deferred"), 2000);
	assert_near(pair_with("cpu.irq_flags=1 us", "calgary", "deferred"), 2000);
	assert_near(pair_with("cpu.locked_rmw=1 us", "calgary", "deferred"), 2000);
	assert_near(pair_with("iommu.bitmap_word=1 us", "calgary", "deferred"), 1000);
	assert_near(pair_with("iommu.tce_store=1 us", "calgary", "deferred"), 2000);
}

/* Four reads and three writes of Calgary's flush, by the document that its driver follows. */
static void a_strict_pair_has_the_flush_of_its_driver(void **state)
{
	(void)state;
	assert_near(pair_with("cpu.mmio_write=1 us", "calgary", "strict"), 3004);
	assert_near(pair_with("iommu.reg_read=1 us", "calgary", "strict"), 4000);
	/* Once around the table. */
	assert_near(pair_with("cpu.mmio_write=1 us", "calgary", "deferred"), 3004 / 8192.0);
}

/* The profile's flush costs 1 us here, and every touched line would come from memory after it. */
static void nothing_is_pushed_out_of_caches_that_the_walker_sees(void **state)
{
	(void)state;
	assert_true(pair_with("memory.clflush=100 us", "calgary", "deferred") < 1);
	assert_true(pair_with("memory.clflush=100 us", "vtd", "deferred") < 1);
}

static void a_profile_without_iommu_predicts_nothing(void **state)
{
	struct err err = {""};
	double ns;

	(void)state;
	assert_int_equal(model_pair(&ns, PROFILES "/e326.ini", NULL, "calgary", "strict", &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "expected a profile with an [iommu] section"));
}

static void every_loop_is_run_on_both_sides(void **state)
{
	const struct calibrate_options options = {.host = {.quick = true}};
	struct calibrate_check check[CALIBRATE_CHECKS];
	struct err err = {""};
	unsigned judged = 0;

	(void)state;
	if (calibrate_check(check, PROFILE, &options, &err))
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < CALIBRATE_CHECKS; i++) {
		const struct calibrate_check *c = &check[i];

		assert_true(c->measured.why_not[0] || c->measured.median > 0);
		assert_true(c->judged || c->note[0]);
		if (!c->judged)
			continue;
		judged++;
		assert_true(c->model > 0 && isfinite(c->ratio));
		assert_true(c->met == (c->ratio >= 0.5 && c->ratio <= 2));
		for (unsigned j = 0; j < c->overrides; j++)
			assert_true(strchr(c->override[j].text, '=') && c->override[j].why[0]);
	}
	assert_int_equal(judged, CALIBRATE_CHECKS - 1);
}

static bool at_once(void *ctx)
{
	(void)ctx;
	return true;
}

static void measuring_can_be_stopped(void **state)
{
	const struct calibrate_options options = {.host = {.quick = true, .should_stop = at_once}};
	struct calibrate_check check[CALIBRATE_CHECKS];
	struct calibration c;
	struct err err = {""};

	(void)state;
	assert_int_equal(calibrate_check(check, PROFILE, &options, &err), -EINTR);
	assert_int_equal(calibrate_measure(&c, &options, &err), -EINTR);
}

/* Each search goes through as many words as lie between two free entries. */
static void words_between_free_entries_are_as_many_as_asked_for(void **state)
{
	(void)state;
	for (unsigned apart = 1; apart <= 16; apart *= 4) {
		const struct bench_layer_config config = {.iommu = "calgary",
							  .strategy = "unflushed",
							  .allocator = "next-fit",
							  .table_entries = 1u << 16,
							  .pages = 1,
							  .outstanding = 1,
							  .words_apart = apart};
		struct bench_layer_counts counts;
		struct bench_layer *l;
		struct err err = {""};

		assert_int_equal(bench_layer_open(&l, &config, &err), 0);
		assert_true(bench_layer_work(l, 4000));
		bench_layer_counts(l, &counts);
		assert_int_equal(counts.maps, 4000);
		/* And a little more at the bottom, where pages are withheld. */
		assert_in_range(counts.words_searched, 4000 * apart, 4300 * apart);
		bench_layer_close(l);
	}
}

static void layers_that_cannot_be_are_refused(void **state)
{
	struct bench_layer_config config = {.iommu = "calgary",
					    .strategy = "no-such",
					    .allocator = "next-fit",
					    .table_entries = 8192,
					    .pages = 1,
					    .outstanding = 16};
	struct bench_layer *l;
	struct err err = {""};

	(void)state;
	assert_int_equal(bench_layer_open(&l, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no-such"));
	config.strategy = "strict";
	config.iommu = "abacus";
	assert_int_equal(bench_layer_open(&l, &config, &err), -EINVAL);
	config.iommu = "calgary";
	config.outstanding = 8192;
	assert_int_equal(bench_layer_open(&l, &config, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "no room for 8192 mappings"));
	bench_layer_close(NULL);
}

static void the_list_of_accesses_is_that_of_the_flushes(void **state)
{
	struct bench_layer_config config = {.iommu = "calgary",
					    .strategy = "strict",
					    .allocator = "next-fit",
					    .table_entries = 8192,
					    .pages = 1,
					    .outstanding = 16};
	struct bench_layer *l;
	struct err err = {""};
	uint64_t reads, writes;

	(void)state;
	assert_int_equal(bench_layer_open(&l, &config, &err), 0);
	assert_int_equal(bench_layer_record(l, 128, &reads, &writes), 0);
	assert_int_equal(reads, 4 * 128);
	assert_int_equal(writes, 3 * 128);
	bench_layer_replay(l, false);
	bench_layer_replay(l, true);
	assert_true(bench_layer_work(l, 128));
	bench_layer_close(l);
	config.iommu = "vtd";
	assert_int_equal(bench_layer_open(&l, &config, &err), 0);
	assert_int_equal(bench_layer_record(l, 128, &reads, &writes), 0);
	assert_int_equal(reads, 0);
	assert_int_equal(writes, 128); /* of the queue's tail */
	bench_layer_replay(l, true);
	bench_layer_replay(l, true);
	/* The queue is where the driver left it. */
	assert_true(bench_layer_work(l, 300));
	bench_layer_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_models_pair_is_made_of_its_steps),
		cmocka_unit_test(a_strict_pair_has_the_flush_of_its_driver),
		cmocka_unit_test(nothing_is_pushed_out_of_caches_that_the_walker_sees),
		cmocka_unit_test(a_profile_without_iommu_predicts_nothing),
		cmocka_unit_test(every_loop_is_run_on_both_sides),
		cmocka_unit_test(measuring_can_be_stopped),
		cmocka_unit_test(words_between_free_entries_are_as_many_as_asked_for),
		cmocka_unit_test(layers_that_cannot_be_are_refused),
		cmocka_unit_test(the_list_of_accesses_is_that_of_the_flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

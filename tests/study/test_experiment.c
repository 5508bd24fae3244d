/* SPDX-License-Identifier: MIT */
/* The mechanism experiments: what each strategy promises, settled by where bytes land. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/experiment.h"
#include "study/paths.h"

static struct profile profile(void)
{
	struct err err = {{0}};
	struct profile p;
	char path[PATH_MAX];

	assert_int_equal(paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), &err), 0);
	assert_int_equal(profile_load(&p, path, ESTIMATE_DEFAULT, NULL, &err), 0);
	return p;
}

static uint64_t misplaced(const char *strategy)
{
	const struct profile p = profile();
	struct reuse_result r;
	struct err err = {{0}};

	assert_int_equal(experiment_short_lived(&p, strategy, 20000, 1, &r, &err), 0);
	assert_int_equal(r.mappings, 20000);
	return r.misplaced;
}

static void short_lived_mappings_are_safe_with_every_flushing_strategy(void **state)
{
	(void)state;
	assert_int_equal(misplaced("strict"), 0);
	assert_int_equal(misplaced("deferred"), 0);
	assert_int_equal(misplaced("deferred-tracked"), 0);
}

static void without_the_flush_at_the_wrap_dma_lands_in_old_frames(void **state)
{
	(void)state;
	/* every mapping of the second lap on, but those that got the same frame again by chance */
	assert_true(misplaced("unflushed") > 10000);
}

static uint64_t survivor(const char *strategy)
{
	const struct profile p = profile();
	struct reuse_result r;
	struct err err = {{0}};

	assert_int_equal(experiment_survivor(&p, strategy, &r, &err), 0);
	return r.misplaced;
}

static void a_mapping_that_survives_a_wrap_defeats_the_papers_rule(void **state)
{
	(void)state;
	assert_int_equal(survivor("deferred"), 1);
	assert_int_equal(survivor("deferred-tracked"), 0);
	assert_int_equal(survivor("strict"), 0);
}

static void use_after_unmap_succeeds_exactly_while_cached(void **state)
{
	const struct profile p = profile();
	struct stale_result small, large;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(experiment_use_after_unmap(&p, "deferred", 16, 600, 1, &small, &err), 0);
	assert_int_equal(experiment_use_after_unmap(&p, "deferred", 4096, 600, 1, &large, &err), 0);
	assert_int_equal(small.disagreed + large.disagreed, 0);
	assert_int_equal(small.attempts, 600);
	/* at once: always; after 64 others: never with 16 entries, always with 4096 */
	assert_int_equal(small.succeeded[0], small.tried[0]);
	assert_int_equal(small.succeeded[3], 0);
	assert_int_equal(large.succeeded[3], large.tried[3]);
}

static void use_after_unmap_never_succeeds_under_strict(void **state)
{
	const struct profile p = profile();
	struct stale_result r;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(experiment_use_after_unmap(&p, "strict", 64, 120, 1, &r, &err), 0);
	for (int i = 0; i < STALE_DELAYS; i++)
		assert_int_equal(r.succeeded[i], 0);
	assert_int_equal(r.disagreed, 0);
}

static void one_strict_unmap_empties_the_cache_and_neighbours_share_a_table(void **state)
{
	const struct profile p = profile();
	struct scope_result r;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(experiment_scope(&p, &r, &err), 0);
	assert_int_equal(r.cached_before, 32);
	assert_int_equal(r.cached_after, 0);
	assert_true(r.neighbour_reaches);
	/* 32 emergency pages and the 96 pages from 640 KiB to 1 MiB are reserved */
	assert_int_equal(r.table_entries - r.usable_entries, 128);
}

/* Tables 1 and 2 of the paper, read off memory and asked of the hardware halves. */
static void entries_are_those_of_the_papers_tables(void **state)
{
	const struct profile p = profile();
	struct entries_result calgary, dart;
	struct err err;

	(void)state;
	assert_int_equal(experiment_entries(&p, "calgary", &calgary, &err), 0);
	assert_int_equal(experiment_entries(&p, "dart-u4", &dart, &err), 0);
	assert_true(calgary.as_published && dart.as_published);
	assert_int_equal(calgary.table_bytes, 4u << 20);
	assert_int_equal(dart.table_bytes, 2u << 20);
	assert_int_equal(calgary.entry_bytes, 8);
	assert_int_equal(dart.entry_bytes, 4);
	assert_int_equal(calgary.frame_bits, 36);
	assert_int_equal(dart.frame_bits, 24);
	/* For W R = 00, 01, 10, 11, lowest bit first: a right that is set, one that is clear. */
	assert_int_equal(calgary.readable, 0xA);
	assert_int_equal(calgary.writable, 0xC);
	assert_int_equal(dart.readable, 0x5);
	assert_int_equal(dart.writable, 0x3);
	assert_true(dart.needs_valid);
	assert_false(calgary.needs_valid);
}

/* One page used, unmapped, and written once more; what came of it. */
static void late_write(const char *strategy, bool unused_invalid, int expected,
		       uint64_t *redirected, struct exposure_stats *exposure)
{
	const struct rig_config config = {
		.model = "dart-u4",
		.iotlb = {.entries = 128, .ways = 4, .line_pages = 4, .policy = "lru"},
		.strategy = strategy,
		.allocator = "next-fit",
		.table_entries = 1024,
		.unused_invalid = unused_invalid,
	};
	const struct profile p = profile();
	uint64_t word = UINT64_C(0x1122334455667788);
	struct solo solo;
	struct err err;
	iotoll_iova_t iova;

	assert_int_equal(solo_init(&solo, &p, &config, BENCH_DEVID, &err), 0);
	iova = iotoll_dma_map_page(solo.device, IOTOLL_PHYS(0x800000), 4096,
				   IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(bus_dma_now(solo.rig.bus, BENCH_DEVID, IOTOLL_IOVA_U64(iova), &word, 8,
				     IOTOLL_WRITE, NULL),
			 0);
	iotoll_dma_unmap_page(solo.device, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	word = 0;
	assert_int_equal(bus_dma_now(solo.rig.bus, BENCH_DEVID, IOTOLL_IOVA_U64(iova), &word, 8,
				     IOTOLL_WRITE, NULL),
			 expected);
	*redirected = bus_stats(solo.rig.bus)->redirected;
	exposure_stats(solo.rig.exposure, exposure);
	solo_fini(&solo);
}

static void a_late_write_through_dart_is_redirected_refused_or_still_gets_through(void **state)
{
	struct exposure_stats e;
	uint64_t redirected;

	(void)state;
	late_write("strict", false, 0, &redirected, &e);
	assert_int_equal(redirected, 1);
	assert_int_equal(e.redirected_pages, 1);
	assert_int_equal(e.stale_pages, 0);
	late_write("strict", true, -EPERM, &redirected, &e);
	assert_int_equal(redirected, 0);
	assert_int_equal(e.redirected_pages, 0);
	assert_int_equal(e.stale_pages, 0);
	late_write("deferred", false, 0, &redirected, &e);
	assert_int_equal(redirected, 0);
	assert_int_equal(e.redirected_pages, 0);
	assert_int_equal(e.stale_pages, 1);
	/* Linux ignores the direction: what is to be written may be read. */
	assert_int_equal(e.from_device_readable_pages, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_lived_mappings_are_safe_with_every_flushing_strategy),
		cmocka_unit_test(without_the_flush_at_the_wrap_dma_lands_in_old_frames),
		cmocka_unit_test(a_mapping_that_survives_a_wrap_defeats_the_papers_rule),
		cmocka_unit_test(use_after_unmap_succeeds_exactly_while_cached),
		cmocka_unit_test(use_after_unmap_never_succeeds_under_strict),
		cmocka_unit_test(one_strict_unmap_empties_the_cache_and_neighbours_share_a_table),
		cmocka_unit_test(entries_are_those_of_the_papers_tables),
		cmocka_unit_test(
			a_late_write_through_dart_is_redirected_refused_or_still_gets_through),
	};

	return cmocka_run_group_tests_name("study/experiment", tests, NULL, NULL);
}

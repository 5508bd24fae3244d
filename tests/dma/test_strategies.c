/* SPDX-License-Identifier: MIT */
/*
 * When each strategy flushes, and what a device can therefore reach, with the hardware half's
 * Calgary on the other side of memory and registers.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

/* Map and unmap single pages until the allocator's next answer is @iova. */
static void advance_to(struct hwrig *h, uint64_t iova)
{
	for (;;) {
		const uint64_t at = hwrig_map(h, 0x1000);

		hwrig_unmap(h, at);
		if (at + 4096 == iova)
			return;
	}
}

static void strict_flushes_at_every_unmap_and_leaves_nothing_reachable(void **state)
{
	static struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start(&h, "strict", 64, 0);
	for (unsigned i = 0; i < 10; i++) {
		iova = hwrig_map(&h, OLD);
		assert_true(hwrig_reaches(&h, iova, OLD));
		hwrig_unmap(&h, iova);
		assert_int_equal(hwrig_stats(&h).flushes, i + 1);
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
	}
	assert_int_equal(hwrig_stats(&h).wraps, 0);
	hwrig_close(&h);
}

static void strict_needs_no_flush_at_the_wrap(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start(&h, "strict", 64, 0);
	for (unsigned i = 0; i < USABLE + 1; i++)
		hwrig_unmap(&h, hwrig_map(&h, OLD));
	assert_int_equal(hwrig_stats(&h).wraps, 1);
	assert_int_equal(hwrig_stats(&h).flushes, USABLE + 1);
	hwrig_close(&h);
}

static void deferred_leaves_an_unmapped_page_reachable_until_it_wraps(void **state)
{
	static struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start(&h, "deferred", 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	assert_true(hwrig_reaches(&h, iova, OLD));
	for (unsigned i = 0; i < USABLE - 1; i++)
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	assert_true(hwrig_reaches(&h, iova, OLD));
	/* The next one is the first of the second lap, at the same address. */
	assert_int_equal(hwrig_map(&h, NEW), iova);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_int_equal(hwrig_stats(&h).wraps, 1);
	assert_true(hwrig_reaches(&h, iova, NEW));
	hwrig_unmap(&h, iova);
	hwrig_close(&h);
	/* Not cached, it is gone at once. */
	hwrig_start(&h, "deferred", 64, 0);
	iova = hwrig_map(&h, OLD);
	hwrig_unmap(&h, iova);
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
	hwrig_close(&h);
}

static void without_the_flush_at_the_wrap_a_reused_entry_shows_the_old_page(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	hwrig_start(&h, "unflushed", 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	for (unsigned i = 0; i < USABLE - 1; i++)
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_map(&h, NEW), iova);
	assert_int_equal(hwrig_stats(&h).wraps, 1);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	hwrig_close(&h);
}

static void deferred_flushes_at_every_attempt_on_a_full_table(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start(&h, "deferred", 64, 0);
	for (unsigned i = 0; i < USABLE; i++)
		(void)hwrig_map(&h, NEW);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(iotoll_dma_mapping_error(
			iotoll_dma_map_page(h.dev, IOTOLL_PHYS(NEW), 1, IOTOLL_DMA_FROM_DEVICE)));
		assert_int_equal(hwrig_stats(&h).flushes, i);
		assert_int_equal(hwrig_stats(&h).wraps, i);
		assert_int_equal(hwrig_stats(&h).map_failures, i);
	}
	hwrig_close(&h);
}

static void deferred_tracked_never_flushes_for_an_attempt_that_finds_nothing(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start(&h, "deferred-tracked", 64, 0);
	for (unsigned i = 0; i < USABLE; i++)
		(void)hwrig_map(&h, NEW);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(iotoll_dma_mapping_error(
			iotoll_dma_map_page(h.dev, IOTOLL_PHYS(NEW), 1, IOTOLL_DMA_FROM_DEVICE)));
		assert_int_equal(hwrig_stats(&h).wraps, i);
	}
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	hwrig_close(&h);
}

/*
 * The gap in "an entry is reused only after roll-around". A mapping above the hint survives the
 * wrap and its flush, is fetched into the IOTLB, is unmapped, and its entry is handed out again in
 * the same lap. True if the new owner's DMA then goes to the old owner's page.
 */
static bool survivor_is_reused_stale(const char *strategy, uint64_t *flushes)
{
	static struct hwrig h;
	uint64_t survivor, reused;
	bool stale;

	hwrig_start(&h, strategy, 64, 4000);
	survivor = hwrig_map(&h, OLD);
	assert_int_equal(survivor, UINT64_C(4000) << 12);
	/* Around the end, then up to just below the survivor. */
	while (hwrig_stats(&h).wraps == 0)
		hwrig_unmap(&h, hwrig_map(&h, 0x1000));
	assert_true(hwrig_reaches(&h, survivor, OLD));
	hwrig_unmap(&h, survivor);
	advance_to(&h, survivor);
	reused = hwrig_map(&h, NEW);
	assert_int_equal(reused, survivor);
	assert_int_equal(hwrig_stats(&h).wraps, 1);
	*flushes = hwrig_stats(&h).flushes;
	stale = hwrig_reaches(&h, reused, OLD);
	assert_true(stale || hwrig_reaches(&h, reused, NEW));
	hwrig_unmap(&h, reused);
	hwrig_close(&h);
	return stale;
}

static void the_roll_around_gap_is_there_under_deferred(void **state)
{
	uint64_t flushes;

	(void)state;
	assert_true(survivor_is_reused_stale("deferred", &flushes));
	assert_int_equal(flushes, 1);
}

static void the_roll_around_gap_is_closed_under_deferred_tracked_and_strict(void **state)
{
	uint64_t flushes;

	(void)state;
	assert_false(survivor_is_reused_stale("deferred-tracked", &flushes));
	/* For the survivor only: at the wrap nothing below had been used before. */
	assert_int_equal(flushes, 1);
	assert_false(survivor_is_reused_stale("strict", &flushes));
}

/* @laps of mappings that each live for a hundred others. */
static uint64_t flushes_over(const char *strategy, unsigned laps)
{
	static struct hwrig h;
	uint64_t live[100], flushes;

	hwrig_start(&h, strategy, 64, 0);
	for (unsigned n = 0; n < laps * USABLE; n++) {
		if (n >= 100)
			hwrig_unmap(&h, live[n % 100]);
		live[n % 100] = hwrig_map(&h, NEW);
	}
	assert_int_equal(hwrig_stats(&h).wraps, laps - 1);
	flushes = hwrig_stats(&h).flushes;
	hwrig_close(&h);
	return flushes;
}

static void tracking_flushes_once_a_lap_less_what_is_in_flight(void **state)
{
	(void)state;
	assert_int_equal(flushes_over("deferred", 11), 10);
	/*
	 * A flush cannot cover what is live at that moment, so the next one is due a hundred
	 * entries before a full lap is over: the first at the first wrap, then each at least
	 * USABLE - 200 allocations apart.
	 */
	assert_int_equal(flushes_over("deferred-tracked", 11), 11);
}

/*
 * Whatever happens, a live mapping leads to its own page, and under strict nothing else leads
 * anywhere. An IOTLB that holds everything is the hardest one to be right with.
 */
static void random_program(const char *strategy, uint64_t seed)
{
	struct {
		uint64_t iova, paddr;
	} live[300];
	const bool strict = strcmp(strategy, "strict") == 0;
	static struct hwrig h;
	unsigned n = 0;
	struct rng rng;
	uint64_t paddr;

	rng_seed(&rng, seed);
	hwrig_start(&h, strategy, 8192, rng_below(&rng, 8192));
	for (unsigned step = 0; step < 60000; step++) {
		if (n < 300 && (n == 0 || rng_below(&rng, 2))) {
			live[n].paddr = (1 + rng_below(&rng, 16000)) << 12;
			live[n].iova = hwrig_map(&h, live[n].paddr);
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);
			const uint64_t iova = live[i].iova;

			assert_true(hwrig_reaches(&h, iova, live[i].paddr));
			hwrig_unmap(&h, iova);
			if (strict)
				assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &paddr),
						 -EPERM);
			live[i] = live[--n];
		}
		if (n) {
			const unsigned i = (unsigned)rng_below(&rng, n);

			assert_true(hwrig_reaches(&h, live[i].iova, live[i].paddr));
		}
	}
	assert_true(hwrig_stats(&h).wraps > 2);
	hwrig_close(&h);
}

static void live_mappings_lead_to_their_own_pages_under_strict_and_tracked(void **state)
{
	const uint64_t seed = rig_seed();

	(void)state;
	random_program("strict", seed);
	random_program("deferred-tracked", seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_flushes_at_every_unmap_and_leaves_nothing_reachable),
		cmocka_unit_test(strict_needs_no_flush_at_the_wrap),
		cmocka_unit_test(deferred_leaves_an_unmapped_page_reachable_until_it_wraps),
		cmocka_unit_test(without_the_flush_at_the_wrap_a_reused_entry_shows_the_old_page),
		cmocka_unit_test(deferred_flushes_at_every_attempt_on_a_full_table),
		cmocka_unit_test(deferred_tracked_never_flushes_for_an_attempt_that_finds_nothing),
		cmocka_unit_test(the_roll_around_gap_is_there_under_deferred),
		cmocka_unit_test(the_roll_around_gap_is_closed_under_deferred_tracked_and_strict),
		cmocka_unit_test(tracking_flushes_once_a_lap_less_what_is_in_flight),
		cmocka_unit_test(live_mappings_lead_to_their_own_pages_under_strict_and_tracked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

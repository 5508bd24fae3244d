/* SPDX-License-Identifier: MIT */
/*
 * Linux's lazy mode: when entries that wait in the queue are flushed and freed, and that nothing
 * is used again before. On Calgary, whose flush is of everything, with the hardware half behind it.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

#define SLOTS 255u /* 256, one of which stays empty */

static void the_256th_unmap_forces_a_flush_and_waits_for_the_next(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start(&h, "flush-queue", 64, 0);
	for (unsigned lap = 0; lap < 3; lap++) {
		/* From the second lap on one entry waits already: the one that forced the flush. */
		for (unsigned i = lap ? 1 : 0; i < SLOTS; i++)
			hwrig_unmap(&h, hwrig_map(&h, NEW));
		assert_int_equal(hwrig_stats(&h).flushes, lap);
		assert_int_equal(hwrig_stats(&h).kept_pages, SLOTS);
		hwrig_unmap(&h, hwrig_map(&h, NEW));
		assert_int_equal(hwrig_stats(&h).flushes, lap + 1);
		assert_int_equal(hwrig_stats(&h).kept_pages, 1);
	}
	assert_int_equal(hwrig_stats(&h).kept_peak, SLOTS);
	assert_int_equal(hwrig_stats(&h).timer_flushes, 0);
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
	hwrig_close(&h);
}

static void the_timer_flushes_and_frees_all_once_and_starts_again_with_the_next_unmap(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start(&h, "flush-queue", 64, 0);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 0);
	for (unsigned i = 0; i < 7; i++)
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_stats(&h).kept_pages, 7);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).kept_pages, 0);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_int_equal(hwrig_stats(&h).timer_flushes, 1);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 0);
	hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).timer_flushes, 2);
	hwrig_close(&h);
}

static void a_full_ring_leaves_the_timer_running(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start(&h, "flush-queue", 64, 0);
	for (unsigned i = 0; i < SLOTS + 1; i++)
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).flushes, 2);
	assert_int_equal(hwrig_stats(&h).timer_flushes, 1);
	hwrig_close(&h);
}

static uint64_t manual_clock(void *ctx)
{
	return *(const uint64_t *)ctx;
}

static uint64_t no_read(void *ctx, uint64_t offset, unsigned width)
{
	(void)ctx;
	(void)width;
	/* Zeros, but for split queues, which are idle. */
	return (offset & 0xFFF) == CALGARY_DEBUG_SPLITQ && offset < CALGARY_PHB_BLOCK ? 0xFF : 0;
}

static void no_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	(void)ctx;
	(void)offset;
	(void)value;
	(void)width;
}

static void where_there_is_a_clock_the_timer_is_due_after_10_ms(void **state)
{
	const uint64_t ms = 1000000000;
	uint64_t now = 5 * ms;
	struct iotoll_env_config env = {.ctx = &now,
					.now_ps = manual_clock,
					.reg_read = no_read,
					.reg_write = no_write,
					.memory_bytes = 64u << 20};
	struct iotoll_dma_config config = rig_config();
	static struct hwrig h;

	(void)state;
	config.strategy = "flush-queue";
	memset(&h, 0, sizeof(h));
	assert_int_equal(iotoll_env_create(&h.env, &env), 0);
	assert_int_equal(iotoll_dma_domain_create(&h.domain, h.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&h.dev, h.domain, 8, UINT32_MAX), 0);
	hwrig_unmap(&h, hwrig_map(&h, NEW));
	now += 6 * ms;
	hwrig_unmap(&h, hwrig_map(&h, NEW)); /* later unmaps do not put it off */
	now += 4 * ms - 1;
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 0);
	now += 1;
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).kept_pages, 0);
	iotoll_dma_detach(h.dev);
	iotoll_dma_domain_destroy(h.domain);
	iotoll_env_destroy(h.env);
}

/* What the allocator hands out next after a lap tells what was free, and that it lies in order. */
static void kept_entries_are_passed_over_until_their_flush_and_come_back_in_order(void **state)
{
	static struct hwrig h;
	uint64_t first[3], again;

	(void)state;
	hwrig_start(&h, "flush-queue", 64, 0);
	for (unsigned i = 0; i < 3; i++)
		first[i] = hwrig_map(&h, OLD);
	for (unsigned i = 0; i < USABLE - 3 - 1; i++)
		(void)hwrig_map(&h, NEW);
	for (unsigned i = 0; i < 3; i++)
		hwrig_unmap(&h, first[i]);
	/* One entry is free, at the top; the three at the bottom wait. */
	again = hwrig_map(&h, NEW);
	assert_true(again > first[2]);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(h.dev, IOTOLL_PHYS(NEW), 1, IOTOLL_DMA_FROM_DEVICE)));
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(hwrig_map(&h, NEW), first[i]);
	hwrig_close(&h);
}

static void an_unmapped_page_stays_reachable_until_the_flush_and_no_longer(void **state)
{
	static struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start(&h, "flush-queue", 512, 0);
	iova = hwrig_map(&h, OLD);
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	for (unsigned i = 0; i < SLOTS - 1; i++) {
		assert_true(hwrig_reaches(&h, iova, OLD));
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	}
	hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
	hwrig_close(&h);
}

static void a_second_unmap_of_what_waits_is_refused_with_and_without_the_book(void **state)
{
	(void)state;
	for (unsigned watched = 0; watched < 2; watched++) {
		struct iotoll_dma_config config = rig_config();
		static struct rig rig;
		uint64_t iova;

		config.strategy = "flush-queue";
		config.check_misuse = watched;
		rig_start(&rig, &config);
		iova = rig_map(&rig, OLD, 2 * 4096);
		rig_unmap(&rig, iova, 2 * 4096);
		rig_unmap(&rig, iova, 2 * 4096);
		rig_unmap(&rig, iova + 4096, 4096);
		assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 2);
		assert_int_equal(rig_stats(&rig).unmaps, 1);
		assert_int_equal(rig_stats(&rig).kept_pages, 2);
		assert_int_equal(iotoll_dma_domain_tick(rig.domain), 1);
		assert_int_equal(rig_stats(&rig).kept_pages, 0);
		rig_unmap(&rig, iova, 2 * 4096);
		assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 3);
		rig_close(&rig);
	}
}

/*
 * The promise that deferred does not keep: whatever the order of maps, unmaps, DMAs and ticks, a
 * live mapping leads to its own page, even through an IOTLB that never forgets by itself.
 */
static void no_dma_through_a_reused_address_reaches_the_old_frame(void **state)
{
	struct {
		uint64_t iova, paddr;
	} live[300];
	static struct hwrig h;
	unsigned n = 0, ticks = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	hwrig_start(&h, "flush-queue", 8192, rng_below(&rng, 8192));
	for (unsigned step = 0; step < 100000; step++) {
		if (rng_below(&rng, 400) == 0)
			ticks += (unsigned)iotoll_dma_domain_tick(h.domain);
		if (n < 300 && (n == 0 || rng_below(&rng, 2))) {
			live[n].paddr = (1 + rng_below(&rng, 16000)) << 12;
			live[n].iova = hwrig_map(&h, live[n].paddr);
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			assert_true(hwrig_reaches(&h, live[i].iova, live[i].paddr));
			hwrig_unmap(&h, live[i].iova);
			live[i] = live[--n];
		}
		if (n) {
			const unsigned i = (unsigned)rng_below(&rng, n);

			assert_true(hwrig_reaches(&h, live[i].iova, live[i].paddr));
		}
		assert_true(hwrig_stats(&h).kept_pages <= SLOTS);
	}
	assert_true(hwrig_stats(&h).wraps > 3);
	assert_int_equal(hwrig_stats(&h).timer_flushes, ticks);
	assert_true(ticks > 10 && hwrig_stats(&h).flushes > ticks);
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_256th_unmap_forces_a_flush_and_waits_for_the_next),
		cmocka_unit_test(
			the_timer_flushes_and_frees_all_once_and_starts_again_with_the_next_unmap),
		cmocka_unit_test(a_full_ring_leaves_the_timer_running),
		cmocka_unit_test(where_there_is_a_clock_the_timer_is_due_after_10_ms),
		cmocka_unit_test(
			kept_entries_are_passed_over_until_their_flush_and_come_back_in_order),
		cmocka_unit_test(an_unmapped_page_stays_reachable_until_the_flush_and_no_longer),
		cmocka_unit_test(a_second_unmap_of_what_waits_is_refused_with_and_without_the_book),
		cmocka_unit_test(no_dma_through_a_reused_address_reaches_the_old_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

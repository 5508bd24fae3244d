/* SPDX-License-Identifier: MIT */
/*
 * The page pool: which pages come back to it and which leave it. Calls of a program's threads are
 * no softirq's, so that what is given back takes the ring of pointers; the cache's part is in
 * tests/study/test_buffer_runs.c.
 */
#include "copyrig.h"

#define RING   1024u
#define REFILL 64u

static struct hwrig h;

static uint64_t take(unsigned ring)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring};
	iotoll_phys_t paddr;

	assert_non_null(
		iotoll_dma_buffer_alloc(h.dev, 4096, IOTOLL_DMA_FROM_DEVICE, &attrs, &paddr));
	return IOTOLL_PHYS_U64(paddr);
}

static void give(uint64_t paddr)
{
	iotoll_dma_buffer_free(h.dev, IOTOLL_PHYS(paddr));
}

static uint64_t address_of(uint64_t paddr)
{
	const uint64_t iova = copyrig_map(&h, paddr, 4096, IOTOLL_DMA_FROM_DEVICE);

	copyrig_unmap(&h, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	return iova;
}

static void a_page_that_somebody_holds_is_unmapped_and_not_used_again(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t held, iova, before, to;

		copyrig_start(&h, copyrig_model(m), "page-pool", 0, true);
		held = take(1);
		iova = address_of(held);
		assert_true(hwrig_reaches(&h, iova, held));
		iotoll_dma_buffer_hold(h.dev, IOTOLL_PHYS(held + 100));
		iotoll_dma_buffer_hold(h.dev, IOTOLL_PHYS(held));
		before = hwrig_stats(&h).pages_live;
		/* The carver has let go of it, too. */
		(void)take(1);
		give(held);
		assert_int_equal(hwrig_stats(&h).pages_live, before - 1);
		assert_true(hwrig_access(&h, iova, IOTOLL_WRITE, &to) != 0 || to != held);
		for (unsigned i = 0; i < 3 * REFILL; i++)
			assert_int_not_equal(take(1), held);
		/* Memory of the holders', until the last of them drops it. */
		before = memory_allocated_pages(h.memory);
		iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(held));
		assert_int_equal(memory_allocated_pages(h.memory), before);
		iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(held));
		assert_int_equal(memory_allocated_pages(h.memory), before - 1);
		iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(held));
		assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
		hwrig_close(&h);
	}
}

static void a_hold_that_is_over_in_time_costs_nothing(void **state)
{
	uint64_t at, live;

	(void)state;
	copyrig_start(&h, "vtd", "page-pool", 0, true);
	at = take(1);
	(void)take(1);
	live = hwrig_stats(&h).pages_live;
	iotoll_dma_buffer_hold(h.dev, IOTOLL_PHYS(at));
	iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(at));
	/* The pool's own hold is nobody else's to drop. */
	iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(at));
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
	give(at);
	assert_int_equal(hwrig_stats(&h).pages_live, live);
	hwrig_close(&h);
}

/* Two halves and what is cut from a third page: a page goes round when all of it is back. */
static void a_page_is_used_again_when_its_last_buffer_is_back(void **state)
{
	iotoll_phys_t a, b, c;
	bool again = false;

	(void)state;
	copyrig_start(&h, "calgary", "page-pool", 0, true);
	assert_non_null(iotoll_dma_buffer_alloc(h.dev, 2048, IOTOLL_DMA_FROM_DEVICE, NULL, &a));
	assert_non_null(iotoll_dma_buffer_alloc(h.dev, 2048, IOTOLL_DMA_FROM_DEVICE, NULL, &b));
	assert_int_equal(IOTOLL_PHYS_U64(b), IOTOLL_PHYS_U64(a) + 2048);
	give(IOTOLL_PHYS_U64(a));
	for (unsigned i = 0; i < 4 * REFILL; i++) {
		assert_non_null(
			iotoll_dma_buffer_alloc(h.dev, 2048, IOTOLL_DMA_FROM_DEVICE, NULL, &c));
		assert_int_not_equal(IOTOLL_PHYS_U64(c) / 4096, IOTOLL_PHYS_U64(a) / 4096);
	}
	give(IOTOLL_PHYS_U64(b));
	for (unsigned i = 0; i < 4 * REFILL; i++) {
		assert_non_null(
			iotoll_dma_buffer_alloc(h.dev, 2048, IOTOLL_DMA_FROM_DEVICE, NULL, &c));
		again |= IOTOLL_PHYS_U64(c) == IOTOLL_PHYS_U64(a);
	}
	assert_true(again);
	hwrig_close(&h);
}

static void new_pages_come_by_64_and_leave_when_the_ring_is_full(void **state)
{
	static uint64_t at[RING + 300];
	uint64_t made;

	(void)state;
	copyrig_start(&h, "vtd", "page-pool", 0, true);
	at[0] = take(1);
	assert_int_equal(hwrig_stats(&h).pages_live, REFILL);
	for (unsigned i = 1; i < RING + 300; i++)
		at[i] = take(1);
	made = hwrig_stats(&h).pages_live;
	assert_int_equal(made % REFILL, 0);
	/* The last one is still the carver's. */
	for (unsigned i = 0; i < RING + 300; i++)
		give(at[i]);
	assert_int_equal(hwrig_stats(&h).pages_live, made - 299);
	hwrig_close(&h);
}

static void each_ring_has_a_pool_of_its_own(void **state)
{
	uint64_t at;

	(void)state;
	copyrig_start(&h, "vtd", "page-pool", 0, true);
	at = take(1);
	(void)take(1);
	give(at);
	for (unsigned i = 0; i < 2 * REFILL; i++)
		assert_int_not_equal(take(2), at);
	for (unsigned i = 0; i < REFILL - 2; i++)
		(void)take(1);
	assert_int_equal(take(1), at);
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_somebody_holds_is_unmapped_and_not_used_again),
		cmocka_unit_test(a_hold_that_is_over_in_time_costs_nothing),
		cmocka_unit_test(a_page_is_used_again_when_its_last_buffer_is_back),
		cmocka_unit_test(new_pages_come_by_64_and_leave_when_the_ring_is_full),
		cmocka_unit_test(each_ring_has_a_pool_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

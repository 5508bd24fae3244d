/* SPDX-License-Identifier: MIT */
/*
 * Linux's first lazy mode: one list for all CPUs, flushed when it is full or old, and nothing is
 * used again before. With the hardware half's Calgary on the other side of memory and registers.
 */
#include <errno.h>

#include "hwrig.h"

#define LIST 250u

static void the_251st_unmap_flushes_for_all_that_wait(void **state)
{
	static struct hwrig h;
	uint64_t first;

	(void)state;
	hwrig_start(&h, "batched", 64, 0);
	first = hwrig_map(&h, OLD);
	assert_true(hwrig_reaches(&h, first, OLD));
	hwrig_unmap(&h, first);
	for (unsigned i = 1; i < LIST; i++)
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_stats(&h).kept_pages, LIST);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	assert_true(hwrig_reaches(&h, first, OLD));
	hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_int_equal(hwrig_stats(&h).kept_pages, 1);
	assert_false(hwrig_reaches(&h, first, OLD));
	hwrig_close(&h);
}

static void ten_milliseconds_set_everything_free(void **state)
{
	static struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start(&h, "batched", 64, 0);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 0);
	iova = hwrig_map(&h, OLD);
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	/* Without a clock the time has come whenever somebody asks. */
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).timer_flushes, 1);
	assert_int_equal(hwrig_stats(&h).kept_pages, 0);
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 0);
	hwrig_close(&h);
}

static void what_waits_is_neither_unmapped_twice_nor_handed_out(void **state)
{
	static struct hwrig h;
	uint64_t iova[4];

	(void)state;
	hwrig_start(&h, "batched", 64, 0);
	for (unsigned i = 0; i < 4; i++)
		iova[i] = hwrig_map(&h, NEW);
	for (unsigned i = 0; i < 4; i++)
		hwrig_unmap(&h, iova[i]);
	hwrig_unmap(&h, iova[2]);
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
	assert_int_equal(hwrig_stats(&h).kept_pages, 4);
	/* A lap of the allocator goes around them. */
	for (unsigned i = 0; i < USABLE; i++) {
		const uint64_t at = hwrig_map(&h, NEW);

		for (unsigned k = 0; k < 4 && hwrig_stats(&h).flushes == 0; k++)
			assert_int_not_equal(at, iova[k]);
		hwrig_unmap(&h, at);
	}
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_251st_unmap_flushes_for_all_that_wait),
		cmocka_unit_test(ten_milliseconds_set_everything_free),
		cmocka_unit_test(what_waits_is_neither_unmapped_twice_nor_handed_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

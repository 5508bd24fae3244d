/* SPDX-License-Identifier: MIT */
/*
 * When the DART driver invalidates what, access by access, and its patience with the chip.
 */
#include "dart_chip.h"

#include <limits.h>

static void u3_flushes_once_after_every_map_call_and_never_after_an_unmap(void **state)
{
	static struct chip c;
	struct iotoll_sg sg[3] = {{.paddr = IOTOLL_PHYS(0x100000), .bytes = 4096},
				  {.paddr = IOTOLL_PHYS(0x200000), .bytes = 8192},
				  {.paddr = IOTOLL_PHYS(0x300000), .bytes = 1}};
	uint64_t iova;

	(void)state;
	chip_start(&c, false, "deferred");
	const uint32_t cntl = table_at(&c) | 0x200;
	const struct rig_access flush[] = {
		{'R', 4, CNTL, cntl},
		{'W', 4, CNTL, cntl | 0x400},
		{'R', 4, CNTL, cntl},
	};

	rig_forget(&c.rig);
	iova = rig_map(&c.rig, 0x12345678, 9000); /* three pages */
	rig_expect(&c.rig, flush, 3);
	rig_forget(&c.rig);
	rig_unmap(&c.rig, iova, 9000);
	rig_expect(&c.rig, NULL, 0);
	assert_int_equal(iotoll_dma_map_sg(c.rig.dev, sg, 3, IOTOLL_DMA_TO_DEVICE), 3);
	rig_expect(&c.rig, flush, 3);
	rig_forget(&c.rig);
	iotoll_dma_unmap_sg(c.rig.dev, sg, 3, IOTOLL_DMA_TO_DEVICE);
	rig_expect(&c.rig, NULL, 0);
	assert_int_equal(rig_stats(&c.rig).flushes, 2);
	assert_int_equal(rig_stats(&c.rig).invalidations, 0);
	rig_close(&c.rig);
}

static void u4_invalidates_each_page_as_it_is_mapped(void **state)
{
	static struct chip c;
	uint64_t iova, page;

	(void)state;
	chip_start(&c, true, "deferred");
	rig_forget(&c.rig);
	iova = rig_map(&c.rig, 0x12345678, 9000);
	page = iova >> 12;
	const struct rig_access want[] = {
		{'W', 4, CNTL, 0xC0000000 | page},       {'R', 4, CNTL, 0x80000000 | page},
		{'W', 4, CNTL, 0xC0000000 | (page + 1)}, {'R', 4, CNTL, 0x80000000 | (page + 1)},
		{'W', 4, CNTL, 0xC0000000 | (page + 2)}, {'R', 4, CNTL, 0x80000000 | (page + 2)},
	};

	rig_expect(&c.rig, want, COUNT(want));
	rig_forget(&c.rig);
	rig_unmap(&c.rig, iova, 9000);
	rig_expect(&c.rig, NULL, 0);
	assert_int_equal(rig_stats(&c.rig).flushes, 0);
	assert_int_equal(rig_stats(&c.rig).invalidations, 1);
	rig_close(&c.rig);
}

static void strict_invalidates_at_unmap_too_page_by_page_where_it_can(void **state)
{
	static struct chip c;
	uint64_t iova, page;

	(void)state;
	chip_start(&c, true, "strict");
	iova = rig_map(&c.rig, 0x100000, 4096);
	page = iova >> 12;
	rig_forget(&c.rig);
	rig_unmap(&c.rig, iova, 4096);
	const struct rig_access one[] = {{'W', 4, CNTL, 0xC0000000 | page},
					 {'R', 4, CNTL, 0x80000000 | page}};

	rig_expect(&c.rig, one, COUNT(one));
	rig_close(&c.rig);
	chip_start(&c, false, "strict");
	iova = rig_map(&c.rig, 0x100000, 4096);
	rig_forget(&c.rig);
	rig_unmap(&c.rig, iova, 4096);
	assert_int_equal(c.rig.logged, 3);
	assert_int_equal(c.rig.log[1].value, table_at(&c) | 0x600);
	rig_close(&c.rig);
}

static void u3_clears_and_sets_again_with_twice_the_patience_and_gives_up_after_five(void **state)
{
	static struct chip c;

	(void)state;
	chip_start(&c, false, "deferred");
	const uint32_t cntl = table_at(&c) | 0x200;

	/* Down at the first poll but one, the last of the first round: too late, says Linux. */
	c.busy = 1;
	rig_forget(&c.rig);
	rig_unmap(&c.rig, rig_map(&c.rig, 0x100000, 1), 1);
	const struct rig_access want[] = {
		{'R', 4, CNTL, cntl}, {'W', 4, CNTL, cntl | 0x400}, {'R', 4, CNTL, cntl | 0x400},
		{'R', 4, CNTL, cntl}, {'R', 4, CNTL, cntl},         {'W', 4, CNTL, cntl},
		{'R', 4, CNTL, cntl}, {'W', 4, CNTL, cntl | 0x400}, {'R', 4, CNTL, cntl | 0x400},
		{'R', 4, CNTL, cntl},
	};

	rig_expect(&c.rig, want, COUNT(want));
	assert_int_equal(rig_stats(&c.rig).flush_timeouts, 0);
	assert_int_equal(rig_stats(&c.rig).flush_polls, 4);
	/*
	 * A chip that never answers: rounds of 2, 3, 5, 9, 17 polls, each after a read and a write,
	 * and a read and a write between two rounds: 36 + 5 + 4 reads, 5 + 4 writes.
	 */
	c.busy = UINT_MAX;
	rig_forget(&c.rig);
	rig_unmap(&c.rig, rig_map(&c.rig, 0x100000, 1), 1);
	assert_int_equal(logged(&c, 'R'), 45);
	assert_int_equal(logged(&c, 'W'), 9);
	assert_int_equal(rig_stats(&c.rig).flush_timeouts, 1);
	c.busy = 0;
	rig_close(&c.rig);
}

static void u4_polls_on_without_writing_again(void **state)
{
	static struct chip c;

	(void)state;
	chip_start(&c, true, "deferred");
	c.busy = 4; /* 2 polls, 2 more (of 3): down */
	rig_forget(&c.rig);
	rig_unmap(&c.rig, rig_map(&c.rig, 0x100000, 1), 1);
	assert_int_equal(logged(&c, 'W'), 1);
	assert_int_equal(logged(&c, 'R'), 6); /* the fifth was the last of its round: too late */
	assert_int_equal(rig_stats(&c.rig).flush_timeouts, 0);
	c.busy = UINT_MAX;
	rig_forget(&c.rig);
	rig_unmap(&c.rig, rig_map(&c.rig, 0x100000, 1), 1);
	assert_int_equal(logged(&c, 'W'), 1);
	assert_int_equal(logged(&c, 'R'), 36); /* 2 + 3 + 5 + 9 + 17 */
	assert_int_equal(rig_stats(&c.rig).flush_timeouts, 1);
	c.busy = 0;
	rig_close(&c.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u3_flushes_once_after_every_map_call_and_never_after_an_unmap),
		cmocka_unit_test(u4_invalidates_each_page_as_it_is_mapped),
		cmocka_unit_test(strict_invalidates_at_unmap_too_page_by_page_where_it_can),
		cmocka_unit_test(
			u3_clears_and_sets_again_with_twice_the_patience_and_gives_up_after_five),
		cmocka_unit_test(u4_polls_on_without_writing_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

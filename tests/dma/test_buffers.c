/* SPDX-License-Identifier: MIT */
/*
 * Buffers of strategies that own the memory devices work in: what they are, what mapping them costs
 * the table, and what is refused.
 */
#include "buffers_fixture.h"

static void lies_apart(const char *model)
{
	uint64_t at[200];
	size_t bytes[200];
	struct rng rng;

	(void)model;
	rng_seed(&rng, 5);
	for (unsigned i = 0; i < 200; i++) {
		bytes[i] = 1 + (size_t)rng_below(&rng, rng_below(&rng, 4) ? 2048 : 4096);
		at[i] = take(bytes[i], IOTOLL_DMA_FROM_DEVICE);
		assert_int_not_equal(at[i], 0);
		assert_int_equal(at[i] % 64, 0);
		assert_int_equal(at[i] / 4096, (at[i] + bytes[i] - 1) / 4096);
		for (unsigned k = 0; k < i; k++)
			assert_true(at[i] / 64 > (at[k] + bytes[k] - 1) / 64 ||
				    at[k] / 64 > (at[i] + bytes[i] - 1) / 64);
	}
	for (unsigned i = 0; i < 200; i++)
		give(at[i]);
	assert_int_equal(misuse(IOTOLL_MISUSE_UNMAP_UNKNOWN), 0);
}

static void buffers_lie_inside_a_page_and_share_no_line(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, lies_apart);
}

static void strategies_without_memory_of_their_own_say_so_and_change_nothing(void **state)
{
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		const struct iotoll_dma_config config = rig_config_for(name);
		iotoll_phys_t paddr = IOTOLL_PHYS(1);
		static struct rig rig;
		uint64_t before;

		if (owner(0, IOTOLL_DMA_FROM_DEVICE) &&
		    (!strcmp(name, "page-pool") || !strcmp(name, "damn")))
			continue;
		rig_start(&rig, &config);
		before = memory_allocated_pages(rig.memory);
		assert_null(iotoll_dma_buffer_alloc(rig.dev, 100, IOTOLL_DMA_FROM_DEVICE, NULL,
						    &paddr));
		assert_int_equal(IOTOLL_PHYS_U64(paddr), 0);
		assert_false(iotoll_dma_buffer_changes(rig.dev, IOTOLL_PHYS(0x5000)));
		assert_int_equal(memory_allocated_pages(rig.memory), before);
		iotoll_dma_buffer_free(rig.dev, IOTOLL_PHYS(0x5000));
		assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
		rig_close(&rig);
	}
}

/* ---- what it costs ---- */

static void goes_round(const char *model)
{
	struct iotoll_dma_stats before, after;

	(void)model;
	/* Until whatever there is in front is full: one page and line after the other. */
	for (unsigned i = 0; i < 200; i++)
		give(take(2048, IOTOLL_DMA_FROM_DEVICE));
	before = hwrig_stats(&h);
	for (unsigned i = 0; i < 5000; i++) {
		const uint64_t at = take(2048, IOTOLL_DMA_FROM_DEVICE);
		const uint64_t iova = copyrig_map(&h, at + 2, 1600, IOTOLL_DMA_FROM_DEVICE);

		assert_true(hwrig_reaches(&h, iova, at + 2));
		copyrig_unmap(&h, iova, 1600, IOTOLL_DMA_FROM_DEVICE);
		give(at);
	}
	after = hwrig_stats(&h);
	assert_int_equal(after.table_writes, before.table_writes);
	assert_int_equal(after.flushes, before.flushes);
	assert_int_equal(after.invalidations, before.invalidations);
	assert_int_equal(after.pages_live, before.pages_live);
	assert_int_equal(after.maps - before.maps, 5000);
	assert_int_equal(after.unmaps - before.unmaps, 5000);
	assert_int_equal(after.reused_maps - before.reused_maps, 5000);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(after.misuse[i], 0);
}

static void buffers_that_go_round_need_no_table_write_and_no_invalidation(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, goes_round);
}

/* ---- what is not a buffer, or not used as one ---- */

static void is_strict(const char *model)
{
	const uint64_t at = take(2048, IOTOLL_DMA_FROM_DEVICE);
	const struct {
		uint64_t paddr;
		size_t bytes;
		enum iotoll_dma_dir dir;
	} foreign[] = {
		{ARENA + 100, 1500, IOTOLL_DMA_FROM_DEVICE},
		{ARENA + 8192, 40 * 4096, IOTOLL_DMA_TO_DEVICE},
		{at, 2048, IOTOLL_DMA_TO_DEVICE},        /* sent on */
		{at, 2048, IOTOLL_DMA_BIDIRECTIONAL},    /* more than it was made for */
		{at, 64 * 4096, IOTOLL_DMA_FROM_DEVICE}, /* beyond the unit's end */
	};

	(void)model;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const enum iotoll_access way =
			foreign[i].dir == IOTOLL_DMA_TO_DEVICE ? IOTOLL_READ : IOTOLL_WRITE;
		const struct iotoll_dma_stats before = hwrig_stats(&h);
		const uint64_t iova =
			copyrig_map(&h, foreign[i].paddr, foreign[i].bytes, foreign[i].dir);
		uint64_t to;

		assert_int_equal(hwrig_access(&h, iova, way, &to), 0);
		assert_int_equal(to, foreign[i].paddr);
		copyrig_unmap(&h, iova, foreign[i].bytes, foreign[i].dir);
		assert_true(hwrig_access(&h, iova, way, &to) != 0 || to != foreign[i].paddr);
		assert_int_equal(hwrig_stats(&h).reused_maps, before.reused_maps);
		assert_int_equal(hwrig_stats(&h).pages_live, before.pages_live);
		assert_true(hwrig_stats(&h).table_writes > before.table_writes);
	}
	give(at);
}

static void everything_else_is_mapped_where_it_lies_and_strictly(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, is_strict);
}

static void is_of_its_device(const char *model)
{
	const uint64_t at = take(2048, IOTOLL_DMA_FROM_DEVICE);
	struct iotoll_dma_device *other;
	iotoll_iova_t iova;

	(void)model;
	assert_int_equal(iotoll_dma_attach(&other, h.domain, 0x100, UINT32_MAX), 0);
	iova = iotoll_dma_map_page(other, IOTOLL_PHYS(at), 2048, IOTOLL_DMA_FROM_DEVICE);
	assert_false(iotoll_dma_mapping_error(iova));
	assert_int_equal(hwrig_stats(&h).reused_maps, 0);
	iotoll_dma_unmap_page(other, iova, 2048, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_buffer_free(other, IOTOLL_PHYS(at));
	assert_int_equal(misuse(IOTOLL_MISUSE_WRONG_DEVICE), 1);
	/* And it was freed. */
	give(at);
	assert_int_equal(misuse(IOTOLL_MISUSE_UNMAP_UNKNOWN), 1);
	iotoll_dma_detach(other);
}

static void a_buffer_is_one_devices(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, is_of_its_device);
}

static void finds_wrong_calls(const char *model)
{
	const uint64_t at = take(2048, IOTOLL_DMA_FROM_DEVICE);
	uint64_t iova, refused = 0;

	(void)model;
	give(at + 64);           /* its middle */
	give(at + 1);            /* no line's beginning */
	give(ARENA);             /* no buffer */
	give(UINT64_C(1) << 40); /* no memory */
	iotoll_dma_buffer_hold(h.dev, IOTOLL_PHYS(ARENA));
	iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(ARENA));
	refused += 6;
	assert_int_equal(misuse(IOTOLL_MISUSE_UNMAP_UNKNOWN), refused);
	iova = copyrig_map(&h, at, 100, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, iova, 100, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, iova, 100, IOTOLL_DMA_FROM_DEVICE); /* twice */
	refused++;
	assert_int_equal(misuse(IOTOLL_MISUSE_UNMAP_UNKNOWN), refused);
	give(at);
	give(at); /* twice */
	refused++;
	assert_int_equal(misuse(IOTOLL_MISUSE_UNMAP_UNKNOWN), refused);
	assert_int_equal(hwrig_stats(&h).unmaps, 1);
	/* Nothing of all that made two of one. */
	assert_int_not_equal(take(2048, IOTOLL_DMA_FROM_DEVICE),
			     take(2048, IOTOLL_DMA_FROM_DEVICE));
}

static void wrong_calls_are_refused_and_counted(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, finds_wrong_calls);
}

static void frees_what_is_left(const char *model)
{
	(void)model;
	for (unsigned i = 0; i < 30; i++)
		(void)take(1 + i * 100, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_buffer_hold(h.dev, IOTOLL_PHYS(take(100, IOTOLL_DMA_FROM_DEVICE)));
	iotoll_dma_detach(h.dev);
	h.dev = NULL;
	assert_int_equal(misuse(IOTOLL_MISUSE_LEAK), 31);
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
	/* hwrig_close() finds no page left. */
}

static void what_is_out_when_its_device_goes_is_counted_and_freed(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, frees_what_is_left);
}

static void ends_at_32_pages(const char *model)
{
	unsigned n = 0;

	(void)model;
	while (take(4096, IOTOLL_DMA_FROM_DEVICE))
		n++;
	assert_int_equal(n, 32);
	assert_int_equal(hwrig_stats(&h).pages_live, 32);
	/* A driver goes on with memory of its own. */
	copyrig_unmap(&h, copyrig_map(&h, ARENA, 100, IOTOLL_DMA_FROM_DEVICE), 100,
		      IOTOLL_DMA_FROM_DEVICE);
}

static void the_memory_ends_at_its_quota(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 32, ends_at_32_pages);
}

static void narrows(const char *model)
{
	const uint64_t at = take(2048, IOTOLL_DMA_FROM_DEVICE);
	uint64_t iova = copyrig_map(&h, at, 2048, IOTOLL_DMA_FROM_DEVICE), mask = 8191, other;

	(void)model;
	copyrig_unmap(&h, iova, 2048, IOTOLL_DMA_FROM_DEVICE);
	while (iotoll_dma_set_mask(h.dev, mask) || mask < iova / 2)
		mask = 2 * mask + 1;
	if (mask < iova) {
		other = IOTOLL_IOVA_U64(
			iotoll_dma_map_page(h.dev, IOTOLL_PHYS(at), 2048, IOTOLL_DMA_FROM_DEVICE));
		assert_true(other == UINT64_MAX || other + 2047 <= mask);
	}
}

static void a_narrower_mask_gets_no_address_beyond_it(void **state)
{
	(void)state;
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, narrows);
}

static void rings_are_refused_in_words(void **state)
{
	char why[256] = "";

	(void)state;
	for (unsigned s = 0; owner(s, IOTOLL_DMA_FROM_DEVICE); s++) {
		const struct iotoll_dma_config config = {
			.driver = "riommu", .strategy = owner(s, IOTOLL_DMA_FROM_DEVICE)};

		assert_int_equal(iotoll_dma_config_check(&config, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, owner(s, IOTOLL_DMA_FROM_DEVICE)));
		assert_non_null(strstr(why, "riommu"));
	}
}

static void directions_are_those_that_were_said(void **state)
{
	(void)state;
	for (unsigned s = 0; owner(s, IOTOLL_DMA_FROM_DEVICE); s++) {
		const bool both = goes_both_ways(owner(s, IOTOLL_DMA_FROM_DEVICE));

		copyrig_start(&h, "vtd", owner(s, IOTOLL_DMA_FROM_DEVICE), 0, true);
		assert_int_not_equal(take(100, IOTOLL_DMA_FROM_DEVICE), 0);
		assert_int_equal(take(100, IOTOLL_DMA_TO_DEVICE) != 0, both);
		assert_int_equal(take(100, IOTOLL_DMA_BIDIRECTIONAL) != 0, both);
		hwrig_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_lie_inside_a_page_and_share_no_line),
		cmocka_unit_test(strategies_without_memory_of_their_own_say_so_and_change_nothing),
		cmocka_unit_test(buffers_that_go_round_need_no_table_write_and_no_invalidation),
		cmocka_unit_test(everything_else_is_mapped_where_it_lies_and_strictly),
		cmocka_unit_test(a_buffer_is_one_devices),
		cmocka_unit_test(wrong_calls_are_refused_and_counted),
		cmocka_unit_test(what_is_out_when_its_device_goes_is_counted_and_freed),
		cmocka_unit_test(the_memory_ends_at_its_quota),
		cmocka_unit_test(a_narrower_mask_gets_no_address_beyond_it),
		cmocka_unit_test(rings_are_refused_in_words),
		cmocka_unit_test(directions_are_those_that_were_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

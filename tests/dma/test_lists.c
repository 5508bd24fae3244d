/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather lists: each element on its own, all or nothing, one hold of the lock.
 */
#include "rig.h"

static void fill(struct iotoll_sg *sg, int n)
{
	for (int i = 0; i < n; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x100000 + i * 0x1000),
					   .bytes = 4096};
}

static void elements(struct rig *rig)
{
	struct iotoll_sg sg[5];

	fill(sg, 5);
	sg[2] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x777F00), .bytes = 0x200};
	assert_int_equal(iotoll_dma_map_sg(rig->dev, sg, 5, IOTOLL_DMA_TO_DEVICE), 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(sg[i].dma_bytes, sg[i].bytes);
	assert_int_equal(IOTOLL_IOVA_U64(sg[2].dma_address) & 0xFFF, 0xF00);
	assert_int_equal(rig_stats(rig).maps, 5);
	assert_int_equal(rig_stats(rig).single_entry_maps, 4);
	assert_int_equal(rig_stats(rig).mapped_pages_total, 6);
	if (rig_has_table(rig)) {
		/* Neighbours in memory are not merged, but lie side by side all the same. */
		assert_int_equal(rig_tce(rig, IOTOLL_IOVA_U64(sg[1].dma_address) >> 12), 0x101001);
		assert_int_equal(IOTOLL_IOVA_U64(sg[1].dma_address),
				 IOTOLL_IOVA_U64(sg[0].dma_address) + 4096);
		assert_int_equal(rig_stats(rig).lock_acquisitions, 1);
	}
	iotoll_dma_unmap_sg(rig->dev, sg, 5, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(rig).unmaps, 5);
	assert_int_equal(rig_stats(rig).single_entry_unmaps, 4);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	if (rig_has_table(rig))
		assert_int_equal(rig_stats(rig).lock_acquisitions, 2);
}

static void each_element_is_mapped_on_its_own_under_one_lock(void **state)
{
	(void)state;
	rig_for_each_strategy(elements);
}

static void expect_nothing_mapped(struct rig *rig, const struct iotoll_sg *sg, int n, uint64_t live)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(sg[i].dma_bytes, 0);
		assert_true(iotoll_dma_mapping_error(sg[i].dma_address));
	}
	assert_int_equal(rig_stats(rig).maps, 0);
	assert_int_equal(rig_stats(rig).unmaps, 0);
	assert_int_equal(rig_stats(rig).map_failures, 1);
	assert_int_equal(rig_stats(rig).pages_live, live);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(rig_stats(rig).misuse[i], 0);
	iotoll_dma_domain_stats_reset(rig->domain);
}

static void bad_element(struct rig *rig)
{
	struct iotoll_sg sg[4];

	fill(sg, 4);
	sg[3].bytes = 0;
	assert_int_equal(iotoll_dma_map_sg(rig->dev, sg, 4, IOTOLL_DMA_TO_DEVICE), 0);
	expect_nothing_mapped(rig, sg, 4, 0);
	/* Unmapping what was not mapped does nothing, as with the list of a failed map. */
	iotoll_dma_unmap_sg(rig->dev, sg, 4, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(rig).unmaps, 0);
	fill(sg, 4);
	assert_int_equal(iotoll_dma_map_sg(rig->dev, sg, 4, IOTOLL_DMA_TO_DEVICE), 4);
	iotoll_dma_unmap_sg(rig->dev, sg, 4, IOTOLL_DMA_TO_DEVICE);
}

static void a_list_with_an_impossible_element_is_not_mapped_at_all(void **state)
{
	(void)state;
	rig_for_each_strategy(bad_element);
}

static void no_room(struct rig *rig)
{
	struct iotoll_sg sg[8];
	uint64_t big;

	if (!rig_has_table(rig))
		return;
	/* Leave room for five. */
	big = rig_map(rig, 0, (8192 - 256 - 1 - 5) * 4096u);
	while (rig_stats(rig).pages_live < 8192 - 128 - 1 - 5)
		(void)rig_map(rig, 0, 4096);
	iotoll_dma_domain_stats_reset(rig->domain);
	fill(sg, 8);
	assert_int_equal(iotoll_dma_map_sg(rig->dev, sg, 8, IOTOLL_DMA_TO_DEVICE), 0);
	expect_nothing_mapped(rig, sg, 8, 8192 - 128 - 1 - 5);
	rig_settle(rig);
	fill(sg, 5);
	assert_int_equal(iotoll_dma_map_sg(rig->dev, sg, 5, IOTOLL_DMA_TO_DEVICE), 5);
	iotoll_dma_unmap_sg(rig->dev, sg, 5, IOTOLL_DMA_TO_DEVICE);
	rig_unmap(rig, big, (8192 - 256 - 1 - 5) * 4096u);
}

static void a_list_that_does_not_fit_leaves_the_table_as_it_was(void **state)
{
	(void)state;
	rig_for_each_strategy(no_room);
}

static void many(struct rig *rig)
{
	const struct iotoll_dma_attrs ring = {.ring = 1};
	struct iotoll_sg sg[5], rest[3];

	fill(sg, 5);
	assert_int_equal(iotoll_dma_map_multi(rig->dev, sg, 5, IOTOLL_DMA_FROM_DEVICE, &ring), 5);
	assert_int_equal(rig_stats(rig).maps, 5);
	if (rig_has_table(rig))
		assert_int_equal(rig_stats(rig).lock_acquisitions, 1);
	/* One by itself, three together. */
	iotoll_dma_unmap_page(rig->dev, sg[3].dma_address, 4096, IOTOLL_DMA_FROM_DEVICE);
	rest[0] = sg[4];
	rest[1] = sg[0];
	rest[2] = sg[2];
	iotoll_dma_unmap_multi(rig->dev, rest, 3, IOTOLL_DMA_FROM_DEVICE, NULL);
	iotoll_dma_unmap_page_attrs(rig->dev, sg[1].dma_address, 4096, IOTOLL_DMA_FROM_DEVICE,
				    &ring);
	assert_int_equal(rig_stats(rig).unmaps, 5);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(rig_stats(rig).misuse[i], 0);
	if (rig_has_table(rig))
		assert_int_equal(rig_stats(rig).lock_acquisitions, 4);
}

static void buffers_mapped_in_one_call_are_unmapped_in_any_company(void **state)
{
	(void)state;
	rig_for_each_strategy(many);
}

static void empty(struct rig *rig)
{
	struct iotoll_sg sg[2];

	fill(sg, 2);
	assert_int_equal(iotoll_dma_map_sg(rig->dev, sg, 0, IOTOLL_DMA_TO_DEVICE), 0);
	assert_int_equal(iotoll_dma_map_sg(rig->dev, NULL, -1, IOTOLL_DMA_TO_DEVICE), 0);
	iotoll_dma_unmap_sg(rig->dev, NULL, 0, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(rig).maps + rig_stats(rig).map_failures, 0);
}

static void an_empty_list_is_nothing_to_map(void **state)
{
	(void)state;
	rig_for_each_strategy(empty);
}

static void the_list_ends_at_the_first_element_without_dma_bytes(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;
	struct iotoll_sg sg[4];

	(void)state;
	rig_start(&rig, &config);
	fill(sg, 4);
	assert_int_equal(iotoll_dma_map_sg(rig.dev, sg, 4, IOTOLL_DMA_TO_DEVICE), 4);
	sg[2].dma_bytes = 0;
	iotoll_dma_unmap_sg(rig.dev, sg, 4, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(&rig).unmaps, 2);
	sg[2].dma_bytes = 4096;
	iotoll_dma_unmap_sg(rig.dev, &sg[2], 2, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(&rig).pages_live, 0);
	rig_close(&rig);
}

static void strict_flushes_once_for_each_element_it_takes_down(void **state)
{
	struct iotoll_dma_config config = rig_config();
	static struct rig rig;
	struct iotoll_sg sg[4];

	(void)state;
	config.strategy = "strict";
	rig_start(&rig, &config);
	fill(sg, 4);
	assert_int_equal(iotoll_dma_map_sg(rig.dev, sg, 4, IOTOLL_DMA_TO_DEVICE), 4);
	assert_int_equal(rig_stats(&rig).flushes, 0);
	iotoll_dma_unmap_sg(rig.dev, sg, 4, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(&rig).flushes, 4);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_element_is_mapped_on_its_own_under_one_lock),
		cmocka_unit_test(a_list_with_an_impossible_element_is_not_mapped_at_all),
		cmocka_unit_test(a_list_that_does_not_fit_leaves_the_table_as_it_was),
		cmocka_unit_test(buffers_mapped_in_one_call_are_unmapped_in_any_company),
		cmocka_unit_test(an_empty_list_is_nothing_to_map),
		cmocka_unit_test(the_list_ends_at_the_first_element_without_dma_bytes),
		cmocka_unit_test(strict_flushes_once_for_each_element_it_takes_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

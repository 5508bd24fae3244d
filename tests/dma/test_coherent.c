/* SPDX-License-Identifier: MIT */
/*
 * Coherent memory: zeroed pages, mapped both ways, freed only as they were allocated.
 */
#include "rig.h"

/* Fill free memory with something that is not zero. */
static void dirty_memory(struct rig *rig)
{
	phys_t paddr;

	assert_int_equal(memory_alloc(rig->memory, 64, 4096, 0, &paddr), 0);
	memset(memory_ptr(rig->memory, paddr, 64 * 4096), 0x5A, 64 * 4096);
	memory_free(rig->memory, paddr, 64);
}

static void round_trip(struct rig *rig)
{
	const uint64_t before = memory_allocated_pages(rig->memory);
	iotoll_phys_t paddr;
	iotoll_iova_t iova;
	uint8_t *ptr;

	dirty_memory(rig);
	ptr = iotoll_dma_alloc_coherent(rig->dev, 2 * 4096 + 1, &iova, &paddr);
	assert_non_null(ptr);
	assert_ptr_equal(ptr, iotoll_env_ptr(rig->env, paddr, 3 * 4096));
	for (unsigned i = 0; i < 3 * 4096; i++)
		assert_int_equal(ptr[i], 0);
	assert_int_equal(memory_allocated_pages(rig->memory), before + 3);
	assert_int_equal(rig_stats(rig).coherent_allocs, 1);
	assert_int_equal(rig_stats(rig).maps, 0);
	if (rig_has_table(rig)) {
		assert_int_equal(rig_stats(rig).pages_live, 3);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(rig_tce(rig, (IOTOLL_IOVA_U64(iova) >> 12) + i),
					 IOTOLL_PHYS_U64(paddr) + i * 4096 + 3);
	} else {
		assert_int_equal(IOTOLL_IOVA_U64(iova), IOTOLL_PHYS_U64(paddr));
	}
	iotoll_dma_free_coherent(rig->dev, 2 * 4096 + 1, ptr, iova);
	assert_int_equal(rig_stats(rig).coherent_frees, 1);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	assert_int_equal(memory_allocated_pages(rig->memory), before);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(rig_stats(rig).misuse[i], 0);
}

static void coherent_memory_is_zeroed_whole_pages_mapped_both_ways(void **state)
{
	(void)state;
	rig_for_each_strategy(round_trip);
}

static void wrong_frees(struct rig *rig)
{
	const uint64_t before = memory_allocated_pages(rig->memory);
	iotoll_phys_t paddr;
	iotoll_iova_t iova;
	uint8_t *ptr = iotoll_dma_alloc_coherent(rig->dev, 4096, &iova, &paddr);

	assert_non_null(ptr);
	iotoll_dma_free_coherent(rig->dev, 4096, ptr + 1, iova);
	iotoll_dma_free_coherent(rig->dev, 4096, ptr, IOTOLL_IOVA(IOTOLL_IOVA_U64(iova) + 4096));
	iotoll_dma_free_coherent(rig->dev, 4096, NULL, IOTOLL_DMA_MAPPING_ERROR);
	assert_int_equal(memory_allocated_pages(rig->memory), before + 1);
	assert_int_equal(rig_stats(rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 3);
	/* A wrong size frees what there is. */
	iotoll_dma_free_coherent(rig->dev, 50000, ptr, iova);
	assert_int_equal(rig_stats(rig).misuse[IOTOLL_MISUSE_WRONG_SIZE], 1);
	assert_int_equal(memory_allocated_pages(rig->memory), before);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	/* Twice is once too often. */
	iotoll_dma_free_coherent(rig->dev, 4096, ptr, iova);
	assert_int_equal(rig_stats(rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 4);
	assert_int_equal(rig_stats(rig).coherent_frees, 1);
}

static void freeing_what_was_not_allocated_is_refused(void **state)
{
	(void)state;
	rig_for_each_strategy(wrong_frees);
}

static void leak(struct rig *rig)
{
	const uint64_t before = memory_allocated_pages(rig->memory);
	struct iotoll_dma_device *other;
	iotoll_phys_t paddr;
	iotoll_iova_t iova;

	assert_int_equal(iotoll_dma_attach(&other, rig->domain, 9, UINT32_MAX), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(iotoll_dma_alloc_coherent(other, 10000, &iova, &paddr));
	assert_non_null(iotoll_dma_alloc_coherent(rig->dev, 10000, &iova, &paddr));
	iotoll_dma_detach(other);
	assert_int_equal(rig_stats(rig).misuse[IOTOLL_MISUSE_LEAK], 3);
	assert_int_equal(memory_allocated_pages(rig->memory), before + 3);
	assert_int_equal(rig_stats(rig).pages_live, rig_has_table(rig) ? 3 : 0);
}

static void coherent_memory_of_a_detached_device_is_a_leak_and_freed(void **state)
{
	(void)state;
	rig_for_each_strategy(leak);
}

static void failing(struct rig *rig)
{
	const uint64_t before = memory_allocated_pages(rig->memory);
	const size_t sizes[] = {0, SIZE_MAX, SIZE_MAX - 4096, 65u << 20, 64u << 20};
	iotoll_phys_t paddr;
	iotoll_iova_t iova;

	for (unsigned i = 0; i < 5; i++) {
		assert_null(iotoll_dma_alloc_coherent(rig->dev, sizes[i], &iova, &paddr));
		assert_true(iotoll_dma_mapping_error(iova));
		assert_int_equal(rig_stats(rig).map_failures, i + 1);
	}
	assert_int_equal(memory_allocated_pages(rig->memory), before);
	assert_int_equal(rig_stats(rig).coherent_allocs, 0);
}

static void sizes_that_cannot_be_are_answered_with_null(void **state)
{
	(void)state;
	rig_for_each_strategy(failing);
}

static void no_room_in_table(struct rig *rig)
{
	const uint64_t before = memory_allocated_pages(rig->memory);
	iotoll_phys_t paddr;
	iotoll_iova_t iova;

	if (!rig_has_table(rig))
		return;
	/* 32 MiB fit into memory but not into what the table has in one piece. */
	assert_null(iotoll_dma_alloc_coherent(rig->dev, 32u << 20, &iova, &paddr));
	assert_int_equal(memory_allocated_pages(rig->memory), before);
	assert_int_equal(rig_stats(rig).pages_live, 0);
}

static void pages_go_back_if_they_cannot_be_mapped(void **state)
{
	(void)state;
	rig_for_each_strategy(no_room_in_table);
}

static void without_a_table_pages_lie_below_the_devices_mask(void **state)
{
	struct iotoll_dma_config config = rig_config();
	struct iotoll_dma_device *narrow;
	static struct rig rig;
	iotoll_phys_t paddr;
	iotoll_iova_t iova;

	(void)state;
	config.strategy = "off";
	rig_start(&rig, &config);
	assert_int_equal(iotoll_dma_attach(&narrow, rig.domain, 9, 0xFFFF), 0);
	for (unsigned i = 0; i < 15; i++) {
		assert_non_null(iotoll_dma_alloc_coherent(narrow, 4096, &iova, &paddr));
		assert_in_range(IOTOLL_IOVA_U64(iova), 0, 0xF000);
	}
	assert_null(iotoll_dma_alloc_coherent(narrow, 4096, &iova, &paddr));
	iotoll_dma_detach(narrow);
	rig_close(&rig);
}

/* Unmapped as a page, its address goes to another device: the free must not take it from there. */
static void a_late_free_leaves_the_next_owner_of_its_address_alone(void **state)
{
	struct iotoll_dma_config config = rig_config();
	struct iotoll_dma_device *other;
	static struct rig rig;
	iotoll_iova_t iova, next = IOTOLL_IOVA(0);
	uint64_t before;
	iotoll_phys_t paddr;
	void *ptr;

	(void)state;
	rig_start(&rig, &config);
	before = memory_allocated_pages(rig.memory);
	assert_int_equal(iotoll_dma_attach(&other, rig.domain, 9, UINT32_MAX), 0);
	ptr = iotoll_dma_alloc_coherent(rig.dev, 4096, &iova, &paddr);
	assert_non_null(ptr);
	rig_unmap(&rig, IOTOLL_IOVA_U64(iova), 4096);
	assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_WRONG_TYPE], 1);
	/* Around the table until the address comes up again. */
	for (unsigned i = 0; i < 10000 && next != iova; i++) {
		next = iotoll_dma_map_page(other, IOTOLL_PHYS(0x5000), 4096,
					   IOTOLL_DMA_BIDIRECTIONAL);
		if (next != iova)
			iotoll_dma_unmap_page(other, next, 4096, IOTOLL_DMA_BIDIRECTIONAL);
	}
	assert_true(next == iova);
	iotoll_dma_free_coherent(rig.dev, 4096, ptr, iova);
	assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
	assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_WRONG_DEVICE], 0);
	assert_int_equal(rig_stats(&rig).pages_live, 1);
	assert_int_equal(calgary_tce_paddr(rig_tce(&rig, IOTOLL_IOVA_U64(iova) >> 12)), 0x5000);
	assert_int_equal(memory_allocated_pages(rig.memory), before);
	iotoll_dma_unmap_page(other, iova, 4096, IOTOLL_DMA_BIDIRECTIONAL);
	assert_int_equal(rig_stats(&rig).pages_live, 0);
	iotoll_dma_detach(other);
	rig_close(&rig);
}

struct told {
	unsigned maps, lasting, lasting_first;
	iotoll_iova_t iova;
	uint64_t pages;
};

static void on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct told *t = ctx;

	(void)paddr;
	(void)bytes;
	(void)dir;
	t->maps++;
	t->lasting_first += t->lasting && t->iova == iova && t->pages == pages;
}

static void on_lasting(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct told *t = ctx;

	t->lasting++;
	t->iova = iova;
	t->pages = pages;
}

static void an_observer_is_told_first_that_it_will_last(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	struct told told = {.maps = 0};
	const struct iotoll_dma_observer observer = {
		.ctx = &told, .mapped = on_mapped, .lasting = on_lasting};
	static struct rig rig;
	iotoll_phys_t paddr;
	iotoll_iova_t iova;
	void *ptr;

	(void)state;
	rig_start(&rig, &config);
	iotoll_dma_domain_observe(rig.domain, &observer);
	rig_unmap(&rig, rig_map(&rig, 0x5000, 9000), 9000);
	assert_int_equal(told.maps, 1);
	assert_int_equal(told.lasting, 0);
	ptr = iotoll_dma_alloc_coherent(rig.dev, 9000, &iova, &paddr);
	assert_non_null(ptr);
	assert_int_equal(told.maps, 2);
	assert_int_equal(told.lasting, 1);
	assert_int_equal(told.lasting_first, 1);
	assert_int_equal(told.pages, 3);
	iotoll_dma_free_coherent(rig.dev, 9000, ptr, iova);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coherent_memory_is_zeroed_whole_pages_mapped_both_ways),
		cmocka_unit_test(freeing_what_was_not_allocated_is_refused),
		cmocka_unit_test(coherent_memory_of_a_detached_device_is_a_leak_and_freed),
		cmocka_unit_test(sizes_that_cannot_be_are_answered_with_null),
		cmocka_unit_test(pages_go_back_if_they_cannot_be_mapped),
		cmocka_unit_test(without_a_table_pages_lie_below_the_devices_mask),
		cmocka_unit_test(an_observer_is_told_first_that_it_will_last),
		cmocka_unit_test(a_late_free_leaves_the_next_owner_of_its_address_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

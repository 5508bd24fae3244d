/* SPDX-License-Identifier: MIT */
/*
 * All memory mapped at its own addresses, on bare metal: what devices reach through each IOMMU's
 * own table, what a request costs, and what is not given out. Under a hypervisor:
 * tests/rig/test_hyper_flips.c.
 */
#include <errno.h>
#include <stdio.h>

#include "hwrig.h"

#define MEMORY_PAGES 16384u /* hwrig's 64 MiB */

static const struct {
	const char *model;
	/* What the hardware does not translate, or its driver keeps for itself: below, and on top.
	 */
	uint64_t below, on_top;
} rows[] = {{"calgary", 256, 0}, {"dart-u4", 0, 1}, {"vtd", 1, 0}, {"amdvi", 1, 0}};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void start(struct hwrig *h, const char *model)
{
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = "preallocated",
						 .table_entries = MEMORY_PAGES,
						 .check_misuse = true};
	struct iommu_config hw = {.model = model, .iotlb = iommu_find(model)->geometry};

	snprintf(hw.iotlb.policy, sizeof(hw.iotlb.policy), "lru");
	hwrig_start_as(h, &hw, &config);
}

static iotoll_iova_t map(struct hwrig *h, uint64_t paddr, size_t bytes)
{
	return iotoll_dma_map_page(h->dev, IOTOLL_PHYS(paddr), bytes, IOTOLL_DMA_FROM_DEVICE);
}

static void a_map_is_the_identity_and_an_unmap_takes_nothing_away(void **state)
{
	static struct hwrig h;

	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		iotoll_phys_t page;
		uint64_t at;

		start(&h, rows[i].model);
		assert_int_equal(iotoll_env_alloc_pages(h.env, 1, 4096, 0, &page), 0);
		at = IOTOLL_PHYS_U64(page) + 100;
		assert_int_equal(IOTOLL_IOVA_U64(map(&h, at, 1500)), at);
		assert_true(hwrig_reaches(&h, at, at));
		iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(at), 1500, IOTOLL_DMA_FROM_DEVICE);
		assert_true(hwrig_reaches(&h, at, at));
		/* Nothing was written, flushed or locked for it. */
		assert_int_equal(hwrig_stats(&h).maps, 1);
		assert_int_equal(hwrig_stats(&h).unmaps, 1);
		assert_int_equal(hwrig_stats(&h).table_writes, 0);
		assert_int_equal(hwrig_stats(&h).flushes, 0);
		assert_int_equal(hwrig_stats(&h).invalidations, 0);
		assert_int_equal(hwrig_stats(&h).lock_acquisitions, 0);
		iotoll_env_free_pages(h.env, page, 1);
		hwrig_close(&h);
	}
}

/* S29: a device that nothing was ever mapped for reaches all of it. */
static void every_page_of_memory_is_reachable_both_ways_from_the_start(void **state)
{
	static struct hwrig h;

	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		start(&h, rows[i].model);
		for (uint64_t page = rows[i].below; page < MEMORY_PAGES - rows[i].on_top; page++) {
			uint64_t at = 0;

			if (hwrig_access(&h, page << 12, IOTOLL_READ, &at))
				fail_msg("%s: page %#lx", rows[i].model, page);
			assert_int_equal(at, page << 12);
			assert_true(hwrig_reaches(&h, page << 12, page << 12));
		}
		hwrig_close(&h);
	}
}

/* Calgary's driver keeps 32 entries for errors, and the chip does not translate the legacy hole. */
static void pages_without_an_entry_are_neither_in_circulation_nor_mapped(void **state)
{
	static struct hwrig h;
	iotoll_phys_t page;

	(void)state;
	start(&h, "calgary");
	assert_int_equal(iotoll_env_alloc_pages(h.env, 1, 4096, 256 << 12, &page), -ENOMEM);
	assert_true(iotoll_dma_mapping_error(map(&h, 31 << 12, 4096)));
	assert_true(iotoll_dma_mapping_error(map(&h, 160 << 12, 4096)));
	assert_true(iotoll_dma_mapping_error(map(&h, 159 << 12, 4097))); /* into the hole */
	assert_false(iotoll_dma_mapping_error(map(&h, 159 << 12, 4096)));
	assert_true(iotoll_dma_mapping_error(map(&h, (uint64_t)MEMORY_PAGES << 12, 1)));
	assert_true(iotoll_dma_mapping_error(map(&h, ((uint64_t)MEMORY_PAGES << 12) - 1, 2)));
	assert_int_equal(hwrig_stats(&h).map_failures, 5);
	iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(159 << 12), 4096, IOTOLL_DMA_FROM_DEVICE);
	hwrig_close(&h); /* where the pages must be back */
}

static void an_unmap_of_what_is_no_memory_is_refused_without_a_book(void **state)
{
	static struct hwrig h;
	const struct iotoll_dma_config config = {
		.driver = "vtd", .strategy = "preallocated", .table_entries = MEMORY_PAGES};
	struct iommu_config hw = {.model = "vtd", .iotlb = iommu_find("vtd")->geometry};

	(void)state;
	snprintf(hw.iotlb.policy, sizeof(hw.iotlb.policy), "lru");
	hwrig_start_as(&h, &hw, &config);
	iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA((uint64_t)MEMORY_PAGES << 12), 4096,
			      IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).unmaps, 0);
	iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(0x400000), 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).unmaps, 1);
	hwrig_close(&h);
}

static void memory_beyond_the_table_is_refused_with_words(void **state)
{
	static struct hwrig h;
	struct iotoll_dma_domain *domain;
	const struct iotoll_dma_config small = {.driver = "calgary",
						.strategy = "preallocated",
						.bus = 1,
						.table_entries = MEMORY_PAGES / 2};
	char why[200] = "";

	(void)state;
	start(&h, "calgary");
	assert_int_equal(iotoll_dma_domain_create(&domain, h.env, &small, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "8192 entries"));
	assert_non_null(strstr(why, "16384 pages"));
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_is_the_identity_and_an_unmap_takes_nothing_away),
		cmocka_unit_test(every_page_of_memory_is_reachable_both_ways_from_the_start),
		cmocka_unit_test(pages_without_an_entry_are_neither_in_circulation_nor_mapped),
		cmocka_unit_test(an_unmap_of_what_is_no_memory_is_refused_without_a_book),
		cmocka_unit_test(memory_beyond_the_table_is_refused_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather lists as Linux's iommu_dma_map_sg() has them (iotoll_dma_config.whole_lists): one
 * range of addresses for all pieces, one invalidation or place in the flush queue for all of it,
 * and it comes back in one piece.
 */
#include "hwrig.h"

#define PIECES 5

static struct hwrig h;

static void start(const char *strategy, const char *allocator, bool book)
{
	const struct iotoll_dma_config config = {.driver = "vtd",
						 .strategy = strategy,
						 .allocator = allocator,
						 .table_entries = 65536,
						 .whole_lists = true,
						 .check_misuse = book};
	struct iommu_config hw = {.model = "vtd"};

	hw.iotlb = iommu_find("vtd")->geometry;
	strcpy(hw.iotlb.policy, "lru");
	hwrig_start_as(&h, &hw, &config);
}

/* One, two, one, one and three pages, nowhere near each other. */
static void map_list(struct iotoll_sg sg[PIECES])
{
	static const size_t bytes[PIECES] = {4096, 5000, 512, 4096, 8194};

	for (int i = 0; i < PIECES; i++)
		sg[i] = (struct iotoll_sg){
			.paddr = IOTOLL_PHYS(0x800000 + i * 0x10000 + (i == 4 ? 0xFFF : 0)),
			.bytes = bytes[i]};
	assert_int_equal(iotoll_dma_map_sg(h.dev, sg, PIECES, IOTOLL_DMA_FROM_DEVICE), PIECES);
}

static void unmap_list(struct iotoll_sg *sg, int n)
{
	iotoll_dma_unmap_sg(h.dev, sg, n, IOTOLL_DMA_FROM_DEVICE);
}

static uint64_t page_of(const struct iotoll_sg *e)
{
	return IOTOLL_IOVA_U64(e->dma_address) >> 12;
}

static bool is_one_range(const struct iotoll_sg sg[PIECES])
{
	static const uint64_t at[PIECES] = {0, 1, 3, 4, 5};

	for (int i = 0; i < PIECES; i++)
		if (page_of(&sg[i]) != page_of(&sg[0]) + at[i])
			return false;
	return true;
}

static void a_list_has_one_range_and_is_forgotten_at_once(void **state)
{
	static const char *const allocators[] = {"magazines", "tree", "tree-linear", "eiovar",
						 "contiguous"};
	struct iotoll_sg sg[PIECES], again[PIECES];

	(void)state;
	for (size_t a = 0; a < 2 * sizeof(allocators) / sizeof(allocators[0]); a++) {
		start("strict", allocators[a / 2], a % 2);
		map_list(sg);
		assert_true(is_one_range(sg));
		for (int i = 0; i < PIECES; i++)
			assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(sg[i].dma_address),
						  IOTOLL_PHYS_U64(sg[i].paddr)));
		unmap_list(sg, PIECES);
		assert_int_equal(hwrig_stats(&h).invalidations + hwrig_stats(&h).flushes, 1);
		for (int i = 0; i < PIECES; i++)
			assert_false(hwrig_reaches(&h, IOTOLL_IOVA_U64(sg[i].dma_address),
						   IOTOLL_PHYS_U64(sg[i].paddr)));
		/* What came back as a whole is there as a whole. */
		map_list(again);
		assert_int_equal(page_of(&again[0]), page_of(&sg[0]));
		unmap_list(again, PIECES);
		assert_int_equal(hwrig_stats(&h).unmaps, 2 * PIECES);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
			assert_int_equal(hwrig_stats(&h).misuse[i], 0);
		hwrig_close(&h);
	}
}

/* Calgary's and POWER's allocators are those of kernels that map element by element. */
static void allocators_of_other_kernels_go_element_by_element(void **state)
{
	struct iotoll_sg sg[PIECES];

	(void)state;
	start("strict", "next-fit", true);
	map_list(sg);
	unmap_list(sg, PIECES);
	assert_int_equal(hwrig_stats(&h).invalidations, PIECES);
	hwrig_close(&h);
}

/* Against the rules, and yet nobody gets what is still in use. */
static void a_part_of_a_list_frees_nothing_until_the_rest_is_back(void **state)
{
	struct iotoll_sg sg[PIECES], other[PIECES];

	(void)state;
	for (int book = 0; book < 2; book++) {
		start("strict", "magazines", book);
		map_list(sg);
		unmap_list(sg, 2);
		map_list(other);
		assert_int_not_equal(page_of(&other[0]), page_of(&sg[0]));
		assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(sg[4].dma_address),
					  IOTOLL_PHYS_U64(sg[4].paddr)));
		unmap_list(sg + 2, PIECES - 2);
		unmap_list(other, PIECES);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		hwrig_close(&h);
	}
}

static void a_list_is_one_place_in_the_flush_queue(void **state)
{
	struct iotoll_sg sg[PIECES];

	(void)state;
	start("flush-queue", "magazines", false);
	for (int i = 0; i < 255; i++) {
		map_list(sg);
		unmap_list(sg, PIECES);
	}
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	map_list(sg);
	unmap_list(sg, PIECES);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_one_range_and_is_forgotten_at_once),
		cmocka_unit_test(allocators_of_other_kernels_go_element_by_element),
		cmocka_unit_test(a_part_of_a_list_frees_nothing_until_the_rest_is_back),
		cmocka_unit_test(a_list_is_one_place_in_the_flush_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

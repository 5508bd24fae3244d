/* SPDX-License-Identifier: MIT */
/*
 * Entries of 2 MiB, with the hardware halves of VT-d and AMD-Vi on the other side of memory and
 * registers.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

#define MIB   (UINT64_C(1) << 20)
#define LARGE (2 * MIB)
#define FROM  IOTOLL_DMA_FROM_DEVICE

static const char *const models[] = {"vtd", "amdvi"};

/* Strict; the first address is 2 MiB. */
static void start(struct hwrig *h, const char *model, bool superpages, bool check_misuse)
{
	const struct iommu_config hardware = {
		.model = model,
		.iotlb = {.entries = 64, .ways = 64, .line_pages = 1, .policy = "lru"}};
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = "strict",
						 .allocator = "next-fit",
						 .table_entries = 1u << 18,
						 .start_hint = LARGE / 4096,
						 .check_misuse = check_misuse,
						 .superpages = superpages};

	hwrig_start_as(h, &hardware, &config);
}

static uint64_t map(struct hwrig *h, uint64_t paddr, size_t bytes)
{
	const iotoll_iova_t iova = iotoll_dma_map_page(h->dev, IOTOLL_PHYS(paddr), bytes, FROM);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

/* Where the entry for @iova lies. */
static uint64_t entry(const struct hwrig *h, uint64_t iova)
{
	struct iotoll_dma_entry e;

	assert_int_equal(iotoll_dma_domain_entry(h->domain, IOTOLL_IOVA(iova), &e), 0);
	return IOTOLL_PHYS_U64(e.paddr);
}

static bool refused(struct hwrig *h, uint64_t iova)
{
	uint64_t paddr;

	return hwrig_access(h, iova, IOTOLL_WRITE, &paddr) == -EPERM;
}

static void a_run_aligned_on_both_sides_takes_one_entry_for_each_2_mib(void **state)
{
	static struct hwrig h;
	uint64_t iova, pages;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		start(&h, models[m], true, true);
		pages = memory_allocated_pages(h.memory);
		iova = map(&h, 8 * MIB, 2 * LARGE);
		assert_int_equal(iova, LARGE);
		assert_int_equal(entry(&h, iova), entry(&h, iova + LARGE - 1));
		assert_int_equal(entry(&h, iova + LARGE), entry(&h, iova) + 8);
		/* One table to hold them, none below it. */
		assert_true(memory_allocated_pages(h.memory) - pages <= 2);
		for (uint64_t at = 0; at < 2 * LARGE; at += 37 * 4096 + 5)
			assert_true(hwrig_reaches(&h, iova + at, 8 * MIB + at));
		iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(iova), 2 * LARGE, FROM);
		for (uint64_t at = 0; at < 2 * LARGE; at += 37 * 4096 + 5)
			assert_true(refused(&h, iova + at));
		hwrig_close(&h);
	}
}

static void without_leave_or_alignment_entries_are_small(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	for (unsigned m = 0; m < 2; m++)
		for (unsigned on = 0; on < 2; on++) {
			start(&h, models[m], on, true);
			iova = map(&h, on ? 8 * MIB + 4096 : 8 * MIB, LARGE);
			assert_int_equal(entry(&h, iova + 4096), entry(&h, iova) + 8);
			assert_true(hwrig_reaches(&h, iova + 4096, 8 * MIB + (on + 1) * 4096));
			hwrig_close(&h);
		}
}

static void a_large_entry_cleared_in_part_leaves_the_rest_in_small_ones(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		start(&h, models[m], true, false);
		iova = map(&h, 8 * MIB, LARGE);
		assert_true(hwrig_reaches(&h, iova + 5 * 4096, 8 * MIB + 5 * 4096));
		/* Nobody keeps a book: the caller is believed. */
		iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(iova + 5 * 4096), 4096, FROM);
		assert_true(refused(&h, iova + 5 * 4096));
		assert_true(hwrig_reaches(&h, iova + 4 * 4096, 8 * MIB + 4 * 4096));
		assert_true(hwrig_reaches(&h, iova + LARGE - 1, 8 * MIB + LARGE - 1));
		assert_int_equal(entry(&h, iova + 4096), entry(&h, iova) + 8);
		hwrig_close(&h);
	}
}

static void preallocated_memory_is_large_but_where_pages_are_withheld(void **state)
{
	const struct iotoll_dma_config config = {
		.strategy = "preallocated", .table_entries = 1u << 18, .superpages = true};
	static struct hwrig h;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		const struct iommu_config hardware = {
			.model = models[m],
			.iotlb = {.entries = 64, .ways = 64, .line_pages = 1, .policy = "lru"}};
		struct iotoll_dma_config mine = config;

		mine.driver = models[m];
		hwrig_start_as(&h, &hardware, &mine);
		assert_int_equal(map(&h, 8 * MIB + 7, 100), 8 * MIB + 7);
		assert_int_equal(entry(&h, 8 * MIB), entry(&h, 10 * MIB - 1));
		assert_true(hwrig_reaches(&h, 63 * MIB, 63 * MIB));
		/* Page 0 is withheld: around it entries are small, and there are no buffers. */
		assert_int_equal(entry(&h, 8192), entry(&h, 4096) + 8);
		hwrig_close(&h);
	}
}

static void others_refuse_them(void **state)
{
	const struct iotoll_dma_config config = {.driver = "calgary",
						 .strategy = "strict",
						 .allocator = "next-fit",
						 .superpages = true};
	char why[160] = "";

	(void)state;
	assert_int_equal(iotoll_dma_config_check(&config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "vtd or amdvi"));
}

#define LIVE 24u

/* Requests of all sizes and alignments: each reaches its own memory, and nothing when it is over.
 */
static void live_requests_reach_their_memory_and_dead_ones_nothing(void **state)
{
	static struct hwrig h;
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned m = 0; m < 2; m++) {
		struct {
			uint64_t paddr, iova;
			size_t bytes;
		} live[LIVE];
		unsigned n = 0;

		start(&h, models[m], true, true);
		for (unsigned step = 0; step < 3000; step++) {
			if (n < LIVE && rng_below(&rng, 2)) {
				const bool aligned = rng_below(&rng, 2);

				live[n].paddr = (1 + rng_below(&rng, 20)) * LARGE +
						(aligned ? 0 : rng_below(&rng, LARGE));
				live[n].bytes = aligned ? LARGE * (1 + rng_below(&rng, 3))
							: 1 + rng_below(&rng, 3 * LARGE);
				live[n].iova = map(&h, live[n].paddr, live[n].bytes);
				n++;
			} else if (n) {
				const unsigned i = (unsigned)rng_below(&rng, n);
				const uint64_t at = rng_below(&rng, live[i].bytes);

				assert_true(
					hwrig_reaches(&h, live[i].iova + at, live[i].paddr + at));
				iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(live[i].iova),
						      live[i].bytes, FROM);
				assert_true(refused(&h, live[i].iova + at));
				live[i] = live[--n];
			}
		}
		while (n--)
			iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(live[n].iova), live[n].bytes,
					      FROM);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		hwrig_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_aligned_on_both_sides_takes_one_entry_for_each_2_mib),
		cmocka_unit_test(without_leave_or_alignment_entries_are_small),
		cmocka_unit_test(a_large_entry_cleared_in_part_leaves_the_rest_in_small_ones),
		cmocka_unit_test(preallocated_memory_is_large_but_where_pages_are_withheld),
		cmocka_unit_test(others_refuse_them),
		cmocka_unit_test(live_requests_reach_their_memory_and_dead_ones_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

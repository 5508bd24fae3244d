// SPDX-License-Identifier: MIT
/*
 * Calgary's TCE cache: what it holds, how long, and who hears of it.
 */
#include <errno.h>

#include "rig.h"

#define TABLE_0 UINT64_C(0x200000)
#define TABLE_1 UINT64_C(0x300000)
#define IOVA    UINT64_C(0x400000) /* entry 0x400 */
#define ENTRY_0 (TABLE_0 + 8 * 0x400)
#define ENTRY_1 (TABLE_1 + 8 * 0x400)

static struct rig rig;

static void make(const struct iotlb_config *iotlb, bool track_stale)
{
	rig_make(&rig, 0, iotlb, track_stale);
	rig_poke_tce(&rig, ENTRY_0, 0x5003);
	rig_poke_tce(&rig, ENTRY_1, 0x6003);
	rig_enable(&rig, 0, TABLE_0, 0);
	rig_enable(&rig, 1, TABLE_1, 0);
}

static void cached_entry_outlives_its_table_entry_until_the_tar_is_written(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	make(&rig_iotlb, false);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, NULL), 0);
	rig_poke_tce(&rig, ENTRY_0, 0);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.paddr, 0x5000);
	assert_int_equal(x.fetches, 0);
	/* The same value again, as the driver flushes. */
	rig_writeq(&rig, 0x580, rig_readq(&rig, 0x580));
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, NULL), -EPERM);
	rig_free(&rig);
}

static void tar_half_write_invalidates_too(void **state)
{
	(void)state;
	make(&rig_iotlb, false);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, NULL), 0);
	rig_poke_tce(&rig, ENTRY_0, 0);
	rig_writel(&rig, 0x580, rig_readl(&rig, 0x580));
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, NULL), -EPERM);
	rig_free(&rig);
}

static void tar_write_of_phb_0_leaves_phb_1_cached(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	make(&rig_iotlb, false);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(rig_dma(&rig, 1, IOVA, IOTOLL_WRITE, NULL), 0);
	rig_writeq(&rig, 0x580, rig_readq(&rig, 0x580));
	assert_int_equal(rig.drops, 1);
	assert_int_equal(rig.dropped[0], 0x400);
	assert_int_equal(rig.dropped_bus, 0);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, &x), 0);
	assert_false(x.hit);
	assert_int_equal(rig_dma(&rig, 1, IOVA, IOTOLL_WRITE, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.paddr, 0x6000);
	rig_free(&rig);
}

static void stale_hit_is_told_apart_from_a_backed_one(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	make(&rig_iotlb, true);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_false(x.stale);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_true(x.hit && !x.stale);
	rig_poke_tce(&rig, ENTRY_0, 0x50FF); /* hub id and reserved bits: the same mapping */
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_false(x.stale);
	rig_poke_tce(&rig, ENTRY_0, 0x7003); /* another page */
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_true(x.stale);
	assert_int_equal(x.paddr, 0x5000);
	rig_poke_tce(&rig, ENTRY_0, 0x5001); /* fewer rights */
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_true(x.stale);
	rig_poke_tce(&rig, ENTRY_0, 0x5000); /* none */
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_true(x.stale);
	assert_int_equal(x.fetches, 0); /* looking is not the chip's doing */
	rig_free(&rig);
}

static void refused_access_through_a_cached_entry_stays_refused(void **state)
{
	(void)state;
	make(&rig_iotlb, false);
	rig_poke_tce(&rig, ENTRY_0, 0x5001);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, NULL), 0);
	rig_poke_tce(&rig, ENTRY_0, 0x5003); /* not snooped either */
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_WRITE, NULL), -EPERM);
	rig_free(&rig);
}

static void invalid_entry_is_not_cached(void **state)
{
	(void)state;
	make(&rig_iotlb, false);
	rig_poke_tce(&rig, ENTRY_0, 0x5000);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, NULL), -EPERM);
	rig_poke_tce(&rig, ENTRY_0, 0x5003);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, NULL), 0);
	rig_free(&rig);
}

static void line_of_eight_is_one_read_and_serves_its_neighbours(void **state)
{
	const struct iotlb_config eight = {
		.entries = 4, .ways = 0, .line_pages = 8, .policy = "lru"};
	struct iotoll_xlat x;

	(void)state;
	make(&eight, false);
	rig_poke_tce(&rig, TABLE_0 + 8 * 0x407, 0x9003);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_int_equal(x.fetches, 1);
	assert_int_equal(rig.reads, 1);
	assert_int_equal(rig_dma(&rig, 0, 0x407000, IOTOLL_READ, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.paddr, 0x9000);
	/* A neighbour that was invalid then is no hit now: the line is fetched again. */
	rig_poke_tce(&rig, TABLE_0 + 8 * 0x403, 0xA003);
	rig_poke_tce(&rig, TABLE_0 + 8 * 0x407, 0);
	assert_int_equal(rig_dma(&rig, 0, 0x403000, IOTOLL_READ, &x), 0);
	assert_false(x.hit);
	assert_int_equal(x.fetches, 1);
	/* With it went what the table no longer has. */
	assert_int_equal(rig.drops, 1);
	assert_int_equal(rig.dropped[0], 0x407);
	assert_int_equal(rig_dma(&rig, 0, 0x407000, IOTOLL_READ, NULL), -EPERM);
	rig_free(&rig);
}

static void refused_fetch_leaves_the_cache_as_it_was(void **state)
{
	const struct iotlb_config eight = {
		.entries = 4, .ways = 0, .line_pages = 8, .policy = "lru"};
	struct iotoll_xlat x;

	(void)state;
	make(&eight, false);
	/* The line of the invalid entry 0x401 holds the valid 0x400: it does not come along. */
	assert_int_equal(rig_dma(&rig, 0, 0x401000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_false(x.hit);
	/* Held and then unmapped: another's refusal in the same line does not flush it either. */
	rig_poke_tce(&rig, ENTRY_0, 0);
	assert_int_equal(rig_dma(&rig, 0, 0x401000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_true(x.hit);
	assert_int_equal(rig.drops, 0);
	rig_free(&rig);
}

static void line_of_sixteen_is_two_reads(void **state)
{
	const struct iotlb_config sixteen = {
		.entries = 4, .ways = 2, .line_pages = 16, .policy = "fifo"};
	struct iotoll_xlat x;

	(void)state;
	make(&sixteen, false);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_int_equal(x.fetches, 2);
	rig_free(&rig);
}

static void without_an_iotlb_every_access_walks(void **state)
{
	const struct iotlb_config none = {.entries = 0};
	struct iotoll_xlat x;
	struct iotlb_stats s;

	(void)state;
	make(&none, true);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
		assert_false(x.hit);
		assert_int_equal(x.fetches, 1);
	}
	rig.iommu->ops->stats(rig.iommu, &s);
	assert_int_equal(s.hits, 0);
	assert_int_equal(s.misses, 3);
	rig_poke_tce(&rig, ENTRY_0, 0);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, NULL), -EPERM);
	rig_free(&rig);
}

static void eviction_is_heard_of_with_its_page(void **state)
{
	const struct iotlb_config two = {.entries = 2, .ways = 0, .line_pages = 1, .policy = "lru"};
	struct iotlb_stats s;

	(void)state;
	make(&two, false);
	for (unsigned i = 0; i < 3; i++) {
		rig_poke_tce(&rig, TABLE_0 + 8 * (0x500 + i), 0x5003);
		assert_int_equal(rig_dma(&rig, 0, (0x500 + i) * UINT64_C(4096), IOTOLL_READ, NULL),
				 0);
	}
	assert_int_equal(rig.drops, 1);
	assert_int_equal(rig.dropped[0], 0x500);
	rig.iommu->ops->stats(rig.iommu, &s);
	assert_int_equal(s.evictions, 1);
	assert_int_equal(s.misses, 3);
	rig_free(&rig);
}

static void probe_answers_as_translate_and_changes_nothing(void **state)
{
	const struct iotoll_source src = {.bus = 0, .devid = 1};
	struct iotlb_stats before, after;
	struct iotoll_xlat p, x;

	(void)state;
	make(&rig_iotlb, true);
	rig.iommu->ops->stats(rig.iommu, &before);
	for (unsigned i = 0; i < 3; i++) { /* still a miss, three times */
		assert_int_equal(iommu_probe(rig.iommu, src, IOVA, IOTOLL_READ, &p), 0);
		assert_false(p.hit);
	}
	assert_int_equal(iommu_probe(rig.iommu, src, 0x999000, IOTOLL_READ, &p), -EPERM);
	assert_int_equal(iommu_probe(rig.iommu, src, 0x2000000, IOTOLL_READ, &p), -EPERM);
	assert_int_equal(rig_readl(&rig, 0x8110), 0);
	assert_int_equal(rig.faults, 0);
	rig.iommu->ops->stats(rig.iommu, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, NULL), 0);
	rig_poke_tce(&rig, ENTRY_0, 0);
	assert_int_equal(iommu_probe(rig.iommu, src, IOVA, IOTOLL_READ, &p), 0);
	assert_int_equal(rig_dma(&rig, 0, IOVA, IOTOLL_READ, &x), 0);
	assert_true(p.stale && x.stale && p.hit && x.hit);
	assert_int_equal(p.paddr, x.paddr);
	rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cached_entry_outlives_its_table_entry_until_the_tar_is_written),
		cmocka_unit_test(tar_half_write_invalidates_too),
		cmocka_unit_test(tar_write_of_phb_0_leaves_phb_1_cached),
		cmocka_unit_test(stale_hit_is_told_apart_from_a_backed_one),
		cmocka_unit_test(refused_access_through_a_cached_entry_stays_refused),
		cmocka_unit_test(invalid_entry_is_not_cached),
		cmocka_unit_test(line_of_eight_is_one_read_and_serves_its_neighbours),
		cmocka_unit_test(refused_fetch_leaves_the_cache_as_it_was),
		cmocka_unit_test(line_of_sixteen_is_two_reads),
		cmocka_unit_test(without_an_iotlb_every_access_walks),
		cmocka_unit_test(eviction_is_heard_of_with_its_page),
		cmocka_unit_test(probe_answers_as_translate_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("hw/calgary_cache", tests, NULL, NULL);
}

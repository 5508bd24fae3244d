/* SPDX-License-Identifier: MIT */
/*
 * What maps and unmaps leave in the translation table, for every strategy that has one, and what
 * they answer.
 */
#include "rig.h"

static void for_each_strategy(void (*body)(struct rig *rig))
{
	static struct rig rig;

	for (unsigned i = 0; rig_translating(i); i++) {
		struct iotoll_dma_config config = rig_config();

		config.strategy = rig_translating(i);
		rig_start(&rig, &config);
		body(&rig);
		rig_close(&rig);
	}
}

static uint64_t map_dir(struct rig *rig, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	return IOTOLL_IOVA_U64(iotoll_dma_map_page(rig->dev, IOTOLL_PHYS(paddr), bytes, dir));
}

static void rights(struct rig *rig)
{
	const uint64_t to = map_dir(rig, 0x12345000, 100, IOTOLL_DMA_TO_DEVICE);
	const uint64_t from = map_dir(rig, 0x12345000, 100, IOTOLL_DMA_FROM_DEVICE);
	const uint64_t both = map_dir(rig, 0x12345000, 100, IOTOLL_DMA_BIDIRECTIONAL);

	assert_int_equal(rig_tce(rig, to >> 12), 0x12345001);
	assert_int_equal(rig_tce(rig, from >> 12), 0x12345003);
	assert_int_equal(rig_tce(rig, both >> 12), 0x12345003);
	iotoll_dma_unmap_page(rig->dev, IOTOLL_IOVA(to), 100, IOTOLL_DMA_TO_DEVICE);
	iotoll_dma_unmap_page(rig->dev, IOTOLL_IOVA(from), 100, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_unmap_page(rig->dev, IOTOLL_IOVA(both), 100, IOTOLL_DMA_BIDIRECTIONAL);
	assert_int_equal(rig_tce(rig, to >> 12), 0);
	assert_int_equal(rig_tce(rig, from >> 12), 0);
	assert_int_equal(rig_tce(rig, both >> 12), 0);
	assert_int_equal(rig_stats(rig).table_writes, 6);
}

static void entries_always_allow_reads_and_writes_unless_to_device(void **state)
{
	(void)state;
	for_each_strategy(rights);
}

static void bytes_in_memory(struct rig *rig)
{
	const uint8_t want[8] = {0, 0, 0, 0, 0x12, 0x34, 0x50, 0x03};
	const uint64_t iova = rig_map(rig, 0x12345000, 4096);
	iotoll_phys_t table;
	size_t bytes;

	iotoll_dma_domain_table(rig->domain, &table, &bytes);
	assert_int_equal(bytes, 65536);
	assert_memory_equal((uint8_t *)iotoll_env_ptr(rig->env, table, bytes) + (iova >> 12) * 8,
			    want, 8);
	rig_unmap(rig, iova, 4096);
}

static void an_entry_lies_in_memory_most_significant_byte_first(void **state)
{
	(void)state;
	for_each_strategy(bytes_in_memory);
}

static void offsets_and_pages(struct rig *rig)
{
	/* 0x801 bytes from 0xFFF bytes into a page touch two pages; 0x1002 touch three. */
	const uint64_t two = rig_map(rig, 0x5FFF, 0x801);
	const uint64_t three = rig_map(rig, 0x7FFF, 0x1002);
	const uint64_t one = rig_map(rig, 0x9FFF, 1);

	assert_int_equal(two & 0xFFF, 0xFFF);
	assert_int_equal(three & 0xFFF, 0xFFF);
	assert_int_equal(rig_tce(rig, two >> 12), 0x5003);
	assert_int_equal(rig_tce(rig, (two >> 12) + 1), 0x6003);
	/* Next fit: neighbours in time are neighbours in the table. */
	assert_int_equal(three >> 12, (two >> 12) + 2);
	assert_int_equal(one >> 12, (three >> 12) + 3);
	assert_int_equal(rig_tce(rig, (three >> 12) + 2), 0x9003);
	assert_int_equal(rig_tce(rig, one >> 12), 0x9003);
	assert_int_equal(rig_stats(rig).maps, 3);
	assert_int_equal(rig_stats(rig).single_entry_maps, 1);
	assert_int_equal(rig_stats(rig).mapped_pages_total, 6);
	assert_int_equal(rig_stats(rig).pages_live, 6);
	rig_unmap(rig, two, 0x801);
	rig_unmap(rig, three, 0x1002);
	assert_int_equal(rig_stats(rig).pages_live, 1);
	rig_unmap(rig, one, 1);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	assert_int_equal(rig_stats(rig).pages_peak, 6);
	assert_int_equal(rig_stats(rig).unmaps, 3);
	assert_int_equal(rig_stats(rig).single_entry_unmaps, 1);
	assert_int_equal(rig_stats(rig).table_writes, 12);
}

static void a_mapping_keeps_its_offset_and_takes_every_page_it_touches(void **state)
{
	(void)state;
	for_each_strategy(offsets_and_pages);
}

static void refused(struct rig *rig, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	const struct iotoll_dma_stats before = rig_stats(rig);

	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(rig->dev, IOTOLL_PHYS(paddr), bytes, dir)));
	assert_int_equal(rig_stats(rig).map_failures, before.map_failures + 1);
	assert_int_equal(rig_stats(rig).pages_live, before.pages_live);
	assert_int_equal(rig_stats(rig).table_writes, before.table_writes);
}

static void bad_requests(struct rig *rig)
{
	refused(rig, 0x1000, 0, IOTOLL_DMA_TO_DEVICE);
	refused(rig, UINT64_MAX - 10, 12, IOTOLL_DMA_TO_DEVICE);
	refused(rig, 0x1000, SIZE_MAX, IOTOLL_DMA_TO_DEVICE);
	refused(rig, 0x1000, SIZE_MAX - 0x1000, IOTOLL_DMA_TO_DEVICE);
	refused(rig, 0x1000, 16, (enum iotoll_dma_dir)3);
	/* An entry names 48-bit addresses. */
	refused(rig, UINT64_C(1) << 48, 1, IOTOLL_DMA_TO_DEVICE);
	refused(rig, (UINT64_C(1) << 48) - 1, 2, IOTOLL_DMA_TO_DEVICE);
	/* More pages than the table has. */
	refused(rig, 0, 8192u * 4096u + 1, IOTOLL_DMA_TO_DEVICE);
	rig_unmap(rig, rig_map(rig, (UINT64_C(1) << 48) - 1, 1), 1);
}

static void impossible_requests_are_answered_with_the_mapping_error(void **state)
{
	(void)state;
	for_each_strategy(bad_requests);
}

static void an_old_table_is_cleared_before_it_is_used(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;
	phys_t dirty;

	(void)state;
	rig_open(&rig, 1u << 20);
	assert_int_equal(memory_alloc(rig.memory, 200, 4096, 0, &dirty), 0);
	memset(memory_ptr(rig.memory, dirty, 200 * 4096), 0xA5, 200 * 4096);
	memory_free(rig.memory, dirty, 200);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	for (uint64_t i = 0; i < 8192; i++)
		assert_int_equal(rig_tce(&rig, i), 0);
	rig_close(&rig);
}

static void physical_addresses_are_handed_out_where_there_is_no_table(void **state)
{
	static const char *const drivers[] = {"none", "calgary"};
	static struct rig rig;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct iotoll_dma_config config = rig_config();
		iotoll_phys_t table;
		size_t bytes;

		config.driver = drivers[i];
		config.strategy = "off";
		config.allocator = NULL;
		config.table_entries = 0;
		rig_start(&rig, &config);
		iotoll_dma_domain_table(rig.domain, &table, &bytes);
		assert_int_equal(bytes, 0);
		assert_int_equal(rig_map(&rig, 0x12345678, 9000), 0x12345678);
		/* The same buffer twice is two mappings. */
		assert_int_equal(rig_map(&rig, 0x12345678, 9000), 0x12345678);
		assert_int_equal(rig_stats(&rig).maps, 2);
		assert_int_equal(rig_stats(&rig).mapped_pages_total, 6);
		assert_int_equal(rig_stats(&rig).pages_live, 0);
		refused(&rig, 0xFFFFFFFF, 2, IOTOLL_DMA_TO_DEVICE);
		refused(&rig, 0x1000, 0, IOTOLL_DMA_TO_DEVICE);
		rig_unmap(&rig, 0x12345678, 9000);
		rig_unmap(&rig, 0x12345678, 9000);
		assert_int_equal(rig_stats(&rig).unmaps, 2);
		assert_int_equal(rig_stats(&rig).table_writes, 0);
		assert_int_equal(rig_stats(&rig).usable_entries, 0);
		assert_int_equal(rig_stats(&rig).lock_acquisitions, 0);
		rig_close(&rig);
	}
}

struct told {
	unsigned mapped, unmapped, granted, withdrawn;
	uint64_t iova, pages, paddr, flushes;
	size_t bytes;
	enum iotoll_dma_dir dir;
	const struct rig *rig;
};

static void on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct told *told = ctx;

	told->mapped++;
	told->iova = IOTOLL_IOVA_U64(iova);
	told->pages = pages;
	told->paddr = IOTOLL_PHYS_U64(paddr);
	told->bytes = bytes;
	told->dir = dir;
	assert_int_equal(told->granted, told->mapped);
	/* The entry is there when the observer hears of it. */
	assert_int_equal(rig_tce(told->rig, told->iova >> 12) & ~UINT64_C(3),
			 told->paddr & ~UINT64_C(0xFFF));
}

static void on_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct told *told = ctx;

	told->unmapped++;
	told->flushes = rig_stats(told->rig).flushes;
	assert_int_equal(IOTOLL_IOVA_U64(iova), told->iova);
	assert_int_equal(pages, told->pages);
	assert_int_equal(bytes, told->bytes);
	assert_int_equal(rig_tce(told->rig, told->iova >> 12), 0);
}

static void on_granted(void *ctx, iotoll_iova_t iova, uint64_t pages, enum iotoll_dma_dir dir)
{
	struct told *told = ctx;

	told->granted++;
	assert_int_equal(pages, 3);
	assert_int_equal(dir, IOTOLL_DMA_FROM_DEVICE);
	assert_int_not_equal(rig_tce(told->rig, IOTOLL_IOVA_U64(iova) >> 12), 0);
}

static void on_withdrawn(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct told *told = ctx;

	assert_int_equal(told->unmapped, told->withdrawn);
	told->withdrawn++;
	assert_int_equal(IOTOLL_IOVA_U64(iova), told->iova & ~UINT64_C(0xFFF));
	assert_int_equal(pages, told->pages);
	assert_int_equal(rig_tce(told->rig, told->iova >> 12), 0);
}

static void observed(struct rig *rig)
{
	struct told told = {.rig = rig};
	const struct iotoll_dma_observer observer = {.ctx = &told,
						     .mapped = on_mapped,
						     .unmapped = on_unmapped,
						     .granted = on_granted,
						     .withdrawn = on_withdrawn};
	uint64_t iova;

	iotoll_dma_domain_observe(rig->domain, &observer);
	iova = rig_map(rig, 0x12345678, 9000);
	assert_int_equal(told.mapped, 1);
	assert_int_equal(told.iova, iova);
	assert_int_equal(told.paddr, 0x12345678);
	assert_int_equal(told.pages, 3);
	assert_int_equal(told.bytes, 9000);
	assert_int_equal(told.dir, IOTOLL_DMA_FROM_DEVICE);
	rig_unmap(rig, iova, 9000);
	assert_int_equal(told.unmapped, 1);
	assert_int_equal(told.withdrawn, 1);
	/* What the strategy does at an unmap lies before: strict never shows a stale window. */
	assert_int_equal(told.flushes, rig_stats(rig).flushes);
	iotoll_dma_domain_observe(rig->domain, NULL);
	rig_unmap(rig, rig_map(rig, 0x1000, 1), 1);
	assert_int_equal(told.mapped, 1);
	assert_int_equal(told.unmapped, 1);
}

static void an_observer_hears_of_pages_once_they_are_mapped_and_once_it_is_over(void **state)
{
	(void)state;
	for_each_strategy(observed);
}

static void reset(struct rig *rig)
{
	const uint64_t iova = rig_map(rig, 0x1000, 8192);

	rig_unmap(rig, rig_map(rig, 0x1000, 4096), 4096);
	rig_unmap(rig, 0x7000000, 1);
	rig_settle(rig);
	iotoll_dma_domain_stats_reset(rig->domain);
	struct iotoll_dma_stats stats = rig_stats(rig);
	struct iotoll_dma_stats want = {
		.pages_live = 2, .pages_peak = 2, .usable_entries = stats.usable_entries};

	assert_memory_equal(&stats, &want, sizeof(stats));
	rig_unmap(rig, iova, 8192);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	assert_int_equal(rig_stats(rig).lock_acquisitions, 1);
}

static void resetting_the_counters_keeps_what_is_live(void **state)
{
	(void)state;
	for_each_strategy(reset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_always_allow_reads_and_writes_unless_to_device),
		cmocka_unit_test(an_entry_lies_in_memory_most_significant_byte_first),
		cmocka_unit_test(a_mapping_keeps_its_offset_and_takes_every_page_it_touches),
		cmocka_unit_test(impossible_requests_are_answered_with_the_mapping_error),
		cmocka_unit_test(an_old_table_is_cleared_before_it_is_used),
		cmocka_unit_test(physical_addresses_are_handed_out_where_there_is_no_table),
		cmocka_unit_test(
			an_observer_hears_of_pages_once_they_are_mapped_and_once_it_is_over),
		cmocka_unit_test(resetting_the_counters_keeps_what_is_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

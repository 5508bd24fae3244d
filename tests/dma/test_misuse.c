/* SPDX-License-Identifier: MIT */
/*
 * What drivers get wrong: each kind is counted once and does no harm, under every strategy.
 */
#include "base/rng.h"
#include "dma/misuse.h"
#include "rig.h"

static void for_each_strategy(void (*body)(struct rig *rig), bool check)
{
	static struct rig rig;

	for (int i = check ? -1 : 0; i < 0 || rig_translating((unsigned)i); i++) {
		struct iotoll_dma_config config = rig_config();

		config.strategy = i < 0 ? "off" : rig_translating((unsigned)i);
		config.check_misuse = check;
		rig_start(&rig, &config);
		body(&rig);
		rig_close(&rig);
	}
}

/* Exactly @count of @kind since the last reset, and of no other kind. */
static void expect_misuse(struct rig *rig, enum iotoll_misuse kind, uint64_t count)
{
	const struct iotoll_dma_stats stats = rig_stats(rig);

	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(stats.misuse[i], i == kind ? count : 0);
	iotoll_dma_domain_stats_reset(rig->domain);
}

static void double_unmap(struct rig *rig)
{
	const uint64_t iova = rig_map(rig, 0x200010, 100);
	const uint64_t other = rig_map(rig, 0x300000, 100);

	rig_unmap(rig, iova, 100);
	expect_misuse(rig, IOTOLL_MISUSE_COUNT, 0);
	rig_unmap(rig, iova, 100);
	assert_int_equal(rig_stats(rig).unmaps, 0);
	expect_misuse(rig, IOTOLL_MISUSE_UNMAP_UNKNOWN, 1);
	rig_unmap(rig, other, 100);
	expect_misuse(rig, IOTOLL_MISUSE_COUNT, 0);
}

static void an_unmap_of_what_is_not_mapped_is_refused(void **state)
{
	(void)state;
	for_each_strategy(double_unmap, true);
	for_each_strategy(double_unmap, false);
}

static void wild_unmaps(struct rig *rig)
{
	const uint64_t wild[] = {UINT64_MAX, UINT64_MAX - 4095, 8192u * 4096u,
				 0xA0000,    0x900000,          UINT64_C(1) << 60};

	for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		rig_unmap(rig, wild[i], 4096);
		rig_unmap(rig, wild[i], SIZE_MAX);
		expect_misuse(rig, IOTOLL_MISUSE_UNMAP_UNKNOWN, 2);
	}
	assert_int_equal(rig_stats(rig).table_writes, 0);
}

static void addresses_no_map_ever_gave_are_refused(void **state)
{
	(void)state;
	for_each_strategy(wild_unmaps, true);
	for_each_strategy(wild_unmaps, false);
}

static void wrong_size(struct rig *rig)
{
	const uint64_t iova = rig_map(rig, 0x200010, 8192);
	const uint64_t next = rig_map(rig, 0x300000, 4096);

	/* Three pages were mapped; the unmap claims four, the last of which is somebody else's. */
	rig_unmap(rig, iova, 4 * 4096 - 16);
	assert_int_equal(rig_stats(rig).unmaps, 1);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_SIZE, 1);
	rig_unmap(rig, next, 0);
	assert_int_equal(rig_stats(rig).unmaps, 1);
	assert_int_equal(rig_stats(rig).pages_live, 0);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_SIZE, 1);
}

static void a_wrong_size_takes_down_what_was_mapped_and_nothing_else(void **state)
{
	(void)state;
	for_each_strategy(wrong_size, true);
}

static void wrong_direction(struct rig *rig)
{
	const uint64_t iova = rig_map(rig, 0x200010, 8192);

	iotoll_dma_unmap_page(rig->dev, IOTOLL_IOVA(iova), 8192, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig_stats(rig).unmaps, 1);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_DIRECTION, 1);
}

static void a_wrong_direction_is_counted(void **state)
{
	(void)state;
	for_each_strategy(wrong_direction, true);
}

static void wrong_device(struct rig *rig)
{
	const uint64_t iova = rig_map(rig, 0x200010, 8192);
	struct iotoll_dma_device *other;

	assert_int_equal(iotoll_dma_attach(&other, rig->domain, 16, UINT32_MAX), 0);
	iotoll_dma_unmap_page(other, IOTOLL_IOVA(iova), 8192, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(rig_stats(rig).unmaps, 1);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_DEVICE, 1);
	iotoll_dma_detach(other);
}

static void another_devices_mapping_is_counted(void **state)
{
	(void)state;
	for_each_strategy(wrong_device, true);
}

static void wrong_type(struct rig *rig)
{
	struct iotoll_sg sg = {.paddr = IOTOLL_PHYS(0x200000), .bytes = 100};

	assert_int_equal(iotoll_dma_map_sg(rig->dev, &sg, 1, IOTOLL_DMA_FROM_DEVICE), 1);
	rig_unmap(rig, IOTOLL_IOVA_U64(sg.dma_address), 100);
	assert_int_equal(rig_stats(rig).unmaps, 1);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_TYPE, 1);
	sg.dma_address = IOTOLL_IOVA(rig_map(rig, 0x200000, 100));
	iotoll_dma_unmap_sg(rig->dev, &sg, 1, IOTOLL_DMA_FROM_DEVICE);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_TYPE, 1);
}

static void a_list_element_unmapped_as_a_page_is_counted(void **state)
{
	(void)state;
	for_each_strategy(wrong_type, true);
}

static void syncs(struct rig *rig)
{
	const uint64_t iova = rig_map(rig, 0x200010, 3 * 4096);
	struct iotoll_dma_device *other;

	assert_int_equal(iotoll_dma_attach(&other, rig->domain, 16, UINT32_MAX), 0);
	/* Any part of a mapping may be handed over. */
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova), 3 * 4096,
				       IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_sync_single_for_device(rig->dev, IOTOLL_IOVA(iova + 9000), 100,
					  IOTOLL_DMA_FROM_DEVICE);
	expect_misuse(rig, IOTOLL_MISUSE_COUNT, 0);
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova + 9000), 3289,
				       IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova - 1), 2, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova), 0, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova + 1), SIZE_MAX,
				       IOTOLL_DMA_FROM_DEVICE);
	expect_misuse(rig, IOTOLL_MISUSE_SYNC_UNMAPPED, 4);
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova), 1, IOTOLL_DMA_TO_DEVICE);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_DIRECTION, 1);
	iotoll_dma_sync_single_for_cpu(other, IOTOLL_IOVA(iova), 1, IOTOLL_DMA_FROM_DEVICE);
	expect_misuse(rig, IOTOLL_MISUSE_WRONG_DEVICE, 1);
	rig_unmap(rig, iova, 3 * 4096);
	iotoll_dma_sync_single_for_cpu(rig->dev, IOTOLL_IOVA(iova), 1, IOTOLL_DMA_FROM_DEVICE);
	expect_misuse(rig, IOTOLL_MISUSE_SYNC_UNMAPPED, 1);
	iotoll_dma_detach(other);
}

static void a_sync_outside_of_live_mappings_is_counted(void **state)
{
	(void)state;
	for_each_strategy(syncs, true);
}

static void leaks(struct rig *rig)
{
	struct iotoll_dma_device *other;
	uint64_t iova[40], kept;

	assert_int_equal(iotoll_dma_attach(&other, rig->domain, 16, UINT32_MAX), 0);
	for (unsigned i = 0; i < 40; i++)
		iova[i] = IOTOLL_IOVA_U64(iotoll_dma_map_page(other, IOTOLL_PHYS(i * 0x3000), 5000,
							      IOTOLL_DMA_TO_DEVICE));
	kept = rig_map(rig, 0x200000, 1);
	iotoll_dma_detach(other);
	if (rig_stats(rig).usable_entries) {
		assert_int_equal(rig_stats(rig).pages_live, 1);
		for (unsigned i = 0; i < 40; i++)
			assert_int_equal(rig_tce(rig, iova[i] >> 12), 0);
	}
	expect_misuse(rig, IOTOLL_MISUSE_LEAK, 40);
	rig_unmap(rig, kept, 1);
	expect_misuse(rig, IOTOLL_MISUSE_COUNT, 0);
}

static void what_a_detached_device_left_mapped_is_a_leak_and_taken_down(void **state)
{
	(void)state;
	for_each_strategy(leaks, true);
}

static void emergency(struct rig *rig)
{
	rig_unmap(rig, 0, 4096);
	rig_unmap(rig, 31 * 4096 + 4095, 1);
	assert_int_equal(rig_stats(rig).emergency_unmaps, 2);
	assert_int_equal(rig_stats(rig).table_writes, 0);
	expect_misuse(rig, IOTOLL_MISUSE_UNMAP_UNKNOWN, 2);
	rig_unmap(rig, 32 * 4096, 1);
	assert_int_equal(rig_stats(rig).emergency_unmaps, 0);
	/* It is not handed out afterwards either. */
	assert_true(rig_map(rig, 0x1000, 1) >= 32 * 4096);
}

static void the_window_for_failed_maps_cannot_be_unmapped(void **state)
{
	static struct rig rig;

	(void)state;
	for (unsigned i = 0; rig_translating(i); i++) {
		for (unsigned check = 0; check < 2; check++) {
			struct iotoll_dma_config config = rig_config();

			config.strategy = rig_translating(i);
			config.check_misuse = check;
			rig_start(&rig, &config);
			emergency(&rig);
			rig_close(&rig);
		}
	}
}

/* ---- the book against a plain array ---- */

static void random_books_agree_with_a_list(void **state)
{
	enum { MAX = 3000 };
	struct mapping *list = calloc(MAX, sizeof(*list));
	uint64_t counts[IOTOLL_MISUSE_COUNT] = {0}, unknown = 0;
	struct misuse *m = misuse_create();
	struct rng rng;
	size_t n = 0;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned step = 0; step < 100000; step++) {
		struct mapping what = {.iova = IOTOLL_IOVA(rng_below(&rng, 4000) << 12),
				       .bytes = 1 + rng_below(&rng, 3),
				       .dir = IOTOLL_DMA_TO_DEVICE};
		struct mapping out;
		size_t exact = MAX, any = MAX;

		if (n < MAX && rng_below(&rng, 100) < 52) {
			assert_int_equal(misuse_reserve(m), 0);
			misuse_add(m, &what);
			list[n++] = what;
			continue;
		}
		for (size_t i = n; i-- > 0;)
			if (list[i].iova == what.iova) {
				any = i;
				if (list[i].bytes == what.bytes)
					exact = i;
			}
		unknown += any == MAX;
		assert_int_equal(misuse_take(m, &what, counts, &out), any != MAX);
		if (any != MAX) {
			const size_t best = exact != MAX ? exact : any;

			assert_int_equal(out.bytes, list[best].bytes);
			memmove(&list[best], &list[best + 1], (n - best - 1) * sizeof(*list));
			n--;
		}
		assert_int_equal(misuse_live(m), n);
	}
	assert_int_equal(counts[IOTOLL_MISUSE_UNMAP_UNKNOWN], unknown);
	misuse_destroy(m);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unmap_of_what_is_not_mapped_is_refused),
		cmocka_unit_test(addresses_no_map_ever_gave_are_refused),
		cmocka_unit_test(a_wrong_size_takes_down_what_was_mapped_and_nothing_else),
		cmocka_unit_test(a_wrong_direction_is_counted),
		cmocka_unit_test(another_devices_mapping_is_counted),
		cmocka_unit_test(a_list_element_unmapped_as_a_page_is_counted),
		cmocka_unit_test(a_sync_outside_of_live_mappings_is_counted),
		cmocka_unit_test(what_a_detached_device_left_mapped_is_a_leak_and_taken_down),
		cmocka_unit_test(the_window_for_failed_maps_cannot_be_unmapped),
		cmocka_unit_test(random_books_agree_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Shadow buffers: where bytes are at which moment, what the device reaches beside them, and what a
 * request costs the IOMMU, on the hardware half of each.
 */
#include "copyrig.h"

#include <errno.h>
#include <stdio.h>

#define AT (ARENA + 4096 * 3 + 1000) /* a buffer in the middle of a page */

static struct hwrig h;

static void what_the_device_reads_is_a_copy_made_at_the_map(void **state)
{
	uint8_t seen[4096];

	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t iova, paddr;

		copyrig_start(&h, copyrig_model(m), "shadow", 0, true);
		iova = copyrig_map(&h, AT, 1500, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &paddr), 0);
		assert_int_not_equal(paddr, AT);
		assert_int_equal(copyrig_read(&h, iova, seen, 1500), 0);
		assert_memory_equal(seen, copyrig_memory(&h, AT), 1500);
		/* The rest of the driver's page is not in the device's. */
		assert_int_equal(copyrig_read(&h, iova - 1000, seen, 4096), 0);
		for (unsigned i = 0; i < 4096; i++)
			assert_true((i >= 1000 && i < 2500) || seen[i] == 0);
		/* What the driver changes afterwards it has to say. */
		memset(copyrig_memory(&h, AT), 0x5a, 1500);
		assert_int_equal(copyrig_read(&h, iova, seen, 1), 0);
		assert_int_equal(seen[0], copyrig_mine(AT));
		iotoll_dma_sync_single_for_device(h.dev, IOTOLL_IOVA(iova + 10), 20,
						  IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(copyrig_read(&h, iova, seen, 40), 0);
		for (unsigned i = 0; i < 40; i++)
			assert_int_equal(seen[i], i >= 10 && i < 30 ? 0x5a : copyrig_mine(AT + i));
		copyrig_unmap(&h, iova, 1500, IOTOLL_DMA_TO_DEVICE);
		hwrig_close(&h);
	}
}

static void what_the_device_wrote_arrives_at_the_unmap_and_never_later(void **state)
{
	uint8_t sent[4096];

	(void)state;
	memset(sent, 0xa5, sizeof(sent));
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t iova;

		copyrig_start(&h, copyrig_model(m), "shadow", 0, true);
		iova = copyrig_map(&h, AT, 1500, IOTOLL_DMA_FROM_DEVICE);
		/* All of the page that it reaches. */
		assert_int_equal(copyrig_write(&h, iova - 1000, sent, 4096), 0);
		assert_true(copyrig_untouched(&h, ARENA, ARENA_BYTES));
		iotoll_dma_sync_single_for_cpu(h.dev, IOTOLL_IOVA(iova), 14,
					       IOTOLL_DMA_FROM_DEVICE);
		assert_memory_equal(copyrig_memory(&h, AT), sent, 14);
		assert_true(copyrig_untouched(&h, AT + 14, 4096));
		copyrig_unmap(&h, iova, 1500, IOTOLL_DMA_FROM_DEVICE);
		assert_memory_equal(copyrig_memory(&h, AT), sent, 1500);
		assert_true(copyrig_untouched(&h, AT - 1000, 1000));
		assert_true(copyrig_untouched(&h, AT + 1500, 4096));
		/* The device may go on as it likes. */
		memset(sent, 0x77, sizeof(sent));
		assert_int_equal(copyrig_write(&h, iova - 1000, sent, 4096), 0);
		assert_int_equal(*copyrig_memory(&h, AT), 0xa5);
		assert_true(copyrig_untouched(&h, AT + 1500, 4096));
		memset(sent, 0xa5, sizeof(sent));
		hwrig_close(&h);
	}
}

static void warm_requests_touch_neither_table_nor_iotlb_nor_lock(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		struct iotoll_dma_stats before, after;

		copyrig_start(&h, copyrig_model(m), "shadow", 0, true);
		copyrig_unmap(&h, copyrig_map(&h, AT, 1500, IOTOLL_DMA_FROM_DEVICE), 1500,
			      IOTOLL_DMA_FROM_DEVICE);
		before = hwrig_stats(&h);
		for (unsigned i = 0; i < 100; i++)
			copyrig_unmap(&h, copyrig_map(&h, AT, 1500, IOTOLL_DMA_FROM_DEVICE), 1500,
				      IOTOLL_DMA_FROM_DEVICE);
		after = hwrig_stats(&h);
		assert_int_equal(after.table_writes, before.table_writes);
		assert_int_equal(after.flushes, before.flushes);
		assert_int_equal(after.invalidations, before.invalidations);
		assert_int_equal(after.lock_acquisitions, before.lock_acquisitions);
		assert_int_equal(after.copied_bytes - before.copied_bytes, 100 * 1500);
		assert_int_equal(after.pages_live, 16);
		assert_int_equal(after.maps, 101);
		assert_int_equal(after.unmaps, 101);
		assert_int_equal(after.mapped_pages_total, 101);
		hwrig_close(&h);
	}
}

/* Least privilege: a buffer that devices read is never one that they may write. */
static void each_direction_has_buffers_of_its_own(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t in, out, both, paddr;

		copyrig_start(&h, copyrig_model(m), "shadow", 0, true);
		out = copyrig_map(&h, AT, 64, IOTOLL_DMA_TO_DEVICE);
		in = copyrig_map(&h, AT + 64, 64, IOTOLL_DMA_FROM_DEVICE);
		both = copyrig_map(&h, AT + 128, 64, IOTOLL_DMA_BIDIRECTIONAL);
		/* DART's entries are all or nothing. */
		if (strncmp(copyrig_model(m), "dart", 4) != 0)
			assert_int_not_equal(hwrig_access(&h, out, IOTOLL_WRITE, &paddr), 0);
		assert_int_equal(hwrig_access(&h, in, IOTOLL_WRITE, &paddr), 0);
		assert_int_equal(hwrig_access(&h, both, IOTOLL_WRITE, &paddr), 0);
		assert_int_equal(hwrig_access(&h, both, IOTOLL_READ, &paddr), 0);
		copyrig_unmap(&h, out, 64, IOTOLL_DMA_TO_DEVICE);
		assert_int_not_equal(copyrig_map(&h, AT, 64, IOTOLL_DMA_FROM_DEVICE), out);
		hwrig_close(&h);
	}
}

/* 20 pages and a bit at either end: only the ends are copied. */
static void of_a_huge_request_the_ends_are_copied_and_the_middle_is_strict(void **state)
{
	const size_t bytes = 20 * 4096 + 300 + 700;
	const uint64_t from = ARENA + 4096 - 300, end = from + bytes;
	uint8_t sent[4096];

	(void)state;
	memset(sent, 0xa5, sizeof(sent));
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t iova, paddr, before;

		copyrig_start(&h, copyrig_model(m), "shadow", 0, true);
		iova = copyrig_map(&h, from, bytes, IOTOLL_DMA_BIDIRECTIONAL);
		assert_int_equal(hwrig_stats(&h).copied_bytes, 1000);
		assert_true(hwrig_reaches(&h, iova + 300, from + 300));
		assert_true(hwrig_reaches(&h, iova + 300 + 19 * 4096, from + 300 + 19 * 4096));
		/* All that the device can reach of the first and the last page. */
		assert_int_equal(copyrig_write(&h, iova & ~UINT64_C(4095), sent, 4096), 0);
		assert_int_equal(copyrig_write(&h, (iova + bytes) & ~UINT64_C(4095), sent, 4096),
				 0);
		assert_true(copyrig_untouched(&h, ARENA, ARENA_BYTES));
		iotoll_dma_sync_single_for_cpu(h.dev, IOTOLL_IOVA(iova + bytes - 10), 10,
					       IOTOLL_DMA_BIDIRECTIONAL);
		assert_memory_equal(copyrig_memory(&h, end - 10), sent, 10);
		assert_true(copyrig_untouched(&h, end - 20, 10));
		before = hwrig_stats(&h).flushes + hwrig_stats(&h).invalidations;
		copyrig_unmap(&h, iova, bytes, IOTOLL_DMA_BIDIRECTIONAL);
		assert_int_equal(hwrig_stats(&h).flushes + hwrig_stats(&h).invalidations,
				 before + 1);
		assert_memory_equal(copyrig_memory(&h, from), sent, 300);
		assert_memory_equal(copyrig_memory(&h, end - 700), sent, 700);
		assert_true(copyrig_untouched(&h, ARENA, from - ARENA));
		assert_true(copyrig_untouched(&h, from + 300, bytes - 1000));
		assert_true(copyrig_untouched(&h, end, 4096));
		for (uint64_t at = iova; at < iova + bytes; at += 4096)
			assert_true(hwrig_access(&h, at, IOTOLL_WRITE, &paddr) != 0 ||
				    paddr < ARENA || paddr >= ARENA + ARENA_BYTES);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		hwrig_close(&h);
	}
}

/* Where 2 MiB pages are used, one whose last page is a copy is none. */
static void the_end_of_a_large_page_is_copied_too(void **state)
{
	const struct iotoll_dma_config config = {.driver = "vtd",
						 .strategy = "shadow",
						 .allocator = "next-fit",
						 .table_entries = 8192,
						 .superpages = true};
	struct iommu_config hw = {.model = "vtd", .iotlb = iommu_find("vtd")->geometry};
	const uint64_t at = (16 << 20) + 17 * 4096;
	const size_t bytes = (3 * 512 - 17) * 4096; /* up to where the second large page ends */
	uint64_t iova, to;

	(void)state;
	snprintf(hw.iotlb.policy, sizeof(hw.iotlb.policy), "lru");
	hwrig_start_as(&h, &hw, &config);
	/* Entry 0 is nobody's, 16 are the first slab's: the next begins as memory is chosen here.
	 */
	assert_int_equal(hwrig_map(&h, ARENA), 4096);
	iova = copyrig_map(&h, at, bytes - 100, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(iova, 17 * 4096);
	assert_true(hwrig_reaches(&h, iova, at));
	assert_true(hwrig_reaches(&h, iova + bytes - 8192, at + bytes - 8192));
	assert_int_equal(hwrig_access(&h, iova + bytes - 4096, IOTOLL_WRITE, &to), 0);
	assert_int_not_equal(to, at + bytes - 4096);
	copyrig_unmap(&h, iova, bytes - 100, IOTOLL_DMA_FROM_DEVICE);
	hwrig_close(&h);
}

static void an_aligned_huge_request_is_not_copied_at_all(void **state)
{
	uint64_t iova;

	(void)state;
	copyrig_start(&h, "calgary", "shadow", 0, true);
	iova = copyrig_map(&h, ARENA, 17 * 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_true(hwrig_reaches(&h, iova, ARENA));
	assert_true(hwrig_reaches(&h, iova + 16 * 4096, ARENA + 16 * 4096));
	copyrig_unmap(&h, iova, 17 * 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).copied_bytes, 0);
	/* One page less is a shadow buffer's. */
	iova = copyrig_map(&h, ARENA, 16 * 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(hwrig_stats(&h).copied_bytes, 16 * 4096);
	hwrig_close(&h);
}

static void coherent_memory_is_the_same_for_both(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		iotoll_phys_t paddr;
		iotoll_iova_t iova;
		uint64_t to;
		void *ptr;

		copyrig_start(&h, copyrig_model(m), "shadow", 0, m % 2);
		ptr = iotoll_dma_alloc_coherent(h.dev, 8192, &iova, &paddr);
		assert_non_null(ptr);
		assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(iova) + 4096,
					  IOTOLL_PHYS_U64(paddr) + 4096));
		iotoll_dma_free_coherent(h.dev, 8192, ptr, iova);
		assert_true(hwrig_access(&h, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &to) != 0 ||
			    to != IOTOLL_PHYS_U64(paddr));
		hwrig_close(&h);
	}
}

static void an_unmap_of_what_is_no_request_is_refused_without_a_book(void **state)
{
	uint64_t small, large, huge;

	(void)state;
	copyrig_start(&h, "calgary", "shadow", 0, false);
	small = copyrig_map(&h, AT, 100, IOTOLL_DMA_FROM_DEVICE);
	large = copyrig_map(&h, ARENA + 8 * 4096, 8192, IOTOLL_DMA_FROM_DEVICE);
	huge = copyrig_map(&h, ARENA + 16 * 4096, 20 * 4096, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, small, 100, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, small, 100, IOTOLL_DMA_FROM_DEVICE);        /* twice */
	copyrig_unmap(&h, small + 4096, 100, IOTOLL_DMA_FROM_DEVICE); /* never used */
	copyrig_unmap(&h, large + 4096, 4096, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, huge + 4096, 4096, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, large, 12288, IOTOLL_DMA_FROM_DEVICE); /* longer than it was */
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 5);
	copyrig_unmap(&h, large, 8192, IOTOLL_DMA_FROM_DEVICE);
	copyrig_unmap(&h, huge, 20 * 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).unmaps, 3);
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 5);
	hwrig_close(&h);
}

static void what_is_left_goes_with_its_device_whatever_the_book_knows(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++)
		for (unsigned check = 0; check < 2; check++) {
			copyrig_start(&h, copyrig_model(m), "shadow", 0, check);
			(void)copyrig_map(&h, AT, 100, IOTOLL_DMA_FROM_DEVICE);
			(void)copyrig_map(&h, ARENA + 8 * 4096, 8192, IOTOLL_DMA_TO_DEVICE);
			(void)copyrig_map(&h, ARENA + 16 * 4096 + 1, 20 * 4096,
					  IOTOLL_DMA_FROM_DEVICE);
			iotoll_dma_detach(h.dev);
			h.dev = NULL;
			/* What no book remembers stays mapped, as kernels leave it. */
			assert_int_equal(hwrig_stats(&h).pages_live, check ? 0 : 21);
			assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_LEAK], check ? 3 : 0);
			hwrig_close(&h); /* where no frame may be left */
		}
}

static void the_pool_ends_at_its_quota(void **state)
{
	uint64_t iova[16];

	(void)state;
	copyrig_start(&h, "calgary", "shadow", 16, true);
	for (unsigned i = 0; i < 16; i++)
		iova[i] = copyrig_map(&h, AT + 100 * i, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(h.dev, IOTOLL_PHYS(ARENA), 1, IOTOLL_DMA_FROM_DEVICE)));
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(h.dev, IOTOLL_PHYS(ARENA), 1, IOTOLL_DMA_TO_DEVICE)));
	assert_int_equal(hwrig_stats(&h).map_failures, 2);
	copyrig_unmap(&h, iova[7], 100, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(copyrig_map(&h, ARENA + 904, 1, IOTOLL_DMA_FROM_DEVICE) / 4096,
			 iova[7] / 4096);
	hwrig_close(&h);
}

/* Buffers are used in turn; none before all the others. */
static void buffers_are_used_first_in_first_out(void **state)
{
	uint64_t first = 0;

	(void)state;
	copyrig_start(&h, "calgary", "shadow", 0, true);
	for (unsigned i = 0; i < 64; i++) {
		const uint64_t iova = copyrig_map(&h, AT, 100, IOTOLL_DMA_TO_DEVICE);

		copyrig_unmap(&h, iova, 100, IOTOLL_DMA_TO_DEVICE);
		if (i == 0)
			first = iova;
		else
			assert_int_equal(iova == first, i % 16 == 0);
	}
	hwrig_close(&h);
}

static void a_narrower_mask_gets_no_buffer_beyond_it(void **state)
{
	uint64_t iova;

	(void)state;
	copyrig_start(&h, "vtd", "shadow", 0, true);
	/* The bottom is taken by a buffer each of whose pages is live. */
	for (unsigned i = 0; i < 17; i++)
		iova = copyrig_map(&h, AT + 10 * i, 10, IOTOLL_DMA_TO_DEVICE);
	assert_true(iova >= 16 * 4096);
	copyrig_unmap(&h, iova, 10, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(iotoll_dma_set_mask(h.dev, 16 * 4096 - 1), 0);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(h.dev, IOTOLL_PHYS(AT), 10, IOTOLL_DMA_TO_DEVICE)));
	assert_int_equal(iotoll_dma_set_mask(h.dev, UINT32_MAX), 0);
	(void)copyrig_map(&h, AT, 10, IOTOLL_DMA_TO_DEVICE);
	hwrig_close(&h);
}

static void memory_that_is_none_is_refused(void **state)
{
	(void)state;
	copyrig_start(&h, "vtd", "shadow", 0, true);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(h.dev, IOTOLL_PHYS((64u << 20) - 1), 2, IOTOLL_DMA_TO_DEVICE)));
	assert_int_equal(hwrig_stats(&h).map_failures, 1);
	hwrig_close(&h);
}

static void a_device_changes_nothing_but_what_it_was_given_and_while_it_has_it(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned round = 0; round < 4; round++)
		for (unsigned m = 0; copyrig_model(m); m++) {
			copyrig_start(&h, copyrig_model(m), "shadow", 0, rng_below(&rng, 2));
			copyrig_random_program(&h, &rng, 40 * 4096);
			hwrig_close(&h);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_device_reads_is_a_copy_made_at_the_map),
		cmocka_unit_test(what_the_device_wrote_arrives_at_the_unmap_and_never_later),
		cmocka_unit_test(warm_requests_touch_neither_table_nor_iotlb_nor_lock),
		cmocka_unit_test(each_direction_has_buffers_of_its_own),
		cmocka_unit_test(of_a_huge_request_the_ends_are_copied_and_the_middle_is_strict),
		cmocka_unit_test(the_end_of_a_large_page_is_copied_too),
		cmocka_unit_test(an_aligned_huge_request_is_not_copied_at_all),
		cmocka_unit_test(coherent_memory_is_the_same_for_both),
		cmocka_unit_test(an_unmap_of_what_is_no_request_is_refused_without_a_book),
		cmocka_unit_test(what_is_left_goes_with_its_device_whatever_the_book_knows),
		cmocka_unit_test(the_pool_ends_at_its_quota),
		cmocka_unit_test(buffers_are_used_first_in_first_out),
		cmocka_unit_test(a_narrower_mask_gets_no_buffer_beyond_it),
		cmocka_unit_test(memory_that_is_none_is_refused),
		cmocka_unit_test(
			a_device_changes_nothing_but_what_it_was_given_and_while_it_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

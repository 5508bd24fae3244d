/* SPDX-License-Identifier: MIT */
/*
 * The driver of a domain when the hypervisor refuses: what becomes of a page, a list and a call.
 */
#include "xen_guest_fixture.h"

/* Told at the doorbell, too late for the strategy, which takes its entry to be there. */
static void a_never_freed_entry_that_was_refused_is_made_by_its_next_owner(void **state)
{
	static struct world w;
	const size_t bytes = 2 * PAGE_BYTES;
	iotoll_iova_t iova;
	int rc;

	(void)state;
	set_up_lists(&w, "never-free", true, 64);
	w.guest.entry[21] = UINT64_C(400) << PAGE_SHIFT | GUEST_RW;
	w.refuse_from = w.maps;
	w.refuse_to = w.maps + 1;
	w.refusal = -EBUSY;
	do {
		iova = iotoll_dma_map_page(w.dev, page(20), bytes, IOTOLL_DMA_FROM_DEVICE);
		rc = iotoll_dma_publish(w.dev);
		assert_int_equal(rc, w.maps == 2 ? -EBUSY : 0);
		iotoll_dma_unmap_page(w.dev, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	} while (IOTOLL_IOVA_U64(iova) != 60 * PAGE_BYTES);
	assert_int_equal(w.table[4], 0);
	assert_int_equal(w.table[5], 1);
	iova = iotoll_dma_map_page(w.dev, page(30), bytes, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(IOTOLL_IOVA_U64(iova), 4 * PAGE_BYTES);
	assert_int_equal(iotoll_dma_publish(w.dev), 0);
	assert_int_equal(w.table[4], 1);
	assert_int_equal(w.table[5], 1);
	iotoll_dma_unmap_page(w.dev, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	memset(w.table, 0, sizeof(w.table));
	tear_down(&w);
}

static void buffers_of_which_one_is_refused_are_all_taken_back(void **state)
{
	struct iotoll_sg sg[20];
	static struct world w;

	(void)state;
	set_up(&w, "strict", false);
	w.refuse_from = 7;
	w.refusal = -EPERM;
	for (unsigned i = 0; i < 20; i++)
		sg[i] = (struct iotoll_sg){.paddr = page(20 + 2 * i), .bytes = 4096};
	assert_int_equal(iotoll_dma_map_multi(w.dev, sg, 20, IOTOLL_DMA_TO_DEVICE, NULL), 0);
	for (unsigned i = 0; i < sizeof(w.table); i++)
		assert_int_equal(w.table[i], 0);
	tear_down(&w);
}

/* A doorbell is no place to take a mapping back; what strict promises holds all the same. */
static void a_refusal_is_told_at_the_doorbell_and_a_flush_waits_for_nothing(void **state)
{
	static struct world w;
	iotoll_iova_t iova;

	(void)state;
	set_up_lists(&w, "strict", true, 64);
	w.refuse_from = w.maps;
	w.refusal = -EPERM;
	iova = iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_false(iotoll_dma_mapping_error(iova));
	assert_int_equal(iotoll_dma_publish(w.dev), -EPERM);
	w.refuse_from = UINT32_MAX;
	iotoll_dma_unmap_page(w.dev, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w.call[w.calls - 1].element.what, XEN_IOMMU_FLUSH);
	assert_int_equal(iotoll_dma_publish(w.dev), 0);
	tear_down(&w);
}

static void a_refused_page_is_a_mapping_error_and_leaves_nothing(void **state)
{
	struct iotoll_dma_stats stats;
	static struct world w;

	(void)state;
	for (int multicall = 0; multicall < 2; multicall++) {
		set_up(&w, "unflushed", multicall);
		w.refuse_from = 0;
		w.refusal = -EPERM;
		assert_true(iotoll_dma_mapping_error(
			iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE)));
		iotoll_dma_domain_stats(w.domain, &stats);
		assert_int_equal(stats.maps, 0);
		assert_int_equal(stats.map_failures, 1);
		assert_int_equal(stats.pages_live, 0);
		/* And the next one is not blamed for it. */
		w.refuse_from = UINT32_MAX;
		iotoll_dma_unmap_page(
			w.dev, iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE),
			4096, IOTOLL_DMA_TO_DEVICE);
		iotoll_dma_domain_stats(w.domain, &stats);
		assert_int_equal(stats.maps, 1);
		assert_int_equal(stats.unmaps, 1);
		tear_down(&w);
	}
}

static void a_list_refused_in_the_middle_is_taken_down_as_a_whole(void **state)
{
	struct iotoll_dma_stats stats;
	struct iotoll_sg sg[5];
	static struct world w;

	(void)state;
	for (int multicall = 0; multicall < 2; multicall++) {
		set_up(&w, "unflushed", multicall);
		w.refuse_from = 2;
		w.refusal = -ENOSPC;
		for (unsigned i = 0; i < 5; i++)
			sg[i] = (struct iotoll_sg){.paddr = page(20 + 2 * i), .bytes = 4096};
		assert_int_equal(iotoll_dma_map_sg(w.dev, sg, 5, IOTOLL_DMA_TO_DEVICE), 0);
		for (unsigned i = 0; i < sizeof(w.table); i++)
			assert_int_equal(w.table[i], 0);
		iotoll_dma_domain_stats(w.domain, &stats);
		assert_int_equal(stats.map_failures, 1);
		assert_int_equal(stats.pages_live, 0);
		tear_down(&w);
	}
}

/* Two elements for one request, of which the second is carried out: an unmap stops before it. */
static void what_was_mapped_behind_a_refused_page_is_taken_back(void **state)
{
	static const char *const strategies[] = {"unflushed", "strict", "never-free"};
	static struct world w;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		set_up(&w, strategies[i / 2], i % 2);
		w.guest.entry[20] = UINT64_C(400) << PAGE_SHIFT | GUEST_RW;
		w.refuse_from = 0;
		w.refuse_to = 1;
		w.refusal = -EBUSY;
		assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
			w.dev, page(20), 3 * PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE)));
		assert_element(&w.call[0], XEN_IOMMU_MAP, XEN_IOMMU_W, 4, 400, 1);
		assert_element(&w.call[1], XEN_IOMMU_MAP, XEN_IOMMU_W, 5, 277, 2);
		for (unsigned e = 0; e < sizeof(w.table); e++)
			assert_int_equal(w.table[e], 0);
		/* And no IOTLB has what was cleared last. */
		if (i / 2 == 1)
			assert_int_equal(w.call[w.calls - 1].element.what, XEN_IOMMU_FLUSH);
		tear_down(&w);
	}
}

static void a_call_that_fails_as_a_whole_maps_nothing(void **state)
{
	static struct world w;

	(void)state;
	for (int multicall = 0; multicall < 2; multicall++) {
		set_up(&w, "unflushed", multicall);
		w.whole = -EFAULT;
		assert_true(iotoll_dma_mapping_error(
			iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE)));
		w.whole = 0;
		tear_down(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_never_freed_entry_that_was_refused_is_made_by_its_next_owner),
		cmocka_unit_test(buffers_of_which_one_is_refused_are_all_taken_back),
		cmocka_unit_test(a_refusal_is_told_at_the_doorbell_and_a_flush_waits_for_nothing),
		cmocka_unit_test(a_refused_page_is_a_mapping_error_and_leaves_nothing),
		cmocka_unit_test(a_list_refused_in_the_middle_is_taken_down_as_a_whole),
		cmocka_unit_test(what_was_mapped_behind_a_refused_page_is_taken_back),
		cmocka_unit_test(a_call_that_fails_as_a_whole_maps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The driver of a domain: which hypercalls maps, unmaps and lists become, and in what order.
 */
#include "xen_guest_fixture.h"

static void a_map_and_an_unmap_are_a_hypercall_each_and_name_machine_frames(void **state)
{
	static struct world w;
	iotoll_iova_t iova;

	(void)state;
	set_up(&w, "unflushed", false);
	iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(20 * PAGE_BYTES + 0x123), 100,
				   IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w.crossings, 1);
	/* Entries 0..3 are withheld; page 20 lies on frame 256 + 20. */
	assert_int_equal(IOTOLL_IOVA_U64(iova), 4 * PAGE_BYTES + 0x123);
	assert_element(&w.call[0], XEN_IOMMU_MAP, XEN_IOMMU_W, 4, 276, 1);
	iotoll_dma_unmap_page(w.dev, iova, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w.crossings, 2);
	assert_element(&w.call[1], XEN_IOMMU_UNMAP, 0, 4, 0, 1);
	tear_down(&w);
}

/* The kernel's p2m list has the address at which devices reach another domain's page. */
static void a_page_that_brought_its_entry_along_is_mapped_without_a_hypercall(void **state)
{
	static struct world w;
	uint64_t *p2m;
	iotoll_iova_t iova;

	(void)state;
	set_up(&w, "unflushed", false);
	w.hypervisor.p2m = 40 * PAGE_BYTES;
	w.hypervisor.lent_from = 60;
	p2m = memory_ptr_write(w.guest.view, w.hypervisor.p2m, PAGE_BYTES);
	p2m[20] = 62 | XEN_P2M_FOREIGN;
	p2m[21] = 277;
	p2m[22] = UINT64_MAX;
	iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(20 * PAGE_BYTES + 0x123), 100,
				   IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(IOTOLL_IOVA_U64(iova), 62 * PAGE_BYTES + 0x123);
	iotoll_dma_unmap_page(w.dev, iova, 100, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(w.crossings, 0);
	/* Pages of its own, pages with nothing, and what is not in one page: as always. */
	for (unsigned i = 0; i < 3; i++) {
		const phys_t at = i == 2 ? 20 * PAGE_BYTES + 4000 : (21 + i) * PAGE_BYTES;

		iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(at), 200, IOTOLL_DMA_TO_DEVICE);
		assert_true(IOTOLL_IOVA_U64(iova) < 60 * PAGE_BYTES);
		assert_int_equal(w.crossings, 2 * i + 1);
		iotoll_dma_unmap_page(w.dev, iova, 200, IOTOLL_DMA_TO_DEVICE);
	}
	tear_down(&w);
}

static void rights_are_those_of_the_direction(void **state)
{
	static const enum iotoll_dma_dir dir[] = {IOTOLL_DMA_TO_DEVICE, IOTOLL_DMA_FROM_DEVICE,
						  IOTOLL_DMA_BIDIRECTIONAL};
	static const unsigned flags[] = {XEN_IOMMU_R, XEN_IOMMU_W, XEN_IOMMU_R | XEN_IOMMU_W};
	static struct world w;

	(void)state;
	set_up(&w, "unflushed", false);
	for (unsigned i = 0; i < 3; i++) {
		const iotoll_iova_t iova = iotoll_dma_map_page(w.dev, page(20), 4096, dir[i]);

		assert_int_equal(w.call[w.calls - 1].element.flags, flags[i]);
		iotoll_dma_unmap_page(w.dev, iova, 4096, dir[i]);
	}
	tear_down(&w);
}

static void pages_in_a_row_in_the_machine_are_one_element_and_others_are_not(void **state)
{
	static struct world w;
	iotoll_iova_t iova;

	(void)state;
	set_up(&w, "unflushed", false);
	w.guest.entry[22] = (uint64_t)900 << PAGE_SHIFT | GUEST_RW; /* a flipped page */
	iova = iotoll_dma_map_page(w.dev, page(20), 5 * 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(w.calls, 3);
	/* 4 pages fit below the withheld ones at 10 and 11, 5 do so too: 4..8. */
	assert_element(&w.call[0], XEN_IOMMU_MAP, XEN_IOMMU_R, 4, 276, 2);
	assert_element(&w.call[1], XEN_IOMMU_MAP, XEN_IOMMU_R, 6, 900, 1);
	assert_element(&w.call[2], XEN_IOMMU_MAP, XEN_IOMMU_R, 7, 279, 2);
	iotoll_dma_unmap_page(w.dev, iova, 5 * 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(w.calls, 4);
	assert_element(&w.call[3], XEN_IOMMU_UNMAP, 0, 4, 0, 5);
	tear_down(&w);
}

static void withheld_entries_are_never_given_out(void **state)
{
	iotoll_iova_t iova[sizeof(((struct world *)0)->table)];
	static struct world w;
	unsigned n = 0;

	(void)state;
	set_up(&w, "unflushed", false);
	for (;;) {
		iova[n] = iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE);
		w.calls = 0;
		if (iotoll_dma_mapping_error(iova[n]))
			break;
		n++;
	}
	/* The allocator, as Linux's, never hands out the table's last entry. */
	assert_int_equal(n, sizeof(w.table) - 6 - 1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(w.table[i], 0);
	assert_int_equal(w.table[10] | w.table[11], 0);
	while (n--) {
		iotoll_dma_unmap_page(w.dev, iova[n], 4096, IOTOLL_DMA_TO_DEVICE);
		w.calls = 0;
	}
	tear_down(&w);
}

static void a_multicall_takes_a_whole_list_across_once(void **state)
{
	struct iotoll_sg sg[5];
	static struct world w;

	(void)state;
	set_up(&w, "unflushed", true);
	for (unsigned i = 0; i < 5; i++)
		sg[i] = (struct iotoll_sg){.paddr = page(20 + 2 * i), .bytes = 4096};
	assert_int_equal(iotoll_dma_map_sg(w.dev, sg, 5, IOTOLL_DMA_TO_DEVICE), 5);
	assert_int_equal(w.crossings, 1);
	assert_int_equal(w.calls, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_element(&w.call[i], XEN_IOMMU_MAP, XEN_IOMMU_R, 4 + i, 276 + 2 * i, 1);
	iotoll_dma_unmap_sg(w.dev, sg, 5, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(w.crossings, 2);
	assert_int_equal(w.calls, 10);
	tear_down(&w);
}

/* Section 4.3.3: the hypercall takes an array. */
static void buffers_of_one_call_cross_together_with_the_flush_they_need(void **state)
{
	static const char *const strategies[] = {"unflushed", "strict"};
	struct iotoll_sg sg[20];
	static struct world w;

	(void)state;
	for (unsigned s = 0; s < 2; s++) {
		set_up(&w, strategies[s], false);
		for (unsigned i = 0; i < 20; i++)
			sg[i] = (struct iotoll_sg){.paddr = page(20 + 2 * i), .bytes = 4096};
		assert_int_equal(iotoll_dma_map_multi(w.dev, sg, 20, IOTOLL_DMA_TO_DEVICE, NULL),
				 20);
		assert_int_equal(w.crossings, 1);
		assert_int_equal(w.calls, 20);
		/* Withheld entries 10 and 11 are no place for a run. */
		for (unsigned i = 0; i < 20; i++)
			assert_element(&w.call[i], XEN_IOMMU_MAP, XEN_IOMMU_R, 12 + i, 276 + 2 * i,
				       1);
		w.calls = 0;
		iotoll_dma_unmap_multi(w.dev, sg, 20, IOTOLL_DMA_TO_DEVICE, NULL);
		assert_int_equal(w.crossings, 2);
		assert_int_equal(w.calls, 20 + s);
		if (s)
			assert_element(&w.call[20], XEN_IOMMU_FLUSH, 0, 0, 0, 0);
		/* And the next call is by itself again. */
		iotoll_dma_unmap_page(
			w.dev, iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE),
			4096, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(w.crossings, 4 + s);
		tear_down(&w);
	}
}

/* Section 4.3.4: an unmap crosses not at all, the map that comes round once. */
static void never_freed_entries_are_replaced_in_one_crossing(void **state)
{
	static struct world w;
	iotoll_iova_t iova;

	(void)state;
	set_up(&w, "never-free", false);
	do {
		iova = iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE);
		iotoll_dma_unmap_page(w.dev, iova, 4096, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(w.call[w.calls - 1].element.what, XEN_IOMMU_MAP);
		assert_int_equal(w.calls, w.crossings);
	} while (IOTOLL_IOVA_U64(iova) != 62 * PAGE_BYTES);
	w.calls = w.crossings = 0;
	iova = iotoll_dma_map_page(w.dev, page(30), 4096, IOTOLL_DMA_FROM_DEVICE);
	/* The lap is over: a flush, and the entry's next owner. */
	assert_int_equal(w.crossings, 2);
	assert_element(&w.call[0], XEN_IOMMU_FLUSH, 0, 0, 0, 0);
	assert_element(&w.call[1], XEN_IOMMU_REPLACE, XEN_IOMMU_W, 4, 286, 1);
	iotoll_dma_unmap_page(w.dev, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w.crossings, 2);
	memset(w.table, 0, sizeof(w.table)); /* never freed indeed */
	tear_down(&w);
}

/* Section 4.2: addresses are the guest's own to give out, so the table can have them later. */
static void entries_wait_for_the_doorbell_and_cross_in_the_order_of_the_calls(void **state)
{
	static struct world w;
	iotoll_iova_t a, b;

	(void)state;
	set_up_lists(&w, "unflushed", true, 64);
	a = iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_FROM_DEVICE);
	b = iotoll_dma_map_page(w.dev, page(30), 4096, IOTOLL_DMA_TO_DEVICE);
	iotoll_dma_unmap_page(w.dev, a, 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w.crossings, 0);
	assert_int_equal(iotoll_dma_publish(w.dev), 0);
	assert_int_equal(w.crossings, 1);
	assert_int_equal(w.calls, 3);
	assert_element(&w.call[0], XEN_IOMMU_MAP, XEN_IOMMU_W, 4, 276, 1);
	assert_element(&w.call[1], XEN_IOMMU_MAP, XEN_IOMMU_R, 5, 286, 1);
	assert_element(&w.call[2], XEN_IOMMU_UNMAP, 0, 4, 0, 1);
	/* Nothing is left: another doorbell costs nothing. */
	assert_int_equal(iotoll_dma_publish(w.dev), 0);
	assert_int_equal(w.crossings, 1);
	iotoll_dma_unmap_page(w.dev, b, 4096, IOTOLL_DMA_TO_DEVICE);
	/* What is about to lose its frame is out of the table first. */
	assert_int_equal(w.table[5], 1);
	iotoll_dma_forget(w.domain, page(30), 4096);
	assert_int_equal(w.table[5], 0);
	tear_down(&w);
}

static void a_list_goes_when_it_has_as_many_as_it_may(void **state)
{
	static struct world w;
	iotoll_iova_t iova[5];

	(void)state;
	set_up_lists(&w, "unflushed", true, 4);
	for (unsigned i = 0; i < 5; i++) {
		iova[i] =
			iotoll_dma_map_page(w.dev, page(20 + 2 * i), 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(w.crossings, i >= 3);
	}
	for (unsigned i = 0; i < 5; i++)
		iotoll_dma_unmap_page(w.dev, iova[i], 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w.crossings, 2);
	tear_down(&w); /* where the rest goes */
}

static void strict_unmaps_and_flushes_in_this_order(void **state)
{
	static struct world w;
	iotoll_iova_t iova;

	(void)state;
	for (int multicall = 0; multicall < 2; multicall++) {
		set_up(&w, "strict", multicall);
		iova = iotoll_dma_map_page(w.dev, page(20), 4096, IOTOLL_DMA_TO_DEVICE);
		w.calls = w.crossings = 0;
		iotoll_dma_unmap_page(w.dev, iova, 4096, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(w.crossings, multicall ? 1 : 2);
		assert_element(&w.call[0], XEN_IOMMU_UNMAP, 0, 4, 0, 1);
		assert_element(&w.call[1], XEN_IOMMU_FLUSH, 0, 0, 0, 0);
		tear_down(&w);
	}
}

static void without_an_iommu_devices_are_given_machine_addresses(void **state)
{
	const struct iotoll_dma_config config = {.driver = "none", .strategy = "off"};
	struct iotoll_dma_device *dev;
	struct iotoll_dma_domain *domain;
	struct dma_env env;
	static struct world w;

	(void)state;
	set_up(&w, "unflushed", false);
	env = (struct dma_env){.machine = w.guest.m, .hypervisor = &w.hypervisor};
	assert_int_equal(iotoll_dma_domain_create(&domain, &env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&dev, domain, 9, UINT64_MAX), 0);
	w.guest.entry[22] = (uint64_t)900 << PAGE_SHIFT | GUEST_RW;
	w.guest.entry[40] = 0;
	assert_int_equal(
		IOTOLL_IOVA_U64(iotoll_dma_map_page(dev, page(20), 2 * 4096, IOTOLL_DMA_TO_DEVICE)),
		276 * PAGE_BYTES);
	assert_int_equal(
		IOTOLL_IOVA_U64(iotoll_dma_map_page(dev, page(22), 4096, IOTOLL_DMA_TO_DEVICE)),
		900 * PAGE_BYTES);
	/* Two pages that do not follow each other, and one that is not there. */
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(dev, page(21), 2 * 4096, IOTOLL_DMA_TO_DEVICE)));
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(dev, page(40), 4096, IOTOLL_DMA_TO_DEVICE)));
	assert_int_equal(w.crossings, 0);
	iotoll_dma_detach(dev);
	iotoll_dma_domain_destroy(domain);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_and_an_unmap_are_a_hypercall_each_and_name_machine_frames),
		cmocka_unit_test(a_page_that_brought_its_entry_along_is_mapped_without_a_hypercall),
		cmocka_unit_test(rights_are_those_of_the_direction),
		cmocka_unit_test(pages_in_a_row_in_the_machine_are_one_element_and_others_are_not),
		cmocka_unit_test(withheld_entries_are_never_given_out),
		cmocka_unit_test(a_multicall_takes_a_whole_list_across_once),
		cmocka_unit_test(buffers_of_one_call_cross_together_with_the_flush_they_need),
		cmocka_unit_test(never_freed_entries_are_replaced_in_one_crossing),
		cmocka_unit_test(entries_wait_for_the_doorbell_and_cross_in_the_order_of_the_calls),
		cmocka_unit_test(a_list_goes_when_it_has_as_many_as_it_may),
		cmocka_unit_test(strict_unmaps_and_flushes_in_this_order),
		cmocka_unit_test(without_an_iommu_devices_are_given_machine_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The AMD-Vi driver and the AMD-Vi hardware half on the two sides of memory and registers: what a
 * device reaches under each strategy.
 */
#include <errno.h>

#include "hw/amdvi.h"
#include "paged_hw.h"

static void strict_leaves_nothing_reachable_and_never_flushes_everything(void **state)
{
	struct iotlb_stats before, after;
	static struct hwrig h;
	uint64_t paddr;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	h.iommu->ops->stats(h.iommu, &before);
	for (unsigned i = 0; i < 1200; i++) { /* more commands than the buffer has room for */
		const uint64_t iova = hwrig_map(&h, OLD);

		assert_true(hwrig_reaches(&h, iova, OLD));
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &paddr), -EPERM);
		hwrig_unmap(&h, iova);
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
	}
	h.iommu->ops->stats(h.iommu, &after);
	assert_int_equal(after.flushes, before.flushes);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	assert_int_equal(hwrig_stats(&h).invalidations, 1200);
	assert_int_equal(hwrig_stats(&h).flush_timeouts, 0);
	assert_int_equal(amdvi_stray_accesses(h.iommu), 0);
	hwrig_close(&h);
}

static void strict_forgets_one_page_and_leaves_the_neighbours_cached(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	paged_one_page_is_forgotten(&h);
	hwrig_close(&h);
}

static void device_nobody_attached_reaches_nothing(void **state)
{
	const struct iotoll_source stranger = {.devid = 0x10};
	struct iotoll_xlat x;
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_int_equal(iommu_translate(h.iommu, stranger, iova, IOTOLL_WRITE, &x), -EPERM);
	assert_int_equal(iommu_translate(h.iommu, stranger, iova, IOTOLL_READ, &x), -EPERM);
	hwrig_close(&h);
}

static void detached_device_reaches_nothing_not_even_what_was_cached(void **state)
{
	static struct hwrig h;
	struct iotoll_dma_fault fault;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start_amdvi(&h, "unflushed", 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	assert_true(hwrig_reaches(&h, iova, OLD)); /* nobody has told the IOTLB */
	iotoll_dma_detach(h.dev);
	h.dev = NULL;
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
	/* IO_PAGE_FAULT with PR, RW, PE: Mode 0 without rights. */
	assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
	assert_int_equal(fault.status, 2);
	assert_int_equal(fault.detail, 0x070);
	assert_int_equal(fault.agent, 8);
	assert_int_equal(fault.iova, iova);
	assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 0);
	hwrig_close(&h);
}

static void events_are_told_and_an_overflown_log_starts_again(void **state)
{
	static struct hwrig h;
	struct iotoll_dma_fault fault;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	iova = hwrig_map(&h, OLD);
	for (unsigned round = 0; round < 3; round++) {
		/* 511 fit, some are lost. */
		for (unsigned i = 0; i < 600; i++)
			assert_int_equal(hwrig_access(&h, 0x700000 + i * 4096, IOTOLL_READ, &paddr),
					 -EPERM);
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
		assert_int_equal(fault.iova, 0x700000);
		assert_int_equal(fault.detail, 0);
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, NULL), 0);
		assert_true(hwrig_reaches(&h, iova, OLD));
	}
	hwrig_close(&h);
}

static void two_domains_of_one_unit_do_not_see_each_others_pages(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	paged_domains_do_not_see_each_other(&h, "amdvi");
	hwrig_close(&h);
}

static void untranslated_domain_lets_its_device_through_beside_a_translated_one(void **state)
{
	const struct iotoll_dma_config config = {.driver = "amdvi", .strategy = "off"};
	const struct iotoll_source second = {.devid = 0x10};
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	struct iotoll_xlat xlat;
	static struct hwrig h;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	assert_int_equal(iotoll_dma_domain_create(&domain, h.env, &config, NULL, 0), 0);
	assert_int_equal(iommu_translate(h.iommu, second, 0x5000, IOTOLL_READ, &xlat), -EPERM);
	assert_int_equal(iotoll_dma_attach(&dev, domain, 0x10, UINT64_MAX), 0);
	assert_int_equal(iommu_translate(h.iommu, second, 0x5000, IOTOLL_READ, &xlat), 0);
	assert_true(xlat.bypass);
	iotoll_dma_domain_destroy(domain);
	assert_int_equal(iommu_translate(h.iommu, second, 0x5000, IOTOLL_READ, &xlat), -EPERM);
	hwrig_close(&h);
}

static void live_mappings_lead_to_their_own_pages(void **state)
{
	static const char *const strategies[] = {"strict", "deferred-tracked", "flush-queue"};
	const uint64_t seed = rig_seed();

	(void)state;
	for (unsigned s = 0; s < COUNT(strategies); s++) {
		static struct hwrig h;

		hwrig_start_amdvi(&h, strategies[s], 8192, (seed + s) % 8192);
		paged_random_program(&h, s == 0, seed + s);
		hwrig_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_leaves_nothing_reachable_and_never_flushes_everything),
		cmocka_unit_test(strict_forgets_one_page_and_leaves_the_neighbours_cached),
		cmocka_unit_test(device_nobody_attached_reaches_nothing),
		cmocka_unit_test(detached_device_reaches_nothing_not_even_what_was_cached),
		cmocka_unit_test(events_are_told_and_an_overflown_log_starts_again),
		cmocka_unit_test(two_domains_of_one_unit_do_not_see_each_others_pages),
		cmocka_unit_test(
			untranslated_domain_lets_its_device_through_beside_a_translated_one),
		cmocka_unit_test(live_mappings_lead_to_their_own_pages),
	};

	return cmocka_run_group_tests_name("dma/amdvi_hw", tests, NULL, NULL);
}

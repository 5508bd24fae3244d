/* SPDX-License-Identifier: MIT */
/*
 * The AMD-Vi driver and the AMD-Vi hardware half on the two sides of memory and registers: what a
 * device reaches under each strategy.
 */
#include <errno.h>

#include "base/rng.h"
#include "hw/amdvi.h"
#include "hwrig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OLD      UINT64_C(0x0A0A000)
#define NEW      UINT64_C(0x0B0B000)

static bool reaches(struct hwrig *h, uint64_t iova, uint64_t want)
{
	uint64_t paddr;

	return hwrig_access(h, iova, IOMMU_WRITE, &paddr) == 0 && paddr == want;
}

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

		assert_true(reaches(&h, iova, OLD));
		assert_int_equal(hwrig_access(&h, iova, IOMMU_READ, &paddr), -EPERM);
		hwrig_unmap(&h, iova);
		assert_int_equal(hwrig_access(&h, iova, IOMMU_WRITE, &paddr), -EPERM);
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
	struct iotlb_stats before, after;
	static struct hwrig h;
	uint64_t iova[8];

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	for (unsigned i = 0; i < 8; i++) {
		iova[i] = hwrig_map(&h, OLD + i * 4096);
		assert_true(reaches(&h, iova[i], OLD + i * 4096));
	}
	hwrig_unmap(&h, iova[3]);
	h.iommu->ops->stats(h.iommu, &before);
	for (unsigned i = 0; i < 8; i++)
		if (i != 3)
			assert_true(reaches(&h, iova[i], OLD + i * 4096));
	h.iommu->ops->stats(h.iommu, &after);
	assert_int_equal(after.hits - before.hits, 7);
	assert_int_equal(after.misses, before.misses);
	hwrig_close(&h);
}

static void device_nobody_attached_reaches_nothing(void **state)
{
	const struct iommu_source stranger = {.devid = 0x10};
	struct iommu_xlat x;
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_int_equal(iommu_translate(h.iommu, stranger, iova, IOMMU_WRITE, &x), -EPERM);
	assert_int_equal(iommu_translate(h.iommu, stranger, iova, IOMMU_READ, &x), -EPERM);
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
	assert_true(reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	assert_true(reaches(&h, iova, OLD)); /* nobody has told the IOTLB */
	iotoll_dma_detach(h.dev);
	h.dev = NULL;
	assert_int_equal(hwrig_access(&h, iova, IOMMU_WRITE, &paddr), -EPERM);
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
			assert_int_equal(hwrig_access(&h, 0x700000 + i * 4096, IOMMU_READ, &paddr),
					 -EPERM);
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
		assert_int_equal(fault.iova, 0x700000);
		assert_int_equal(fault.detail, 0);
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, NULL), 0);
		assert_true(reaches(&h, iova, OLD));
	}
	hwrig_close(&h);
}

static void two_domains_of_one_unit_do_not_see_each_others_pages(void **state)
{
	struct iotoll_dma_config config = {.driver = "amdvi",
					   .strategy = "strict",
					   .allocator = "next-fit",
					   .table_entries = 8192,
					   .check_misuse = true};
	const struct iommu_source second = {.devid = 0x10};
	struct iotoll_dma_device *dev, *none;
	struct iotoll_dma_domain *domain;
	struct iommu_xlat xlat;
	static struct hwrig h;
	iotoll_iova_t iova;
	uint64_t mine;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	assert_int_equal(iotoll_dma_domain_create(&domain, h.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&none, domain, 8, UINT32_MAX), -EBUSY);
	assert_int_equal(iotoll_dma_attach(&dev, domain, 0x10, UINT32_MAX), 0);
	mine = hwrig_map(&h, OLD);
	iova = iotoll_dma_map_page(dev, IOTOLL_PHYS(NEW), 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(IOTOLL_IOVA_U64(iova), mine); /* the same address in both */
	assert_true(reaches(&h, mine, OLD));
	assert_int_equal(iommu_translate(h.iommu, second, mine, IOMMU_WRITE, &xlat), 0);
	assert_int_equal(xlat.paddr, NEW);
	hwrig_unmap(&h, mine);
	assert_int_equal(iommu_translate(h.iommu, second, mine, IOMMU_WRITE, &xlat), 0);
	assert_true(xlat.hit);
	iotoll_dma_domain_destroy(domain);
	assert_int_equal(iommu_translate(h.iommu, second, mine, IOMMU_WRITE, &xlat), -EPERM);
	mine = hwrig_map(&h, OLD);
	assert_true(reaches(&h, mine, OLD));
	hwrig_close(&h);
}

static void untranslated_domain_lets_its_device_through_beside_a_translated_one(void **state)
{
	const struct iotoll_dma_config config = {.driver = "amdvi", .strategy = "off"};
	const struct iommu_source second = {.devid = 0x10};
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	struct iommu_xlat xlat;
	static struct hwrig h;

	(void)state;
	hwrig_start_amdvi(&h, "strict", 64, 0);
	assert_int_equal(iotoll_dma_domain_create(&domain, h.env, &config, NULL, 0), 0);
	assert_int_equal(iommu_translate(h.iommu, second, 0x5000, IOMMU_READ, &xlat), -EPERM);
	assert_int_equal(iotoll_dma_attach(&dev, domain, 0x10, UINT64_MAX), 0);
	assert_int_equal(iommu_translate(h.iommu, second, 0x5000, IOMMU_READ, &xlat), 0);
	assert_true(xlat.bypass);
	iotoll_dma_domain_destroy(domain);
	assert_int_equal(iommu_translate(h.iommu, second, 0x5000, IOMMU_READ, &xlat), -EPERM);
	hwrig_close(&h);
}

/*
 * Whatever happens, a live mapping leads to its own pages, and under strict nothing else leads
 * anywhere, through an IOTLB that never forgets by itself.
 */
static void random_program(const char *strategy, uint64_t seed)
{
	struct {
		uint64_t iova, paddr, pages;
	} live[200];
	const bool strict = strcmp(strategy, "strict") == 0;
	static struct hwrig h;
	unsigned n = 0;
	struct rng rng;
	uint64_t paddr;

	rng_seed(&rng, seed);
	hwrig_start_amdvi(&h, strategy, 8192, rng_below(&rng, 8192));
	for (unsigned step = 0; step < 12000; step++) {
		if (rng_below(&rng, 200) == 0)
			(void)iotoll_dma_domain_tick(h.domain);
		if (n < COUNT(live) && (n == 0 || rng_below(&rng, 2))) {
			const uint64_t pages = 1 + rng_below(&rng, 7);

			live[n].pages = pages;
			live[n].paddr = (1 + rng_below(&rng, 16000)) << 12;
			live[n].iova = IOTOLL_IOVA_U64(
				iotoll_dma_map_page(h.dev, IOTOLL_PHYS(live[n].paddr), pages << 12,
						    IOTOLL_DMA_FROM_DEVICE));
			assert_true(live[n].iova != UINT64_MAX);
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(live[i].iova), live[i].pages << 12,
					      IOTOLL_DMA_FROM_DEVICE);
			for (uint64_t p = 0; strict && p < live[i].pages; p++)
				assert_int_equal(hwrig_access(&h, live[i].iova + (p << 12),
							      IOMMU_WRITE, &paddr),
						 -EPERM);
			live[i] = live[--n];
		}
		if (n) {
			const unsigned i = (unsigned)rng_below(&rng, n);

			for (uint64_t p = 0; p < live[i].pages; p++)
				assert_true(reaches(&h, live[i].iova + (p << 12),
						    live[i].paddr + (p << 12)));
		}
	}
	assert_true(hwrig_stats(&h).wraps > 1);
	assert_int_equal(hwrig_stats(&h).flush_timeouts, 0);
	hwrig_close(&h);
}

static void live_mappings_lead_to_their_own_pages(void **state)
{
	static const char *const strategies[] = {"strict", "deferred-tracked", "flush-queue"};
	const uint64_t seed = rig_seed();

	(void)state;
	for (unsigned s = 0; s < COUNT(strategies); s++)
		random_program(strategies[s], seed + s);
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

/* SPDX-License-Identifier: MIT */
/*
 * The VT-d driver and the VT-d hardware half on the two sides of memory and registers: what a
 * device reaches under each strategy, on units of differing abilities.
 */
#include <errno.h>

#include "base/rng.h"
#include "hw/vtd.h"
#include "hwrig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OLD      UINT64_C(0x0A0A000)
#define NEW      UINT64_C(0x0B0B000)

static bool reaches(struct hwrig *h, uint64_t iova, uint64_t want)
{
	uint64_t paddr;

	return hwrig_access(h, iova, IOMMU_WRITE, &paddr) == 0 && paddr == want;
}

/* Units to try: a Xeon, and it with one ability more or less. NULL past the last. */
static const char *unit(unsigned index, struct vtd_config *out)
{
	static const char *const names[] = {
		"xeon",     "like QEMU",  "caching mode", "no queue", "no page-selective",
		"coherent", "small mask", "3 levels",
	};

	*out = vtd_xeon;
	switch (index) {
	case 1:
		*out = vtd_like_qemu;
		break;
	case 2:
		out->caching_mode = true;
		break;
	case 3:
		out->queued = false;
		break;
	case 4:
		out->page_selective = false;
		out->max_mask = 0;
		break;
	case 5:
		out->coherent = true;
		break;
	case 6:
		out->max_mask = 1;
		break;
	case 7:
		out->levels_4 = false;
		out->guest_bits = 39;
		break;
	default:
		break;
	}
	return index < COUNT(names) ? names[index] : NULL;
}

static void strict_leaves_nothing_reachable_on_any_unit(void **state)
{
	struct vtd_config config;

	(void)state;
	for (unsigned u = 0; unit(u, &config); u++) {
		static struct hwrig h;
		uint64_t paddr;

		hwrig_start_vtd(&h, &config, "strict", 64, 0);
		for (unsigned i = 0; i < 600; i++) {
			const uint64_t iova = hwrig_map(&h, OLD);

			assert_true(reaches(&h, iova, OLD));
			assert_int_equal(hwrig_access(&h, iova, IOMMU_READ, &paddr), -EPERM);
			hwrig_unmap(&h, iova);
			assert_int_equal(hwrig_access(&h, iova, IOMMU_WRITE, &paddr), -EPERM);
		}
		assert_int_equal(hwrig_stats(&h).flush_timeouts, 0);
		assert_true(hwrig_stats(&h).invalidations >= 600);
		assert_true(vtd_check(h.iommu));
		hwrig_close(&h);
	}
}

static void strict_forgets_one_page_and_leaves_the_neighbours_cached(void **state)
{
	struct iotlb_stats before, after;
	static struct hwrig h;
	uint64_t iova[8];

	(void)state;
	hwrig_start_vtd(&h, NULL, "strict", 64, 0);
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
	assert_int_equal(after.misses - before.misses, 0);
	hwrig_close(&h);
}

static void a_detached_device_reaches_nothing_not_even_what_was_cached(void **state)
{
	static struct hwrig h;
	struct iotoll_dma_fault fault;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start_vtd(&h, NULL, "unflushed", 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_true(reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	assert_true(reaches(&h, iova, OLD)); /* nobody has told the IOTLB */
	iotoll_dma_detach(h.dev);
	h.dev = NULL;
	assert_int_equal(hwrig_access(&h, iova, IOMMU_WRITE, &paddr), -EPERM);
	/* And it is told: context entry not present, requester 00:01.0, that page. */
	assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
	assert_int_equal(fault.detail, 2);
	assert_int_equal(fault.agent, 8);
	assert_int_equal(fault.iova, iova & ~UINT64_C(0xFFF));
	assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 0);
	hwrig_close(&h);
}

static void faults_are_told_one_watch_at_a_time_and_dma_goes_on(void **state)
{
	static struct hwrig h;
	struct iotoll_dma_fault fault;
	uint64_t iova, paddr;

	(void)state;
	hwrig_start_vtd(&h, NULL, "strict", 64, 0);
	iova = hwrig_map(&h, OLD);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(hwrig_access(&h, 0x700000 + i * 4096, IOMMU_WRITE, &paddr),
				 -EPERM);
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
		assert_int_equal(fault.iova, 0x700000 + i * 4096);
		assert_int_equal(fault.detail, 5); /* write without W */
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, NULL), 0);
		assert_true(reaches(&h, iova, OLD));
	}
	hwrig_close(&h);
}

static void two_domains_of_one_unit_do_not_see_each_others_pages(void **state)
{
	struct iotoll_dma_config config = {.driver = "vtd",
					   .strategy = "strict",
					   .allocator = "next-fit",
					   .table_entries = 8192,
					   .check_misuse = true};
	const struct iommu_source second = {.devid = 0x10};
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	struct iommu_xlat xlat;
	static struct hwrig h;
	iotoll_iova_t iova;
	uint64_t mine;

	(void)state;
	hwrig_start_vtd(&h, NULL, "strict", 64, 0);
	assert_int_equal(iotoll_dma_domain_create(&domain, h.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&dev, domain, 0x10, UINT32_MAX), 0);
	mine = hwrig_map(&h, OLD);
	iova = iotoll_dma_map_page(dev, IOTOLL_PHYS(NEW), 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(IOTOLL_IOVA_U64(iova), mine); /* the same address in both */
	assert_true(reaches(&h, mine, OLD));
	assert_int_equal(iommu_translate(h.iommu, second, mine, IOMMU_WRITE, &xlat), 0);
	assert_int_equal(xlat.paddr, NEW);
	/* Forgetting it in one leaves it cached in the other. */
	hwrig_unmap(&h, mine);
	assert_int_equal(iommu_translate(h.iommu, second, mine, IOMMU_WRITE, &xlat), 0);
	assert_int_equal(xlat.paddr, NEW);
	assert_true(xlat.hit);
	iotoll_dma_domain_destroy(domain);
	assert_int_equal(iommu_translate(h.iommu, second, mine, IOMMU_WRITE, &xlat), -EPERM);
	mine = hwrig_map(&h, OLD);
	assert_true(reaches(&h, mine, OLD));
	hwrig_close(&h);
}

/*
 * Whatever happens, a live mapping leads to its own pages, and under strict nothing else leads
 * anywhere; on every unit, through an IOTLB that never forgets by itself.
 */
static void random_program(const char *strategy, const struct vtd_config *config, uint64_t seed)
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
	hwrig_start_vtd(&h, config, strategy, 8192, rng_below(&rng, 8192));
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
	assert_true(vtd_check(h.iommu));
	hwrig_close(&h);
}

static void live_mappings_lead_to_their_own_pages_on_every_unit(void **state)
{
	static const char *const strategies[] = {"strict", "deferred-tracked", "flush-queue"};
	const uint64_t seed = rig_seed();
	struct vtd_config config;

	(void)state;
	for (unsigned u = 0; unit(u, &config); u++)
		for (unsigned s = 0; s < COUNT(strategies); s++)
			random_program(strategies[s], &config, seed + u);
}

/* The IOTLB knows no wrap: what deferred leaves behind is seen here as on Calgary. */
static void the_roll_around_gap_is_there_under_deferred_and_not_with_the_flush_queue(void **state)
{
	static const char *const strategies[] = {"deferred", "flush-queue"};

	(void)state;
	for (unsigned s = 0; s < 2; s++) {
		static struct hwrig h;
		uint64_t survivor, at = 0;

		hwrig_start_vtd(&h, NULL, strategies[s], 64, 4000);
		survivor = hwrig_map(&h, OLD);
		while (hwrig_stats(&h).wraps == 0)
			hwrig_unmap(&h, hwrig_map(&h, 0x1000));
		assert_true(reaches(&h, survivor, OLD));
		hwrig_unmap(&h, survivor);
		while (at != survivor) {
			at = hwrig_map(&h, NEW);
			if (at != survivor)
				hwrig_unmap(&h, at);
		}
		assert_int_equal(hwrig_stats(&h).wraps, 1);
		assert_true(reaches(&h, at, s == 0 ? OLD : NEW));
		hwrig_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_leaves_nothing_reachable_on_any_unit),
		cmocka_unit_test(strict_forgets_one_page_and_leaves_the_neighbours_cached),
		cmocka_unit_test(a_detached_device_reaches_nothing_not_even_what_was_cached),
		cmocka_unit_test(faults_are_told_one_watch_at_a_time_and_dma_goes_on),
		cmocka_unit_test(two_domains_of_one_unit_do_not_see_each_others_pages),
		cmocka_unit_test(live_mappings_lead_to_their_own_pages_on_every_unit),
		cmocka_unit_test(
			the_roll_around_gap_is_there_under_deferred_and_not_with_the_flush_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The VT-d driver and the VT-d hardware half on the two sides of memory and registers: what a
 * device reaches under each strategy, on units of differing abilities.
 */
#include <errno.h>

#include "hw/vtd.h"
#include "paged_hw.h"

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

			assert_true(hwrig_reaches(&h, iova, OLD));
			assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &paddr), -EPERM);
			hwrig_unmap(&h, iova);
			assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
		}
		assert_int_equal(hwrig_stats(&h).flush_timeouts, 0);
		assert_true(hwrig_stats(&h).invalidations >= 600);
		assert_true(vtd_check(h.iommu));
		hwrig_close(&h);
	}
}

static void strict_forgets_one_page_and_leaves_the_neighbours_cached(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start_vtd(&h, NULL, "strict", 64, 0);
	paged_one_page_is_forgotten(&h);
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
	assert_true(hwrig_reaches(&h, iova, OLD));
	hwrig_unmap(&h, iova);
	assert_true(hwrig_reaches(&h, iova, OLD)); /* nobody has told the IOTLB */
	iotoll_dma_detach(h.dev);
	h.dev = NULL;
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
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
		assert_int_equal(hwrig_access(&h, 0x700000 + i * 4096, IOTOLL_WRITE, &paddr),
				 -EPERM);
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
		assert_int_equal(fault.iova, 0x700000 + i * 4096);
		assert_int_equal(fault.detail, 5); /* write without W */
		assert_int_equal(iotoll_dma_domain_watchdog(h.domain, NULL), 0);
		assert_true(hwrig_reaches(&h, iova, OLD));
	}
	hwrig_close(&h);
}

static void two_domains_of_one_unit_do_not_see_each_others_pages(void **state)
{
	static struct hwrig h;

	(void)state;
	hwrig_start_vtd(&h, NULL, "strict", 64, 0);
	paged_domains_do_not_see_each_other(&h, "vtd");
	hwrig_close(&h);
}

static void live_mappings_lead_to_their_own_pages_on_every_unit(void **state)
{
	static const char *const strategies[] = {"strict", "deferred-tracked", "flush-queue",
						 "fast-and-safe"};
	const uint64_t seed = rig_seed();
	struct vtd_config config;

	(void)state;
	for (unsigned u = 0; unit(u, &config); u++)
		for (unsigned s = 0; s < COUNT(strategies); s++) {
			static struct hwrig h;

			hwrig_start_vtd(&h, &config, strategies[s], 8192, (seed + u) % 8192);
			paged_random_program(&h, s == 0 || s == 3, seed + u);
			assert_true(vtd_check(h.iommu));
			hwrig_close(&h);
		}
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
		assert_true(hwrig_reaches(&h, survivor, OLD));
		hwrig_unmap(&h, survivor);
		while (at != survivor) {
			at = hwrig_map(&h, NEW);
			if (at != survivor)
				hwrig_unmap(&h, at);
		}
		assert_int_equal(hwrig_stats(&h).wraps, 1);
		assert_true(hwrig_reaches(&h, at, s == 0 ? OLD : NEW));
		hwrig_close(&h);
	}
}

/* Reads of tables for a page that was used and unmapped: nothing else was asked for since. */
static unsigned reads_of_the_refused_walk(const char *strategy)
{
	static struct hwrig h;
	struct iotoll_xlat x;
	uint64_t iova, paddr;

	hwrig_start_vtd(&h, NULL, strategy, 64, 0);
	iova = hwrig_map(&h, OLD);
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), 0);
	hwrig_unmap(&h, iova);
	assert_int_equal(iommu_translate(h.iommu, (struct iotoll_source){.devid = 8}, iova,
					 IOTOLL_WRITE, &x),
			 -EPERM);
	hwrig_close(&h);
	return x.fetches;
}

static void fast_and_safe_leaves_what_is_cached_of_upper_tables(void **state)
{
	(void)state;
	assert_int_equal(reads_of_the_refused_walk("strict"), 4);
	assert_int_equal(reads_of_the_refused_walk("burst"), 4);
	assert_int_equal(reads_of_the_refused_walk("fast-and-safe"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast_and_safe_leaves_what_is_cached_of_upper_tables),
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

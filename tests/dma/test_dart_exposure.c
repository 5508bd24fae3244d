/* SPDX-License-Identifier: MIT */
/*
 * What a device reaches through DART, driver and hardware half together: what was mapped at once,
 * what was unmapped for how long, and where everything else leads.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

static const char *const models[] = {"dart-u3", "dart-u4"};

static void start_missing(struct hwrig *h, const char *model, const char *strategy,
			  bool unused_invalid, uint64_t missed_one_in)
{
	struct iommu_config hw = {.model = model, .dart = {.missed_one_in = missed_one_in}};
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = 1024,
						 .unused_invalid = unused_invalid,
						 .check_misuse = true};

	hw.iotlb = iommu_find(model)->geometry;
	strcpy(hw.iotlb.policy, "lru");
	hwrig_start_as(h, &hw, &config);
}

static void start(struct hwrig *h, const char *model, const char *strategy, bool unused_invalid)
{
	start_missing(h, model, strategy, unused_invalid, 0);
}

static uint64_t dummy_of(const struct hwrig *h)
{
	iotoll_phys_t dummy;

	assert_true(iotoll_dma_domain_dummy(h->domain, &dummy));
	return IOTOLL_PHYS_U64(dummy);
}

/* Where the device's read ends up. */
static uint64_t reached(struct hwrig *h, uint64_t iova)
{
	uint64_t paddr;

	assert_int_equal(hwrig_access(h, iova, IOTOLL_READ, &paddr), 0);
	return paddr;
}

static void strays_go_to_the_dummy_page_or_are_refused(void **state)
{
	static struct hwrig h;
	uint64_t paddr, iova;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		start(&h, models[m], "strict", false);
		assert_int_equal(reached(&h, 0x77123), dummy_of(&h) + 0x123);
		iova = hwrig_map(&h, OLD);
		assert_int_equal(reached(&h, iova), OLD);
		hwrig_unmap(&h, iova);
		assert_int_equal(reached(&h, iova), dummy_of(&h));
		/* Beyond the table there is no dummy. */
		assert_int_equal(hwrig_access(&h, 1024 * 4096, IOTOLL_READ, &paddr), -EPERM);
		hwrig_close(&h);
		start(&h, models[m], "strict", true);
		assert_int_equal(hwrig_access(&h, 0x77123, IOTOLL_READ, &paddr), -EPERM);
		iova = hwrig_map(&h, OLD);
		assert_int_equal(reached(&h, iova), OLD);
		hwrig_unmap(&h, iova);
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), -EPERM);
		hwrig_close(&h);
	}
}

/* A DMA nearby has brought the dummy into the TLB: the mapping must be seen all the same. */
static void a_mapping_is_seen_although_the_dummy_was_held_there(void **state)
{
	static struct hwrig h;
	uint64_t first, second;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		start(&h, models[m], "deferred", false);
		first = hwrig_map(&h, OLD);
		assert_int_equal(reached(&h, first), OLD);
		assert_int_equal(reached(&h, first + 4096), dummy_of(&h));
		second = hwrig_map(&h, NEW);
		assert_int_equal(second, first + 4096);
		assert_int_equal(reached(&h, second), NEW);
		hwrig_unmap(&h, first);
		hwrig_unmap(&h, second);
		hwrig_close(&h);
	}
}

static void u3_leaves_what_was_unmapped_reachable_until_the_next_map_of_anything(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	start(&h, "dart-u3", "deferred", false);
	iova = hwrig_map(&h, OLD);
	assert_int_equal(reached(&h, iova), OLD);
	hwrig_unmap(&h, iova);
	assert_int_equal(reached(&h, iova), OLD);
	hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(reached(&h, iova), dummy_of(&h));
	hwrig_close(&h);
}

static void u4_leaves_what_was_unmapped_reachable_until_the_entry_is_mapped_again(void **state)
{
	static struct hwrig h;
	uint64_t iova, at;

	(void)state;
	start(&h, "dart-u4", "deferred", false);
	iova = hwrig_map(&h, OLD);
	assert_int_equal(reached(&h, iova), OLD);
	hwrig_unmap(&h, iova);
	/* Around the table: 1023 entries can be used. */
	for (unsigned i = 0; i < 1022; i++) {
		at = hwrig_map(&h, NEW);
		assert_true(at != iova);
		hwrig_unmap(&h, at);
	}
	assert_int_equal(reached(&h, iova), OLD);
	at = hwrig_map(&h, NEW);
	assert_int_equal(at, iova);
	assert_int_equal(reached(&h, iova), NEW);
	assert_int_equal(hwrig_stats(&h).wraps, 1);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	hwrig_unmap(&h, at);
	hwrig_close(&h);
}

/*
 * Whatever happens, a live mapping leads to its own page. Under strict nothing else leads to
 * anything but the dummy; otherwise at most to the page that was last mapped there. A chip that
 * misses requests changes none of it, as the driver asks again.
 */
static void random_program(const char *model, const char *strategy, bool unused_invalid,
			   uint64_t missed_one_in, struct rng *rng)
{
	static uint64_t paddr[1024], last[1024];
	static struct hwrig h;
	uint64_t now;
	const bool strict = !strcmp(strategy, "strict");

	start_missing(&h, model, strategy, unused_invalid, missed_one_in);
	memset(paddr, 0, sizeof(paddr));
	memset(last, 0, sizeof(last));
	for (unsigned step = 0; step < 20000; step++) {
		const uint64_t page = rng_below(rng, 1023);

		if (rng_below(rng, 3) == 0) {
			const uint64_t at = (1 + rng_below(rng, 16000)) << 12;
			const iotoll_iova_t iova = iotoll_dma_map_page(h.dev, IOTOLL_PHYS(at), 4096,
								       IOTOLL_DMA_TO_DEVICE);

			if (iotoll_dma_mapping_error(iova))
				continue;
			paddr[IOTOLL_IOVA_U64(iova) >> 12] = at;
			last[IOTOLL_IOVA_U64(iova) >> 12] = at;
		} else if (paddr[page] && rng_below(rng, 2)) {
			iotoll_dma_unmap_page(h.dev, IOTOLL_IOVA(page << 12), 4096,
					      IOTOLL_DMA_TO_DEVICE);
			paddr[page] = 0;
		}
		if (hwrig_access(&h, page << 12, IOTOLL_WRITE, &now)) {
			assert_true(unused_invalid && !paddr[page]);
			continue;
		}
		if (paddr[page])
			assert_int_equal(now, paddr[page]);
		else if (unused_invalid)
			assert_true(!strict && now == last[page]);
		else
			assert_true(now == dummy_of(&h) || (!strict && now == last[page]));
	}
	assert_int_equal(hwrig_stats(&h).flush_timeouts, 0);
	assert_true(hwrig_stats(&h).wraps > 2);
	hwrig_close(&h);
}

static void live_mappings_lead_to_their_own_pages_whatever_the_strategy(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned m = 0; m < 2; m++)
		for (unsigned i = 0; rig_translating(i); i++)
			for (int invalid = 0; invalid < 2; invalid++)
				random_program(models[m], rig_translating(i), invalid, 0, &rng);
}

static void a_u3_that_misses_one_request_in_twenty_is_no_less_safe(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	random_program("dart-u3", "strict", false, 20, &rng);
	random_program("dart-u3", "deferred", true, 20, &rng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strays_go_to_the_dummy_page_or_are_refused),
		cmocka_unit_test(a_mapping_is_seen_although_the_dummy_was_held_there),
		cmocka_unit_test(
			u3_leaves_what_was_unmapped_reachable_until_the_next_map_of_anything),
		cmocka_unit_test(
			u4_leaves_what_was_unmapped_reachable_until_the_entry_is_mapped_again),
		cmocka_unit_test(live_mappings_lead_to_their_own_pages_whatever_the_strategy),
		cmocka_unit_test(a_u3_that_misses_one_request_in_twenty_is_no_less_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

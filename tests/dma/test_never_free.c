/* SPDX-License-Identifier: MIT */
/*
 * Never free: entries that stay valid until their next owner, with the hardware half's Calgary and
 * VT-d on the other side of memory and registers.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

#define OLD UINT64_C(0x0A0A000)
#define NEW UINT64_C(0x0B0B000)

static void lap(struct hwrig *h, uint64_t until)
{
	while (hwrig_map(h, NEW) != until)
		;
}

static void an_unmapped_page_is_reached_until_its_entry_has_a_new_owner(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	hwrig_start(&h, "never-free", 64, 0);
	iova = hwrig_map(&h, OLD);
	hwrig_unmap(&h, iova);
	assert_int_equal(hwrig_stats(&h).table_writes, 1);
	assert_int_equal(hwrig_stats(&h).pages_live, 1);
	/* Also what no IOTLB holds: the entry itself says so. */
	assert_true(hwrig_reaches(&h, iova, OLD));
	/* The rest of the lap; next-fit never uses the table's last entry. */
	for (uint64_t i = 2; i < hwrig_stats(&h).usable_entries; i++)
		hwrig_unmap(&h, hwrig_map(&h, NEW));
	assert_int_equal(hwrig_stats(&h).wraps, 0);
	assert_true(hwrig_reaches(&h, iova, OLD));
	assert_int_equal(hwrig_map(&h, NEW), iova);
	assert_true(hwrig_reaches(&h, iova, NEW));
	hwrig_close(&h);
}

static void a_cached_old_owner_is_forgotten_before_its_entry_serves_the_next(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	for (unsigned vtd = 0; vtd < 2; vtd++) {
		if (vtd)
			hwrig_start_vtd(&h, NULL, "never-free", 64, 0);
		else
			hwrig_start(&h, "never-free", 64, 0);
		iova = hwrig_map(&h, OLD);
		assert_true(hwrig_reaches(&h, iova, OLD));
		hwrig_unmap(&h, iova);
		lap(&h, iova);
		assert_int_equal(hwrig_stats(&h).wraps, 1);
		/* Calgary all of it at the wrap, VT-d entry by entry. */
		assert_int_equal(hwrig_stats(&h).flushes, !vtd);
		assert_int_equal(hwrig_stats(&h).invalidations, vtd);
		assert_true(hwrig_reaches(&h, iova, NEW));
		hwrig_close(&h);
	}
}

static void coherent_memory_goes_with_its_entries(void **state)
{
	static struct hwrig h;
	iotoll_phys_t paddr;
	iotoll_iova_t iova;
	uint64_t at;
	void *ptr;

	(void)state;
	hwrig_start(&h, "never-free", 64, 0);
	ptr = iotoll_dma_alloc_coherent(h.dev, 4096, &iova, &paddr);
	assert_non_null(ptr);
	assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(iova), IOTOLL_PHYS_U64(paddr)));
	iotoll_dma_free_coherent(h.dev, 4096, ptr, iova);
	assert_int_equal(hwrig_access(&h, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &at), -EPERM);
	hwrig_close(&h);
}

/* Two laps of requests of all lengths, each reaching its own memory while it lives. */
static void live_requests_always_reach_their_own_memory(void **state)
{
	static struct hwrig h;
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	hwrig_start(&h, "never-free", 64, 0);
	while (hwrig_stats(&h).wraps < 3) {
		const size_t bytes = 1 + rng_below(&rng, 20000);
		const uint64_t paddr = OLD + rng_below(&rng, 1u << 20);
		const iotoll_iova_t iova = iotoll_dma_map_page(h.dev, IOTOLL_PHYS(paddr), bytes,
							       IOTOLL_DMA_FROM_DEVICE);
		const uint64_t at = rng_below(&rng, bytes);

		assert_false(iotoll_dma_mapping_error(iova));
		assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(iova) + at, paddr + at));
		iotoll_dma_unmap_page(h.dev, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
	}
	assert_int_equal(hwrig_stats(&h).maps, hwrig_stats(&h).unmaps);
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unmapped_page_is_reached_until_its_entry_has_a_new_owner),
		cmocka_unit_test(a_cached_old_owner_is_forgotten_before_its_entry_serves_the_next),
		cmocka_unit_test(coherent_memory_goes_with_its_entries),
		cmocka_unit_test(live_requests_always_reach_their_own_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

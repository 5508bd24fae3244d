/* SPDX-License-Identifier: MIT */
/*
 * The VT-d driver's register accesses and queue descriptors, one by one. What each word should be
 * is worked out beside it from the published layouts; see vtdrig.h for the unit.
 */
#include "vtdrig.h"

#include <errno.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A wait descriptor: type 5, SW (bit 5), status 2 in 63:32. */
#define WAIT UINT64_C(0x0000000200000025)

static void a_unit_with_a_queue_is_brought_up_in_the_kernels_order(void **state)
{
	const struct iotoll_dma_config config = vtdrig_config("strict");
	static struct vtdrig rig;

	(void)state;
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	{
		const uint64_t root = rig.reg[RTADDR / 8];
		const struct rig_access want[] = {
			{'R', 8, CAP, CAP_VALUE},
			{'R', 8, ECAP, ECAP_VALUE},
			{'R', 4, GSTS, 0},          /* nothing was on */
			{'R', 4, FSTS, 0},          /* no old faults */
			{'W', 4, IQT, 0},           /* the queue: empty ... */
			{'W', 8, IQA, root + 4096}, /* ... one page of 128-bit descriptors ... */
			{'W', 4, GCMD, 0x04000000}, /* ... on */
			{'R', 4, GSTS, 0x04000000},
			{'W', 8, RTADDR, root},
			{'W', 4, GCMD, 0x44000000}, /* SRTP, and QIE stays */
			{'R', 4, GSTS, 0x44000000},
			{'W', 4, IQT, 0x20},        /* global context-cache invalidation, wait */
			{'W', 4, IQT, 0x40},        /* global IOTLB invalidation, wait */
			{'W', 4, GCMD, 0x84000000}, /* TE */
			{'R', 4, GSTS, 0xC4000000},
		};
		static const uint64_t descs[][2] = {
			{0x11, 0}, /* type 1, granularity 1 in 5:4 */
			{WAIT, 0},
			{0xD2, 0}, /* type 2, granularity 1, drain writes (6) and reads (7) */
			{WAIT, 0},
		};

		vtdrig_expect(&rig, want, COUNT(want));
		vtdrig_expect_descs(&rig, descs, COUNT(descs));
		assert_int_equal(root % 4096, 0);
	}
	vtdrig_close(&rig);
}

static void without_a_queue_the_caches_are_emptied_through_registers(void **state)
{
	const struct iotoll_dma_config config = vtdrig_config("strict");
	static struct vtdrig rig;

	(void)state;
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE & ~ECAP_QI);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	{
		const struct rig_access want[] = {
			{'R', 8, CAP, CAP_VALUE},
			{'R', 8, ECAP, ECAP_VALUE & ~ECAP_QI},
			{'R', 4, GSTS, 0},
			{'R', 4, FSTS, 0},
			{'W', 8, RTADDR, rig.reg[RTADDR / 8]},
			{'W', 4, GCMD, 0x40000000},
			{'R', 4, GSTS, 0x40000000},
			/* ICC (63), CIRG 1 in 62:61 */
			{'W', 8, CCMD, UINT64_C(0xA000000000000000)},
			{'R', 8, CCMD, UINT64_C(0x2000000000000000)},
			/* IVT (63), IIRG 1 in 61:60, drain writes (48); IAIG 1 in 58:57 */
			{'W', 8, IOTLB, UINT64_C(0x9001000000000000)},
			{'R', 8, IOTLB, UINT64_C(0x1201000000000000)},
			{'W', 4, GCMD, 0x80000000},
			{'R', 4, GSTS, 0xC0000000},
		};

		vtdrig_expect(&rig, want, COUNT(want));
	}
	vtdrig_close(&rig);
}

static void what_an_earlier_owner_left_on_goes_off_first(void **state)
{
	const struct iotoll_dma_config config = vtdrig_config("strict");
	static struct vtdrig rig;

	(void)state;
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
	rig.reg[GSTS / 8] |= UINT64_C(0xC4000000) << 32; /* TES, RTPS, QIES */
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	{
		const struct rig_access want[] = {
			{'R', 8, CAP, CAP_VALUE},   {'R', 8, ECAP, ECAP_VALUE},
			{'R', 4, GSTS, 0xC4000000}, {'W', 4, GCMD, 0x04000000},
			{'R', 4, GSTS, 0x44000000}, {'W', 4, GCMD, 0},
			{'R', 4, GSTS, 0x40000000}, {'R', 4, FSTS, 0},
			{'W', 4, IQT, 0},
		};

		assert_true(rig.logged > COUNT(want));
		rig.logged = COUNT(want);
		vtdrig_expect(&rig, want, COUNT(want));
	}
	vtdrig_close(&rig);
}

static void a_strict_unmap_sends_one_page_selective_descriptor_and_a_wait(void **state)
{
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x123000, 4096, IOTOLL_DMA_FROM_DEVICE);
	/* Going from not present to present needs no register. */
	assert_int_equal(rig.logged, 0);
	assert_int_equal(iova, 0x1000); /* page 0 is withheld */
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	{
		/* Type 2, granularity 3, DW, DR, domain 2 in 31:16; the page, AM 0, no hint. */
		static const uint64_t descs[][2] = {{0x000200F2, 0x1000}, {WAIT, 0}};
		const struct rig_access want[] = {{'W', 4, IQT, 0x60}};

		vtdrig_expect_descs(&rig, descs, COUNT(descs));
		vtdrig_expect(&rig, want, COUNT(want));
	}
	assert_int_equal(vtdrig_stats(&rig).invalidations, 1);
	assert_int_equal(vtdrig_stats(&rig).flushes, 0);
	vtdrig_close(&rig);
}

static void the_driver_polls_memory_and_reads_the_fault_status_between_looks(void **state)
{
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x123000, 4096, IOTOLL_DMA_FROM_DEVICE);
	rig.slow = 2;
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	{
		const struct rig_access want[] = {
			{'W', 4, IQT, 0x60},
			{'R', 4, FSTS, 0},
			{'R', 4, FSTS, 0},
			{'R', 4, FSTS, 0},
		};

		vtdrig_expect(&rig, want, COUNT(want));
	}
	assert_int_equal(vtdrig_stats(&rig).flush_polls, 3);
	assert_int_equal(vtdrig_stats(&rig).flush_timeouts, 0);
	rig.slow = 0;
	vtdrig_close(&rig);
}

/* The mask covers the range with one naturally aligned block: Linux's iommu_flush_iotlb_psi(). */
static void the_address_mask_is_the_smallest_aligned_block_that_holds_the_range(void **state)
{
	static const struct {
		unsigned skip, pages; /* the range begins at page 1 + skip */
		uint64_t word1;
	} rows[] = {
		{0, 1, 0x1000 | 0}, /* page 1 */
		{1, 2, 0x2000 | 1}, /* pages 2 and 3 */
		{0, 2, 0x0000 | 2}, /* pages 1 and 2: only 0..3 holds both */
		{3, 3, 0x4000 | 2}, /* 4..6 */
		{3, 5, 0x0000 | 4}, /* 4..8: 0..15 */
		{6, 2, 0x0000 | 4}, /* 7 and 8 as well */
		{15, 16, 0x10000 | 4},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const uint64_t want[][2] = {{0x000200F2, rows[i].word1}, {WAIT, 0}};
		static struct vtdrig rig;
		uint64_t iova;

		vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
		if (rows[i].skip)
			(void)vtdrig_map(&rig, 0, rows[i].skip * 4096u, IOTOLL_DMA_TO_DEVICE);
		iova = vtdrig_map(&rig, 0x200000, rows[i].pages * 4096u, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(iova, (1 + rows[i].skip) * 4096u);
		vtdrig_unmap(&rig, iova, rows[i].pages * 4096u, IOTOLL_DMA_TO_DEVICE);
		vtdrig_expect_descs(&rig, want, COUNT(want));
		vtdrig_close(&rig);
	}
}

static void a_mask_beyond_mamv_or_a_unit_without_psi_takes_the_whole_domain(void **state)
{
	/* Granularity 2. */
	static const uint64_t domain[][2] = {{0x000200E2, 0}, {WAIT, 0}};
	static const uint64_t pages[][2] = {{0x000200F2, 0x0000 | 2}, {WAIT, 0}};
	const uint64_t mamv_2 = (CAP_VALUE & ~(UINT64_C(0x3F) << 48)) | UINT64_C(2) << 48;
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, mamv_2, ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x200000, 3 * 4096, IOTOLL_DMA_TO_DEVICE); /* 1..3: mask 2 */
	vtdrig_unmap(&rig, iova, 3 * 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_expect_descs(&rig, pages, COUNT(pages));
	vtdrig_forget(&rig);
	iova = vtdrig_map(&rig, 0x200000, 5 * 4096, IOTOLL_DMA_TO_DEVICE); /* 4..8: mask 4 */
	vtdrig_unmap(&rig, iova, 5 * 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_expect_descs(&rig, domain, COUNT(domain));
	vtdrig_close(&rig);

	vtdrig_start(&rig, CAP_VALUE & ~CAP_PSI & ~(UINT64_C(0x3F) << 48), ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x200000, 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_expect_descs(&rig, domain, COUNT(domain));
	vtdrig_close(&rig);
}

static void fast_and_safe_says_that_leaves_alone_have_changed(void **state)
{
	/* Page 1; then pages 2 and 3 in one: IH (bit 6) is set. */
	static const uint64_t want[][2] = {
		{0x000200F2, 0x1000 | 0x40}, {WAIT, 0}, {0x000200F2, 0x2000 | 0x40 | 1}, {WAIT, 0}};
	const struct iotoll_dma_attrs more = {.more = true};
	static struct vtdrig rig;
	uint64_t iova[3];

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "fast-and-safe");
	for (unsigned i = 0; i < 3; i++)
		iova[i] = vtdrig_map(&rig, 0x200000, 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_unmap(&rig, iova[0], 4096, IOTOLL_DMA_TO_DEVICE);
	iotoll_dma_unmap_page_attrs(rig.dev, IOTOLL_IOVA(iova[2]), 4096, IOTOLL_DMA_TO_DEVICE,
				    &more);
	vtdrig_unmap(&rig, iova[1], 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_expect_descs(&rig, want, COUNT(want));
	vtdrig_close(&rig);
}

static void through_registers_a_page_is_named_first_and_the_hint_is_given(void **state)
{
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE & ~ECAP_QI, "strict");
	iova = vtdrig_map(&rig, 0x200000, 2 * 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_unmap(&rig, iova, 2 * 4096, IOTOLL_DMA_TO_DEVICE);
	{
		const struct rig_access want[] = {
			/* Pages 0..3, IH (bit 6), AM 2 */
			{'W', 8, IVA, 0x42},
			/* IVT, IIRG 3, DW, domain 2 in 47:32; IAIG 3 in the answer */
			{'W', 8, IOTLB, UINT64_C(0xB001000200000000)},
			{'R', 8, IOTLB, UINT64_C(0x3601000200000000)},
		};

		vtdrig_expect(&rig, want, COUNT(want));
	}
	assert_int_equal(vtdrig_stats(&rig).flush_polls, 1);
	/* A unit that rejects it is asked to forget everything. */
	rig.reject = true;
	iova = vtdrig_map(&rig, 0x200000, 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_forget(&rig);
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_TO_DEVICE);
	{
		const struct rig_access want[] = {
			{'W', 8, IVA, iova | 0x40},
			{'W', 8, IOTLB, UINT64_C(0xB001000200000000)},
			{'R', 8, IOTLB, UINT64_C(0x3001000200000000)},
			{'W', 8, IOTLB, UINT64_C(0x9000000000000000)},
			{'R', 8, IOTLB, UINT64_C(0x1200000000000000)},
		};

		vtdrig_expect(&rig, want, COUNT(want));
	}
	vtdrig_close(&rig);
}

static void with_caching_mode_a_map_is_followed_by_an_invalidation_as_well(void **state)
{
	static const uint64_t pages[][2] = {{0x000200F2, 0x1000}, {WAIT, 0}};
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE | CAP_CM, ECAP_VALUE, "deferred");
	iova = vtdrig_map(&rig, 0x200000, 4096, IOTOLL_DMA_TO_DEVICE);
	vtdrig_expect_descs(&rig, pages, COUNT(pages));
	assert_int_equal(vtdrig_stats(&rig).invalidations, 1);
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(vtdrig_stats(&rig).invalidations, 1);
	vtdrig_close(&rig);
}

static void a_unit_with_a_write_buffer_has_it_flushed_at_each_map(void **state)
{
	static struct vtdrig rig;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE | CAP_RWBF, ECAP_VALUE, "strict");
	(void)vtdrig_map(&rig, 0x200000, 4096, IOTOLL_DMA_TO_DEVICE);
	{
		const struct rig_access want[] = {
			{'W', 4, GCMD, 0x8C000000}, /* TE, QIE, WBF */
			{'R', 4, GSTS, 0xC4000000}, /* WBFS is clear */
		};

		vtdrig_expect(&rig, want, COUNT(want));
	}
	assert_int_equal(vtdrig_stats(&rig).invalidations, 0);
	vtdrig_close(&rig);
}

static void the_flush_queue_forgets_the_domain_and_nothing_per_unmap(void **state)
{
	static const uint64_t domain[][2] = {{0x000200E2, 0}, {WAIT, 0}};
	static struct vtdrig rig;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "flush-queue");
	for (unsigned i = 0; i < 255; i++)
		vtdrig_unmap(&rig, vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE), 4096,
			     IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(rig.logged, 0);
	vtdrig_unmap(&rig, vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE), 4096,
		     IOTOLL_DMA_TO_DEVICE);
	vtdrig_expect_descs(&rig, domain, COUNT(domain));
	vtdrig_close(&rig);
}

static void the_queue_goes_around(void **state)
{
	static struct vtdrig rig;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	/* 256 slots, two for each: bring-up took four. */
	for (unsigned i = 0; i < 300; i++) {
		vtdrig_unmap(&rig, vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE), 4096,
			     IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(rig.descs, 2);
		assert_int_equal(rig.reg[IQT / 8], (4 + 2 * (i + 1)) % 256 * 16);
		vtdrig_forget(&rig);
	}
	assert_int_equal(vtdrig_stats(&rig).flush_timeouts, 0);
	vtdrig_close(&rig);
}

static void a_refused_descriptor_is_overwritten_by_its_wait_and_counted(void **state)
{
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	rig.refuse = true;
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_TO_DEVICE);
	{
		const struct rig_access want[] = {
			{'W', 4, IQT, 0x60},
			{'R', 4, FSTS, 0x10},
			{'R', 4, IQH, 0x40},
			{'W', 4, FSTS, 0x10},
		};
		static const uint64_t twice[][2] = {{WAIT, 0}, {WAIT, 0}};

		vtdrig_expect(&rig, want, COUNT(want));
		vtdrig_expect_descs(&rig, twice, COUNT(twice));
	}
	assert_int_equal(vtdrig_stats(&rig).flush_timeouts, 1);
	/* The queue goes on. */
	vtdrig_unmap(&rig, vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE), 4096,
		     IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(vtdrig_stats(&rig).flush_timeouts, 1);
	vtdrig_close(&rig);
}

static void a_unit_that_stops_answering_does_not_hang_its_user(void **state)
{
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	rig.dead = true;
	vtdrig_unmap(&rig, iova, 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(vtdrig_stats(&rig).flush_timeouts, 1);
	rig.dead = false;
	vtdrig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_with_a_queue_is_brought_up_in_the_kernels_order),
		cmocka_unit_test(without_a_queue_the_caches_are_emptied_through_registers),
		cmocka_unit_test(what_an_earlier_owner_left_on_goes_off_first),
		cmocka_unit_test(a_strict_unmap_sends_one_page_selective_descriptor_and_a_wait),
		cmocka_unit_test(the_driver_polls_memory_and_reads_the_fault_status_between_looks),
		cmocka_unit_test(
			the_address_mask_is_the_smallest_aligned_block_that_holds_the_range),
		cmocka_unit_test(a_mask_beyond_mamv_or_a_unit_without_psi_takes_the_whole_domain),
		cmocka_unit_test(fast_and_safe_says_that_leaves_alone_have_changed),
		cmocka_unit_test(through_registers_a_page_is_named_first_and_the_hint_is_given),
		cmocka_unit_test(with_caching_mode_a_map_is_followed_by_an_invalidation_as_well),
		cmocka_unit_test(a_unit_with_a_write_buffer_has_it_flushed_at_each_map),
		cmocka_unit_test(the_flush_queue_forgets_the_domain_and_nothing_per_unmap),
		cmocka_unit_test(the_queue_goes_around),
		cmocka_unit_test(a_refused_descriptor_is_overwritten_by_its_wait_and_counted),
		cmocka_unit_test(a_unit_that_stops_answering_does_not_hang_its_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Linux's bounce buffers behind an IOMMU: what the device finds in the pages it was given, what it
 * reaches at all, where bytes are at which moment, and what a full pool does; on the hardware half
 * of each IOMMU.
 */
#include "copyrig.h"

#include <stdio.h>

#define AT    (ARENA + 4096 * 3 + 1000) /* a buffer in the middle of a page */
#define POOL  2048u                     /* pages: two segments for each of the CPUs */
#define TABLE 8192u

static struct hwrig h;

static void start(const char *model, bool check_misuse)
{
	copyrig_start(&h, model, "swiotlb", POOL, check_misuse);
}

/* Where the entry of @iova leads, whatever it allows. */
static bool leads(uint64_t iova, uint64_t *paddr)
{
	return hwrig_access(&h, iova, IOTOLL_WRITE, paddr) == 0 ||
	       hwrig_access(&h, iova, IOTOLL_READ, paddr) == 0;
}

/* Does the entry lead anywhere but to the page that unused ones share? */
static bool is_set(uint64_t entry, uint64_t *to)
{
	iotoll_phys_t dummy = IOTOLL_PHYS(0);
	const bool redirects = iotoll_dma_domain_dummy(h.domain, &dummy);

	return leads(entry * 4096, to) &&
	       !(redirects && *to / 4096 == IOTOLL_PHYS_U64(dummy) / 4096);
}

/* Every page of the request: its own bytes as in memory, all others zero. */
static void expect_nothing_but(uint64_t paddr, uint64_t iova, size_t bytes)
{
	for (uint64_t page = iova & ~UINT64_C(4095); page < iova + bytes; page += 4096) {
		const uint8_t *seen;
		uint64_t to;

		assert_true(leads(page, &to));
		assert_true(to < ARENA || to >= ARENA + ARENA_BYTES);
		seen = memory_ptr(h.memory, to, 4096);
		for (uint64_t at = page; at < page + 4096; at++) {
			const bool own = at >= iova && at < iova + bytes;

			assert_int_equal(seen[at - page],
					 own ? *copyrig_memory(&h, paddr + (at - iova)) : 0);
		}
	}
}

/* Whatever the pool's pages held before, and whichever way the request goes. */
static void around_a_request_there_are_zeros_and_nothing_of_earlier_ones(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned m = 0; copyrig_model(m); m++) {
		start(copyrig_model(m), true);
		/* More than a lap of this CPU's area, none of it zero. */
		memset(copyrig_memory(&h, ARENA), 0xee, ARENA_BYTES);
		for (unsigned i = 0; i < 4; i++)
			copyrig_unmap(&h,
				      copyrig_map(&h, ARENA, 64 * 4096 - 1, IOTOLL_DMA_TO_DEVICE),
				      64 * 4096 - 1, IOTOLL_DMA_TO_DEVICE);
		for (unsigned i = 0; i < 200; i++) {
			const size_t bytes = 1 + rng_below(&rng, i % 2 ? 2000 : 9 * 4096);
			const uint64_t paddr = ARENA + rng_below(&rng, ARENA_BYTES - bytes);
			const enum iotoll_dma_dir dir = (enum iotoll_dma_dir)rng_below(&rng, 3);
			const uint64_t iova = copyrig_map(&h, paddr, bytes, dir);

			if ((paddr | bytes) % 4096)
				expect_nothing_but(paddr, iova, bytes);
			copyrig_unmap(&h, iova, bytes, dir);
		}
		hwrig_close(&h);
	}
}

static void what_the_device_leaves_unwritten_is_as_it_was(void **state)
{
	uint8_t sent[4096];

	(void)state;
	memset(sent, 0xa5, sizeof(sent));
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t iova;

		start(copyrig_model(m), true);
		iova = copyrig_map(&h, AT, 1500, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(copyrig_write(&h, iova + 100, sent, 14), 0);
		/* All of the page around it as well: nobody ever sees that. */
		assert_int_equal(copyrig_write(&h, iova - 1000, sent, 1000), 0);
		assert_int_equal(copyrig_write(&h, iova + 1500, sent, 1596), 0);
		assert_true(copyrig_untouched(&h, ARENA, ARENA_BYTES));
		copyrig_unmap(&h, iova, 1500, IOTOLL_DMA_FROM_DEVICE);
		assert_true(copyrig_untouched(&h, ARENA, AT + 100 - ARENA));
		assert_memory_equal(copyrig_memory(&h, AT + 100), sent, 14);
		assert_true(copyrig_untouched(&h, AT + 114, ARENA_BYTES - 8192 * 2));
		/* In both ways: what the driver had there had to be known first. */
		assert_int_equal(hwrig_stats(&h).copied_bytes, 3000);
		hwrig_close(&h);
	}
}

static void a_sync_moves_its_bytes_and_no_others(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t iova;

		start(copyrig_model(m), true);
		iova = copyrig_map(&h, AT, 9000, IOTOLL_DMA_BIDIRECTIONAL);
		/* For the device, across the end of its first page. */
		memset(copyrig_memory(&h, AT), 0x5a, 9000);
		iotoll_dma_sync_single_for_device(h.dev, IOTOLL_IOVA(iova + 3080), 32,
						  IOTOLL_DMA_BIDIRECTIONAL);
		assert_int_equal(copyrig_read(&h, iova + 3064, bytes, 64), 0);
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(bytes[i],
					 i >= 16 && i < 48 ? 0x5a : copyrig_mine(AT + 3064 + i));
		/* For the CPU, in its third. */
		memset(bytes, 0xa5, sizeof(bytes));
		assert_int_equal(copyrig_write(&h, iova + 8000, bytes, 64), 0);
		iotoll_dma_sync_single_for_cpu(h.dev, IOTOLL_IOVA(iova + 8010), 20,
					       IOTOLL_DMA_BIDIRECTIONAL);
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(*copyrig_memory(&h, AT + 8000 + i),
					 i >= 10 && i < 30 ? 0xa5 : 0x5a);
		copyrig_unmap(&h, iova, 9000, IOTOLL_DMA_BIDIRECTIONAL);
		hwrig_close(&h);
	}
}

/* A device that only reads cannot have changed anything, and one that writes need not read. */
static void a_sync_against_the_direction_moves_nothing(void **state)
{
	uint64_t out, in, before;

	(void)state;
	start("vtd", true);
	out = copyrig_map(&h, AT, 100, IOTOLL_DMA_TO_DEVICE);
	in = copyrig_map(&h, AT + 8192, 100, IOTOLL_DMA_FROM_DEVICE);
	before = hwrig_stats(&h).copied_bytes;
	iotoll_dma_sync_single_for_cpu(h.dev, IOTOLL_IOVA(out), 100, IOTOLL_DMA_TO_DEVICE);
	iotoll_dma_sync_single_for_device(h.dev, IOTOLL_IOVA(in), 100, IOTOLL_DMA_FROM_DEVICE);
	/* Before the request, and behind it. */
	iotoll_dma_sync_single_for_cpu(h.dev, IOTOLL_IOVA(in - 1), 1, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_sync_single_for_cpu(h.dev, IOTOLL_IOVA(in + 100), 1, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).copied_bytes, before);
	hwrig_close(&h);
}

static void whole_pages_are_mapped_where_they_lie(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t iova;

		start(copyrig_model(m), true);
		iova = copyrig_map(&h, ARENA + 8192, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_true(hwrig_reaches(&h, iova, ARENA + 8192));
		assert_true(hwrig_reaches(&h, iova + 8192, ARENA + 4 * 4096));
		copyrig_unmap(&h, iova, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(hwrig_stats(&h).copied_bytes, 0);
		/* One byte less, and it is not. */
		iova = copyrig_map(&h, ARENA + 8192, 3 * 4096 - 1, IOTOLL_DMA_FROM_DEVICE);
		assert_false(hwrig_reaches(&h, iova, ARENA + 8192));
		hwrig_close(&h);
	}
}

/* The IOTLB knew it until then. */
static void no_access_succeeds_after_the_unmap(void **state)
{
	static const size_t sizes[] = {1500, 4096, 20000};

	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++)
		for (unsigned i = 0; i < 3; i++) {
			const uint64_t at = i == 1 ? ARENA : AT;
			uint64_t iova, paddr, pages;

			start(copyrig_model(m), i % 2);
			iova = copyrig_map(&h, at, sizes[i], IOTOLL_DMA_FROM_DEVICE);
			pages = (at % 4096 + sizes[i] + 4095) / 4096;
			for (uint64_t k = 0; k < pages; k++)
				assert_true(leads(iova + k * 4096, &paddr));
			copyrig_unmap(&h, iova, sizes[i], IOTOLL_DMA_FROM_DEVICE);
			assert_int_equal(hwrig_stats(&h).pages_live, 0);
			/* On DART nothing is refused: what is unused leads to a page of its own. */
			for (uint64_t k = 0; k < pages; k++)
				assert_false(is_set(iova / 4096 + k, &paddr));
			hwrig_close(&h);
		}
}

struct held {
	uint64_t paddr, iova;
	size_t bytes;
};

/* All that the device reaches, entry by entry: @n requests' pages, each once. */
static void expect_reach(const struct held *held, unsigned n, const uint8_t *pages,
			 const bool *untranslated)
{
	static uint8_t seen[(64u << 20) / 4096];
	uint64_t reached = 0, expected = 0;

	memset(seen, 0, sizeof(seen));
	for (uint64_t entry = 0; entry < TABLE; entry++) {
		uint64_t to;

		if (untranslated[entry] || !is_set(entry, &to))
			continue;
		assert_int_equal(seen[to / 4096]++, 0);
		/* Of the driver's memory what was given in whole pages. */
		if (to >= ARENA && to < ARENA + ARENA_BYTES)
			assert_int_equal(pages[(to - ARENA) / 4096], 1);
		reached++;
	}
	for (unsigned i = 0; i < n; i++)
		expected += (held[i].paddr % 4096 + held[i].bytes + 4095) / 4096;
	assert_int_equal(reached, expected);
}

static void the_device_reaches_its_requests_pages_and_no_two_share_one(void **state)
{
	struct held held[16];
	uint8_t whole[ARENA_BYTES / 4096];
	bool untranslated[TABLE]; /* Calgary lets what a PC has below 1 MiB through */
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed() + 1);
	for (unsigned m = 0; copyrig_model(m); m++) {
		unsigned n = 0;

		start(copyrig_model(m), rng_below(&rng, 2));
		memset(whole, 0, sizeof(whole));
		for (uint64_t i = 0, to; i < TABLE; i++)
			untranslated[i] = is_set(i, &to);
		for (unsigned step = 0; step < 150; step++) {
			if (n < 16 && rng_below(&rng, 2)) {
				/* Ten pages of the arena for each; every third is of whole ones. */
				struct held *r = &held[n];
				const unsigned place = (unsigned)rng_below(&rng, 16);
				const bool even = rng_below(&rng, 3) == 0;

				r->paddr =
					ARENA + place * 40960 + (even ? 0 : rng_below(&rng, 9000));
				r->bytes = even ? 8192 : 1 + rng_below(&rng, 20000);
				for (unsigned i = 0; i < n; i++)
					if ((held[i].paddr - ARENA) / 40960 == place)
						r->bytes = 0;
				if (!r->bytes)
					continue;
				if ((r->paddr | r->bytes) % 4096 == 0)
					memset(&whole[place * 10], 1, r->bytes / 4096);
				r->iova = copyrig_map(&h, r->paddr, r->bytes,
						      IOTOLL_DMA_BIDIRECTIONAL);
				n++;
			} else if (n) {
				const struct held r = held[rng_below(&rng, n)];

				copyrig_unmap(&h, r.iova, r.bytes, IOTOLL_DMA_BIDIRECTIONAL);
				memset(&whole[(r.paddr - ARENA) / 40960 * 10], 0, 10);
				for (unsigned i = 0; i < n; i++)
					if (held[i].iova == r.iova)
						held[i] = held[n - 1];
				n--;
			}
			if (step % 25 == 0)
				expect_reach(held, n, whole, untranslated);
		}
		hwrig_close(&h);
	}
}

static void a_full_pool_fails_maps_until_something_is_given_back(void **state)
{
	const size_t bytes = 64 * 4096 - 1; /* a segment */
	uint64_t iova[POOL / 64];

	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		start(copyrig_model(m), m % 2);
		for (unsigned i = 0; i < POOL / 64; i++)
			iova[i] = copyrig_map(&h, ARENA, bytes, IOTOLL_DMA_TO_DEVICE);
		assert_true(iotoll_dma_mapping_error(
			iotoll_dma_map_page(h.dev, IOTOLL_PHYS(AT), 1, IOTOLL_DMA_TO_DEVICE)));
		assert_int_equal(hwrig_stats(&h).map_failures, 1);
		assert_int_equal(hwrig_stats(&h).pages_live, POOL);
		/* Whole pages need none of it. */
		copyrig_unmap(&h, copyrig_map(&h, ARENA, 4096, IOTOLL_DMA_TO_DEVICE), 4096,
			      IOTOLL_DMA_TO_DEVICE);
		copyrig_unmap(&h, iova[7], bytes, IOTOLL_DMA_TO_DEVICE);
		copyrig_unmap(&h, copyrig_map(&h, AT, 1, IOTOLL_DMA_TO_DEVICE), 1,
			      IOTOLL_DMA_TO_DEVICE);
		iova[7] = copyrig_map(&h, ARENA, bytes, IOTOLL_DMA_TO_DEVICE);
		for (unsigned i = 0; i < POOL / 64; i++)
			copyrig_unmap(&h, iova[i], bytes, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		hwrig_close(&h);
	}
}

/* 256 KiB with what lies before it in its page. */
static void a_request_longer_than_a_segment_fails(void **state)
{
	(void)state;
	start("vtd", true);
	copyrig_unmap(&h, copyrig_map(&h, ARENA + 100, 64 * 4096 - 100, IOTOLL_DMA_TO_DEVICE),
		      64 * 4096 - 100, IOTOLL_DMA_TO_DEVICE);
	assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
		h.dev, IOTOLL_PHYS(ARENA + 100), 64 * 4096 - 99, IOTOLL_DMA_TO_DEVICE)));
	copyrig_unmap(&h, copyrig_map(&h, ARENA, 65 * 4096, IOTOLL_DMA_TO_DEVICE), 65 * 4096,
		      IOTOLL_DMA_TO_DEVICE);
	hwrig_close(&h);
}

static void an_unmap_of_what_is_no_request_is_refused_without_a_book(void **state)
{
	uint64_t iova, whole;

	(void)state;
	start("vtd", false);
	iova = copyrig_map(&h, AT, 9000, IOTOLL_DMA_TO_DEVICE);
	whole = copyrig_map(&h, ARENA + 32768, 8192, IOTOLL_DMA_TO_DEVICE);
	copyrig_unmap(&h, iova + 4096, 4904, IOTOLL_DMA_TO_DEVICE);     /* its middle */
	copyrig_unmap(&h, iova + 1, 8999, IOTOLL_DMA_TO_DEVICE);        /* not its beginning */
	copyrig_unmap(&h, whole, 3 * 4096, IOTOLL_DMA_TO_DEVICE);       /* more than it is */
	copyrig_unmap(&h, whole + 4096, 4096, IOTOLL_DMA_TO_DEVICE);    /* its second page */
	copyrig_unmap(&h, 4000 * 4096, 4096, IOTOLL_DMA_TO_DEVICE);     /* nobody's */
	copyrig_unmap(&h, UINT64_C(1) << 40, 64, IOTOLL_DMA_TO_DEVICE); /* no entry's */
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 6);
	assert_int_equal(hwrig_stats(&h).pages_live, 5);
	copyrig_unmap(&h, iova, 9000, IOTOLL_DMA_TO_DEVICE);
	copyrig_unmap(&h, iova, 9000, IOTOLL_DMA_TO_DEVICE);
	copyrig_unmap(&h, whole, 8192, IOTOLL_DMA_TO_DEVICE);
	copyrig_unmap(&h, whole, 8192, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 8);
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
	hwrig_close(&h);
}

static void coherent_memory_is_the_same_for_both(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		iotoll_phys_t paddr;
		iotoll_iova_t iova;
		void *ptr;

		start(copyrig_model(m), m % 2);
		ptr = iotoll_dma_alloc_coherent(h.dev, 100, &iova, &paddr);
		assert_non_null(ptr);
		assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(iova), IOTOLL_PHYS_U64(paddr)));
		iotoll_dma_free_coherent(h.dev, 100, ptr, iova);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		hwrig_close(&h);
	}
}

/* What is still mapped when the domain goes: hwrig_close() counts the pages that are left. */
static void what_is_left_goes_with_the_domain_whatever_the_book_knows(void **state)
{
	(void)state;
	for (unsigned check = 0; check < 2; check++) {
		start("calgary", check);
		(void)copyrig_map(&h, AT, 9000, IOTOLL_DMA_TO_DEVICE);
		(void)copyrig_map(&h, ARENA, 4096, IOTOLL_DMA_TO_DEVICE);
		hwrig_close(&h);
	}
}

static void a_device_changes_nothing_but_what_it_was_given_and_while_it_has_it(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed() + 2);
	for (unsigned round = 0; round < 4; round++)
		for (unsigned m = 0; copyrig_model(m); m++) {
			start(copyrig_model(m), rng_below(&rng, 2));
			copyrig_random_program(&h, &rng, 40 * 4096);
			hwrig_close(&h);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(around_a_request_there_are_zeros_and_nothing_of_earlier_ones),
		cmocka_unit_test(what_the_device_leaves_unwritten_is_as_it_was),
		cmocka_unit_test(a_sync_moves_its_bytes_and_no_others),
		cmocka_unit_test(a_sync_against_the_direction_moves_nothing),
		cmocka_unit_test(whole_pages_are_mapped_where_they_lie),
		cmocka_unit_test(no_access_succeeds_after_the_unmap),
		cmocka_unit_test(the_device_reaches_its_requests_pages_and_no_two_share_one),
		cmocka_unit_test(a_full_pool_fails_maps_until_something_is_given_back),
		cmocka_unit_test(a_request_longer_than_a_segment_fails),
		cmocka_unit_test(an_unmap_of_what_is_no_request_is_refused_without_a_book),
		cmocka_unit_test(coherent_memory_is_the_same_for_both),
		cmocka_unit_test(what_is_left_goes_with_the_domain_whatever_the_book_knows),
		cmocka_unit_test(
			a_device_changes_nothing_but_what_it_was_given_and_while_it_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

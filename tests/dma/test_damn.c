/* SPDX-License-Identifier: MIT */
/*
 * DAMN: what is in a chunk before a device reaches it, which rights it has, where it goes when its
 * last buffer comes back, and which bytes a kernel has to copy before it looks at them.
 */
#include "copyrig.h"

#define CHUNK        65536u
#define CHUNK_PAGES  16u
#define FRONT_CHUNKS 30u /* two magazines */

static struct hwrig h;

static uint64_t take(size_t bytes, enum iotoll_dma_dir dir)
{
	iotoll_phys_t paddr;

	assert_non_null(iotoll_dma_buffer_alloc(h.dev, bytes, dir, NULL, &paddr));
	return IOTOLL_PHYS_U64(paddr);
}

static void give(uint64_t paddr)
{
	iotoll_dma_buffer_free(h.dev, IOTOLL_PHYS(paddr));
}

static void a_chunk_holds_zeros_when_it_is_mapped(void **state)
{
	static const enum iotoll_dma_dir dirs[] = {IOTOLL_DMA_FROM_DEVICE, IOTOLL_DMA_TO_DEVICE,
						   IOTOLL_DMA_BIDIRECTIONAL};
	iotoll_phys_t secret;

	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++)
		for (unsigned d = 0; d < 3; d++) {
			uint64_t at;

			copyrig_start(&h, copyrig_model(m), "damn", 0, true);
			/* The memory that comes next has somebody's secrets in it. */
			assert_int_equal(iotoll_env_alloc_pages(h.env, 256, CHUNK, 0, &secret), 0);
			memset(iotoll_env_ptr(h.env, secret, 256 * 4096), 0x5e, 256 * 4096);
			iotoll_env_free_pages(h.env, secret, 256);
			at = take(100, dirs[d]);
			assert_true(at >= IOTOLL_PHYS_U64(secret) &&
				    at < IOTOLL_PHYS_U64(secret) + 256 * 4096);
			for (uint64_t i = 0; i < CHUNK; i++)
				assert_int_equal(*copyrig_memory(&h, at / CHUNK * CHUNK + i), 0);
			assert_int_equal(hwrig_stats(&h).pages_live, CHUNK_PAGES);
			give(at);
			hwrig_close(&h);
		}
}

/* Least privilege: what a device only reads is in no chunk that it writes. */
static void each_direction_has_chunks_of_its_own(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t out, in, iova, to;

		copyrig_start(&h, copyrig_model(m), "damn", 0, true);
		out = take(64, IOTOLL_DMA_TO_DEVICE);
		in = take(64, IOTOLL_DMA_FROM_DEVICE);
		assert_int_not_equal(out / CHUNK, in / CHUNK);
		iova = copyrig_map(&h, out, 64, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &to), 0);
		assert_int_equal(to, out);
		/* DART's entries are all or nothing. */
		if (strncmp(copyrig_model(m), "dart", 4) != 0)
			assert_int_not_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &to), 0);
		copyrig_unmap(&h, iova, 64, IOTOLL_DMA_TO_DEVICE);
		iova = copyrig_map(&h, in, 64, IOTOLL_DMA_FROM_DEVICE);
		assert_true(hwrig_reaches(&h, iova, in));
		copyrig_unmap(&h, iova, 64, IOTOLL_DMA_FROM_DEVICE);
		hwrig_close(&h);
	}
}

static void bytes_and_pages_are_cut_from_chunks_of_their_own(void **state)
{
	uint64_t bytes, pages;

	(void)state;
	copyrig_start(&h, "vtd", "damn", 0, true);
	bytes = take(100, IOTOLL_DMA_FROM_DEVICE);
	pages = take(8 * 4096, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(pages % 4096, 0);
	assert_int_not_equal(bytes / CHUNK, pages / CHUNK);
	assert_int_equal(take(100, IOTOLL_DMA_FROM_DEVICE), bytes + 128);
	assert_int_equal(take(8 * 4096, IOTOLL_DMA_FROM_DEVICE), pages + 8 * 4096);
	assert_int_equal(hwrig_stats(&h).pages_live, 2 * CHUNK_PAGES);
	assert_int_equal(take(CHUNK, IOTOLL_DMA_FROM_DEVICE) % CHUNK, 0);
	assert_int_equal(hwrig_stats(&h).pages_live, 3 * CHUNK_PAGES);
	hwrig_close(&h);
}

static void a_chunk_is_used_again_when_all_of_it_is_back(void **state)
{
	uint64_t first[2], at;
	bool again = false;

	(void)state;
	copyrig_start(&h, "calgary", "damn", 0, true);
	for (unsigned i = 0; i < 2; i++)
		first[i] = take(CHUNK / 2, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(first[0] / CHUNK, first[1] / CHUNK);
	/* The allocator goes on to another, and lets go of the first. */
	(void)take(CHUNK / 2, IOTOLL_DMA_FROM_DEVICE);
	give(first[0]);
	for (unsigned i = 0; i < 20; i++) {
		at = take(CHUNK / 2, IOTOLL_DMA_FROM_DEVICE);
		assert_int_not_equal(at / CHUNK, first[0] / CHUNK);
	}
	iotoll_dma_buffer_hold(h.dev, IOTOLL_PHYS(first[1]));
	give(first[1]);
	for (unsigned i = 0; i < 20; i++) {
		at = take(CHUNK / 2, IOTOLL_DMA_FROM_DEVICE);
		assert_int_not_equal(at / CHUNK, first[0] / CHUNK);
	}
	iotoll_dma_buffer_drop(h.dev, IOTOLL_PHYS(first[1]));
	for (unsigned i = 0; i < 3; i++)
		again |= take(CHUNK / 2, IOTOLL_DMA_FROM_DEVICE) / CHUNK == first[0] / CHUNK;
	assert_true(again);
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
	hwrig_close(&h);
}

/* Far more than two magazines hold: through the depot and back, none lost, none twice. */
static void chunks_go_through_the_depot_and_come_back(void **state)
{
	static uint64_t at[4 * FRONT_CHUNKS];
	uint64_t made;

	(void)state;
	copyrig_start(&h, "vtd", "damn", 0, true);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 4 * FRONT_CHUNKS; i++) {
			at[i] = take(CHUNK, IOTOLL_DMA_FROM_DEVICE);
			for (unsigned k = 0; k < i; k++)
				assert_int_not_equal(at[i], at[k]);
		}
		if (round == 0)
			made = hwrig_stats(&h).pages_live;
		assert_int_equal(hwrig_stats(&h).pages_live, made);
		for (unsigned i = 0; i < 4 * FRONT_CHUNKS; i++)
			give(at[i]);
	}
	hwrig_close(&h);
}

static void what_devices_write_is_copied_before_it_is_looked_at(void **state)
{
	uint64_t in, out, to = ARENA + 100;

	(void)state;
	copyrig_start(&h, "vtd", "damn", 0, true);
	in = take(1600, IOTOLL_DMA_FROM_DEVICE);
	out = take(1600, IOTOLL_DMA_TO_DEVICE);
	assert_true(iotoll_dma_buffer_changes(h.dev, IOTOLL_PHYS(in)));
	assert_true(iotoll_dma_buffer_changes(h.dev, IOTOLL_PHYS(in + 1599)));
	assert_false(iotoll_dma_buffer_changes(h.dev, IOTOLL_PHYS(out)));
	assert_false(iotoll_dma_buffer_changes(h.dev, IOTOLL_PHYS(ARENA)));
	memset(copyrig_memory(&h, in), 0x77, 1600);
	iotoll_dma_buffer_copy(h.dev, IOTOLL_PHYS(to), IOTOLL_PHYS(in), 54);
	/* The device goes on; the copy does not. */
	memset(copyrig_memory(&h, in), 0x66, 1600);
	for (unsigned i = 0; i < 54; i++)
		assert_int_equal(*copyrig_memory(&h, to + i), 0x77);
	assert_true(copyrig_untouched(&h, to + 54, 100));
	assert_int_equal(hwrig_stats(&h).copied_bytes, 54);
	hwrig_close(&h);
	/* The page pool protects against nothing of that. */
	copyrig_start(&h, "vtd", "page-pool", 0, true);
	in = take(1600, IOTOLL_DMA_FROM_DEVICE);
	assert_false(iotoll_dma_buffer_changes(h.dev, IOTOLL_PHYS(in)));
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chunk_holds_zeros_when_it_is_mapped),
		cmocka_unit_test(each_direction_has_chunks_of_its_own),
		cmocka_unit_test(bytes_and_pages_are_cut_from_chunks_of_their_own),
		cmocka_unit_test(a_chunk_is_used_again_when_all_of_it_is_back),
		cmocka_unit_test(chunks_go_through_the_depot_and_come_back),
		cmocka_unit_test(what_devices_write_is_copied_before_it_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

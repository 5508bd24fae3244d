/* SPDX-License-Identifier: MIT */
/*
 * Strategies whose entries outlive requests or serve several: what a device reaches and until when,
 * with the hardware half's Calgary on the other side of memory and registers.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

#define PAGE  UINT64_C(0x0A0A000)
#define OTHER UINT64_C(0x0B0B000)

static const char *const reusing[] = {"shared", "optimistic", "on-demand", "persistent"};

static void start(struct hwrig *h, const char *strategy, uint64_t quota, bool check_misuse)
{
	const struct iommu_config model = {
		.model = "calgary", .iotlb = {.entries = 64, .line_pages = 1, .policy = "lru"}};
	const struct iotoll_dma_config config = {.driver = "calgary",
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = 8192,
						 .quota = quota,
						 .check_misuse = check_misuse};

	hwrig_start_as(h, &model, &config);
}

static uint64_t map(struct hwrig *h, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	const iotoll_iova_t iova = iotoll_dma_map_page(h->dev, IOTOLL_PHYS(paddr), bytes, dir);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

static void unmap(struct hwrig *h, uint64_t iova, size_t bytes, enum iotoll_dma_dir dir)
{
	iotoll_dma_unmap_page(h->dev, IOTOLL_IOVA(iova), bytes, dir);
}

static bool refused(struct hwrig *h, uint64_t iova)
{
	uint64_t paddr;

	return hwrig_access(h, iova, IOTOLL_WRITE, &paddr) == -EPERM;
}

static void two_buffers_of_a_page_share_its_entry(void **state)
{
	static struct hwrig h;

	(void)state;
	for (unsigned i = 0; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
		uint64_t a, b, writes;

		start(&h, reusing[i], 0, true);
		a = map(&h, PAGE, 2048, IOTOLL_DMA_FROM_DEVICE);
		writes = hwrig_stats(&h).table_writes;
		b = map(&h, PAGE + 2048, 2048, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(b, a + 2048);
		assert_int_equal(hwrig_stats(&h).table_writes, writes);
		assert_int_equal(hwrig_stats(&h).reused_maps, 1);
		assert_int_equal(hwrig_stats(&h).pages_live, 1);
		/* The first to go leaves the other its page. */
		unmap(&h, a, 2048, IOTOLL_DMA_FROM_DEVICE);
		assert_true(hwrig_reaches(&h, b, PAGE + 2048));
		unmap(&h, b, 2048, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
		hwrig_close(&h);
	}
}

static void shared_refuses_every_access_after_the_last_unmap(void **state)
{
	static struct hwrig h;
	uint64_t a, b;

	(void)state;
	start(&h, "shared", 0, true);
	a = map(&h, PAGE, 2048, IOTOLL_DMA_FROM_DEVICE);
	b = map(&h, PAGE + 2048, 2048, IOTOLL_DMA_FROM_DEVICE);
	assert_true(hwrig_reaches(&h, a, PAGE));
	unmap(&h, b, 2048, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	unmap(&h, a, 2048, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_true(refused(&h, a));
	assert_true(refused(&h, b));
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
	hwrig_close(&h);
}

static void persistent_maps_a_page_once_and_never_lets_go(void **state)
{
	static struct hwrig h;
	uint64_t iova;

	(void)state;
	start(&h, "persistent", 0, true);
	iova = hwrig_map(&h, PAGE);
	for (unsigned i = 0; i < 100; i++) {
		hwrig_unmap(&h, iova);
		assert_true(hwrig_reaches(&h, iova, PAGE));
		assert_int_equal(hwrig_map(&h, PAGE), iova);
	}
	assert_int_equal(hwrig_stats(&h).table_writes, 1);
	assert_int_equal(hwrig_stats(&h).reused_maps, 100);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	hwrig_unmap(&h, iova);
	assert_true(hwrig_reaches(&h, iova, PAGE));
	hwrig_close(&h);
}

static void persistent_evicts_the_longest_at_rest_when_the_table_is_full(void **state)
{
	static struct hwrig h;
	uint64_t first, last, usable;

	(void)state;
	start(&h, "persistent", 0, true);
	usable = hwrig_stats(&h).usable_entries - 1; /* next-fit never uses its last */
	first = hwrig_map(&h, PAGE);
	assert_true(hwrig_reaches(&h, first, PAGE));
	hwrig_unmap(&h, first);
	for (uint64_t i = 1; i < usable; i++)
		hwrig_unmap(&h, hwrig_map(&h, PAGE + i * 4096));
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	/* One more: 64 go with one flush, the first of them at their head. */
	last = hwrig_map(&h, PAGE - 4096);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_int_equal(hwrig_stats(&h).pages_live, usable - 64 + 1);
	assert_int_equal(last, first);
	assert_true(hwrig_reaches(&h, last, PAGE - 4096));
	assert_int_not_equal(hwrig_map(&h, PAGE), first);
	hwrig_close(&h);
}

static void on_demand_keeps_no_more_than_its_quota(void **state)
{
	static struct hwrig h;
	uint64_t iova[40];

	(void)state;
	start(&h, "on-demand", 32, true);
	for (unsigned i = 0; i < 32; i++) {
		iova[i] = hwrig_map(&h, PAGE + i * 4096);
		assert_true(hwrig_reaches(&h, iova[i], PAGE + i * 4096));
		hwrig_unmap(&h, iova[i]);
	}
	assert_int_equal(hwrig_stats(&h).pages_live, 32);
	iova[32] = hwrig_map(&h, PAGE + 32 * 4096);
	/* A batch is 32: all at rest went, with one flush. */
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_int_equal(hwrig_stats(&h).pages_live, 1);
	for (unsigned i = 0; i < 32; i++)
		assert_true(refused(&h, iova[i]));
	/* Live requests are served beyond it, and what is more goes when they end. */
	for (unsigned i = 0; i < 40; i++)
		iova[i] = hwrig_map(&h, OTHER + i * 4096);
	assert_int_equal(hwrig_stats(&h).pages_live, 41);
	for (unsigned i = 0; i < 40; i++)
		hwrig_unmap(&h, iova[i]);
	assert_true(hwrig_stats(&h).pages_live <= 32);
	hwrig_close(&h);
}

static void optimistic_keeps_so_many_and_so_long(void **state)
{
	static struct hwrig h;
	uint64_t iova[9];

	(void)state;
	start(&h, "optimistic", 8, true);
	for (unsigned i = 0; i < 8; i++) {
		iova[i] = hwrig_map(&h, PAGE + i * 4096);
		hwrig_unmap(&h, iova[i]);
	}
	/* Revived: neither table nor IOTLB knew that it was gone. */
	assert_int_equal(hwrig_map(&h, PAGE), iova[0]);
	assert_int_equal(hwrig_stats(&h).reused_maps, 1);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	hwrig_unmap(&h, iova[0]);
	/* Without a clock the time has come whenever somebody asks. */
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).pages_live, 8);
	/* The ninth pushes out: the batch takes all eight that rested before, and itself. */
	iova[8] = hwrig_map(&h, OTHER);
	hwrig_unmap(&h, iova[8]);
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	for (unsigned i = 0; i < 9; i++)
		assert_true(refused(&h, iova[i]));
	hwrig_close(&h);
}

static void another_direction_widens_the_entry_and_is_not_refused_out_of_the_iotlb(void **state)
{
	static struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	for (unsigned i = 0; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
		start(&h, reusing[i], 0, true);
		iova = map(&h, PAGE, 64, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &paddr), 0);
		assert_true(refused(&h, iova));
		assert_int_equal(map(&h, PAGE + 64, 64, IOTOLL_DMA_FROM_DEVICE), iova + 64);
		assert_true(hwrig_reaches(&h, iova + 64, PAGE + 64));
		assert_int_equal(hwrig_access(&h, iova, IOTOLL_READ, &paddr), 0);
		unmap(&h, iova, 64, IOTOLL_DMA_TO_DEVICE);
		unmap(&h, iova + 64, 64, IOTOLL_DMA_FROM_DEVICE);
		hwrig_close(&h);
	}
}

static void a_longer_request_of_a_page_in_use_gets_entries_of_its_own(void **state)
{
	static struct hwrig h;

	(void)state;
	for (unsigned i = 0; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
		uint64_t a, b;

		start(&h, reusing[i], 0, false);
		a = map(&h, PAGE, 4096, IOTOLL_DMA_FROM_DEVICE);
		b = map(&h, PAGE, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_int_not_equal(a, b);
		assert_true(hwrig_reaches(&h, b + 2 * 4096, PAGE + 2 * 4096));
		unmap(&h, b, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_true(refused(&h, b));
		assert_true(hwrig_reaches(&h, a, PAGE));
		unmap(&h, a, 4096, IOTOLL_DMA_FROM_DEVICE);
		/* Twice is once too often, with and without a book. */
		unmap(&h, a, 4096, IOTOLL_DMA_FROM_DEVICE);
		unmap(&h, b, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 2);
		hwrig_close(&h);
	}
}

static void a_page_that_goes_is_forgotten_unless_a_request_lives(void **state)
{
	static struct hwrig h;

	(void)state;
	for (unsigned i = 1; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
		uint64_t gone, lives;

		start(&h, reusing[i], 0, true);
		gone = hwrig_map(&h, PAGE);
		lives = hwrig_map(&h, OTHER);
		assert_true(hwrig_reaches(&h, gone, PAGE));
		hwrig_unmap(&h, gone);
		iotoll_dma_forget(h.domain, IOTOLL_PHYS(PAGE + 100), 1);
		iotoll_dma_forget(h.domain, IOTOLL_PHYS(OTHER), 4096);
		iotoll_dma_forget(h.domain, IOTOLL_PHYS(OTHER + 0x100000), 8192);
		assert_int_equal(hwrig_stats(&h).flushes, 1);
		assert_true(refused(&h, gone));
		assert_true(hwrig_reaches(&h, lives, OTHER));
		hwrig_unmap(&h, lives);
		hwrig_close(&h);
	}
}

static void where_pages_change_each_can_be_forgotten_by_itself(void **state)
{
	const struct iommu_config model = {
		.model = "calgary", .iotlb = {.entries = 64, .line_pages = 1, .policy = "lru"}};
	struct iotoll_dma_config config = {.driver = "calgary",
					   .allocator = "next-fit",
					   .table_entries = 8192,
					   .pages_change = true};
	static struct hwrig h;
	char why[160];

	(void)state;
	config.strategy = "never-free";
	assert_int_equal(iotoll_dma_config_check(&config, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "never-free"));
	for (unsigned i = 0; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
		uint64_t iova;

		config.strategy = reusing[i];
		hwrig_start_as(&h, &model, &config);
		iova = map(&h, PAGE, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_true(hwrig_reaches(&h, iova + 4096, PAGE + 4096));
		unmap(&h, iova, 3 * 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_true(refused(&h, iova + 4096));
		hwrig_close(&h);
	}
}

static void coherent_memory_is_unmapped_as_it_is_freed(void **state)
{
	static struct hwrig h;

	(void)state;
	for (unsigned i = 0; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
		iotoll_phys_t paddr;
		iotoll_iova_t iova;
		void *ptr;

		start(&h, reusing[i], 0, true);
		ptr = iotoll_dma_alloc_coherent(h.dev, 8192, &iova, &paddr);
		assert_non_null(ptr);
		assert_true(hwrig_reaches(&h, IOTOLL_IOVA_U64(iova), IOTOLL_PHYS_U64(paddr)));
		iotoll_dma_free_coherent(h.dev, 8192, ptr, iova);
		assert_true(refused(&h, IOTOLL_IOVA_U64(iova)));
		hwrig_close(&h);
	}
}

/* ---- a random program against what each has promised ---- */

#define LIVE  64u
#define PAGES 96u

struct request {
	uint64_t paddr, iova;
	size_t bytes;
	enum iotoll_dma_dir dir;
};

static struct request random_request(struct rng *rng)
{
	const uint64_t offset = rng_below(rng, 2) * 2048;

	return (struct request){
		.paddr = PAGE + rng_below(rng, PAGES) * 4096 + offset,
		.bytes = rng_below(rng, 8) ? 1 + rng_below(rng, 2048) : 1 + rng_below(rng, 16384),
		.dir = (enum iotoll_dma_dir)rng_below(rng, 3),
	};
}

static void expect_reachable(struct hwrig *h, const struct request *r, struct rng *rng)
{
	const enum iotoll_access access =
		r->dir == IOTOLL_DMA_TO_DEVICE ||
				(r->dir == IOTOLL_DMA_BIDIRECTIONAL && rng_below(rng, 2))
			? IOTOLL_READ
			: IOTOLL_WRITE;
	const uint64_t at = rng_below(rng, r->bytes);
	uint64_t paddr;

	assert_int_equal(hwrig_access(h, r->iova + at, access, &paddr), 0);
	assert_int_equal(paddr, r->paddr + at);
}

/* Live requests are always served by their own memory, and what is kept stays within bounds. */
static void random_program(const char *strategy, uint64_t quota, struct rng *rng)
{
	static struct hwrig h;
	struct request live[LIVE];
	unsigned n = 0;

	start(&h, strategy, quota, rng_below(rng, 2));
	for (unsigned step = 0; step < 6000; step++) {
		if (n < LIVE && rng_below(rng, 2)) {
			struct request r = random_request(rng);

			r.iova = map(&h, r.paddr, r.bytes, r.dir);
			live[n++] = r;
		} else if (n) {
			const unsigned i = (unsigned)rng_below(rng, n);
			const struct request r = live[i];

			unmap(&h, r.iova, r.bytes, r.dir);
			live[i] = live[--n];
		}
		if (n)
			expect_reachable(&h, &live[rng_below(rng, n)], rng);
		if (rng_below(rng, 500) == 0)
			(void)iotoll_dma_domain_tick(h.domain);
	}
	while (n--)
		unmap(&h, live[n].iova, live[n].bytes, live[n].dir);
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
	assert_int_equal(hwrig_stats(&h).maps, hwrig_stats(&h).unmaps);
	if (quota)
		assert_true(hwrig_stats(&h).pages_live <= quota);
	if (!strcmp(strategy, "shared"))
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
	hwrig_close(&h);
}

static void live_requests_always_reach_their_own_memory(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned round = 0; round < 8; round++)
		for (unsigned i = 0; i < sizeof(reusing) / sizeof(reusing[0]); i++) {
			const bool bounded = i == 1 || i == 2;

			random_program(reusing[i], bounded ? 16 + rng_below(&rng, 64) : 0, &rng);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_buffers_of_a_page_share_its_entry),
		cmocka_unit_test(shared_refuses_every_access_after_the_last_unmap),
		cmocka_unit_test(persistent_maps_a_page_once_and_never_lets_go),
		cmocka_unit_test(persistent_evicts_the_longest_at_rest_when_the_table_is_full),
		cmocka_unit_test(on_demand_keeps_no_more_than_its_quota),
		cmocka_unit_test(optimistic_keeps_so_many_and_so_long),
		cmocka_unit_test(
			another_direction_widens_the_entry_and_is_not_refused_out_of_the_iotlb),
		cmocka_unit_test(a_longer_request_of_a_page_in_use_gets_entries_of_its_own),
		cmocka_unit_test(a_page_that_goes_is_forgotten_unless_a_request_lives),
		cmocka_unit_test(where_pages_change_each_can_be_forgotten_by_itself),
		cmocka_unit_test(coherent_memory_is_unmapped_as_it_is_freed),
		cmocka_unit_test(live_requests_always_reach_their_own_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Dynamic identity mapping: which addresses requests get, and that a page can be reached for
 * exactly as long as, and exactly in the ways that, its live requests want; on the hardware half of
 * each IOMMU that has entries for pages.
 */
#include "copyrig.h"

#include <errno.h>
#include <stdio.h>

#define PAGES  16384u /* of the rig's memory */
#define FIRST  4096u  /* page that requests of the random programs begin at */
#define PLACES 40u
#define LIVE   30u

static struct hwrig h;

static void start(const char *model, const char *strategy, uint64_t entries, bool check)
{
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = entries,
						 .check_misuse = check};
	struct iommu_config hw = {.model = model, .iotlb = iommu_find(model)->geometry};

	snprintf(hw.iotlb.policy, sizeof(hw.iotlb.policy), "lru");
	hwrig_start_as(&h, &hw, &config);
}

static uint64_t map(uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	return copyrig_map(&h, paddr, bytes, dir);
}

static void unmap(uint64_t iova, size_t bytes, enum iotoll_dma_dir dir)
{
	copyrig_unmap(&h, iova, bytes, dir);
}

/* Does an access go to @paddr? */
static bool goes_to(uint64_t iova, enum iotoll_access access, uint64_t paddr)
{
	uint64_t to;

	return hwrig_access(&h, iova, access, &to) == 0 && to == paddr;
}

static void an_address_is_the_pages_own(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		start(copyrig_model(m), "identity", PAGES, true);
		assert_int_equal(map(ARENA + 100, 9000, IOTOLL_DMA_FROM_DEVICE), ARENA + 100);
		assert_true(goes_to(ARENA + 9000, IOTOLL_WRITE, ARENA + 9000));
		/* Both want the page: with one entry. */
		assert_int_equal(map(ARENA, 100, IOTOLL_DMA_TO_DEVICE), ARENA);
		assert_int_equal(hwrig_stats(&h).pages_live, 3);
		assert_int_equal(hwrig_stats(&h).reused_maps, 1);
		hwrig_close(&h);
	}
}

/* What the two top bits of the paper's addresses are for. */
static void in_a_large_table_rights_have_addresses_of_their_own(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		uint64_t to, from, both;

		start(copyrig_model(m), "identity", 4 * PAGES, true);
		to = map(ARENA, 100, IOTOLL_DMA_TO_DEVICE);
		from = map(ARENA + 100, 100, IOTOLL_DMA_FROM_DEVICE);
		both = map(ARENA + 200, 100, IOTOLL_DMA_BIDIRECTIONAL);
		assert_int_equal(to, ARENA + PAGES * UINT64_C(4096));
		assert_int_equal(from, ARENA + 100 + 2 * PAGES * UINT64_C(4096));
		assert_int_equal(both, ARENA + 200 + 3 * PAGES * UINT64_C(4096));
		assert_true(goes_to(from, IOTOLL_WRITE, ARENA + 100));
		unmap(both, 100, IOTOLL_DMA_BIDIRECTIONAL);
		assert_false(goes_to(both, IOTOLL_WRITE, ARENA + 200));
		assert_true(goes_to(from, IOTOLL_WRITE, ARENA + 100));
		/* Three entries, set once and one of them cleared: none ever changed. */
		assert_int_equal(hwrig_stats(&h).table_writes, 4);
		hwrig_close(&h);
	}
}

/* ---- random programs against counts ---- */

struct request {
	uint64_t paddr, iova;
	size_t bytes;
	enum iotoll_dma_dir dir;
};

struct world {
	const char *model;
	bool windows;
	unsigned users[PLACES][3]; /* live requests of each page, by direction */
	struct request live[LIVE];
	unsigned n;
};

static void count(struct world *w, const struct request *r, int by)
{
	for (uint64_t page = r->paddr / 4096; page <= (r->paddr + r->bytes - 1) / 4096; page++)
		w->users[page - FIRST][r->dir] += (unsigned)by;
}

/* Calgary's entries that let a device write let it read; DART's allow both or nothing. */
static void expect(const struct world *w, uint64_t iova, uint64_t paddr, bool reads, bool writes)
{
	const bool dart = strncmp(w->model, "dart", 4) == 0;

	if (dart)
		writes |= reads;
	if (dart || strcmp(w->model, "calgary") == 0)
		reads |= writes;
	assert_int_equal(goes_to(iova, IOTOLL_READ, paddr), reads);
	assert_int_equal(goes_to(iova, IOTOLL_WRITE, paddr), writes);
}

/* Asking fills the IOTLB, so that it has something to forget. */
static void check_reach(const struct world *w)
{
	for (unsigned i = 0; i < PLACES; i++) {
		const unsigned *u = w->users[i];
		const unsigned both = u[IOTOLL_DMA_BIDIRECTIONAL];
		const unsigned to = u[IOTOLL_DMA_TO_DEVICE], from = u[IOTOLL_DMA_FROM_DEVICE];
		const uint64_t paddr = (FIRST + i) * UINT64_C(4096);
		const uint64_t window = PAGES * UINT64_C(4096);

		if (w->windows) {
			expect(w, paddr, paddr, false, false);
			expect(w, paddr + window, paddr, to, false);
			expect(w, paddr + 2 * window, paddr, false, from);
			expect(w, paddr + 3 * window, paddr, both, both);
		} else {
			expect(w, paddr, paddr, both || to, both || from);
		}
	}
}

static void step(struct world *w, struct rng *rng)
{
	if (w->n < LIVE && rng_below(rng, 100) < 55) {
		struct request *r = &w->live[w->n++];

		r->bytes = 1 + rng_below(rng, rng_below(rng, 4) ? 2000 : 20000);
		r->paddr = FIRST * 4096 + rng_below(rng, PLACES * 4096 - r->bytes);
		r->dir = (enum iotoll_dma_dir)rng_below(rng, 3);
		r->iova = map(r->paddr, r->bytes, r->dir);
		count(w, r, 1);
	} else if (w->n) {
		const unsigned i = (unsigned)rng_below(rng, w->n);
		const struct request r = w->live[i];

		unmap(r.iova, r.bytes, r.dir);
		count(w, &r, -1);
		w->live[i] = w->live[--w->n];
	}
}

static void run_program(const char *strategy, struct rng *rng)
{
	for (unsigned m = 0; copyrig_model(m); m++)
		for (unsigned windows = 0; windows < 2; windows++) {
			struct world w = {.model = copyrig_model(m), .windows = windows};

			start(w.model, strategy, windows ? 4 * PAGES : PAGES, rng_below(rng, 2));
			for (unsigned i = 0; i < 300; i++) {
				step(&w, rng);
				/* Time has passed, where that makes a difference. */
				if (iotoll_dma_domain_tick(h.domain) ||
				    !strcmp(strategy, "identity"))
					check_reach(&w);
			}
			while (w.n) {
				const struct request r = w.live[--w.n];

				unmap(r.iova, r.bytes, r.dir);
				count(&w, &r, -1);
			}
			(void)iotoll_dma_domain_tick(h.domain);
			check_reach(&w);
			assert_int_equal(hwrig_stats(&h).pages_live, 0);
			assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
			hwrig_close(&h);
		}
}

static void a_page_is_reached_as_its_live_requests_want_and_no_other_way(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	run_program("identity", &rng);
}

static void deferred_the_same_is_true_once_time_has_passed(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed() + 1);
	run_program("identity-deferred", &rng);
}

/* ---- batches ---- */

static void the_250th_unmap_of_a_cpu_flushes(void **state)
{
	(void)state;
	for (unsigned m = 0; copyrig_model(m); m++) {
		/* DART's mappings have flushes of their own. */
		const bool counts = strncmp(copyrig_model(m), "dart", 4) != 0;

		start(copyrig_model(m), "identity-deferred", PAGES, true);
		(void)map(ARENA, 4096, IOTOLL_DMA_FROM_DEVICE);
		assert_true(goes_to(ARENA, IOTOLL_WRITE, ARENA));
		unmap(ARENA, 4096, IOTOLL_DMA_FROM_DEVICE);
		if (counts)
			assert_true(goes_to(ARENA, IOTOLL_WRITE, ARENA));
		for (unsigned i = 2; i < 250; i++)
			unmap(map(ARENA + 4096, 4096, IOTOLL_DMA_FROM_DEVICE), 4096,
			      IOTOLL_DMA_FROM_DEVICE);
		if (counts)
			assert_int_equal(hwrig_stats(&h).flushes + hwrig_stats(&h).invalidations,
					 0);
		unmap(map(ARENA + 4096, 4096, IOTOLL_DMA_FROM_DEVICE), 4096,
		      IOTOLL_DMA_FROM_DEVICE);
		if (counts)
			assert_int_equal(hwrig_stats(&h).flushes, 1);
		assert_false(goes_to(ARENA, IOTOLL_WRITE, ARENA));
		assert_false(goes_to(ARENA + 4096, IOTOLL_WRITE, ARENA + 4096));
		hwrig_close(&h);
	}
}

static void an_address_is_used_again_before_it_is_forgotten_and_is_right(void **state)
{
	(void)state;
	start("vtd", "identity-deferred", PAGES, true);
	(void)map(ARENA, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_true(goes_to(ARENA, IOTOLL_WRITE, ARENA));
	unmap(ARENA, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(map(ARENA, 200, IOTOLL_DMA_FROM_DEVICE), ARENA);
	assert_true(goes_to(ARENA, IOTOLL_WRITE, ARENA));
	/* With more rights than the IOTLB knows of: it must be told. */
	assert_int_equal(map(ARENA + 300, 100, IOTOLL_DMA_TO_DEVICE), ARENA + 300);
	assert_true(goes_to(ARENA + 300, IOTOLL_READ, ARENA + 300));
	assert_int_equal(hwrig_stats(&h).invalidations, 1);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	/* No time has passed since the first unmap, for nobody asked until now. */
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 1);
	assert_int_equal(hwrig_stats(&h).timer_flushes, 1);
	assert_int_equal(iotoll_dma_domain_tick(h.domain), 0);
	hwrig_close(&h);
}

/* Where its number will be another frame's: whatever waits is flushed. */
static void a_page_that_goes_is_forgotten_first(void **state)
{
	(void)state;
	start("vtd", "identity-deferred", PAGES, true);
	(void)map(ARENA, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_true(goes_to(ARENA, IOTOLL_WRITE, ARENA));
	iotoll_dma_forget(h.domain, IOTOLL_PHYS(ARENA), 4096);
	assert_int_equal(hwrig_stats(&h).flushes, 0);
	unmap(ARENA, 100, IOTOLL_DMA_FROM_DEVICE);
	iotoll_dma_forget(h.domain, IOTOLL_PHYS(ARENA), 4096);
	assert_int_equal(hwrig_stats(&h).flushes, 1);
	assert_false(goes_to(ARENA, IOTOLL_WRITE, ARENA));
	hwrig_close(&h);
}

/* ---- what is refused ---- */

static void an_unmap_of_what_nobody_has_is_refused_without_a_book(void **state)
{
	(void)state;
	for (unsigned windows = 0; windows < 2; windows++) {
		uint64_t iova;

		start("vtd", "identity", windows ? 4 * PAGES : PAGES, false);
		iova = map(ARENA, 9000, IOTOLL_DMA_TO_DEVICE);
		unmap(iova, 9000, IOTOLL_DMA_FROM_DEVICE);           /* the other way */
		unmap(iova, 4 * 4096, IOTOLL_DMA_TO_DEVICE);         /* more than it is */
		unmap(iova - 4096, 100, IOTOLL_DMA_TO_DEVICE);       /* before it */
		unmap(0, 100, IOTOLL_DMA_TO_DEVICE);                 /* below its window */
		unmap(UINT64_C(1) << 40, 100, IOTOLL_DMA_TO_DEVICE); /* no entry's */
		assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 5);
		assert_int_equal(hwrig_stats(&h).pages_live, 3);
		unmap(iova, 9000, IOTOLL_DMA_TO_DEVICE);
		unmap(iova, 9000, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 6);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		hwrig_close(&h);
	}
}

static void expect_no_address(uint64_t paddr, size_t bytes)
{
	const uint64_t failures = hwrig_stats(&h).map_failures;

	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(h.dev, IOTOLL_PHYS(paddr), bytes, IOTOLL_DMA_FROM_DEVICE)));
	assert_int_equal(hwrig_stats(&h).map_failures, failures + 1);
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
}

/* Calgary leaves a PC's hole alone; its table's last entry is not used, as nothing above is. */
static void what_has_no_entry_of_its_own_cannot_be_mapped(void **state)
{
	(void)state;
	start("calgary", "identity", PAGES, true);
	expect_no_address(0x9f000, 8192);
	expect_no_address(0xa0000, 4096);
	expect_no_address(PAGES * UINT64_C(4096) - 8192, 8193);
	unmap(map(0x100000, 4096, IOTOLL_DMA_FROM_DEVICE), 4096, IOTOLL_DMA_FROM_DEVICE);
	hwrig_close(&h);
	start("vtd", "identity", PAGES, true);
	assert_int_equal(iotoll_dma_set_mask(h.dev, ARENA - 1), 0);
	expect_no_address(ARENA - 4096, 8192);
	unmap(map(ARENA - 4096, 4096, IOTOLL_DMA_FROM_DEVICE), 4096, IOTOLL_DMA_FROM_DEVICE);
	hwrig_close(&h);
}

static void coherent_memory_lies_below_the_devices_mask(void **state)
{
	iotoll_phys_t paddr;
	iotoll_iova_t iova;
	void *ptr;

	(void)state;
	start("vtd", "identity", PAGES, true);
	assert_int_equal(iotoll_dma_set_mask(h.dev, (4u << 20) - 1), 0);
	for (unsigned i = 0; i < 100; i++) {
		ptr = iotoll_dma_alloc_coherent(h.dev, 4096, &iova, &paddr);
		assert_non_null(ptr);
		assert_int_equal(IOTOLL_IOVA_U64(iova), IOTOLL_PHYS_U64(paddr));
		assert_true(IOTOLL_PHYS_U64(paddr) < 4u << 20);
	}
	hwrig_close(&h);
}

static void a_table_without_entries_for_all_memory_is_refused_in_words(void **state)
{
	static const char *const strategies[] = {"identity", "identity-deferred"};
	struct rig rig;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct iotoll_dma_config config = rig_config();
		struct iotoll_dma_domain *domain;
		char why[256] = "", begins[64];

		rig_open(&rig, 64u << 20);
		config.strategy = strategies[i % 2];
		config.driver = i < 2 ? "calgary" : "riommu";
		config.table_entries = i < 2 ? 8192 : 64;
		if (i >= 2)
			config.allocator = NULL;
		snprintf(begins, sizeof(begins), "strategy %s", config.strategy);
		assert_int_equal(
			iotoll_dma_domain_create(&domain, rig.env, &config, why, sizeof(why)),
			-EINVAL);
		assert_true(strncmp(why, begins, strlen(begins)) == 0);
		assert_non_null(strstr(why, i < 2 ? "8192 entries" : "riommu"));
		assert_int_equal(memory_allocated_pages(rig.memory), 0);
		iotoll_env_destroy(rig.env);
		memory_destroy(rig.memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_the_pages_own),
		cmocka_unit_test(in_a_large_table_rights_have_addresses_of_their_own),
		cmocka_unit_test(a_page_is_reached_as_its_live_requests_want_and_no_other_way),
		cmocka_unit_test(deferred_the_same_is_true_once_time_has_passed),
		cmocka_unit_test(the_250th_unmap_of_a_cpu_flushes),
		cmocka_unit_test(an_address_is_used_again_before_it_is_forgotten_and_is_right),
		cmocka_unit_test(a_page_that_goes_is_forgotten_first),
		cmocka_unit_test(an_unmap_of_what_nobody_has_is_refused_without_a_book),
		cmocka_unit_test(what_has_no_entry_of_its_own_cannot_be_mapped),
		cmocka_unit_test(coherent_memory_lies_below_the_devices_mask),
		cmocka_unit_test(a_table_without_entries_for_all_memory_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Dynamic identity mapping without one lock around everything: CPUs that map and unmap the same
 * pages at once, and how it scales ("Utilizing the IOMMU Scalably", USENIX ATC 2015).
 */
#include <errno.h>
#include <stdio.h>

#include "base/rng.h"
#include "split_scene.h"

#define PAGES 12u
#define LIVE  8u
#define STEPS 400u

/* Requests that live or are being mapped, and calls in progress, by page and direction. */
static struct {
	unsigned live, busy;
} use[PAGES + 4][3];

struct request {
	iotoll_iova_t iova;
	unsigned page, pages;
	enum iotoll_dma_dir dir;
};

static void count(const struct request *r, int live, int busy)
{
	for (unsigned i = r->page; i < r->page + r->pages; i++) {
		use[i][r->dir].live += (unsigned)live;
		use[i][r->dir].busy += (unsigned)busy;
	}
}

/* What the device is answered for page @i of the request. Asking fills the IOTLB. */
static int answer(struct scene *s, const struct request *r, unsigned i, struct iotoll_xlat *x)
{
	return iommu_translate(s->solo.rig.iommu, s->solo.source,
			       IOTOLL_IOVA_U64(r->iova) + i * UINT64_C(4096),
			       r->dir == IOTOLL_DMA_TO_DEVICE ? IOTOLL_READ : IOTOLL_WRITE, x);
}

static void begin(struct scene *s, struct request *r, struct rng *rng)
{
	struct iotoll_xlat x;

	r->page = (unsigned)rng_below(rng, PAGES);
	r->pages = 1 + (unsigned)rng_below(rng, rng_below(rng, 3) ? 1 : 3);
	r->dir = (enum iotoll_dma_dir)rng_below(rng, 3);
	count(r, 1, 1);
	r->iova = iotoll_dma_map_page(s->solo.device, scene_frame(s, 0, r->page), r->pages * 4096,
				      r->dir);
	count(r, 0, -1);
	assert_false(iotoll_dma_mapping_error(r->iova));
	for (unsigned i = 0; i < r->pages; i++) {
		assert_int_equal(answer(s, r, i, &x), 0);
		assert_int_equal(x.paddr, IOTOLL_PHYS_U64(scene_frame(s, 0, r->page + i)));
	}
}

static void end(struct scene *s, const struct request *r)
{
	struct iotoll_xlat x;

	count(r, -1, 1);
	iotoll_dma_unmap_page(s->solo.device, r->iova, r->pages * 4096, r->dir);
	count(r, 0, -1);
	for (unsigned i = 0; i < r->pages; i++)
		if (use[r->page + i][r->dir].live)
			assert_int_equal(answer(s, r, i, &x), 0);
		else if (!use[r->page + i][r->dir].busy)
			assert_int_not_equal(answer(s, r, i, &x), 0);
}

static void same_pages(struct scene *s, unsigned cpu)
{
	struct request live[LIVE];
	struct rng rng;
	unsigned n = 0;

	rng_seed(&rng, 2015 + cpu);
	for (unsigned step = 0; step < STEPS || n; step++) {
		if (step < STEPS && n < LIVE && (n == 0 || rng_below(&rng, 2))) {
			begin(s, &live[n++], &rng);
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			end(s, &live[i]);
			live[i] = live[--n];
		}
	}
}

static struct scene_config config_of(const char *model, const char *strategy, unsigned cpus)
{
	return (struct scene_config){.model = model,
				     .strategy = strategy,
				     .allocator = "magazines",
				     .split = true,
				     .check_misuse = true,
				     .cpus = cpus,
				     .memory = "machine.memory=128 MiB"};
}

/* An entry is set by the first and cleared by the last, whoever they are and whatever waits. */
static void one_cpus_unmap_leaves_anothers_page_and_no_other(void **state)
{
	static const char *const models[] = {"vtd", "amdvi"};

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		const struct scene_config config = config_of(models[m], "identity", 4);
		struct exposure_stats exposed;
		static struct scene s;

		memset(use, 0, sizeof(use));
		scene_open(&s, &config);
		(void)scene_run(&s, same_pages);
		exposure_stats(s.solo.rig.exposure, &exposed);
		assert_int_equal(exposed.stale_pages, 0);
		assert_int_equal(exposed.untracked_pages, 0);
		scene_close(&s);
	}
}

static void a_table_too_small_for_rights_addresses_keeps_the_one_lock(void **state)
{
	const struct rig_config rig = {
		.model = "vtd",
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = "identity-deferred",
		.allocator = "magazines",
		.split_locks = true,
		.table_entries = 131071,
	};
	const char *const overrides[] = {"machine.memory=128 MiB", NULL};
	struct profile profile;
	struct solo solo;
	struct err err = {""};

	(void)state;
	assert_int_equal(profile_load(&profile, PROFILES "/e3-1220-2015.ini", ESTIMATE_DEFAULT,
				      overrides, &err),
			 0);
	assert_int_equal(solo_init(&solo, &profile, &rig, 8, &err), -EINVAL);
	assert_string_equal(err.text,
			    "split locks: strategy identity-deferred changes what entries "
			    "allow in a table of 131071 entries; expected four for each "
			    "page of memory, in powers of two");
}

static double rate(const char *strategy, unsigned cpus)
{
	const struct scene_config config = config_of("vtd", strategy, cpus);
	struct iotoll_dma_stats stats;
	const double packets = scene_rate(&config, &stats);

	printf("%-17s %2u CPUs: %.3g packets/s, %.3g us of lock waits a packet\n", strategy, cpus,
	       packets, (double)stats.lock_wait_ps / 1e6 / (double)stats.maps);
	return packets;
}

/* The paper: batches for each CPU scale, as magazines do, and strict does not whoever allocates. */
static void with_batches_it_scales_and_strict_it_does_not(void **state)
{
	double at1, at8, at16, strict1, strict8;

	(void)state;
	at1 = rate("identity-deferred", 1);
	at8 = rate("identity-deferred", 8);
	at16 = rate("identity-deferred", 16);
	assert_true(at8 > 6 * at1);
	assert_true(at16 > at8);
	strict1 = rate("identity", 1);
	strict8 = rate("identity", 8);
	assert_true(strict8 < 3 * strict1);
	assert_true(3 * strict8 < at8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpus_unmap_leaves_anothers_page_and_no_other),
		cmocka_unit_test(a_table_too_small_for_rights_addresses_keeps_the_one_lock),
		cmocka_unit_test(with_batches_it_scales_and_strict_it_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Two domains are asked the same, of which one is observed and so goes the general way: addresses,
 * refusals, counters and what each driver tells its hardware must be equal.
 */
#include "hwrig.h"

#include "../base/seed.h"

#define STEPS 20000u
#define LIVE  300u
#define ARENA UINT64_C(0x1000000)

struct request {
	uint64_t iova[2], bytes;
	enum iotoll_dma_dir dir;
};

static void start(struct hwrig *h, const char *model, const char *strategy)
{
	const struct iommu_config hw = {
		.model = model,
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"}};
	const struct iotoll_dma_config config = {
		.driver = model,
		.strategy = strategy,
		.allocator = strcmp(strategy, "deferred") ? "magazines" : "next-fit",
		.table_entries = 8192,
		.split_locks = true};

	hwrig_start_as(h, &hw, &config);
}

static void map(struct hwrig *two, struct request *r, uint64_t paddr)
{
	for (unsigned i = 0; i < 2; i++)
		r->iova[i] = IOTOLL_IOVA_U64(
			iotoll_dma_map_page(two[i].dev, IOTOLL_PHYS(paddr), r->bytes, r->dir));
	assert_int_equal(r->iova[0], r->iova[1]);
}

static void unmap(struct hwrig *two, const struct request *r)
{
	for (unsigned i = 0; i < 2; i++)
		iotoll_dma_unmap_page(two[i].dev, IOTOLL_IOVA(r->iova[i]), r->bytes, r->dir);
}

/* A request of any kind, some of them none. */
static void some_request(struct rng *rng, struct request *r, uint64_t *paddr)
{
	const unsigned kind = (unsigned)rng_below(rng, 20);

	r->bytes = kind == 0 ? 0 : 1 + rng_below(rng, kind < 3 ? 60000 : 4096);
	r->dir = kind == 3 ? (enum iotoll_dma_dir)7 : (enum iotoll_dma_dir)rng_below(rng, 3);
	*paddr = kind == 4 ? UINT64_MAX - rng_below(rng, 4096) : ARENA + rng_below(rng, 1u << 24);
}

static void equal_counters(const struct hwrig *two)
{
	struct iotoll_dma_stats s[2] = {hwrig_stats(&two[0]), hwrig_stats(&two[1])};

	assert_memory_equal(&s[0], &s[1], sizeof(s[0]));
	assert_true(s[0].maps > STEPS / 8 && s[0].misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN] > 0);
}

static void both_ways(const char *model, const char *strategy)
{
	const struct iotoll_dma_observer nothing = {.ctx = NULL};
	struct request live[LIVE];
	struct hwrig two[2];
	unsigned n = 0;
	struct rng rng;

	seed_from_env(&rng);
	start(&two[0], model, strategy);
	start(&two[1], model, strategy);
	iotoll_dma_domain_observe(two[1].domain, &nothing);
	for (unsigned step = 0; step < STEPS; step++) {
		struct request r;
		uint64_t paddr;

		if (n == LIVE || (n && rng_below(&rng, 2))) {
			const unsigned which = (unsigned)rng_below(&rng, n);

			r = live[which];
			unmap(two, &r);
			if (rng_below(&rng, 30) == 0)
				unmap(two, &r); /* of what is not mapped any more */
			live[which] = live[n - 1];
			n--;
			continue;
		}
		some_request(&rng, &r, &paddr);
		map(two, &r, paddr);
		if (r.iova[0] != UINT64_MAX)
			live[n++] = r;
	}
	while (n)
		unmap(two, &live[--n]);
	equal_counters(two);
	hwrig_close(&two[0]);
	hwrig_close(&two[1]);
}

static void the_straight_way_comes_to_the_same_as_the_general_one(void **state)
{
	static const char *const models[] = {"calgary", "vtd", "amdvi"};
	static const char *const strategies[] = {"strict", "deferred", "deferred-tracked",
						 "flush-queue", "unflushed"};

	(void)state;
	for (unsigned m = 0; m < 3; m++)
		for (unsigned s = 0; s < 5; s++)
			both_ways(models[m], strategies[s]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_straight_way_comes_to_the_same_as_the_general_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

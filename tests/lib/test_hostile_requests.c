/* SPDX-License-Identifier: MIT */
/*
 * Requests that nobody should make, of every strategy on every driver that has hardware behind it:
 * ranges that wrap, sizes of nothing and of everything, directions that there are not, unmaps of
 * what is not mapped, twice, or another domain's, in between requests as they should be. The latter
 * must not notice; what misuse is counted is test_misuse's.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stress.h"

#include "../base/seed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS       300u
#define LIVE         8u

static const char *const drivers[] = {"none", "calgary", "dart-u3",  "dart-u4",
				      "vtd",  "amdvi",   "callbacks"};

/* Sizes, addresses and directions from the edges of what their types hold. */
static uint64_t edge(struct rng *rng)
{
	static const uint64_t edges[] = {0,
					 1,
					 4095,
					 4096,
					 4097,
					 UINT64_C(1) << 20,
					 UINT64_C(1) << 32,
					 (UINT64_C(1) << 39) - 1,
					 UINT64_C(1) << 48,
					 UINT64_C(1) << 52,
					 UINT64_C(1) << 63,
					 UINT64_MAX - 4096,
					 UINT64_MAX - 4095,
					 UINT64_MAX - 1,
					 UINT64_MAX};
	const uint64_t value = edges[rng_below(rng, COUNT(edges))];

	return rng_below(rng, 4) ? value : value + rng_below(rng, 8192) - 4096;
}

static enum iotoll_dma_dir any_direction(struct rng *rng)
{
	static const int directions[] = {0, 1, 2, 3, -1, INT_MAX, INT_MIN};

	return (enum iotoll_dma_dir)directions[rng_below(rng, COUNT(directions))];
}

/* Bits that are no direction make no request. */
static bool is_direction(enum iotoll_dma_dir dir)
{
	return dir == IOTOLL_DMA_BIDIRECTIONAL || dir == IOTOLL_DMA_TO_DEVICE ||
	       dir == IOTOLL_DMA_FROM_DEVICE;
}

static void map_badly(struct world *w, struct rng *rng)
{
	const enum iotoll_dma_dir dir = any_direction(rng);
	const iotoll_phys_t paddr = IOTOLL_PHYS(edge(rng));
	const size_t bytes = edge(rng);
	const bool wraps = bytes == 0 || bytes - 1 > UINT64_MAX - IOTOLL_PHYS_U64(paddr);
	struct iotoll_sg sg[3] = {{.paddr = paddr, .bytes = bytes},
				  {.paddr = IOTOLL_PHYS(edge(rng)), .bytes = edge(rng)},
				  {.paddr = w->common, .bytes = 100}};
	const iotoll_iova_t iova = iotoll_dma_map_page(w->dev[0], paddr, bytes, dir);
	int n;

	if (wraps || !is_direction(dir))
		assert_true(iotoll_dma_mapping_error(iova));
	if (!iotoll_dma_mapping_error(iova))
		iotoll_dma_unmap_page(w->dev[0], iova, bytes, dir);
	n = iotoll_dma_map_sg(w->dev[0], sg, 3, dir);
	if (wraps || !is_direction(dir))
		assert_int_equal(n, 0);
	if (n)
		iotoll_dma_unmap_sg(w->dev[0], sg, 3, dir);
	n = iotoll_dma_map_multi(w->dev[0], sg, 3, dir, NULL);
	if (wraps || !is_direction(dir))
		assert_int_equal(n, 0);
	if (n)
		iotoll_dma_unmap_multi(w->dev[0], sg, 3, dir, NULL);
	assert_int_equal(iotoll_dma_map_sg(w->dev[0], sg, INT_MIN, IOTOLL_DMA_TO_DEVICE), 0);
	assert_int_equal(iotoll_dma_map_sg(w->dev[0], NULL, 3, IOTOLL_DMA_TO_DEVICE), 0);
	assert_int_equal(iotoll_dma_map_multi(w->dev[0], NULL, 3, IOTOLL_DMA_TO_DEVICE, NULL), 0);
	iotoll_dma_unmap_sg(w->dev[0], NULL, 3, IOTOLL_DMA_TO_DEVICE);
	iotoll_dma_unmap_multi(w->dev[0], sg, -1, IOTOLL_DMA_TO_DEVICE, NULL);
}

static void allocate_badly(struct world *w, struct rng *rng)
{
	iotoll_iova_t iova = IOTOLL_IOVA(7);
	iotoll_phys_t paddr = IOTOLL_PHYS(7);
	const size_t bytes = edge(rng);
	void *ptr;

	assert_null(iotoll_dma_alloc_coherent(w->dev[0], 1, NULL, &paddr));
	assert_null(iotoll_dma_alloc_coherent(w->dev[0], 1, &iova, NULL));
	ptr = iotoll_dma_alloc_coherent(w->dev[0], bytes, &iova, &paddr);
	if (ptr)
		iotoll_dma_free_coherent(w->dev[0], bytes, ptr, iova);
	else
		assert_true(iotoll_dma_mapping_error(iova));
	assert_true(ptr == NULL || bytes != 0);
	/* Never allocated, or freed before. */
	iotoll_dma_free_coherent(w->dev[0], edge(rng), ptr, iova);
	iotoll_dma_free_coherent(w->dev[1], bytes, NULL, IOTOLL_IOVA(edge(rng)));
	ptr = iotoll_dma_buffer_alloc(w->dev[0], bytes, any_direction(rng), NULL, &paddr);
	if (ptr)
		iotoll_dma_buffer_free(w->dev[0], paddr);
	assert_null(iotoll_dma_buffer_alloc(w->dev[0], 1, IOTOLL_DMA_FROM_DEVICE, NULL, NULL));
	paddr = IOTOLL_PHYS(edge(rng));
	iotoll_dma_buffer_free(w->dev[0], paddr);
	iotoll_dma_buffer_hold(w->dev[0], paddr);
	iotoll_dma_buffer_drop(w->dev[0], paddr);
	(void)iotoll_dma_buffer_changes(w->dev[0], paddr);
	iotoll_dma_buffer_copy(w->dev[0], paddr, w->common, edge(rng) | UINT64_C(1) << 40);
	iotoll_dma_buffer_copy(w->dev[0], w->common, IOTOLL_PHYS(UINT64_MAX - 4095), 4096);
}

/*
 * What is nobody's. Without a book an unmap is believed as far as the pages are somebody's; with
 * one what begins there is taken down, whoever asks. Neither is what is tested here.
 */
static void unmap_badly(struct world *w, struct rng *rng, const iotoll_iova_t *live)
{
	const enum iotoll_dma_dir dir = any_direction(rng);
	const iotoll_iova_t iova = IOTOLL_IOVA(edge(rng));
	const size_t bytes = edge(rng);
	struct iotoll_sg sg = {.dma_address = iova, .dma_bytes = bytes};
	bool believes = !w->of->check_misuse;

	for (unsigned i = 0; i < LIVE; i++)
		believes |= live[i] == iova;

	iotoll_dma_sync_single_for_cpu(w->dev[0], iova, bytes, dir);
	iotoll_dma_sync_single_for_device(w->dev[0], iova, bytes, dir);
	if (believes)
		return;
	iotoll_dma_unmap_page(w->dev[0], iova, bytes, dir);
	iotoll_dma_unmap_sg(w->dev[0], &sg, 1, dir);
	iotoll_dma_unmap_multi(w->dev[0], &sg, 1, dir, NULL);
}

static void ask_badly(struct world *w, struct rng *rng)
{
	struct iotoll_dma_device *dev;
	struct iotoll_dma_entry entry;
	const uint64_t mask = edge(rng);
	int rc;

	assert_int_equal(iotoll_dma_domain_entry(w->domain, IOTOLL_IOVA(0), NULL), -EINVAL);
	rc = iotoll_dma_domain_entry(w->domain, IOTOLL_IOVA(edge(rng)), &entry);
	assert_true(rc == 0 || rc == -ENOENT || rc == -ENOSYS);
	rc = iotoll_dma_set_mask(w->dev[3], mask);
	if (mask == 0 || (mask & (mask + 1)) != 0)
		assert_int_equal(rc, -EINVAL);
	assert_int_equal(iotoll_dma_set_mask(w->dev[3], UINT32_MAX), 0);
	rc = iotoll_dma_attach_ats(&dev, w->domain, (uint16_t)edge(rng), edge(rng),
				   (unsigned)edge(rng));
	assert_true(rc <= 0 && (rc == 0) == (dev != NULL));
	iotoll_dma_detach(dev);
	if (rng_below(rng, 8) == 0)
		iotoll_dma_forget(w->domain, IOTOLL_PHYS(UINT64_MAX - 4095), edge(rng) | 8192);
	iotoll_dma_forget(w->domain, IOTOLL_PHYS(edge(rng)), 0);
	iotoll_dma_unmap_end(w->dev[0]);
	assert_true(iotoll_dma_domain_watchdog(w->domain, NULL) >= 0);
	iotoll_dma_domain_stats(w->domain, NULL);
	iotoll_dma_domain_batches(w->domain, NULL, NULL);
	iotoll_dma_domain_table(w->domain, NULL, NULL);
	(void)iotoll_dma_domain_dummy(w->domain, NULL);
}

/* A request as it should be. */
static iotoll_iova_t map_well(struct world *w, uint64_t paddr)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(w->dev[2], IOTOLL_PHYS(paddr), PAGE, IOTOLL_DMA_BIDIRECTIONAL);

	if (iotoll_dma_mapping_error(iova))
		fail_msg("%s on %s: no room", w->of->strategy, w->of->driver);
	return iova;
}

static void can_be_reached(struct world *w, iotoll_iova_t iova, uint64_t paddr)
{
	uint64_t to = 0;
	bool hit;

	if (!world_has_hardware(w) || w->promise->stale)
		return;
	if (world_reach(w, 2, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, true, &to, &hit))
		fail_msg("%s on %s: a live request is refused", w->of->strategy, w->of->driver);
	if (!w->promise->copies && to != paddr)
		fail_msg("%s on %s: a live request leads elsewhere", w->of->strategy,
			 w->of->driver);
}

static void nobody_notices(const struct combination *c)
{
	struct world *w = calloc(1, sizeof(*w));
	iotoll_phys_t memory[LIVE];
	iotoll_iova_t iova[LIVE];
	char why[200] = "";
	struct rng rng;

	rng_seed(&rng, c->seed);
	assert_non_null(w);
	if (!world_open(w, c, why, sizeof(why)))
		fail_msg("%s, %s: %s", c->strategy, c->driver, why);
	for (unsigned i = 0; i < LIVE; i++) {
		assert_int_equal(iotoll_env_alloc_pages(w->env, 1, PAGE, 0, &memory[i]), 0);
		iova[i] = map_well(w, IOTOLL_PHYS_U64(memory[i]));
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		const unsigned i = (unsigned)rng_below(&rng, LIVE);

		map_badly(w, &rng);
		allocate_badly(w, &rng);
		unmap_badly(w, &rng, iova);
		ask_badly(w, &rng);
		(void)iotoll_dma_domain_tick(w->domain);
		if (!w->promise->keeps || !w->promise->shares)
			can_be_reached(w, iova[i], IOTOLL_PHYS_U64(memory[i]));
		if (round % 8)
			continue;
		iotoll_dma_unmap_page(w->dev[2], iova[i], PAGE, IOTOLL_DMA_BIDIRECTIONAL);
		/* Twice: with a book it is refused. */
		if (c->check_misuse)
			iotoll_dma_unmap_page(w->dev[2], iova[i], PAGE, IOTOLL_DMA_BIDIRECTIONAL);
		iova[i] = map_well(w, IOTOLL_PHYS_U64(memory[i]));
	}
	for (unsigned i = 0; i < LIVE; i++) {
		can_be_reached(w, iova[i], IOTOLL_PHYS_U64(memory[i]));
		iotoll_dma_unmap_page(w->dev[2], iova[i], PAGE, IOTOLL_DMA_BIDIRECTIONAL);
		(void)iotoll_env_free_pages(w->env, memory[i], 1);
	}
	world_close(w);
	free(w);
}

static void requests_as_they_should_be_do_not_notice_others(void **state)
{
	const char *strategy;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned s = 0; (strategy = iotoll_dma_strategy_name(s, NULL)) != NULL; s++)
		for (size_t d = 0; d < COUNT(drivers); d++) {
			const struct iotoll_dma_callbacks none = {.ctx = NULL};
			const struct combination c = {.strategy = strategy,
						      .driver = drivers[d],
						      .allocator = "next-fit",
						      .threads = 1,
						      .check_misuse = rng_below(&rng, 2),
						      .hardware = true,
						      .seed = rng_u64(&rng)};
			const struct iotoll_dma_config config = {.driver = c.driver,
								 .strategy = strategy,
								 .allocator = c.allocator,
								 .callbacks = &none};

			if (iotoll_dma_config_check(&config, NULL, 0) == 0)
				nobody_notices(&c);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_as_they_should_be_do_not_notice_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

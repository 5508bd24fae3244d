/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at the N-th request, for every N, whatever strategy, driver and allocator
 * there is: a domain, a device, and a request of each kind come into being or are refused, nothing
 * is left of what was refused, and the next request is served. tests/dma/test_failures.c looks
 * closer, at one driver.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../dma/failing.h"
#include "stress.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIST         5
#define MOST         2000u /* requests for memory of one call */

static const char *const drivers[] = {"none", "calgary", "dart-u3",  "dart-u4",
				      "vtd",  "amdvi",   "callbacks"};

static struct iotoll_dma_stats stats_of(const struct world *w)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(w->domain, &stats);
	return stats;
}

/* Was memory asked for often enough that the next one failed? */
static bool ran_out(void)
{
	const bool did = until_failure < 0;

	until_failure = -1;
	return did;
}

/* A strategy may do with less: then there is a domain although a request failed. */
static void create(struct world *w)
{
	const struct iotoll_dma_config config = world_config(w);

	for (unsigned n = 0;; n++) {
		char why[200] = "";
		int rc;

		assert_true(n < MOST);
		until_failure = (int)n;
		rc = iotoll_dma_domain_create(&w->domain, w->env, &config, why, sizeof(why));
		if (!ran_out()) {
			assert_int_equal(rc, 0);
			return;
		}
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_null(w->domain);
			assert_non_null(strstr(why, "no memory"));
		}
		iotoll_dma_domain_destroy(w->domain);
		assert_int_equal(memory_allocated_pages(w->memory), w->memory_pages);
	}
}

static void attach(struct world *w)
{
	const uint64_t pages = memory_allocated_pages(w->memory);

	for (unsigned n = 0;; n++) {
		int rc;

		assert_true(n < MOST);
		until_failure = (int)n;
		rc = iotoll_dma_attach(&w->dev[0], w->domain, world_requester(0), UINT32_MAX);
		if (!ran_out()) {
			assert_int_equal(rc, 0);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_null(w->dev[0]);
		/* A table of devices that the unit has made serves the next one. */
		assert_true(memory_allocated_pages(w->memory) <= pages + 2);
	}
}

/* ---- requests ---- */

enum request { ONE_PAGE, MANY_PAGES, SG, MULTI, COHERENT, BUFFER, REQUESTS };

struct made {
	struct iotoll_sg sg[LIST];
	void *ptr;
};

static bool map(struct world *w, enum request what, struct made *m, uint64_t at)
{
	struct iotoll_dma_device *dev = w->dev[0];
	struct iotoll_sg *sg = m->sg;

	for (int i = 0; i < LIST; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(at + i * 3 * PAGE + 100),
					   .bytes = 2 * PAGE};
	if (what == SG)
		return iotoll_dma_map_sg(dev, sg, LIST, IOTOLL_DMA_TO_DEVICE) == LIST;
	if (what == MULTI)
		return iotoll_dma_map_multi(dev, sg, LIST, IOTOLL_DMA_TO_DEVICE, NULL) == LIST;
	if (what == COHERENT) {
		m->ptr = iotoll_dma_alloc_coherent(dev, 2 * PAGE, &sg->dma_address, &sg->paddr);
		return m->ptr;
	}
	sg->bytes = what == ONE_PAGE ? 100 : 20 * PAGE;
	if (what == BUFFER) {
		m->ptr = iotoll_dma_buffer_alloc(dev, 1000, IOTOLL_DMA_TO_DEVICE, NULL, &sg->paddr);
		return m->ptr;
	}
	sg->dma_address = iotoll_dma_map_page(dev, sg->paddr, sg->bytes, IOTOLL_DMA_TO_DEVICE);
	return !iotoll_dma_mapping_error(sg->dma_address);
}

static void unmap(struct world *w, enum request what, struct made *m)
{
	struct iotoll_dma_device *dev = w->dev[0];

	if (what == SG)
		iotoll_dma_unmap_sg(dev, m->sg, LIST, IOTOLL_DMA_TO_DEVICE);
	else if (what == MULTI)
		iotoll_dma_unmap_multi(dev, m->sg, LIST, IOTOLL_DMA_TO_DEVICE, NULL);
	else if (what == COHERENT)
		iotoll_dma_free_coherent(dev, 2 * PAGE, m->ptr, m->sg->dma_address);
	else if (what == BUFFER)
		iotoll_dma_buffer_free(dev, m->sg->paddr);
	else
		iotoll_dma_unmap_page(dev, m->sg->dma_address, m->sg->bytes, IOTOLL_DMA_TO_DEVICE);
}

/* Each of some requests, all of them live: later ones find books that are full, and pools empty. */
static void request(struct world *w, enum request what)
{
	struct made made[20];
	unsigned n = 0;

	for (unsigned k = 0; k < COUNT(made); k++) {
		for (unsigned ask = 0;; ask++) {
			const uint64_t live = stats_of(w).pages_live;
			const uint64_t failures = stats_of(w).map_failures;
			bool mapped;

			assert_true(ask < MOST);
			until_failure = (int)ask;
			mapped = map(w, what, &made[n], (16 << 20) + k * 32 * PAGE);
			if (mapped) {
				n++;
				(void)ran_out();
				break;
			}
			if (!ran_out())
				break; /* nothing of that kind, whatever memory there is */
			if (what != BUFFER)
				assert_int_equal(stats_of(w).map_failures, failures + 1);
			if (!w->promise->keeps)
				assert_int_equal(stats_of(w).pages_live, live);
		}
	}
	if (n != COUNT(made) && what != BUFFER)
		fail_msg("%s, driver %s, allocator %s: %u requests of kind %d", w->of->strategy,
			 w->of->driver, w->of->allocator, n, (int)what);
	while (n-- > 0)
		unmap(w, what, &made[n]);
}

static void survives(const struct combination *c)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_prepare(w, c);
	create(w);
	attach(w);
	for (unsigned what = 0; what < REQUESTS; what++)
		request(w, what);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(stats_of(w).misuse[i], 0);
	world_close(w);
	free(w);
}

static void whatever_runs_out_of_memory_leaves_nothing_and_goes_on(void **state)
{
	const char *strategy, *allocator;
	unsigned n = 0;

	(void)state;
	for (unsigned s = 0; (strategy = iotoll_dma_strategy_name(s, NULL)) != NULL; s++)
		for (size_t d = 0; d < COUNT(drivers); d++)
			for (unsigned a = 0; (allocator = iotoll_dma_allocator_name(a, NULL));
			     a++) {
				const struct iotoll_dma_callbacks none = {.ctx = NULL};
				const struct combination c = {.strategy = strategy,
							      .driver = drivers[d],
							      .allocator = allocator,
							      .check_misuse = n++ % 2,
							      .tight = true};
				const struct iotoll_dma_config config = {.driver = c.driver,
									 .strategy = strategy,
									 .allocator = allocator,
									 .callbacks = &none};

				if (iotoll_dma_config_check(&config, NULL, 0) == 0)
					survives(&c);
			}
}

static void an_iommu_that_runs_out_of_memory_leaves_nothing(void **state)
{
	struct memory *memory = memory_create(1 << 20);
	const char *model;

	(void)state;
	for (unsigned i = 0; (model = iotoll_iommu_model_name(i, NULL)) != NULL; i++)
		for (unsigned n = 0, shared = 0; shared < 2; n++) {
			struct iotoll_iommu_config config;
			struct iotoll_iommu *iommu;
			char why[200] = "";
			int rc;

			assert_true(n < MOST);
			assert_int_equal(iotoll_iommu_defaults(&config, model), 0);
			config.memory.read = memory_load;
			config.memory.ctx = memory;
			config.shared = shared;
			until_failure = (int)n;
			rc = iotoll_iommu_create(&iommu, &config, why, sizeof(why));
			if (!ran_out()) {
				assert_int_equal(rc, 0);
				iotoll_iommu_destroy(iommu);
				n = 0;
				shared++;
				continue;
			}
			assert_int_equal(rc, -ENOMEM);
			assert_null(iommu);
			assert_true(why[0] != 0);
		}
	memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_runs_out_of_memory_leaves_nothing_and_goes_on),
		cmocka_unit_test(an_iommu_that_runs_out_of_memory_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * An embedder who gets everything wrong that a call can be given: NULL, ranges that wrap, sizes of
 * nothing and of everything, values that no enum has, calls in the wrong order. Each has a definite
 * answer, nothing is lost, and whoever calls properly afterwards is served. What iommu.h is given
 * is in test_embed.c as well.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stress.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOWHERE      IOTOLL_DMA_MAPPING_ERROR

/* ---- NULL ---- */

static void the_dma_layer_answers_a_null(void **state)
{
	const struct iotoll_dma_config config = {.driver = "none", .strategy = "off"};
	struct iotoll_dma_stats stats = {.maps = 7};
	struct iotoll_dma_strategy_words words;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	struct iotoll_dma_entry entry;
	size_t bytes = 7;
	char why[100];

	(void)state;
	assert_int_equal(iotoll_dma_domain_create(NULL, NULL, &config, why, sizeof(why)), -EINVAL);
	assert_int_equal(iotoll_dma_domain_create(&domain, NULL, &config, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "environment"));
	assert_null(domain);
	assert_int_equal(iotoll_dma_config_check(NULL, why, sizeof(why)), -EINVAL);
	assert_int_equal(iotoll_dma_config_check(&config, NULL, 0), 0);
	iotoll_dma_domain_destroy(NULL);
	iotoll_dma_domain_observe(NULL, NULL);
	assert_int_equal(iotoll_dma_domain_watchdog(NULL, NULL), -EINVAL);
	assert_int_equal(iotoll_dma_domain_tick(NULL), -EINVAL);
	iotoll_dma_domain_stats(NULL, &stats);
	assert_int_equal(stats.maps, 0);
	iotoll_dma_domain_stats(NULL, NULL);
	iotoll_dma_domain_batches(NULL, NULL, NULL);
	iotoll_dma_domain_stats_reset(NULL);
	iotoll_dma_domain_table(NULL, NULL, &bytes);
	assert_int_equal(bytes, 0);
	assert_false(iotoll_dma_domain_bytewise(NULL));
	assert_false(iotoll_dma_domain_dummy(NULL, NULL));
	assert_int_equal(iotoll_dma_domain_entry(NULL, IOTOLL_IOVA(0), &entry), -EINVAL);
	assert_int_equal(iotoll_dma_attach(&dev, NULL, 8, UINT32_MAX), -EINVAL);
	assert_null(dev);
	assert_int_equal(iotoll_dma_attach_ats(NULL, NULL, 8, UINT32_MAX, 1), -EINVAL);
	iotoll_dma_forget(NULL, IOTOLL_PHYS(0), 1);
	assert_int_equal(iotoll_dma_strategy_words("strict", NULL), -EINVAL);
	assert_int_equal(iotoll_dma_strategy_words(NULL, &words), -ENOENT);
	assert_int_equal(iotoll_dma_driver_entries(NULL), 0);
}

static void requests_without_a_device_are_answered(void **state)
{
	struct iotoll_sg sg = {.paddr = IOTOLL_PHYS(4096), .bytes = 1, .dma_bytes = 1};
	const enum iotoll_dma_dir dir = IOTOLL_DMA_TO_DEVICE;
	iotoll_phys_t paddr;
	iotoll_iova_t iova;

	(void)state;
	iotoll_dma_detach(NULL);
	assert_int_equal(iotoll_dma_set_mask(NULL, UINT32_MAX), -EINVAL);
	assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(NULL, sg.paddr, 1, dir)));
	iotoll_dma_unmap_page(NULL, IOTOLL_IOVA(4096), 1, dir);
	iotoll_dma_unmap_end(NULL);
	assert_int_equal(iotoll_dma_map_sg(NULL, &sg, 1, dir), 0);
	iotoll_dma_unmap_sg(NULL, &sg, 1, dir);
	assert_int_equal(iotoll_dma_map_multi(NULL, &sg, 1, dir, NULL), 0);
	iotoll_dma_unmap_multi(NULL, &sg, 1, dir, NULL);
	assert_int_equal(iotoll_dma_publish(NULL), -EINVAL);
	assert_null(iotoll_dma_alloc_coherent(NULL, 1, &iova, &paddr));
	iotoll_dma_free_coherent(NULL, 1, NULL, NOWHERE);
	assert_null(iotoll_dma_buffer_alloc(NULL, 1, dir, NULL, &paddr));
	iotoll_dma_buffer_free(NULL, sg.paddr);
	iotoll_dma_buffer_hold(NULL, sg.paddr);
	iotoll_dma_buffer_drop(NULL, sg.paddr);
	assert_false(iotoll_dma_buffer_changes(NULL, sg.paddr));
	iotoll_dma_buffer_copy(NULL, sg.paddr, sg.paddr, 1);
	iotoll_dma_sync_single_for_cpu(NULL, IOTOLL_IOVA(4096), 1, dir);
	iotoll_dma_sync_single_for_device(NULL, IOTOLL_IOVA(4096), 1, dir);
}

static void an_iommu_answers_a_null(void **state)
{
	const struct iotoll_source who = {.devid = 8};
	struct iotoll_iommu_stats stats = {.hits = 7};
	struct iotoll_iommu_config config;
	struct iotoll_piece piece;
	struct iotoll_iommu *iommu;
	struct iotoll_xlat x;
	struct world w;
	uint64_t value;
	unsigned count = 1;

	(void)state;
	iotoll_iommu_destroy(NULL);
	iotoll_iommu_reset(NULL);
	iotoll_iommu_observe(NULL, NULL);
	assert_int_equal(iotoll_iommu_reg_read(NULL, 0, 4, &value), -EINVAL);
	assert_int_equal(iotoll_iommu_reg_write(NULL, 0, 0, 4), -EINVAL);
	assert_int_equal(iotoll_iommu_translate(NULL, who, 0, IOTOLL_READ, &x), -EINVAL);
	assert_int_equal(iotoll_iommu_probe(NULL, who, 0, IOTOLL_READ, &x), -EINVAL);
	assert_int_equal(
		iotoll_iommu_translate_range(NULL, who, 0, 1, IOTOLL_READ, &piece, &count, &value),
		-EINVAL);
	assert_false(iotoll_iommu_may_start(NULL, 0));
	iotoll_iommu_begin(NULL, 0);
	iotoll_iommu_end(NULL, 0);
	iotoll_iommu_stats(NULL, &stats);
	assert_int_equal(stats.hits, 0);
	assert_int_equal(iotoll_iommu_defaults(&config, "calgary"), 0);
	config.memory.read = memory_load;
	config.memory.ctx = w.memory = memory_create(4096);
	assert_int_equal(iotoll_iommu_create(&iommu, &config, NULL, 0), 0);
	assert_int_equal(iotoll_iommu_reg_read(iommu, 0, 4, NULL), -EINVAL);
	assert_int_equal(iotoll_iommu_translate(iommu, who, 0, IOTOLL_READ, NULL), -EINVAL);
	assert_int_equal(iotoll_iommu_probe(iommu, who, 0, IOTOLL_READ, NULL), -EINVAL);
	assert_int_equal(
		iotoll_iommu_translate_range(iommu, who, 0, 1, IOTOLL_READ, NULL, &count, &value),
		-EINVAL);
	assert_int_equal(
		iotoll_iommu_translate_range(iommu, who, 0, 1, IOTOLL_READ, &piece, NULL, &value),
		-EINVAL);
	assert_int_equal(
		iotoll_iommu_translate_range(iommu, who, 0, 1, IOTOLL_READ, &piece, &count, NULL),
		-EINVAL);
	iotoll_iommu_stats(iommu, NULL);
	iotoll_iommu_destroy(iommu);
	memory_destroy(w.memory);
}

static void buses_that_there_are_not_are_refused_by_every_model(void **state)
{
	const char *model;

	(void)state;
	for (unsigned i = 0; (model = iotoll_iommu_model_name(i, NULL)) != NULL; i++) {
		static const unsigned buses[] = {4, 8, 255, 65535, UINT_MAX};
		struct memory *memory = memory_create(1 << 20);
		struct iotoll_iommu_config config;
		struct iotoll_iommu *iommu;

		assert_int_equal(iotoll_iommu_defaults(&config, model), 0);
		config.memory.read = memory_load;
		config.memory.ctx = memory;
		assert_int_equal(iotoll_iommu_create(&iommu, &config, NULL, 0), 0);
		for (size_t b = 0; b < COUNT(buses); b++) {
			const struct iotoll_source who = {.bus = (uint16_t)buses[b], .devid = 8};
			struct iotoll_xlat x;

			/* An end without a beginning, too. */
			iotoll_iommu_end(iommu, buses[b]);
			iotoll_iommu_begin(iommu, buses[b]);
			assert_false(iotoll_iommu_may_start(iommu, buses[b]));
			assert_int_equal(
				iotoll_iommu_translate(iommu, who, 0x1000, IOTOLL_READ, &x),
				-ENODEV);
			assert_int_equal(iotoll_iommu_probe(iommu, who, 0x1000, IOTOLL_READ, &x),
					 -ENODEV);
		}
		iotoll_iommu_end(iommu, 0);
		iotoll_iommu_destroy(iommu);
		memory_destroy(memory);
	}
}

/* ---- the environment ---- */

static void an_environment_that_cannot_be_is_refused(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, 4095, 4097, UINT64_MAX, UINT64_MAX - 4095, (UINT64_C(64) << 30) + 4096};
	struct iotoll_env_config config = {.ctx = NULL};
	struct dma_env *env = (struct dma_env *)&config;

	(void)state;
	assert_int_equal(iotoll_env_create(NULL, &config), -EINVAL);
	assert_int_equal(iotoll_env_create(&env, NULL), -EINVAL);
	assert_null(env);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		config.memory_bytes = sizes[i];
		config.window = NULL;
		assert_int_equal(iotoll_env_create(&env, &config), -EINVAL);
		config.window = (void *)(uintptr_t)4096;
		assert_int_equal(iotoll_env_create(&env, &config), -EINVAL);
	}
	config.memory_bytes = 2 * PAGE;
	config.window = (void *)(uintptr_t)4097;
	assert_int_equal(iotoll_env_create(&env, &config), -EINVAL);
	/* The last page of the address space, and one behind it. */
	config.window = (void *)(UINTPTR_MAX - 4095);
	assert_int_equal(iotoll_env_create(&env, &config), -EINVAL);
	assert_null(env);
	assert_null(iotoll_env_ptr(NULL, IOTOLL_PHYS(0), 1));
	assert_int_equal(iotoll_env_free_pages(NULL, IOTOLL_PHYS(4096), 1), -EINVAL);
	iotoll_env_destroy(NULL);
}

static void page_frames_that_there_are_not_are_neither_given_nor_taken_back(void **state)
{
	const struct iotoll_env_config config = {.memory_bytes = 64 * PAGE};
	static const struct {
		uint64_t pages, align, below;
		int rc;
	} bad[] = {
		{0, PAGE, 0, -EINVAL},
		{1, 0, 0, -EINVAL},
		{1, 1, 0, -EINVAL},
		{1, 3 * PAGE, 0, -EINVAL},
		{UINT64_MAX, PAGE, 0, -ENOMEM},
		{UINT64_C(1) << 52, PAGE, 0, -ENOMEM},
		{1, UINT64_C(1) << 63, 0, -ENOMEM},
		{1, PAGE, 1, -ENOMEM},
		{64, PAGE, 0, -ENOMEM}, /* frame 0 is nobody's */
	};
	iotoll_phys_t at, other;
	struct dma_env *env;
	uint64_t first;

	(void)state;
	assert_int_equal(iotoll_env_create(&env, &config), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(
			iotoll_env_alloc_pages(env, bad[i].pages, bad[i].align, bad[i].below, &at),
			bad[i].rc);
	assert_int_equal(iotoll_env_alloc_pages(env, 1, PAGE, 0, NULL), -EINVAL);
	assert_int_equal(iotoll_env_alloc_pages(NULL, 1, PAGE, 0, &at), -EINVAL);
	assert_int_equal(iotoll_env_alloc_pages(env, 4, PAGE, 0, &at), 0);
	first = IOTOLL_PHYS_U64(at);
	assert_int_equal(iotoll_env_free_pages(env, IOTOLL_PHYS(first + 1), 1), -EINVAL);
	assert_int_equal(iotoll_env_free_pages(env, at, 0), -EINVAL);
	assert_int_equal(iotoll_env_free_pages(env, at, 5), -EINVAL);
	assert_int_equal(iotoll_env_free_pages(env, at, UINT64_MAX), -EINVAL);
	assert_int_equal(iotoll_env_free_pages(env, IOTOLL_PHYS(64 * PAGE), 1), -EINVAL);
	assert_int_equal(iotoll_env_free_pages(env, IOTOLL_PHYS(UINT64_MAX - 4095), 1), -EINVAL);
	assert_int_equal(iotoll_env_free_pages(env, at, 4), 0);
	assert_int_equal(iotoll_env_free_pages(env, at, 4), -EINVAL);
	/* All of them, once. */
	assert_int_equal(iotoll_env_alloc_pages(env, 63, PAGE, 0, &at), 0);
	assert_int_equal(iotoll_env_alloc_pages(env, 1, PAGE, 0, &other), -ENOMEM);
	assert_null(iotoll_env_ptr(env, IOTOLL_PHYS(64 * PAGE), 0));
	assert_null(iotoll_env_ptr(env, at, SIZE_MAX));
	iotoll_env_destroy(env);
}

/* ---- domains ---- */

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	uint64_t value = 0;

	assert_int_equal(iotoll_iommu_reg_read(ctx, offset, width, &value), 0);
	return value;
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	assert_int_equal(iotoll_iommu_reg_write(ctx, offset, value, width), 0);
}

static int map_nothing(void *ctx, iotoll_iova_t iova, iotoll_phys_t paddr, uint64_t bytes,
		       enum iotoll_dma_dir dir)
{
	(void)ctx;
	(void)iova;
	(void)paddr;
	(void)bytes;
	(void)dir;
	return 0;
}

static void unmap_nothing(void *ctx, iotoll_iova_t iova, uint64_t bytes)
{
	(void)ctx;
	(void)iova;
	(void)bytes;
}

/* Either there is a domain, or there is a reason in words and nothing is kept. */
static void try_domain(struct memory *memory, const struct iotoll_dma_config *c)
{
	struct iotoll_env_config env_config = {.memory = memory};
	struct iotoll_iommu_config config;
	struct iotoll_iommu *iommu = NULL;
	struct iotoll_dma_domain *domain;
	struct dma_env *env;
	char why[200] = "";
	int rc;

	/* Drivers without a model have no registers, and are refused those of others. */
	if (iotoll_iommu_defaults(&config, c->driver) == 0) {
		config.memory = (struct iotoll_memory){
			.ctx = memory, .read = memory_load, .write = memory_store};
		assert_int_equal(iotoll_iommu_create(&iommu, &config, NULL, 0), 0);
		env_config.ctx = iommu;
		env_config.reg_read = reg_read;
		env_config.reg_write = reg_write;
	}
	assert_int_equal(iotoll_env_create(&env, &env_config), 0);
	rc = iotoll_dma_domain_create(&domain, env, c, why, sizeof(why));
	if (rc) {
		assert_null(domain);
		assert_true(rc == -EINVAL || rc == -ENOMEM || rc == -EBUSY);
		assert_true(why[0] != 0);
	}
	iotoll_dma_domain_destroy(domain);
	iotoll_env_destroy(env);
	iotoll_iommu_destroy(iommu);
	assert_int_equal(memory_allocated_pages(memory), 0);
}

static void impossible_tables_are_refused_in_words(void **state)
{
	static const uint64_t entries[] = {0,
					   1,
					   2,
					   3,
					   1023,
					   1024,
					   4097,
					   8192,
					   16385,
					   UINT64_C(1) << 40,
					   (UINT64_C(1) << 51) + 1,
					   UINT64_MAX};
	static const struct iotoll_dma_callbacks calls = {.map = map_nothing,
							  .unmap = unmap_nothing};
	struct memory *memory = memory_create(32u << 20);
	const char *driver, *strategy;

	(void)state;
	assert_non_null(memory);
	for (unsigned d = 0; (driver = iotoll_dma_driver_name(d, NULL)) != NULL; d++)
		for (unsigned s = 0; (strategy = iotoll_dma_strategy_name(s, NULL)) != NULL; s++)
			for (size_t e = 0; e < COUNT(entries); e++) {
				const struct iotoll_dma_config c = {
					.driver = driver,
					.strategy = strategy,
					.allocator = e % 2 ? "tree" : "next-fit",
					.table_entries = entries[e],
					.start_hint = e % 3 ? 0 : UINT64_MAX,
					.bus = e % 4 == 3 ? UINT_MAX : 0,
					.quota = e % 5 == 4 ? UINT64_MAX : 0,
					.multicall_entries = e % 2 ? UINT_MAX : 0,
					.callbacks = &calls};

				try_domain(memory, &c);
			}
	memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dma_layer_answers_a_null),
		cmocka_unit_test(requests_without_a_device_are_answered),
		cmocka_unit_test(an_iommu_answers_a_null),
		cmocka_unit_test(buses_that_there_are_not_are_refused_by_every_model),
		cmocka_unit_test(an_environment_that_cannot_be_is_refused),
		cmocka_unit_test(page_frames_that_there_are_not_are_neither_given_nor_taken_back),
		cmocka_unit_test(impossible_tables_are_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

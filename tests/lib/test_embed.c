/* SPDX-License-Identifier: MIT */
/*
 * include/iotoll/iommu.h as an embedder uses it, and as one who makes mistakes does: every wrong
 * argument has a definite answer. Tables are the DMA layer's, in memory that is the test's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iotoll/dma.h"
#include "iotoll/env.h"
#include "iotoll/iommu.h"

#include "../base/seed.h"

#define BYTES        (UINT64_C(32) << 20)
#define DEVICE       0x0018u
#define PAGE         UINT64_C(4096)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct world {
	uint8_t *memory;
	struct iotoll_iommu *iommu;
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
};

static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > BYTES || bytes > BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > BYTES || bytes > BYTES - paddr)
		return -EFAULT;
	memcpy(w->memory + paddr, from, bytes);
	return 0;
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	const struct world *w = ctx;
	uint64_t value = 0;

	assert_int_equal(iotoll_iommu_reg_read(w->iommu, offset, width, &value), 0);
	return value;
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	const struct world *w = ctx;

	assert_int_equal(iotoll_iommu_reg_write(w->iommu, offset, value, width), 0);
}

static struct iotoll_iommu_config config_for(struct world *w, const char *model)
{
	struct iotoll_iommu_config config;

	assert_int_equal(iotoll_iommu_defaults(&config, model), 0);
	config.memory =
		(struct iotoll_memory){.ctx = w, .read = read_memory, .write = write_memory};
	return config;
}

/* An IOMMU over the test's memory and a DMA layer that drives it, strict. */
static void open_world(struct world *w, const char *model)
{
	struct iotoll_iommu_config config;
	struct iotoll_env_config env = {
		.ctx = w, .reg_read = reg_read, .reg_write = reg_write, .memory_bytes = BYTES};
	struct iotoll_dma_config dma = {.driver = model,
					.strategy = "strict",
					.allocator = "tree",
					.table_entries = iotoll_dma_driver_entries(model)};
	char why[200] = "";

	*w = (struct world){.memory = aligned_alloc(PAGE, BYTES)};
	assert_non_null(w->memory);
	memset(w->memory, 0, BYTES);
	config = config_for(w, model);
	assert_int_equal(iotoll_iommu_create(&w->iommu, &config, why, sizeof(why)), 0);
	env.window = w->memory;
	assert_int_equal(iotoll_env_create(&w->env, &env), 0);
	assert_int_equal(iotoll_dma_domain_create(&w->domain, w->env, &dma, why, sizeof(why)), 0);
	assert_int_equal(iotoll_dma_attach(&w->dev, w->domain, DEVICE, UINT32_MAX), 0);
}

static void close_world(struct world *w)
{
	iotoll_dma_detach(w->dev);
	iotoll_dma_domain_destroy(w->domain);
	iotoll_env_destroy(w->env);
	iotoll_iommu_destroy(w->iommu);
	free(w->memory);
}

/* ---- what an embedder may get wrong ---- */

static void a_config_that_cannot_be_is_refused_in_words(void **state)
{
	struct world w = {.memory = NULL};
	struct iotoll_iommu_config good = config_for(&w, "vtd"), bad;
	struct iotoll_iommu *iommu = (struct iotoll_iommu *)&w;
	char why[200];

	(void)state;
	assert_int_equal(iotoll_iommu_create(NULL, &good, why, sizeof(why)), -EINVAL);
	assert_int_equal(iotoll_iommu_create(&iommu, NULL, why, sizeof(why)), -EINVAL);
	assert_null(iommu);
	assert_non_null(strstr(why, "config"));
	bad = good;
	bad.model = NULL;
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "vtd"));
	bad = good;
	bad.model = "calgery";
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "calgery"));
	bad = good;
	bad.memory.read = NULL;
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "memory"));
	bad = good;
	bad.memory.window_bytes = PAGE;
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "window"));
	bad = good;
	bad.iotlb_entries = 48;
	bad.iotlb_ways = 5;
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "ways"));
	bad = good;
	bad.iotlb_policy = "a-policy-with-a-name-that-is-far-too-long";
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, NULL, 0), -EINVAL);
	bad.iotlb_policy = "lrru";
	assert_int_equal(iotoll_iommu_create(&iommu, &bad, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "lrru"));
	assert_int_equal(iotoll_iommu_defaults(&bad, NULL), -EINVAL);
	assert_int_equal(iotoll_iommu_defaults(&bad, "none"), -EINVAL);
	assert_int_equal(iotoll_iommu_defaults(NULL, "vtd"), -EINVAL);
	iotoll_iommu_destroy(NULL);
}

static void a_register_access_that_no_bus_makes_is_refused(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned width;
	} bad[] = {{0, 0}, {0, 1}, {0, 2},  {0, 3},         {2, 4},
		   {4, 8}, {1, 8}, {0, 16}, {UINT64_MAX, 4}};
	struct world w;

	(void)state;
	open_world(&w, "vtd");
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint64_t value = 7;

		assert_int_equal(
			iotoll_iommu_reg_read(w.iommu, bad[i].offset, bad[i].width, &value),
			-EINVAL);
		assert_int_equal(value, 7);
		assert_int_equal(
			iotoll_iommu_reg_write(w.iommu, bad[i].offset, UINT64_MAX, bad[i].width),
			-EINVAL);
	}
	close_world(&w);
}

static void a_range_that_is_none_is_refused(void **state)
{
	const struct iotoll_source who = {.devid = DEVICE};
	struct iotoll_piece piece[2];
	struct world w;
	uint64_t done;
	unsigned count;

	(void)state;
	open_world(&w, "vtd");
	count = 2;
	assert_int_equal(iotoll_iommu_translate_range(w.iommu, who, PAGE, 0, IOTOLL_READ, piece,
						      &count, &done),
			 -EINVAL);
	count = 2;
	assert_int_equal(iotoll_iommu_translate_range(w.iommu, who, UINT64_MAX - 1, 3, IOTOLL_READ,
						      piece, &count, &done),
			 -EINVAL);
	count = 0;
	assert_int_equal(iotoll_iommu_translate_range(w.iommu, who, PAGE, 1, IOTOLL_READ, piece,
						      &count, &done),
			 -EINVAL);
	count = 2;
	assert_int_equal(iotoll_iommu_translate_range(w.iommu, who, PAGE, 1, (enum iotoll_access)3,
						      piece, &count, &done),
			 -EINVAL);
	assert_int_equal(count, 0);
	assert_int_equal(done, 0);
	/* Up to the last byte it is one; that nothing is mapped there is another matter. */
	count = 2;
	assert_int_equal(iotoll_iommu_translate_range(w.iommu, who, UINT64_MAX, 1, IOTOLL_READ,
						      piece, &count, &done),
			 -EPERM);
	close_world(&w);
}

/* ---- what it does ---- */

struct heard {
	unsigned faults, dropped;
	uint64_t iova;
};

static void hear_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access)
{
	struct heard *h = ctx;

	assert_int_equal(source.devid, DEVICE);
	assert_int_equal(access, IOTOLL_WRITE);
	h->faults++;
	h->iova = iova;
}

static void hear_dropped(void *ctx, struct iotoll_source source, uint64_t iova_pfn)
{
	struct heard *h = ctx;

	(void)source;
	(void)iova_pfn;
	h->dropped++;
}

static void who_watches_is_told_until_he_no_longer_wants_to_be(void **state)
{
	const struct iotoll_source who = {.devid = DEVICE};
	struct heard heard = {.faults = 0};
	const struct iotoll_iommu_observer observer = {
		.ctx = &heard, .fault = hear_fault, .dropped = hear_dropped};
	struct iotoll_iommu_stats stats;
	struct iotoll_xlat x;
	iotoll_iova_t iova;
	struct world w;

	(void)state;
	open_world(&w, "vtd");
	iotoll_iommu_observe(w.iommu, &observer);
	iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(0x5000), 100, IOTOLL_DMA_BIDIRECTIONAL);
	assert_int_equal(iotoll_iommu_probe(w.iommu, who, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &x),
			 0);
	assert_false(x.hit);
	assert_int_equal(
		iotoll_iommu_translate(w.iommu, who, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &x), 0);
	assert_false(x.hit);
	assert_int_equal(
		iotoll_iommu_translate(w.iommu, who, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.paddr, 0x5000);
	iotoll_dma_unmap_page(w.dev, iova, 100, IOTOLL_DMA_BIDIRECTIONAL);
	assert_int_equal(heard.dropped, 1);
	assert_int_equal(
		iotoll_iommu_translate(w.iommu, who, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &x),
		-EPERM);
	assert_int_equal(heard.faults, 1);
	assert_int_equal(heard.iova, IOTOLL_IOVA_U64(iova));
	iotoll_iommu_observe(w.iommu, NULL);
	assert_int_equal(
		iotoll_iommu_translate(w.iommu, who, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &x),
		-EPERM);
	assert_int_equal(heard.faults, 1);
	iotoll_iommu_stats(w.iommu, &stats);
	assert_int_equal(stats.hits, 1);
	assert_true(stats.invalidations > 0);
	close_world(&w);
}

/* One byte after the other: what the pieces have to say of the whole. */
static int byte_by_byte(struct world *w, uint64_t iova, uint64_t bytes, uint64_t *paddr)
{
	const struct iotoll_source who = {.devid = DEVICE};

	for (uint64_t i = 0; i < bytes; i++) {
		struct iotoll_xlat x;
		const int rc = iotoll_iommu_probe(w->iommu, who, iova + i, IOTOLL_READ, &x);

		if (rc != 0)
			return rc;
		paddr[i] = x.paddr;
	}
	return 0;
}

static void compare_range(struct world *w, uint64_t iova, uint64_t bytes, unsigned room,
			  uint64_t *paddr)
{
	const struct iotoll_source who = {.devid = DEVICE};
	const int want = byte_by_byte(w, iova, bytes, paddr);
	struct iotoll_piece piece[8];
	uint64_t done, at = 0;
	unsigned count = room;
	const int rc = iotoll_iommu_translate_range(w->iommu, who, iova, bytes, IOTOLL_READ, piece,
						    &count, &done);

	assert_true(count <= room && done <= bytes);
	for (unsigned i = 0; i < count; i++) {
		assert_true(i == 0 || piece[i - 1].paddr + piece[i - 1].bytes != piece[i].paddr);
		for (uint64_t b = 0; b < piece[i].bytes; b++)
			assert_int_equal(paddr[at++], piece[i].paddr + b);
	}
	assert_int_equal(at, done);
	/* Room is the only reason to stop where byte by byte went on. */
	if (rc == 0 && done < bytes)
		assert_int_equal(count, room);
	else
		assert_int_equal(rc, want);
}

static void a_range_is_translated_as_its_bytes_are(void **state)
{
	static uint64_t paddr[6 * 4096];
	struct rng rng;
	struct world w;

	(void)state;
	seed_from_env(&rng);
	open_world(&w, "vtd");
	for (unsigned round = 0; round < 60; round++) {
		const uint64_t bytes = 1 + rng_below(&rng, 4 * PAGE);
		const uint64_t at = PAGE * 64 + rng_below(&rng, BYTES / 2);
		const iotoll_iova_t iova =
			iotoll_dma_map_page(w.dev, IOTOLL_PHYS(at), bytes, IOTOLL_DMA_TO_DEVICE);

		assert_false(iotoll_dma_mapping_error(iova));
		/* Into what lies beyond as well: the next mapping, or nothing. */
		compare_range(&w, IOTOLL_IOVA_U64(iova) + rng_below(&rng, bytes),
			      1 + rng_below(&rng, bytes + PAGE), 1 + (unsigned)rng_below(&rng, 8),
			      paddr);
		if (rng_below(&rng, 3) == 0)
			iotoll_dma_unmap_page(w.dev, iova, bytes, IOTOLL_DMA_TO_DEVICE);
	}
	close_world(&w);
}

static void models_and_policies_are_listed_and_every_model_can_be_made(void **state)
{
	struct world w = {.memory = calloc(1, BYTES)};
	const char *title, *name;
	unsigned models = 0;

	(void)state;
	assert_non_null(w.memory);
	for (; (name = iotoll_iommu_model_name(models, &title)) != NULL; models++) {
		struct iotoll_iommu_config config = config_for(&w, name);
		struct iotoll_iommu *iommu;

		config.memory.write = NULL;
		assert_true(strlen(title) > 0);
		assert_int_equal(iotoll_iommu_create(&iommu, &config, NULL, 0), 0);
		iotoll_iommu_reset(iommu);
		iotoll_iommu_destroy(iommu);
	}
	assert_true(models >= 5);
	assert_null(iotoll_iommu_model_name(UINT32_MAX, &title));
	assert_string_equal(iotoll_iommu_policy_name(0, NULL), "lru");
	assert_null(iotoll_iommu_policy_name(UINT32_MAX, NULL));
	free(w.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_that_cannot_be_is_refused_in_words),
		cmocka_unit_test(a_register_access_that_no_bus_makes_is_refused),
		cmocka_unit_test(a_range_that_is_none_is_refused),
		cmocka_unit_test(who_watches_is_told_until_he_no_longer_wants_to_be),
		cmocka_unit_test(a_range_is_translated_as_its_bytes_are),
		cmocka_unit_test(models_and_policies_are_listed_and_every_model_can_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

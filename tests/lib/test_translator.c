/* SPDX-License-Identifier: MIT */
/*
 * include/iotoll/translator.h by one thread, under a DMA layer: what a translator answers is what
 * the IOMMU would have answered, whatever was mapped and unmapped before. Probing, which changes
 * nothing, says what that is. Tables by hand are in test_translator_vtd.c, threads in
 * test_translator_threads.c.
 */
#include "translator_world.h"

/* A DMA layer drives it, strictly: whatever is unmapped is invalidated before unmap returns. */
static void open_dma(struct world *w, const char *model)
{
	struct iotoll_env_config env = {.ctx = w,
					.reg_read = reg_read,
					.reg_write = reg_write,
					.memory_bytes = BYTES,
					.window = w->memory};
	struct iotoll_dma_config dma = {.driver = model,
					.strategy = "strict",
					.allocator = "tree",
					.table_entries = iotoll_dma_driver_entries(model)};
	char why[200] = "";

	assert_int_equal(iotoll_env_create(&w->env, &env), 0);
	if (iotoll_dma_domain_create(&w->domain, w->env, &dma, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_int_equal(iotoll_dma_attach(&w->dev, w->domain, DEVICE,
					   strcmp(model, "riommu") == 0 ? UINT64_MAX : UINT32_MAX),
			 0);
}

/* ---- any model, under a DMA layer ---- */

#define LIVE 24u

struct mapping {
	uint64_t iova, bytes;
	enum iotoll_dma_dir direction;
	bool mapped;
};

static void remap(struct world *w, struct mapping *m, struct rng *rng)
{
	static const enum iotoll_dma_dir directions[] = {
		IOTOLL_DMA_TO_DEVICE, IOTOLL_DMA_FROM_DEVICE, IOTOLL_DMA_BIDIRECTIONAL};
	iotoll_iova_t iova;

	if (m->mapped) {
		iotoll_dma_unmap_page(w->dev, IOTOLL_IOVA(m->iova), m->bytes, m->direction);
		m->mapped = false;
		return;
	}
	m->bytes = 1 + rng_below(rng, 3 * PAGE);
	m->direction = directions[rng_below(rng, 3)];
	iova = iotoll_dma_map_page(w->dev, IOTOLL_PHYS(BYTES / 2 + rng_below(rng, BYTES / 4)),
				   m->bytes, m->direction);
	assert_false(iotoll_dma_mapping_error(iova));
	m->iova = IOTOLL_IOVA_U64(iova);
	m->mapped = true;
}

static void stays_with_the_model(const char *model, unsigned entries)
{
	struct mapping mapping[LIVE] = {{0}};
	struct iotoll_iommu_config config;
	struct iotoll_iommu_stats stats;
	struct world w;
	struct rng rng;
	unsigned granted = 0;

	seed_from_env(&rng);
	open_memory(&w);
	config = config_for(&w, model);
	open_iommu(&w, &config, entries);
	open_dma(&w, model);
	for (unsigned i = 0; i < 20000; i++) {
		struct mapping *m = &mapping[rng_below(&rng, LIVE)];

		if (rng_below(&rng, 20) == 0)
			remap(&w, m, &rng);
		else if (m->bytes != 0)
			granted += same_answer(&w, m->iova + rng_below(&rng, m->bytes),
					       rng_below(&rng, 2) != 0 ? IOTOLL_READ
								       : IOTOLL_WRITE) == 0;
	}
	assert_true(granted > 1000);
	iotoll_iommu_stats(w.iommu, &stats);
	assert_true(strcmp(model, "riommu") == 0 || hits(&w) > granted / 8);
	assert_true(stats.hits + stats.misses + hits(&w) >= granted);
	close_world(&w);
}

static void a_translator_answers_as_vtd_would(void **state)
{
	(void)state;
	stays_with_the_model("vtd", 64);
	stays_with_the_model("vtd", 4);
}

static void a_translator_answers_as_amdvi_would(void **state)
{
	(void)state;
	stays_with_the_model("amdvi", 64);
}

static void a_translator_answers_as_calgary_would(void **state)
{
	(void)state;
	stays_with_the_model("calgary", 64);
}

static void a_translator_answers_as_dart_would(void **state)
{
	(void)state;
	stays_with_the_model("dart-u3", 64);
	stays_with_the_model("dart-u4", 64);
}

/* What is never held: there the IOMMU sees every access. */
static void everything_is_asked(const struct iotoll_iommu_config *config, const char *driver,
				bool stays)
{
	struct iotoll_iommu_stats stats;
	struct world *w = config->memory.ctx;
	iotoll_iova_t iova;

	open_iommu(w, config, 64);
	open_dma(w, driver);
	iova = iotoll_dma_map_page(w->dev, IOTOLL_PHYS(64 * PAGE), 100, IOTOLL_DMA_TO_DEVICE);
	assert_false(iotoll_dma_mapping_error(iova));
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(same_answer(w, IOTOLL_IOVA_U64(iova), IOTOLL_READ), 0);
	iotoll_iommu_stats(w->iommu, &stats);
	assert_int_equal(hits(w), 0);
	assert_int_equal(stats.hits + stats.misses, 50);
	assert_int_equal(stats.hits != 0, stays);
	close_world(w);
}

static void nothing_is_held_where_the_iommu_must_see_each_access(void **state)
{
	struct iotoll_iommu_config config;
	struct world w;

	(void)state;
	open_memory(&w);
	config = config_for(&w, "vtd");
	config.track_stale = true;
	everything_is_asked(&config, "vtd", true);
	open_memory(&w);
	config = config_for(&w, "calgary");
	config.iotlb_entries = 0;
	everything_is_asked(&config, "calgary", false);
	open_memory(&w);
	config = config_for(&w, "riommu");
	everything_is_asked(&config, "riommu", true);
}

static void a_translator_that_cannot_be_is_refused(void **state)
{
	static const unsigned bad[] = {0, 1, 2, 3, 5, 48, 65537, 131072};
	struct iotoll_translator *t = (struct iotoll_translator *)&t;
	struct iotoll_iommu_config config;
	struct iotoll_iommu *alone;
	struct world w;

	(void)state;
	open_memory(&w);
	config = config_for(&w, "vtd");
	open_iommu(&w, &config, 65536);
	assert_int_equal(iotoll_translator_create(NULL, w.iommu, who, 64), -EINVAL);
	assert_int_equal(iotoll_translator_create(&t, NULL, who, 64), -EINVAL);
	assert_null(t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(iotoll_translator_create(&t, w.iommu, who, bad[i]), -EINVAL);
	assert_int_equal(iotoll_iommu_drain(w.iommu), 0);
	config.shared = false;
	assert_int_equal(iotoll_iommu_create(&alone, &config, NULL, 0), 0);
	assert_int_equal(iotoll_translator_create(&t, alone, who, 64), -EINVAL);
	assert_int_equal(iotoll_iommu_drain(alone), -EINVAL);
	assert_int_equal(iotoll_iommu_drain(NULL), -EINVAL);
	iotoll_iommu_destroy(alone);
	iotoll_translator_destroy(NULL);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_translator_answers_as_vtd_would),
		cmocka_unit_test(a_translator_answers_as_amdvi_would),
		cmocka_unit_test(a_translator_answers_as_calgary_would),
		cmocka_unit_test(a_translator_answers_as_dart_would),
		cmocka_unit_test(nothing_is_held_where_the_iommu_must_see_each_access),
		cmocka_unit_test(a_translator_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

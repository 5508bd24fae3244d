/* SPDX-License-Identifier: MIT */
/*
 * The driver whose table is the embedder's: what his two functions are told, in which order, and
 * what becomes of a refusal.
 */
#include <errno.h>

#include "rig.h"

#include "../base/seed.h"

#define SPACE 4096u /* pages of I/O address space */
#define PAGE  UINT64_C(4096)

/* The embedder's address space, page by page; 0: nothing. */
struct space {
	uint64_t paddr[SPACE];
	uint8_t rights[SPACE];
	unsigned maps, unmaps;
	unsigned refuse_after; /* maps, then -ENOSPC */
};

static int space_map(void *ctx, iotoll_iova_t iova, iotoll_phys_t paddr, uint64_t bytes,
		     enum iotoll_dma_dir dir)
{
	struct space *s = ctx;
	const uint64_t first = IOTOLL_IOVA_U64(iova) / PAGE;

	assert_int_equal(IOTOLL_IOVA_U64(iova) % PAGE, 0);
	assert_int_equal(IOTOLL_PHYS_U64(paddr) % PAGE, 0);
	assert_int_equal(bytes % PAGE, 0);
	assert_true(bytes > 0 && first + bytes / PAGE <= SPACE);
	if (s->maps == s->refuse_after)
		return -ENOSPC;
	s->maps++;
	for (uint64_t i = 0; i < bytes / PAGE; i++) {
		assert_int_equal(s->paddr[first + i], 0);
		s->paddr[first + i] = IOTOLL_PHYS_U64(paddr) + i * PAGE;
		s->rights[first + i] = (uint8_t)(dir + 1);
	}
	return 0;
}

static void space_unmap(void *ctx, iotoll_iova_t iova, uint64_t bytes)
{
	struct space *s = ctx;
	const uint64_t first = IOTOLL_IOVA_U64(iova) / PAGE;

	s->unmaps++;
	for (uint64_t i = 0; i < bytes / PAGE; i++)
		s->paddr[first + i] = 0;
}

static unsigned space_pages(const struct space *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SPACE; i++)
		n += s->paddr[i] != 0;
	return n;
}

struct world {
	struct space space;
	struct iotoll_dma_hole hole;
	struct iotoll_dma_callbacks callbacks;
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
};

static struct iotoll_dma_config config_of(struct world *w, const char *strategy)
{
	w->hole = (struct iotoll_dma_hole){.iova = IOTOLL_IOVA(100 * PAGE), .bytes = 50 * PAGE};
	w->callbacks = (struct iotoll_dma_callbacks){.ctx = &w->space,
						     .map = space_map,
						     .unmap = space_unmap,
						     .holes = &w->hole,
						     .hole_count = 1};
	return (struct iotoll_dma_config){.driver = "callbacks",
					  .strategy = strategy,
					  .allocator = "next-fit",
					  .table_entries = SPACE,
					  .check_misuse = true,
					  .callbacks = &w->callbacks};
}

static void open_world(struct world *w, const char *strategy)
{
	const struct iotoll_env_config env = {.memory_bytes = UINT64_C(8) << 20};
	const struct iotoll_dma_config config = config_of(w, strategy);

	memset(&w->space, 0, sizeof(w->space));
	w->space.refuse_after = UINT32_MAX;
	assert_int_equal(iotoll_env_create(&w->env, &env), 0);
	assert_int_equal(iotoll_dma_domain_create(&w->domain, w->env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&w->dev, w->domain, 0, UINT32_MAX), 0);
}

static void close_world(struct world *w)
{
	iotoll_dma_detach(w->dev);
	iotoll_dma_domain_destroy(w->domain);
	iotoll_env_destroy(w->env);
	assert_int_equal(space_pages(&w->space), 0);
}

static void a_request_is_one_call_of_whole_pages_and_so_is_its_end(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	iotoll_iova_t iova;

	(void)state;
	open_world(w, "strict");
	iova = iotoll_dma_map_page(w->dev, IOTOLL_PHYS(0x7ffff0000800), 3 * PAGE,
				   IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w->space.maps, 1);
	assert_int_equal(space_pages(&w->space), 4);
	assert_int_equal(w->space.paddr[IOTOLL_IOVA_U64(iova) / PAGE], 0x7ffff0000000);
	assert_int_equal(w->space.rights[IOTOLL_IOVA_U64(iova) / PAGE], IOTOLL_DMA_FROM_DEVICE + 1);
	assert_int_equal(IOTOLL_IOVA_U64(iova) % PAGE, 0x800);
	iotoll_dma_unmap_page(w->dev, iova, 3 * PAGE, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(w->space.unmaps, 1);
	assert_int_equal(space_pages(&w->space), 0);
	close_world(w);
	free(w);
}

static void a_refused_map_fails_its_request_and_leaves_nothing(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct iotoll_sg sg[3] = {{.paddr = IOTOLL_PHYS(0x10000), .bytes = 100},
				  {.paddr = IOTOLL_PHYS(0x20000), .bytes = 5000},
				  {.paddr = IOTOLL_PHYS(0x30000), .bytes = 1}};

	(void)state;
	open_world(w, "strict");
	for (unsigned good = 0; good < 3; good++) {
		w->space.refuse_after = w->space.maps + good;
		assert_int_equal(iotoll_dma_map_sg(w->dev, sg, 3, IOTOLL_DMA_TO_DEVICE), 0);
		assert_int_equal(space_pages(&w->space), 0);
	}
	w->space.refuse_after = UINT32_MAX;
	assert_int_equal(iotoll_dma_map_sg(w->dev, sg, 3, IOTOLL_DMA_TO_DEVICE), 3);
	iotoll_dma_unmap_sg(w->dev, sg, 3, IOTOLL_DMA_TO_DEVICE);
	close_world(w);
	free(w);
}

struct live {
	iotoll_iova_t iova;
	uint64_t paddr, bytes;
	enum iotoll_dma_dir dir;
};

/* What a strategy keeps mapped besides the pages of each request. */
enum kept { NOTHING, NOTHING_BUT_SHARES, MORE };

/* Is what the embedder was told what the live requests say? */
static void expect_live(const struct world *w, const struct live *live, unsigned n, enum kept kept)
{
	unsigned pages = 0;

	for (unsigned i = 0; i < n; i++) {
		const uint64_t iova = IOTOLL_IOVA_U64(live[i].iova);

		for (uint64_t b = 0; b < live[i].bytes; b++) {
			const uint64_t page = w->space.paddr[(iova + b) / PAGE];

			if (page + (iova + b) % PAGE != live[i].paddr + b)
				fail_msg("byte %llu of request %u", (unsigned long long)b, i);
			if (b == 0 || (iova + b) % PAGE == 0)
				pages++;
			/* Both ways, or just the one that was asked for. */
			if (w->space.rights[(iova + b) / PAGE] != IOTOLL_DMA_BIDIRECTIONAL + 1)
				assert_int_equal(w->space.rights[(iova + b) / PAGE],
						 live[i].dir + 1);
			assert_true((iova + b) / PAGE < 100 || (iova + b) / PAGE >= 150);
		}
	}
	if (kept == NOTHING)
		assert_int_equal(space_pages(&w->space), pages);
}

static void random_requests(const char *strategy, enum kept kept)
{
	struct world *w = calloc(1, sizeof(*w));
	struct live live[40];
	unsigned n = 0;
	struct rng rng;

	seed_from_env(&rng);
	open_world(w, strategy);
	for (unsigned round = 0; round < 3000; round++) {
		if (n < 40 && rng_below(&rng, 2) == 0) {
			live[n].paddr = rng_below(&rng, 200 * PAGE) + PAGE;
			live[n].bytes = 1 + rng_below(&rng, 3 * PAGE);
			live[n].dir = (enum iotoll_dma_dir)rng_below(&rng, 3);
			live[n].iova = iotoll_dma_map_page(w->dev, IOTOLL_PHYS(live[n].paddr),
							   live[n].bytes, live[n].dir);
			assert_false(iotoll_dma_mapping_error(live[n].iova));
			n++;
		} else if (n != 0) {
			const unsigned i = (unsigned)rng_below(&rng, n);

			iotoll_dma_unmap_page(w->dev, live[i].iova, live[i].bytes, live[i].dir);
			live[i] = live[--n];
		}
		if (round % 50 == 0)
			expect_live(w, live, n, kept);
	}
	while (n-- != 0)
		iotoll_dma_unmap_page(w->dev, live[n].iova, live[n].bytes, live[n].dir);
	if (kept != MORE)
		assert_int_equal(space_pages(&w->space), 0);
	close_world(w);
	free(w);
}

static void what_is_told_is_what_is_live_and_never_in_a_hole(void **state)
{
	(void)state;
	random_requests("strict", NOTHING);
	random_requests("deferred", NOTHING);
	random_requests("persistent", MORE);
	random_requests("never-free", MORE);
	random_requests("shared", NOTHING_BUT_SHARES);
}

static void a_config_that_cannot_be_is_refused(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct iotoll_env_config env = {.memory_bytes = UINT64_C(8) << 20};
	struct iotoll_dma_config config = config_of(w, "strict");
	struct iotoll_dma_domain *domain;
	char why[200];

	(void)state;
	assert_int_equal(iotoll_env_create(&w->env, &env), 0);
	w->hole.bytes = 100;
	assert_int_equal(iotoll_dma_domain_create(&domain, w->env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "hole"));
	w->hole =
		(struct iotoll_dma_hole){.iova = IOTOLL_IOVA(UINT64_MAX - 4095), .bytes = 2 * PAGE};
	assert_int_equal(iotoll_dma_domain_create(&domain, w->env, &config, why, sizeof(why)),
			 -EINVAL);
	w->callbacks.holes = NULL;
	assert_int_equal(iotoll_dma_domain_create(&domain, w->env, &config, why, sizeof(why)),
			 -EINVAL);
	w->callbacks.hole_count = 0;
	w->callbacks.unmap = NULL;
	assert_int_equal(iotoll_dma_domain_create(&domain, w->env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "unmap"));
	config.callbacks = NULL;
	assert_int_equal(iotoll_dma_domain_create(&domain, w->env, &config, why, sizeof(why)),
			 -EINVAL);
	config.callbacks = &w->callbacks;
	w->callbacks.unmap = space_unmap;
	config.table_entries = 0;
	assert_int_equal(iotoll_dma_domain_create(&domain, w->env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "table_entries"));
	iotoll_env_destroy(w->env);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_one_call_of_whole_pages_and_so_is_its_end),
		cmocka_unit_test(a_refused_map_fails_its_request_and_leaves_nothing),
		cmocka_unit_test(what_is_told_is_what_is_live_and_never_in_a_hole),
		cmocka_unit_test(a_config_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at the N-th request, for every N: creating, attaching, mapping and
 * allocating either succeed or leave no trace; the sanitizer's leak check and the frame count say
 * whether anything stays.
 */
#include <errno.h>

#include "failing.h"
#include "rig.h"

/*
 * Does @strategy do with less? A page that preallocated, or identity, would have kept from drivers
 * stays where it is; swiotlb's pool is half as large.
 */
static bool gets_by(const char *strategy)
{
	return rig_stands(strategy) || strncmp(strategy, "identity", 8) == 0 ||
	       strcmp(strategy, "swiotlb") == 0;
}

/* How many requests creating and attaching make; every one of them is made to fail once. */
static unsigned set_up_with_failures(struct rig *rig, const struct iotoll_dma_config *config)
{
	for (unsigned n = 0;; n++) {
		char why[128] = "";
		int rc;

		until_failure = (int)n;
		rc = iotoll_dma_domain_create(&rig->domain, rig->env, config, why, sizeof(why));
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_null(rig->domain);
			assert_non_null(strstr(why, "no memory"));
			assert_int_equal(memory_allocated_pages(rig->memory), 0);
			continue;
		}
		rc = iotoll_dma_attach(&rig->dev, rig->domain, 8,
				       iotoll_dma_domain_bytewise(rig->domain) ? UINT64_MAX
									       : UINT32_MAX);
		if (rc == 0 && until_failure >= 0) {
			until_failure = -1;
			return n;
		}
		if (rc == 0 && gets_by(config->strategy)) {
			iotoll_dma_detach(rig->dev);
			rig->dev = NULL;
		} else {
			assert_int_equal(rc, -ENOMEM);
		}
		assert_null(rig->dev);
		iotoll_dma_domain_destroy(rig->domain);
		rig->domain = NULL;
		assert_int_equal(memory_allocated_pages(rig->memory), 0);
	}
}

static void creating_and_attaching_survive_every_failure(void **state)
{
	static struct rig rig;
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		struct iotoll_dma_config config = rig_config_for(name);

		config.quiesce_system = true;
		rig_open(&rig, 16u << 20);
		/* Domain, driver, book twice and device at least. */
		assert_true(set_up_with_failures(&rig, &config) >= 5);
		rig_unmap(&rig, rig_map(&rig, 0xe05000, 5000), 5000);
		rig_close(&rig);
	}
}

static void every_allocator_survives_every_failure(void **state)
{
	static struct rig rig;
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_allocator_name(i, NULL)) != NULL; i++) {
		struct iotoll_dma_config config = rig_config();

		config.strategy = "strict";
		config.allocator = name;
		rig_open(&rig, 16u << 20);
		assert_true(set_up_with_failures(&rig, &config) >= 5);
		rig_unmap(&rig, rig_map(&rig, 0x205000, 5000), 5000);
		rig_close(&rig);
	}
}

static void rings_survive_every_failure(void **state)
{
	static struct rig rig;
	const struct iotoll_dma_config config = {
		.driver = "riommu", .strategy = "burst", .table_entries = 64, .check_misuse = true};

	(void)state;
	rig_open(&rig, 16u << 20);
	/* Domain, line, driver, three tables, entries, rings twice, list twice, book, device. */
	assert_true(set_up_with_failures(&rig, &config) >= 12);
	/* A ring gets memory with its first mapping. */
	until_failure = 0;
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(rig.dev, IOTOLL_PHYS(0x5000), 5000, IOTOLL_DMA_FROM_DEVICE)));
	until_failure = -1;
	rig_unmap(&rig, rig_map(&rig, 0x5000, 5000), 5000);
	rig_close(&rig);
}

/* Each map fails where its allocator asks for memory, and succeeds at the second attempt. */
static void a_map_whose_allocator_cannot_grow_fails_and_leaves_nothing(void **state)
{
	static struct rig rig;
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_allocator_name(i, NULL)) != NULL; i++) {
		struct iotoll_dma_config config = rig_config();
		iotoll_iova_t iova[500];
		uint64_t failed = 0;

		config.strategy = "strict";
		config.allocator = name;
		config.check_misuse = false;
		rig_start(&rig, &config);
		for (unsigned n = 0; n < 500; n++) {
			until_failure = 0;
			iova[n] = iotoll_dma_map_page(rig.dev, IOTOLL_PHYS((256 + n) * 4096), 4096,
						      IOTOLL_DMA_FROM_DEVICE);
			for (int ask = 1; iotoll_dma_mapping_error(iova[n]); ask++) {
				assert_int_equal(rig_stats(&rig).pages_live, n);
				failed++;
				until_failure = ask;
				iova[n] =
					iotoll_dma_map_page(rig.dev, IOTOLL_PHYS((256 + n) * 4096),
							    4096, IOTOLL_DMA_FROM_DEVICE);
			}
		}
		until_failure = -1;
		assert_int_equal(rig_stats(&rig).map_failures, failed);
		for (unsigned n = 0; n < 500; n++)
			rig_unmap(&rig, iova[n], 4096);
		assert_int_equal(rig_stats(&rig).unmaps, 500);
		rig_close(&rig);
	}
}

static void a_map_whose_book_cannot_grow_fails_and_leaves_nothing(void **state)
{
	static struct rig rig;
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		const struct iotoll_dma_config config = rig_config_for(name);
		unsigned failed = 0;

		rig_start(&rig, &config);
		for (unsigned n = 0; n < 1000; n++) {
			const uint64_t live = rig_stats(&rig).pages_live;

			until_failure = 0;
			if (iotoll_dma_mapping_error(
				    iotoll_dma_map_page(rig.dev, IOTOLL_PHYS((256 + n) * 4096),
							4096, IOTOLL_DMA_TO_DEVICE))) {
				assert_int_equal(rig_stats(&rig).pages_live, live);
				failed++;
				until_failure = -1;
				assert_false(iotoll_dma_mapping_error(
					iotoll_dma_map_page(rig.dev, IOTOLL_PHYS((256 + n) * 4096),
							    4096, IOTOLL_DMA_TO_DEVICE)));
			}
		}
		until_failure = -1;
		/* 128, 256 and 512 live mappings; others have books of their own that grow. */
		if (rig_follows_requests(name))
			assert_int_equal(failed, 3);
		assert_true(failed >= 3);
		assert_int_equal(rig_stats(&rig).map_failures, failed);
		rig_close(&rig);
	}
}

/* Whatever it was that had no memory, none of the list is mapped; the next attempt has it. */
static void a_list_without_memory_fails_as_a_whole_and_leaves_nothing(void **state)
{
	static struct rig rig;
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		const struct iotoll_dma_config config = rig_config_for(name);
		unsigned failed = 0;

		rig_start(&rig, &config);
		for (unsigned n = 0; n < 20; n++) {
			struct iotoll_sg sg[17];
			int mapped = 0;

			for (int k = 0; k < 17; k++)
				sg[k] = (struct iotoll_sg){
					.paddr = IOTOLL_PHYS((256 + n * 32 + k) * 4096 + 50),
					.bytes = 4096};
			for (int ask = 0; !mapped; ask++) {
				assert_true(ask < 200);
				const uint64_t live = rig_stats(&rig).pages_live;

				until_failure = ask;
				mapped = iotoll_dma_map_multi(rig.dev, sg, 17, IOTOLL_DMA_TO_DEVICE,
							      NULL);
				until_failure = -1;
				failed += !mapped;
				if (!mapped && rig_follows_requests(name))
					assert_int_equal(rig_stats(&rig).pages_live, live);
				for (int k = 0; k < 17 && !mapped; k++)
					assert_int_equal(sg[k].dma_bytes, 0);
			}
			assert_int_equal(mapped, 17);
		}
		assert_true(failed >= 2);
		assert_int_equal(rig_stats(&rig).map_failures, failed);
		assert_int_equal(rig_stats(&rig).maps, 20 * 17);
		rig_close(&rig);
	}
}

/* Small, large, and larger than any shadow buffer, with both ends in other people's pages. */
static void a_request_whose_copy_has_no_memory_fails_and_leaves_nothing(void **state)
{
	/*
	 * A slab's pages, its place on the list and a record; or two pages and a record, and, as
	 * next-fit has gone on meanwhile, another record.
	 */
	static const unsigned requests[] = {3, 3, 4};
	static const size_t bytes[] = {100, 8192, 20 * 4096};
	static struct rig rig;

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		const struct iotoll_dma_config config = rig_config_for("shadow");
		iotoll_iova_t iova = IOTOLL_DMA_MAPPING_ERROR;
		unsigned failed = 0;

		rig_start(&rig, &config);
		while (iotoll_dma_mapping_error(iova)) {
			assert_int_equal(rig_stats(&rig).pages_live, 0);
			until_failure = (int)failed++;
			iova = iotoll_dma_map_page(rig.dev, IOTOLL_PHYS((16 << 20) + 50), bytes[i],
						   IOTOLL_DMA_FROM_DEVICE);
			until_failure = -1;
		}
		assert_int_equal(failed - 1, requests[i]);
		assert_int_equal(rig_stats(&rig).map_failures, requests[i]);
		rig_unmap(&rig, IOTOLL_IOVA_U64(iova), bytes[i]);
		rig_close(&rig);
	}
}

/* The record of its entry is all that a bounced request may have to get; its slots are there. */
static void a_bounced_request_without_memory_fails_and_gives_its_slots_back(void **state)
{
	static const size_t bytes[] = {100, 8192, 64 * 4096 - 51};
	static struct rig rig;

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		const struct iotoll_dma_config config = rig_config_for("swiotlb");
		uint64_t iova[16];

		rig_start(&rig, &config);
		until_failure = 0;
		assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
			rig.dev, IOTOLL_PHYS((32 << 20) + 50), bytes[i], IOTOLL_DMA_FROM_DEVICE)));
		assert_int_equal(until_failure, -1);
		assert_int_equal(rig_stats(&rig).map_failures, 1);
		assert_int_equal(rig_stats(&rig).pages_live, 0);
		/* All of the pool: a segment for each of 16 CPUs. */
		for (unsigned k = 0; k < 16; k++)
			iova[k] = rig_map(&rig, (32 << 20) + 50, 64 * 4096 - 50);
		assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
			rig.dev, IOTOLL_PHYS((32 << 20) + 50), 1, IOTOLL_DMA_FROM_DEVICE)));
		for (unsigned k = 0; k < 16; k++)
			rig_unmap(&rig, iova[k], 64 * 4096 - 50);
		rig_close(&rig);
	}
}

/* A buffer whose memory, entries, lines or pool cannot be had is none, and leaves nothing. */
static void a_buffer_survives_every_failure(void **state)
{
	static const char *const owners[] = {"page-pool", "damn"};
	static struct rig rig;

	(void)state;
	for (unsigned i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		const struct iotoll_dma_config config = rig_config_for(owners[i]);
		uint64_t live = 0, taken = 0, failed = 0;
		iotoll_phys_t paddr[700];

		rig_start(&rig, &config);
		for (unsigned n = 0; n < 700; n++) {
			void *ptr = NULL;

			for (int ask = 0; !ptr; ask++) {
				until_failure = ask;
				ptr = iotoll_dma_buffer_alloc(rig.dev, 4096, IOTOLL_DMA_FROM_DEVICE,
							      NULL, &paddr[taken]);
				until_failure = -1;
				failed += ptr == NULL;
				if (!ptr)
					assert_int_equal(rig_stats(&rig).pages_live, live);
				assert_true(ask < 300);
			}
			taken++;
			live = rig_stats(&rig).pages_live;
		}
		assert_true(failed > 10);
		for (unsigned n = 0; n < taken; n++) {
			/* A magazine for what comes back may be missing: then it goes. */
			until_failure = 0;
			iotoll_dma_buffer_free(rig.dev, paddr[n]);
			until_failure = -1;
		}
		assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
		rig_close(&rig);
	}
}

static void coherent_memory_survives_every_failure(void **state)
{
	static struct rig rig;
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		const struct iotoll_dma_config config = rig_config_for(name);
		unsigned failed = 0;
		iotoll_phys_t paddr;
		iotoll_iova_t iova;
		uint64_t before;
		void *ptr;

		rig_start(&rig, &config);
		before = memory_allocated_pages(rig.memory);
		for (;; failed++) {
			until_failure = (int)failed;
			ptr = iotoll_dma_alloc_coherent(rig.dev, 9000, &iova, &paddr);
			until_failure = -1;
			if (ptr)
				break;
			if (rig_follows_requests(name))
				assert_int_equal(memory_allocated_pages(rig.memory), before);
			assert_true(failed < 100);
		}
		if (rig_follows_requests(name))
			assert_int_equal(failed, 2);
		assert_true(failed >= 2);
		iotoll_dma_free_coherent(rig.dev, 9000, ptr, iova);
		rig_close(&rig);
	}
}

static void a_leak_is_taken_down_in_order_without_memory_for_a_list(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	for (unsigned n = 0; n < 100; n++)
		(void)rig_map(&rig, n * 4096, 1);
	until_failure = 0;
	iotoll_dma_detach(rig.dev);
	rig.dev = NULL;
	assert_int_equal(until_failure, -1);
	assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_LEAK], 100);
	assert_int_equal(rig_stats(&rig).pages_live, 0);
	rig_close(&rig);
}

static void the_environment_survives_every_failure(void **state)
{
	const struct iotoll_env_config config = {.memory_bytes = 1u << 20};
	struct dma_env *env;
	unsigned failed = 0;
	int rc;

	(void)state;
	for (;; failed++) {
		until_failure = (int)failed;
		rc = iotoll_env_create(&env, &config);
		until_failure = -1;
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(env);
	}
	assert_true(failed >= 2);
	iotoll_env_destroy(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creating_and_attaching_survive_every_failure),
		cmocka_unit_test(every_allocator_survives_every_failure),
		cmocka_unit_test(rings_survive_every_failure),
		cmocka_unit_test(a_map_whose_allocator_cannot_grow_fails_and_leaves_nothing),
		cmocka_unit_test(a_map_whose_book_cannot_grow_fails_and_leaves_nothing),
		cmocka_unit_test(a_list_without_memory_fails_as_a_whole_and_leaves_nothing),
		cmocka_unit_test(a_request_whose_copy_has_no_memory_fails_and_leaves_nothing),
		cmocka_unit_test(a_bounced_request_without_memory_fails_and_gives_its_slots_back),
		cmocka_unit_test(a_buffer_survives_every_failure),
		cmocka_unit_test(coherent_memory_survives_every_failure),
		cmocka_unit_test(a_leak_is_taken_down_in_order_without_memory_for_a_list),
		cmocka_unit_test(the_environment_survives_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

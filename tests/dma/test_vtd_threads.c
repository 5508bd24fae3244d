/* SPDX-License-Identifier: MIT */
/*
 * Four domains of one VT-d unit, each on a thread of its own: they share the queue, which must get
 * every descriptor whole and in pairs with its wait. Run it under ThreadSanitizer as well.
 */
#include <pthread.h>

#include "vtdrig.h"

#define DOMAINS 4u
#define ROUNDS  3000u

static void *map_and_unmap(void *arg)
{
	struct iotoll_dma_device *dev = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const iotoll_iova_t iova =
			iotoll_dma_map_page(dev, IOTOLL_PHYS(0x5000), 4096, IOTOLL_DMA_TO_DEVICE);

		iotoll_dma_unmap_page(dev, iova, 4096, IOTOLL_DMA_TO_DEVICE);
	}
	return NULL;
}

static void domains_of_one_unit_share_its_queue(void **state)
{
	const struct iotoll_dma_config config = vtdrig_config("strict");
	struct iotoll_dma_domain *domain[DOMAINS];
	struct iotoll_dma_device *dev[DOMAINS];
	pthread_t threads[DOMAINS];
	static struct vtdrig rig;
	struct iotoll_dma_stats stats;

	(void)state;
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
	for (unsigned i = 0; i < DOMAINS; i++) {
		assert_int_equal(iotoll_dma_domain_create(&domain[i], rig.env, &config, NULL, 0),
				 0);
		assert_int_equal(
			iotoll_dma_attach(&dev[i], domain[i], (uint16_t)(8 * (i + 1)), UINT32_MAX),
			0);
	}
	vtdrig_forget(&rig);
	for (unsigned i = 0; i < DOMAINS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, map_and_unmap, dev[i]), 0);
	for (unsigned i = 0; i < DOMAINS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(rig.descs, 2 * DOMAINS * ROUNDS);
	for (unsigned i = 0; i < RIG_LOG_MAX; i += 2) {
		/* Page-selective, of domain 2, 3, 4 or 5; then a wait. */
		assert_int_equal(rig.desc[i][0] & 0xFFFF, 0xF2);
		assert_in_range(rig.desc[i][0] >> 16, 2, 1 + DOMAINS);
		assert_int_equal(rig.desc[i + 1][0], UINT64_C(0x0000000200000025));
	}
	for (unsigned i = 0; i < DOMAINS; i++) {
		iotoll_dma_domain_stats(domain[i], &stats);
		assert_int_equal(stats.invalidations, ROUNDS);
		assert_int_equal(stats.flush_timeouts, 0);
		iotoll_dma_domain_destroy(domain[i]);
	}
	vtdrig_close(&rig);
}

/* ---- the most that was ever live ---- */

#define MOST 1000u

struct user {
	struct iotoll_dma_device *dev;
	iotoll_iova_t iova[MOST];
};

static void *map_most(void *arg)
{
	struct user *u = arg;

	for (unsigned i = 0; i < MOST; i++)
		u->iova[i] = iotoll_dma_map_page(u->dev, IOTOLL_PHYS(0x5000), 4096,
						 IOTOLL_DMA_TO_DEVICE);
	return NULL;
}

static void unmap_most(struct user *u)
{
	for (unsigned i = 0; i < MOST; i++)
		iotoll_dma_unmap_page(u->dev, u->iova[i], 4096, IOTOLL_DMA_TO_DEVICE);
}

/* This thread had as many before, when the other had none: that was not yet the most. */
static void a_peak_is_that_of_all_threads_together(void **state)
{
	struct iotoll_dma_config config = vtdrig_config("strict");
	struct iotoll_dma_domain *domain;
	static struct user mine, others;
	static struct vtdrig rig;
	struct iotoll_dma_stats stats;
	pthread_t thread;

	(void)state;
	config.allocator = "magazines";
	config.split_locks = true;
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
	assert_int_equal(iotoll_dma_domain_create(&domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&mine.dev, domain, 8, UINT32_MAX), 0);
	others.dev = mine.dev;
	(void)map_most(&mine);
	unmap_most(&mine);
	assert_int_equal(pthread_create(&thread, NULL, map_most, &others), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)map_most(&mine);
	unmap_most(&mine);
	unmap_most(&others);
	iotoll_dma_domain_stats(domain, &stats);
	assert_int_equal(stats.pages_live, 0);
	assert_in_range(stats.pages_peak, 2 * MOST - 2 * 128, 2 * MOST);
	iotoll_dma_domain_destroy(domain);
	vtdrig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_of_one_unit_share_its_queue),
		cmocka_unit_test(a_peak_is_that_of_all_threads_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

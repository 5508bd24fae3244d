/* SPDX-License-Identifier: MIT */
/*
 * Four real threads on one domain. What they hold must never overlap, and what they count must
 * add up; run it under ThreadSanitizer as well.
 */
#include <errno.h>
#include <pthread.h>

#include "base/rng.h"
#include "rig.h"

#define THREADS 4u
#define STEPS   20000u
#define LIVE    64u
#define ENTRIES 8192u
/* Nobody else's memory: strategies that copy write there. */
#define BUFFERS(thread) IOTOLL_PHYS((UINT64_C(16) + (thread)) << 20)

struct shared {
	struct rig rig;
	unsigned owner[ENTRIES]; /* thread + 1, atomically exchanged */
	struct iotoll_dma_device *dev[THREADS];
};

struct worker {
	struct shared *shared;
	unsigned number;
	uint64_t seed;
	uint64_t maps, unmaps, failures, clashes;
};

static void claim(struct worker *w, uint64_t iova, uint64_t pages, unsigned from, unsigned to)
{
	for (uint64_t i = 0; i < pages; i++)
		if (__atomic_exchange_n(&w->shared->owner[(iova >> 12) + i], to,
					__ATOMIC_RELAXED) != from)
			w->clashes++;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct iotoll_dma_device *dev = w->shared->dev[w->number];
	struct {
		iotoll_iova_t iova;
		uint64_t pages;
	} live[LIVE];
	unsigned n = 0;
	struct rng rng;

	rng_seed(&rng, w->seed);
	for (unsigned step = 0; step < STEPS || n; step++) {
		if (step < STEPS && n < LIVE && (n == 0 || rng_below(&rng, 2))) {
			live[n].pages = 1 + rng_below(&rng, rng_below(&rng, 10) ? 1 : 40);
			live[n].iova =
				iotoll_dma_map_page(dev, BUFFERS(w->number), live[n].pages * 4096,
						    IOTOLL_DMA_FROM_DEVICE);
			if (iotoll_dma_mapping_error(live[n].iova)) {
				w->failures++;
				continue;
			}
			claim(w, IOTOLL_IOVA_U64(live[n].iova), live[n].pages, 0, w->number + 1);
			n++;
			w->maps++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			claim(w, IOTOLL_IOVA_U64(live[i].iova), live[i].pages, w->number + 1, 0);
			iotoll_dma_unmap_page(dev, live[i].iova, live[i].pages * 4096,
					      IOTOLL_DMA_FROM_DEVICE);
			live[i] = live[--n];
			w->unmaps++;
		}
		if (step % 128 == 0)
			(void)iotoll_dma_domain_tick(w->shared->rig.domain);
		if (step % 64 == 0) {
			iotoll_phys_t paddr;
			iotoll_iova_t iova;
			void *ptr = iotoll_dma_alloc_coherent(dev, 5000, &iova, &paddr);

			iotoll_dma_sync_single_for_cpu(dev, iova, 1, IOTOLL_DMA_BIDIRECTIONAL);
			iotoll_dma_free_coherent(dev, 5000, ptr, iova);
		}
	}
	return NULL;
}

static void run(const char *strategy, bool check, bool split, uint64_t seed)
{
	static struct shared shared;
	struct worker workers[THREADS];
	struct iotoll_dma_config config = rig_config_for(strategy);
	uint64_t maps = 0, unmaps = 0, failures = 0;
	pthread_t threads[THREADS];
	struct iotoll_dma_stats stats;

	memset(&shared, 0, sizeof(shared));
	config.check_misuse = check;
	config.split_locks = split;
	rig_start(&shared.rig, &config);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.shared = &shared, .number = i, .seed = seed + i};
		assert_int_equal(iotoll_dma_attach(&shared.dev[i], shared.rig.domain,
						   (uint16_t)(16 + i), UINT32_MAX),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		maps += workers[i].maps;
		unmaps += workers[i].unmaps;
		failures += workers[i].failures;
		if (rig_follows_requests(strategy))
			assert_int_equal(workers[i].clashes, 0);
	}
	stats = rig_stats(&shared.rig);
	assert_int_equal(stats.maps, maps);
	assert_int_equal(stats.unmaps, unmaps);
	assert_int_equal(stats.map_failures, failures);
	assert_int_equal(stats.coherent_allocs, stats.coherent_frees);
	if (rig_follows_requests(strategy))
		assert_int_equal(stats.pages_live, 0);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(stats.misuse[i], 0);
	for (unsigned i = 0; i < THREADS; i++)
		iotoll_dma_detach(shared.dev[i]);
	rig_close(&shared.rig);
}

static void what_threads_hold_never_overlaps(void **state)
{
	const uint64_t seed = rig_seed();
	const char *name;

	(void)state;
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		run(name, false, false, seed);
		run(name, true, false, seed);
	}
}

static void nor_does_it_without_a_lock_around_each_call(void **state)
{
	static const char *const strategies[] = {"strict", "deferred", "deferred-tracked",
						 "flush-queue", "unflushed"};
	const uint64_t seed = rig_seed();

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		run(strategies[i], false, true, seed);
		run(strategies[i], true, true, seed);
	}
}

/* Who is named is not made for it; one that is comes in its place. */
static void rows_that_are_not_made_for_threads_cannot_have_split_locks(void **state)
{
	struct iotoll_dma_config config = rig_config();
	struct iotoll_dma_domain *domain;
	static struct rig rig;
	char why[160];

	(void)state;
	rig_open(&rig, 64u << 20);
	config.split_locks = true;
	config.strategy = "strict";
	config.allocator = "contiguous";
	assert_int_equal(iotoll_dma_domain_create(&domain, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "split locks: allocator contiguous is not made for several "
				 "threads at once: expected magazines or another that is");
	config.allocator = "magazines";
	config.strategy = "shadow";
	assert_int_equal(iotoll_dma_domain_create(&domain, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "split locks: strategy shadow is not made for them");
	config.strategy = "identity";
	assert_int_equal(iotoll_dma_domain_create(&domain, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(
		why, "split locks: strategy identity is not made for several threads at once");
	config.strategy = "strict";
	assert_int_equal(iotoll_dma_domain_create(&domain, rig.env, &config, why, sizeof(why)), 0);
	iotoll_dma_domain_destroy(domain);
	rig_close(&rig);
}

/* ---- buffers ---- */

#define HELD 24u

struct taker {
	struct shared *shared;
	uint8_t number;
	uint64_t seed, taken, spoilt;
};

/* Buffers of two rings of one device, each marked by the thread that has it.
 */
static void *take_and_give(void *arg)
{
	struct taker *t = arg;
	struct iotoll_dma_device *dev = t->shared->dev[0];
	struct {
		uint8_t *ptr;
		iotoll_phys_t paddr;
		iotoll_iova_t iova;
		size_t bytes;
	} held[HELD];
	unsigned n = 0;
	struct rng rng;

	rng_seed(&rng, t->seed);
	for (unsigned step = 0; step < STEPS || n; step++) {
		if (step < STEPS && n < HELD && (n == 0 || rng_below(&rng, 2))) {
			const struct iotoll_dma_attrs attrs = {.ring = 1 + step % 2};

			held[n].bytes = 64 + (size_t)rng_below(&rng, 2000);
			held[n].ptr = iotoll_dma_buffer_alloc(
				dev, held[n].bytes, IOTOLL_DMA_FROM_DEVICE, &attrs, &held[n].paddr);
			if (!held[n].ptr)
				continue;
			memset(held[n].ptr, t->number, held[n].bytes);
			held[n].iova = iotoll_dma_map_page(dev, held[n].paddr, held[n].bytes,
							   IOTOLL_DMA_FROM_DEVICE);
			t->taken++;
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			for (size_t k = 0; k < held[i].bytes; k++)
				t->spoilt += held[i].ptr[k] != t->number;
			iotoll_dma_unmap_page(dev, held[i].iova, held[i].bytes,
					      IOTOLL_DMA_FROM_DEVICE);
			iotoll_dma_buffer_free(dev, held[i].paddr);
			held[i] = held[--n];
		}
	}
	return NULL;
}

static void take_buffers(const char *strategy, bool check, uint64_t seed)
{
	static struct shared shared;
	struct iotoll_dma_config config = rig_config_for(strategy);
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	uint64_t taken = 0;

	memset(&shared, 0, sizeof(shared));
	config.check_misuse = check;
	rig_start(&shared.rig, &config);
	shared.dev[0] = shared.rig.dev;
	for (unsigned i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){
			.shared = &shared, .number = (uint8_t)(i + 1), .seed = seed + i};
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &takers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(takers[i].spoilt, 0);
		taken += takers[i].taken;
	}
	assert_true(taken > STEPS);
	assert_int_equal(rig_stats(&shared.rig).maps, taken);
	assert_int_equal(rig_stats(&shared.rig).unmaps, taken);
	assert_int_equal(rig_stats(&shared.rig).reused_maps, taken);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(rig_stats(&shared.rig).misuse[i], 0);
	rig_close(&shared.rig);
}

static void no_buffer_is_two_threads_at_a_time(void **state)
{
	const uint64_t seed = rig_seed();

	(void)state;
	for (unsigned check = 0; check < 2; check++) {
		take_buffers("page-pool", check, seed);
		take_buffers("damn", check, seed);
	}
}

/* ---- two buses of one chip ---- */

struct bus {
	struct iotoll_dma_device *dev;
};

static void *flush_often(void *arg)
{
	struct bus *bus = arg;

	for (unsigned i = 0; i < 2000; i++) {
		const iotoll_iova_t iova = iotoll_dma_map_page(bus->dev, IOTOLL_PHYS(0x1000), 4096,
							       IOTOLL_DMA_FROM_DEVICE);

		iotoll_dma_unmap_page(bus->dev, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	}
	return NULL;
}

/* Were two system-wide flushes to overlap, one would save and restore the other's stop. */
static void flushes_that_stop_the_whole_chip_do_not_leave_a_bus_stopped(void **state)
{
	static struct rig rig;
	struct iotoll_dma_domain *domain[4];
	struct bus bus[4];
	pthread_t threads[4];

	(void)state;
	rig_open(&rig, 16u << 20);
	for (unsigned i = 0; i < 4; i++)
		rig_put32(&rig, calgary_phb_reg(i, CALGARY_AER), 0xF0000000 + i);
	for (unsigned i = 0; i < 4; i++) {
		struct iotoll_dma_config config = rig_config();

		config.strategy = "strict";
		config.bus = i;
		/* One that asks for it is enough to bind the others. */
		config.quiesce_system = i % 2 == 0;
		assert_int_equal(iotoll_dma_domain_create(&domain[i], rig.env, &config, NULL, 0),
				 0);
		assert_int_equal(iotoll_dma_attach(&bus[i].dev, domain[i], 8, UINT32_MAX), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flush_often, &bus[i]), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rig_get32(&rig, calgary_phb_reg(i, CALGARY_AER)), 0xF0000000 + i);
		iotoll_dma_detach(bus[i].dev);
		iotoll_dma_domain_destroy(domain[i]);
	}
	rig_close(&rig);
}

/* Whether the chip is shared may change while another bus flushes. */
static void a_bus_flushes_while_another_domain_comes_and_goes(void **state)
{
	static struct rig rig;
	struct iotoll_dma_config config = rig_config(), other = rig_config();
	struct iotoll_dma_domain *domain, *guest;
	struct iotoll_dma_device *dev;
	struct bus bus;
	pthread_t thread;

	(void)state;
	rig_open(&rig, 16u << 20);
	for (unsigned i = 0; i < 4; i++)
		rig_put32(&rig, calgary_phb_reg(i, CALGARY_AER), 0xF0000000 + i);
	config.strategy = other.strategy = "strict";
	config.bus = 0;
	other.bus = 3;
	other.quiesce_system = true;
	assert_int_equal(iotoll_dma_domain_create(&domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&bus.dev, domain, 8, UINT32_MAX), 0);
	assert_int_equal(pthread_create(&thread, NULL, flush_often, &bus), 0);
	for (unsigned i = 0; i < 200; i++) {
		iotoll_iova_t iova;

		assert_int_equal(iotoll_dma_domain_create(&guest, rig.env, &other, NULL, 0), 0);
		assert_int_equal(iotoll_dma_attach(&dev, guest, 8, UINT32_MAX), 0);
		iova = iotoll_dma_map_page(dev, IOTOLL_PHYS(0x1000), 1, IOTOLL_DMA_FROM_DEVICE);
		iotoll_dma_unmap_page(dev, iova, 1, IOTOLL_DMA_FROM_DEVICE);
		iotoll_dma_domain_destroy(guest);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_get32(&rig, calgary_phb_reg(i, CALGARY_AER)), 0xF0000000 + i);
	iotoll_dma_detach(bus.dev);
	iotoll_dma_domain_destroy(domain);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_threads_hold_never_overlaps),
		cmocka_unit_test(nor_does_it_without_a_lock_around_each_call),
		cmocka_unit_test(rows_that_are_not_made_for_threads_cannot_have_split_locks),
		cmocka_unit_test(no_buffer_is_two_threads_at_a_time),
		cmocka_unit_test(flushes_that_stop_the_whole_chip_do_not_leave_a_bus_stopped),
		cmocka_unit_test(a_bus_flushes_while_another_domain_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

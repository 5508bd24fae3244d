/* SPDX-License-Identifier: MIT */
/*
 * The pool of bounce buffers by itself: every place it hands out is the one that a naive search of
 * a map of slots finds, its own account of slots is right at every moment, and it is as large as
 * asked for or as there is memory.
 */
#include "base/rng.h"
#include "dma/strategy/swiotlb_pool.h"
#include "rig.h"

#include <errno.h>

#define PAGES 2048u
#define SLOTS (2 * PAGES)

static struct rig rig;

static void start(struct swiotlb_pool *pool, struct locks *locks, uint64_t pages, uint64_t below)
{
	rig_open(&rig, 64u << 20);
	*locks = (struct locks){.env = rig.env};
	assert_int_equal(swiotlb_pool_create(pool, rig.env, locks, pages, below), 0);
	assert_true(swiotlb_pool_check(pool));
}

static void stop(struct swiotlb_pool *pool, struct locks *locks)
{
	locks_fini(locks);
	swiotlb_pool_destroy(pool);
	rig_close(&rig);
}

/* ---- a naive model ---- */

struct model {
	bool taken[SLOTS];
	uint64_t next[64]; /* of each area */
	const struct swiotlb_pool *pool;
};

static bool room(const struct model *m, uint64_t slot, uint64_t want)
{
	for (uint64_t i = slot; i < slot + want; i++)
		if (i / 128 != slot / 128 || m->taken[i])
			return false;
	return true;
}

/* From the area of the CPU on, in each from where it left off, to the first place with room. */
static bool model_take(struct model *m, unsigned mine, uint64_t want, uint64_t *slot)
{
	const uint64_t each = m->pool->area_slots;

	for (unsigned k = 0; k < m->pool->areas; k++) {
		const unsigned area = (mine + k) % m->pool->areas;

		for (uint64_t i = 0; i < each; i += 2) {
			*slot = area * each + (m->next[area] + i) % each;
			if (!room(m, *slot, want))
				continue;
			memset(&m->taken[*slot], true, want);
			m->next[area] = (*slot - area * each + want) % each;
			return true;
		}
	}
	return false;
}

struct piece {
	uint64_t at, pages;
};

static void every_place_is_the_one_that_a_naive_search_finds(void **state)
{
	static struct piece held[PAGES];
	static struct model m;
	struct swiotlb_pool pool;
	struct locks locks;
	struct rng rng;
	unsigned n = 0, full = 0;

	(void)state;
	rng_seed(&rng, rig_seed());
	start(&pool, &locks, PAGES, 0);
	m = (struct model){.pool = &pool};
	assert_int_equal(pool.slots, SLOTS);
	for (unsigned step = 0; step < 20000; step++) {
		const uint64_t kind = rng_below(&rng, 8);
		/* In turns it fills, and empties. */
		if (rng_below(&rng, 100) < (step / 2500 % 2 ? 35u : 65u)) {
			const uint64_t pages = 1 + rng_below(&rng, kind < 5   ? 2
								   : kind < 7 ? 16
									      : 64);
			uint64_t slot = 0, at = 0;
			const bool found =
				model_take(&m, env_cpu(rig.env) % pool.areas, pages * 2, &slot);
			const int rc = swiotlb_pool_take(&pool, pages, &at);

			assert_int_equal(rc, found ? 0 : -ENOSPC);
			full += !found;
			if (found)
				assert_int_equal(at, IOTOLL_PHYS_U64(pool.memory) + slot * 2048);
			if (found)
				held[n++] = (struct piece){at, pages};
		} else if (n) {
			const unsigned i = (unsigned)rng_below(&rng, n);
			const uint64_t slot = (held[i].at - IOTOLL_PHYS_U64(pool.memory)) / 2048;

			swiotlb_pool_give_back(&pool, held[i].at, held[i].pages);
			memset(&m.taken[slot], false, held[i].pages * 2);
			held[i] = held[--n];
		}
		if (step % 50 == 0)
			assert_true(swiotlb_pool_check(&pool));
	}
	assert_true(full > 0);
	while (n--)
		swiotlb_pool_give_back(&pool, held[n].at, held[n].pages);
	assert_true(swiotlb_pool_check(&pool));
	assert_int_equal(swiotlb_pool_used(&pool), 0);
	stop(&pool, &locks);
}

static void nothing_crosses_a_segment(void **state)
{
	struct swiotlb_pool pool;
	struct locks locks;
	uint64_t at;

	(void)state;
	start(&pool, &locks, PAGES, 0);
	assert_int_equal(swiotlb_pool_take(&pool, 65, &at), -ENOSPC);
	/* Two of 33 pages do not share one of 64. */
	for (unsigned i = 0; i < PAGES / 64; i++)
		assert_int_equal(swiotlb_pool_take(&pool, 33, &at), 0);
	assert_int_equal(swiotlb_pool_take(&pool, 33, &at), -ENOSPC);
	assert_int_equal(swiotlb_pool_take(&pool, 31, &at), 0);
	assert_int_equal(swiotlb_pool_used(&pool), (PAGES / 64 * 33 + 31) * 2);
	stop(&pool, &locks);
}

/* 16 CPUs in native code, each with an area, and that of a segment at least. */
static void its_size_is_a_power_of_two_with_a_segment_for_each_cpu(void **state)
{
	static const uint64_t asked[] = {1, 1024, 1025, 3000, 4096},
			      got[] = {1024, 1024, 2048, 4096, 4096};
	struct swiotlb_pool pool;
	struct locks locks;

	(void)state;
	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		start(&pool, &locks, asked[i], 0);
		assert_int_equal(pool.slots, got[i] * 2);
		assert_int_equal(pool.areas, 16);
		assert_int_equal(pool.area_slots, got[i] * 2 / 16);
		stop(&pool, &locks);
	}
}

/* 64 MiB of memory have no 64 MiB left; below 3 MiB there are two, and fewer areas for them. */
static void where_memory_is_short_it_is_half_as_large_as_often_as_need_be(void **state)
{
	struct swiotlb_pool pool;
	struct locks locks;

	(void)state;
	start(&pool, &locks, SWIOTLB_DEFAULT_PAGES, 0);
	assert_int_equal(pool.slots, SWIOTLB_DEFAULT_PAGES);
	stop(&pool, &locks);
	start(&pool, &locks, SWIOTLB_DEFAULT_PAGES, 3u << 20);
	assert_int_equal(pool.slots, 1024);
	assert_int_equal(pool.areas, 8);
	assert_true(IOTOLL_PHYS_U64(pool.memory) + (2u << 20) <= 3u << 20);
	stop(&pool, &locks);
	rig_open(&rig, 64u << 20);
	assert_int_equal(swiotlb_pool_create(&pool, rig.env, &locks, 1, 1u << 20), -ENOMEM);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place_is_the_one_that_a_naive_search_finds),
		cmocka_unit_test(nothing_crosses_a_segment),
		cmocka_unit_test(its_size_is_a_power_of_two_with_a_segment_for_each_cpu),
		cmocka_unit_test(where_memory_is_short_it_is_half_as_large_as_often_as_need_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

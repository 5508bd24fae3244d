// SPDX-License-Identifier: MIT
/*
 * The allocator of neighbours: which addresses a ring gets, and when a chunk of 64 comes and goes.
 * Expected addresses follow from the tree below it, which hands out aligned chunks from the top.
 */
#include <errno.h>

#include "base/rng.h"
#include "iovarig.h"

#define ENTRIES 2560u /* 40 chunks */
#define CHUNK   64u
#define TOP     (ENTRIES - CHUNK) /* the first chunk */
#define LIVE    300u

static int64_t take(struct iovarig *f, unsigned ring, uint64_t count, uint64_t limit)
{
	const struct iova_want want = {.count = count, .limit = limit, .ring = ring};
	uint64_t first;
	const int rc = f->a->ops->alloc(f->a, &want, &first);

	assert_true(f->a->ops->check(f->a));
	return rc ? rc : (int64_t)first;
}

static void a_ring_takes_its_entries_in_order_out_of_one_chunk(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "contiguous", ENTRIES, 0);
	for (unsigned i = 0; i < CHUNK; i++)
		assert_int_equal(take(&f, 1, 1, ENTRIES), TOP + i);
	for (unsigned i = 0; i < CHUNK; i++)
		assert_int_equal(take(&f, 1, 1, ENTRIES), TOP - CHUNK + i);
	assert_int_equal(f.a->live, 2 * CHUNK);
	iovarig_close(&f);
}

static void rings_have_chunks_of_their_own(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "contiguous", ENTRIES, 0);
	for (unsigned i = 0; i < 10; i++)
		for (unsigned ring = 0; ring < 4; ring++)
			assert_int_equal(take(&f, ring, 1, ENTRIES), TOP - CHUNK * ring + i);
	iovarig_close(&f);
}

static void what_does_not_fit_begins_another_chunk(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "contiguous", ENTRIES, 0);
	assert_int_equal(take(&f, 1, 60, ENTRIES), TOP);
	assert_int_equal(take(&f, 1, 5, ENTRIES), TOP - CHUNK);
	assert_int_equal(take(&f, 1, 4, ENTRIES), TOP - CHUNK + 5);
	/* Nobody is at the first chunk any more: it goes when all that was taken of it is back. */
	iovarig_give(&f, TOP, 59);
	assert_int_equal(take(&f, 2, 1, ENTRIES), TOP - 2 * CHUNK);
	iovarig_give(&f, TOP + 59, 1);
	assert_int_equal(take(&f, 3, 64, ENTRIES), TOP);
	iovarig_close(&f);
}

static void a_chunk_that_is_all_back_begins_again(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "contiguous", ENTRIES, 0);
	assert_int_equal(take(&f, 1, 3, ENTRIES), TOP);
	iovarig_give(&f, TOP, 2);
	assert_int_equal(take(&f, 1, 1, ENTRIES), TOP + 3);
	iovarig_give(&f, TOP + 2, 2);
	assert_int_equal(take(&f, 1, 1, ENTRIES), TOP);
	iovarig_close(&f);
}

static void longer_ranges_and_narrow_devices_are_the_trees(void **state)
{
	struct iovarig f;

	(void)state;
	iovarig_open(&f, "contiguous", ENTRIES, 0);
	assert_int_equal(take(&f, 1, 65, ENTRIES), ENTRIES - 128); /* aligned to 128 */
	assert_int_equal(take(&f, 1, 1, ENTRIES), ENTRIES - 192);
	/* Below 100 there is room for a chunk, below 50 there is not. */
	assert_int_equal(take(&f, 1, 1, 2 * CHUNK), CHUNK);
	assert_int_equal(take(&f, 1, 1, 50), 49);
	assert_int_equal(take(&f, 1, 1, 2 * CHUNK), CHUNK + 1);
	iovarig_give(&f, ENTRIES - 128, 65);
	assert_int_equal(take(&f, 2, 64, ENTRIES), TOP);
	iovarig_close(&f);
}

struct held {
	uint64_t first, count;
};

static void whatever_rings_do_nothing_is_handed_out_twice(void **state)
{
	static bool used[ENTRIES];
	struct held live[LIVE];
	unsigned n = 0;
	struct iovarig f;
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	iovarig_open(&f, "contiguous", ENTRIES, 0);
	for (unsigned step = 0; step < 20000; step++) {
		const uint64_t count = 1 + rng_below(&rng, rng_below(&rng, 10) ? 4 : 80);

		if (n < LIVE && rng_below(&rng, 100) < 52) {
			const int64_t first =
				take(&f, (unsigned)rng_below(&rng, 8), count, ENTRIES);

			if (first < 0) {
				assert_int_equal(first, -ENOSPC);
				continue;
			}
			for (uint64_t i = 0; i < count; i++) {
				assert_false(used[(uint64_t)first + i]);
				used[(uint64_t)first + i] = true;
			}
			live[n++] = (struct held){(uint64_t)first, count};
		} else if (n) {
			struct held *h = &live[rng_below(&rng, n)];
			const uint64_t part = 1 + rng_below(&rng, h->count);

			iovarig_give(&f, h->first, part);
			for (uint64_t i = 0; i < part; i++)
				used[h->first + i] = false;
			h->first += part;
			h->count -= part;
			if (h->count == 0)
				*h = live[--n];
		}
	}
	while (n--)
		iovarig_give(&f, live[n].first, live[n].count);
	assert_int_equal(f.a->live, 0);
	iovarig_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_takes_its_entries_in_order_out_of_one_chunk),
		cmocka_unit_test(rings_have_chunks_of_their_own),
		cmocka_unit_test(what_does_not_fit_begins_another_chunk),
		cmocka_unit_test(a_chunk_that_is_all_back_begins_again),
		cmocka_unit_test(longer_ranges_and_narrow_devices_are_the_trees),
		cmocka_unit_test(whatever_rings_do_nothing_is_handed_out_twice),
	};

	return cmocka_run_group_tests_name("dma/contiguous", tests, NULL, NULL);
}

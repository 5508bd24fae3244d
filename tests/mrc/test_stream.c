// SPDX-License-Identifier: MIT
/* Streams: which misses nothing could have prevented, and what invalidations reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "mrc/mrc.h"

static void first_uses_are_cold_and_uses_after_a_drop_are_not_capacity(void **state)
{
	struct mrc_stream s;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_access(&s, 1, 5), 0); /* cold */
	assert_int_equal(mrc_access(&s, 1, 5), 0);
	assert_int_equal(mrc_access(&s, 2, 5), 0); /* cold: another device's page */
	assert_int_equal(mrc_drop(&s, 1, 4, 3), 0);
	assert_int_equal(mrc_access(&s, 2, 5), 0);
	assert_int_equal(mrc_access(&s, 1, 5), 0); /* invalidated */
	assert_int_equal(mrc_drop_tag(&s, 2), 0);
	assert_int_equal(mrc_access(&s, 1, 5), 0);
	assert_int_equal(mrc_access(&s, 2, 5), 0); /* invalidated */
	assert_int_equal(mrc_drop_all(&s), 0);
	assert_int_equal(mrc_drop(&s, 1, 5, 1), 0); /* dropped twice, missed once */
	assert_int_equal(mrc_access(&s, 1, 5), 0);  /* invalidated */
	assert_int_equal(s.accesses, 8);
	assert_int_equal(s.cold, 2);
	assert_int_equal(s.invalidated, 3);
	mrc_stream_fini(&s);
}

static void a_huge_range_drops_the_pages_that_are_known(void **state)
{
	struct mrc_stream s;
	size_t before;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	for (uint64_t pfn = 0; pfn < 5000; pfn++) /* beyond the first size of every table */
		assert_int_equal(mrc_access(&s, (uint32_t)(pfn % 2), pfn), 0);
	before = s.events;
	assert_int_equal(mrc_drop(&s, 0, 10, UINT64_MAX), 0);
	assert_int_equal(s.events - before, 2500 - 5); /* even pages but 0, 2, 4, 6, 8 */
	assert_int_equal(s.drops, 1);
	assert_int_equal(mrc_find(&s, 1, 4999), 4999);
	assert_int_equal(mrc_find(&s, 0, 4999), MRC_NEVER);
	mrc_stream_fini(&s);
}

/* ---- many at a time, and as they go by ---- */

#define RANDOM 20000u

struct random_many {
	uint32_t tag[RANDOM], drop[RANDOM];
	uint64_t pfn[RANDOM];
};

static void fill(struct random_many *m, struct rng *rng, uint64_t pages)
{
	for (size_t i = 0; i < RANDOM; i++) {
		m->tag[i] = (uint32_t)rng_below(rng, 3);
		m->pfn[i] = rng_below(rng, 1 + rng_below(rng, pages));
		m->drop[i] = rng_below(rng, 5) ? 0 : 1 + (uint32_t)rng_below(rng, 2);
		if (m->drop[i] && !rng_below(rng, 200))
			m->drop[i] = UINT32_MAX;
	}
}

/* Give @m to @s, all at once (@most is 0) or in pieces of up to @most, with flushes in between. */
static void give(struct mrc_stream *s, const struct random_many *m, size_t most, bool singly)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (size_t i = 0, n; i < RANDOM; i += n) {
		const struct mrc_many many = {m->tag + i, m->pfn + i, m->drop + i,
					      singly ? 1 : 1 + (size_t)rng_below(&rng, most)};

		n = many.count < RANDOM - i ? many.count : RANDOM - i;
		if (singly && m->drop[i])
			assert_int_equal(mrc_drop(s, m->tag[i], m->pfn[i], m->drop[i]), 0);
		else if (singly)
			assert_int_equal(mrc_access(s, m->tag[i], m->pfn[i]), 0);
		else
			assert_int_equal(mrc_take_many(s, &(struct mrc_many){many.tag, many.pfn,
									     many.drop, n}),
					 0);
		if (i / 4096 != (i + n) / 4096)
			assert_int_equal(mrc_drop_tag(s, (uint32_t)(i / 4096 % 3)), 0);
		if (i / 9000 != (i + n) / 9000)
			assert_int_equal(mrc_drop_all(s), 0);
	}
}

static void many_at_a_time_make_the_stream_that_one_by_one_make(void **state)
{
	struct random_many *m = malloc(sizeof(*m));
	struct mrc_stream one, many;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	assert_non_null(m);
	for (unsigned round = 0; round < 12; round++) {
		/* Pieces of one: the drops of tags come at the same places. */
		const size_t most = 1;

		fill(m, &rng, UINT64_C(4) << 2 * round);
		assert_int_equal(mrc_stream_init(&one), 0);
		assert_int_equal(mrc_stream_init(&many), 0);
		give(&one, m, most, true);
		give(&many, m, most, false);
		assert_int_equal(one.events, many.events);
		assert_memory_equal(one.event, many.event, one.events * sizeof(*one.event));
		mrc_stream_fini(&many);
		mrc_stream_fini(&one);

		/* All at once, without them. */
		assert_int_equal(mrc_stream_init(&one), 0);
		assert_int_equal(mrc_stream_init(&many), 0);
		assert_int_equal(
			mrc_take_many(&many, &(struct mrc_many){m->tag, m->pfn, m->drop, RANDOM}),
			0);
		for (size_t i = 0; i < RANDOM; i++)
			assert_int_equal(m->drop[i]
						 ? mrc_drop(&one, m->tag[i], m->pfn[i], m->drop[i])
						 : mrc_access(&one, m->tag[i], m->pfn[i]),
					 0);
		assert_int_equal(one.events, many.events);
		assert_memory_equal(one.event, many.event, one.events * sizeof(*one.event));
		assert_int_equal(one.accesses, many.accesses);
		assert_int_equal(one.cold, many.cold);
		assert_int_equal(one.invalidated, many.invalidated);
		assert_int_equal(one.drops, many.drops);
		mrc_stream_fini(&many);
		mrc_stream_fini(&one);
	}
	free(m);
}

struct going {
	struct mrc_rows *rows;
	struct mrc_stack *stack;
	size_t events, calls;
};

static int take(void *ctx, const struct mrc_stream *s)
{
	struct going *g = ctx;

	assert_in_range(s->events, 1, MRC_CHUNK);
	g->events += s->events;
	g->calls++;
	assert_int_equal(mrc_rows_take(g->rows, s), 0);
	return mrc_stack_take(g->stack, s);
}

static void a_stream_that_goes_by_gives_what_one_that_is_kept_gives(void **state)
{
	struct random_many *m = malloc(sizeof(*m));
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	assert_non_null(m);
	for (unsigned round = 0; round < 8; round++) {
		const struct iotlb_config c = {.entries = 16u << round % 4,
					       .ways = 1u << round % 5,
					       .line_pages = 1,
					       .policy = "lru"};
		struct mrc_stream kept, going;
		struct going g = {0};
		struct mrc_count count;
		uint64_t *depth;
		const uint64_t *as_it_goes;
		size_t depths, deepest;

		fill(m, &rng, 500);
		assert_int_equal(mrc_stream_init(&kept), 0);
		assert_int_equal(mrc_stream_init(&going), 0);
		assert_int_equal(mrc_rows_create(&g.rows, &c, NULL), 0);
		assert_int_equal(mrc_stack_create(&g.stack), 0);
		assert_int_equal(mrc_stream_pour(&going, take, &g), 0);
		give(&kept, m, 300, false);
		give(&going, m, 300, false);
		assert_int_equal(mrc_stream_flush(&going), 0);
		assert_int_equal(g.events, kept.events);
		assert_true(g.calls > 1);
		assert_int_equal(going.accesses, kept.accesses);
		assert_int_equal(going.invalidated, kept.invalidated);
		assert_int_equal(mrc_simulate(&kept, &c, &count, NULL), 0);
		assert_int_equal(mrc_rows_hits(g.rows), count.hits);
		assert_int_equal(mrc_stack(&kept, &depth, &depths), 0);
		as_it_goes = mrc_stack_depths(g.stack, &deepest);
		assert_int_equal(deepest, depths);
		assert_memory_equal(as_it_goes, depth, (depths + 1) * sizeof(*depth));
		free(depth);
		mrc_rows_destroy(g.rows);
		mrc_stack_destroy(g.stack);
		mrc_stream_fini(&going);
		mrc_stream_fini(&kept);
	}
	free(m);
}

static int refuse(void *ctx, const struct mrc_stream *s)
{
	(void)ctx;
	(void)s;
	return -7;
}

static void what_a_sink_answers_ends_the_call(void **state)
{
	struct mrc_stream s;
	int rc = 0;
	uint64_t i;

	(void)state;
	assert_int_equal(mrc_stream_init(&s), 0);
	assert_int_equal(mrc_stream_pour(&s, refuse, NULL), 0);
	for (i = 0; i < 2 * MRC_CHUNK && !rc; i++)
		rc = mrc_access(&s, 0, i % 10);
	assert_int_equal(rc, -7);
	assert_int_equal(i, MRC_CHUNK + 1);
	mrc_stream_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_uses_are_cold_and_uses_after_a_drop_are_not_capacity),
		cmocka_unit_test(a_huge_range_drops_the_pages_that_are_known),
		cmocka_unit_test(many_at_a_time_make_the_stream_that_one_by_one_make),
		cmocka_unit_test(a_stream_that_goes_by_gives_what_one_that_is_kept_gives),
		cmocka_unit_test(what_a_sink_answers_ends_the_call),
	};

	return cmocka_run_group_tests_name("mrc/stream", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What is expected of every row of the allocator registry: nothing is handed out twice, nor what is
 * withheld, nor what a device cannot drive; what is given back can be had again. Random programs,
 * against an array of flags. Which addresses a row hands out is its own test's affair.
 */
#include <errno.h>

#include "base/rng.h"
#include "iovarig.h"

#define LIVE_MAX 400u

struct held {
	uint64_t first, count;
};

struct program {
	struct iovarig f;
	struct rng *rng;
	uint8_t *used; /* 1 taken, 2 withheld */
	struct held live[LIVE_MAX];
	unsigned n;
	uint64_t useless; /* nothing below this can be had */
};

static void claim(struct program *p, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (p->used[i])
			fail_msg("%s: entry %llu handed out although %s", p->f.a->ops->name,
				 (unsigned long long)i, p->used[i] == 1 ? "taken" : "withheld");
		p->used[i] = 1;
	}
}

static void take_some(struct program *p)
{
	/* Nearly always short, as real requests are. */
	const uint64_t count = 1 + rng_below(p->rng, rng_below(p->rng, 8) ? 3 : 70);
	const uint64_t entries = p->f.a->entries;
	const uint64_t limit =
		rng_below(p->rng, 5) ? entries : entries / 2 + rng_below(p->rng, entries / 2);
	const int64_t first = iovarig_take(&p->f, count, limit);

	if (first < 0) {
		assert_int_equal(first, -ENOSPC);
		return;
	}
	claim(p, (uint64_t)first, count);
	p->live[p->n++] = (struct held){(uint64_t)first, count};
}

/* Whole ranges, or what is to go of them from either end. */
static void give_some(struct program *p)
{
	const unsigned i = (unsigned)rng_below(p->rng, p->n);
	struct held *h = &p->live[i];
	const uint64_t count = rng_below(p->rng, 8) ? h->count : 1 + rng_below(p->rng, h->count);
	const uint64_t first = rng_below(p->rng, 2) ? h->first : h->first + h->count - count;

	iovarig_give(&p->f, first, count);
	memset(&p->used[first], 0, count);
	if (first == h->first)
		h->first += count;
	h->count -= count;
	if (!h->count)
		*h = p->live[--p->n];
}

static void compare_owned(struct program *p)
{
	uint64_t taken = 0, withheld = 0;

	for (uint64_t i = 0; i < p->f.a->entries; i++) {
		assert_int_equal(p->f.a->ops->owns(p->f.a, i, 1), p->used[i] == 1);
		taken += p->used[i] == 1;
		withheld += p->used[i] == 2;
	}
	assert_int_equal(p->f.a->live, taken);
	assert_int_equal(p->f.a->reserved, withheld);
}

static void withhold_some(struct program *p)
{
	const uint64_t entries = p->f.a->entries;

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t first = rng_below(p->rng, entries), count = rng_below(p->rng, 60);

		assert_int_equal(p->f.a->ops->reserve(p->f.a, first, count), 0);
		for (uint64_t at = first; at < first + count && at < entries; at++)
			p->used[at] = 2;
		assert_true(p->f.a->ops->check(p->f.a));
	}
	for (uint64_t limit = 0; limit <= entries; limit += 1 + rng_below(p->rng, 40)) {
		int64_t got;

		if (!p->f.a->ops->usable_below(p->f.a, limit)) {
			p->useless = limit;
			continue;
		}
		got = iovarig_take(&p->f, 1, limit);
		assert_true(got >= 0);
		assert_int_equal(p->used[got], 0);
		iovarig_give(&p->f, (uint64_t)got, 1);
	}
}

static void run_program(const char *name, struct rng *rng, uint64_t entries)
{
	struct program p = {.rng = rng};

	p.used = calloc(entries, 1);
	iovarig_open(&p.f, name, entries, 0);
	withhold_some(&p);
	for (unsigned step = 0; step < 2500; step++) {
		if (!p.n || (p.n < LIVE_MAX && rng_below(rng, 100) < 55))
			take_some(&p);
		else
			give_some(&p);
		if (step % 500 == 0)
			compare_owned(&p);
	}
	compare_owned(&p);
	while (p.n)
		give_some(&p);
	assert_int_equal(p.f.a->live, 0);
	/* Last of all: Linux's tree remembers what failed until something is freed. */
	if (p.useless)
		assert_int_equal(iovarig_take(&p.f, 1, p.useless), -ENOSPC);
	iovarig_close(&p.f);
	free(p.used);
}

static void nothing_is_handed_out_twice_or_where_it_may_not(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (const struct iova_ops *const *row = iova_allocators; *row; row++)
		for (unsigned i = 0; i < 6; i++)
			run_program((*row)->name, &rng, 64 + rng_below(&rng, 2000));
}

/* Single entries until there are none; how many there were. */
static uint64_t fill(struct iovarig *f, uint64_t *first, uint64_t entries)
{
	uint64_t n = 0;

	for (;;) {
		const int64_t got = iovarig_take(f, 1, entries);

		if (got < 0) {
			assert_int_equal(got, -ENOSPC);
			return n;
		}
		assert_true(n < entries);
		first[n++] = (uint64_t)got;
	}
}

static void a_table_can_be_used_up_given_back_and_used_up_again(void **state)
{
	const uint64_t entries = 1000;
	struct iovarig f;
	uint64_t *first = calloc(entries, sizeof(*first));

	(void)state;
	for (const struct iova_ops *const *row = iova_allocators; *row; row++) {
		iovarig_open(&f, (*row)->name, entries, 0);
		for (unsigned round = 0; round < 3; round++) {
			const uint64_t n = fill(&f, first, entries);

			/* All but what a row never uses: an end of its table, or of each part. */
			assert_in_range(n, entries - 8, entries);
			assert_int_equal(f.a->live, n);
			for (uint64_t i = 0; i < n; i++)
				iovarig_give(&f, first[round % 2 ? n - 1 - i : i], 1);
			assert_int_equal(f.a->live, 0);
		}
		iovarig_close(&f);
	}
	free(first);
}

static void requests_that_no_table_has_room_for_are_refused(void **state)
{
	struct iovarig f;

	(void)state;
	for (const struct iova_ops *const *row = iova_allocators; *row; row++) {
		iovarig_open(&f, (*row)->name, 512, 0);
		assert_int_equal(iovarig_take(&f, 513, 512), -ENOSPC);
		assert_int_equal(iovarig_take(&f, 1u << 20, 512), -ENOSPC);
		assert_int_equal(iovarig_take(&f, UINT64_C(1) << 51, 512), -ENOSPC);
		assert_int_equal(iovarig_take(&f, 9, 8), -ENOSPC);
		assert_true(iovarig_take(&f, 1, 512) >= 0);
		assert_false(f.a->ops->owns(f.a, 511, UINT64_MAX));
		assert_false(f.a->ops->owns(f.a, UINT64_MAX, 1));
		assert_false(f.a->ops->owns(f.a, 0, 0));
		assert_int_equal(f.a->ops->reserve(f.a, 512, 10), 0);
		assert_int_equal(f.a->ops->reserve(f.a, UINT64_MAX, UINT64_MAX), 0);
		assert_int_equal(f.a->reserved, 0);
		iovarig_close(&f);
	}
}

static void only_rows_that_wrap_say_so(void **state)
{
	const uint64_t entries = 512;
	struct iovarig f;

	(void)state;
	for (const struct iova_ops *const *row = iova_allocators; *row; row++) {
		iovarig_open(&f, (*row)->name, entries, 0);
		for (uint64_t i = 0; i < 2 * entries; i++)
			iovarig_give(&f, (uint64_t)iovarig_take(&f, 1, entries), 1);
		assert_int_equal(f.wraps > 0, (*row)->wraps);
		assert_int_equal(f.a->wraps, f.wraps);
		iovarig_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_handed_out_twice_or_where_it_may_not),
		cmocka_unit_test(a_table_can_be_used_up_given_back_and_used_up_again),
		cmocka_unit_test(requests_that_no_table_has_room_for_are_refused),
		cmocka_unit_test(only_rows_that_wrap_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
